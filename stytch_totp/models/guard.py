from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import Case, F, Q, When
from django.db.models.lookups import GreaterThan, LessThanOrEqual

from stytch_totp.core.guard import LockPolicy
from stytch_totp.models.member import Member

_UNTIL = F("locked_until") + 0


class GuardQuerySet(models.QuerySet["Guard"]):
    """``core.guard`` as conditional UPDATEs: two attempts at once can't both take the last of the budget.

    Each decides by itself, from the row as it finds it. MariaDB evaluates SET from left to right, so what the other
    columns are computed from comes last. It would also look for the row by the index of ``locked_until`` beside its
    key, and two that lock these in different order are a deadlock: hence ``_UNTIL``, which no index is for.
    """

    def charge(self, policy: LockPolicy, now: int) -> bool:
        """Pay for one attempt. False, and nothing paid, while locked."""
        full, unlocked = policy.threshold, self.filter(LessThanOrEqual(_UNTIL, now))
        # Hardly an attempt fills its budget: most get by without the arithmetic of locks.
        if unlocked.filter(failures__lt=full - 1).update(failures=F("failures") + 1):
            return True
        filling = Q(failures=full - 1) if full > 1 else Q(failures__gte=0)
        changed = unlocked.update(
            locked_at=_if(filling, now, F("locked_at")),
            locked_until=_if(filling, _lock_end(policy, now), F("locked_until")),
            locks=_if(filling, F("locks") + 1, F("locks")),
            failures=_if(Q(failures__gte=full), 1, F("failures") + 1),
        )
        return changed == 1

    def refund(self, policy: LockPolicy) -> None:
        """Take one attempt back, and the lock that it made."""
        locking = Q(failures__gte=policy.threshold, locks__gt=0)
        self.filter(failures__gt=0).update(
            locked_at=_if(locking, 0, F("locked_at")),
            locked_until=_if(locking, 0, F("locked_until")),
            locks=_if(locking, F("locks") - 1, F("locks")),
            failures=F("failures") - 1,
        )

    def tell(self, now: int) -> bool:
        """Whether it is locked and nobody has put that on record yet. Of any number who ask at once, one gets True."""
        untold = self.filter(GreaterThan(_UNTIL, now), told_until__lt=F("locked_until"))
        return untold.update(told_until=F("locked_until")) == 1

    def unlock(self) -> None:
        """By support: a fresh budget, whose lock will be as long as if the one that is lifted had run out."""
        self.update(failures=0, locked_at=0, locked_until=0, told_until=0)

    def clear(self) -> None:
        """After a success: nothing counted, nothing locked."""
        self.update(failures=0, locks=0, locked_at=0, locked_until=0, told_until=0)


def _lock_end(policy: LockPolicy, now: int) -> Case:
    """When a lock made now ends, by the number of locks before it."""
    ends = [When(locks=number, then=now + seconds) for number, seconds in enumerate(policy.schedule)]
    return Case(*ends, default=now + policy.longest, output_field=models.BigIntegerField())


def _if(condition: Q, value: Any, otherwise: Any) -> Case:
    return Case(When(condition, then=value), default=otherwise, output_field=models.BigIntegerField())


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
    failures = models.BigIntegerField(default=0)
    locks = models.BigIntegerField(default=0)
    locked_at = models.BigIntegerField(default=0)
    locked_until = models.BigIntegerField(default=0, db_index=True)
    #: The lock that was put on record: parallel failures tell of one lock once.
    told_until = models.BigIntegerField(default=0)

    objects = GuardQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["member", "kind"], name="stytch_totp_one_guard_a_kind")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.member_id}"
