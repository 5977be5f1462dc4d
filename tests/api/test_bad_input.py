"""Values of the wrong type or form, in every place where a value can stand: refused, never a failure of ours."""

import base64
from urllib.parse import quote
from uuid import uuid4

import pytest

from stytch_totp.api.urls import ENDPOINTS
from tests.api.helpers import (
    MEMBER_FILTERS,
    ORGANIZATION_FILTERS,
    ORGANIZATIONS,
    ROUTES,
    SESSIONS,
    TOTP,
    Route,
    authenticate,
    complete,
    fault,
    fill,
    log_in,
    make_organization,
    make_person,
    not_refused,
    ok,
    put,
    refused,
    rows_hash,
    undone,
    where,
)
from tests.factories import code_of

pytestmark = pytest.mark.django_db

VALUES = [
    *(None, True, 0, -1, 2**53, 2**53 + 1, 1.5, "", " ", "0", "\0", "\u202e", "x" * 5000),
    *([], {}, [[]], [""], {"$ne": 1}),
]


def _search(path: str, filters: dict, body: dict) -> list[Route]:
    """The search with each filter, whose value is the only field."""
    slot = "query.operands.0.filter_value"
    return [
        Route("POST", path, {**body, "query": where(**{name: value})}, others=(slot,))
        for name, value in filters.items()
    ]


def _searches() -> list[Route]:
    listed = {"organization_ids": ["{organization_id}"]}
    return [
        *_search(f"{ORGANIZATIONS}/search", ORGANIZATION_FILTERS, {}),
        *_search(f"{ORGANIZATIONS}/members/search", MEMBER_FILTERS, listed),
        Route(
            "POST",
            f"{ORGANIZATIONS}/members/search",
            {**listed, "query": where(member_is_breakglass=False)},
            others=tuple(f"query.{name}" for name in ("operator", "operands", "operands.0", "operands.0.filter_name")),
        ),
    ]


def _configs() -> list[Route]:
    """Password migration with each kind of configuration, whose entries are the fields."""
    path = "/v1/b2b/passwords/migrate"
    whose = {"organization_id": "{organization_id}", "email_address": "{email}", "hash": "{hash}"}
    configs = {
        "argon_2i": ("argon_2_config", {"salt": "saltsalt", "iteration_amount": 1, "memory": 8, "threads": 1}),
        "argon_2id": ("argon_2_config", {"salt": "saltsalt", "iteration_amount": 1, "memory": 8, "threads": 1}),
        "scrypt": ("scrypt_config", {"salt": "{salt}", "n_parameter": 2, "r_parameter": 1, "p_parameter": 1}),
        "pbkdf_2": ("pbkdf_2_config", {"salt": "{salt}", "iteration_amount": 10, "algorithm": "sha256"}),
    }
    return [
        Route(
            "POST",
            path,
            {**whose, "hash_type": hash_type, name: config},
            others=tuple(f"{name}.{entry}" for entry in config),
        )
        for hash_type, (name, config) in configs.items()
    ]


def test_the_routes_of_these_tests_are_all_there_are():
    served = {
        (method.upper(), "/v1/" + path.replace("<str:", "{").replace(">", "}"))
        for path, _, methods in ENDPOINTS
        for method in methods
        if method != "head"  # the framework adds it where there is a get
    }
    assert {(one.method, one.path.replace("gone_id", "member_id")) for one in ROUTES} == served


def test_type_confusion_every_field_of_every_body_takes_every_type_without_a_failure(api, world):
    cells, faults = 0, []
    for route in (*ROUTES, *_searches(), *_configs()):
        if route.body is None:
            continue
        path, body = fill(route.path, world.values), fill(route.body, world.values)
        for name in dict.fromkeys(route.fields):
            for value in VALUES:
                cells += 1
                with undone():
                    wrong = fault(api(route.method, path, put(body, name, value)))
                if wrong:
                    faults.append((route.name, name, repr(value)[:30], wrong[:200]))
    assert not faults
    assert cells >= 3000


