"""Every address of the example, in every state, by every verb (MW-01), and the ways that lead around an address."""

from typing import Any
from urllib.parse import parse_qs, unquote_to_bytes, urlsplit

import pytest
from django.test import Client
from django.urls import resolve

from stytch_totp.models import Organization
from tests.web.sites import Turnstile, Watcher, addresses
from tests.web.visitors import (
    HTML,
    STAFF,
    STATES,
    UserFactory,
    Visitor,
    log_in,
    person,
    put_session,
    session_of,
    verify,
    visitor,
)

pytestmark = pytest.mark.sweep
VERBS = [("GET", HTML), ("GET", "application/json"), *((verb, HTML) for verb in ("POST", "PUT", "PATCH", "DELETE"))]
#: What owes no second factor. A new exemption is written down here, or this fails.
EXEMPT = {
    "spa/",  # shows nothing of anybody's
    "openapi.json",
    "accounts/login/",
    "accounts/logout/",
    "accounts/password_reset/",
    "accounts/password_reset/done/",
    "accounts/reset/<uidb64>/<token>/",
    "accounts/reset/done/",
    "admin/login/",
    "admin/logout/",
    "admin/jsi18n/",
    "i18n/setlang/",
    "mfa/",  # these judge by themselves: see below
    "mfa/enrol/",
    "mfa/verify/",
    "mfa/recover/",
    "mfa/codes/",
    "mfa/codes/download/",
    "mfa/remove/",
    "mfa/organizations/",
    "mfa/log-in-again/",
}
#: Who calls these shows credentials of their own; a Django session is none.
API = ("v1/", "sdk/v1/", r"^(?:sdk/)?v1(?:/|\Z)")
#: Exempt, and nothing for who isn't logged in.
LOGIN_REQUIRED = {one for one in EXEMPT if one.startswith("mfa/")} | {
    "accounts/logout/",
    "admin/logout/",
    "admin/jsi18n/",
}
OWING_NOTHING = {"verified", "unchecked", "stale", "stale_unchecked"}
#: Where a page is led, and what a program is told, in a state that owes something.
OWED = {
    "not_enrolled": ("/mfa/enrol/", 403, "mfa_enrollment_required"),
    "pending": ("/mfa/enrol/", 403, "mfa_enrollment_required"),
    "password_only": ("/mfa/verify/", 403, "mfa_required"),
    "other_organization": ("/mfa/verify/", 403, "mfa_required"),
    "other_users_mark": ("/mfa/verify/", 403, "mfa_required"),
    "not_chosen": ("/mfa/organizations/", 403, "organization_not_chosen"),
    "revoked": ("/accounts/login/", 401, "user_unauthenticated"),
}


