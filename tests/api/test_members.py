"""``/v1/b2b/organizations/{o}/members`` (contract 1.8 and 4.1)."""

import re
from urllib.parse import quote

import pytest

from stytch_totp.models import Member
from tests.api.helpers import (
    COMMON,
    ORGANIZATIONS,
    SESSIONS,
    complete,
    intermediate,
    log_in,
    make_organization,
    make_person,
    not_refused,
    ok,
    recover,
    refused,
    rows_hash,
    show_member,
    unknown,
    where,
    with_totp,
)

pytestmark = pytest.mark.django_db

MO = {"member_id", "member", "organization"}
MEMBER = {
    *("organization_id", "member_id", "email_address", "status", "name", "sso_registrations", "oauth_registrations"),
    *("is_breakglass", "is_admin", "member_password_id", "email_address_verified", "mfa_phone_number_verified"),
    *("mfa_phone_number", "totp_registration_id", "mfa_enrolled", "default_mfa_method", "retired_email_addresses"),
    *("is_locked", "roles", "trusted_metadata", "untrusted_metadata", "created_at", "updated_at"),
    *("scim_registration", "external_id", "lock_created_at", "lock_expires_at"),
}
DEFAULTS = {
    "status": "active",
    "name": "",
    "sso_registrations": [],
    "oauth_registrations": [],
    "is_breakglass": False,
    "is_admin": False,
    "member_password_id": "",
    "email_address_verified": True,
    "mfa_phone_number_verified": False,
    "mfa_phone_number": "",
    "totp_registration_id": "",
    "mfa_enrolled": False,
    "default_mfa_method": "",
    "retired_email_addresses": [],
    "is_locked": False,
    "roles": [{"role_id": "stytch_member", "sources": [{"type": "direct_assignment", "details": {}}]}],
    "trusted_metadata": {},
    "untrusted_metadata": {},
    "scim_registration": None,
    "external_id": None,
    "lock_created_at": None,
    "lock_expires_at": None,
}
SEARCH = f"{ORGANIZATIONS}/members/search"
EMAILS_REFUSED = [
    *("", "x", "x@", "@x.example", "a b@x.example", "a@b@x.example", "x" * 250 + "@x.example", "a@x", None, 5, []),
    *("a@x.example\n", " a@x.example", "a\u202e@x.example", "\u00e9@x.example", "a@x..example", "a\u212a@x.example"),
]
DANGEROUSLY = f"{ORGANIZATIONS}/members/dangerously_get"


@pytest.fixture
def tenant(api):
    return make_organization(api)["organization_id"]


def create(api, tenant, email="ada@example.com", **fields):
    return api("POST", f"{ORGANIZATIONS}/{tenant}/members", {"email_address": email, **fields})


def path_of(member):
    return f"{ORGANIZATIONS}/{member['organization_id']}/members/{member['member_id']}"


def get(api, tenant, **selector):
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in selector.items())
    return api("GET", f"{ORGANIZATIONS}/{tenant}/member?{query}")


def search(api, tenants, **filters):
    fields = {name: filters.pop(name) for name in ("cursor", "limit") if name in filters}
    query = {"query": where(**filters)} if filters else {}
    return api("POST", SEARCH, {"organization_ids": tenants, **query, **fields})


# Create


def test_create_answers_a_member_with_every_key_of_the_contract(api, tenant):
    answer = ok(create(api, tenant))
    assert set(answer) == COMMON | MO
    member = answer["member"]
    assert set(member) == MEMBER
    assert answer["member_id"] == member["member_id"]
    assert re.fullmatch(r"member-test-[0-9a-f-]{36}", member["member_id"])
    assert answer["organization"]["organization_id"] == member["organization_id"] == tenant
    assert {name: member[name] for name in DEFAULTS} == DEFAULTS
    assert member["created_at"] == member["updated_at"] == "2027-01-15T08:00:00Z"


def test_what_is_given_is_kept(api, tenant):
    given = {
        "name": "Ada \u00e9\U0001f600",
        "trusted_metadata": {"a": [1, {"b": None}]},
        "untrusted_metadata": {"c": "d"},
        "is_breakglass": True,
        "mfa_phone_number": "+15005550006",
        "mfa_enrolled": True,
        "external_id": "ada.1|x_-",
    }
    member = ok(create(api, tenant, "Ada.Lovelace+x@Example.COM", **given, roles=["stytch_admin", "editor"]))["member"]
    assert {name: member[name] for name in given} == given
    assert member["email_address"] == "Ada.Lovelace+x@Example.COM"
    assert [role["role_id"] for role in member["roles"]] == ["stytch_member", "stytch_admin", "editor"]
    assert member["is_admin"] is True
    assert ok(get(api, tenant, member_id=member["member_id"]))["member"] == member


