from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Case, F, Q, Value, When

from stytch_totp.core.guard import LockPolicy
from stytch_totp.models.member import Member


class GuardQuerySet(models.QuerySet["Guard"]):
    """``core.guard`` as conditional UPDATEs: two attempts at once can't both take the last of the budget.

    MariaDB evaluates SET from left to right, so ``locks``, which ``locked_until`` is computed from, comes last.
    """

    def charge(self, policy: LockPolicy, now: int) -> bool:
        """Pay for one attempt. False, and nothing paid, while locked."""
        full, unlocked = policy.threshold, self.filter(locked_until__lte=now)
        if unlocked.filter(failures__lt=full - 1).update(failures=F("failures") + 1):
            return True
        if full > 1 and unlocked.filter(failures__gte=full).update(failures=1):
            return True
        last = Q(failures=full - 1) if full > 1 else Q()
        locked_until = now + _lock_seconds(policy)
        filled = unlocked.filter(last).update(
            failures=full, locked_at=now, locked_until=locked_until, locks=F("locks") + 1
        )
        return filled == 1

    def refund(self, policy: LockPolicy) -> None:
        """Take one attempt back, and the lock that it made."""
        full = policy.threshold
        locking = self.filter(failures__gte=full, locks__gt=0)
        if not locking.update(failures=full - 1, locked_at=0, locked_until=0, locks=F("locks") - 1):
            self.filter(failures__gt=0).update(failures=F("failures") - 1)

    def clear(self) -> None:
        """After a success: nothing counted, nothing locked."""
        self.update(failures=0, locks=0, locked_at=0, locked_until=0)


def _lock_seconds(policy: LockPolicy) -> Case:
    """The length of the next lock."""
    lengths = [
        When(locks=number, then=Value(seconds, output_field=models.BigIntegerField()))
        for number, seconds in enumerate(policy.schedule)
    ]
    return Case(*lengths, default=Value(policy.longest, output_field=models.BigIntegerField()))


class Guard(models.Model):
    """The failure budget of one member for one kind of secret.

    Made with the member and kept through re-enrolment: what resets a budget is a success, never a new session,
    a new address or a new registration.
    """

    class Kind(models.TextChoices):
        TOTP = "totp"
        RECOVERY = "recovery"
        PASSWORD = "password"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    member = models.ForeignKey(Member, models.CASCADE, related_name="guards")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    failures = models.PositiveIntegerField(default=0)
    locks = models.PositiveIntegerField(default=0)
    locked_at = models.BigIntegerField(default=0)
    locked_until = models.BigIntegerField(default=0)

    objects = GuardQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "kind"], name="stytch_totp_one_guard_a_kind")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.member_id}"
