"""Who calls: a back end with the project's secret, or a page with a public token."""

import base64
import binascii
import hmac
import logging

from django.db import transaction
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from stytch_totp import errors
from stytch_totp.api.callers import BackEnd, Browser, MemberBehindBackEnd
from stytch_totp.conf import conf
from stytch_totp.core.ids import is_project_id
from stytch_totp.core.tokens import digest
from stytch_totp.models import Organization, Session
from stytch_totp.operations import sessions
from stytch_totp.operations.audit import Actor, Tag, record
from stytch_totp.whereabouts import whereabouts

LONGEST_HEADER = 1024
MEMBER_SESSION_HEADERS = {"session_token": "X-Stytch-Member-Session", "session_jwt": "X-Stytch-Member-SessionJWT"}
PARENT_HOST = "X-SDK-Parent-Host"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
logger = logging.getLogger("stytch_totp")


class ProjectAuthentication(BaseAuthentication):
    """HTTP Basic authentication with project id and secret. Cookies are never read."""

    def authenticate(self, request: Request) -> tuple[BackEnd, None]:
        project_id, secret = _basic(request.headers.get("Authorization", ""))
        if not is_project_id(project_id):
            raise errors.InvalidProjectID
        if not _is_secret(project_id, secret):
            raise errors.UnauthorizedCredentials
        given = {
            name: request.headers[header]
            for name, header in MEMBER_SESSION_HEADERS.items()
            if header in request.headers
        }
        if not given:
            return BackEnd(), None
        if len(given) > 1:
            raise errors.TooManySessionArguments
        return MemberBehindBackEnd(session=sessions.find(Organization.Kind.TENANT, **given, expired_jwt=False)), None


class PublicTokenAuthentication(BaseAuthentication):
    """HTTP Basic authentication with a public token and, if there is one, the session token (contract 3.2).

    A session token that is worth nothing is kept in mind, not refused: only some calls need a session. Cookies are
    never read, so a forged cross-site request has nobody's rights; a page of an origin that isn't allowed is refused
    all the same, lest it log its visitor in as somebody else.
    """

    def authenticate(self, request: Request) -> tuple[Browser, None]:
        public_token, session_token = _basic(request.headers.get("Authorization", ""))
        if is_project_id(public_token):
            self._refuse_secret(request, public_token, session_token)
        if public_token not in conf().public_tokens:
            raise errors.PublicTokenNotFound
        place = f"{public_token} {check_origin(request)}"
        if session_token in ("", public_token):
            return Browser(place=place, session=None, is_stale=False), None
        session = _live(session_token)
        return Browser(place=place, session=session, is_stale=session is None), None

    def _refuse_secret(self, request: Request, project_id: str, secret: str) -> None:
        """A secret that a page sends is one that every visitor has: it must be replaced, and somebody must be told."""
        if _is_secret(project_id, secret):
            logger.error("A page called with the project's secret: it is public now. Replace it.")
            with transaction.atomic():
                request_id = request.parser_context["view"].request_id
                record(Tag.SECRET_EXPOSED, Actor("browser", request_id=request_id, **whereabouts(request)))
        raise errors.UnauthorizedCredentials


def check_origin(request: Request) -> str:
    """The page's origin, compared exactly. Raises BadDomain (AP-05 to AP-07 of the threat model).

    The SDK names it, too, and browsers leave ``Origin`` out of same-origin reads.
    """
    named = [request.headers[name] for name in ("Origin", PARENT_HOST) if name in request.headers]
    missing = not named and request.method not in SAFE_METHODS and conf().origin_required
    if missing or any(origin not in conf().allowed_origins for origin in named):
        raise errors.BadDomain
    return named[0] if named else ""


def _is_secret(project_id: str, secret: str) -> bool:
    given = digest("secret", secret)
    # Every secret is compared, whatever the project id: how long it takes tells nothing of either.
    right = [hmac.compare_digest(known, given) for known in conf().secret_digests]
    return any(right) and hmac.compare_digest(project_id, conf().project_id)


def _live(session_token: str) -> Session | None:
    try:
        return sessions.find(None, session_token=session_token)
    except errors.StytchError:
        return None


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
