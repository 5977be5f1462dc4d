"""Whatever fails, a caller gets the same JSON envelope (AP-10) and nobody in between keeps it (AP-08)."""

import pytest
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404

from stytch_totp.core.sealing import SealError, Tampered, UnknownKey
from stytch_totp.models import TOTPRegistration
from stytch_totp.operations import organizations, sessions, signing
from tests.api.helpers import (
    ENVELOPE,
    ORGANIZATIONS,
    ROUTES,
    SDK,
    SESSIONS,
    TOTP,
    USERS,
    Page,
    authenticate,
    complete,
    fault,
    fill,
    intermediate,
    log_in,
    make_organization,
    make_person,
    ok,
    refused,
    rows,
    rows_hash,
    show_member,
    succeeded,
    undone,
    unknown,
)
from tests.api.slots import SDK_ROUTES
from tests.factories import code_of

pytestmark = pytest.mark.django_db

JSON = "application/json"
JWKS = f"{SESSIONS}/jwks/{settings.STYTCH_TOTP['PROJECT_ID']}"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "FOO")
NOT_SERVED = [
    *("/v1", "/v1/", "/v1//", "/v1/nothing", "/v1/b2b", "/v1/b2b/", "/v1/b2b/totps", "/v1/b2b/totp/", "/v1/b2b/totp//"),
    *("/v1/b2b//totp", "/v1/B2B/totp", "/v1/b2b/totp/authenticate/", "/v1/b2b/totp.json", "/v1/b2b/totp/create"),
    *("/v1/b2b/organizations/", "/v1/b2b/organizations/x/", "/v1/b2b/organizations//members", "/v1/%00", "/v1/%FF"),
    *("/v1/%0a", "/v1/a%0Ab", "/v1/..%2f..%2fetc", "/v1/b2b/discovery", "/v1/b2b/discovery/organizations/"),
    *("/v1/b2b/sessions/migrate", "/v1/b2b/sessions/jwks/", "/v1/b2b/organizations/x/y/z", "/v1/" + "x" * 5000),
    *("/v1/users/", "/v1/users//", "/v1/users/x/y", "/v1/users/totps/x/y", "/v1/totps/", "/v1/totps/migrate"),
    *("/v1/sessions/attest", "/v1/sessions/jwks/", "/v1/rbac", "/v1/b2b/rbac/policy/", "/v1/?format=api", "/v1/sdk/v1"),
    *("/sdk/v1", "/sdk/v1/", "/sdk/v1//totps", "/sdk/v1/users", "/sdk/v1/users/search", "/sdk/v1/totps/migrate"),
    *("/sdk/v1/b2b/totp/migrate", "/sdk/v1/b2b/passwords/migrate", "/sdk/v1/passwords/migrate", "/sdk/v1/sessions"),
    *("/sdk/v1/b2b/sessions", "/sdk/v1/b2b/organizations", "/sdk/v1/b2b/sessions/jwks/x", "/sdk/v1/rbac/policy"),
    *("/sdk/v1/b2b/organizations/x/members", "/sdk/v1/b2b/organizations/x/external_id", "/sdk/v1/projects/bootstrap"),
]
FAILURES = [
    (RuntimeError, 500),
    (KeyError, 500),
    (RecursionError, 500),
    (MemoryError, 500),
    (AssertionError, 500),
    (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "canary"), 500),
    (IntegrityError, 503),
    (DataError, 500),
    (OperationalError, 503),
    (InterfaceError, 503),
    (SealError, 503),
    (Tampered, 503),
    (UnknownKey, 503),
    (Http404, 404),
    (SuspiciousOperation, 400),
]


def failing(error):
    def fail(*_, **__):
        raise error if isinstance(error, Exception) else error("a canary in the message")

    return fail


def no_trace(answer):
    text = answer.content.decode().lower()
    return not any(word in text for word in ("traceback", "<html", "canary", "file \\", "exception", "site-packages"))


@pytest.fixture(params=[False, True], ids=["DEBUG off", "DEBUG on"])
def debug(request, settings):
    """Django's own error pages, which show code, settings and local variables, must not come through either way."""
    settings.DEBUG = request.param
    return request.param


@pytest.mark.parametrize("path", NOT_SERVED, ids=lambda path: path[:40])
def test_ap10_a_path_that_is_not_served_answers_in_the_envelope(api, debug, path):
    for method in ("GET", "POST", "PUT", "DELETE"):
        body = refused(api(method, path, None if method == "GET" else {}), 404, "route_not_found")
        assert set(body) == ENVELOPE


