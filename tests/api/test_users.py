"""``/v1/users`` (contract 2.1 and 4.5)."""

import pytest

from stytch_totp.models import Member
from tests.api.helpers import (
    COMMON,
    TOTPS,
    USER_FILTERS,
    USER_PASSWORDS,
    USER_SESSIONS,
    USERS,
    activate,
    make_person,
    make_user,
    not_refused,
    ok,
    pending_totp,
    refused,
    show_user,
    undone,
    unknown,
    user_code,
    user_login,
    user_session,
    where,
)
from tests.factories import wrong_code

pytestmark = pytest.mark.django_db

USER = {
    *("user_id", "emails", "phone_numbers", "status", "totps", "webauthn_registrations", "providers", "roles", "name"),
    *("crypto_wallets", "biometric_registrations", "is_locked", "lock_created_at", "lock_expires_at", "created_at"),
    *("password", "trusted_metadata", "untrusted_metadata", "external_id"),
}


def create(api, **fields):
    return api("POST", USERS, fields)


def update(api, user, **fields):
    return api("PUT", user.path, fields)


def search(api, **body):
    return ok(api("POST", f"{USERS}/search", body))


def found(api, **filters):
    return [user["user_id"] for user in search(api, query=where(**filters))["results"]]


# Create


def test_create_answers_what_the_contract_says_and_nothing_else(api):
    answer = ok(create(api, email="New@Example.com"))
    user = answer["user"]
    assert set(answer) == COMMON | {"user_id", "email_id", "phone_id", "status", "user"}
    assert (answer["user_id"], answer["status"], answer["phone_id"]) == (user["user_id"], "active", "")
    assert user == {
        "user_id": answer["user_id"],
        "emails": [{"email_id": answer["email_id"], "email": "New@Example.com", "verified": False}],
        "phone_numbers": [],
        "status": "active",
        "totps": [],
        "name": {"first_name": "", "middle_name": "", "last_name": ""},
        **{name: [] for name in ("webauthn_registrations", "providers", "crypto_wallets", "biometric_registrations")},
        "is_locked": False,
        "lock_created_at": None,
        "lock_expires_at": None,
        "roles": ["stytch_user"],
        "password": None,
        "trusted_metadata": {},
        "untrusted_metadata": {},
        "external_id": None,
        "created_at": "2027-01-15T08:00:00Z",
    }
    assert set(user) == USER
    kinds = [value[:-37] for value in (answer["user_id"], answer["email_id"])]
    assert kinds == ["user-test", "email-test"]


def test_create_takes_every_field_of_the_contract(api):
    given = {
        "name": {"first_name": "Ada", "middle_name": "King", "last_name": "Lovelace"},
        "trusted_metadata": {"plan": "gold"},
        "untrusted_metadata": {"theme": "dark"},
        "external_id": "crm-1",
    }
    answer = ok(create(api, email="ada@example.com", phone_number="+15005550006", roles=["editor"], **given))
    user = answer["user"]
    assert {name: user[name] for name in given} == given
    assert user["roles"] == ["stytch_user", "editor"]
    number = {"phone_id": answer["phone_id"], "phone_number": "+15005550006", "verified": False}
    assert user["phone_numbers"] == [number]
    assert answer["phone_id"].startswith("phone-number-test-")


def test_a_user_may_have_a_phone_number_and_no_address(api):
    answer = ok(create(api, phone_number="+15005550006"))
    assert (answer["email_id"], answer["user"]["emails"]) == ("", [])
    assert len(answer["user"]["phone_numbers"]) == 1
    made = ok(api("POST", TOTPS, {"user_id": answer["user_id"]}))
    assert made["qr_code"].startswith("data:image/png;base64,")
    ok(create(api, phone_number="+15005550006"))


@pytest.mark.parametrize(
    "fields", [{}, {"name": {"first_name": "Ada"}}, {"email": ""}, {"email": "", "phone_number": ""}]
)
def test_a_user_needs_an_address_or_a_number(api, fields):
    refused(create(api, **fields), 400, "bad_request")
    assert not Member.objects.exists()


def test_a_pending_user_becomes_active_with_the_first_code(api):
    answer = ok(create(api, email="p@example.com", create_user_as_pending=True))
    assert answer["status"] == answer["user"]["status"] == "pending"
    user = make_user(api, totp=False)
    pending = pending_totp(api, type(user)(answer["user_id"], "p@example.com"))
    assert ok(user_code(api, pending))["user"]["status"] == "active"


def test_two_users_have_two_addresses_whatever_the_case(api):
    ok(create(api, email="one@example.com"))
    for email in ("one@example.com", "ONE@Example.COM"):
        refused(create(api, email=email), 400, "duplicate_email")
        refused(api("POST", USER_PASSWORDS, {"email": email, "password": "correct horse"}), 400, "duplicate_email")
    assert Member.objects.count() == 1


