"""Who may call the server API: a back end with the project's secret (AP-02), and nobody with less (SE-04)."""

import base64
from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from tests.api.helpers import (
    MEMBER_SESSION_HEADERS,
    ORGANIZATIONS,
    ROUTES,
    SESSIONS,
    USER_ROUTES,
    USER_SESSIONS,
    but_request_id,
    fault,
    fill,
    make_organization,
    not_refused,
    ok,
    put,
    refused,
    rows_hash,
    undone,
)
from tests.conftest import basic

pytestmark = pytest.mark.django_db

PROJECT = settings.STYTCH_TOTP["PROJECT_ID"]
SECRET = settings.STYTCH_TOTP["SECRETS"][0]
OTHER_PROJECT = "project-test-99999999-9999-4999-8999-999999999999"
SEARCH = f"{ORGANIZATIONS}/search"
GUARDED = [route for route in ROUTES if "jwks" not in route.path]


def encode(clear: bytes | str) -> str:
    return base64.b64encode(clear if isinstance(clear, bytes) else clear.encode()).decode()


GOOD = encode(f"{PROJECT}:{SECRET}")
OTHER_SCHEMES = [
    *("Bearer", "Digest", "Token", "Negotiate", "OAuth", "Hawk", "NTLM", "ApiKey", "AWS4-HMAC-SHA256", "DPoP"),
    *("Basicc", "Basi", "xBasic", "Basic:", "Basic,", "Basic\t", "Ba sic", "Basic\0", "\0Basic", '"Basic"'),
    *("Ba\u017fic", "\uff22asic", "Ba\u0455ic", "Basic\u200b", "*", "-"),
]
WRONG_SECRETS = [
    *("", " ", SECRET[:-1], SECRET + "x", SECRET + " ", " " + SECRET, SECRET + "\n", SECRET + "\0", ":"),
    *(SECRET.upper(), SECRET[::-1], SECRET + ":", ":" + SECRET, SECRET + ":x", f"{SECRET}:{SECRET}"),
    *("\0", "x" * 200, "\u20ac", "null", "true", "0", "[]", "%", "' OR 1=1 --", "\ud7ff", "\U0001f600"),
    *(PROJECT, SECRET + "\r", SECRET + "\t", "\ufeff" + SECRET, SECRET.replace("-", "\u2010")),
    *(SECRET.replace("s", "\u017f"), SECRET.translate({48 + n: 0xFF10 + n for n in range(10)})),
]
WRONG_PAIRS = [
    f"{OTHER_PROJECT}:{SECRET}",
    f"project-live-{PROJECT[-36:]}:{SECRET}",
    *(f"{PROJECT}:{secret}" for secret in WRONG_SECRETS),
]
MALFORMED_USERS = [
    *("", " ", PROJECT.upper(), PROJECT + " ", " " + PROJECT, PROJECT + "\n", "\n" + PROJECT, PROJECT + "\0"),
    *(PROJECT[:-1], PROJECT + "0", PROJECT[1:], PROJECT.replace("test", "prod"), PROJECT.replace("-", "_")),
    *(PROJECT.replace("1", "g"), PROJECT.replace("1", "\uff11"), PROJECT.replace("1", "\u0661"), "project-test-"),
    *(PROJECT[-36:], f"projects-test-{PROJECT[-36:]}", f"public-token-test-{PROJECT[-36:]}", "x", "\0", "admin"),
    *("\u20ac", "x" * 300, "{}", "*", "%", "../..", f"{PROJECT},{PROJECT}", PROJECT.replace("-", "\u2010")),
    *(
        SECRET,
        "\0".join(PROJECT),
        "\ufeff" + PROJECT,
        "'; DROP TABLE x; --",
        PROJECT.replace("project", "PROJECT"),
        "null",
    ),
]
NO_CREDENTIALS = [
    *("", " ", "Basic", "Basic ", "basic", "Basic  ", ":", "::", ",", "Basic:", "Basic ,", "Basic =", "Basic ===="),
    *(GOOD, f"{PROJECT}:{SECRET}", f"Basic {PROJECT}:{SECRET}", f"Basic\t{GOOD}", f"Basic:{GOOD}", f"Basic{GOOD}"),
    *(f"Basic,{GOOD}", f"Basic={GOOD}", f"Basic {GOOD},", f"Basic {GOOD} x", f"Basic {GOOD}, Basic {GOOD}"),
    *(f"Basic {GOOD[:20]} {GOOD[20:]}", f"Basic {GOOD[:20]}\n{GOOD[20:]}", f"Basic {GOOD[:20]}\0{GOOD[20:]}"),
    *(f"Basic {GOOD}\0", f"Basic \0{GOOD}", f"Basic \u20ac{GOOD}", f"Basic {GOOD}\u00e9", f'Basic "{GOOD}"'),
    *(f"Basic '{GOOD}'", f"Basic {GOOD[:-3]}", f"Basic ={GOOD}", f"Basic {GOOD[1:]}", f"Basic {GOOD}A"),
    *("Basic -_-_", "Basic %%%%", "Basic ****", "Basic \0", "Basic \x7f", "Basic \u2603", "Basic \ufffd"),
    *(f"Basic user={PROJECT}", f"Basic {encode(GOOD)}", f"Basic {encode(PROJECT)}", f"Basic {encode(SECRET)}"),
    *(f"Basic {encode(raw)}" for raw in (b"", b"\0", b"\xff\xfe", b"\xff:\xff", b"\xc3(", b"no colon here")),
    f"Basic {encode(PROJECT.encode() + b':' + bytes([0xC3, 0x28]))}",
    f"Basic {encode(PROJECT.encode() + b':' + SECRET.encode() + bytes([0xFF]))}",
    *(f"Basic {encode(f'{PROJECT}:{SECRET}'.encode(code))}" for code in ("utf-16", "utf-32", "cp037")),
    *(f"Basic {encode(f'{PROJECT}{mark}{SECRET}')}" for mark in ("", ";", "=", "/", "\uff1a", "\u02d0", "\n")),
    *(f"Basic {'A' * size}" for size in (1, 2, 3, 5, 1021, 4096, 65536)),
    *(f"Basic {encode('x' * size)}" for size in (2000, 48 * 1024)),
    *(f"Basic {GOOD[: -4 * groups]}" for groups in range(1, 9)),
    f"Basic {GOOD}{' ' * 2000}",
    f"Basic {encode(f'{PROJECT}:' + 'x' * 48 * 1024)}",
    *(f"{scheme} {GOOD}" for scheme in OTHER_SCHEMES),
    *(f"{scheme} {PROJECT}:{SECRET}" for scheme in OTHER_SCHEMES[:10]),
    *(f"{scheme} {SECRET}" for scheme in OTHER_SCHEMES[:10]),
]


