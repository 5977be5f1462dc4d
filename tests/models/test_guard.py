from dataclasses import asdict, fields
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stytch_totp.core import guard as core
from stytch_totp.core.guard import CLEAR, Budget, LockPolicy
from stytch_totp.models import Guard
from tests.factories import make_member

NOW = 1_800_000_000
POLICIES = [
    LockPolicy(),
    LockPolicy(threshold=1, seconds=300, longest=1000),
    LockPolicy(threshold=2, seconds=300, longest=300),
    LockPolicy(threshold=3, seconds=300, longest=2500),
    LockPolicy(threshold=5, seconds=4000, longest=3000),
    LockPolicy(threshold=100, seconds=604_800, longest=604_800),
]
CHARGE, REFUND, CLEARED = st.just(("charge", 0)), st.just(("refund", 0)), st.just(("clear", 0))
BURST = st.tuples(st.just("burst"), st.integers(1, 12))
WAIT = st.tuples(st.just("wait"), st.sampled_from([1, 299, 300, 301, 600, 1000, 3600, 700_000, -1, -301, -4000]))
ANOTHER_POLICY = st.tuples(st.just("policy"), st.integers(0, len(POLICIES) - 1))


def row(guard: Guard) -> Budget:
    return Budget(*Guard.objects.values_list(*(one.name for one in fields(Budget))).get(pk=guard.pk))


def put(guard: Guard, budget: Budget) -> Any:
    found = Guard.objects.filter(pk=guard.pk)
    found.update(**asdict(budget))
    return found


@pytest.fixture
def guard(member):
    return Guard.objects.get(member=member, kind=Guard.Kind.TOTP)


def follow(guard: Guard, policy: LockPolicy, steps: list[tuple[str, int]]) -> None:
    """Take each step with the row and with the arithmetic; they may never differ."""
    budget, now, kept = CLEAR, NOW, put(guard, CLEAR)
    for step, value in steps:
        if step == "wait":
            now += value
        elif step == "policy":
            policy = POLICIES[value]
        elif step == "clear":
            kept.clear()
            budget = CLEAR
        elif step == "refund":
            kept.refund(policy)
            budget = core.refund(budget, policy)
        else:
            for _ in range(value or 1):
                charged = core.charge(budget, policy, now)
                assert kept.charge(policy, now) is (charged is not None)
                budget = charged or budget
                assert row(guard) == budget
        assert row(guard) == budget


STEPS = [CHARGE, CHARGE, BURST, BURST, WAIT, WAIT, REFUND, CLEARED]
differential = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@differential
@given(policy=st.sampled_from(POLICIES), steps=st.lists(st.one_of(*STEPS), max_size=30))
def test_rl03_rl20_the_row_and_the_arithmetic_never_differ(guard, policy, steps):
    """Whatever the order of charges, refunds, successes and waits, backwards, too."""
    follow(guard, policy, steps)


@differential
@given(policy=st.sampled_from(POLICIES), steps=st.lists(st.one_of(*STEPS, ANOTHER_POLICY), max_size=30))
def test_rl20_they_do_not_differ_when_the_settings_change_meanwhile(guard, policy, steps):
    follow(guard, policy, steps)


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_rl20_every_state_around_every_lock(guard, policy):
    """A charge and a refund from each count, under each lock up to past the last entry of the schedule."""
    full = policy.threshold
    for locks in range(len(policy.schedule) + 3):
        for failures in {0, 1, full - 2, full - 1, full} & set(range(full + 1)):
            for until in (0, NOW - 1, NOW, NOW + 1) if locks else (0,):
                if failures == full and not until:
                    continue
                before = Budget(failures, locks, until and NOW - 300, until)
                kept = put(guard, before)
                charged = core.charge(before, policy, NOW)
                assert kept.charge(policy, NOW) is (charged is not None)
                assert row(guard) == (charged or before)
                kept = put(guard, before)
                kept.refund(policy)
                assert row(guard) == core.refund(before, policy)


def test_a_lock_in_force_stays_when_the_threshold_is_raised(guard):
    kept = put(guard, Budget(3, 1, NOW, NOW + 100))
    assert kept.charge(LockPolicy(threshold=10), NOW + 1) is False
    assert row(guard) == Budget(3, 1, NOW, NOW + 100)


def test_a_refund_after_the_threshold_was_lowered_takes_back_no_lock_that_never_was(guard):
    put(guard, Budget(7)).refund(LockPolicy(threshold=3))
    assert row(guard).locks == 0


def test_rl02_a_charge_pays_for_one_member_and_one_kind(member, guard):
    make_member(organization=member.organization)
    others = Guard.objects.exclude(pk=guard.pk)
    before = list(others.order_by("pk").values())
    kept = Guard.objects.filter(pk=guard.pk)
    policy = LockPolicy(threshold=2)
    assert [kept.charge(policy, NOW) for _ in range(3)] == [True, True, False]
    kept.refund(policy)
    kept.clear()
    assert list(others.order_by("pk").values()) == before


@pytest.mark.django_db
def test_no_guard_no_attempt():
    assert Guard.objects.none().charge(LockPolicy(), NOW) is False
    assert Guard.objects.filter(kind="unheard of").charge(LockPolicy(), NOW) is False


@pytest.mark.parametrize(
    "work",
    [
        lambda kept: kept.charge(LockPolicy(), NOW),
        lambda kept: kept.refund(LockPolicy()),
        lambda kept: kept.clear(),
    ],
    ids=["charge", "refund", "clear"],
)
def test_rl01_nothing_is_read_before_it_is_written(guard, work):
    """What is read first and written then lets two attempts at once take the last of the budget."""
    kept = Guard.objects.filter(pk=guard.pk)
    for before in (Budget(0), Budget(8), Budget(9), Budget(10, 1, NOW, NOW + 100), Budget(10, 1, NOW - 200, NOW - 100)):
        put(guard, before)
        with CaptureQueriesContext(connection) as queries:
            work(kept)
        statements = [query["sql"].split()[0] for query in queries]
        assert set(statements) == {"UPDATE"}, statements


def test_a_member_has_one_guard_of_each_kind(member):
    assert sorted(Guard.objects.filter(member=member).values_list("kind", flat=True)) == sorted(Guard.Kind.values)
    with pytest.raises(IntegrityError), transaction.atomic():
        Guard.objects.create(member=member, kind=Guard.Kind.TOTP)


def test_a_lock_after_one_that_was_lifted_is_told_anew(member, clock):
    guard, policy = Guard.objects.filter(member=member, kind=Guard.Kind.TOTP), LockPolicy(1, 7 * 24 * 3600)
    for lift in (guard.unlock, guard.clear):
        assert guard.charge(policy, int(clock()))
        assert [guard.tell(int(clock())) for _ in range(2)] == [True, False]
        lift()
        assert guard.charge(LockPolicy(1, 3600), int(clock()))
        assert guard.tell(int(clock()))
        lift()
