"""Every route of ``/sdk/v1`` (contract 3.6 to 3.10) as the SDK calls it, and what no body makes it do (AP-04)."""

import json
from functools import cache
from uuid import UUID

import pytest
from django.apps import apps
from django.test import Client
from rest_framework.serializers import Serializer

from stytch_totp.api.urls import ENDPOINTS
from stytch_totp.models import Member, Session
from tests.api.helpers import (
    PASSWORD,
    ROUTES,
    SDK,
    Page,
    data,
    fault,
    fill,
    make_organization,
    make_person,
    ok,
    refused,
    rows_hash,
    send,
    undone,
    unknown,
)
from tests.api.pages import (
    GUARDED,
    NO_SESSION,
    ORIGIN,
    PAGE_ROUTES,
    PUBLIC_TOKEN,
    UNKNOWN_PUBLIC_TOKEN,
    MemberVisitor,
    UserVisitor,
    begin,
    discover,
    make_page_world,
)
from tests.factories import code_of

pytestmark = pytest.mark.django_db

PRIVATE = "no-store, private"
EVENT = {
    "telemetry": {"event_id": "event-id-1", "app": {"identifier": "app.example.org"}},
    "event": {"public_token": PUBLIC_TOKEN, "event_name": "b2b_sdk_instance_instantiated", "details": {}},
}
COOKIES = ("sessionid", "csrftoken", "stytch_session", "stytch_session_jwt", "stytch_intermediate_session_token")
#: As contract 3.9 and 3.10 have them: what each answer of a page must at least have.
SMALLEST = {
    "POST /b2b/passwords/authenticate": (
        "status_code request_id member_id member organization member_session session_token session_jwt "
        "member_authenticated intermediate_session_token mfa_required primary_required"
    ),
    "POST /b2b/totp": "member_id totp_registration_id secret qr_code recovery_codes member",
    "POST /b2b/totp/authenticate": "member_session session_token session_jwt member organization",
    "POST /b2b/recovery_codes/recover": (
        "member_session session_token session_jwt member organization recovery_codes_remaining"
    ),
    "GET /b2b/recovery_codes": "recovery_codes",
    "POST /b2b/recovery_codes/rotate": "recovery_codes",
    "POST /b2b/sessions/authenticate": "member_session session_token session_jwt member organization",
    "POST /b2b/sessions/revoke": "",
    "POST /b2b/sessions/revoke/{fresh_id}": "",
    "POST /b2b/sessions/exchange": "member organization member_authenticated intermediate_session_token mfa_required",
    "GET /b2b/organizations/members/me": "member",
    "PUT /b2b/organizations/members/update": "member",
    "DELETE /b2b/organizations/members/deleteTOTP": "member",
    "GET /b2b/organizations/me": "organization",
    "PUT /b2b/organizations/me": "organization",
    "DELETE /b2b/organizations/me": "organization_id",
    "DELETE /b2b/organizations/members/totp/{member_id}": "member",
    "POST /b2b/organizations/me/members/search": "members results_metadata organizations",
    "POST /b2b/organizations/search": "organization",
    "POST /passwords": "session session_token session_jwt user __user user_id",
    "POST /passwords/authenticate": "session session_token session_jwt user __user user_id",
    "POST /totps": "totp_id secret qr_code recovery_codes user_id user __user",
    "POST /totps/authenticate": "session session_token session_jwt user __user user_id totp_id",
    "POST /totps/recovery_codes": "totps",
    "POST /totps/recover": "session session_token session_jwt user __user user_id totp_id",
    "POST /sessions/authenticate": "session session_token session_jwt user",
    "POST /sessions/revoke": "",
    "GET /users/me": "user_id totps",
    "PUT /users/me": "__user",
    "DELETE /users/totps/{totp_id}": "__user user_id",
}


@pytest.fixture
def pages(api, db):
    return make_page_world(api)


