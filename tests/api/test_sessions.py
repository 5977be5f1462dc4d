"""``/v1/b2b/sessions`` (contract 1.9, 4.3, 5.3, 5.4, 6.8 to 6.10)."""

import base64
import json

import jwt
import pytest

from tests.api.helpers import (
    COMMON,
    ORGANIZATION_CLAIM,
    PROJECT,
    SESSION_CLAIM,
    SESSIONS,
    authenticate,
    complete,
    intermediate,
    key_set,
    log_in,
    make_organization,
    make_person,
    not_refused,
    ok,
    read_jwt,
    refused,
    undone,
    unknown,
)
from tests.clock import CLOCK
from tests.factories import code_of

pytestmark = pytest.mark.django_db

NOBODY = "99999999-9999-4999-8999-999999999999"
AUTHENTICATE, REVOKE = f"{SESSIONS}/authenticate", f"{SESSIONS}/revoke"
SESSION = {
    *("member_session_id", "member_id", "organization_id", "organization_slug", "started_at", "last_accessed_at"),
    *("expires_at", "authentication_factors", "roles", "custom_claims"),
}


@pytest.fixture
def person(api):
    """A member of an organization where a password is enough for a session."""
    return make_person(api, make_organization(api)["organization_id"])


@pytest.fixture
def login(api, person):
    return ok(log_in(api, person))


def renew(api, **fields):
    return api("POST", AUTHENTICATE, fields)


def listed(api, person):
    path = f"{SESSIONS}?organization_id={person.organization_id}&member_id={person.member_id}"
    return ok(api("GET", path))["member_sessions"]


# Get


def test_get_lists_the_live_sessions_of_a_member_with_every_key_of_the_contract(api, person, clock):
    first = ok(log_in(api, person))["member_session"]
    clock.advance(10)
    second = ok(log_in(api, person, session_duration_minutes=5))["member_session"]
    assert listed(api, person) == [first, second]
    assert set(first) == SESSION
    assert first["member_id"] == person.member_id
    assert first["organization_id"] == person.organization_id
    assert first["roles"] == ["stytch_member"]
    assert first["custom_claims"] == {}
    clock.advance(5 * 60)
    assert listed(api, person) == [first]
    clock.advance(3600)
    assert listed(api, person) == []


def test_get_needs_organization_and_member(api, person):
    for query in ("", f"?organization_id={person.organization_id}", f"?member_id={person.member_id}"):
        refused(api("GET", SESSIONS + query), 400, "bad_request")


def test_a_factor_has_every_key_of_the_contract(api):
    password, totp = complete(api, make_person(api))["member_session"]["authentication_factors"]
    common = {"type", "delivery_method", "last_authenticated_at", "created_at", "updated_at"}
    assert set(password) == common
    assert set(totp) == common | {"authenticator_app_factor"}
    assert (password["type"], password["delivery_method"]) == ("password", "knowledge")
    assert (totp["type"], totp["delivery_method"]) == ("totp", "authenticator_app")


# Authenticate


def test_authenticate_answers_what_the_contract_says_and_nothing_else(api, login):
    answer = ok(renew(api, session_token=login["session_token"]))
    session = {"member_session", "session_token", "session_jwt"}
    assert set(answer) == COMMON | session | {"member", "organization"}
    assert set(answer["member_session"]) == SESSION


@pytest.mark.parametrize("name", ["session_token", "session_jwt"])
def test_authenticate_keeps_token_and_expiry_and_moves_the_last_access(api, login, clock, name):
    clock.advance(60)
    answer = ok(renew(api, **{name: login[name]}))
    assert answer["session_token"] == login["session_token"]
    moved = {"last_accessed_at": "2027-01-15T08:01:00Z"}
    assert answer["member_session"] == {**login["member_session"], **moved}


def test_every_authentication_mints_a_fresh_jwt(api, login, clock):
    for seconds in (1, 2, 3):
        clock.advance(1)
        answer = ok(renew(api, session_token=login["session_token"]))
        assert read_jwt(api, answer["session_jwt"])["iat"] == 1_800_000_000 + seconds


def test_a_duration_extends_or_shortens_from_now(api, login, clock):
    clock.advance(60)
    for minutes, expires in ((120, "2027-01-15T10:01:00Z"), (5, "2027-01-15T08:06:00Z")):
        answer = ok(renew(api, session_token=login["session_token"], session_duration_minutes=minutes))
        assert answer["member_session"]["expires_at"] == expires
    clock.advance(5 * 60)
    refused(renew(api, session_token=login["session_token"]), 404, "session_not_found")


