"""Which pages may call, and which browsers may read the answer (AP-03, AP-05, AP-06, AP-07)."""

import json

import pytest
from django.conf import settings
from django.test import Client

from stytch_totp.models import AuditEvent
from stytch_totp.operations import sessions
from tests.api.helpers import ROUTES, SDK, data, fault, fill, refused, rows, rows_hash, undone
from tests.api.pages import (
    GUARDED,
    ORIGIN,
    OTHER_PUBLIC_TOKEN,
    PAGE_ROUTES,
    PUBLIC_TOKEN,
    UNKNOWN_PUBLIC_TOKEN,
    WRONG_ORIGIN,
    make_page_world,
    with_credentials,
)
from tests.conftest import basic

pytestmark = pytest.mark.django_db

PROJECT = settings.STYTCH_TOTP["PROJECT_ID"]
SECRET = settings.STYTCH_TOTP["SECRETS"][0]
ALLOWED = ("https://app.example.org", "http://localhost:3000", "http://127.0.0.1:8000", "https://[::1]:8443")
UNSAFE = tuple(route for route in GUARDED if route.method != "GET")
#: Near misses of the allowed ones, and what else a browser or a liar may send.
FOREIGN = (
    *("null", "", " ", "*", "file://", "about:blank", "https://", "https", "undefined", "true", "[]", "%"),
    *("https://evil.example", "https://example.org", "https://www.example.org", "https://org", "https://app"),
    *("https://app.example.org.evil.example", "https://evil-app.example.org", "https://evilapp.example.org"),
    *("https://x.app.example.org", "https://app.example.orgs", "https://app.example.or", "https://app-example.org"),
    *("https://appxexample.org", "https://app.example.com", "https://evil.example/app.example.org"),
    *("http://app.example.org", "ws://app.example.org", "ftp://app.example.org", "app.example.org"),
    *("//app.example.org", "https:app.example.org", "https:/app.example.org", "https:///app.example.org"),
    *("https://app.example.org:443", "https://app.example.org:80", "https://app.example.org:8443"),
    *("https://app.example.org:", "https://app.example.org:0443", "http://localhost", "http://localhost:3001"),
    *("http://localhost:30000", "http://127.0.0.1:80", "http://127.1:8000", "http://[::1]:8443", "http://localhost:"),
    *("HTTPS://APP.EXAMPLE.ORG", "https://App.example.org", "Https://app.example.org", "https://app.example.org."),
    *("https://user@app.example.org", "https://app.example.org@evil.example", "https://app.example.org:x@evil.example"),
    *(
        "https://app.example.org/",
        "https://app.example.org/path",
        "https://app.example.org?x",
        "https://app.example.org#x",
    ),
    *("https://app.example.org\\", "https://app.example.org\\.evil.example", "https://app.example.org%2eevil.example"),
    *("https://app%2eexample.org", "https://app.example.org%00", "https://app.example.org, https://evil.example"),
    *("https://evil.example, https://app.example.org", "https://app.example.org https://evil.example"),
    *("https://app.example.org\thttps://evil.example", "https://app.example.org;", "'https://app.example.org'"),
    *("https://xn--pp-fka.example.org", "https://\u00e4pp.example.org", "https://\u0430pp.example.org"),
    *("https://app\u3002example.org", "https://app.ex\u00e4mple.org", "https://\uff41pp.example.org"),
    *("moz-extension://app.example.org", "chrome-extension://abcdef", "data:text/html,x", "javascript:alert(1)"),
)
BODIES = {
    "JSON": ("application/json", lambda body: json.dumps(body or {})),
    "form": ("application/x-www-form-urlencoded", lambda body: "&".join(f"{name}=x" for name in body or {"x": 1})),
    "multipart": (
        "multipart/form-data; boundary=b",
        lambda _: '--b\r\ncontent-disposition: form-data; name="x"\r\n\r\nx\r\n--b--',
    ),
    "text": ("text/plain", lambda body: json.dumps(body or {})),
    "empty": ("", lambda _: ""),
}
CORS = {
    "Access-Control-Allow-Origin": ORIGIN,
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Expose-Headers": "retry-after",
}
WANTED_HEADERS = "authorization,content-type,x-sdk-client,x-sdk-parent-host"


@pytest.fixture(autouse=True)
def _four_origins(configure):
    configure(
        ALLOWED_ORIGINS=list(ALLOWED),
        PUBLIC_TOKENS=[PUBLIC_TOKEN, OTHER_PUBLIC_TOKEN],
        BIND_INTERMEDIATE_SESSION=False,
    )


@pytest.fixture
def pages(api, db):
    return make_page_world(api)