def shape(value):
    """The names and types in an answer."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(one) for one in value] if isinstance(value, list) else type(value).__name__


def by_name(name):
    return next(route for route in PAGE_ROUTES if route.name == name)


# Happy paths


def test_every_route_that_pages_are_served_has_a_call_here():
    served = {
        (method.upper(), endpoint.route.split("<")[0].rstrip("/"), endpoint.route.count("<"), endpoint.route[-12:][-1])
        for endpoint in ENDPOINTS
        if "sdk/v1" in endpoint.roots
        for method in endpoint.actions
    }
    called = {
        (
            route.method,
            route.path[1:].split("{")[0].rstrip("/"),
            route.path.count("{"),
            route.path[-1].replace("}", ">"),
        )
        for route in PAGE_ROUTES
    }
    assert served == called
    assert len(PAGE_ROUTES) == len(served)


def test_every_route_answers_its_page_in_the_envelope_with_the_headers_of_a_private_answer(pages):
    for route in PAGE_ROUTES:
        with undone():
            answer = pages.request(route)
        data(answer)
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == PRIVATE
        assert answer.headers["Pragma"] == "no-cache"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


#: What the browser SDK's typings have beside the server API's answers.
FOR_PAGES = {"member_id", "user_id", "organization_id_hint"}


def test_every_route_answers_a_page_all_that_it_answers_a_back_end(api, pages):
    compared = 0
    for route in PAGE_ROUTES:
        if route.server:
            with undone():
                told = data(pages.request(route))
            with undone():
                expected = ok(send(api, route.server, pages.values))
            twice = told.pop("__user", None)
            assert twice == told.get("user"), route.name
            for name in FOR_PAGES - expected.keys():
                told.pop(name, None)
            assert shape(told) == shape(expected), route.name
            compared += 1
    assert compared == len(PAGE_ROUTES) - 3


def test_an_answer_has_what_the_sdk_reads(pages):
    sessions = 0
    for name, fields in SMALLEST.items():
        with undone():
            told = data(pages.request(by_name(name)))
        assert set(fields.split()) <= set(told), name
        session = told.get("member_session") or told.get("session")
        if session:
            owner = "member" if "member_session_id" in session else "user"
            assert {f"{owner}_id", "expires_at", "authentication_factors"} <= set(session)
            # Empty tokens beside a session would tell the SDK to store none (contract 3.8).
            assert len(told["session_token"]) == 44
            assert told["session_jwt"].count(".") == 2
            sessions += 1
    assert sessions >= 8


def test_the_sdks_own_headers_are_never_needed_nor_read(pages):
    for route in GUARDED:
        for client in ("", "x", "e30=", "\u00e9", "A" * 3000):
            with undone():
                data(pages.request(route, **{"X-SDK-Client": client, "X-SDK-Parent-Host": ORIGIN}))


def test_a_body_may_be_empty_where_the_sdk_sends_none(pages):
    bare = [route for route in PAGE_ROUTES if not route.body]
    assert {"/b2b/sessions/revoke", "/sessions/revoke", "/totps/recovery_codes"} <= {route.path for route in bare}
    for route in bare:
        page = pages.pages[route.who]
        headers = {"Authorization": page.authorization, "Origin": ORIGIN, "Content-Type": "application/json"}
        for body in ("", "{}"):
            with undone():
                data(page.client.generic(route.method, pages.path(route), body, headers=headers))


def test_the_worked_flow_of_contract_6(api):
    """Password, TOTP with an IST, code with enrolment; next time the code; codes rotated; recovery; removal."""
    visitor = MemberVisitor(api, totp=False, organization_id=make_organization(api)["organization_id"])
    first = visitor.log_in()
    assert first.factors() == {"password"}
    made = data(first.create())
    assert made["member"]["totp_registration_id"] == ""
    first.secret, first.codes = made["secret"], made["recovery_codes"]
    done = data(first.show_code(set_mfa_enrollment="enroll", set_default_mfa=True))
    assert done["member"]["totp_registration_id"] == made["totp_registration_id"]
    assert (done["member"]["mfa_enrolled"], done["member"]["default_mfa_method"]) == (True, "totp")
    owed = data(Page()("POST", f"{SDK}/b2b/passwords/authenticate", visitor.login))
    assert owed["mfa_required"]["member_options"]["totp_registration_id"] == made["totp_registration_id"]
    assert (owed["member_session"], owed["session_token"], owed["session_jwt"]) == (None, "", "")
    given = {"recovery_code": first.codes[0], "intermediate_session_token": owed["intermediate_session_token"]}
    recovered = data(Page()("POST", f"{SDK}/b2b/recovery_codes/recover", given))
    assert recovered["recovery_codes_remaining"] == 9
    removed = data(Page(recovered["session_token"])("DELETE", f"{SDK}/b2b/organizations/members/deleteTOTP"))
    assert removed["member"]["totp_registration_id"] == ""


def test_a_user_finds_its_totp_pending_then_verified_then_gone(api):
    visitor = UserVisitor(api, totp=False).log_in()
    made = data(visitor.create())
    visitor.secret = made["secret"]
    assert made["__user"]["totps"] == [{"totp_id": made["totp_id"], "verified": False}]
    done = data(visitor.show_code())
    assert done["__user"]["totps"] == [{"totp_id": made["totp_id"], "verified": True}]
    visitor.page = Page(done["session_token"])
    groups = data(visitor.call("read codes"))["totps"]
    assert [(one["totp_id"], one["verified"], len(one["recovery_codes"])) for one in groups] == [
        (made["totp_id"], True, 10)
    ]
    assert data(visitor.call("remove"))["__user"]["totps"] == []
    assert data(visitor.page("GET", f"{SDK}/users/me"))["totps"] == []


# Discovery


def test_a_login_by_discovery_becomes_a_member_where_it_was_found(api):
    here = make_person(api)
    there = make_person(api, make_organization(api)["organization_id"], email_address=here.email)
    token = discover(Page(), here)
    listed = data(Page()("POST", f"{SDK}/b2b/discovery/organizations", {"intermediate_session_token": token}))
    found = {one["organization"]["organization_id"]: one for one in listed["discovered_organizations"]}
    assert set(found) == {here.organization_id, there.organization_id}
    assert found[here.organization_id]["mfa_required"] is not None
    assert found[there.organization_id]["member_authenticated"] is True
    given = {"intermediate_session_token": token, "session_duration_minutes": 60}
    exchange = f"{SDK}/b2b/discovery/intermediate_sessions/exchange"
    done = data(Page()("POST", exchange, {**given, "organization_id": there.organization_id}))
    assert done["member_session"]["member_id"] == there.member_id
    answer = Page()("POST", exchange, {**given, "organization_id": here.organization_id})
    refused(answer, 404, "intermediate_session_not_found")


def test_who_logged_in_by_discovery_owes_the_second_factor_of_the_organization(api):
    person = make_person(api)
    given = {"intermediate_session_token": discover(Page(), person), "organization_id": person.organization_id}
    owed = data(Page()("POST", f"{SDK}/b2b/discovery/intermediate_sessions/exchange", given))
    assert owed["member_session"] is None
    code = {"code": code_of(person.secret), "intermediate_session_token": owed["intermediate_session_token"]}
    assert data(Page()("POST", f"{SDK}/b2b/totp/authenticate", code))["member_session"]


def test_an_organization_is_shown_to_anybody_by_what_its_login_page_needs(api):
    slug = make_organization(api, trusted_metadata={"plan": "secret"})["organization_slug"]
    shown = data(Page()("POST", f"{SDK}/b2b/organizations/search", {"organization_slug": slug}))["organization"]
    assert shown["organization_slug"] == slug
    assert not {"trusted_metadata", "organization_external_id", "custom_roles", "created_at"} & set(shown)
    missing = data(Page()("POST", f"{SDK}/b2b/organizations/search", {"organization_slug": "nobodys-slug"}))
    assert missing["organization"] is None


# Bootstrap and telemetry (contract 3.6, 3.7)


def test_the_bootstrap_is_that_of_contract_3_7(pages):
    told = data(Page()("GET", f"{SDK}/projects/bootstrap/{PUBLIC_TOKEN}"))
    del told["request_id"]
    policy = told.pop("rbac_policy")
    assert {role["role_id"] for role in policy["roles"]} == {"stytch_member", "stytch_admin", "stytch_user"}
    assert all({"role_id", "description", "permissions"} == set(role) for role in policy["roles"])
    assert {"stytch.organization", "stytch.member", "stytch.self"} == {
        one["resource_id"] for one in policy["resources"]
    }
    assert policy["scopes"] == []
    assert told == {
        "status_code": 200,
        "project_name": "Example",
        "vertical": None,  # one server answers both clients, and each complains of the other's word
        "disable_sdk_watermark": True,
        "cname_domain": None,
        "email_domains": [],
        "captcha_settings": {"enabled": False},
        "pkce_required_for_email_magic_links": False,
        "pkce_required_for_password_resets": False,
        "pkce_required_for_oauth": False,
        "pkce_required_for_sso": False,
        "slug_pattern": None,
        "create_organization_enabled": True,
        "password_config": None,
        "dfp_protected_auth_enabled": False,
        "dfp_protected_auth_mode": "OBSERVATION",
        "siwe_required_for_crypto_wallets": False,
    }


@pytest.mark.parametrize("allowed", [True, False])
def test_the_bootstrap_tells_whether_organizations_are_created_on_pages(db, configure, allowed):
    configure(DISCOVERY_CREATES_ORGANIZATIONS=allowed)
    assert data(Page()("GET", f"{SDK}/projects/bootstrap/{PUBLIC_TOKEN}"))["create_organization_enabled"] is allowed


@pytest.mark.parametrize("named", [UNKNOWN_PUBLIC_TOKEN, "x", "%00", PUBLIC_TOKEN.upper(), PUBLIC_TOKEN + "0"])
def test_the_bootstrap_of_an_unknown_public_token_is_not_found(db, named):
    refused(Page()("GET", f"{SDK}/projects/bootstrap/{named}"), 404, "public_token_not_found")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (json.dumps([EVENT, EVENT]), "application/json"),
        (json.dumps([EVENT]), "text/plain"),
        *(
            (garbage, "application/json")
            for garbage in ("", "{}", "[", "null", "5", "\0", "[[[[" * 500, '{"a":1,"a":2}')
        ),
        (b"\xff\xfe\x00", "application/json"),
        (b"x" * 300_000, "application/octet-stream"),
        ("--b\r\n", "multipart/form-data; boundary=b"),
        ("a=b", "application/x-www-form-urlencoded"),
    ],
)
def test_telemetry_is_answered_whatever_it_is_and_not_kept(api, body, content_type):
    before = rows_hash()
    for headers in ({}, {"Origin": "https://evil.example"}, {"Authorization": "Basic x"}, {"Origin": ORIGIN}):
        answer = api.client.generic("POST", f"{SDK}/events", body, content_type=content_type, headers=headers)
        assert data(answer).keys() == {"status_code", "request_id"}
    assert rows_hash() == before


# Whom a call is about


def test_ids_may_be_left_out_of_every_body(pages):
    """The SDK's older form of totp.create has neither; the session or the login knows."""
    for route in GUARDED:
        if route.needs_session or route.ist:
            body = {
                key: value
                for key, value in (pages.body(route) or {}).items()
                if key not in ("organization_id", "member_id")
            }
            if route.path == "/b2b/sessions/exchange":
                continue  # where to is the question
            with undone():
                data(pages.pages[route.who](route.method, pages.path(route), body))


