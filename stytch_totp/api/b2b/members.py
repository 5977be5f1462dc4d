"""``/v1/b2b/organizations/{o}/members`` (contract 1.8)."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.api.b2b.searching import SearchInput, page_fields, query_of
from stytch_totp.api.inputs import Choice, Flag, Object, QueryFlag, Text, Texts
from stytch_totp.api.objects import member_fields, member_object, organization_object
from stytch_totp.api.views import StytchViewSet
from stytch_totp.conf import public_id
from stytch_totp.models import Member
from stytch_totp.operations import enrolment, members, organizations, search

COLUMNS = {"email_address": "email", "create_member_as_pending": "pending"}


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
    organization_ids = Texts()


class MemberViewSet(StytchViewSet):
    def create(self, request: Request, organization_id: str) -> Response:
        tenant = organizations.resolve(organization_id)
        return self._one(members.create(tenant, actor=self.actor, **self._columns(MemberCreate)))

    def retrieve(self, request: Request, organization_id: str) -> Response:
        tenant, wanted = organizations.resolve(organization_id), self.read(Selector)
        if len(wanted) != 1:
            raise errors.InvalidMemberGetFields
        if "member_id" in wanted:
            return self._one(members.resolve(organization_id, wanted["member_id"]))
        found = members.by_email(tenant, wanted["email_address"])
        if found is None:
            raise errors.MemberNotFound
        return self._one(found)

    def update(self, request: Request, organization_id: str, member_id: str) -> Response:
        found = members.resolve(organization_id, member_id)
        return self._one(members.update(found, actor=self.actor, **self._columns(MemberUpdate)))

    def destroy(self, request: Request, organization_id: str, member_id: str) -> Response:
        found = members.resolve(organization_id, member_id)
        members.delete(found, actor=self.actor)
        return self.answer(member_id=public_id("member", found.pk))

    def reactivate(self, request: Request, organization_id: str, member_id: str) -> Response:
        found = members.resolve(organization_id, member_id, include_deleted=True)
        return self._one(members.reactivate(found, actor=self.actor))

    def destroy_totp(self, request: Request, organization_id: str, member_id: str) -> Response:
        return self._one(enrolment.delete(members.resolve(organization_id, member_id), actor=self.actor))

    def destroy_external_id(self, request: Request, organization_id: str, member_id: str) -> Response:
        found = members.resolve(organization_id, member_id)
        return self._one(members.update(found, actor=self.actor, external_id=None))

    def dangerously_get(self, request: Request, member_id: str) -> Response:
        wanted = self.read(Deleted)
        return self._one(members.resolve_anywhere(member_id, include_deleted=wanted["include_deleted"]))

    def search(self, request: Request) -> Response:
        wanted = self.read(MemberSearchInput)
        if not wanted["organization_ids"]:
            raise errors.BadRequest("organization_ids is empty.")
        tenants = organizations.resolve_all(wanted["organization_ids"])
        page = search.members(tenants, query_of(wanted), cursor=wanted["cursor"], limit=wanted["limit"])
        shown = {public_id("organization", tenant.pk): organization_object(tenant) for tenant in tenants}
        found = [member_object(row) for row in page.rows]
        return self.answer(members=found, organizations=shown, **page_fields(page))

    def _columns(self, shape: type[MemberInput]) -> dict[str, Any]:
        return {COLUMNS.get(name, name): value for name, value in self.read(shape).items()}

    def _one(self, member: Member) -> Response:
        return self.answer(**member_fields(member))
