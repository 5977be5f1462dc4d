"""``/v1/b2b/sessions`` (contract 1.9)."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.api.b2b.totp import Subject, subject, wishes
from stytch_totp.api.inputs import Object, SessionWishes, Text
from stytch_totp.api.objects import key_object, member_fields, member_session_fields, member_session_object
from stytch_totp.api.views import StytchViewSet
from stytch_totp.conf import conf
from stytch_totp.operations import members, sessions, signing

JWKS_SECONDS = 300
SESSION_ARGUMENTS = ("session_token", "session_jwt")
REVOKE_ARGUMENTS = (*SESSION_ARGUMENTS, "member_session_id", "member_id")


class SessionArguments(serializers.Serializer[Any]):
    session_token = Text(required=False, default="", error=errors.InvalidSessionToken)
    session_jwt = Text(required=False, default="", longest=16384, error=errors.UnableToParseSessionJWT)


class AuthenticateInput(SessionArguments, SessionWishes):
    authorization_check = Object(required=False)


class RevokeInput(SessionArguments):
    member_session_id = Text(required=False, default="", error=errors.InvalidSessionID)
    member_id = Text(required=False, default="")


class SessionViewSet(StytchViewSet):
    def list(self, request: Request) -> Response:
        member = subject(self.read(Subject))
        return self.answer(member_sessions=[member_session_object(one) for one in sessions.of_member(member)])

    def authenticate(self, request: Request) -> Response:
        data = self.read(AuthenticateInput)
        if "authorization_check" in data:
            raise errors.BadRequest("authorization_check is not served yet; check the member's roles yourself.")
        given = [name for name in SESSION_ARGUMENTS if data[name]]
        if len(given) != 1:
            raise errors.TooManySessionArguments if given else errors.NoSessionArguments
        granted = sessions.authenticate(**{given[0]: data[given[0]]}, **wishes(data))
        fields = member_fields(granted.session.member) | member_session_fields(granted)
        del fields["member_id"]
        return self.answer(**fields)

    def revoke(self, request: Request) -> Response:
        data = self.read(RevokeInput)
        given = [name for name in REVOKE_ARGUMENTS if data[name]]
        if len(given) != 1:
            raise errors.TooManySessionRevokeArguments if given else errors.NoSessionRevokeArguments
        name, value = given[0], data[given[0]]
        if name == "member_id":
            sessions.revoke_of_member(members.resolve_anywhere(value), actor=self.actor)
        elif name == "member_session_id":
            sessions.revoke_by_id(sessions.parse_session_id(value), actor=self.actor)
        else:
            sessions.revoke(sessions.find(**{name: value}), actor=self.actor)
        return self.answer()


class KeySetViewSet(StytchViewSet):
    """Public: verifiers fetch it without credentials (contract 0.5), and caches may keep it."""

    authentication_classes = ()
    cache_control = f"public, max-age={JWKS_SECONDS}"

    def list(self, request: Request, project_id: str) -> Response:
        if project_id != conf().project_id:
            raise errors.ProjectNotFound
        return self.answer(keys=[key_object(key) for key in signing.key_set()])