MISMATCH = "member_session_member_id_mismatch"
ABOUT_ONESELF = ("/b2b/totp", "/b2b/totp/authenticate", "/b2b/recovery_codes/recover", "/b2b/recovery_codes/rotate")


def test_ap04_ids_of_somebody_else_are_a_mismatch(api, pages):
    stranger, refusals = make_person(api), 0
    for route in (one for one in PAGE_ROUTES if one.path in ABOUT_ONESELF):
        page, path = pages.pages[route.who], pages.path(route)
        own = {
            **pages.body(route),
            "organization_id": pages.values["organization_id"],
            "member_id": pages.values["fresh_id" if path.endswith("/totp") else "member_id"],
        }
        elsewhere = "invalid_intermediate_session_token_for_organization" if route.ist else MISMATCH
        wrong = [
            ({"organization_id": named}, elsewhere) for named in (stranger.organization_id, unknown("organization"))
        ]
        wrong += [(stranger.ids, elsewhere), ({"organization_id": "x"}, elsewhere)]
        ids = (stranger.member_id, pages.values["gone_id"], unknown("member"), "x")
        wrong += [({"member_id": named}, MISMATCH) for named in ids]
        before = rows_hash()
        for changes, error_type in wrong:
            refused(page(route.method, path, {**own, **changes}), 400, error_type)
            refusals += 1
        assert rows_hash() == before
        with undone():
            data(page(route.method, path, {**own, "organization_id": pages.values["slug"]}))
    assert refusals == 4 * 8