def test_type_confusion_two_values_for_one_field_of_a_query(api, world):
    """The last one counts, as in any form; it is the one that is judged."""
    path = f"{SESSIONS}?organization_id=x&member_id=x&organization_id={world.person.organization_id}"
    ok(api("GET", f"{path}&member_id={world.person.member_id}"))
    refused(api("GET", f"{path}&member_id=y"), 404, "member_not_found")


@pytest.mark.parametrize(
    ("route", "status", "error_type"),
    [
        (TOTP, 400, "bad_request"),
        (f"{TOTP}/authenticate", 400, "bad_request"),
        (f"{TOTP}/migrate", 400, "bad_request"),
        ("/v1/b2b/recovery_codes/recover", 400, "bad_request"),
        ("/v1/b2b/recovery_codes/rotate", 400, "bad_request"),
        (f"{SESSIONS}/authenticate", 400, "no_session_arguments"),
        (f"{SESSIONS}/revoke", 400, "no_session_revoke_arguments"),
        ("/v1/b2b/passwords/authenticate", 400, "bad_request"),
        ("/v1/b2b/passwords/migrate", 400, "bad_request"),
        ("/v1/b2b/passwords/strength_check", 400, "bad_request"),
        (ORGANIZATIONS, 400, "organization_name_missing"),
        (f"{ORGANIZATIONS}/members/search", 400, "bad_request"),
    ],
)
def test_a_body_without_its_required_fields_is_refused(api, route, status, error_type):
    refused(api("POST", route, {}), status, error_type)


@pytest.mark.parametrize("path", [TOTP, f"{TOTP}/authenticate", f"{TOTP}/migrate"])
@pytest.mark.parametrize("missing", ["organization_id", "member_id"])
def test_the_message_names_the_missing_field(api, path, missing):
    body = {"organization_id": "x", "member_id": "x", "code": "123456", "secret": "x", "recovery_codes": []}
    del body[missing]
    assert missing in refused(api("POST", path, body), 400, "bad_request")["error_message"]


def test_unknown_fields_are_ignored(api, world):
    for route in ROUTES:
        if route.body is not None:
            body = {**fill(route.body, world.values), "unknown": 1, "dfp_telemetry_id": "x", "is_admin": True}
            with undone():
                ok(api(route.method, fill(route.path, world.values), body))


# EN-07 and the durations

CREDENTIALS = ("session_token", "session_jwt", "intermediate_session_token")
NOT_ENROLLMENTS = [None, True, 1, "", "ENROLL", "enrolled", "enroll ", [], ["enroll"], {}]
BAD_TOKENS = ["x", "x" * 43, "x" * 45, "x" * 43 + "!", " " + "x" * 43, "=" * 44, "x" * 1025, "\u00e9" * 44, 5, None, []]
UNKNOWN_TOKENS = ["x" * 44, "-_" * 22, "0" * 43 + "="]
BAD_JWTS = ["x", "a.b.c", "..", "a.b", "a.b.c.d", "x" * 16000, "e30.e30.", "e30.e30.e30", "\u00e9.x.x", 5, None, []]
NOT_INTEGERS = [5.0, 60.0, "5", "60", "1e3", "\uff11\uff10", "1_0", " 5", True, False, None, [], [60], {}, "", "0x10"]
RAW_NUMBERS = ["1e3", "6e1", "60.0", "1e-1", "-0.0", str(10**400), "1e400", str(2**63), "NaN", "060", "6_0", "0x3c"]


def test_en07_expiration_minutes_is_an_integer_from_5_to_1440_and_nothing_else(api):
    ids = make_person(api, totp=False).ids
    before = rows_hash()

    def create(minutes):
        return api("POST", TOTP, {**ids, "expiration_minutes": minutes})

    values = [*NOT_INTEGERS, 4, 1441, 0, -5, 2**31, 2**53]
    assert not not_refused(create, values, 400, "invalid_expiration")
    assert rows_hash() == before


