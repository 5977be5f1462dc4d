from itertools import chain, combinations
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


@pytest.mark.parametrize(
    ("kind", "spelled"),
    [
        ("totp", {"authenticator_app_factor": {"totp_id": f"totp-test-{ID}"}}),
        ("recovery_codes", {"recovery_code_factor": {"totp_recovery_code_id": f"recovery-code-test-{ID}"}}),
        ("password", {}),
    ],
)
def test_the_consumer_product_spells_ids_its_own_way(kind, spelled):
    shown = factors.spell(factors.factor(kind, ID, AT), "test", consumer=True)
    assert {name: value for name, value in shown.items() if name.endswith("_factor")} == spelled


@pytest.mark.parametrize(
    ("types", "at"),
    [
        (None, AT + 30),
        ({"totp"}, AT),
        ({"password"}, LATER),
        ({"password", "totp"}, LATER),
        ({"sms_otp"}, 0),
        (set(), 0),
    ],
)
def test_of_several_types_the_one_shown_last_counts(types, at):
    """By default, of the second factors."""
    shown = [
        factors.factor("password", None, LATER),
        factors.factor("totp", ID, AT),
        factors.factor("recovery_codes", ID, AT + 30),
    ]
    assert (factors.shown_at(shown) if types is None else factors.shown_at(shown, types)) == at


def test_the_time_that_counts_is_the_last_and_not_the_first():
    refreshed = factors.added([factors.factor("totp", ID, AT)], factors.factor("totp", ID, LATER))
    assert factors.shown_at(refreshed) == LATER
    assert factors.shown_at([]) == 0


def test_without_second_factors_the_first_ones_are_left():
    password = factors.factor("password", None, AT)
    second = [factors.factor(kind, ID, AT) for kind in sorted(factors.SECOND_FACTORS)]
    assert factors.without_second([second[0], password, second[1]]) == [password]
    assert factors.without_second(second) == []
    assert not factors.PRIMARY_FACTORS & factors.SECOND_FACTORS


# RFC 8176

AMR = {
    (): [],
    ("password",): ["pwd"],
    ("totp",): ["otp"],
    ("recovery_codes",): ["otp"],
    ("totp", "recovery_codes"): ["otp"],
    ("password", "totp"): ["mfa", "otp", "pwd"],
    ("password", "recovery_codes"): ["mfa", "otp", "pwd"],
    ("password", "totp", "recovery_codes"): ["mfa", "otp", "pwd"],
}


@pytest.mark.parametrize("kinds", AMR)
def test_factors_amount_to_method_references_and_to_mfa_only_if_they_are_of_two_kinds(kinds):
    for order in (kinds, kinds[::-1]):
        assert factors.amr([factors.factor(kind, ID, AT) for kind in order]) == AMR[kinds]


def test_every_set_of_factors_that_can_be_spelt_has_its_references():
    kinds = sorted(factors._SPELLINGS)
    every = chain.from_iterable(combinations(kinds, size) for size in range(len(kinds) + 1))
    assert {frozenset(one) for one in every} == {frozenset(one) for one in AMR}


# As a JWT says them


@pytest.mark.parametrize("kind", sorted(factors._SPELLINGS))
@pytest.mark.parametrize("consumer", [False, True])
def test_a_factor_that_was_spelt_is_read_back_but_for_its_id(kind, consumer):
    one = {**factors.factor(kind, ID, AT), "last_authenticated_at": LATER}
    assert factors.read(factors.spell(one, "test", consumer=consumer)) == {**one, "id": ""}


SPELT = factors.spell(factors.factor("totp", ID, AT), "test")


@pytest.mark.parametrize("given", [None, 7, "totp", [], {}, [SPELT]], ids=ascii)
def test_what_is_no_factor_at_all_is_not_read(given):
    with pytest.raises((KeyError, TypeError, ValueError)):
        factors.read(given)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("type", ["", "TOTP", "carrier_pigeon", "mfa", None, 7, True, [], ["totp"], {}]),
        ("created_at", ["", "yesterday", "2027-01-15", "2027-01-15T08:00:00", "2027-13-15T08:00:00Z", None, 7, [], {}]),
        ("last_authenticated_at", ["", "2027-01-15T08:00:00", "2027-01-15T25:00:00Z", None, AT, 7.5, True, [], {}]),
    ],
)
def test_a_factor_that_is_spelt_otherwise_is_not_read(name, values):
    for value in values:
        with pytest.raises((KeyError, TypeError, ValueError)):
            factors.read({**SPELT, name: value})
    with pytest.raises(KeyError):
        factors.read({key: value for key, value in SPELT.items() if key != name})