def test_ap04_a_users_calls_are_about_itself_whoever_they_name(api, pages):
    other = UserVisitor(api).user.user_id
    before = rows_hash()
    for path in ("/totps", "/totps/authenticate", "/totps/recovery_codes", "/totps/recover"):
        route = next(one for one in PAGE_ROUTES if one.path == path)
        for named in (other, unknown("user"), "x", pages.values["member_id"]):
            body = {**(pages.body(route) or {}), "user_id": named}
            refused(pages.pages[route.who](route.method, pages.path(route), body), 400, "user_id_mismatch")
        own = pages.values["fresh_user_id" if path == "/totps" else "user_id"]
        with undone():
            data(pages.pages[route.who](route.method, pages.path(route), {**(pages.body(route) or {}), "user_id": own}))
    assert rows_hash() == before


def test_ap04_ids_in_a_path_reach_ones_own_organization_only(api, pages):
    stranger = make_person(api)
    before = rows_hash()
    for route in PAGE_ROUTES:
        if route.who != "admin" or "{" not in route.path:
            continue
        for named in (stranger.member_id, unknown("member"), "x"):
            path = SDK + fill(route.path, dict.fromkeys(("member_id", "fresh_id", "gone_id"), named))
            refused(pages.pages["admin"](route.method, path, pages.body(route)), 404, "member_not_found")
    assert rows_hash() == before


