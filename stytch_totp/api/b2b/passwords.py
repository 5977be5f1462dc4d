"""``/v1/b2b/passwords`` (contract 1.10): the primary factor that comes before MFA."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.api.b2b.totp import shown, wishes
from stytch_totp.api.inputs import Credentials, Flag, Object, SessionWishes, Text, Texts
from stytch_totp.api.objects import member_fields, member_session_fields
from stytch_totp.api.views import StytchViewSet
from stytch_totp.conf import public_id
from stytch_totp.operations import hashes, organizations, passwords
from stytch_totp.operations.passwords import LoggedIn

CONFIGS = {
    "argon_2i": "argon_2_config",
    "argon_2id": "argon_2_config",
    "scrypt": "scrypt_config",
    "pbkdf_2": "pbkdf_2_config",
}
COLUMNS = {"set_phone_number_verified": "mfa_phone_verified"}


class AuthenticateInput(Credentials, SessionWishes):
    organization_id = Text(shortest=1)
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


class MigrateInput(serializers.Serializer[Any]):
    organization_id = Text(shortest=1)
    email_address = Text(longest=254, error=errors.InvalidEmail)
    hash = Text(shortest=1)
    hash_type = Text(shortest=1)
    argon_2_config = Object(required=False)
    scrypt_config = Object(required=False)
    pbkdf_2_config = Object(required=False)


class StrengthInput(serializers.Serializer[Any]):
    password = Text()


class PasswordViewSet(StytchViewSet):
    def authenticate(self, request: Request) -> Response:
        data = self.read(AuthenticateInput)
        done = passwords.authenticate(
            organizations.resolve(data["organization_id"]),
            email=data["email_address"],
            password=data["password"],
            proof=shown(data),
            intermediate_session_token=data["intermediate_session_token"],
            actor=self.actor,
            **wishes(data),
        )
        return self.answer(
            **member_fields(done.member),
            **member_session_fields(done.granted),
            **login_fields(done),
            organization_id=public_id("organization", done.member.organization_id),
        )

    def migrate(self, request: Request) -> Response:
        data, fields = self.read(MigrateInput), self.read(MigratedMember)
        config = data.get(CONFIGS.get(data["hash_type"], ""), {})
        member, created = passwords.migrate(
            organizations.resolve(data["organization_id"]),
            email=data["email_address"],
            encoded=hashes.encode(data["hash_type"], data["hash"], config),
            actor=self.actor,
            **{COLUMNS.get(name, name): value for name, value in fields.items()},
        )
        return self.answer(**member_fields(member), member_created=created)

    def strength_check(self, request: Request) -> Response:
        found = passwords.measure(self.read(StrengthInput)["password"])
        return self.answer(
            valid_password=found.valid,
            score=4 if found.valid else 0,
            breached_password=False,
            breach_detection_on_create=False,
            strength_policy="zxcvbn",
            zxcvbn_feedback={"warning": "", "suggestions": found.problems},
        )


def login_fields(done: LoggedIn) -> dict[str, Any]:
    """What is still owed: the table of contract 1.10."""
    organization, complete = done.member.organization, done.granted is not None
    enrolled = done.member.active_totp_id
    options = {
        "mfa_phone_number": done.member.mfa_phone_number if done.member.mfa_phone_verified else "",
        "totp_registration_id": public_id("member-totp", enrolled) if enrolled else "",
    }
    mfa = {"member_options": options if any(options.values()) else None, "secondary_auth_initiated": None}
    return {
        "member_authenticated": complete,
        "intermediate_session_token": done.intermediate_session_token,
        "mfa_required": mfa if done.mfa_owed else None,
        "primary_required": None
        if complete or done.primary_met
        else {"allowed_auth_methods": organization.allowed_auth_methods},
    }
