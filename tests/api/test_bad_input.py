"""Values of the wrong type or form, in every place where a value can stand: refused, never a failure of ours."""

import base64
import re
from urllib.parse import quote
from uuid import uuid4

import pytest

from stytch_totp.api.urls import urlpatterns
from stytch_totp.api.views import NotServed
from tests.api.helpers import (
    DISCOVERY,
    MEMBER_FILTERS,
    ORGANIZATION_FILTERS,
    ORGANIZATIONS,
    ROUTES,
    SESSIONS,
    TOTP,
    TOTPS,
    USER_FILTERS,
    USER_PASSWORDS,
    USER_SESSIONS,
    USERS,
    Route,
    authenticate,
    caller_of,
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
    succeeded,
    undone,
    where,
)
from tests.api.slots import SDK_ROUTES, SLOTS
from tests.factories import code_of

pytestmark = [pytest.mark.django_db, pytest.mark.sweep]

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
        *_search(f"{USERS}/search", USER_FILTERS, {}),
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


def _served():
    """What the URLconf answers, but for what it refuses."""
    for included in urlpatterns[:-1]:
        for one in included.url_patterns:
            path = "/" + str(included.pattern) + str(one.pattern).replace("<str:", "{").replace(">", "}")
            # The framework adds HEAD where there is a GET.
            yield from ((method.upper(), path) for method in one.callback.actions if method != "head")


def test_the_routes_of_these_tests_are_all_there_are():
    served = list(_served())
    known = [
        (one.method, re.sub(r"{(gone|fresh)_id}", "{member_id}", one.path).replace("fresh_user_id", "user_id"))
        for one in (*ROUTES, *SDK_ROUTES)
    ]
    assert sorted(known) == sorted(served)
    assert len(served) >= 90
    assert urlpatterns[-1].callback.cls is NotServed


def test_type_confusion_every_field_of_every_body_takes_every_type_without_a_failure(api, world):
    cells, faults = 0, []
    for route in (*ROUTES, *SDK_ROUTES, *_searches(), *_configs()):
        if route.body is None:
            continue
        path, body = fill(route.path, world.values), fill(route.body, world.values)
        caller = caller_of(api, route, world.values)
        for name in dict.fromkeys(route.fields):
            for value in VALUES:
                cells += 1
                with undone():
                    wrong = fault(caller(route.method, path, put(body, name, value)))
                if wrong:
                    faults.append((route.name, name, repr(value)[:30], wrong[:200]))
    print("cells:", cells)
    assert not faults
    assert cells >= 6000


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
        (f"{SESSIONS}/exchange", 400, "bad_request"),
        (f"{DISCOVERY}/organizations", 400, "no_session_arguments"),
        (f"{DISCOVERY}/organizations/create", 400, "bad_request"),
        (f"{DISCOVERY}/intermediate_sessions/exchange", 400, "bad_request"),
        ("/v1/b2b/passwords/discovery/authenticate", 400, "bad_request"),
        (TOTPS, 400, "bad_request"),
        (f"{TOTPS}/authenticate", 400, "bad_request"),
        (f"{TOTPS}/recovery_codes", 400, "bad_request"),
        (f"{TOTPS}/recover", 400, "bad_request"),
        (f"{USER_SESSIONS}/authenticate", 400, "no_session_arguments"),
        (f"{USER_SESSIONS}/revoke", 400, "no_session_revoke_arguments"),
        (USER_PASSWORDS, 400, "bad_request"),
        (f"{USER_PASSWORDS}/authenticate", 400, "bad_request"),
        (f"{USER_PASSWORDS}/migrate", 400, "bad_request"),
        (f"{USER_PASSWORDS}/strength_check", 400, "bad_request"),
        (USERS, 400, "bad_request"),
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
    for route in (*ROUTES, *SDK_ROUTES):
        if route.body is not None:
            body = {**fill(route.body, world.values), "unknown": 1, "dfp_telemetry_id": "x", "is_admin": True}
            with undone():
                answer = caller_of(api, route, world.values)(route.method, fill(route.path, world.values), body)
                succeeded(route, answer)


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
    for route in (*ROUTES, *SDK_ROUTES):
        if "session_duration_minutes" in route.fields:
            yield route, put(fill(route.body, values), "session_duration_minutes", minutes)


def test_session_duration_minutes_is_an_integer_from_5_to_527040_and_nothing_else(api, world):
    before, judged = rows_hash(), 0
    for minutes in [*NOT_INTEGERS, 4, 527041, 0, -5, 2**31, 2**53]:
        for route, body in _with_duration(world, minutes):
            call = caller_of(api, route, world.values)
            refused(call(route.method, route.path, body), 400, "invalid_session_duration_minutes")
            judged += 1
    assert judged >= 18 * 20
    assert rows_hash() == before


def test_a_session_duration_within_the_range_is_taken(api, world):
    for minutes in (5, 60, 43200, 527040):
        for route, body in _with_duration(world, minutes):
            with undone():
                answer = caller_of(api, route, world.values)(route.method, route.path, body)
                if route.is_page and minutes > 43200:
                    refused(answer, 400, "invalid_session_duration")
                else:
                    succeeded(route, answer)


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
ID_SLOTS = [slot for slot in SLOTS if slot.place != "session" and not slot.kind.endswith(("_token", "_jwt"))]


def test_ap11_a_bad_id_in_any_place_of_any_route_matches_nothing(api, world):
    """50 and more ids on every slot: 400 or 404, never a failure, never a match, and no row changed."""
    assert len(BAD_IDS) >= 50
    before, combinations, faults = rows_hash(), 0, []
    for slot in ID_SLOTS:
        for identifier in BAD_IDS:
            combinations += 1
            wrong = fault(slot.call(api, world.values, identifier), 400, 404)
            if wrong:
                faults.append((str(slot), identifier[:60], wrong))
    print("combinations:", combinations)
    assert not faults
    assert combinations >= 4000
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
    for slot in ID_SLOTS:
        for identifier in others:
            wrong = fault(slot.call(api, world.values, identifier), 400, 404)
            if wrong:
                faults.append((str(slot), identifier, wrong))
    assert not faults


SEARCHES = (f"{ORGANIZATIONS}/search", f"{ORGANIZATIONS}/members/search", f"{USERS}/search")


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