def test_ap10_a_path_that_is_not_served_asks_for_no_credentials(api, debug):
    for root in ("/v1", "/sdk/v1"):
        refused(api.client.get(f"{root}/nothing"), 404, "route_not_found")


def test_ap10_every_other_method_of_every_route_answers_in_the_envelope(api, world, debug):
    allowed: dict[str, set[str]] = {}
    for route in (*ROUTES, *SDK_ROUTES):
        path = fill(route.path, world.values)
        allowed.setdefault(path, set()).add(route.method)
    before, tried, faults = rows_hash(), 0, []
    for path, methods in allowed.items():
        for method in METHODS:
            if method in methods:
                continue
            tried += 1
            answer = (Page() if path.startswith(SDK) else api)(method, path, {})
            if fault(answer, 404) or answer.json()["error_type"] != "route_not_found":
                faults.append((method, path, answer.status_code, answer.content[:120]))
    assert not faults
    assert tried >= 500
    assert rows_hash() == before


def test_head_is_answered_where_get_is_and_nowhere_else(api, world):
    for route in ROUTES:
        with undone():
            answer = api("HEAD", fill(route.path, world.values))
        served = route.method == "GET" and not route.query
        assert answer.content == b""
        assert not served or answer.status_code == 200
        assert answer.status_code < 500


@pytest.mark.parametrize(("error", "status"), FAILURES, ids=lambda value: getattr(value, "__name__", None))
def test_ap10_what_nobody_foresaw_lets_nobody_in_and_tells_nothing(api, monkeypatch, debug, error, status):
    monkeypatch.setattr(organizations, "resolve", failing(error))
    answer = api("GET", f"{ORGANIZATIONS}/some-organization")
    assert fault(answer, status) == ""
    assert set(answer.json()) == ENVELOPE
    assert no_trace(answer)
    if status >= 500:
        assert answer.json()["error_type"] == "internal_server_error"


@pytest.mark.parametrize(("error", "status"), FAILURES, ids=lambda value: getattr(value, "__name__", None))
def test_ap10_a_failure_after_the_right_code_grants_no_session_and_spends_nothing(api, monkeypatch, error, status):
    person = make_person(api)
    token = intermediate(api, person)
    before = rows()
    with monkeypatch.context() as broken:
        broken.setattr(signing, "sign", failing(error))
        answer = authenticate(api, person, code_of(person.secret), intermediate_session_token=token)
    assert fault(answer, status) == ""
    after = rows()
    assert after["Session"] == before["Session"]
    assert after["TOTPRegistration"] == before["TOTPRegistration"]
    ok(authenticate(api, person, code_of(person.secret), intermediate_session_token=token))


def test_ap10_a_sealed_value_that_does_not_open_answers_503(api):
    person = make_person(api)
    token = intermediate(api, person)
    TOTPRegistration.objects.update(sealed_secret=b"\x01\x05tests" + b"\0" * 60)
    answer = authenticate(api, person, code_of(person.secret), intermediate_session_token=token)
    assert fault(answer, 503) == ""
    assert no_trace(answer)


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "a_b", "127.0.0.1:x", "\u00e9", ""])
def test_ap10_a_host_that_is_not_ours_answers_in_the_envelope(api, host):
    """With DEBUG on Django answers a bad Host itself before any code of ours or of the URLconf is asked."""
    answer = api.client.get("/v1/b2b/organizations/x", headers={"Authorization": api.authorization, "Host": host})
    assert fault(answer, 400) == ""
    assert answer.json()["error_type"] == "bad_request"
    assert no_trace(answer)


@pytest.mark.parametrize(
    "accept", ["text/html", "application/xml", "image/png", "*/*;q=0", "application/json;v=2", "x"]
)
def test_ap10_json_whatever_the_client_says_it_accepts(api, debug, accept):
    refused(api("GET", f"{ORGANIZATIONS}/x", Accept=accept), 404, "organization_not_found")
    refused(api("GET", "/v1/x", Accept=accept), 404, "route_not_found")


@pytest.mark.parametrize("query", ["?format=api", "?format=xml", "?format=json&format=html", "?_accept=text/html"])
def test_ap10_no_other_format_can_be_asked_for(api, debug, query):
    refused(api("GET", f"{ORGANIZATIONS}/x{query}"), 404, "organization_not_found")


@pytest.mark.parametrize(
    ("path", "product"),
    [(f"{ORGANIZATIONS}/x", "b2b/"), ("/v1/nothing", ""), (f"{USERS}/x", "")],
)
def test_the_error_url_names_product_status_and_type(api, path, product):
    body = api("GET", path).json()
    assert body["error_url"] == f"https://stytch.com/docs/{product}api/errors/404#{body['error_type']}"


