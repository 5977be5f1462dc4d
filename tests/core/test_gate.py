"""What stands before a guarded view, as a decision table."""

from itertools import product

import pytest

from stytch_totp.core.policy import Gate, gate

AT = 1_800_000_000


@pytest.mark.parametrize("enrolled", [False, True])
@pytest.mark.parametrize(("shown_at", "oldest"), list(product([0, 1, AT - 1, AT, AT + 1], [1, AT - 1, AT, AT + 1])))
def test_nothing_stands_before_a_view_that_nobody_owes_a_factor(enrolled, shown_at, oldest):
    assert gate(required=False, enrolled=enrolled, shown_at=shown_at, oldest=oldest) is Gate.OPEN


@pytest.mark.parametrize(
    ("shown_at", "oldest", "enough"),
    [
        (0, 1, False),  # never shown
        (0, AT, False),
        (1, 1, True),
        (AT, 1, True),
        (AT - 1, AT, False),
        (AT, AT, True),
        (AT + 1, AT, True),
    ],
)
@pytest.mark.parametrize(("enrolled", "otherwise"), [(False, Gate.ENROL), (True, Gate.VERIFY)])
def test_a_factor_that_is_owed_must_have_been_shown_lately_enough(shown_at, oldest, enough, enrolled, otherwise):
    found = gate(required=True, enrolled=enrolled, shown_at=shown_at, oldest=oldest)
    assert found is (Gate.OPEN if enough else otherwise)


@pytest.mark.parametrize(("enrolled", "owed"), [(False, Gate.ENROL), (True, Gate.VERIFY)])
def test_without_an_age_any_factor_will_do_but_none_will_not(enrolled, owed):
    assert gate(required=True, enrolled=enrolled, shown_at=1) is Gate.OPEN
    assert gate(required=True, enrolled=enrolled, shown_at=0) is owed
