from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stytch_totp.core.guard import CLEAR, Budget, LockPolicy, charge, refund

HOUR, DAY, WEEK = 3600, 86400, 604800
NOW = 1_800_000_000
POLICY = LockPolicy(threshold=3, seconds=100, longest=350)


# The lengths of locks


def test_the_defaults_are_ten_failures_and_an_hour_doubling_to_a_week():
    policy = LockPolicy()
    assert policy.threshold == 10
    assert policy.schedule == tuple(HOUR * hours for hours in (1, 2, 4, 8, 16, 32, 64, 128, 168))
    assert policy.schedule[-1] == WEEK


@pytest.mark.parametrize(
    ("seconds", "longest", "schedule"),
    [
        (100, 350, (100, 200, 350)),
        (100, 400, (100, 200, 400)),
        (100, 100, (100,)),
        (100, 101, (100, 101)),
        (300, 200, (200,)),
        (5 * 60, WEEK, (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 76800, 153600, 307200, 604800)),
        (WEEK, WEEK, (WEEK,)),
    ],
)
def test_a_lock_doubles_up_to_the_longest(seconds, longest, schedule):
    assert LockPolicy(10, seconds, longest).schedule == schedule


@pytest.mark.parametrize(("number", "seconds"), [(1, 100), (2, 200), (3, 350), (4, 350), (1000, 350)])
def test_the_last_length_holds_for_every_further_lock(number, seconds):
    assert POLICY.lock_seconds(number) == seconds


# A charge


LOCKED = Budget(3, 1, NOW, NOW + 100)


@pytest.mark.parametrize(
    ("before", "now", "after"),
    [
        pytest.param(CLEAR, NOW, Budget(1), id="the first"),
        pytest.param(Budget(1), NOW, Budget(2), id="one before the last"),
        pytest.param(Budget(2), NOW, LOCKED, id="the one that fills the budget locks"),
        pytest.param(LOCKED, NOW, None, id="locked at once"),
        pytest.param(LOCKED, NOW + 99, None, id="locked to the last second"),
        pytest.param(LOCKED, NOW - 50, None, id="locked when the clock goes back"),
        pytest.param(LOCKED, NOW + 100, Budget(1, 1, NOW, NOW + 100), id="the lock is over, the count begins anew"),
        pytest.param(Budget(2, 1), NOW, Budget(3, 2, NOW, NOW + 200), id="the second lock is twice as long"),
        pytest.param(Budget(2, 2), NOW, Budget(3, 3, NOW, NOW + 350), id="the third is cut"),
        pytest.param(Budget(2, 3), NOW, Budget(3, 4, NOW, NOW + 350), id="and so the fourth"),
    ],
)
def test_a_charge(before, now, after):
    assert charge(before, POLICY, now) == after


def test_with_a_threshold_of_one_every_failure_locks():
    policy = LockPolicy(1, 100, 350)
    first = charge(CLEAR, policy, NOW)
    assert first == Budget(1, 1, NOW, NOW + 100)
    assert charge(first, policy, NOW + 99) is None
    assert charge(first, policy, NOW + 100) == Budget(1, 2, NOW + 100, NOW + 300)


def test_a_lock_in_force_stays_when_the_threshold_is_raised():
    assert charge(LOCKED, LockPolicy(10, 100, 350), NOW + 1) is None


# A refund


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(CLEAR, CLEAR, id="nothing to give back"),
        pytest.param(Budget(1), CLEAR, id="the only one"),
        pytest.param(Budget(2), Budget(1), id="one of two"),
        pytest.param(LOCKED, Budget(2), id="the lock goes with the attempt that made it"),
        pytest.param(Budget(1, 1, NOW, NOW + 100), Budget(0, 1, NOW, NOW + 100), id="an older lock is still counted"),
        pytest.param(Budget(3, 2, NOW, NOW + 200), Budget(2, 1), id="the second lock goes, too"),
        pytest.param(Budget(0, 1, NOW, NOW + 100), Budget(0, 1, NOW, NOW + 100), id="no count, no refund"),
    ],
)
def test_a_refund(before, after):
    assert refund(before, POLICY) == after


