"""``/v1/b2b/organizations`` (contract 1.7 and 4.2)."""

import re

import pytest

from tests.api.helpers import (
    COMMON,
    ORGANIZATIONS,
    SESSIONS,
    complete,
    log_in,
    make_organization,
    make_person,
    not_refused,
    ok,
    refused,
    rows,
    rows_hash,
    undone,
    unknown,
    where,
)

pytestmark = pytest.mark.django_db

SEARCH = f"{ORGANIZATIONS}/search"
ORGANIZATION = {
    *("organization_id", "organization_name", "organization_slug", "organization_logo_url", "mfa_policy"),
    *("mfa_methods", "allowed_mfa_methods", "auth_methods", "allowed_auth_methods", "sso_jit_provisioning"),
    *("sso_jit_provisioning_allowed_connections", "sso_active_connections", "email_allowed_domains"),
    *("claimed_email_domains", "rbac_email_implicit_role_assignments", "allowed_first_party_connected_apps"),
    *("allowed_third_party_connected_apps", "custom_roles", "email_jit_provisioning", "email_invites"),
    *("oauth_tenant_jit_provisioning", "first_party_connected_apps_allowed_type", "trusted_metadata"),
    *("third_party_connected_apps_allowed_type", "created_at", "updated_at", "organization_external_id"),
    *("sso_default_connection_id", "scim_active_connection", "allowed_oauth_tenants"),
}
DEFAULTS = {
    "organization_logo_url": "",
    "mfa_policy": "OPTIONAL",
    "mfa_methods": "ALL_ALLOWED",
    "allowed_mfa_methods": [],
    "auth_methods": "ALL_ALLOWED",
    "allowed_auth_methods": [],
    "sso_jit_provisioning": "NOT_ALLOWED",
    "sso_active_connections": [],
    "email_allowed_domains": [],
    "email_jit_provisioning": "NOT_ALLOWED",
    "email_invites": "ALL_ALLOWED",
    "oauth_tenant_jit_provisioning": "NOT_ALLOWED",
    "first_party_connected_apps_allowed_type": "ALL_ALLOWED",
    "third_party_connected_apps_allowed_type": "ALL_ALLOWED",
    "trusted_metadata": {},
    "organization_external_id": None,
    "sso_default_connection_id": None,
    "scim_active_connection": None,
    "allowed_oauth_tenants": {},
    "custom_roles": [],
}
KEPT = {
    "organization_logo_url": "https://example.com/logo.png",
    "email_allowed_domains": ["example.com", "example.org"],
    "email_jit_provisioning": "RESTRICTED",
    "email_invites": "RESTRICTED",
    "sso_jit_provisioning": "RESTRICTED",
    "rbac_email_implicit_role_assignments": [{"domain": "example.com", "role_id": "editor"}],
    "oauth_tenant_jit_provisioning": "RESTRICTED",
    "allowed_oauth_tenants": {"slack": ["T1"]},
    "claimed_email_domains": ["example.net"],
    "first_party_connected_apps_allowed_type": "RESTRICTED",
    "allowed_first_party_connected_apps": ["app-1"],
    "third_party_connected_apps_allowed_type": "NOT_ALLOWED",
    "allowed_third_party_connected_apps": ["app-2"],
}


def create(api, **fields):
    return api("POST", ORGANIZATIONS, {"organization_name": "Company", **fields})


def path_of(organization):
    return f"{ORGANIZATIONS}/{organization['organization_id']}"


def search(api, query=None, **fields):
    return api("POST", SEARCH, fields | ({"query": query} if query is not None else {}))


def found(api, query=None, **fields):
    return [one["organization_slug"] for one in ok(search(api, query, **fields))["organizations"]]


# Create


def test_create_answers_an_organization_with_every_key_of_the_contract(api):
    answer = ok(create(api))
    assert set(answer) == COMMON | {"organization"}
    made = answer["organization"]
    assert set(made) == ORGANIZATION
    assert re.fullmatch(r"organization-test-[0-9a-f-]{36}", made["organization_id"])
    assert {name: made[name] for name in DEFAULTS} == DEFAULTS
    assert made["created_at"] == made["updated_at"] == "2027-01-15T08:00:00Z"