def test_en07_numbers_that_are_written_otherwise_are_refused(api):
    person = make_person(api, totp=False)
    ids = ",".join(f'"{name}":"{value}"' for name, value in person.ids.items())
    for written in RAW_NUMBERS:
        answer = api("POST", TOTP, f'{{{ids},"expiration_minutes":{written}}}')
        assert fault(answer, 400) == ""
        assert answer.json().get("error_type") in ("invalid_expiration", "bad_request"), written


@pytest.mark.parametrize("minutes", [5, 60, 1440])
def test_en07_minutes_within_the_range_are_taken_and_kept_to_the_second(api, clock, minutes):
    person = make_person(api, totp=False)
    secret = ok(api("POST", TOTP, {**person.ids, "expiration_minutes": minutes}))["secret"]

    def verify():
        token = ok(log_in(api, person))["intermediate_session_token"]
        return authenticate(api, person, code_of(secret), intermediate_session_token=token)

    clock.advance(minutes * 60 - 1)
    with undone():
        ok(verify())
    clock.advance(1)
    refused(verify(), 400, "expired_totp")


def _with_duration(world, minutes):
    """A call of each route that takes session_duration_minutes."""
    values = world.values
    for route in ROUTES:
        if "session_duration_minutes" in route.fields:
            yield route, put(fill(route.body, values), "session_duration_minutes", minutes)


def test_session_duration_minutes_is_an_integer_from_5_to_527040_and_nothing_else(api, world):
    before, judged = rows_hash(), 0
    for minutes in [*NOT_INTEGERS, 4, 527041, 0, -5, 2**31, 2**53]:
        for route, body in _with_duration(world, minutes):
            refused(api(route.method, route.path, body), 400, "invalid_session_duration_minutes")
            judged += 1
    assert judged >= 4 * 20
    assert rows_hash() == before


def test_a_session_duration_within_the_range_is_taken(api, world):
    for minutes in (5, 60, 527040):
        for route, body in _with_duration(world, minutes):
            with undone():
                ok(api(route.method, route.path, body))


def test_custom_claims_that_are_no_object_are_refused(api, world):
    for route in ROUTES:
        if "session_custom_claims" not in route.fields:
            continue
        body = fill(route.body, world.values)

        def call(claims, route=route, body=body):
            return api(route.method, route.path, {**body, "session_custom_claims": claims})

        assert not not_refused(call, [None, True, 5, "x", [], [1], "{}"], 400, "bad_request")


@pytest.mark.parametrize(
    ("name", "values", "refusal"),
    [
        ("set_mfa_enrollment", NOT_ENROLLMENTS, (400, "invalid_set_mfa_enrollment")),
        ("set_default_mfa", [None, 0, 1, "true", "True", "", [], {}], (400, "bad_request")),
        ("session_token", BAD_TOKENS, (400, "invalid_session_token")),
        ("intermediate_session_token", BAD_TOKENS, (400, "invalid_session_token")),
        ("session_token", UNKNOWN_TOKENS, (404, "session_not_found")),
        ("intermediate_session_token", UNKNOWN_TOKENS, (404, "intermediate_session_not_found")),
        ("session_jwt", BAD_JWTS, (400, "unable_to_parse_session_jwt")),
    ],
)
def test_a_field_of_totp_authenticate_takes_its_values_only(api, world, name, values, refusal):
    credential = {} if name in CREDENTIALS else {"intermediate_session_token": world.values["ist"]}
    before = rows_hash()

    def call(value):
        return authenticate(api, world.person, world.values["code"], **credential, **{name: value})

    assert not not_refused(call, values, *refusal)
    assert rows_hash() == before


@pytest.mark.parametrize("action", ["authenticate", "revoke"])
@pytest.mark.parametrize(
    ("name", "values", "refusal"),
    [
        ("session_token", BAD_TOKENS, (400, "invalid_session_token")),
        ("session_token", UNKNOWN_TOKENS, (404, "session_not_found")),
        ("session_jwt", BAD_JWTS, (400, "unable_to_parse_session_jwt")),
    ],
)
def test_what_is_no_session_of_ours_is_neither_authenticated_nor_revoked(api, action, name, values, refusal):
    def call(value):
        return api("POST", f"{SESSIONS}/{action}", {name: value})

    assert not not_refused(call, values, *refusal)