def call(api, header, path=SEARCH):
    headers = {} if header is None else {"Authorization": header}
    return api.client.generic("POST", path, data="{}", content_type="application/json", headers=headers)


def test_ap02_a_header_without_the_projects_credentials_is_answered_401(api):
    headers = [None, *NO_CREDENTIALS, *(f"Basic {encode(pair)}" for pair in WRONG_PAIRS)]
    malformed = [f"Basic {encode(f'{user}:{SECRET}')}" for user in MALFORMED_USERS]
    assert len(headers) + len(malformed) >= 200
    assert not not_refused(lambda header: call(api, header), headers, 401, "unauthorized_credentials")
    assert not not_refused(lambda header: call(api, header), malformed, 400, "invalid_project_id_authentication")


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", "bAsIc"])
def test_the_schemes_name_has_no_case(api, scheme):
    """RFC 7617, section 2."""
    ok(call(api, f"{scheme} {GOOD}"))


def test_ap02_unknown_project_and_wrong_secret_are_told_apart_by_nobody(api):
    answers = [
        call(api, basic(OTHER_PROJECT, SECRET)),
        call(api, basic(OTHER_PROJECT, "x" * 40)),
        call(api, basic(PROJECT, "x" * 40)),
        call(api, basic(PROJECT, "")),
        call(api, None),
    ]
    assert {but_request_id(answer) for answer in answers} == {but_request_id(answers[0])}
    assert {tuple(sorted(answer.headers.items())) for answer in answers} == {tuple(sorted(answers[0].headers.items()))}


def test_ap02_every_live_secret_works_and_a_retired_one_does_not(api, configure):
    secrets = ["secret-test-" + letter * 32 for letter in "abc"]
    configure(SECRETS=secrets[:2])
    for secret in secrets[:2]:
        ok(call(api, basic(PROJECT, secret)))
    for secret in (secrets[2], SECRET):
        refused(call(api, basic(PROJECT, secret)), 401, "unauthorized_credentials")


def test_every_route_but_the_public_key_set_asks_for_the_secret(api, world):
    before, faults = rows_hash(), []
    for route in GUARDED:
        for header in ("", basic(PROJECT, "x" * 40), basic(OTHER_PROJECT, SECRET), f"Bearer {SECRET}"):
            answer = world.request(api, route, Authorization=header)
            if fault(answer, 401) or answer.status_code != 401:
                faults.append((route.name, header, answer.content[:100]))
    assert not faults
    assert rows_hash() == before
    ok(api.client.get(f"{SESSIONS}/jwks/{PROJECT}"))


def test_cookies_are_never_read(api, world):
    api.client.force_login(User.objects.create_superuser("root", password="x"))
    for name in ("stytch_session", "stytch_session_jwt", "session", "Authorization"):
        api.client.cookies[name] = world.values["session_token"]
    faults = []
    for route in GUARDED:
        answer = api.client.generic(route.method, fill(route.path, world.values), "{}", "application/json")
        if fault(answer, 401) or answer.status_code != 401:
            faults.append((route.name, answer.content[:100]))
    assert not faults


