"""``/v1/b2b/organizations/{o}/members`` (contract 1.8)."""

from collections.abc import Collection
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.api.b2b.base import B2BViewSet
from stytch_totp.api.b2b.objects import member_fields, member_object, organization_object
from stytch_totp.api.inputs import Choice, Flag, Object, QueryFlag, Text, Texts
from stytch_totp.api.searching import SearchInput, page_fields, query_of
from stytch_totp.api.views import reads
from stytch_totp.models import Member
from stytch_totp.operations import enrolment, members, organizations, search

COLUMNS = {"email_address": "email", "create_member_as_pending": "pending"}
ACTIONS = {
    "name": "update.info.name",
    "untrusted_metadata": "update.info.untrusted-metadata",
    "mfa_phone_number": "update.info.mfa-phone",
    "mfa_enrolled": "update.settings.mfa-enrolled",
    "default_mfa_method": "update.settings.default-mfa-method",
    "email_address": "update.info.email",
    "external_id": "update.info.external-id",
    "is_breakglass": "update.settings.is-breakglass",
    "roles": "update.settings.roles",
}


class MemberInput(serializers.Serializer[Any]):
    """The fields that a member can be made and changed with."""

    email_address = Text(required=False, longest=254, error=errors.InvalidEmail)
    name = Text(required=False, longest=255)
    trusted_metadata = Object(required=False)
    untrusted_metadata = Object(required=False)
    is_breakglass = Flag(required=False)
    mfa_phone_number = Text(required=False, longest=32)
    mfa_enrolled = Flag(required=False)
    roles = Texts(required=False)
    external_id = Text(required=False, shortest=1, longest=128)


class MemberCreate(MemberInput):
    email_address = Text(longest=254, error=errors.InvalidEmail)
    create_member_as_pending = Flag(required=False)


class MemberUpdate(MemberInput):
    default_mfa_method = Choice(("totp", "sms_otp"), required=False, error=errors.InvalidMFADefaultMethod)


class Selector(serializers.Serializer[Any]):
    member_id = Text(required=False)
    email_address = Text(required=False)


class Deleted(serializers.Serializer[Any]):
    include_deleted = QueryFlag(required=False, default=False)


class MemberSearchInput(SearchInput):
    organization_ids = Texts(required=False, default=list)


class MemberViewSet(B2BViewSet):
    by_members = ("create", "update", "destroy", "reactivate", "destroy_totp", "destroy_external_id", "search")

    @reads(MemberCreate)
    def create(self, request: Request, organization_id: str = "") -> Response:
        tenant, data = self.caller.organization(organization_id), self.read()
        self.caller.permit_member(tenant, None, ["create", *_actions(data, only=("roles", "is_breakglass"))])
        return self._one(members.create(tenant, actor=self.actor, **self.columns(data, COLUMNS)))

    @reads(Selector)
    def retrieve(self, request: Request, organization_id: str) -> Response:
        tenant, wanted = organizations.resolve(organization_id), self.read()
        if len(wanted) != 1:
            raise errors.InvalidMemberGetFields
        if "member_id" in wanted:
            return self._one(members.resolve(organization_id, wanted["member_id"]))
        found = members.by_email(tenant, wanted["email_address"])
        if found is None:
            raise errors.MemberNotFound
        return self._one(found)

    def retrieve_self(self, request: Request) -> Response:
        return self._one(self.caller.managed())

    @reads(MemberUpdate)
    def update(self, request: Request, organization_id: str = "", member_id: str = "") -> Response:
        data = self.read()
        found = self._permitted(organization_id, member_id, *_actions(data))
        fields = self.columns(data, COLUMNS)
        return self._one(members.update(found, actor=self.actor, proof=self.caller.session, **fields))

    def destroy(self, request: Request, organization_id: str = "", member_id: str = "") -> Response:
        found = self._permitted(organization_id, member_id, "delete")
        members.delete(found, actor=self.actor, proof=self.caller.session)
        return self.answer(member_id=found.public_id)

    def reactivate(self, request: Request, organization_id: str = "", member_id: str = "") -> Response:
        found = self._permitted(organization_id, member_id, "create", include_deleted=True)
        return self._one(members.reactivate(found, actor=self.actor))

    def destroy_totp(self, request: Request, organization_id: str = "", member_id: str = "") -> Response:
        found = self._permitted(organization_id, member_id, "update.info.delete.mfa-totp")
        return self._one(enrolment.delete(found, actor=self.actor, proof=self.caller.session))

    def destroy_external_id(self, request: Request, organization_id: str, member_id: str) -> Response:
        found = self._permitted(organization_id, member_id, "update.info.external-id")
        return self._one(members.update(found, actor=self.actor, external_id=None))

    @reads(Deleted)
    def dangerously_get(self, request: Request, member_id: str) -> Response:
        wanted = self.read()
        return self._one(members.resolve_anywhere(member_id, include_deleted=wanted["include_deleted"]))

    @reads(MemberSearchInput)
    def search(self, request: Request) -> Response:
        wanted = self.read()
        tenants = self.caller.tenants(wanted["organization_ids"])
        for tenant in tenants:
            self.caller.permit_member(tenant, None, ["search"])
        page = search.members(tenants, query_of(wanted), cursor=wanted["cursor"], limit=wanted["limit"])
        shown = {tenant.public_id: organization_object(tenant) for tenant in tenants}
        found = [member_object(row) for row in page.rows]
        return self.answer(members=found, organizations=shown, **page_fields(page))

    def _permitted(self, organization_id: str, member_id: str, *actions: str, include_deleted: bool = False) -> Member:
        found: Member = self.caller.managed(organization_id, member_id, include_deleted=include_deleted)
        self.caller.permit_member(found.organization, found, actions)
        return found

    def _one(self, member: Member) -> Response:
        return self.answer(**member_fields(member))


def _actions(data: dict[str, Any], only: Collection[str] = tuple(ACTIONS)) -> list[str]:
    """What a body asks to be permitted, by RBAC's names."""
    return [ACTIONS[name] for name in data if name in only]