def test_ap04_what_an_administrator_may_a_member_may_not(pages):
    asked = 0
    before = rows_hash()
    for route in PAGE_ROUTES:
        if route.who == "admin" and route.path != "/b2b/organizations/members/totp/{member_id}":
            answer = pages.request(route, pages.pages["member"])
            refused(answer, 403, "session_authorization_error")
            asked += 1
    assert asked == 8
    assert rows_hash() == before


def test_ap04_nobody_is_read_by_changing_nothing_of_them(pages):
    """Without a field there is no action that a role would have to permit."""
    page, before = pages.pages["member"], rows_hash()
    for body in ({}, {"unknown": 1}, {"organization_id": pages.values["organization_id"]}):
        answer = page("PUT", f"{SDK}/b2b/organizations/members/{pages.values['fresh_id']}", body)
        refused(answer, 403, "session_authorization_error")
    assert rows_hash() == before


def test_ap04_a_page_claims_no_key_of_the_back_ends_for_an_organization(pages):
    before = rows_hash()
    for name in ("PUT /b2b/organizations/me", "POST /b2b/discovery/organizations/create"):
        route = by_name(name)
        body = {**pages.body(route), "organization_external_id": "customer-4711"}
        answer = pages.pages[route.who](route.method, pages.path(route), body)
        refused(answer, 403, "session_authorization_error")
    assert rows_hash() == before


def test_ap04_a_search_is_in_ones_own_organization_whatever_it_names(api, pages):
    stranger = make_person(api)
    body = {"organization_ids": [stranger.organization_id]}
    told = data(pages.pages["admin"]("POST", f"{SDK}/b2b/organizations/me/members/search", body))
    assert set(told["organizations"]) == {pages.values["organization_id"]}
    assert {one["organization_id"] for one in told["members"]} == {pages.values["organization_id"]}


