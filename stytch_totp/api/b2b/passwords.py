"""``b2b/passwords`` (contract 1.10): the primary factor that comes before MFA."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.api.b2b.base import B2BViewSet, discovery_fields, login_fields
from stytch_totp.api.b2b.objects import member_fields
from stytch_totp.api.hashing import HashInput, StrengthInput, encoded, strength_fields
from stytch_totp.api.inputs import Credentials, Flag, Object, SessionWishes, Text, Texts
from stytch_totp.api.views import reads
from stytch_totp.operations import discovery, members, organizations, passwords

COLUMNS = {"set_phone_number_verified": "mfa_phone_verified"}


class AuthenticateInput(Credentials, SessionWishes):
    organization_id = Text(shortest=1)
    email_address = Text(shortest=1)
    password = Text(shortest=1)


class DiscoveryInput(serializers.Serializer[Any]):
    email_address = Text(shortest=1)
    password = Text(shortest=1)


class MigratedMember(serializers.Serializer[Any]):
    """The fields of a migration that are the member's."""

    name = Text(required=False, longest=255)
    trusted_metadata = Object(required=False)
    untrusted_metadata = Object(required=False)
    roles = Texts(required=False)
    mfa_phone_number = Text(required=False, longest=32)
    set_phone_number_verified = Flag(required=False)
    external_id = Text(required=False, shortest=1, longest=128)


class MigrateInput(HashInput):
    organization_id = Text(shortest=1)
    email_address = Text(longest=254, error=errors.InvalidEmail)


class PasswordViewSet(B2BViewSet):
    @reads(AuthenticateInput)
    def authenticate(self, request: Request) -> Response:
        data = self.read()
        tenant = organizations.resolve(data["organization_id"])
        known = members.by_email(tenant, data["email_address"])
        proof, actor = self.caller.joined(self.kind, data, self.actor, known)
        done = passwords.authenticate(
            tenant,
            email=data["email_address"],
            password=data["password"],
            proof=proof,
            intermediate_session_token=data["intermediate_session_token"],
            **self.caller.wishes(data),
            actor=actor,
        )
        return self.answer(**login_fields(done), organization_id=tenant.public_id)

    @reads(DiscoveryInput)
    def discover(self, request: Request) -> Response:
        data = self.read()
        found = discovery.authenticate(email=data["email_address"], password=data["password"], actor=self.actor)
        token, hint = found.intermediate_session_token, self.for_pages(organization_id_hint=None)
        return self.answer(**discovery_fields(found), **hint, intermediate_session_token=token)

    @reads(MigrateInput, MigratedMember)
    def migrate(self, request: Request) -> Response:
        data, fields = self.read_each()
        member, created = passwords.migrate(
            organizations.resolve(data["organization_id"]),
            email=data["email_address"],
            encoded=encoded(data),
            actor=self.actor,
            **self.columns(fields, COLUMNS),
        )
        return self.answer(**member_fields(member), member_created=created)

    @reads(StrengthInput)
    def strength_check(self, request: Request) -> Response:
        return self.answer(**strength_fields(self.read(), "zxcvbn_feedback"))
