from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Case, F, Value, When
from django.db.models.functions import Mod

from stytch_totp.core.guard import LockPolicy
from stytch_totp.models.member import Member


class GuardQuerySet(models.QuerySet["Guard"]):
    """``core.guard`` as single UPDATE statements: two attempts at once can't both take the last of the budget.

    MariaDB evaluates SET from left to right, so ``failures``, which the other two are computed from, comes last.
    """

    def charge(self, policy: LockPolicy, now: int) -> bool:
        """Pay for one attempt. False, and nothing paid, while locked."""
        filling = policy.threshold - 1
        early = [
            When(failures=number * policy.threshold - 1, then=_seconds(now + seconds))
            for number, seconds in enumerate(policy.schedule, 1)
        ]
        late = When(place=filling, then=_seconds(now + policy.longest))
        changed = (
            self._placed(policy)
            .filter(locked_until__lte=now)
            .update(
                locked_at=Case(When(place=filling, then=_seconds(now)), default=F("locked_at")),
                locked_until=Case(*early, late, default=F("locked_until")),
                failures=F("failures") + 1,
            )
        )
        return changed == 1

    def refund(self, policy: LockPolicy) -> None:
        """Take one attempt back, and the lock that it made."""
        unlocked = When(place=0, then=_seconds(0))
        self._placed(policy).filter(failures__gt=0).update(
            locked_at=Case(unlocked, default=F("locked_at")),
            locked_until=Case(unlocked, default=F("locked_until")),
            failures=F("failures") - 1,
        )

    def clear(self) -> None:
        """After a success: nothing counted, nothing locked."""
        self.update(failures=0, locked_at=0, locked_until=0)

    def _placed(self, policy: LockPolicy) -> GuardQuerySet:
        """With ``place``: how many attempts of the current budget are spent."""
        return self.annotate(place=Mod(F("failures"), policy.threshold, output_field=models.IntegerField()))


def _seconds(value: int) -> Value:
    return Value(value, output_field=models.BigIntegerField())


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
    locked_at = models.BigIntegerField(default=0)
    locked_until = models.BigIntegerField(default=0)

    objects = GuardQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "kind"], name="stytch_totp_one_guard_a_kind")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.member_id}"
