"""``/v1/b2b/totp`` and ``/v1/b2b/recovery_codes`` (contract 1.1 to 1.6)."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.api.inputs import CREDENTIALS, Anything, Choice, Credentials, Flag, Items, Number, SessionWishes, Text
from stytch_totp.api.objects import member_fields, member_session_fields
from stytch_totp.api.views import StytchViewSet
from stytch_totp.conf import public_id
from stytch_totp.models import Member
from stytch_totp.operations import enrolment, members, recovery, sessions, verification
from stytch_totp.operations.attempts import Proof


class Subject(serializers.Serializer[Any]):
    """Whom a call is about."""

    organization_id = Text(shortest=1)
    member_id = Text(shortest=1)


class CreateInput(Subject, Credentials):
    expiration_minutes = Number(
        5, 1440, required=False, default=enrolment.DEFAULT_MINUTES, error=errors.InvalidExpiration
    )


class AuthenticateInput(Subject, Credentials, SessionWishes):
    code = Anything(error=errors.InvalidTOTPCode)
    set_mfa_enrollment = Choice(("enroll", "unenroll"), required=False, error=errors.InvalidSetMFAEnrollment)
    set_default_mfa = Flag(required=False, default=False)


class MigrateInput(Subject):
    secret = Text(longest=4096, error=errors.InvalidTOTPSecret)
    recovery_codes = Items()


class RecoverInput(Subject, Credentials, SessionWishes):
    recovery_code = Anything(error=errors.InvalidRecoveryCode)


def subject(data: dict[str, Any]) -> Member:
    return members.resolve(data["organization_id"], data["member_id"])


def shown(data: dict[str, Any]) -> Proof:
    """The session or intermediate session that a body carries."""
    return sessions.present(**{name: data[name] for name in CREDENTIALS})


def parties(data: dict[str, Any]) -> dict[str, Any]:
    """Whom a call is about and what it shows, as an operation takes them."""
    proof = shown(data)
    known = proof.member if proof else None
    return {"member": members.resolve(data["organization_id"], data["member_id"], known=known), "proof": proof}


def wishes(data: dict[str, Any]) -> dict[str, Any]:
    return {"minutes": data.get("session_duration_minutes"), "claims": data.get("session_custom_claims")}


class TOTPViewSet(StytchViewSet):
    def create(self, request: Request) -> Response:
        data = self.read(CreateInput)
        made = enrolment.create(**parties(data), minutes=data["expiration_minutes"], actor=self.actor)
        return self.answer(
            **member_fields(made.member),
            totp_registration_id=public_id("member-totp", made.registration.pk),
            secret=made.secret,
            qr_code=made.qr_code,
            recovery_codes=made.recovery_codes,
        )

    def authenticate(self, request: Request) -> Response:
        data = self.read(AuthenticateInput)
        done = verification.authenticate(
            **parties(data),
            code=data["code"],
            actor=self.actor,
            set_mfa_enrollment=data.get("set_mfa_enrollment"),
            set_default_mfa=data["set_default_mfa"],
            **wishes(data),
        )
        return self.answer(
            **member_fields(done.member),
            **member_session_fields(done.granted),
            organization_id=public_id("organization", done.member.organization_id),
        )

    def migrate(self, request: Request) -> Response:
        data = self.read(MigrateInput)
        made = enrolment.migrate(
            subject(data), secret=data["secret"], recovery_codes=data["recovery_codes"], actor=self.actor
        )
        return self.answer(
            **member_fields(made.member),
            totp_registration_id=public_id("member-totp", made.registration.pk),
            recovery_codes=made.recovery_codes,
        )


class RecoveryCodeViewSet(StytchViewSet):
    def retrieve(self, request: Request, organization_id: str, member_id: str) -> Response:
        member = members.resolve(organization_id, member_id)
        unused = enrolment.show_recovery_codes(member, actor=self.actor)
        return self.answer(**member_fields(member), recovery_codes=unused)

    def rotate(self, request: Request) -> Response:
        member = subject(self.read(Subject))
        fresh = enrolment.rotate_recovery_codes(member, actor=self.actor)
        return self.answer(**member_fields(member), recovery_codes=fresh)

    def recover(self, request: Request) -> Response:
        data = self.read(RecoverInput)
        done = recovery.recover(**parties(data), code=data["recovery_code"], actor=self.actor, **wishes(data))
        return self.answer(
            **member_fields(done.member),
            **member_session_fields(done.granted),
            recovery_codes_remaining=done.remaining,
        )
