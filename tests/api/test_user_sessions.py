"""``/v1/sessions`` (contract 2.3, 4.3, 5.3, 6.8 to 6.10)."""

import pytest

from tests.api.helpers import (
    COMMON,
    ORGANIZATION_CLAIM,
    PROJECT,
    SESSION,
    SESSION_CLAIM,
    USER_SESSIONS,
    key_set,
    make_user,
    not_refused,
    ok,
    read_jwt,
    refused,
    show_user,
    undone,
    unknown,
    user_code,
    user_login,
    user_session,
)

pytestmark = pytest.mark.django_db

AUTHENTICATE, REVOKE = f"{USER_SESSIONS}/authenticate", f"{USER_SESSIONS}/revoke"


@pytest.fixture
def user(api):
    return make_user(api)


@pytest.fixture
def login(api, user):
    return ok(user_login(api, user, session_duration_minutes=60))


def renew(api, **fields):
    return api("POST", AUTHENTICATE, fields)


def listed(api, user):
    return ok(api("GET", f"{USER_SESSIONS}?user_id={user.user_id}"))["sessions"]


# Get


def test_get_lists_the_live_sessions_of_a_user_with_every_key_of_the_contract(api, user, clock):
    first = ok(user_login(api, user, session_duration_minutes=60))["session"]
    clock.advance(10)
    second = ok(user_login(api, user, session_duration_minutes=5))["session"]
    user_session(api, make_user(api, totp=False))
    assert listed(api, user) == [first, second]
    assert set(first) == SESSION
    assert first["user_id"] == user.user_id
    assert first["roles"] == ["stytch_user"]
    clock.advance(5 * 60)
    assert listed(api, user) == [first]
    clock.advance(3600)
    assert listed(api, user) == []


def test_get_needs_a_user(api, user):
    refused(api("GET", USER_SESSIONS), 400, "bad_request")
    refused(api("GET", f"{USER_SESSIONS}?user_id={unknown('user')}"), 404, "user_not_found")
    refused(api("GET", f"{USER_SESSIONS}?user_id={unknown('member')}"), 400, "invalid_user_id")


# Authenticate


def test_authenticate_answers_what_the_contract_says_and_nothing_else(api, user, login):
    answer = ok(renew(api, session_token=login["session_token"]))
    assert set(answer) == COMMON | {"session", "session_token", "session_jwt", "user"}
    assert set(answer["session"]) == SESSION
    assert answer["user"] == show_user(api, user)


@pytest.mark.parametrize("name", ["session_token", "session_jwt"])
def test_authenticate_keeps_token_and_end_and_moves_the_last_access(api, login, clock, name):
    clock.advance(60)
    answer = ok(renew(api, **{name: login[name]}))
    assert answer["session_token"] == login["session_token"]
    assert answer["session"] == {**login["session"], "last_accessed_at": "2027-01-15T08:01:30Z"}


def test_a_duration_moves_the_end_to_so_many_minutes_from_now(api, login, clock):
    clock.advance(60)
    for minutes, expires in ((120, "2027-01-15T10:01:30Z"), (5, "2027-01-15T08:06:30Z")):
        answer = ok(renew(api, session_token=login["session_token"], session_duration_minutes=minutes))
        assert answer["session"]["expires_at"] == expires


def test_an_expired_jwt_of_a_live_session_is_accepted_and_none_of_a_dead_one(api, login, clock):
    clock.advance(301)
    with undone():
        ok(renew(api, session_jwt=login["session_jwt"]))
    clock.advance(3600)
    for name in ("session_token", "session_jwt"):
        refused(renew(api, **{name: login[name]}), 404, "session_not_found")


def test_authenticate_takes_exactly_one_credential(api, login):
    refused(renew(api), 400, "no_session_arguments")
    both = {name: login[name] for name in ("session_token", "session_jwt")}
    refused(renew(api, **both), 400, "too_many_session_arguments")
    assert not not_refused(lambda one: renew(api, session_token=one), ["x", "x" * 45, 5], 400, "invalid_session_token")
    refused(renew(api, session_token="x" * 44), 404, "session_not_found")
    refused(renew(api, session_jwt="a.b.c"), 400, "unable_to_parse_session_jwt")