# AP-11

UUID = str(uuid4())
BAD_IDS = [
    *("0", "-1", "null", "[]", "*", "%", "_", "'", " ", "x ", "x\n", "\0"),
    *("x\0", "\0x", "%00", "..", ".", "../x", "\\", "' OR '1'='1", "1; DROP TABLE x", "${7*7}", "\u202e", "\u200b"),
    *("\ufeff", "\uffff", "\U0001f600", "\u00e9", "e\u0301", "\u0130", "\uff11", "x" * 129, "x" * 1024, "x" * 5000),
    *(UUID, UUID.upper(), UUID.replace("-", ""), f"{{{UUID}}}", f"urn:uuid:{UUID}", "member-test-", "project-test-"),
    *(f"member-live-{UUID}", f"organization-live-{UUID}", f"MEMBER-TEST-{UUID}", f"member-test-{UUID.upper()}"),
    *(f"member-test-{UUID[:-1]}", f"member-test-{UUID}0", f" member-test-{UUID}", f"member-test-{UUID}\n"),
    *(f"member-test-{UUID}\0", f"user-test-{UUID}", f"member-totp-test-{UUID}", f"session-test-{UUID}"),
    *("member-test-" + "\uff11" * 36, "member-test-" + "\u0661" * 36, "member-test-" + "-" * 36, "00000000-" * 4),
]
ID_FIELDS = ("organization_id", "member_id", "fresh_id", "gone_id", "project_id")


def _id_slots():
    """Every place of a path, query or body where an id stands, as a call with another id in it."""
    for route in ROUTES:
        for name in ID_FIELDS:
            if f"{{{name}}}" in route.path:
                yield route, f"path:{name}"
        for name in route.query:
            if name.endswith("_id"):
                yield route, f"query:{name}"
        for name in route.fields:
            if name in ("organization_id", "member_id", "member_session_id", "organization_ids.0"):
                yield route, f"body:{name}"


def call_with(api, world, route, slot, identifier):
    place, _, name = slot.partition(":")
    path, body = fill(route.path, world.values), fill(route.body, world.values)
    query = fill(dict(route.query), world.values)
    if place == "path":
        path = fill(route.path, {**world.values, name: quote(identifier, safe="")})
    elif place == "query":
        query[name] = quote(identifier, safe="")
    else:
        body = put(body, name, identifier)
        if route.path.endswith("/revoke"):
            body.pop("session_token")
    given = "&".join(f"{key}={value}" for key, value in query.items())
    return api(route.method, path + (f"?{given}" if given else ""), body)


def test_ap11_a_bad_id_in_any_place_of_any_route_matches_nothing(api, world):
    """50 and more ids on every slot: 400 or 404, never a failure, never a match, and no row changed."""
    assert len(BAD_IDS) >= 50
    before, combinations, faults = rows_hash(), 0, []
    for route, slot in _id_slots():
        for identifier in BAD_IDS:
            combinations += 1
            answer = call_with(api, world, route, slot, identifier)
            wrong = fault(answer, 400, 404)
            if wrong or answer.status_code == 200:
                faults.append((route.name, slot, identifier[:60], wrong or "200"))
    assert not faults
    assert combinations >= 2000
    assert rows_hash() == before