def test_a_members_session_header_does_not_stand_in_for_the_secret(api, world):
    headers = {"X-Stytch-Member-Session": world.values["session_token"], "Authorization": basic(PROJECT, "x" * 40)}
    refused(api("POST", SEARCH, {}, **headers), 401, "unauthorized_credentials")


@pytest.mark.parametrize("method", ["DELETE", "PUT", "GET"])
@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_method_overrides_are_ignored(api, method, header):
    made = make_organization(api)
    path = f"{ORGANIZATIONS}/{made['organization_id']}"
    refused(api("POST", path, {"_method": method}, **{header: method}), 404, "route_not_found")
    ok(api("GET", path))


@dataclass(frozen=True)
class Slot:
    """A place where an intermediate session token doesn't belong."""

    name: str
    body: str = ""
    header: str = ""
    cookie: str = ""
    wrap: str = "{}"


SLOTS = [
    *(Slot(name, body=name) for name in ("session_token", "session_jwt", "member_session_id", "session_id")),
    Slot("Bearer", header="Authorization", wrap="Bearer {}"),
    Slot("Token", header="Authorization", wrap="Token {}"),
    Slot("Basic, raw", header="Authorization", wrap="Basic {}"),
    *(Slot(name, header=name) for name in MEMBER_SESSION_HEADERS),
    *(
        Slot(name, cookie=name)
        for name in ("stytch_session", "stytch_session_jwt", "stytch_intermediate_session_token", "sessionid")
    ),
]
BASICS = {
    "Basic as secret": "{project}:{token}",
    "Basic as user": "{token}:{secret}",
    "Basic as both": "{token}:{token}",
    "Basic as added to the secret": "{project}:{secret}{token}",
    "Basic of a public token": "public-token-test-{uuid}:{token}",
}


@pytest.mark.parametrize("begun", ["ist", "discovery_ist"])
def test_se04_an_intermediate_session_token_is_good_for_nothing_but_finishing_the_login(api, world, begun):
    """Every route and every slot; body slots on the routes that read them. Nothing is let in, nothing changes."""
    token = world.values[begun]
    values = {**world.values, begun: "", "session_token": token, "user_session_token": token}
    before, tried, faults = rows_hash(), 0, []

    def judge(route, slot, answer, statuses):
        nonlocal tried
        tried += 1
        wrong = fault(answer, *statuses)
        if wrong or answer.status_code not in statuses:
            faults.append((route.name, slot, wrong or answer.content[:200]))

    for route in GUARDED:
        path, filled = fill(route.path, values), fill(route.body, values)
        for slot in SLOTS:
            if slot.body:
                if slot.body in route.fields:
                    body = put({**filled, "intermediate_session_token": ""}, slot.body, token)
                    if slot.body != "session_token":
                        body.pop("session_token", None)
                    judge(route, slot.name, api(route.method, path, body), (400, 404))
            elif slot.header:
                headers = {slot.header: slot.wrap.format(token)}
                statuses = (400, 404) if slot.header in MEMBER_SESSION_HEADERS else (401,)
                judge(route, slot.name, api(route.method, path, filled, **headers), statuses)
            else:
                cookie = {"Cookie": f"{slot.cookie}={token}", "Authorization": ""}
                judge(route, slot.name, api(route.method, path, filled, **cookie), (401,))
        for name, form in BASICS.items():
            pair = form.format(project=PROJECT, secret=SECRET, token=token, uuid=uuid4())
            headers = {"Authorization": f"Basic {encode(pair)}"}
            judge(route, name, api(route.method, path, filled, **headers), (400, 401))
    assert not faults
    assert tried >= 700
    assert rows_hash() == before


def test_se04_session_routes_do_not_read_an_intermediate_session_token(api, world):
    only = {"intermediate_session_token": world.values["ist"]}
    refused(api("POST", f"{SESSIONS}/authenticate", only), 400, "no_session_arguments")
    refused(api("POST", f"{SESSIONS}/revoke", only), 400, "no_session_revoke_arguments")
    refused(api("POST", f"{USER_SESSIONS}/authenticate", only), 400, "no_session_arguments")
    refused(api("POST", f"{USER_SESSIONS}/revoke", only), 400, "no_session_revoke_arguments")


def test_a_session_token_is_no_intermediate_session_token(api, world):
    faults = []
    for route in GUARDED:
        if "intermediate_session_token" not in route.fields or route in USER_ROUTES:
            continue  # a User's login has one step
        body = {**fill(route.body, world.values), "intermediate_session_token": world.values["session_token"]}
        with undone():
            answer = api(route.method, fill(route.path, world.values), body)
        if answer.status_code != 404 or answer.json()["error_type"] != "intermediate_session_not_found":
            faults.append((route.name, answer.content[:200]))
    assert not faults