def test_two_users_have_two_external_ids(api):
    ok(create(api, email="one@example.com", external_id="same"))
    refused(create(api, email="two@example.com", external_id="same"), 400, "bad_request")


def test_a_member_and_a_user_may_have_the_same_address_and_external_id(api):
    person = make_person(api, external_id="same")
    user = ok(create(api, email=person.email, external_id="same"))["user"]
    assert user["user_id"][-36:] != person.member_id[-36:]
    assert ok(api("GET", f"{USERS}/same"))["user_id"] == user["user_id"]


def test_addresses_that_are_none_are_refused(api):
    values = ["x", "a@", "@b.example", "a b@example.com", "a@example.com\n", "x" * 250 + "@e.com", "\u00e9@example.com"]
    assert not not_refused(lambda email: create(api, email=email), [*values, None, 5, []], 400, "invalid_email")


@pytest.mark.parametrize("number", ["15005550006", "+", "+0123", "x", "+1500555000612345", 5, None, "+1 500"])
def test_numbers_that_are_none_are_refused(api, number):
    refused(create(api, email="a@example.com", phone_number=number), 400, "bad_request")


# Get


def test_get_answers_the_user_flat(api):
    user = make_user(api)
    answer = ok(api("GET", user.path))
    assert set(answer) == COMMON | USER
    assert answer["totps"] == [{"totp_id": user.totp_id, "verified": True}]
    assert set(answer["password"]) == {"password_id", "requires_reset"}
    assert answer["password"]["password_id"].startswith("password-test-")


def test_ids_of_both_forms_lead_to_the_same_user(api):
    user = make_user(api, external_id="crm.1|x_y-z")
    shown = show_user(api, user)
    assert ok(api("GET", f"{USERS}/crm.1%7Cx_y-z"))["user_id"] == shown["user_id"]
    assert ok(update(api, user, name={"first_name": "Ada"}))["user"]["external_id"] == "crm.1|x_y-z"
    changed = ok(api("PUT", f"{USERS}/crm.1%7Cx_y-z", {"name": {"first_name": "Eva"}}))
    assert changed["user"] == {**shown, "name": {"first_name": "Eva", "middle_name": "", "last_name": ""}}


@pytest.mark.parametrize(
    ("identifier", "status", "error_type"),
    [
        ("user-test-99999999-9999-4999-8999-999999999999", 404, "user_not_found"),
        ("nobodys-external-id", 404, "user_not_found"),
        ("user-live-99999999-9999-4999-8999-999999999999", 400, "invalid_user_id"),
        ("member-test-99999999-9999-4999-8999-999999999999", 400, "invalid_user_id"),
        ("user-test-99999999-9999-4999-8999-99999999999G", 404, "user_not_found"),
        ("a%20b", 400, "invalid_user_id"),
        ("%C3%A9", 400, "invalid_user_id"),
        ("x" * 129, 400, "invalid_user_id"),
    ],
)
def test_an_id_of_nobody_is_not_found_and_a_malformed_one_is_invalid(api, identifier, status, error_type):
    make_user(api, totp=False)
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("DELETE", "/external_id")):
        answer = api(method, f"{USERS}/{identifier}{path}", {} if method == "PUT" else None)
        body = refused(answer, status, error_type)
        assert body["error_url"] == f"https://stytch.com/docs/api/errors/{status}#{error_type}"


# Update


def test_update_answers_what_the_contract_says_and_changes_what_is_given(api):
    user = make_user(api)
    before = show_user(api, user)
    answer = ok(update(api, user, name={"last_name": "Lovelace"}, roles=["editor"], external_id="crm-2"))
    assert set(answer) == COMMON | {"user_id", "user", "emails", "phone_numbers", "crypto_wallets"}
    assert (answer["emails"], answer["phone_numbers"], answer["crypto_wallets"]) == (before["emails"], [], [])
    name = {"first_name": "", "middle_name": "", "last_name": "Lovelace"}
    changed = {"name": name, "roles": ["stytch_user", "editor"], "external_id": "crm-2"}
    assert answer["user"] == {**before, **changed} == show_user(api, user)


def test_an_update_without_fields_changes_nothing(api):
    user = make_user(api)
    before = show_user(api, user)
    assert ok(update(api, user))["user"] == before


def test_metadata_merge_at_the_top_and_null_removes_a_key(api):
    user = make_user(api, totp=False)
    for name in ("trusted_metadata", "untrusted_metadata"):
        ok(update(api, user, **{name: {"a": 1, "b": {"x": 1}}}))
        assert ok(update(api, user, **{name: {"a": None, "b": {"y": 2}}}))["user"][name] == {"b": {"y": 2}}


