"""``/v1/totps`` (contract 2.2, 4.3 to 4.5): a User needs no session, and gets none unless asked."""

import base64
import re

import pyotp
import pytest

from stytch_totp.models import Guard, Session
from tests.api.helpers import (
    COMMON,
    NO_SESSION,
    ROUTES,
    SESSION,
    TOTPS,
    USER_SESSIONS,
    activate,
    intermediate,
    make_person,
    make_user,
    make_world,
    not_refused,
    ok,
    pending_totp,
    refused,
    rows_hash,
    send,
    show_user,
    undone,
    unknown,
    user_code,
    user_login,
    user_session,
)
from tests.api.slots import SDK_ROUTES
from tests.factories import code_of, wrong_code

pytestmark = pytest.mark.django_db

DONE = COMMON | {"user_id", "user", "totp_id", "session", "session_token", "session_jwt"}


def create(api, user, **fields):
    return api("POST", TOTPS, {"user_id": user.user_id, **fields})


def recover(api, user, code=None, **fields):
    given = user.codes[0] if code is None else code
    return api("POST", f"{TOTPS}/recover", {"user_id": user.user_id, "recovery_code": given, **fields})


def codes(api, user):
    return api("POST", f"{TOTPS}/recovery_codes", {"user_id": user.user_id})


#: The two calls that show a second factor.
STEPS = {"code": user_code, "recovery code": recover}


@pytest.fixture
def user(api):
    return make_user(api)


@pytest.fixture(params=STEPS)
def step(request):
    return STEPS[request.param]


# Create