def test_what_is_given_is_kept_and_given_back(api):
    made = ok(create(api, **KEPT))["organization"]
    assert {name: made[name] for name in KEPT} == KEPT
    assert ok(api("GET", path_of(made)))["organization"] == made


@pytest.mark.parametrize(
    ("given", "invites"),
    [
        ({}, "ALL_ALLOWED"),
        ({"trusted_metadata": {"a": 1}}, "ALL_ALLOWED"),
        ({"email_jit_provisioning": "RESTRICTED"}, "NOT_ALLOWED"),
        ({"auth_methods": "ALL_ALLOWED"}, "NOT_ALLOWED"),
        ({"sso_jit_provisioning": "NOT_ALLOWED", "email_invites": "RESTRICTED"}, "RESTRICTED"),
    ],
)
def test_invitations_are_off_once_an_auth_setting_is_given_at_creation(api, given, invites):
    assert ok(create(api, **given))["organization"]["email_invites"] == invites


@pytest.mark.parametrize(
    ("field", "values", "error_type"),
    [
        (
            "organization_name",
            ["", "x" * 129, "a\nb", "a\u202eb", "a\u200bb", "\ufeff", None, 5, []],
            "invalid_organization_name",
        ),
        (
            "organization_slug",
            ["", "x", "x" * 129, "a b", "a/b", "a\u00e9", "..", "-._~", "a%b", "a\n", "A|b", "\uff21b", None, 5],
            "invalid_organization_slug",
        ),
        (
            "organization_external_id",
            ["", "x" * 129, "a b", "a/b", "a\u00e9", "a~b", "a\n", "\uff21b", 5, []],
            "invalid_organization_external_id",
        ),
        ("mfa_policy", ["", "optional", "REQUIRED", None, True, [], {}], "invalid_organization_mfa_policy"),
        ("mfa_methods", ["", "restricted", "NONE", None, ["RESTRICTED"]], "invalid_organization_mfa_factor_setting"),
        (
            "allowed_mfa_methods",
            [["x"], ["totp", "x"], ["TOTP"], "totp", [1], [None], [["totp"]], {}, None],
            "invalid_organization_allowed_mfa_methods",
        ),
        ("auth_methods", ["", "restricted", None, 1], "bad_request"),
        ("allowed_auth_methods", [["x"], "password", [1], {}, None], "bad_request"),
        ("organization_logo_url", ["https://x/" + "x" * 3000], "organization_logo_url_too_long"),
        ("trusted_metadata", [None, [], "x", 1, True], "bad_request"),
        ("email_jit_provisioning", ["ALL_ALLOWED", "", None, 1], "bad_request"),
        ("email_allowed_domains", ["example.com", [1], {}, None], "bad_request"),
    ],
)
def test_a_field_takes_its_values_only(api, field, values, error_type):
    made = ok(create(api))["organization"]
    before = rows_hash()
    assert not not_refused(lambda value: create(api, **{field: value}), values, 400, error_type)
    assert not not_refused(lambda value: api("PUT", path_of(made), {field: value}), values, 400, error_type)
    assert rows_hash() == before


def test_a_name_is_required_and_its_longest_is_taken(api):
    refused(api("POST", ORGANIZATIONS, {"organization_slug": "company"}), 400, "organization_name_missing")
    ok(create(api, organization_name="\u00e9" * 128))
    ok(create(api, organization_name="x"))


@pytest.mark.parametrize("slug", ["ab", "a.", "~a", "A-b_c.d~e", "0" * 128, "-1-"])
def test_a_slug_of_letters_digits_and_four_marks_is_taken(api, slug):
    made = ok(create(api, organization_slug=slug))["organization"]
    assert made["organization_slug"] == slug
    assert ok(api("GET", f"{ORGANIZATIONS}/{slug}"))["organization"] == made


