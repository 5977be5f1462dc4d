from uuid import UUID

import pytest

from stytch_totp.core import factors

ID = UUID("12345678-1234-4234-8234-123456789abc")
AT, LATER = 1_800_000_000, 1_800_000_060


@pytest.mark.parametrize(
    ("kind", "identifier", "shown"),
    [
        (
            "totp",
            ID,
            {
                "type": "totp",
                "delivery_method": "authenticator_app",
                "authenticator_app_factor": {"totp_id": f"member-totp-test-{ID}"},
            },
        ),
        (
            "recovery_codes",
            ID,
            {
                "type": "recovery_codes",
                "delivery_method": "recovery_code",
                "recovery_code_factor": {"totp_recovery_code_id": f"recovery-code-test-{ID}"},
            },
        ),
        ("password", None, {"type": "password", "delivery_method": "knowledge"}),
    ],
)
def test_a_factor_is_spelt_as_the_contract_says(kind, identifier, shown):
    one = {**factors.factor(kind, identifier, AT), "last_authenticated_at": LATER}
    assert factors.spell(one, "test") == {
        **shown,
        "created_at": "2027-01-15T08:00:00Z",
        "updated_at": "2027-01-15T08:01:00Z",
        "last_authenticated_at": "2027-01-15T08:01:00Z",
    }


def test_a_factor_is_spelt_for_its_environment():
    shown = factors.spell(factors.factor("totp", ID, AT), "live")
    assert shown["authenticator_app_factor"] == {"totp_id": f"member-totp-live-{ID}"}


def test_a_kind_that_has_no_spelling_is_an_error():
    with pytest.raises(KeyError):
        factors.spell(factors.factor("carrier_pigeon", ID, AT), "test")


def test_a_new_factor_stands_beside_those_of_other_types():
    password, totp = factors.factor("password", None, AT), factors.factor("totp", ID, LATER)
    assert factors.added([password], totp) == [password, totp]
    assert factors.added([], totp) == [totp]


def test_a_factor_refreshes_the_entry_of_its_type():
    password, old = factors.factor("password", None, AT), factors.factor("totp", UUID(int=1), AT)
    found = factors.added([old, password], factors.factor("totp", ID, LATER))
    assert found == [
        password,
        {"type": "totp", "id": str(ID), "created_at": AT, "last_authenticated_at": LATER},
    ]


def test_adding_changes_nothing_that_was_given():
    before = [factors.factor("totp", ID, AT)]
    factors.added(before, factors.factor("totp", ID, LATER))
    assert before == [factors.factor("totp", ID, AT)]


@pytest.mark.parametrize(
    ("kinds", "second"),
    [
        ([], False),
        (["password"], False),
        (["totp"], True),
        (["recovery_codes"], True),
        (["password", "totp"], True),
        (["password", "recovery_codes"], True),
    ],
)
def test_a_totp_and_a_recovery_code_are_second_factors(kinds, second):
    assert factors.has_second(factors.factor(kind, ID, AT) for kind in kinds) is second