def test_a_member_may_be_pending_at_first(api, tenant):
    member = ok(create(api, tenant, create_member_as_pending=True))["member"]
    assert member["status"] == "pending"
    assert member["email_address_verified"] is False


def test_a_pending_member_becomes_active_with_a_login(api, tenant):
    person = make_person(api, tenant, totp=False, create_member_as_pending=True)
    ok(log_in(api, person))
    assert show_member(api, person)["status"] == "active"


@pytest.mark.parametrize(
    ("field", "values", "error_type"),
    [
        ("email_address", EMAILS_REFUSED, "invalid_email"),
        ("name", ["x" * 256, None, 5, []], "bad_request"),
        ("trusted_metadata", [None, [], "x", 1], "bad_request"),
        ("untrusted_metadata", [None, [], "x", 1], "bad_request"),
        ("is_breakglass", [None, 0, "true"], "bad_request"),
        ("mfa_enrolled", [None, 1, "false"], "bad_request"),
        (
            "mfa_phone_number",
            ["5005550006", "+", "+1", "+0123456789", "+1 500 555 0006", "+1500555000a", "+" + "1" * 16, "x", None, 5],
            "bad_request",
        ),
        ("roles", [None, "x", [1], {}, [None]], "bad_request"),
        ("external_id", ["", "x" * 129, "a b", "a~", "a\u00e9", "a\n", 5, []], "bad_request"),
    ],
)
def test_a_field_takes_its_values_only(api, tenant, field, values, error_type):
    member = ok(create(api, tenant, "first@example.com"))["member"]
    before = rows_hash()
    assert not not_refused(
        lambda value: create(api, tenant, **{"email": "b@x.example", **_as(field, value)}), values, 400, error_type
    )
    assert not not_refused(lambda value: api("PUT", path_of(member), {field: value}), values, 400, error_type)
    assert rows_hash() == before


def _as(field, value):
    return {"email": value} if field == "email_address" else {field: value}


def test_create_member_as_pending_is_a_boolean(api, tenant):
    values = [None, 0, "true", []]
    assert not not_refused(lambda one: create(api, tenant, create_member_as_pending=one), values, 400, "bad_request")


@pytest.mark.parametrize("again", ["ada@example.com", "ADA@EXAMPLE.COM", "Ada@example.com"])
def test_an_address_belongs_to_one_member_of_an_organization_whatever_its_case(api, tenant, again):
    ok(create(api, tenant, "ada@Example.com"))
    refused(create(api, tenant, again), 400, "duplicate_member_email")
    other = ok(create(api, tenant, "bob@example.com"))["member"]
    refused(api("PUT", path_of(other), {"email_address": again}), 400, "duplicate_member_email")
    ok(create(api, make_organization(api)["organization_id"], again))


def test_an_external_id_belongs_to_one_member_of_an_organization(api, tenant):
    ok(create(api, tenant, external_id="e-1"))
    refused(create(api, tenant, "bob@example.com", external_id="e-1"), 400, "duplicate_member_external_id")
    other = ok(create(api, tenant, "bob@example.com", external_id="e-2"))["member"]
    refused(api("PUT", path_of(other), {"external_id": "e-1"}), 400, "duplicate_member_external_id")
    ok(create(api, make_organization(api)["organization_id"], external_id="e-1"))


def test_te03_no_external_id_is_formed_like_an_id(api, tenant):
    victim = ok(create(api, tenant))["member"]
    ids = [victim["member_id"], victim["member_id"].upper(), *(unknown(kind) for kind in ("member", "user", "x"))]
    ids.append(victim["member_id"].replace("-test-", "-live-"))
    assert not not_refused(lambda one: create(api, tenant, "b@example.com", external_id=one), ids, 400, "bad_request")
    other = ok(create(api, tenant, "bob@example.com"))["member"]
    assert not not_refused(lambda one: api("PUT", path_of(other), {"external_id": one}), ids, 400, "bad_request")


# Get