@pytest.mark.parametrize("external", ["x", "a.b_c-d|e", "0" * 128, "."])
def test_an_external_id_is_taken_and_found(api, external):
    made = ok(create(api, organization_external_id=external))["organization"]
    assert made["organization_external_id"] == external
    found = api("GET", f"{ORGANIZATIONS}/{external.replace('|', '%7C')}")
    if external != ".":
        assert ok(found)["organization"] == made


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("Acme Widgets, Inc.", r"acme-widgets-inc"),
        ("  Acme  ", r"acme"),
        ("\u00c9clair", r"eclair"),
        ("\u4f1a\u793e", r"organization-[0-9a-f]{8}"),
        ("!", r"organization-[0-9a-f]{8}"),
        ("x", r"x-[0-9a-f]{8}"),
        ("x" * 128, r"x{100}"),
        ("organization-test-11111111-1111-4111-8111-111111111111", r"organization-test-1.*-[0-9a-f]{8}"),
    ],
)
def test_a_slug_is_derived_from_the_name(api, name, pattern):
    slug = ok(create(api, organization_name=name))["organization"]["organization_slug"]
    assert re.fullmatch(pattern, slug)


def test_a_derived_slug_is_made_unique(api):
    slugs = [ok(create(api, organization_name="Same Name"))["organization"]["organization_slug"] for _ in range(5)]
    assert slugs[0] == "same-name"
    assert len(set(slugs)) == 5
    assert all(slug.startswith("same-name-") for slug in slugs[1:])


def test_a_derived_slug_gives_way_to_an_external_id_of_another_organization(api):
    """Nobody asked for that slug, so that it is taken is no reason to refuse the organization."""
    ok(create(api, organization_external_id="acme"))
    made = ok(create(api, organization_name="Acme"))["organization"]
    assert made["organization_slug"].startswith("acme-")


def test_slugs_and_external_ids_are_unique_in_the_project_and_among_each_other(api):
    other = ok(create(api))["organization"]
    ok(create(api, organization_slug="taken", organization_external_id="mine"))
    for given, error_type in (
        ({"organization_slug": "taken"}, "organization_slug_already_used"),
        ({"organization_slug": "mine"}, "organization_slug_already_used"),
        ({"organization_external_id": "mine"}, "organization_external_id_already_used"),
        ({"organization_external_id": "taken"}, "organization_external_id_already_used"),
    ):
        refused(create(api, **given), 400, error_type)
        refused(api("PUT", path_of(other), given), 400, error_type)
    assert ok(api("GET", path_of(other)))["organization"] == other


@pytest.mark.parametrize("field", ["organization_slug", "organization_external_id"])
def test_te03_no_slug_and_no_external_id_is_formed_like_an_id(api, field):
    other = ok(create(api))["organization"]
    kinds = ("organization", "member", "user", "project", "session", "member-totp", "x")
    ids = [unknown(kind) for kind in kinds] + [other["organization_id"], other["organization_id"].upper()]
    ids += [one.replace("-test-", "-live-") for one in ids[:3]]
    assert not not_refused(lambda value: create(api, **{field: value}), ids, 400, f"invalid_{field}")
    changed = not_refused(lambda value: api("PUT", path_of(other), {field: value}), ids, 400, f"invalid_{field}")
    assert not changed


@pytest.mark.parametrize("field", ["organization_slug", "organization_external_id"])
def test_no_name_stands_where_a_route_has_a_word_of_its_own(api, field):
    """``/organizations/search`` is a call, and never an organization of that name."""
    words = ["search", "members"]
    assert not not_refused(lambda word: create(api, **{field: word}), words, 400, f"invalid_{field}")
    for word in words:
        made = ok(create(api, organization_name=word))["organization"]
        assert made["organization_slug"] not in words
        assert ok(api("GET", f"{ORGANIZATIONS}/{made['organization_slug']}"))["organization"] == made


# Restrictions


@pytest.mark.parametrize(
    ("rule", "allowed", "value", "error_type"),
    [
        ("mfa_methods", "allowed_mfa_methods", "totp", "allowed_mfa_methods_required_for_restricted"),
        ("auth_methods", "allowed_auth_methods", "password", "allowed_auth_methods_required_for_restricted"),
    ],
)
def test_a_restriction_needs_a_list_of_what_is_left(api, rule, allowed, value, error_type):
    for given in ({rule: "RESTRICTED"}, {rule: "RESTRICTED", allowed: []}):
        refused(create(api, **given), 400, error_type)
    made = ok(create(api, **{rule: "RESTRICTED", allowed: [value, value]}))["organization"]
    assert made[allowed] == [value]
    refused(api("PUT", path_of(made), {allowed: []}), 400, error_type)
    ok(api("PUT", path_of(made), {rule: "ALL_ALLOWED", allowed: []}))
    refused(api("PUT", path_of(made), {rule: "RESTRICTED"}), 400, error_type)