def test_ap14_every_answer_has_a_request_id_of_its_own(api):
    made = make_organization(api)
    path = f"{ORGANIZATIONS}/{made['organization_id']}"
    ids = {api("GET", where).json()["request_id"] for where in (path, path, "/v1/x", "/v1/x", f"{ORGANIZATIONS}/x")}
    assert len(ids) == 5


# AP-08


def locked_out(api):
    person = make_person(api)
    for _ in range(10):
        log_in(api, person, "wrong")
    return log_in(api, person)


def plain_text(api):
    headers = {"Authorization": api.authorization}
    return api.client.generic("POST", TOTP, data="x", content_type="text/plain", headers=headers)


def in_a_members_name(api):
    session = complete(api, make_person(api))["session_token"]
    return api("POST", TOTP, {}, **{"X-Stytch-Member-Session": session})


PROVOKED = {
    200: lambda api: api("GET", f"{ORGANIZATIONS}/{make_organization(api)['organization_id']}"),
    400: lambda api: api("POST", TOTP, {}),
    401: lambda api: api("POST", TOTP, {}, Authorization=""),
    403: in_a_members_name,
    404: lambda api: api("GET", "/v1/nothing"),
    413: lambda api: api("POST", TOTP, b" " * 20_000),
    415: plain_text,
    429: locked_out,
}


@pytest.mark.parametrize("status", PROVOKED)
def test_ap08_no_cache_keeps_an_answer_of_any_status(api, status):
    answer = PROVOKED[status](api)
    assert fault(answer, status) == ""
    assert answer.headers["Cache-Control"] == "no-store, private"
    assert not answer.cookies


@pytest.mark.parametrize(("error", "status"), [(RuntimeError, 500), (OperationalError, 503)])
def test_ap08_no_cache_keeps_a_failure(api, monkeypatch, error, status):
    monkeypatch.setattr(organizations, "resolve", failing(error))
    answer = api("GET", f"{ORGANIZATIONS}/x")
    assert fault(answer, status) == ""
    assert answer.headers["Cache-Control"] == "no-store, private"
    assert not answer.cookies


def test_ap08_no_cache_keeps_the_answer_of_any_route_and_none_sets_a_cookie(api, world):
    for route in (*ROUTES, *SDK_ROUTES):
        with undone():
            answer = world.request(api, route)
        succeeded(route, answer)
        assert not answer.cookies
        assert "Set-Cookie" not in answer.headers
        if "jwks" not in route.path:
            assert answer.headers["Cache-Control"] == "no-store, private", route.name


def test_ap08_a_host_that_is_not_ours_is_not_cached_either(api):
    answer = api.client.get("/v1/x", headers={"Host": "evil.example"})
    assert answer.headers["Cache-Control"] == "no-store, private"


def test_ap08_the_key_set_is_the_only_answer_that_may_be_cached(api):
    answer = api.client.get(JWKS)
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert "Pragma" not in answer.headers
    wrong = api.client.get(f"{SESSIONS}/jwks/{unknown('project')}")
    refused(wrong, 404, "project_not_found")
    assert wrong.headers["Cache-Control"] == "no-store, private"


def test_ap08_a_key_set_that_can_not_be_made_is_not_cached(api, monkeypatch):
    monkeypatch.setattr(signing, "key_set", failing(OperationalError))
    answer = api.client.get(JWKS)
    assert answer.status_code == 503
    assert answer.headers["Cache-Control"] == "no-store, private"


def test_a_lock_says_when_to_come_back_and_the_answer_tells_nothing_else(api):
    person = make_person(api)
    for _ in range(10):
        refused(log_in(api, person, "wrong"), 401, "unauthorized_credentials")
    answer = log_in(api, person)
    assert set(refused(answer, 429, "user_lock_limit_reached")) == ENVELOPE
    assert answer.headers["Retry-After"] == "3600"
    assert show_member(api, person)["is_locked"] is True


def test_a_session_that_was_lost_to_another_request_is_no_success(api, world, monkeypatch):
    """The session named in the call ended between being found and being written."""
    found = sessions.find

    def find_and_end(kind, **given):
        session = found(kind, **given)
        type(session).objects.filter(pk=session.pk).update(revoked_at=1)
        return session

    monkeypatch.setattr(sessions, "find", find_and_end)
    given = {"session_token": world.values["session_token"]}
    refused(api("POST", f"{SESSIONS}/authenticate", given), 404, "session_not_found")
    answer = authenticate(api, world.person, world.values["code"], **given)
    refused(answer, 404, "session_not_found")