def as_form(pages, route, body, content_type, **headers):
    """A call with whatever body, as a form could send it, and with the right credentials all the same."""
    page = pages.pages[route.who]
    headers = {"Authorization": page.authorization, **headers}
    return page.client.generic(route.method, pages.path(route), body, content_type=content_type, headers=headers)


def without_origin(pages, route, **headers):
    page = with_credentials(PUBLIC_TOKEN, pages.pages[route.who].session_token, origin="")
    return pages.request(route, page, **headers)


def cors_headers(answer):
    return {name.title(): value for name, value in answer.headers.items() if name.lower().startswith("access-control-")}


# AP-05, AP-06


@pytest.mark.parametrize("kind", BODIES)
def test_ap05_ap06_no_page_of_another_origin_gets_a_call_through_whatever_the_body(pages, kind):
    content_type, written = BODIES[kind]
    named = ("Origin", "X-SDK-Parent-Host") if kind == "JSON" else ("Origin",)  # no form can set the other
    before, tried, faults = rows_hash(), 0, []
    for route in UNSAFE:
        body = written(pages.body(route))
        for header in named:
            for origin in FOREIGN:
                answer = as_form(pages, route, body, content_type, **{header: origin})
                tried += 1
                if fault(answer, 400) or answer.json()["error_type"] != WRONG_ORIGIN[1]:
                    faults.append((route.name, header, origin, answer.status_code, answer.content[:80]))
    assert not faults
    assert rows_hash() == before
    assert tried == len(UNSAFE) * len(named) * len(FOREIGN) >= 30 * 60
    print(f"AP-05/06: {tried} calls of {len(FOREIGN)} foreign origins with {kind} bodies, none accepted")


def test_ap05_one_good_header_does_not_make_up_for_the_other(pages):
    faults = []
    for route in UNSAFE:
        for good, bad in (("Origin", "X-SDK-Parent-Host"), ("X-SDK-Parent-Host", "Origin")):
            answer = without_origin(pages, route, **{good: ORIGIN, bad: "null"})
            faults += [(route.name, bad)] if answer.json().get("error_type") != WRONG_ORIGIN[1] else []
    assert not faults


def test_ap05_reads_of_another_origin_are_refused_too(pages):
    for route in (one for one in GUARDED if one.method == "GET"):
        for origin in FOREIGN:
            refused(pages.request(route, Origin=origin), *WRONG_ORIGIN)


def test_ap05_every_page_of_an_allowed_origin_gets_every_call_through(pages):
    accepted = 0
    for route in PAGE_ROUTES:
        for origin in ALLOWED:
            for headers in ({"Origin": origin}, {"Origin": origin, "X-SDK-Parent-Host": origin}):
                with undone():
                    data(pages.request(route, **headers))
                accepted += 1
    assert accepted == len(PAGE_ROUTES) * 8
    print(f"AP-05: {accepted} calls of {len(ALLOWED)} allowed origins, all accepted")


@pytest.mark.parametrize("kind", ["form", "multipart", "text"])
def test_ap05_what_a_form_can_send_is_no_body_even_from_an_allowed_origin(pages, kind):
    content_type, written = BODIES[kind]
    read = [route for route in UNSAFE if route.body]
    before = rows_hash()
    for route in read:
        body = written(pages.body(route))
        refused(as_form(pages, route, body, content_type, Origin=ORIGIN), 415, "bad_request")
    assert len(read) >= 18
    assert rows_hash() == before