# Get, update, delete


def test_an_organization_is_found_by_id_slug_and_external_id(api):
    made = ok(create(api, organization_slug="the-slug", organization_external_id="the-external"))["organization"]
    for identifier in (made["organization_id"], "the-slug", "the-external"):
        assert ok(api("GET", f"{ORGANIZATIONS}/{identifier}"))["organization"] == made
    refused(api("GET", f"{ORGANIZATIONS}/{unknown('organization')}"), 404, "organization_not_found")


def test_update_changes_what_is_given_and_nothing_else(api, clock):
    made = ok(create(api, organization_name="Before", **KEPT))["organization"]
    clock.advance(60)
    answer = ok(api("PUT", path_of(made), {"organization_name": "After", "mfa_policy": "REQUIRED_FOR_ALL"}))
    assert set(answer) == COMMON | {"organization"}
    changed = {"organization_name": "After", "mfa_policy": "REQUIRED_FOR_ALL", "updated_at": "2027-01-15T08:01:00Z"}
    assert answer["organization"] == {**made, **changed}
    assert ok(api("GET", path_of(made)))["organization"] == answer["organization"]


def test_every_field_that_is_kept_can_be_changed(api):
    made = ok(create(api))["organization"]
    more = {"sso_default_connection_id": "saml-1", "sso_jit_provisioning_allowed_connections": ["saml-1"]}
    changed = ok(api("PUT", path_of(made), {**KEPT, **more}))["organization"]
    assert {name: changed[name] for name in (*KEPT, *more)} == {**KEPT, **more}


def test_an_organization_may_be_given_its_own_slug_again(api):
    made = ok(create(api, organization_slug="mine", organization_external_id="own"))["organization"]
    ok(api("PUT", path_of(made), {"organization_slug": "mine", "organization_external_id": "own"}))
    renamed = ok(api("PUT", path_of(made), {"organization_slug": "other"}))["organization"]
    assert renamed["organization_slug"] == "other"
    refused(api("GET", f"{ORGANIZATIONS}/mine"), 404, "organization_not_found")
    ok(create(api, organization_slug="mine"))


def test_metadata_merges_at_the_top_and_null_removes_a_key(api):
    made = ok(create(api, trusted_metadata={"a": 1, "b": {"x": 1}, "c": None}))["organization"]
    assert made["trusted_metadata"] == {"a": 1, "b": {"x": 1}}
    for given, expected in (
        ({}, {"a": 1, "b": {"x": 1}}),
        ({"c": [None, 1.5]}, {"a": 1, "b": {"x": 1}, "c": [None, 1.5]}),
        ({"a": None, "b": {"y": None}}, {"b": {"y": None}, "c": [None, 1.5]}),
        ({"missing": None}, {"b": {"y": None}, "c": [None, 1.5]}),
    ):
        answer = ok(api("PUT", path_of(made), {"trusted_metadata": given}))
        assert answer["organization"]["trusted_metadata"] == expected


def test_delete_takes_the_organization_its_members_and_all_that_is_theirs(api):
    person, other = make_person(api), make_person(api)
    session = complete(api, person)
    answer = ok(api("DELETE", f"{ORGANIZATIONS}/{person.organization_id}"))
    assert answer == {**answer, "organization_id": person.organization_id}
    assert set(answer) == COMMON | {"organization_id"}
    for method, path in (
        ("GET", f"{ORGANIZATIONS}/{person.organization_id}"),
        ("DELETE", f"{ORGANIZATIONS}/{person.organization_id}"),
        ("GET", f"{ORGANIZATIONS}/{person.organization_id}/member?member_id={person.member_id}"),
    ):
        refused(api(method, path), 404, "organization_not_found")
    dangerous = f"{ORGANIZATIONS}/members/dangerously_get/{person.member_id}?include_deleted=True"
    refused(api("GET", dangerous), 404, "member_not_found")
    for name in ("session_token", "session_jwt"):
        answer = api("POST", f"{SESSIONS}/authenticate", {name: session[name]})
        refused(answer, 404, "session_not_found")
    refused(log_in(api, person), 404, "organization_not_found")
    uuid = other.member_id.removeprefix("member-test-")
    left = rows()
    for name in ("TOTPRegistration", "Guard"):
        assert left[name]
        assert all(uuid in map(str, row) for row in left[name])


