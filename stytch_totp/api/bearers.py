"""For your own views in Django REST framework: a member's session as ``Authorization: Bearer …``.

``SessionTokenAuthentication`` asks the database and knows a revoked session at once. ``SessionJWTAuthentication``
checks the signature and believes the JWT, which is good for five minutes whatever became of its session. Listed
together, each takes what is its own.
"""

from typing import Any

from django.views.decorators.debug import sensitive_variables
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from stytch_totp import errors
from stytch_totp.core import tokens
from stytch_totp.core.jwt import InvalidJWT
from stytch_totp.models import Member
from stytch_totp.operations import assurance
from stytch_totp.operations.assurance import NOBODY, Assurance


class MemberUser:
    """``request.user`` for a member whom no Django user stands behind."""

    is_authenticated = is_active = True
    is_anonymous = is_staff = is_superuser = False

    def __init__(self, member: Member) -> None:
        self.member = member
        self.pk = self.id = member.public_id

    def __str__(self) -> str:
        return str(self.pk)


class _Bearer(BaseAuthentication):
    """Sets ``request.user``, and ``request.mfa`` by what the session has shown; ``request.auth`` is the same."""

    @sensitive_variables()
    def authenticate(self, request: Request) -> tuple[Any, Assurance] | None:
        http_request: Any = request._request  # noqa: SLF001 - where the middleware looks when the user is set
        http_request.mfa = getattr(http_request, "mfa", NOBODY)  # where there is no middleware
        scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.takes(credential):
            return None
        try:
            mfa = self.assess(credential)
        except (errors.StytchError, InvalidJWT):
            raise AuthenticationFailed from None
        if mfa.user is None and mfa.member is not None:
            mfa.user = MemberUser(mfa.member)
        if not mfa.user.is_active:
            raise AuthenticationFailed
        http_request.mfa = mfa
        return mfa.user, mfa

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def takes(self, credential: str) -> bool:
        raise NotImplementedError

    @sensitive_variables()
    def assess(self, credential: str) -> Assurance:
        raise NotImplementedError


class SessionTokenAuthentication(_Bearer):
    """By the member's session token."""

    def takes(self, credential: str) -> bool:
        return tokens.is_token(credential)

    @sensitive_variables()
    def assess(self, credential: str) -> Assurance:
        return assurance.of_token(credential)


class SessionJWTAuthentication(_Bearer):
    """By the member's session JWT, verified here."""

    def takes(self, credential: str) -> bool:
        return credential.count(".") == 2  # noqa: PLR2004 - header, claims, signature

    @sensitive_variables()
    def assess(self, credential: str) -> Assurance:
        return assurance.of_jwt(credential)
