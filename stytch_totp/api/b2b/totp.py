"""``b2b/totp`` and ``b2b/recovery_codes`` (contract 1.1 to 1.6)."""

from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.api.b2b.base import B2BViewSet, Subject
from stytch_totp.api.b2b.objects import member_fields, member_session_fields
from stytch_totp.api.inputs import Anything, Choice, Credentials, Flag, Items, Number, SessionWishes, Text
from stytch_totp.api.views import reads
from stytch_totp.conf import public_id
from stytch_totp.operations import enrolment, recovery, verification


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


class TOTPViewSet(B2BViewSet):
    @reads(CreateInput)
    def create(self, request: Request) -> Response:
        data = self.read()
        made = enrolment.create(**self.parties(data), minutes=data["expiration_minutes"], actor=self.actor)
        return self.answer(
            **member_fields(made.member),
            totp_registration_id=public_id("member-totp", made.registration.pk),
            secret=made.secret,
            qr_code=made.qr_code,
            recovery_codes=made.recovery_codes,
        )

    @reads(AuthenticateInput)
    def authenticate(self, request: Request) -> Response:
        data = self.read()
        done = verification.authenticate(
            **self.parties(data),
            **self.caller.wishes(data),
            code=data["code"],
            set_mfa_enrollment=data.get("set_mfa_enrollment"),
            set_default_mfa=data["set_default_mfa"],
            actor=self.actor,
        )
        return self.answer(
            **member_fields(done.member),
            **member_session_fields(done.granted),
            organization_id=done.member.organization.public_id,
        )

    @reads(MigrateInput)
    def migrate(self, request: Request) -> Response:
        data = self.read()
        made = enrolment.migrate(
            self.subject(data), secret=data["secret"], recovery_codes=data["recovery_codes"], actor=self.actor
        )
        return self.answer(
            **member_fields(made.member),
            totp_registration_id=public_id("member-totp", made.registration.pk),
            recovery_codes=made.recovery_codes,
        )


class RecoveryCodeViewSet(B2BViewSet):
    def retrieve(self, request: Request, organization_id: str = "", member_id: str = "") -> Response:
        member = self.caller.member(organization_id, member_id)
        [(_, unused)] = enrolment.show_recovery_codes(member, actor=self.actor, proof=self.caller.session)
        return self.answer(**member_fields(member), recovery_codes=unused)

    @reads(Subject)
    def rotate(self, request: Request) -> Response:
        member = self.subject(self.read())
        fresh = enrolment.rotate_recovery_codes(member, actor=self.actor, proof=self.caller.session)
        return self.answer(**member_fields(member), recovery_codes=fresh)

    @reads(RecoverInput)
    def recover(self, request: Request) -> Response:
        data = self.read()
        done = recovery.recover(
            **self.parties(data), **self.caller.wishes(data), code=data["recovery_code"], actor=self.actor
        )
        return self.answer(
            **member_fields(done.member),
            **member_session_fields(done.granted),
            recovery_codes_remaining=done.remaining,
        )