def test_a_member_is_found_by_id_external_id_and_address(api, tenant):
    member = ok(create(api, tenant, "Ada@example.com", external_id="e-1"))["member"]
    for selector in (
        {"member_id": member["member_id"]},
        {"member_id": "e-1"},
        {"email_address": "Ada@example.com"},
        {"email_address": "aDA@EXAMPLE.com"},
    ):
        answer = ok(get(api, tenant, **selector))
        assert set(answer) == COMMON | MO
        assert answer["member"] == member
    for selector in ({"member_id": "e-2"}, {"email_address": "bob@example.com"}, {"member_id": unknown("member")}):
        refused(get(api, tenant, **selector), 404, "member_not_found")


def test_get_takes_exactly_one_selector(api, tenant):
    member = ok(create(api, tenant))["member"]
    refused(get(api, tenant), 400, "invalid_member_get_fields")
    both = {"member_id": member["member_id"], "email_address": "ada@example.com"}
    refused(get(api, tenant, **both), 400, "invalid_member_get_fields")


def test_dangerously_get_needs_no_organization(api, tenant):
    member = ok(create(api, tenant, external_id="e-1"))["member"]
    answer = ok(api("GET", f"{DANGEROUSLY}/{member['member_id']}"))
    assert set(answer) == COMMON | MO
    assert answer["member"] == member
    for identifier in ("e-1", unknown("member"), tenant):
        refused(api("GET", f"{DANGEROUSLY}/{identifier}"), 404, "member_not_found")


def test_dangerously_get_shows_a_deleted_member_when_asked(api, tenant):
    member = ok(create(api, tenant))["member"]
    ok(api("DELETE", path_of(member)))
    refused(api("GET", f"{DANGEROUSLY}/{member['member_id']}"), 404, "member_not_found")
    refused(api("GET", f"{DANGEROUSLY}/{member['member_id']}?include_deleted=False"), 404, "member_not_found")
    shown = ok(api("GET", f"{DANGEROUSLY}/{member['member_id']}?include_deleted=True"))["member"]
    assert shown["status"] == "deleted"


# Update


def test_update_changes_what_is_given_and_nothing_else(api, tenant, clock):
    member = ok(create(api, tenant, name="Before", external_id="e-1"))["member"]
    clock.advance(60)
    answer = ok(api("PUT", path_of(member), {"name": "After", "mfa_enrolled": True}))
    assert set(answer) == COMMON | MO
    changed = {"name": "After", "mfa_enrolled": True, "updated_at": "2027-01-15T08:01:00Z"}
    assert answer["member"] == {**member, **changed}


def test_a_change_of_address_frees_the_old_one(api, tenant):
    member = ok(create(api, tenant))["member"]
    ok(api("PUT", path_of(member), {"email_address": "new@example.com"}))
    refused(get(api, tenant, email_address="ada@example.com"), 404, "member_not_found")
    assert ok(get(api, tenant, email_address="NEW@example.com"))["member_id"] == member["member_id"]
    ok(create(api, tenant))


def test_an_address_may_be_respelled(api, tenant):
    member = ok(create(api, tenant))["member"]
    renamed = ok(api("PUT", path_of(member), {"email_address": "ADA@example.com"}))["member"]
    assert renamed["email_address"] == "ADA@example.com"


@pytest.mark.parametrize("field", ["trusted_metadata", "untrusted_metadata"])
def test_metadata_merges_at_the_top_and_null_removes_a_key(api, tenant, field):
    member = ok(create(api, tenant, **{field: {"a": 1, "b": {"x": 1}, "c": None}}))["member"]
    assert member[field] == {"a": 1, "b": {"x": 1}}
    for given, expected in (
        ({}, {"a": 1, "b": {"x": 1}}),
        ({"c": 2}, {"a": 1, "b": {"x": 1}, "c": 2}),
        ({"a": None, "b": {"y": 1}}, {"b": {"y": 1}, "c": 2}),
    ):
        assert ok(api("PUT", path_of(member), {field: given}))["member"][field] == expected


def test_roles_are_replaced_and_the_default_one_stays(api, tenant):
    member = ok(create(api, tenant, roles=["editor"]))["member"]
    for given, expected in ((["stytch_admin"], ["stytch_member", "stytch_admin"]), ([], ["stytch_member"])):
        changed = ok(api("PUT", path_of(member), {"roles": given}))["member"]
        assert [role["role_id"] for role in changed["roles"]] == expected
        assert changed["is_admin"] is ("stytch_admin" in given)


def test_the_default_role_is_not_listed_twice(api, tenant):
    member = ok(create(api, tenant, roles=["stytch_member", "editor", "editor"]))["member"]
    assert [role["role_id"] for role in member["roles"]] == ["stytch_member", "editor"]


