"""``totps`` (contract 2.2)."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.api.consumer.base import ConsumerViewSet, Subject
from stytch_totp.api.consumer.objects import granted_fields, totp_object, user_fields
from stytch_totp.api.inputs import Anything, Number, SessionArguments, SessionWishes
from stytch_totp.api.views import reads
from stytch_totp.conf import public_id
from stytch_totp.operations import enrolment, recovery, verification


class CreateInput(Subject):
    expiration_minutes = Number(5, 1440, required=False, default=enrolment.USER_MINUTES, error=errors.InvalidExpiration)


class AuthenticateInput(Subject, SessionArguments, SessionWishes):
    totp_code = Anything(error=errors.InvalidTOTPCode)


class RecoverInput(Subject, SessionArguments, SessionWishes):
    recovery_code = Anything(error=errors.InvalidRecoveryCode)


class TOTPViewSet(ConsumerViewSet):
    @reads(CreateInput)
    def create(self, request: Request) -> Response:
        data = self.read()
        made = enrolment.create(
            self.subject(data), proof=self.caller.session, minutes=data["expiration_minutes"], actor=self.actor
        )
        shown = {"secret": made.secret, "qr_code": made.qr_code, "recovery_codes": made.recovery_codes}
        return self.answer(**user_fields(made.member), totp_id=public_id("totp", made.registration.pk), **shown)

    @reads(AuthenticateInput)
    def authenticate(self, request: Request) -> Response:
        data = self.read()
        return self._done(verification.authenticate(**self._attempt(data), code=data["totp_code"]))

    @reads(RecoverInput)
    def recover(self, request: Request) -> Response:
        data = self.read()
        return self._done(recovery.recover(**self._attempt(data), code=data["recovery_code"]))

    @reads(Subject)
    def recovery_codes(self, request: Request) -> Response:
        user = self.subject(self.read())
        sets = enrolment.show_recovery_codes(user, actor=self.actor, proof=self.caller.session, pending=True)
        grouped = [{**totp_object(registration), "recovery_codes": unused} for registration, unused in sets]
        return self.answer(user_id=user.public_id, totps=grouped)

    def _attempt(self, data: dict[str, Any]) -> dict[str, Any]:
        """Who tries, on what, and what for, as an operation takes it."""
        proof = self.caller.proof(self.kind, data, self.actor)
        return {"member": self.subject(data), "proof": proof, **self.caller.wishes(data), "actor": self.actor}

    def _done(self, done: verification.Verified | recovery.Recovered) -> Response:
        totp_id = public_id("totp", done.registration.pk)
        return self.answer(**user_fields(done.member), **granted_fields(done.granted), totp_id=totp_id)
