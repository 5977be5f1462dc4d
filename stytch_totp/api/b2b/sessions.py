"""``b2b/sessions`` (contract 1.9)."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.api.b2b.base import B2BViewSet, Subject, login_fields
from stytch_totp.api.b2b.objects import (
    member_object,
    member_session_fields,
    member_session_object,
    organization_object,
)
from stytch_totp.api.inputs import AuthorizationCheck, SessionArguments, SessionWishes, Text, only_one
from stytch_totp.api.views import reads
from stytch_totp.models import Member, Session
from stytch_totp.operations import authorization, discovery, members, organizations, sessions

REVOKE_ARGUMENTS = ("session_token", "session_jwt", "member_session_id", "member_id")


class TenantCheck(AuthorizationCheck):
    organization_id = Text(shortest=1)


class AuthenticateInput(SessionArguments, SessionWishes):
    authorization_check = TenantCheck(required=False)


class RevokeInput(SessionArguments):
    member_session_id = Text(required=False, default="", error=errors.InvalidSessionID)
    member_id = Text(required=False, default="")


class ExchangeInput(SessionArguments, SessionWishes):
    organization_id = Text(shortest=1)


class SessionViewSet(B2BViewSet):
    by_members = ("revoke",)

    @reads(Subject)
    def list(self, request: Request) -> Response:
        member = self.subject(self.read())
        return self.answer(member_sessions=[member_session_object(one) for one in sessions.of_member(member)])

    @reads(AuthenticateInput)
    def authenticate(self, request: Request) -> Response:
        data = self.read()
        found = self.caller.session_of(self.kind, data)
        fields = self._verdict(found, data["authorization_check"]) if "authorization_check" in data else {}
        granted = sessions.authenticate(found, **self.caller.wishes(data))
        member = found.member
        fields |= {"member": member_object(member), "organization": organization_object(member.organization)}
        fields |= self.for_pages(member_id=member.public_id)
        return self.answer(**member_session_fields(granted), **fields)

    @reads(ExchangeInput)
    def exchange(self, request: Request) -> Response:
        data = self.read()
        done = discovery.exchange(
            self.caller.session_of(self.kind, data),
            organizations.resolve(data["organization_id"]),
            **self.caller.wishes(data),
            actor=self.actor,
        )
        return self.answer(**login_fields(done))

    @reads(RevokeInput)
    def revoke(self, request: Request) -> Response:
        data = self.read()
        none, many = errors.NoSessionRevokeArguments, errors.TooManySessionRevokeArguments
        name, value = only_one(data, REVOKE_ARGUMENTS, none, many)
        if name == "member_id":
            return self._revoke_all(members.resolve_anywhere(value))
        if name == "member_session_id":
            found = sessions.find_by_id(self.kind, sessions.parse_session_id(value))
        else:
            found = sessions.find(self.kind, **{name: value})
        self.caller.permit_member(found.member.organization, found.member, ["revoke-sessions"])
        sessions.revoke(found, actor=self.actor)
        return self.answer()

    def revoke_own(self, request: Request) -> Response:
        sessions.revoke(self.caller.own_session(self.kind), actor=self.actor)
        return self.answer()

    def revoke_of_member(self, request: Request, member_id: str) -> Response:
        return self._revoke_all(self.caller.managed("", member_id))

    def _revoke_all(self, member: Member) -> Response:
        self.caller.permit_member(member.organization, member, ["revoke-sessions"])
        sessions.revoke_of_member(member, actor=self.actor)
        return self.answer()

    def _verdict(self, found: Session, check: dict[str, Any]) -> dict[str, Any]:
        tenant = organizations.resolve(check["organization_id"])
        granting = authorization.verdict(found, check["resource_id"], tenant)
        return {"verdict": {"authorized": True, "granting_roles": granting}}