def _behind(made: Visitor, settings: Any, middleware: str) -> dict[str, Any]:
    """Send the visitor through one more middleware from now on; what their session holds."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"tests.web.sites.{middleware}"]
    kept, made.client = session_of(made), Client(raise_request_exception=False)
    put_session(made, kept)
    return kept


def _is_exempt(route: str) -> bool:
    return route in EXEMPT or route.startswith(API)


def test_every_pattern_is_reached_by_its_path_but_the_one_that_the_example_shadows():
    found = list(addresses())
    assert len(found) > 100
    shadowed = [route for route, path, view in found if resolve(path).func is not view]
    assert shadowed == ["accounts/password_change/"]  # of the two, the one behind step-up comes first
    assert {route for route, _, _ in found} >= EXEMPT


@pytest.mark.parametrize("state", STATES)
def test_mw01_no_guarded_view_runs_for_who_owes_something(settings: Any, acme: Organization, state: str):
    made, cells = visitor(state, acme, **STAFF), 0
    kept = _behind(made, settings, "Turnstile")
    for route, path, _ in addresses():
        for verb, accept in VERBS:
            if state == "revoked":
                put_session(made, kept)
            response = made.client.generic(verb, path, headers={"Accept": accept})
            _check_cell(state, route, path, response, page=(verb, accept) == ("GET", HTML))
            cells += 1
    print(f"{state}: {cells} cells")


def _check_cell(state: str, route: str, path: str, response: Any, *, page: bool) -> None:
    cell = f"{state} {route}: {response.status_code}"
    stopped = LOGIN_REQUIRED if state == "anonymous" else set()
    if (_is_exempt(route) and route not in stopped) or state in OWING_NOTHING:
        assert response.status_code == Turnstile.PASSED, cell
    elif state == "anonymous":  # LoginRequiredMiddleware's business
        assert response.status_code == 302, cell
        assert urlsplit(response["Location"]).path in ("/accounts/login/", "/admin/login/"), cell
    else:
        place, status, error_type = OWED[state]
        assert response["Cache-Control"] == "no-store, private", cell
        if page:
            sent = urlsplit(response["Location"])
            assert (response.status_code, sent.path) == (302, place), cell
            assert parse_qs(sent.query)["next"] == [path], cell
        else:
            assert (response.status_code, response.json()["error_type"]) == (status, error_type), cell
            assert response.json()["status_code"] == status
            asks = 'error="insufficient_user_authentication"' in response["WWW-Authenticate"]
            assert response["WWW-Authenticate"].startswith("Bearer"), cell
            assert asks is error_type.startswith("mfa_"), cell


def test_who_owes_nothing_reaches_everything_but_the_admin(settings: Any, globex: Organization):
    made = visitor("not_enrolled", globex, **STAFF)
    _behind(made, settings, "Turnstile")
    stopped = {route for route, path, _ in addresses() if made.get(path).status_code != Turnstile.PASSED}
    assert stopped == {one for one, _, _ in addresses() if one.startswith("admin/") and not _is_exempt(one)}


#: Which pages a state is shown (200) by GET; the others lead away.
SHOWN = {
    "anonymous": set(),
    "not_enrolled": {"enrol", "organizations", "log-in-again"},
    "pending": {"enrol", "organizations", "log-in-again"},
    "password_only": {"verify", "recover", "organizations", "log-in-again"},
    "other_organization": {"verify", "recover", "organizations", "log-in-again"},
    "other_users_mark": {"verify", "recover", "organizations", "log-in-again"},
    "not_chosen": {"organizations", "log-in-again"},
    "revoked": {"log-in-again"},
    "verified": {"", "verify", "recover", "codes", "codes/download", "remove", "organizations", "log-in-again"},
    "unchecked": {"", "verify", "recover", "codes", "codes/download", "remove", "organizations", "log-in-again"},
    "stale": {"", "verify", "recover", "organizations", "log-in-again"},
    "stale_unchecked": {"", "verify", "recover", "organizations", "log-in-again"},
}
PAGES = [path for route, path, _ in addresses() if route.startswith("mfa/")]


@pytest.mark.parametrize("state", STATES)
def test_mw07_a_state_is_shown_the_pages_that_settle_it_and_no_other(acme: Organization, state: str):
    made, shown = visitor(state, acme), set()
    kept = session_of(made)
    for path in PAGES:
        put_session(made, kept)
        if made.get(path).status_code == 200:
            shown.add(path[len("/mfa/") :].rstrip("/"))
    assert shown == SHOWN[state]


@pytest.mark.parametrize("state", OWED)
def test_mw01_no_verb_at_any_page_settles_anything_without_a_code(acme: Organization, state: str):
    made = visitor(state, acme)
    kept = session_of(made)
    bodies = [{}, {"code": "000000"}, {"code": ""}, {"code": "aaaa-aaaa-aaaa", "next": "/"}]
    for path in PAGES:
        for verb in ("post", "put", "patch", "delete", "head", "options"):
            for body in bodies if verb == "post" else bodies[:1]:
                put_session(made, kept)
                answer = getattr(made.client, verb)(path, body)
                assert not answer.has_header("Location") or answer["Location"] not in ("/", "/mfa/"), (verb, path)
                assert made.get("/").status_code == 302, (verb, path)
                if state == "revoked":
                    assert made.get("/")["Location"].startswith("/accounts/login/")


def test_no_django_session_is_worth_anything_to_the_api(acme: Organization):
    made, statuses = visitor("verified", acme, **STAFF), {}
    for route, path, _ in addresses():
        if route.startswith(API):
            statuses |= {(route, verb): made.client.generic(verb, path).status_code for verb, _ in VERBS}
    answered = {cell for cell, status in statuses.items() if status < 400}
    assert answered == {("sdk/v1/events", "POST")}  # takes what the SDK tells of itself, and keeps nothing


# Around the address

GUARDED = "/admin/auth/user/"
#: As a client spells them, percent signs and all.
_SPELLINGS = r"""
    /mfa/../admin/auth/user/ /mfa/%2e%2e/admin/auth/user/ /mfa/..%5cadmin/auth/user/ /mfa/admin/auth/user/
    //admin/auth/user/ /// /%2e/ /./admin/auth/user/ /%2e%2e/admin/auth/user/ /%2fadmin/auth/user/
    /admin;x/auth/user/ /admin/;/auth/user/ /admin/auth/user/;jsessionid=1 /accounts/login/..;/..;/
    /ADMIN/auth/user/ /Admin/AUTH/User/ /%61dmin/auth/user/ /%41DMIN/auth/user/ /admin/auth/%75ser/ /admin/.
    /admin/auth/user/. /admin/auth/user/.. /admin/auth/user./ /admin./auth/user/ /admin/auth/
    /admin%2fauth%2fuser%2f /admin%252fauth%252fuser/ /%2561dmin/auth/user/ /admin/auth%5cuser/
    /static/../admin/auth/user/ /static/%2e%2e/ /static/..%2fadmin/auth/user/ /static/.. /static//
    /static/example/../../ /static/admin/../../admin/auth/user/ /admin/auth/user/static/site.css
    /admin/auth/user/%00 /%00admin/auth/user/ /admin%00/auth/user/ /%00 /settings/%00 /admin\auth\user\
    /%5cadmin/auth/user/ \admin\ /admin/auth/user/%20 /admin/auth/user/%09 /admin/auth/user/%0a
    /admin/auth/user/%0d%0aX-Exempt:%201 /%0a /admin/auth/user// /admin//auth/user/ /i18n/../admin/auth/user/
    /i18n/setlang/../../ /accounts/login/../../ /accounts/logout/../../settings/ /v1/../admin/auth/user/
    /sdk/v1/../../ /v1/%2e%2e/ /v1 /v1/../settings/ /v1%2f..%2f /admin/logout/../auth/user/
    /admin/login/../auth/user/ /admin/jsi18n/../auth/user/ /admin/auth/user/logout/ /admin/auth/user/jsi18n/
    /admin/auth/logout /admin/jsi18n/auth/user/ /admin/auth/user/%23/mfa/ /admin/auth/user/%3f/mfa/
    /admin/auth/user/.json /admin/auth/user/x.css /%c0%af/admin/auth/user/ /%ef%bc%8fadmin/auth/user/
    /admin/auth/user/%e2%80%8b /%ff /adm%c4%b1n/ /settings /settings/.css /settings%2f /settings/%2e
    /settings;/ /index.html /favicon.ico/../ http://testserver/admin/auth/user/ * admin/auth/user/ /mfa
    /mfa/verify/../../ /mfa/enrol/;/../