def test_custom_claims_merge_and_are_in_the_jwt(api, login):
    token = login["session_token"]
    ok(renew(api, session_token=token, session_custom_claims={"a": 1, "b": {"x": 1}}))
    answer = ok(renew(api, session_token=token, session_custom_claims={"a": None, "b": {"y": 2}}))
    assert answer["session"]["custom_claims"] == {"b": {"x": 1, "y": 2}}
    assert read_jwt(api, answer["session_jwt"])["b"] == {"x": 1, "y": 2}


def test_the_jwt_says_what_the_contract_says_and_names_no_organization(api, user):
    done = ok(user_code(api, user, session_duration_minutes=60))
    claims, session = read_jwt(api, done["session_jwt"]), done["session"]
    assert set(claims) == {"aud", "iss", "sub", "iat", "nbf", "exp", SESSION_CLAIM}
    assert ORGANIZATION_CLAIM not in claims
    assert claims["sub"] == user.user_id
    assert claims[SESSION_CLAIM] == {
        "id": session["session_id"],
        "started_at": session["started_at"],
        "last_accessed_at": session["last_accessed_at"],
        "expires_at": session["expires_at"],
        "attributes": {"ip_address": "", "user_agent": ""},
        "authentication_factors": session["authentication_factors"],
        "roles": ["stytch_user"],
    }


def test_both_products_publish_one_key_set_to_everybody(api, login):
    answer = ok(api.client.get(f"{USER_SESSIONS}/jwks/{PROJECT}"))
    assert set(answer) == COMMON | {"keys"}
    assert answer["keys"] == [*key_set(api).values()]
    refused(api.client.get(f"{USER_SESSIONS}/jwks/{unknown('project')}"), 404, "project_not_found")


# Revoke


@pytest.mark.parametrize("selector", ["session_token", "session_jwt", "session_id"])
def test_a_revoked_session_is_refused_at_once_and_no_other_is(api, user, login, selector):
    other = ok(user_login(api, user, session_duration_minutes=60))
    values = {**login, **login["session"]}
    assert set(ok(api("POST", REVOKE, {selector: values[selector]}))) == COMMON
    for name in ("session_token", "session_jwt"):
        refused(renew(api, **{name: login[name]}), 404, "session_not_found")
    refused(user_code(api, user, session_token=login["session_token"]), 404, "session_not_found")
    refused(api("POST", REVOKE, {selector: values[selector]}), 404, "session_not_found")
    ok(renew(api, session_token=other["session_token"]))


def test_revoke_takes_exactly_one_selector(api, login):
    selectors = {name: login[name] for name in ("session_token", "session_jwt")}
    selectors["session_id"] = login["session"]["session_id"]
    refused(api("POST", REVOKE, {}), 400, "no_session_revoke_arguments")
    for first in selectors:
        for second in selectors:
            if first != second:
                both = {name: selectors[name] for name in (first, second)}
                refused(api("POST", REVOKE, both), 400, "too_many_session_revoke_arguments")
    refused(api("POST", REVOKE, selectors), 400, "too_many_session_revoke_arguments")
    ok(renew(api, session_token=login["session_token"]))


@pytest.mark.parametrize(
    ("value", "status", "error_type"),
    [
        ("x", 400, "invalid_session_id"),
        ("session-live-99999999-9999-4999-8999-999999999999", 400, "invalid_session_id"),
        ("user-test-99999999-9999-4999-8999-999999999999", 400, "invalid_session_id"),
        ("session-test-99999999-9999-4999-8999-999999999999", 404, "session_not_found"),
        (5, 400, "invalid_session_id"),
    ],
)
def test_revoke_names_what_it_does_not_find(api, value, status, error_type):
    refused(api("POST", REVOKE, {"session_id": value}), status, error_type)


def test_a_user_has_no_way_to_revoke_by_user_id(api, user, login):
    """Only B2B ends all sessions of a person by name (contract 2.3)."""
    refused(api("POST", REVOKE, {"user_id": user.user_id}), 400, "no_session_revoke_arguments")
    ok(renew(api, session_token=login["session_token"]))