@pytest.mark.parametrize("started", [1_800_000_000, 1_500_000_000])
def test_an_expired_jwt_of_a_live_session_is_accepted(api, person, clock, started):
    """That is how the SDKs refresh. Only the injected clock counts, whatever the system's says."""
    clock.at = started
    login = ok(log_in(api, person))
    clock.advance(301)
    with pytest.raises(AssertionError):
        read_jwt(api, login["session_jwt"])
    answer = ok(renew(api, session_jwt=login["session_jwt"]))
    assert read_jwt(api, answer["session_jwt"])
    assert answer["session_token"] == login["session_token"]


@pytest.mark.parametrize("name", ["session_token", "session_jwt"])
def test_an_expired_session_is_not_found(api, login, clock, name):
    clock.advance(3599)
    with undone():
        ok(renew(api, **{name: login[name]}))
    clock.advance(1)
    refused(renew(api, **{name: login[name], "session_duration_minutes": 60}), 404, "session_not_found")


def test_authenticate_takes_exactly_one_credential(api, login):
    refused(renew(api), 400, "no_session_arguments")
    both = {name: login[name] for name in ("session_token", "session_jwt")}
    refused(renew(api, **both), 400, "too_many_session_arguments")


def test_a_jwt_that_was_altered_is_not_parsed(api, login):
    head, body, signature = login["session_jwt"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))

    def encode(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    none = encode({"alg": "none", "typ": "JWT", "kid": "jwk-test-x"})
    header = jwt.get_unverified_header(login["session_jwt"])
    key = key_set(api)[header["kid"]]["n"]
    forged = [
        f"{none}.{body}.",
        f"{none}.{body}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{encode({**claims, 'sub': unknown('member')})}.{signature}",
        f"{head}.{encode({**claims, 'exp': claims['exp'] + 10**6})}.{signature}",
        f"{encode({**header, 'alg': 'HS256'})}.{body}.{signature}",
        f"{encode({**header, 'kid': unknown('jwk')})}.{body}.{signature}",
        f"{encode({**header, 'jku': 'https://evil.example'})}.{body}.{signature}",
        f" {login['session_jwt']}",
        f"{login['session_jwt']} ",
        f"{login['session_jwt']}=",
        jwt.encode(claims, key, algorithm="HS256", headers={"kid": header["kid"]}),
    ]
    for action in (AUTHENTICATE, REVOKE):
        for token in forged:
            refused(api("POST", action, {"session_jwt": token}), 400, "unable_to_parse_session_jwt")


def test_custom_claims_merge_and_null_removes_one(api, login):
    token = login["session_token"]
    for given, expected in (
        ({"a": 1, "b": {"x": 1, "y": 2}}, {"a": 1, "b": {"x": 1, "y": 2}}),
        ({"b": {"x": None, "z": {"q": None}}}, {"a": 1, "b": {"y": 2, "z": {}}}),
        ({"a": None, "c": [None]}, {"b": {"y": 2, "z": {}}, "c": [None]}),
        ({}, {"b": {"y": 2, "z": {}}, "c": [None]}),
    ):
        answer = ok(renew(api, session_token=token, session_custom_claims=given))
        assert answer["member_session"]["custom_claims"] == expected
        claims = read_jwt(api, answer["session_jwt"])
        assert {name: claims[name] for name in expected} == expected


def test_custom_claims_have_limits(api, login):
    def call(claims):
        return renew(api, session_token=login["session_token"], session_custom_claims=claims)

    names = ("iss", "sub", "aud", "exp", "nbf", "iat", "jti")
    assert not not_refused(call, [{name: 1} for name in names], 400, "reserved_claims_in_custom_claims")
    stytch = [{SESSION_CLAIM: {}}, {ORGANIZATION_CLAIM: {}}, {"https://stytch.com/": 1}, {"https://stytch.com/x": None}]
    assert not not_refused(call, stytch, 400, "stytch_claims_in_custom_claims")
    assert not not_refused(call, [{"a": "x" * 4096}], 400, "custom_claims_too_large")
    ok(call({"a": "x" * 2000}))
    assert not not_refused(call, [{"b": "x" * 2200}], 400, "custom_claims_too_large")
    ok(call({"a": None, "b": "x" * 2200, "ISS": 1}))


# The JWT


def test_the_jwt_says_what_the_contract_says(api):
    done = complete(api, make_person(api, roles=["editor"]), session_custom_claims={"plan": "gold"})
    CLOCK.advance(-30)
    claims, session = read_jwt(api, done["session_jwt"]), done["member_session"]
    assert jwt.get_unverified_header(done["session_jwt"])["typ"] == "JWT"
    assert set(claims) == {*("aud", "iss", "sub", "iat", "nbf", "exp", "plan"), SESSION_CLAIM, ORGANIZATION_CLAIM}
    assert claims["aud"] == [PROJECT]
    assert claims["sub"] == done["member"]["member_id"]
    assert claims["exp"] - claims["iat"] == 300
    assert claims["iat"] == claims["nbf"]
    assert claims["plan"] == "gold"
    assert claims[ORGANIZATION_CLAIM] == {
        "organization_id": done["organization"]["organization_id"],
        "slug": done["organization"]["organization_slug"],
    }
    assert claims[SESSION_CLAIM] == {
        "id": session["member_session_id"],
        "started_at": session["started_at"],
        "last_accessed_at": session["last_accessed_at"],
        "expires_at": session["expires_at"],
        "attributes": {"ip_address": "", "user_agent": ""},
        "authentication_factors": session["authentication_factors"],
        "roles": ["stytch_member", "editor"],
    }


def test_the_key_set_is_public_and_holds_nine_members_and_no_private_one(api, login):
    answer = api.client.get(f"{SESSIONS}/jwks/{PROJECT}")
    body = ok(answer)
    assert set(body) == COMMON | {"keys"}
    (key,) = body["keys"]
    assert set(key) == {"kty", "use", "key_ops", "alg", "kid", "x5c", "x5tS256", "n", "e"}
    assert (key["kty"], key["use"], key["alg"], key["e"]) == ("RSA", "sig", "RS256", "AQAB")
    assert key["kid"] == jwt.get_unverified_header(login["session_jwt"])["kid"]
    assert ok(api("GET", f"{SESSIONS}/jwks/{PROJECT}"))["keys"] == [key]


# Revoke


@pytest.mark.parametrize("selector", ["session_token", "session_jwt", "member_session_id", "member_id"])
def test_a_revoked_session_is_refused_at_once(api, person, login, selector):
    other = ok(log_in(api, person))
    values = {**login, **login["member_session"]}
    answer = ok(api("POST", REVOKE, {selector: values[selector]}))
    assert set(answer) == COMMON
    for name in ("session_token", "session_jwt"):
        refused(renew(api, **{name: login[name]}), 404, "session_not_found")
    answer = authenticate(api, person, code_of(person.secret), session_token=login["session_token"])
    refused(answer, 404, "session_not_found")
    if selector == "member_id":
        refused(renew(api, session_token=other["session_token"]), 404, "session_not_found")
        assert listed(api, person) == []
    else:
        ok(renew(api, session_token=other["session_token"]))
        refused(api("POST", REVOKE, {selector: values[selector]}), 404, "session_not_found")


def test_an_expired_jwt_still_revokes_its_session(api, login, clock):
    clock.advance(301)
    ok(api("POST", REVOKE, {"session_jwt": login["session_jwt"]}))
    refused(renew(api, session_token=login["session_token"]), 404, "session_not_found")


def test_revoking_a_member_ends_the_logins_that_are_under_way_too(api):
    person = make_person(api)
    token = intermediate(api, person)
    ok(api("POST", REVOKE, {"member_id": person.member_id}))
    answer = authenticate(api, person, code_of(person.secret), intermediate_session_token=token)
    refused(answer, 404, "intermediate_session_not_found")


def test_revoke_takes_exactly_one_selector(api, person, login):
    selectors = {
        "session_token": login["session_token"],
        "session_jwt": login["session_jwt"],
        "member_session_id": login["member_session"]["member_session_id"],
        "member_id": person.member_id,
    }
    refused(api("POST", REVOKE, {}), 400, "no_session_revoke_arguments")
    for first in selectors:
        for second in selectors:
            if first != second:
                both = {name: selectors[name] for name in (first, second)}
                refused(api("POST", REVOKE, both), 400, "too_many_session_revoke_arguments")
    ok(renew(api, session_token=login["session_token"]))


@pytest.mark.parametrize(
    ("selector", "value", "refusal"),
    [
        ("member_session_id", "x", (400, "invalid_session_id")),
        ("member_session_id", f"member-session-test-{NOBODY}", (400, "invalid_session_id")),
        ("member_session_id", f"session-live-{NOBODY}", (400, "invalid_session_id")),
        ("member_session_id", f"session-test-{NOBODY}", (404, "session_not_found")),
        ("member_id", f"member-test-{NOBODY}", (404, "member_not_found")),
        ("member_id", "an-external-id", (404, "member_not_found")),
        ("session_token", "x" * 44, (404, "session_not_found")),
        ("session_token", "x", (400, "invalid_session_token")),
    ],
)
def test_revoke_names_what_it_does_not_find(api, selector, value, refusal):
    refused(api("POST", REVOKE, {selector: value}), *refusal)


def test_revoke_takes_no_external_id(api):
    person = make_person(api, external_id="e-1")
    refused(api("POST", REVOKE, {"member_id": "e-1"}), 404, "member_not_found")
    assert listed(api, person) == []


def test_changed_roles_show_in_the_running_session(api, person, login):
    ok(api("PUT", person.member_path, {"roles": ["editor"]}))
    answer = ok(renew(api, session_token=login["session_token"]))
    assert answer["member_session"]["roles"] == ["stytch_member", "editor"]
    assert read_jwt(api, answer["session_jwt"])[SESSION_CLAIM]["roles"] == ["stytch_member", "editor"]
