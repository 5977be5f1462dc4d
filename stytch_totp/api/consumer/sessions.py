"""``sessions`` (contract 2.3)."""

from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.api.consumer.base import ConsumerViewSet, Subject
from stytch_totp.api.consumer.objects import granted_fields, session_object, user_object
from stytch_totp.api.inputs import AuthorizationCheck, SessionArguments, SessionWishes, Text, only_one
from stytch_totp.api.views import reads
from stytch_totp.operations import authorization, sessions


class AuthenticateInput(SessionArguments, SessionWishes):
    authorization_check = AuthorizationCheck(required=False)


class RevokeInput(SessionArguments):
    session_id = Text(required=False, default="", error=errors.InvalidSessionID)


class SessionViewSet(ConsumerViewSet):
    @reads(Subject)
    def list(self, request: Request) -> Response:
        user = self.subject(self.read())
        return self.answer(sessions=[session_object(one) for one in sessions.of_member(user)])

    @reads(AuthenticateInput)
    def authenticate(self, request: Request) -> Response:
        data = self.read()
        found, fields = self.caller.session_of(self.kind, data), {}
        if "authorization_check" in data:
            resource = data["authorization_check"]["resource_id"]
            granting = authorization.verdict(found, resource, found.member.organization)
            fields["verdict"] = {"authorized": True, "granting_roles": granting}
        granted = sessions.authenticate(found, **self.caller.wishes(data))
        fields |= {"user": user_object(found.member), **self.for_pages(user_id=found.member.public_id)}
        return self.answer(**granted_fields(granted), **fields)

    @reads(RevokeInput)
    def revoke(self, request: Request) -> Response:
        data = self.read()
        none, many = errors.NoSessionRevokeArguments, errors.TooManySessionRevokeArguments
        name, value = only_one(data, ("session_token", "session_jwt", "session_id"), none, many)
        if name == "session_id":
            found = sessions.find_by_id(self.kind, sessions.parse_session_id(value))
        else:
            found = sessions.find(self.kind, **{name: value})
        sessions.revoke(found, actor=self.actor)
        return self.answer()

    def revoke_own(self, request: Request) -> Response:
        sessions.revoke(self.caller.own_session(self.kind), actor=self.actor)
        return self.answer()