def test_the_external_id_can_be_taken_away_and_used_again(api):
    made = ok(create(api, organization_external_id="own"))["organization"]
    answer = ok(api("DELETE", f"{path_of(made)}/external_id"))
    assert set(answer) == COMMON | {"organization"}
    assert answer["organization"]["organization_external_id"] is None
    refused(api("GET", f"{ORGANIZATIONS}/own"), 404, "organization_not_found")
    ok(api("DELETE", f"{path_of(made)}/external_id"))
    ok(create(api, organization_external_id="own"))


def test_metrics_count_the_members_who_are_not_deleted(api):
    person = make_person(api, totp=False)
    gone = make_person(api, person.organization_id, totp=False)
    make_person(api, person.organization_id, totp=False, create_member_as_pending=True)
    ok(api("DELETE", gone.member_path))
    answer = ok(api("GET", f"{ORGANIZATIONS}/{person.organization_id}/metrics"))
    assert answer["member_count"] == 2
    assert set(answer) == COMMON | {"member_count"}


def test_a_policy_that_requires_mfa_ends_no_session_and_asks_at_the_next_login(api):
    person = make_person(api, make_organization(api)["organization_id"])
    token = ok(log_in(api, person))["session_token"]
    ok(api("PUT", f"{ORGANIZATIONS}/{person.organization_id}", {"mfa_policy": "REQUIRED_FOR_ALL"}))
    ok(api("POST", f"{SESSIONS}/authenticate", {"session_token": token}))
    assert ok(log_in(api, person))["member_authenticated"] is False


# Search


@pytest.fixture
def three(api):
    """Three organizations, each with a member."""
    made = {}
    for slug, name, settings in (
        ("alpha", "The Alpha Company", {"email_allowed_domains": ["alpha.example", "shared.example"]}),
        ("beta", "The Beta Company", {"email_allowed_domains": ["beta.example", "b\u00fccher.example"]}),
        ("gamma", "Gamma 100%_done", {"claimed_email_domains": ["gamma.example"]}),
    ):
        fields = {"organization_slug": slug, "organization_name": name, **settings}
        made[slug] = ok(api("POST", ORGANIZATIONS, fields))["organization"]["organization_id"]
        make_person(api, made[slug], totp=False, email_address=f"Someone@{slug}.example")
    return made


SEARCHES = [
    ({"organization_slugs": ["alpha", "gamma"]}, {"alpha", "gamma"}),
    ({"organization_slugs": ["ALPHA"]}, set()),
    ({"organization_slugs": ["alpha "]}, set()),
    ({"organization_name_fuzzy": "company"}, {"alpha", "beta"}),
    ({"organization_name_fuzzy": "COMP"}, {"alpha", "beta"}),
    ({"organization_name_fuzzy": "the company"}, set()),
    ({"organization_name_fuzzy": "%%%"}, set()),
    ({"organization_name_fuzzy": "___"}, set()),
    ({"organization_name_fuzzy": "0%_d"}, {"gamma"}),
    ({"organization_slug_fuzzy": "lph"}, {"alpha"}),
    ({"organization_slug_fuzzy": "LPH"}, {"alpha"}),
    ({"member_emails": ["someone@alpha.example"]}, {"alpha"}),
    ({"member_emails": ["SOMEONE@ALPHA.EXAMPLE", "nobody@beta.example"]}, {"alpha"}),
    ({"member_email_fuzzy": "someone@"}, {"alpha", "beta", "gamma"}),
    ({"member_email_fuzzy": "BETA"}, {"beta"}),
    ({"allowed_domains": ["shared.example"]}, {"alpha"}),
    ({"allowed_domains": ["shared"]}, set()),
    ({"allowed_domains": ["hared.example"]}, set()),
    ({"allowed_domains": ["b\u00fccher.example"]}, {"beta"}),
    ({"allowed_domain_fuzzy": "hare"}, {"alpha"}),
    ({"allowed_domain_fuzzy": ".example"}, {"alpha", "beta"}),
    ({"claimed_email_domains": ["gamma.example"]}, {"gamma"}),
    ({"claimed_email_domains": ["alpha.example"]}, set()),
    ({"has_active_sso_connection": True}, set()),
    ({"has_active_sso_connection": False}, {"alpha", "beta", "gamma"}),
    ({"sso_connection_id": "saml-1"}, set()),
    ({"organization_name_fuzzy": "company", "organization_slugs": ["beta", "gamma"]}, {"beta"}),
    ({"operator": "OR", "organization_slugs": ["gamma"], "member_email_fuzzy": "alpha"}, {"alpha", "gamma"}),
    ({"operator": "OR", "organization_slugs": ["none"], "sso_connection_id": "x"}, set()),
    ({}, {"alpha", "beta", "gamma"}),
]