@pytest.mark.parametrize(
    ("totp", "given", "error_type"),
    [
        (False, "totp", "default_mfa_member_missing_factor"),
        (False, "sms_otp", "default_mfa_member_missing_factor"),
        (True, "sms_otp", "default_mfa_member_missing_factor"),
        (True, "", "invalid_mfa_default_method"),
        (True, "TOTP", "invalid_mfa_default_method"),
        (True, "email", "invalid_mfa_default_method"),
        (True, None, "invalid_mfa_default_method"),
        (True, ["totp"], "invalid_mfa_default_method"),
        (True, "totp", None),
    ],
)
def test_the_default_method_is_one_that_the_member_owns(api, totp, given, error_type):
    person = make_person(api, totp=totp)
    answer = api("PUT", person.member_path, {"default_mfa_method": given})
    if error_type:
        refused(answer, 400, error_type)
    else:
        assert ok(answer)["member"]["default_mfa_method"] == given


def test_another_phone_number_is_not_verified(api):
    person = make_person(api, totp=False)
    Member.objects.update(mfa_phone_number="+15005550006", mfa_phone_verified=True)
    changed = ok(api("PUT", person.member_path, {"mfa_phone_number": "+15005550007"}))["member"]
    assert changed["mfa_phone_number_verified"] is False


def test_the_external_id_can_be_taken_away_and_used_again(api, tenant):
    member = ok(create(api, tenant, external_id="e-1"))["member"]
    answer = ok(api("DELETE", f"{path_of(member)}/external_id"))
    assert set(answer) == COMMON | MO
    assert answer["member"]["external_id"] is None
    refused(get(api, tenant, member_id="e-1"), 404, "member_not_found")
    ok(create(api, tenant, "bob@example.com", external_id="e-1"))


def test_fields_that_only_the_service_writes_are_ignored(api, tenant):
    """Mass assignment: what an answer shows is not for that reason an input."""
    given = {
        "status": "deleted",
        "member_id": unknown("member"),
        "organization_id": unknown("organization"),
        "email_address_verified": False,
        "mfa_phone_number_verified": True,
        "is_locked": True,
        "is_admin": True,
        "password": "x",
        "totp_registration_id": "x",
        "created_at": "2000-01-01T00:00:00Z",
        "mfa_phone_verified": True,
        "email_verified": False,
        "email_key": "x",
        "user": 1,
    }
    member = ok(create(api, tenant, **given))["member"]
    assert {name: member[name] for name in DEFAULTS} == DEFAULTS
    assert ok(api("PUT", path_of(member), given))["member"] == member


# Delete and reactivate


def test_delete_ends_all_that_the_member_had(api):
    person = make_person(api, external_id="e-1")
    session, token = complete(api, person), intermediate(api, person)
    answer = ok(api("DELETE", person.member_path))
    assert set(answer) == COMMON | {"member_id"}
    assert answer["member_id"] == person.member_id
    refused(api("DELETE", person.member_path), 404, "member_not_found")
    refused(api("PUT", person.member_path, {"name": "x"}), 404, "member_not_found")
    for selector in ({"member_id": person.member_id}, {"member_id": "e-1"}, {"email_address": person.email}):
        refused(get(api, person.organization_id, **selector), 404, "member_not_found")
    for name in ("session_token", "session_jwt"):
        refused(api("POST", f"{SESSIONS}/authenticate", {name: session[name]}), 404, "session_not_found")
    refused(log_in(api, person), 401, "unauthorized_credentials")
    refused(recover(api, person, person.codes[0]), 404, "member_not_found")
    dead = recover(api, person, person.codes[0], intermediate_session_token=token)
    refused(dead, 404, "intermediate_session_not_found")


def test_a_deletion_frees_address_and_external_id(api, tenant):
    first = ok(create(api, tenant, external_id="e-1"))["member"]
    ok(api("DELETE", path_of(first)))
    second = ok(create(api, tenant, external_id="e-1"))["member"]
    assert second["member_id"] != first["member_id"]