def test_ap11_what_looks_like_an_id_of_another_kind_is_none(api, world):
    """The same UUID under another prefix, environment or case."""
    uuid = world.person.member_id.removeprefix("member-test-")
    tenant = world.person.organization_id.removeprefix("organization-test-")
    others = [
        *(f"{kind}-test-{uuid}" for kind in ("user", "organization", "member-totp", "session", "members", "")),
        *(f"member-live-{uuid}", uuid, uuid.upper(), f"member-test-{uuid.upper()}", f"Member-test-{uuid}"),
        *(
            f"member-test-{uuid} ",
            f"member-test-{uuid}.",
            f"member_test_{uuid}",
            f"member-test-{uuid.replace('-', '')}",
        ),
        *(f"organization-live-{tenant}", tenant, f"organization-test-{tenant.upper()}", f"organizations-test-{tenant}"),
        *(f"organization-test-{tenant} ", f"member-test-{tenant}", f"organization-test-{uuid}"),
    ]
    faults = []
    for route, slot in _id_slots():
        for identifier in others:
            answer = call_with(api, world, route, slot, identifier)
            if fault(answer, 400, 404) or answer.status_code == 200:
                faults.append((route.name, slot, identifier, answer.content[:100]))
    assert not faults


SEARCHES = (f"{ORGANIZATIONS}/search", f"{ORGANIZATIONS}/members/search")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("cursor", ["x", "=", "====", "\u20ac", "MXwx", "fA==", "LTF8", "x" * 1024, 5, [], True]),
        ("limit", [0, -1, 1001, 1.0, "10", None, True, [], 2**53]),
    ],
)
@pytest.mark.parametrize("path", SEARCHES)
def test_a_search_takes_only_a_cursor_that_it_gave_out_and_a_limit_from_1_to_1000(api, path, name, values):
    listed = [make_organization(api)["organization_id"]]

    def call(value):
        return api("POST", path, {"organization_ids": listed, name: value})

    assert not not_refused(call, values, 400, "bad_request")


def test_a_cursor_with_a_time_of_its_own_is_no_failure(api):
    for created in ("-1", "0", "9" * 30, "9" * 700, str(2**63), str(-(2**63))):
        cursor = base64.urlsafe_b64encode(f"{created}|{uuid4()}".encode()).decode()
        assert fault(api("POST", SEARCHES[0], {"cursor": cursor}), 400, 200) == ""


def test_include_deleted_is_true_or_false(api):
    path = f"{ORGANIZATIONS}/members/dangerously_get/{make_person(api, totp=False).member_id}?include_deleted="

    def call(value):
        return api("GET", path + quote(value))

    values = ["yes", "1", "0", "", "null", "tru", "True%00", "\u0130", "\0"]
    assert not not_refused(call, values, 400, "bad_request")


def test_booleans_of_a_query_are_read_without_case(api):
    """The Python SDK writes ``True``."""
    path = f"{ORGANIZATIONS}/members/dangerously_get/{make_person(api, totp=False).member_id}?include_deleted="
    for given in ("true", "True", "TRUE", "false", "False", "FALSE"):
        ok(api("GET", path + given))


def test_redundant_copies_of_path_parameters_are_ignored(api, world):
    """The Python SDK repeats them in the query of a GET and in the body of a PUT (contract 0.2)."""
    person = world.person
    ok(api("GET", f"/v1/b2b/recovery_codes/{person.organization_id}/{person.member_id}?organization_id=x&member_id=y"))
    ok(api("PUT", person.member_path, {**make_person(api, totp=False).ids, "name": "New"}))
    changed = ok(api("GET", f"{ORGANIZATIONS}/{person.organization_id}/member?member_id={person.member_id}"))
    assert changed["member"]["name"] == "New"


def test_a_delete_with_an_empty_object_is_served(api, world):
    """The Node SDK sends one."""
    ok(api("DELETE", world.person.member_path + "/totp", {}))


def test_percent_encoded_addresses_are_decoded_once(api):
    person = make_person(api, totp=False, email_address="a+b%40c@example.com")
    path = f"{ORGANIZATIONS}/{person.organization_id}/member?email_address="
    ok(api("GET", path + quote(person.email, safe="")))
    refused(api("GET", path + person.email), 404, "member_not_found")


def test_a_bad_call_costs_a_good_one_nothing(api):
    person = make_person(api)
    for value in VALUES:
        assert fault(authenticate(api, person, value), 400) == ""
    assert complete(api, person)["member_session"]
