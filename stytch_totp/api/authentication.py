"""Who calls: a back end with the project's secret."""

import base64
import binascii
import hmac
from dataclasses import dataclass

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from stytch_totp import errors
from stytch_totp.conf import conf
from stytch_totp.core.ids import is_project_id
from stytch_totp.core.tokens import digest

LONGEST_HEADER = 1024
MEMBER_SESSION_HEADERS = ("X-Stytch-Member-Session", "X-Stytch-Member-SessionJWT")


@dataclass(frozen=True)
class ProjectCaller:
    """A back end that knows a project secret. It is no person and no Django user."""

    project_id: str
    is_authenticated: bool = True


class ProjectAuthentication(BaseAuthentication):
    """HTTP Basic authentication with project id and secret. Cookies are never read."""

    def authenticate(self, request: Request) -> tuple[ProjectCaller, None]:
        project_id, secret = _basic(request.headers.get("Authorization", ""))
        if not is_project_id(project_id):
            raise errors.InvalidProjectID
        given = digest("secret", secret)
        # Every secret is compared, whatever the project id: how long it takes tells nothing of either.
        right = [hmac.compare_digest(known, given) for known in conf().secret_digests]
        if not any(right) or not hmac.compare_digest(project_id, conf().project_id):
            raise errors.UnauthorizedCredentials
        if any(header in request.headers for header in MEMBER_SESSION_HEADERS):
            raise errors.SessionAuthorization
        return ProjectCaller(project_id), None


def _basic(header: str) -> tuple[str, str]:
    """User and password of a Basic header (RFC 7617). Raises UnauthorizedCredentials."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(header) > LONGEST_HEADER:
        raise errors.UnauthorizedCredentials
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise errors.UnauthorizedCredentials from None
    if not colon:
        raise errors.UnauthorizedCredentials
    return user, password