def test_create_answers_what_the_contract_says_and_nothing_else(api):
    user = make_user(api, totp=False)
    answer = ok(create(api, user))
    assert set(answer) == COMMON | {"user_id", "user", "totp_id", "secret", "qr_code", "recovery_codes"}
    assert answer["user_id"] == user.user_id
    assert re.fullmatch(r"totp-test-[0-9a-f-]{36}", answer["totp_id"])
    assert re.fullmatch(r"[A-Z2-7]{32}", answer["secret"])
    assert len(set(answer["recovery_codes"])) == 10
    assert all(re.fullmatch(r"[a-z0-9]{4}(-[a-z0-9]{4}){2}", code) for code in answer["recovery_codes"])
    assert base64.b64decode(answer["qr_code"].removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    assert answer["user"]["totps"] == [{"totp_id": answer["totp_id"], "verified": False}]
    assert answer["user"] == show_user(api, user)


@pytest.mark.parametrize(
    ("given", "minutes"), [({}, 1440), ({"expiration_minutes": 5}, 5), ({"expiration_minutes": 60}, 60)]
)
def test_a_pending_totp_expires_after_1440_minutes_unless_told_otherwise(api, clock, given, minutes):
    user = pending_totp(api, make_user(api, totp=False), **given)
    clock.advance(minutes * 60 - 1)
    with undone():
        ok(user_code(api, user))
    clock.advance(1)
    refused(user_code(api, user), 400, "expired_totp")
    clock.advance(-3600)
    refused(user_code(api, user), 400, "expired_totp")


def test_en07_expiration_minutes_is_an_integer_from_5_to_1440_and_nothing_else(api):
    user = make_user(api, totp=False)
    before = rows_hash()
    values = [4, 1441, 0, -5, 5.0, "60", "1e3", True, None, [], {}, 2**53]
    assert not not_refused(lambda value: create(api, user, expiration_minutes=value), values, 400, "invalid_expiration")
    assert rows_hash() == before


def test_a_second_create_replaces_a_pending_totp_and_all_that_it_told(api):
    first = pending_totp(api, make_user(api, totp=False))
    second = pending_totp(api, first)
    assert {first.secret, first.totp_id} & {second.secret, second.totp_id} == set()
    assert not set(first.codes) & set(second.codes)
    refused(user_code(api, second, code_of(first.secret)), 401, "unable_to_authenticate_totp")
    activate(api, second)
    for code in first.codes:
        refused(recover(api, second, code), 401, "unable_to_authenticate_recovery_code")


def test_one_active_totp_is_all_a_user_has(api, user):
    before = rows_hash()
    refused(create(api, user), 400, "active_totp_exists")
    assert rows_hash() == before


def test_en10_a_caller_supplies_neither_secret_nor_state(api):
    user = make_user(api, totp=False)
    given = {"secret": "A" * 32, "totp_id": unknown("totp"), "verified": True, "recovery_codes": ["aaaa-bbbb-cccc"]}
    answer = ok(create(api, user, **given))
    assert answer["secret"] != given["secret"]
    assert answer["user"]["totps"] == [{"totp_id": answer["totp_id"], "verified": False}]
    assert "aaaa-bbbb-cccc" not in answer["recovery_codes"]


# Authenticate and recover


def test_neither_gives_a_session_that_nobody_asked_for(api, user, step):
    sessions = Session.objects.count()
    answer = ok(step(api, user))
    assert set(answer) == DONE
    assert {name: answer[name] for name in NO_SESSION} == NO_SESSION
    assert (answer["user_id"], answer["totp_id"]) == (user.user_id, user.totp_id)
    assert answer["user"] == show_user(api, user)
    assert Session.objects.count() == sessions


def test_both_give_a_session_that_is_asked_for(api, user, step):
    answer = ok(step(api, user, session_duration_minutes=5, session_custom_claims={"plan": "gold"}))
    session = answer["session"]
    assert set(answer) == DONE
    assert set(session) == SESSION
    assert session["user_id"] == user.user_id
    assert session["attributes"] == {"ip_address": "", "user_agent": ""}
    assert session["roles"] == ["stytch_user"]
    assert session["custom_claims"] == {"plan": "gold"}
    assert (session["started_at"], session["expires_at"]) == ("2027-01-15T08:00:30Z", "2027-01-15T08:05:30Z")
    assert len(answer["session_token"]) == 44
    assert answer["session_jwt"].count(".") == 2


def test_the_factors_have_every_key_of_the_contract(api, user):
    common = {"type", "delivery_method", "last_authenticated_at", "created_at", "updated_at"}
    totp = ok(user_code(api, user, session_duration_minutes=5))["session"]["authentication_factors"]
    code = ok(recover(api, user, session_duration_minutes=5))["session"]["authentication_factors"]
    assert [set(one) for one in totp] == [common | {"authenticator_app_factor"}]
    assert [set(one) for one in code] == [common | {"recovery_code_factor"}]
    assert (totp[0]["type"], totp[0]["delivery_method"]) == ("totp", "authenticator_app")
    assert totp[0]["authenticator_app_factor"] == {"totp_id": user.totp_id}
    assert (code[0]["type"], code[0]["delivery_method"]) == ("recovery_codes", "recovery_code")
    assert code[0]["recovery_code_factor"]["totp_recovery_code_id"].startswith("recovery-code-test-")


@pytest.mark.parametrize("name", ["session_token", "session_jwt"])
def test_a_session_that_is_shown_gets_the_factor_and_keeps_its_end(api, user, clock, step, name):
    login = ok(user_login(api, user, session_duration_minutes=60))
    clock.advance(60)
    answer = ok(step(api, user, **{name: login[name]}))
    session = answer["session"]
    assert session["session_id"] == login["session"]["session_id"]
    assert session["expires_at"] == login["session"]["expires_at"]
    assert len(session["authentication_factors"]) == 2
    assert session["authentication_factors"][0]["type"] == "password"
    assert answer["session_token"] != login["session_token"]
    old = {"session_token": login["session_token"]}
    refused(api("POST", f"{USER_SESSIONS}/authenticate", old), 404, "session_not_found")


def test_a_duration_moves_the_end_of_a_session_that_is_shown(api, user, step):
    login = ok(user_login(api, user, session_duration_minutes=60))
    answer = ok(step(api, user, session_token=login["session_token"], session_duration_minutes=5))
    assert answer["session"]["expires_at"] == "2027-01-15T08:05:30Z"


def test_a_session_of_somebody_else_is_refused_and_costs_no_attempt(api, user, step):
    other = user_session(api, make_user(api, totp=False))
    before = rows_hash()
    for name in ("session_token", "session_jwt"):
        refused(step(api, user, **{name: other[name]}), 400, "user_id_mismatch")
    assert rows_hash() == before
    ok(step(api, user))


def test_a_session_that_is_none_is_refused_and_costs_no_attempt(api, user, step):
    before = rows_hash()
    for given, refusal in (
        ({"session_token": "x"}, (400, "invalid_session_token")),
        ({"session_token": "x" * 44}, (404, "session_not_found")),
        ({"session_jwt": "x"}, (400, "unable_to_parse_session_jwt")),
        ({"session_token": "x" * 44, "session_jwt": "x"}, (400, "too_many_session_arguments")),
        ({"session_duration_minutes": 4}, (400, "invalid_session_duration_minutes")),
        (
            {"session_duration_minutes": 5, "session_custom_claims": {"sub": 1}},
            (400, "reserved_claims_in_custom_claims"),
        ),
    ):
        refused(step(api, user, **given), *refusal)
    assert rows_hash() == before


def test_a_members_intermediate_session_is_nothing_here(api, user, step):
    token = intermediate(api, make_person(api))
    answer = ok(step(api, user, intermediate_session_token=token))
    assert answer["session"] is None


def test_the_first_code_makes_a_pending_totp_verified(api):
    user = pending_totp(api, make_user(api, totp=False))
    answer = ok(user_code(api, user))
    assert answer["user"]["totps"] == [{"totp_id": user.totp_id, "verified": True}]


def test_tv05_the_code_that_activates_is_spent(api, clock):
    user = pending_totp(api, make_user(api, totp=False))
    ok(user_code(api, user))
    refused(user_code(api, user), 401, "totp_code_already_authenticated")
    clock.advance(30)
    ok(user_code(api, user))


def test_tv02_three_steps_are_accepted_and_no_others(api, user, clock):
    clock.advance(300)
    for steps in (-3, -2, 2, 3):
        refused(user_code(api, user, code_of(user.secret, steps=steps)), 401, "unable_to_authenticate_totp")
    for steps in (-1, 0, 1):
        with undone():
            ok(user_code(api, user, code_of(user.secret, steps=steps)))


def test_tv06_a_code_is_a_string_of_six_digits(api, user):
    values = [
        *(123456, 123456.0, True, None, [], ["123456"], {}, "", "12345", "1234567", " 123456", "123456 ", "123456\n"),
        *("123 456", "+12345", "-12345", "0x1E24", "1_2345", "\uff11\uff12\uff13\uff14\uff15\uff16", "1" * 1000),
        *("\u0661\u0662\u0663\u0664\u0665\u0666", "\u00b9\u00b2\u00b3\u2074\u2075\u2076"),
    ]
    before = rows_hash()

    def call(code):
        return api("POST", f"{TOTPS}/authenticate", {"user_id": user.user_id, "totp_code": code})

    assert not not_refused(call, values, 400, "invalid_totp_code")
    assert not not_refused(call, ["12345\0", "\0"], 400, "bad_request")
    assert not not_refused(call, user.codes[:1], 400, "recovery_code_used_as_totp_code")
    assert rows_hash() == before


def test_each_recovery_code_is_good_once_and_leaves_the_totp_as_it_is(api, user, clock):
    for code in user.codes:
        assert ok(recover(api, user, code.upper()))["user"]["totps"] == [{"totp_id": user.totp_id, "verified": True}]
        refused(recover(api, user, code), 401, "unable_to_authenticate_recovery_code")
    assert ok(codes(api, user))["totps"][0]["recovery_codes"] == []
    ok(user_code(api, user))


def test_a_recovery_code_has_its_form(api, user):
    before = rows_hash()
    values = ["", "x", "aaaa-bbbb", "aaaa-bbbb-cccc-dddd", "aaaabbbbcccc!", 5, True, [], {}]
    assert not not_refused(lambda code: recover(api, user, code), values, 400, "invalid_recovery_code")
    refused(recover(api, user, code_of(user.secret)), 400, "totp_code_used_as_recovery_code")
    assert rows_hash() == before


def test_en04_a_pending_totps_recovery_codes_authenticate_nothing(api):
    user = pending_totp(api, make_user(api, totp=False))
    refused(recover(api, user), 404, "totps_not_found_for_user")


@pytest.mark.parametrize("path", ["/authenticate", "/recover", "/recovery_codes"])
def test_a_user_without_a_totp_has_none_to_show(api, path):
    user = make_user(api, totp=False)
    body = {"user_id": user.user_id, "totp_code": "123456", "recovery_code": "aaaa-bbbb-cccc"}
    refused(api("POST", TOTPS + path, body), 404, "totps_not_found_for_user")


@pytest.mark.parametrize("path", ["", "/authenticate", "/recover", "/recovery_codes"])
def test_the_user_is_named_by_either_id_and_by_nothing_else(api, user, path):
    body = {"totp_code": "123456", "recovery_code": "aaaa-bbbb-cccc"}

    def call(user_id):
        return api("POST", TOTPS + path, {**body, "user_id": user_id})

    assert not not_refused(call, [unknown("user"), "nobodys-external-id"], 404, "user_not_found")
    malformed = [unknown("member"), user.user_id.replace("test", "live"), "x y", "\u00e9", 5, None, []]
    assert not not_refused(call, malformed, 400, "invalid_user_id")
    assert not not_refused(call, [""], 400, "bad_request")
    refused(api("POST", TOTPS + path, body), 400, "bad_request")


def test_every_call_takes_the_external_id(api):
    user = make_user(api, totp=False, external_id="crm-1")
    made = ok(api("POST", TOTPS, {"user_id": "crm-1"}))
    given = {"user_id": "crm-1", "totp_code": code_of(made["secret"])}
    assert ok(api("POST", f"{TOTPS}/authenticate", given))["user_id"] == user.user_id
    assert ok(api("POST", f"{TOTPS}/recovery_codes", {"user_id": "crm-1"}))["user_id"] == user.user_id
    given = {"user_id": "crm-1", "recovery_code": made["recovery_codes"][0]}
    assert ok(api("POST", f"{TOTPS}/recover", given))["user_id"] == user.user_id


# The lock


def test_failures_lock_the_user_and_the_right_code_is_not_compared(api, user, clock):
    for _ in range(10):
        refused(user_code(api, user, wrong_code(user.secret)), 401, "unable_to_authenticate_totp")
    answer = user_code(api, user)
    refused(answer, 429, "user_lock_limit_reached")
    assert answer.headers["Retry-After"] == "3600"
    clock.advance(3600)
    ok(user_code(api, user))
    assert Guard.objects.get(member=user.user_id[-36:], kind="totp").failures == 0


def test_a_wrong_code_costs_the_same_with_and_without_a_session(api, user):
    token = user_session(api, user)["session_token"]
    for given in ({}, {"session_token": token}):
        refused(user_code(api, user, wrong_code(user.secret), **given), 401, "unable_to_authenticate_totp")
        refused(recover(api, user, "zzzz-zzzz-zzzz", **given), 401, "unable_to_authenticate_recovery_code")
    for kind in ("totp", "recovery"):
        assert Guard.objects.get(member=user.user_id[-36:], kind=kind).failures == 2


# Recovery codes


def test_recovery_codes_are_shown_by_their_totp(api, user):
    answer = ok(codes(api, user))
    assert set(answer) == COMMON | {"user_id", "totps"}
    assert answer["user_id"] == user.user_id
    assert answer["totps"] == [{"totp_id": user.totp_id, "verified": True, "recovery_codes": list(user.codes)}]
    ok(recover(api, user))
    assert ok(codes(api, user))["totps"][0]["recovery_codes"] == list(user.codes[1:])


def test_recovery_codes_of_a_pending_totp_are_shown_as_unverified(api):
    user = pending_totp(api, make_user(api, totp=False))
    shown = [{"totp_id": user.totp_id, "verified": False, "recovery_codes": list(user.codes)}]
    assert ok(codes(api, user))["totps"] == shown


def test_recovery_codes_are_not_shown_where_the_site_keeps_none(api, configure):
    configure(RECOVERY_CODES_VIEWABLE=False)
    user = make_user(api)
    refused(codes(api, user), 403, "recovery_codes_not_viewable")
    ok(recover(api, user))


# EN-03


def test_en03_a_users_secret_is_told_once_and_by_no_later_answer(api, clock):
    """Every route of both surfaces, pending and active, with every credential that there is."""
    user = pending_totp(api, make_user(api, totp=False))
    raw = base64.b32decode(user.secret)
    spellings = (user.secret, user.secret.lower(), raw.hex(), base64.b64encode(raw).decode())
    found, crawled = [], 0
    values = {**make_world(api).values, "user_id": user.user_id, "user_email": user.email, "totp_id": user.totp_id}
    values["user_recovery_code"] = user.codes[0]
    for activated in (False, True):
        if activated:
            values["user_session_token"] = user_session(api, activate(api, user))["session_token"]
        for route in (*ROUTES, *SDK_ROUTES):
            with undone():
                text = send(
                    api, route, {**values, "user_code": pyotp.TOTP(user.secret).at(int(clock()))}
                ).content.decode()
            crawled += 1
            found += [route.name for spelling in spellings if spelling in text]
    assert not found
    assert crawled == 2 * len((*ROUTES, *SDK_ROUTES))
