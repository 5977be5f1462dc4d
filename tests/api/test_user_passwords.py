"""``/v1/passwords`` (contract 2.4): no second step here; who wants one reads the session's factors."""

import pytest
from django.contrib.auth.models import User as DjangoUser

from stytch_totp.models import Guard, IntermediateSession, Member, Session
from tests.api.helpers import (
    COMMON,
    NO_SESSION,
    PASSWORD,
    SESSION,
    USER_PASSWORDS,
    USERS,
    but_request_id,
    intermediate,
    log_in,
    make_person,
    make_user,
    not_refused,
    ok,
    pbkdf2,
    refused,
    rows_hash,
    show_user,
    user_login,
    user_session,
)

pytestmark = pytest.mark.django_db

TOK = {"session", "session_token", "session_jwt"}


def create(api, email="new@example.com", password=PASSWORD, **fields):
    return api("POST", USER_PASSWORDS, {"email": email, "password": password, **fields})


def migrate(api, email="new@example.com", password=PASSWORD, **fields):
    return api("POST", f"{USER_PASSWORDS}/migrate", {"email": email, **pbkdf2(password), **fields})


def strength(api, password):
    return ok(api("POST", f"{USER_PASSWORDS}/strength_check", {"password": password}))


# Create


def test_create_makes_a_user_and_no_session_unless_asked(api):
    answer = ok(create(api))
    assert set(answer) == COMMON | TOK | {"user_id", "email_id", "user"}
    assert {name: answer[name] for name in NO_SESSION} == NO_SESSION
    assert answer["user"]["emails"] == [{"email_id": answer["email_id"], "email": "new@example.com", "verified": False}]
    assert answer["user"]["status"] == "active"
    assert set(answer["user"]["password"]) == {"password_id", "requires_reset"}
    assert not Session.objects.exists()


def test_create_makes_the_session_that_is_asked_for(api):
    answer = ok(create(api, session_duration_minutes=5, session_custom_claims={"plan": "gold"}))
    assert set(answer["session"]) == SESSION
    assert answer["session"]["expires_at"] == "2027-01-15T08:05:00Z"
    assert answer["session"]["custom_claims"] == {"plan": "gold"}
    assert [one["type"] for one in answer["session"]["authentication_factors"]] == ["password"]
    assert len(answer["session_token"]) == 44


def test_create_takes_name_and_metadata(api):
    given = {
        "name": {"first_name": "Ada", "middle_name": "", "last_name": "Lovelace"},
        "trusted_metadata": {"plan": "gold"},
        "untrusted_metadata": {"theme": "dark"},
    }
    user = ok(create(api, **given))["user"]
    assert {name: user[name] for name in given} == given


def test_create_takes_nothing_else(api):
    others = {"roles": ["stytch_admin"], "external_id": "crm-1", "set_email_verified": True, "email_verified": True}
    user = ok(create(api, **others, status="pending", mfa_enrolled=True))["user"]
    assert (user["roles"], user["external_id"], user["status"]) == (["stytch_user"], None, "active")
    assert user["emails"][0]["verified"] is False


@pytest.mark.parametrize("password", ["short", "password", "12345678901", "1234"])
def test_a_weak_password_makes_nobody(api, password):
    refused(create(api, password=password), 400, "weak_password")
    assert strength(api, password)["valid_password"] is False
    assert not Member.objects.exists()


def test_an_address_that_is_none_makes_nobody(api):
    values = ["", "x", "a@", "a b@example.com", "x" * 250 + "@e.com", None, 5]
    assert not not_refused(lambda email: create(api, email=email), values, 400, "invalid_email")
    assert not Member.objects.exists()


def test_an_address_is_a_users_once(api):
    ok(create(api))
    for email in ("new@example.com", "NEW@example.com"):
        refused(create(api, email=email), 400, "duplicate_email")


def test_bad_claims_make_nobody(api):
    answer = create(api, session_duration_minutes=5, session_custom_claims={"iss": 1})
    refused(answer, 400, "reserved_claims_in_custom_claims")
    assert not Member.objects.exists()


# Authenticate


def test_a_login_makes_no_session_unless_asked(api):
    user = make_user(api)
    answer = ok(user_login(api, user))
    assert set(answer) == COMMON | TOK | {"user_id", "user"}
    assert {name: answer[name] for name in NO_SESSION} == NO_SESSION
    assert answer["user"] == show_user(api, user)
    assert not Session.objects.exists()


def test_a_login_of_who_has_a_totp_owes_nothing(api):
    """It is the back end that reads the factors and asks for more (contract 2.4)."""
    answer = ok(user_login(api, make_user(api), session_duration_minutes=60))
    assert [one["type"] for one in answer["session"]["authentication_factors"]] == ["password"]
    assert not {"intermediate_session_token", "mfa_required", "member_authenticated"} & set(answer)
    assert not IntermediateSession.objects.exists()


def test_the_address_is_compared_without_case(api):
    user = make_user(api, totp=False)
    ok(api("POST", f"{USER_PASSWORDS}/authenticate", {"email": user.email.upper(), "password": PASSWORD}))