def test_ap06_a_form_of_another_page_logs_nobody_in_even_with_every_cookie(pages):
    """No form can send an Authorization header, and nothing else is credentials here."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    for name in ("sessionid", "stytch_session", "stytch_session_jwt", "session_token"):
        client.cookies[name] = pages.values["session_token"]
    client.cookies["stytch_intermediate_session_token"] = pages.values["ist"]
    before = rows_hash()
    for route in UNSAFE:
        for content_type, written in BODIES.values():
            body, path = written(pages.body(route)), pages.path(route)
            for origin in ("https://evil.example", ORIGIN):
                answer = client.generic(route.method, path, body, content_type=content_type, headers={"Origin": origin})
                refused(answer, 401, "unauthorized_credentials")
    assert rows_hash() == before


@pytest.mark.parametrize("required", [True, False])
def test_ap05_who_names_no_origin_may_change_something_only_where_the_site_says_so(pages, configure, required):
    configure(ORIGIN_REQUIRED=required)
    before = rows_hash()
    for route in GUARDED:
        with undone():
            answer = without_origin(pages, route)
            if required and route.method != "GET":
                refused(answer, *WRONG_ORIGIN)
            else:
                data(answer)
    assert rows_hash() == before


def test_ap05_a_wrong_origin_is_refused_even_where_none_is_required(pages, configure):
    configure(ORIGIN_REQUIRED=False)
    for route in UNSAFE:
        for origin in FOREIGN:
            refused(pages.request(route, Origin=origin), *WRONG_ORIGIN)


def test_ap05_the_sdks_word_for_the_origin_is_enough(pages):
    for route in UNSAFE:
        with undone():
            data(without_origin(pages, route, **{"X-SDK-Parent-Host": ORIGIN}))


def test_ap05_without_any_allowed_origin_no_page_may_call(pages, configure):
    configure(ALLOWED_ORIGINS=[])
    for route in GUARDED:
        refused(pages.request(route), *WRONG_ORIGIN)


# AP-03


def test_ap03_credentials_do_not_cross(pages):
    """Two surfaces and four kinds of credentials: each opens its own surface or none."""
    token = pages.values["session_token"]
    credentials = {
        "secret": basic(PROJECT, SECRET),
        "public token": basic(PUBLIC_TOKEN, PUBLIC_TOKEN),
        "public token and session": basic(PUBLIC_TOKEN, token),
        "cookies": "",
    }
    surfaces = {"/v1": "/v1/b2b/organizations/search", SDK: f"{SDK}/b2b/discovery/organizations"}
    opened, before = {}, rows()
    for surface, path in surfaces.items():
        for kind, authorization in credentials.items():
            client = Client(enforce_csrf_checks=True)
            client.cookies["stytch_session"] = client.cookies["sessionid"] = token
            headers = {"Authorization": authorization, "Origin": ORIGIN}
            answer = client.post(path, "{}", content_type="application/json", headers=headers)
            opened[surface, kind] = (answer.status_code, answer.json().get("error_type"))
    assert opened == {
        ("/v1", "secret"): (200, None),
        ("/v1", "public token"): (400, "invalid_project_id_authentication"),
        ("/v1", "public token and session"): (400, "invalid_project_id_authentication"),
        ("/v1", "cookies"): (401, "unauthorized_credentials"),
        (SDK, "secret"): (401, "unauthorized_credentials"),
        (SDK, "public token"): (401, "user_unauthenticated"),
        (SDK, "public token and session"): (200, None),
        (SDK, "cookies"): (401, "unauthorized_credentials"),
    }
    assert AuditEvent.objects.filter(tag="project:secret:exposed").count() == 1
    on_record = {name: before[name] for name in ("AuditEvent", "AuditChain")}
    assert rows() | on_record == before


def test_ap03_every_route_of_a_surface_refuses_the_other_surfaces_credentials(pages, world):
    before = AuditEvent.objects.count()
    for route in GUARDED:
        refused(pages.request(route, Authorization=basic(PROJECT, SECRET)), 401, "unauthorized_credentials")
    assert AuditEvent.objects.count() - before == len(GUARDED)
    for route in ROUTES:
        if "jwks" not in route.path:
            page = with_credentials(PUBLIC_TOKEN, pages.values["session_token"])
            refused(world.request(page, route), 400, "invalid_project_id_authentication")


def test_ap03_a_page_that_has_the_secret_is_refused_logged_and_put_on_record(caplog):
    caplog.set_level("ERROR", "stytch_totp")
    page = with_credentials(PUBLIC_TOKEN)
    refused(page("GET", f"{SDK}/users/me", Authorization=basic(PROJECT, SECRET)), 401, "unauthorized_credentials")
    event = AuditEvent.objects.get()
    assert (event.tag, event.outcome, event.actor_kind) == ("project:secret:exposed", "failure", "browser")
    assert [record.levelname for record in caplog.records if record.name == "stytch_totp"] == ["ERROR"]
    assert SECRET not in caplog.text


def test_ap03_even_on_a_page_of_another_origin(api):
    headers = {"Authorization": basic(PROJECT, SECRET), "Origin": "https://evil.example"}
    refused(api("POST", f"{SDK}/b2b/totp", {}, **headers), 401, "unauthorized_credentials")
    assert AuditEvent.objects.get().tag == "project:secret:exposed"


@pytest.mark.parametrize("secret", ["", "x", SECRET[:-1], SECRET + " ", SECRET.upper()])
def test_ap03_a_wrong_secret_is_no_alarm(api, secret):
    authorization = basic(PROJECT, secret)
    refused(api("GET", f"{SDK}/users/me", Authorization=authorization), 401, "unauthorized_credentials")
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    "public_token",
    [
        *(UNKNOWN_PUBLIC_TOKEN, f"public-token-live-{PUBLIC_TOKEN[-36:]}", PUBLIC_TOKEN.upper()),
        *(PUBLIC_TOKEN + " ", " " + PUBLIC_TOKEN, PUBLIC_TOKEN[:-1], PUBLIC_TOKEN + "0", "x", "", "\0", "null", SECRET),
    ],
)
def test_ap03_an_unknown_public_token_opens_nothing(pages, public_token):
    page = with_credentials(public_token, pages.values["session_token"])
    refused(page("GET", f"{SDK}/b2b/organizations/me"), 404, "public_token_not_found")
    refused(page("GET", f"{SDK}/projects/bootstrap/{PUBLIC_TOKEN}"), 404, "public_token_not_found")


def test_ap03_without_public_tokens_no_page_may_call(pages, configure):
    configure(PUBLIC_TOKENS=[])
    for route in GUARDED:
        refused(pages.request(route), 404, "public_token_not_found")


def test_ap03_any_of_several_public_tokens_will_do(pages):
    page = with_credentials(OTHER_PUBLIC_TOKEN, pages.values["session_token"])
    data(page("GET", f"{SDK}/b2b/organizations/me"))


# AP-07


def check_cors(answer, **more):
    assert cors_headers(answer) == {**CORS, **more}
    assert "origin" in [name.strip().lower() for name in answer.headers["Vary"].split(",")]


def test_ap07_a_browser_may_read_the_success_of_every_route(pages):
    for route in PAGE_ROUTES:
        with undone():
            answer = pages.request(route)
        data(answer)
        check_cors(answer)


def test_ap07_a_browser_may_read_the_refusal_of_every_route(pages):
    for route in GUARDED:
        for headers in ({"Authorization": ""}, {"Authorization": basic("x", "y")}, {"X-SDK-Parent-Host": "null"}):
            answer = pages.request(route, **headers)
            assert 400 <= answer.status_code < 500
            check_cors(answer)


@pytest.mark.parametrize(
    "path", ["", "nothing", "b2b/totp/", "b2b/totp/migrate", "b2b/sessions/jwks/x", "users/search", "%00", "a%0Ab"]
)
def test_ap07_a_browser_may_read_that_a_route_is_not_served(path):
    answer = with_credentials(PUBLIC_TOKEN)("POST", f"{SDK}/{path}", {})
    refused(answer, 404, "route_not_found")
    check_cors(answer)


def test_ap07_a_browser_may_read_a_failure_of_ours(pages, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError

    monkeypatch.setattr(sessions, "find", fail)
    answer = with_credentials(PUBLIC_TOKEN, pages.values["session_token"])("GET", f"{SDK}/users/me")
    assert fault(answer, 500) == ""
    check_cors(answer)


def test_ap07_every_preflight_of_an_allowed_page_is_answered_before_anybody_asks_for_credentials(pages):
    client = Client()
    for route in PAGE_ROUTES:
        headers = {
            "Origin": ORIGIN,
            "Access-Control-Request-Method": route.method,
            "Access-Control-Request-Headers": WANTED_HEADERS,
        }
        answer = client.options(pages.path(route), headers=headers)
        assert answer.status_code == 200
        assert answer.content == b""
        allowed = {
            "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
            "Access-Control-Allow-Headers": WANTED_HEADERS.replace(",", ", "),
            "Access-Control-Max-Age": "600",
        }
        check_cors(answer, **allowed)


def test_ap07_only_exact_origins_are_echoed(pages):
    echoed, asked = set(), 0
    client = Client()
    for origin in (*ALLOWED, *FOREIGN):
        for route in PAGE_ROUTES:
            path = pages.path(route)
            wanted = {"Access-Control-Request-Method": route.method, "Access-Control-Request-Headers": WANTED_HEADERS}
            for answer in (
                client.options(path, headers={"Origin": origin, **wanted}),
                client.generic(route.method, path, headers={"Origin": origin}),
            ):
                asked += 1
                echoed.add(answer.headers.get("Access-Control-Allow-Origin"))
                if origin in FOREIGN:
                    assert not cors_headers(answer), (origin, route.name)
                assert "origin" in answer.headers["Vary"].lower()
    assert echoed == {*ALLOWED, None}
    assert len({*ALLOWED, *FOREIGN}) >= 70
    print(f"AP-07: {asked} answers to {len(FOREIGN) + len(ALLOWED)} origins, {len(ALLOWED)} echoed")


def test_ap03_ap07_the_server_api_never_lets_a_browser_read_its_answers(api, world):
    for route in ROUTES:
        path = fill(route.path, world.values)
        for origin in (*ALLOWED, "null", "https://evil.example"):
            with undone():
                answers = [
                    world.request(api, route, Origin=origin),
                    world.request(api, route, Origin=origin, Authorization=""),
                    api.client.options(path, headers={"Origin": origin, "Access-Control-Request-Method": route.method}),
                ]
            for answer in answers:
                assert not cors_headers(answer), route.name
