from __future__ import annotations

import uuid

from django.db import models

from stytch_totp.conf import conf
from stytch_totp.core import totp
from stytch_totp.models.fields import ExactCharField
from stytch_totp.models.member import Member

_SECRET = "stytch_totp_totpregistration.sealed_secret"
_CODE = "stytch_totp_recoverycode.sealed_code"
_DIGEST = "stytch_totp_recoverycode.digest"


class RegistrationQuerySet(models.QuerySet["TOTPRegistration"]):
    def lock(self, registration: TOTPRegistration) -> bool:
        """Hold an active registration for the rest of the transaction; False if there is none any more."""
        active = self.filter(pk=registration.pk, state=TOTPRegistration.State.ACTIVE)
        return active.update(created_at=registration.created_at) == 1

    def spend(self, registration: TOTPRegistration, step: int, now: int) -> bool:
        """Claim ``step``, and with it every earlier one. Of any number of claims to one step, one gets True.

        The first claim on a pending registration makes it active, as long as it has not expired.
        """
        claim = self.filter(pk=registration.pk, last_step__lt=step).exclude(burnt_step=step)
        if registration.state == TOTPRegistration.State.ACTIVE:
            return claim.update(last_step=step) == 1
        pending = claim.filter(state=TOTPRegistration.State.PENDING, expires_at__gt=now)
        return pending.update(last_step=step, state=TOTPRegistration.State.ACTIVE, verified_at=now) == 1

    def burn(self, registration: TOTPRegistration, step: int) -> None:
        """Never accept ``step``: whoever guessed a code of the near future has been told so."""
        self.filter(pk=registration.pk).update(burnt_step=step)


class TOTPRegistration(models.Model):
    """A shared secret. Pending until its first code is accepted; a member has at most one of each state."""

    class State(models.TextChoices):
        PENDING = "pending"
        ACTIVE = "active"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    member = models.ForeignKey(Member, models.CASCADE, related_name="registrations")
    state = models.CharField(max_length=16, choices=State.choices, default=State.PENDING)
    sealed_secret = models.BinaryField()
    #: The largest step ever accepted: a step is spent once, and no earlier one after it (RFC 6238, 5.2).
    last_step = models.BigIntegerField(default=-1)
    #: A step whose code was shown too early, by a phone whose clock is fast or by a guesser. The last one will do: two
    #: in one budget of guesses are rarer than a right guess by far.
    burnt_step = models.BigIntegerField(default=-1)
    #: Of the pending state. 0 once it was found expired, so that a clock set back doesn't revive it.
    expires_at = models.BigIntegerField()
    created_at = models.BigIntegerField()
    verified_at = models.BigIntegerField(null=True)
    #: The session or intermediate session of the page that created it; NULL if a back end did.
    created_in = models.UUIDField(null=True)

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["state", "expires_at"], name="stytch_totp_registration_due")]
        constraints = [models.UniqueConstraint(fields=["member", "state"], name="stytch_totp_one_registration_a_state")]

    def __str__(self) -> str:
        return str(self.pk)

    def seal(self, secret: str) -> None:
        """Keep a base32 secret. ``id`` and ``member`` must be set: they are what it is bound to."""
        self.sealed_secret = conf().keys.seal(totp.decode_secret(secret), *self.context())

    def reveal(self) -> bytes:
        """The secret. Raises SealError."""
        return conf().keys.open(self.sealed_secret, *self.context())

    def context(self) -> tuple[str, ...]:
        """What the sealed value is bound to."""
        return (_SECRET, str(self.member.organization_id), str(self.member_id), str(self.pk))


class RecoveryCodeQuerySet(models.QuerySet["RecoveryCode"]):
    def find(self, registration: TOTPRegistration, canonical: str) -> RecoveryCode | None:
        """The row of a code, spent or not. Looked up by keyed digest: the index learns nothing of the code."""
        digests = conf().keys.digests(canonical, *RecoveryCode.digest_context(registration))
        return self.filter(registration=registration, digest__in=digests).first()

    def unused(self, registration_id: uuid.UUID) -> RecoveryCodeQuerySet:
        return self.filter(registration=registration_id, used_at=None)

    def spend(self, code: RecoveryCode, now: int) -> bool:
        """Use up ``code`` and erase it. Of any number of uses at once, one gets True."""
        return self.filter(pk=code.pk, used_at=None).update(used_at=now, sealed_code=None) == 1


class RecoveryCode(models.Model):
    """One recovery code of a registration's set."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    registration = models.ForeignKey(TOTPRegistration, models.CASCADE, related_name="recovery_codes")
    position = models.PositiveSmallIntegerField()
    #: NULL once it is used, and always where RECOVERY_CODES_VIEWABLE is off.
    sealed_code = models.BinaryField(null=True)
    digest = ExactCharField(max_length=64)
    #: The key that the digest is under; "" before there was this column.
    digest_kid = ExactCharField(max_length=64, blank=True)
    used_at = models.BigIntegerField(null=True)

    objects = RecoveryCodeQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["registration", "digest"], name="stytch_totp_no_code_twice_in_a_set")
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @classmethod
    def make(cls, registration: TOTPRegistration, position: int, code: str) -> RecoveryCode:
        """An unsaved row that keeps ``code``, given in its canonical form."""
        made = cls(registration=registration, position=position)
        made.digest = conf().keys.digest(code, *cls.digest_context(registration))
        made.digest_kid = conf().keys.current
        if conf().recovery_codes_viewable:
            made.sealed_code = conf().keys.seal(code.encode(), *made.context())
        return made

    @staticmethod
    def digest_context(registration: TOTPRegistration) -> tuple[str, ...]:
        return (_DIGEST, str(registration.member.organization_id), str(registration.member_id))

    def reveal(self) -> str:
        """The code, of a row that still keeps one. Raises SealError."""
        return conf().keys.open(self.sealed_code or b"", *self.context()).decode()

    def context(self) -> tuple[str, ...]:
        """What the sealed value is bound to."""
        member = self.registration.member
        return (_CODE, str(member.organization_id), str(member.pk), str(self.pk))