"""
HEADERS = [
    *({name: value} for name in ("X-Original-URL", "X-Rewrite-URL") for value in ("/mfa/", "/static/x.css")),
    *({name: "/mfa/"} for name in ("X-Forwarded-Prefix", "X-Forwarded-Path", "X-Forwarded-Uri", "X-Real-URL")),
    *({"X-HTTP-Method-Override": verb} for verb in ("HEAD", "OPTIONS", "TRACE")),
    *({"Sec-Fetch-Mode": mode} for mode in ("cors", "no-cors", "same-origin", "websocket", "nonsense")),
    *({"Accept": accept} for accept in ("*/*", "", "nonsense", "text/css", "image/*", "application/json;q=0")),
    *({"Authorization": value} for value in ("Bearer x", "Basic eDp5", "nonsense")),
    {"X-Requested-With": "XMLHttpRequest"},
    {"X-Forwarded-Host": "localhost"},
    {"Forwarded": "host=localhost"},
    {"Upgrade": "websocket", "Connection": "Upgrade"},
    {"Range": "bytes=0-"},
    {"If-None-Match": "*"},
    {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
    {"Cookie": "mfa=1; verified=true; stytch_totp=1"},
]
SCRIPTS = [("/static", GUARDED), ("/mfa", GUARDED), ("/mfa/..", GUARDED), ("/admin", "/auth/user/"), ("/admin/", "")]
METHODS = ["HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "QUERY", "FOO", "PROPFIND"]


def _wire(raw: str) -> str:
    """As a server hands a path over that was asked in this spelling: decoded once."""
    return unquote_to_bytes(raw).decode("latin-1")


TRICKS: list[dict[str, Any]] = [
    *({"PATH_INFO": _wire(raw)} for raw in ["", *_SPELLINGS.split()]),
    *({"PATH_INFO": path, "headers": headers} for headers in HEADERS for path in (GUARDED, "/")),
    *({"SCRIPT_NAME": script, "PATH_INFO": path} for script, path in SCRIPTS),
    *({"REQUEST_METHOD": method, "PATH_INFO": GUARDED} for method in METHODS),
]


def test_mw01_no_trick_shows_a_guarded_page(settings: Any, acme: Organization):
    UserFactory.create(username="canary")
    person(acme, username="canary@example.com")
    made = visitor("password_only", acme, **STAFF)
    exempt = {view for route, _, view in addresses() if _is_exempt(route)}
    _behind(made, settings, "Watcher")
    for trick in TRICKS:
        Watcher.seen.clear()
        response = made.client.generic("GET", "/", **trick)
        body = b"".join(response.streaming_content) if response.streaming else response.content
        assert b"canary" not in body, trick
        assert set(Watcher.seen) <= exempt, trick
        assert response.status_code < 500, trick
    verify(made.client, made.secret)
    shown = sum(
        b"canary" in made.client.generic("GET", "/", **trick).content for trick in TRICKS if "PATH_INFO" in trick
    )
    print(f"{len(TRICKS)} tricks; {shown} of them show the page to who is verified")
    assert shown > 20


# Round and round


@pytest.mark.parametrize("state", [*STATES, "optional", "no_membership"])
def test_no_state_is_redirected_for_ever(settings: Any, acme: Organization, globex: Organization, state: str):
    if state in STATES:
        made = visitor(state, acme, **STAFF)
    else:
        made = person(globex if state == "optional" else None, **STAFF)
        log_in(made.client, made.user)
    kept, longest, walks = session_of(made), 0, 0
    places = [path for route, path, _ in addresses() if not route.startswith(API)]
    settings.ROOT_URLCONF, settings.LOGIN_URL = "tests.web.urls", "/again/login/"  # which sends away who is logged in
    onward = [
        f"{page}?next={place}" for page in [*PAGES, "/again/login/"] for place in ["/settings/", "/admin/", *PAGES]
    ]
    for path in places + onward:
        put_session(made, kept)
        hops = _follow(made, path)
        longest, walks = max(longest, hops), walks + 1
    print(f"{state}: {walks} walks, at most {longest} hops")


def _follow(made: Any, path: str) -> int:
    for hops in range(10):
        response = made.get(path)
        if response.status_code not in (301, 302, 303, 307, 308):
            assert response.status_code < 500
            return hops
        path = response["Location"]
    pytest.fail(f"still redirected: {path}")


def test_users_without_a_membership_are_not_redirected_for_ever_where_they_owe_a_factor(configure: Any, db: None):
    configure(USERS_REQUIRE_MFA=True)
    made = person(is_staff=True)
    log_in(made.client, made.user)
    for path in ["/", "/settings/", "/admin/", *PAGES]:
        assert _follow(made, path) < 4
    assert made.get("/")["Location"] == "/mfa/enrol/?next=%2F"