BACK_ENDS_ALONE = (
    *("/b2b/totp/migrate", "/b2b/passwords/migrate", "/b2b/sessions", "/b2b/organizations", "/users", "/users/search"),
    *("/b2b/organizations/members/search", "/b2b/sessions/jwks/x", "/passwords/migrate", "/rbac/policy", "/users/x"),
    *("/b2b/organizations/members/dangerously_get/x", "/b2b/rbac/policy", "/b2b/recovery_codes/x/y", "/sessions"),
)


def test_ap04_en10_what_only_back_ends_call_is_not_served_to_pages(pages):
    for path in BACK_ENDS_ALONE:
        for method in ("GET", "POST", "DELETE"):
            answer = pages.pages["admin"](method, SDK + path, None if method == "GET" else {})
            assert fault(answer, 404) == ""


# Cookies


def test_cookies_are_neither_read_nor_set(pages):
    """Django's own, the SDK's, and CSRF's: with a session in each of them nobody is anybody."""
    for route in PAGE_ROUTES:
        token = pages.values["session_token" if "/b2b/" in route.path else "user_session_token"]
        for caller in (Page(pages.pages[route.who].session_token), Page()):
            caller.client = Client(enforce_csrf_checks=True)
            for name in COOKIES:
                # A host's CSRF middleware replaces its own cookie when it is malformed, whatever view there is.
                caller.client.cookies[name] = token if name != "csrftoken" else "c" * 32
            with undone():
                answer = pages.request(route, caller)
            if route.needs_session and not caller.session_token:
                refused(answer, *NO_SESSION)
            else:
                data(answer)
            # Django 5.2's LoginRequiredMiddleware looks at the session, and a cookie that is nobody's is taken back.
            assert {name: one.value for name, one in answer.cookies.items()} in ({}, {"sessionid": ""})


def test_no_answer_of_any_kind_sets_a_cookie_or_redirects(pages):
    for route in GUARDED:
        for answer in (
            pages.request(route, Authorization=""),
            pages.request(route, Origin="null"),
            pages.request(route, Page("x")),
        ):
            assert not answer.cookies
            assert answer.status_code not in range(300, 400)


# Custom claims, durations, trusted metadata


CLAIMS = [{"admin": True}, {"sub": "x"}, {"https://stytch.com/session": {}}, {"x": "y" * 8000}, {}]


def test_ap04_se10_a_page_sets_no_custom_claims(pages):
    lasting = [route for route in GUARDED if "session_duration_minutes" in (route.body or {})]
    assert len(lasting) >= 11
    for route in lasting:
        for claims in CLAIMS:
            body = {**pages.body(route), "session_custom_claims": claims}
            with undone():
                told = data(pages.pages[route.who](route.method, pages.path(route), body))
                session = told.get("member_session") or told.get("session")
                assert not session or session["custom_claims"] == {}
                assert not Session.objects.exclude(claims={}).exists()


def test_ap04_a_back_ends_claims_stay_through_a_pages_calls(api):
    visitor = MemberVisitor(api).log_in()
    given = {"session_token": visitor.session_token, "session_custom_claims": {"plan": "pro"}}
    ok(api("POST", "/v1/b2b/sessions/authenticate", given))
    told = data(visitor.show_code(session_custom_claims={"plan": None, "admin": True}))
    assert told["member_session"]["custom_claims"] == {"plan": "pro"}


def test_ap04_sessions_are_as_short_as_the_site_says(pages, configure):
    configure(BROWSER_SESSION_MINUTES=90)
    before, refusals = rows_hash(), 0
    for route in GUARDED:
        if "session_duration_minutes" in (route.body or {}):
            body = {**pages.body(route), "session_duration_minutes": 91}
            refused(pages.pages[route.who](route.method, pages.path(route), body), 400, "invalid_session_duration")
            refusals += 1
    assert refusals >= 11
    assert rows_hash() == before


WRITING = (
    *("POST /b2b/discovery/organizations/create", "PUT /b2b/organizations/me", "POST /b2b/organizations/members"),
    *("PUT /b2b/organizations/members/update", "PUT /b2b/organizations/members/{fresh_id}"),
    *("POST /passwords", "PUT /users/me"),
)