def test_reactivate_brings_a_member_back_with_neither_factor_nor_session_nor_password(api):
    person = make_person(api)
    token = complete(api, person)["session_token"]
    ok(api("DELETE", person.member_path))
    answer = ok(api("PUT", f"{person.member_path}/reactivate"))
    assert set(answer) == COMMON | MO
    member = answer["member"]
    assert member["status"] == "active"
    assert member["member_id"] == person.member_id
    assert (member["totp_registration_id"], member["default_mfa_method"], member["member_password_id"]) == ("", "", "")
    refused(api("POST", f"{SESSIONS}/authenticate", {"session_token": token}), 404, "session_not_found")
    refused(log_in(api, person), 401, "unauthorized_credentials")
    with_totp(api, person)


def test_reactivate_is_for_deleted_members_with_a_verified_address_that_is_still_free(api, tenant):
    member = ok(create(api, tenant))["member"]
    refused(api("PUT", f"{path_of(member)}/reactivate"), 400, "no_deleted_member_found_for_reactivation")
    ok(api("DELETE", path_of(member)))
    ok(create(api, tenant, "ADA@example.com"))
    refused(api("PUT", f"{path_of(member)}/reactivate"), 400, "reactivation_email_belongs_to_another_member")
    pending = ok(create(api, tenant, "bob@example.com", create_member_as_pending=True))["member"]
    ok(api("DELETE", path_of(pending)))
    refused(api("PUT", f"{path_of(pending)}/reactivate"), 400, "email_unverified_for_reactivation")


# Search


@pytest.fixture
def people(api, tenant):
    """Five members of one organization and one of another."""
    other = make_organization(api)["organization_id"]
    made = {
        "ada": make_person(api, tenant, email_address="Ada@example.com", roles=["editor"]),
        "bob": make_person(api, tenant, totp=False, email_address="bob@example.com", is_breakglass=True),
        "cid": make_person(api, tenant, totp=False, email_address="cid@example.org", create_member_as_pending=True),
        "dan": make_person(api, tenant, totp=False, email_address="dan@example.org", mfa_phone_number="+15005550006"),
        "gone": make_person(api, tenant, totp=False, email_address="gone@example.org"),
        "else": make_person(api, other, email_address="ada@example.com"),
    }
    without = ok(create(api, tenant, "eve@example.net", roles=["editors"]))["member"]
    ok(api("DELETE", made["gone"].member_path))
    names = {person.member_id: name for name, person in made.items()} | {without["member_id"]: "eve"}
    return {"names": names, "tenant": tenant, "other": other, **made}


def found(api, people, tenants=None, **filters):
    answer = ok(search(api, tenants or [people["tenant"]], **filters))
    return {people["names"][member["member_id"]] for member in answer["members"]}


SEARCHES = [
    ({}, {"ada", "bob", "cid", "dan", "eve"}),
    ({"member_emails": ["ada@example.com", "DAN@example.org", "gone@example.org"]}, {"ada", "dan"}),
    ({"member_emails": ["ada@example.com "]}, set()),
    ({"member_email_fuzzy": "EXAMPLE.COM"}, {"ada", "bob"}),
    ({"member_email_fuzzy": "%%%"}, set()),
    ({"member_email_fuzzy": "___"}, set()),
    ({"member_is_breakglass": True}, {"bob"}),
    ({"member_is_breakglass": False}, {"ada", "cid", "dan", "eve"}),
    ({"statuses": ["active"]}, {"ada", "bob", "dan", "eve"}),
    ({"statuses": ["pending"]}, {"cid"}),
    ({"statuses": ["deleted"]}, {"gone"}),
    ({"statuses": ["deleted", "pending"]}, {"cid", "gone"}),
    ({"statuses": ["invited"]}, set()),
    ({"member_mfa_phone_numbers": ["+15005550006"]}, {"dan"}),
    ({"member_phone_numbers": ["+15005550006", "x"]}, {"dan"}),
    ({"member_mfa_phone_number_fuzzy": "5550"}, {"dan"}),
    ({"member_phone_number_fuzzy": "555000"}, {"dan"}),
    ({"member_password_exists": True}, {"ada", "bob", "cid", "dan"}),
    ({"member_password_exists": False}, {"eve"}),
    ({"member_totp_exists": True}, {"ada"}),
    ({"member_totp_exists": False}, {"bob", "cid", "dan", "eve"}),
    ({"member_roles": ["editor"]}, {"ada"}),
    ({"member_roles": ["editor", "editors"]}, {"ada", "eve"}),
    ({"member_roles": ["edit"]}, set()),
    ({"member_roles": ["%"]}, set()),
    ({"member_roles": ["stytch_member"]}, {"ada", "bob", "cid", "dan", "eve"}),
    ({"member_roles": ["editor", "stytch_member"]}, {"ada", "bob", "cid", "dan", "eve"}),
    (
        {"operator": "OR", "member_is_breakglass": True, "member_roles": ["stytch_member"]},
        {"ada", "bob", "cid", "dan", "eve"},
    ),
    ({"member_email_fuzzy": "example.org", "member_password_exists": True}, {"cid", "dan"}),
    ({"operator": "OR", "member_is_breakglass": True, "member_totp_exists": True}, {"ada", "bob"}),
    ({"operator": "OR", "statuses": ["deleted"], "member_is_breakglass": True}, {"bob", "gone"}),
]


