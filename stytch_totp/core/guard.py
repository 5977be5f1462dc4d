"""The failure budget as arithmetic. ``models/guard.py`` says the same as UPDATEs; tests hold the two together."""

from dataclasses import dataclass, replace
from functools import cached_property


@dataclass(frozen=True)
class LockPolicy:
    """Lock after ``threshold`` charged attempts without a success, for ``seconds``, doubling up to ``longest``."""

    threshold: int = 10
    seconds: int = 60 * 60
    longest: int = 7 * 24 * 60 * 60

    @cached_property
    def schedule(self) -> tuple[int, ...]:
        """How long the first, second, … lock lasts; the last entry holds for every further one."""
        found = [min(self.seconds, self.longest)]
        while found[-1] < self.longest:
            found.append(min(2 * found[-1], self.longest))
        return tuple(found)

    def lock_seconds(self, number: int) -> int:
        """The length of lock ``number``, counted from 1."""
        return self.schedule[min(number, len(self.schedule)) - 1]


@dataclass(frozen=True)
class Budget:
    """``failures`` are the attempts charged to this budget, ``locks`` the budgets used up since the last success.

    Times are seconds since the epoch. A full budget is locked until ``locked_until`` and followed by a new one.
    """

    failures: int = 0
    locks: int = 0
    locked_at: int = 0
    locked_until: int = 0


CLEAR = Budget()


def charge(budget: Budget, policy: LockPolicy, now: int) -> Budget | None:
    """The budget after one more attempt, or None while locked. The attempt that fills the budget locks it."""
    if now < budget.locked_until:
        return None
    failures = budget.failures + 1 if budget.failures < policy.threshold else 1
    if failures < policy.threshold:
        return replace(budget, failures=failures)
    locks = budget.locks + 1
    return Budget(policy.threshold, locks, now, now + policy.lock_seconds(locks))


def refund(budget: Budget, policy: LockPolicy) -> Budget:
    """The budget without one charged attempt; a lock that this attempt made goes with it."""
    if budget.failures >= policy.threshold and budget.locks:
        return Budget(budget.failures - 1, budget.locks - 1)
    return replace(budget, failures=max(0, budget.failures - 1))