def test_ap04_trusted_metadata_is_the_back_ends_to_write(pages):
    before = rows_hash()
    for route in map(by_name, WRITING):
        for given in ({"planted": True}, {}):
            body = {**pages.body(route), "trusted_metadata": given}
            answer = pages.pages[route.who](route.method, pages.path(route), body)
            refused(answer, 401, "cannot_update_trusted_metadata")
    assert rows_hash() == before


# Mass assignment

MEMBER_FIELDS = {
    *("email_address", "name", "trusted_metadata", "untrusted_metadata", "is_breakglass", "mfa_phone_number"),
    *("mfa_enrolled", "roles", "external_id"),
}
ORGANIZATION_FIELDS = {
    *next(one for one in ROUTES if one.name == "PUT /v1/b2b/organizations/{organization_id}").fields,
}
PROFILE = {"name", "trusted_metadata", "untrusted_metadata"}
#: What a route reads beyond the body that it has here.
READ = {
    "POST /b2b/recovery_codes/rotate": {"organization_id", "member_id"},
    "POST /b2b/sessions/authenticate": {"authorization_check"},
    "POST /b2b/discovery/organizations/create": ORGANIZATION_FIELDS,
    "PUT /b2b/organizations/me": ORGANIZATION_FIELDS,
    "POST /b2b/organizations/me/members/search": {"cursor", "query", "organization_ids"},
    "POST /b2b/organizations/members": {*MEMBER_FIELDS, "create_member_as_pending"},
    "PUT /b2b/organizations/members/update": {*MEMBER_FIELDS, "default_mfa_method"},
    "PUT /b2b/organizations/members/{fresh_id}": {*MEMBER_FIELDS, "default_mfa_method"},
    "POST /passwords": PROFILE,
    "POST /totps": {"user_id"},
    "POST /totps/authenticate": {"user_id"},
    "POST /totps/recovery_codes": {"user_id"},
    "POST /totps/recover": {"user_id"},
    "POST /sessions/authenticate": {"authorization_check"},
    "PUT /users/me": PROFILE,
}
#: Of every type: an attempt to plant it in whatever column has the name.
PLANTED = (
    "planted",
    True,
    False,
    1_999_999_999,
    {"planted": True},
    ["planted"],
    "active",
    "00000000-0000-4000-8000-000000000000",
)
VOLATILE = {
    *("id", "password", "token_digest", "sealed_token", "sealed_secret", "sealed_code", "digest", "request_id", "n"),
    *("sealed_private", "head", "link", "seal"),
}


@cache
def every_name():
    """Of serializers' fields and of models' columns."""
    found, waiting = set(), [Serializer]
    while waiting:
        shape_class = waiting.pop()
        waiting += shape_class.__subclasses__()
        if shape_class.__module__.startswith("stytch_totp"):
            found |= set(shape_class().fields)
    for model in apps.get_app_config("stytch_totp").get_models():
        for column in model._meta.get_fields():
            found |= {column.name, getattr(column, "attname", column.name)}
    return found


def state(known):
    """All rows, with what differs from one call to the next left out: ids that weren't ``known`` before, and tokens."""
    return {
        model.__name__: sorted(
            repr([_masked(name, value, known) for name, value in sorted(row.items())]) for row in model.objects.values()
        )
        for model in apps.get_app_config("stytch_totp").get_models()
    }


def _masked(name, value, known):
    unknown_id = isinstance(value, UUID) and value not in known
    return (name, "…" if name in VOLATILE or unknown_id else value)


def ids():
    return {
        row
        for model in apps.get_app_config("stytch_totp").get_models()
        for row in model.objects.values_list("pk", flat=True)
    }