@pytest.mark.parametrize("name", ["session_token", "session_jwt"])
def test_a_session_that_is_shown_is_the_one_that_is_answered(api, name):
    user = make_user(api)
    session = user_session(api, user)
    answer = ok(user_login(api, user, **{name: session[name]}))
    assert answer["session"]["session_id"] == session["session"]["session_id"]
    assert answer["session"]["expires_at"] == session["session"]["expires_at"]
    assert {one["type"] for one in answer["session"]["authentication_factors"]} == {"password", "totp"}


def test_a_session_of_somebody_else_is_refused_and_costs_no_attempt(api):
    user, other = make_user(api), user_session(api, make_user(api, totp=False))
    before = rows_hash()
    refused(user_login(api, user, session_token=other["session_token"]), 400, "user_id_mismatch")
    refused(user_login(api, user, session_token="x" * 44), 404, "session_not_found")
    assert rows_hash() == before


def test_unknown_addresses_and_wrong_passwords_are_told_apart_by_nobody(api):
    person, user = make_person(api), make_user(api)
    bare = ok(api("POST", USERS, {"email": "bare@example.com"}))
    gone = make_user(api, totp=False)
    ok(api("DELETE", gone.path))
    emails = [user.email, "nobody@example.com", bare["user"]["emails"][0]["email"], gone.email, person.email]
    passwords = ["wrong", "wrong", PASSWORD, PASSWORD, PASSWORD]
    answers = [
        api("POST", f"{USER_PASSWORDS}/authenticate", {"email": email, "password": password})
        for email, password in zip(emails, passwords, strict=True)
    ]
    for answer in answers:
        refused(answer, 401, "unauthorized_credentials")
    assert {but_request_id(answer) for answer in answers} == {but_request_id(answers[0])}
    assert {tuple(sorted(answer.headers.items())) for answer in answers} == {tuple(sorted(answers[0].headers.items()))}


def test_ten_wrong_passwords_lock_the_user_and_nobody_else(api, clock):
    person = make_person(api, email_address="same@example.com")
    user = make_user(api, email="same@example.com")
    for _ in range(10):
        refused(user_login(api, user, "wrong"), 401, "unauthorized_credentials")
    refused(user_login(api, user), 429, "user_lock_limit_reached")
    ok(log_in(api, person))
    clock.advance(3600)
    ok(user_login(api, user))
    assert Guard.objects.get(member=user.user_id[-36:], kind="password").failures == 0


def test_a_members_password_and_intermediate_session_are_nothing_here(api):
    person, user = make_person(api), make_user(api)
    token = intermediate(api, person)
    answer = ok(user_login(api, user, intermediate_session_token=token))
    assert answer["session"] is None
    assert IntermediateSession.objects.get(member=person.member_id[-36:]).used_at is None


# Migrate


def test_migrate_makes_a_user_or_gives_one_a_password(api):
    for made in (True, False):
        answer = ok(migrate(api, password=f"{PASSWORD} {made}", name={"first_name": "Ada"}))
        assert set(answer) == COMMON | {"user_id", "email_id", "user", "user_created"}
        assert answer["user_created"] is made
        login = {"email": "new@example.com", "password": f"{PASSWORD} {made}"}
        ok(api("POST", f"{USER_PASSWORDS}/authenticate", login))
    assert Member.objects.count() == 1


def test_migrate_takes_every_field_of_the_contract(api):
    given = {
        "name": {"first_name": "Ada", "middle_name": "King", "last_name": "Lovelace"},
        "trusted_metadata": {"plan": "gold"},
        "untrusted_metadata": {"theme": "dark"},
        "external_id": "crm-1",
    }
    number = {"phone_number": "+15005550006", "set_phone_number_verified": True, "set_email_verified": True}
    user = ok(migrate(api, **given, **number, roles=["editor"]))["user"]
    assert {name: user[name] for name in given} == given
    assert user["roles"] == ["stytch_user", "editor"]
    assert user["emails"][0]["verified"] is True
    assert (user["phone_numbers"][0]["phone_number"], user["phone_numbers"][0]["verified"]) == ("+15005550006", True)


@pytest.mark.parametrize(
    "fields",
    [
        {"hash": "x"},
        {"hash_type": "x"},
        {"hash_type": "bcrypt"},
        {"pbkdf_2_config": {}},
        {"set_phone_number_verified": True},
    ],
)
def test_a_hash_that_is_none_makes_nobody(api, fields):
    refused(migrate(api, **fields), 400, "bad_request")
    assert not Member.objects.exists()


def test_a_django_users_password_is_the_users(api):
    user = make_user(api, totp=False)
    known = DjangoUser.objects.create_user("ada", password="the site's own password")
    Member.objects.filter(pk=user.user_id[-36:]).update(user=known)
    refused(user_login(api, user), 401, "unauthorized_credentials")
    ok(user_login(api, user, "the site's own password"))
    refused(migrate(api, email=user.email), 400, "bad_request")
    DjangoUser.objects.update(is_active=False)
    refused(user_login(api, user, "the site's own password"), 401, "unauthorized_credentials")


# Strength


def test_strength_is_told_in_the_words_of_the_contract(api):
    fields = {
        "valid_password",
        "score",
        "breached_password",
        "breach_detection_on_create",
        "strength_policy",
        "feedback",
    }
    for password, valid in ((PASSWORD, True), ("x", False)):
        answer = strength(api, password)
        assert set(answer) == COMMON | fields
        assert answer["valid_password"] is valid
        assert bool(answer["feedback"]["suggestions"]) is not valid