def test_search_by_each_filter(api, people):
    answers = [(filters, found(api, people, **filters), expected) for filters, expected in SEARCHES]
    assert [(filters, found) for filters, found, expected in answers if found != expected] == []


def test_search_by_ids_stays_in_the_organizations_that_are_named(api, people):
    ids = [people[name].member_id for name in ("ada", "gone", "else")] + [unknown("member"), "x"]
    assert found(api, people, member_ids=ids) == {"ada"}
    both = [people["tenant"], people["other"]]
    assert found(api, people, both, member_ids=ids) == {"ada", "else"}
    assert found(api, people, both, member_emails=["ada@example.com"]) == {"ada", "else"}


def test_search_answers_members_organizations_and_metadata(api, people):
    answer = ok(search(api, [people["tenant"], people["other"], people["tenant"]]))
    assert set(answer) == COMMON | {"members", "organizations", "results_metadata"}
    assert all(set(member) == MEMBER for member in answer["members"])
    assert set(answer["organizations"]) == {people["tenant"], people["other"]}
    assert answer["organizations"][people["tenant"]]["organization_id"] == people["tenant"]
    assert answer["results_metadata"] == {"total": 6, "next_cursor": None}


def test_search_pages_by_cursor_and_shows_each_once(api, tenant):
    made = [ok(create(api, tenant, f"m{n}@example.com"))["member_id"] for n in range(13)]
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        answer = ok(search(api, [tenant], limit=3, **({"cursor": cursor} if cursor else {})))
        assert answer["results_metadata"]["total"] == 13
        seen += [member["member_id"] for member in answer["members"]]
        cursor, pages = answer["results_metadata"]["next_cursor"], pages + 1
    assert pages == 5
    assert sorted(seen) == sorted(made)


def test_a_cursor_leads_through_members_of_different_ages(api, tenant, clock):
    made = []
    for number in range(6):
        made.append(ok(create(api, tenant, f"m{number}@example.com"))["member_id"])
        clock.advance(1)
    first = ok(search(api, [tenant], limit=4))
    second = ok(search(api, [tenant], limit=4, cursor=first["results_metadata"]["next_cursor"]))
    assert [member["member_id"] for member in (*first["members"], *second["members"])] == made


def test_organization_ids_are_needed_and_known(api, tenant):
    refused(search(api, []), 400, "bad_request")
    refused(api("POST", SEARCH, {}), 400, "bad_request")
    refused(search(api, [tenant, unknown("organization")]), 404, "organization_not_found")
    refused(search(api, [tenant, "no-such-slug"]), 404, "organization_not_found")


def test_organizations_of_a_search_may_be_named_by_slug_and_external_id(api):
    made = make_organization(api, organization_slug="slug-1", organization_external_id="ext-1")
    ok(create(api, made["organization_id"]))
    for name in ("slug-1", "ext-1"):
        answer = ok(search(api, [name]))
        assert list(answer["organizations"]) == [made["organization_id"]]
        assert len(answer["members"]) == 1


@pytest.mark.parametrize("name", ["x", "", "member_id", "organization_ids", "password", "email_key__in"])
def test_an_unknown_filter_is_named(api, tenant, name):
    refused(search(api, [tenant], **{name: ["x"]}), 400, "member_search_filter_name_not_recognized")


@pytest.mark.parametrize(
    "filters",
    [
        {"member_ids": []},
        {"member_ids": "x"},
        {"member_emails": [1]},
        {"member_email_fuzzy": "ab"},
        {"member_is_breakglass": "true"},
        {"statuses": []},
        {"statuses": "deleted"},
        {"member_phone_number_fuzzy": "12"},
        {"member_roles": [None]},
        {"member_totp_exists": 1},
        {"member_password_exists": None},
    ],
)
def test_a_malformed_filter_value_is_refused(api, tenant, filters):
    refused(search(api, [tenant], **filters), 400, "bad_request")