def test_an_update_writes_the_declared_fields_and_no_others(api):
    user = make_user(api)
    before = show_user(api, user)
    others = dict.fromkeys(("email", "status", "user_id", "created_at", "phone_number", "organization"), "active")
    others |= dict.fromkeys(("email_verified", "is_locked", "mfa_enrolled", "is_breakglass", "pending"), True)
    others |= dict.fromkeys(("create_user_as_pending", "set_email_verified", "mfa_phone_verified"), True)
    others |= {"emails": (), "totps": (), "password": None}
    assert ok(update(api, user, **others))["user"] == before


def test_the_external_id_can_be_taken_away_and_given_to_another(api):
    user, other = make_user(api, totp=False, external_id="crm-1"), make_user(api, totp=False)
    refused(update(api, other, external_id="crm-1"), 400, "bad_request")
    answer = ok(api("DELETE", f"{user.path}/external_id"))
    assert set(answer) == COMMON | {"user_id", "user"}
    assert answer["user"]["external_id"] is None
    refused(api("GET", f"{USERS}/crm-1"), 404, "user_not_found")
    assert ok(update(api, other, external_id="crm-1"))["user"]["external_id"] == "crm-1"


def test_an_external_id_has_not_the_form_of_an_id(api):
    user = make_user(api, totp=False)
    values = [unknown("user"), unknown("member").upper(), "", "x y", "x" * 129, "\u00e9", None, 5]
    assert not not_refused(lambda value: update(api, user, external_id=value), values, 400, "bad_request")


# Delete


def test_a_deleted_user_is_gone_with_all_that_it_had(api):
    user = make_user(api, external_id="crm-1")
    session = user_session(api, user)
    pending = pending_totp(api, make_user(api, totp=False))
    answer = ok(api("DELETE", user.path))
    assert set(answer) == COMMON | {"user_id"}
    for refusal in (
        api("GET", user.path),
        api("GET", f"{USERS}/crm-1"),
        api("DELETE", user.path),
        user_code(api, user),
    ):
        refused(refusal, 404, "user_not_found")
    refused(user_login(api, user), 401, "unauthorized_credentials")
    given = {"session_token": session["session_token"]}
    refused(api("POST", f"{USER_SESSIONS}/authenticate", given), 404, "session_not_found")
    assert found(api) == [pending.user_id]
    again = make_user(api, totp=False, email=user.email, external_id="crm-1")
    assert again.user_id != user.user_id
    assert show_user(api, again)["totps"] == []


# Delete a TOTP


def test_a_totp_is_deleted_by_its_id(api):
    user = make_user(api)
    answer = ok(api("DELETE", f"{USERS}/totps/{user.totp_id}"))
    assert set(answer) == COMMON | {"user_id", "user"}
    assert answer["user"]["totps"] == []
    refused(user_code(api, user), 404, "totps_not_found_for_user")
    refused(api("DELETE", f"{USERS}/totps/{user.totp_id}"), 404, "totp_not_found")
    assert activate(api, pending_totp(api, user))


def test_a_pending_totp_is_deleted_by_its_id_too(api):
    user = pending_totp(api, make_user(api, totp=False))
    assert ok(api("DELETE", f"{USERS}/totps/{user.totp_id}"))["user"]["totps"] == []


@pytest.mark.parametrize("forget", [True, False])
def test_deleting_a_totp_takes_the_factor_off_running_sessions_where_the_site_says_so(api, configure, forget):
    configure(FORGET_DELETED_TOTP=forget)
    user = make_user(api)
    token = user_session(api, user)["session_token"]
    ok(api("DELETE", f"{USERS}/totps/{user.totp_id}"))
    session = ok(api("POST", f"{USER_SESSIONS}/authenticate", {"session_token": token}))["session"]
    types = [factor["type"] for factor in session["authentication_factors"]]
    assert types == (["password"] if forget else ["password", "totp"])


# Search


def test_a_search_answers_what_the_contract_says(api):
    user = make_user(api)
    answer = search(api)
    assert set(answer) == COMMON | {"results", "results_metadata"}
    assert answer["results"] == [show_user(api, user)]
    assert answer["results_metadata"] == {"total": 1, "next_cursor": None}


def test_a_search_pages_through_all_of_them_in_the_order_they_came(api, clock):
    made = []
    for _ in range(7):
        made.append(ok(create(api, email=f"{unknown('x')}@example.com"))["user_id"])
        clock.advance(len(made) % 2)
    seen, cursor = [], None
    while cursor != "":
        page = search(api, limit=3, **({"cursor": cursor} if cursor else {}))
        assert page["results_metadata"]["total"] == 7
        seen += [user["user_id"] for user in page["results"]]
        cursor = page["results_metadata"]["next_cursor"] or ""
    assert len(seen) == 7
    assert set(seen) == set(made)
    first = search(api, limit=7)["results_metadata"]
    assert first["next_cursor"] is None