def test_ap04_no_name_that_a_route_does_not_read_changes_anything(api, pages):
    stranger = MemberVisitor(api).log_in()
    # These are read as what they are, and mean nothing to a page.
    meaningless = {
        "session_custom_claims": {"planted": True},
        "session_token": stranger.session_token,
        "session_jwt": data(stranger.call("refresh", {}))["session_jwt"],
        "intermediate_session_token": begin(Page(), make_person(api)),
    }
    known, names, tried = ids(), every_name(), 0
    assert len(names) >= 120
    for route in PAGE_ROUTES:
        if route.method == "GET":
            continue
        body, page, path = pages.body(route) or {}, pages.pages[route.who], pages.path(route)
        with undone():
            plain = shape(data(page(route.method, path, body)))
            expected = state(known)
        foreign = names - set(body) - READ.get(route.name, set())
        for value in PLANTED:
            given = {**dict.fromkeys(sorted(foreign), value), **meaningless, **body}
            with undone():
                told = shape(data(page(route.method, path, given)))
                assert state(known) == expected, (route.name, value)
            assert told == plain, (route.name, value)
            tried += len(foreign)
    assert tried >= 30 * 100 * len(PLANTED)
    print(f"AP-04: {tried} names and values planted in bodies, no row changed by any")


def changed_columns(model, pk, before):
    after = model.objects.filter(pk=pk).values().get()
    return {name for name in after if after[name] != before[name]}


SELF_UPDATES = [
    ("name", "Ada", {"name"}),
    ("untrusted_metadata", {"theme": "dark"}, {"untrusted_metadata"}),
    ("mfa_phone_number", "+15005550006", {"mfa_phone_number"}),
    ("mfa_enrolled", True, {"mfa_enrolled"}),
    ("default_mfa_method", "totp", set()),
    ("email_address", "victim@example.com", None),
    ("external_id", "taken", None),
    ("is_breakglass", True, None),
    ("roles", ["stytch_admin"], None),
    ("roles", [], None),
    *(
        (name, True, set())
        for name in ("email_verified", "mfa_phone_number_verified", "mfa_phone_verified", "is_admin")
    ),
    *((name, "x", set()) for name in ("status", "user", "user_id", "password", "organization", "totp_registration_id")),
]


def test_ap04_a_member_changes_of_itself_just_what_it_may(pages):
    page = pages.pages["member"]
    row = Member.objects.get(email=pages.values["email"], organization__slug=pages.values["slug"])
    before, everything = Member.objects.filter(pk=row.pk).values().get(), rows_hash()
    for name, value, columns in SELF_UPDATES:
        for path in ("update", pages.values["member_id"]):
            with undone():
                answer = page("PUT", f"{SDK}/b2b/organizations/members/{path}", {name: value})
                if columns is None:
                    refused(answer, 403, "session_authorization_error")
                    assert rows_hash() == everything
                else:
                    data(answer)
                    assert changed_columns(Member, row.pk, before) - {"updated_at"} == columns, name


USER_UPDATES = [
    ("name", {"first_name": "Ada", "last_name": "Lovelace"}, {"name", "name_parts"}),
    ("untrusted_metadata", {"theme": "dark"}, {"untrusted_metadata"}),
    *((name, "x", set()) for name in ("external_id", "email", "email_address", "status", "phone_number", "password")),
    *((name, ["stytch_admin"], set()) for name in ("roles", "emails", "totps")),
    *((name, True, set()) for name in ("email_verified", "set_email_verified", "mfa_enrolled", "is_breakglass")),
]


def test_ap04_a_user_changes_of_itself_just_what_it_may(pages):
    row = Member.objects.get(email=pages.values["user_email"])
    before = Member.objects.filter(pk=row.pk).values().get()
    for name, value, columns in USER_UPDATES:
        with undone():
            data(pages.pages["user"]("PUT", f"{SDK}/users/me", {name: value}))
            assert changed_columns(Member, row.pk, before) - {"updated_at"} == columns, name


def test_ap04_who_signs_up_on_a_page_is_nobody_yet(db):
    """Neither roles nor a verified address, nor an administrator's word."""
    given = {"email": "new@example.com", "password": PASSWORD, "session_duration_minutes": 60}
    planted = {"roles": ["stytch_admin"], "external_id": "x", "email_verified": True, "set_email_verified": True}
    told = data(Page()("POST", f"{SDK}/passwords", {**given, **planted}))
    assert told["user"]["roles"] == ["stytch_user"]
    assert told["user"]["external_id"] is None
    assert told["user"]["emails"][0]["verified"] is False