def test_search_by_each_filter(api, three):
    answers = [(filters, set(found(api, where(**filters))), expected) for filters, expected in SEARCHES]
    assert [(filters, found) for filters, found, expected in answers if found != expected] == []


def test_search_by_ids(api, three):
    ids = [three["alpha"], three["gamma"], unknown("organization"), "x"]
    assert set(found(api, where(organization_ids=ids))) == {"alpha", "gamma"}
    assert found(api, where(organization_ids=[unknown("organization")])) == []


def test_search_without_a_query_finds_all(api, three):
    answer = ok(search(api))
    assert set(answer) == COMMON | {"organizations", "results_metadata"}
    assert answer["results_metadata"] == {"total": 3, "next_cursor": None}
    assert all(set(one) == ORGANIZATION for one in answer["organizations"])


def test_a_deleted_member_leads_to_no_organization(api, three):
    members = ok(api("POST", f"{ORGANIZATIONS}/members/search", {"organization_ids": [three["alpha"]]}))["members"]
    ok(api("DELETE", f"{ORGANIZATIONS}/{three['alpha']}/members/{members[0]['member_id']}"))
    assert found(api, where(member_emails=["someone@alpha.example"])) == []


def test_search_pages_by_cursor_and_shows_each_once(api):
    slugs = [ok(create(api, organization_slug=f"slug-{n}"))["organization"]["organization_slug"] for n in range(13)]
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        answer = ok(search(api, limit=3, **({"cursor": cursor} if cursor else {})))
        assert answer["results_metadata"]["total"] == 13
        seen += [one["organization_slug"] for one in answer["organizations"]]
        cursor, pages = answer["results_metadata"]["next_cursor"], pages + 1
        if pages == 2:
            with undone():
                ok(create(api, organization_slug="made-meanwhile"))
    assert pages == 5
    assert sorted(seen) == sorted(slugs)
    assert search(api, limit=13).json()["results_metadata"]["next_cursor"] is None


@pytest.mark.parametrize("name", ["x", "", "organization_id", "member_ids", "__class__", "pk__in", "x" * 1000])
def test_an_unknown_filter_is_named(api, name):
    refused(search(api, where(**{name: ["x"]})), 400, "organization_search_filter_name_not_recognized")


@pytest.mark.parametrize(
    "query",
    [
        {"operator": "XOR", "operands": []},
        {"operator": "and", "operands": []},
        {"operator": None, "operands": []},
        {"operator": "AND"},
        {"operands": []},
        {"operator": "AND", "operands": {}},
        {"operator": "AND", "operands": ["x"]},
        {"operator": "AND", "operands": [{}]},
        {"operator": "AND", "operands": [{"filter_name": "organization_slugs"}]},
        {"operator": "AND", "operands": [{"filter_name": 1, "filter_value": []}]},
        where(organization_ids=[]),
        where(organization_ids="x"),
        where(organization_slugs=[1]),
        where(organization_name_fuzzy="ab"),
        where(organization_slug_fuzzy=""),
        where(member_email_fuzzy=["abc"]),
        where(allowed_domain_fuzzy="ab"),
        where(has_active_sso_connection="true"),
        where(sso_connection_id=True),
    ],
)
def test_a_malformed_query_is_refused(api, query):
    refused(search(api, query), 400, "bad_request")