@pytest.fixture
def three(api, clock):
    """One with everything, a pending one with a pending TOTP, one with a phone number alone."""
    ada = make_user(api, name={"first_name": "Ada", "last_name": "Lovelace"}, email="ada@example.com")
    clock.advance(100)
    eve = ok(create(api, email="eve@other.example", create_user_as_pending=True))
    pending = ok(api("POST", TOTPS, {"user_id": eve["user_id"]}))
    clock.advance(100)
    phone = ok(create(api, phone_number="+15005550006"))
    email_id = show_user(api, ada)["emails"][0]["email_id"]
    ids = {"ada": ada.user_id, "eve": eve["user_id"], "phone": phone["user_id"]}
    return {
        **ids,
        "email_id": email_id,
        "phone_id": phone["phone_id"],
        "totp": ada.totp_id,
        "pending": pending["totp_id"],
    }


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("created_at_greater_than", "2027-01-15T08:01:00Z", "eve phone"),
        ("created_at_less_than", "2027-01-15T08:01:00Z", "ada"),
        ("created_at_less_than", "2027-01-15T09:01:00+01:00", "ada"),
        ("created_at_between", {"greater_than": "2027-01-15T08:01:00Z", "less_than": "2027-01-15T08:03:00Z"}, "eve"),
        ("status", "pending", "eve"),
        ("status", "deleted", ""),
        ("user_id", ["{ada}", "{phone}"], "ada phone"),
        ("full_name_fuzzy", "a lov", "ada"),
        ("phone_number", ["+15005550006"], "phone"),
        ("phone_number_fuzzy", "5550", "phone"),
        ("phone_id", ["{phone_id}"], "phone"),
        ("phone_verified", False, "ada eve phone"),
        ("phone_verified", True, ""),
        ("email_address", ["ADA@example.com"], "ada"),
        ("email_address_fuzzy", "OTHER", "eve"),
        ("email_id", ["{email_id}"], "ada"),
        ("email_verified", True, ""),
        ("totp_id", ["{totp}"], "ada"),
        ("totp_id", ["{totp}", "{pending}"], "ada eve"),
        ("totp_verified", True, "ada"),
        ("totp_verified", False, "eve"),
        ("password_exists", True, "ada"),
        ("password_exists", False, "eve phone"),
        ("oauth_provider", ["google"], ""),
        ("webauthn_registration_id", ["x"], ""),
        ("webauthn_registration_verified", True, ""),
        ("crypto_wallet_id", ["x"], ""),
        ("crypto_wallet_address", ["x"], ""),
        ("crypto_wallet_verified", True, ""),
    ],
)
def test_a_filter_finds_those_it_names_and_no_others(api, three, name, value, expected):
    wanted = [one.format_map(three) for one in value] if isinstance(value, list) else value
    assert set(found(api, **{name: wanted})) == {three[who] for who in expected.split()}


def test_filters_hold_together_or_one_by_one(api, three):
    both = {"status": "pending", "totp_verified": True}
    assert found(api, **both) == []
    assert set(found(api, operator="OR", **both)) == {three["ada"], three["eve"]}


def test_every_filter_of_the_contract_is_known_and_no_other(api):
    for name, value in USER_FILTERS.items():
        search(api, query=where(**{name: value}))
    others = ["x", "", "member_ids", "USER_ID", "totp_secret", "password", "email_key", "organization__kind"]

    def call(name):
        return api("POST", f"{USERS}/search", {"query": where(**{name: "abc"})})

    assert not not_refused(call, others, 400, "bad_request")


@pytest.mark.parametrize("value", ["2027-01-15", "2027-01-15T08:00:00", "yesterday", "", 1800000000, None, "x" * 300])
def test_times_without_an_offset_are_refused(api, value):
    for name in ("created_at_greater_than", "created_at_less_than"):
        refused(api("POST", f"{USERS}/search", {"query": where(**{name: value})}), 400, "bad_request")
    between = {"greater_than": value, "less_than": "2027-01-15T08:00:00Z"}
    refused(api("POST", f"{USERS}/search", {"query": where(created_at_between=between)}), 400, "bad_request")


def test_a_locked_user_says_so_until_the_lock_ends(api, clock):
    user = make_user(api)
    for _ in range(10):
        refused(user_code(api, user, wrong_code(user.secret)), 401, "unable_to_authenticate_totp")
    shown = show_user(api, user)
    assert shown["is_locked"] is True
    assert (shown["lock_created_at"], shown["lock_expires_at"]) == ("2027-01-15T08:00:30Z", "2027-01-15T09:00:30Z")
    answer = user_code(api, user)
    refused(answer, 429, "user_lock_limit_reached")
    assert answer.headers["Retry-After"] == "3600"
    clock.advance(3600)
    with undone():
        ok(user_code(api, user))
    assert show_user(api, user)["is_locked"] is False