@pytest.mark.parametrize("failures", range(3))
@pytest.mark.parametrize("locks", range(4))
def test_a_refund_undoes_a_charge(failures, locks):
    before = Budget(failures, locks)
    charged = charge(before, POLICY, NOW)
    assert charged != before
    assert refund(charged, POLICY) == before


def test_a_refund_after_the_threshold_was_lowered_takes_back_no_lock_that_never_was():
    assert refund(Budget(7), POLICY).locks == 0


# The same, told as a list of events


@dataclass
class Ledger:
    """The attempts that are paid since the budget was last full, and the end of each lock that was made."""

    policy: LockPolicy
    paid: list[int] = field(default_factory=list)
    locks: list[int] = field(default_factory=list)

    def locked_until(self, now: int) -> int:
        """When the lock ends that is in force, else 0."""
        return max((end for end in self.locks if end > now), default=0)

    def charge(self, now: int) -> bool:
        if self.locked_until(now):
            return False
        if len(self.paid) == self.policy.threshold:
            self.paid.clear()
        self.paid.append(now)
        if len(self.paid) == self.policy.threshold:
            self.locks.append(now + min(self.policy.seconds * 2 ** len(self.locks), self.policy.longest))
        return True

    def refund(self) -> None:
        if len(self.paid) == self.policy.threshold:
            self.locks.pop()
        del self.paid[-1:]

    def clear(self) -> None:
        self.paid.clear()
        self.locks.clear()


POLICIES = st.builds(
    LockPolicy,
    threshold=st.integers(1, 12),
    seconds=st.integers(300, 4000),
    longest=st.integers(300, 20_000),
)
STEPS = st.lists(
    st.one_of(
        st.just(("charge", 0)),
        st.just(("charge", 0)),
        st.just(("refund", 0)),
        st.just(("clear", 0)),
        st.tuples(st.just("wait"), st.sampled_from([1, 299, 300, 301, 4000, 20_000])),
    ),
    max_size=80,
)


@settings(max_examples=500, deadline=None)
@given(policy=POLICIES, steps=STEPS)
def test_rl03_the_arithmetic_tells_the_same_as_the_list_of_events(policy, steps):
    budget, ledger, now = CLEAR, Ledger(policy), NOW
    for step, seconds in steps:
        if step == "charge":
            charged = charge(budget, policy, now)
            assert (charged is not None) is ledger.charge(now)
            budget = charged or budget
        elif step == "refund":
            budget = refund(budget, policy)
            ledger.refund()
        elif step == "clear":
            budget = CLEAR
            ledger.clear()
        else:
            now += seconds
        assert (budget.failures, budget.locks) == (len(ledger.paid), len(ledger.locks))
        assert (budget.locked_until if budget.locked_until > now else 0) == ledger.locked_until(now)


@given(policy=POLICIES)
def test_rl03_who_always_fires_at_the_first_chance_gets_the_threshold_a_lock(policy):
    budget, now, evaluated = CLEAR, NOW, 0
    for lock in range(1, 6):
        while (charged := charge(budget, policy, now)) is not None:
            budget, evaluated = charged, evaluated + 1
        assert evaluated == lock * policy.threshold
        assert budget.locked_until - now == min(policy.seconds * 2 ** (lock - 1), policy.longest)
        now = budget.locked_until


def test_rl03_a_year_of_guessing_at_the_defaults():
    """Ten guesses a week, in the end: 590 in the first year, odds of one in 565."""
    budget, now, evaluated = CLEAR, NOW, 0
    for _ in range(1000):
        charged = charge(budget, LockPolicy(), now)
        if charged is not None:
            budget, evaluated = charged, evaluated + 1
        elif budget.locked_until < NOW + 365 * DAY:
            now = budget.locked_until
        else:
            break
    assert evaluated == 590
    assert 1 - (1 - 3e-6) ** evaluated < 2e-3
