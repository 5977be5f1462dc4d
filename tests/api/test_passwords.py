"""``/v1/b2b/passwords`` (contract 1.10): the primary factor, and what it is worth."""

import base64
import hashlib
from dataclasses import replace

import argon2
import bcrypt
import pytest

from stytch_totp.models import Member
from tests.api.helpers import (
    COMMON,
    ORGANIZATIONS,
    PASSWORD,
    SESSIONS,
    authenticate,
    but_request_id,
    complete,
    fault,
    intermediate,
    log_in,
    make_organization,
    make_person,
    not_refused,
    ok,
    pbkdf2,
    refused,
    rows,
    rows_hash,
    set_password,
    show_member,
    unknown,
)
from tests.factories import code_of

pytestmark = pytest.mark.django_db

MIGRATE = "/v1/b2b/passwords/migrate"
STRENGTH = "/v1/b2b/passwords/strength_check"
ANSWER = COMMON | {
    *("member_id", "member", "organization", "organization_id", "session_token", "session_jwt", "member_session"),
    *("intermediate_session_token", "member_authenticated", "mfa_required", "primary_required"),
}
OWED = {"member_authenticated": False, "member_session": None, "session_token": "", "session_jwt": ""}


def person_in(api, totp=True, **organization):
    enrolled = organization.pop("mfa_enrolled", False)
    made = make_organization(api, **organization)
    return make_person(api, made["organization_id"], totp=totp, mfa_enrolled=enrolled)


def migrate(api, person, **fields):
    whose = {"organization_id": person.organization_id, "email_address": person.email}
    return api("POST", MIGRATE, {**whose, **fields})


# What a right password is worth


@pytest.mark.parametrize(
    ("policy", "enrolled", "mfa"),
    [
        ("OPTIONAL", False, False),
        ("OPTIONAL", True, True),
        ("REQUIRED_FOR_ALL", False, True),
        ("REQUIRED_FOR_ALL", True, True),
    ],
)
@pytest.mark.parametrize("totp", [False, True])
def test_the_decision_of_the_contract(api, policy, enrolled, mfa, totp):
    person = person_in(api, totp, mfa_policy=policy, mfa_enrolled=enrolled)
    answer = ok(log_in(api, person))
    assert set(answer) == ANSWER
    assert answer["organization_id"] == person.organization_id
    assert answer["primary_required"] is None
    if not mfa:
        assert answer["member_authenticated"] is True
        assert answer["member_session"]["member_id"] == person.member_id
        assert len(answer["session_token"]) == 44
        assert answer["session_jwt"].count(".") == 2
        assert answer["intermediate_session_token"] == ""
        assert answer["mfa_required"] is None
        return
    assert {name: answer[name] for name in OWED} == OWED
    assert len(answer["intermediate_session_token"]) == 44
    registration = answer["member"]["totp_registration_id"]
    options = {"mfa_phone_number": "", "totp_registration_id": registration} if totp else None
    assert answer["mfa_required"] == {"member_options": options, "secondary_auth_initiated": None}
    assert bool(registration) is totp


def test_break_glass_members_owe_the_second_factor_too(api):
    person = make_person(api, is_breakglass=True)
    assert ok(log_in(api, person))["member_authenticated"] is False


def test_duration_and_claims_apply_to_a_complete_login(api):
    person = person_in(api)
    answer = ok(log_in(api, person, session_duration_minutes=5, session_custom_claims={"a": 1}))
    assert answer["member_session"]["expires_at"] == "2027-01-15T08:05:00Z"
    assert answer["member_session"]["custom_claims"] == {"a": 1}
    assert ok(log_in(api, person))["member_session"]["expires_at"] == "2027-01-15T09:00:00Z"


@pytest.mark.parametrize("mfa", [False, True])
def test_an_organization_that_wants_another_primary_factor_says_so(api, mfa):
    restricted = {"auth_methods": "RESTRICTED", "allowed_auth_methods": ["sso", "magic_link"]}
    person = person_in(api, mfa_policy="REQUIRED_FOR_ALL" if mfa else "OPTIONAL", **restricted)
    answer = ok(log_in(api, person))
    assert {name: answer[name] for name in OWED} == OWED
    assert answer["primary_required"] == {"allowed_auth_methods": ["sso", "magic_link"]}
    assert len(answer["intermediate_session_token"]) == 44
    second = authenticate(
        api, person, code_of(person.secret), intermediate_session_token=answer["intermediate_session_token"]
    )
    refused(second, 400, "action_available_only_once_primary_authentication_is_met")


def test_break_glass_members_are_exempt_from_the_restriction(api):
    organization = make_organization(api, auth_methods="RESTRICTED", allowed_auth_methods=["sso"])
    person = make_person(api, organization["organization_id"], is_breakglass=True)
    assert ok(log_in(api, person))["member_authenticated"] is True


def test_an_allowed_password_meets_the_restriction(api):
    person = person_in(api, auth_methods="RESTRICTED", allowed_auth_methods=["password"])
    assert ok(log_in(api, person))["member_authenticated"] is True


def test_with_a_session_the_factor_joins_it_and_no_mfa_is_asked(api, clock):
    person = make_person(api)
    session = complete(api, person)
    for name in ("session_token", "session_jwt"):
        answer = ok(log_in(api, person, **{name: session[name]}))
        assert answer["member_authenticated"] is True
        joined = answer["member_session"]
        assert joined["member_session_id"] == session["member_session"]["member_session_id"]
        assert answer["session_token"] == session["session_token"]
        factors = {factor["type"]: factor["last_authenticated_at"] for factor in joined["authentication_factors"]}
        assert set(factors) == {"totp", "password"}
        assert factors["password"] == "2027-01-15T08:00:30Z"


def test_with_an_intermediate_session_the_same_one_is_returned_while_mfa_is_owed(api):
    person = make_person(api)
    token = intermediate(api, person)
    answer = ok(log_in(api, person, intermediate_session_token=token))
    assert answer["intermediate_session_token"] == token
    assert {name: answer[name] for name in OWED} == OWED
    ok(authenticate(api, person, code_of(person.secret), intermediate_session_token=token))


def test_with_an_intermediate_session_that_owes_nothing_any_more_a_session_results(api):
    person = make_person(api)
    token = intermediate(api, person)
    ok(api("PUT", f"{ORGANIZATIONS}/{person.organization_id}", {"mfa_policy": "OPTIONAL"}))
    answer = ok(log_in(api, person, intermediate_session_token=token))
    assert answer["member_authenticated"] is True
    assert answer["intermediate_session_token"] == ""
    again = log_in(api, person, intermediate_session_token=token)
    refused(again, 404, "intermediate_session_not_found")


@pytest.mark.parametrize("name", ["session_token", "session_jwt", "intermediate_session_token"])
def test_a_credential_of_somebody_else_is_refused_before_the_password_is_tried(api, name):
    person, stranger = make_person(api), make_person(api)
    session = complete(api, stranger)
    given = {name: session.get(name) or intermediate(api, stranger)}
    foreign = name == "intermediate_session_token"
    mismatch = "member_session_member_id_mismatch"
    error_type = "invalid_intermediate_session_token_for_organization" if foreign else mismatch
    before = rows_hash()
    refused(log_in(api, person, **given), 400, error_type)
    refused(log_in(api, person, "wrong", **given), 400, error_type)
    assert rows_hash() == before


# Refusals


def test_one_answer_for_an_unknown_address_a_member_without_password_and_a_wrong_password(api):
    person = person_in(api)
    bare = ok(api("POST", f"{ORGANIZATIONS}/{person.organization_id}/members", {"email_address": "bare@example.com"}))
    gone = make_person(api, person.organization_id, totp=False)
    ok(api("DELETE", gone.member_path))
    answers = [
        log_in(api, person, "wrong"),
        log_in(api, replace(person, email="nobody@example.com")),
        log_in(api, replace(person, email=bare["member"]["email_address"])),
        log_in(api, gone),
        log_in(api, replace(person, email="not an address")),
        log_in(api, replace(person, email="x" * 1000)),
    ]
    for answer in answers:
        refused(answer, 401, "unauthorized_credentials")
    assert {but_request_id(answer) for answer in answers} == {but_request_id(answers[0])}
    names = [sorted(answer.headers) for answer in answers]
    assert all(one == names[0] for one in names)


@pytest.mark.parametrize("field", ["organization_id", "email_address", "password"])
def test_each_field_is_required_and_a_string_that_is_not_empty(api, field):
    person = person_in(api)
    before = rows_hash()
    values = [None, "", 5, True, [], {}, [PASSWORD]]
    assert not not_refused(lambda value: log_in(api, person, **{field: value}), values, 400, "bad_request")
    assert rows_hash() == before


def test_an_unknown_organization_is_named(api):
    person = person_in(api)
    refused(log_in(api, replace(person, organization_id=unknown("organization"))), 404, "organization_not_found")


def test_an_address_is_compared_without_case(api):
    person = person_in(api)
    assert ok(log_in(api, replace(person, email=person.email.upper())))["member_id"] == person.member_id


def test_a_password_is_compared_with_case_blanks_and_all(api):
    person = person_in(api)
    wrong = [PASSWORD.upper(), f" {PASSWORD}", f"{PASSWORD} ", PASSWORD[:-1], PASSWORD.replace(" ", "")]
    assert not not_refused(lambda one: log_in(api, person, one), wrong, 401, "unauthorized_credentials")


def test_ten_wrong_passwords_lock_and_the_right_one_is_refused_until_the_lock_ends(api, clock):
    person = person_in(api)
    for number in range(10):
        refused(log_in(api, person, f"wrong {number}"), 401, "unauthorized_credentials")
        assert show_member(api, person)["is_locked"] is (number == 9)
    for password in (PASSWORD, "wrong"):
        locked = log_in(api, person, password)
        refused(locked, 429, "user_lock_limit_reached")
        assert locked.headers["Retry-After"] == "3600"
    clock.advance(3599)
    assert log_in(api, person).headers["Retry-After"] == "1"
    clock.advance(1)
    ok(log_in(api, person))
    assert show_member(api, person)["is_locked"] is False


def test_a_right_password_empties_the_budget(api):
    person = person_in(api)
    for _ in range(3):
        for _ in range(9):
            refused(log_in(api, person, "wrong"), 401, "unauthorized_credentials")
        ok(log_in(api, person))
    assert show_member(api, person)["is_locked"] is False


def test_the_lock_is_one_member_s(api):
    person = person_in(api)
    colleague = make_person(api, person.organization_id)
    for _ in range(11):
        log_in(api, person, "wrong")
    ok(log_in(api, colleague))


def test_the_threshold_is_a_setting(api, configure):
    configure(LOCK_THRESHOLD=2, LOCK_MINUTES=5)
    person = person_in(api)
    for _ in range(2):
        refused(log_in(api, person, "wrong"), 401, "unauthorized_credentials")
    assert log_in(api, person).headers["Retry-After"] == "300"


# Migration


def encode(raw):
    return base64.b64encode(raw).decode()


SALT = b"salt-of-the-tests"
_ARGON2 = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}


def _argon2(kind):
    return argon2.low_level.hash_secret_raw(PASSWORD.encode(), b"saltsaltsalt", hash_len=32, type=kind, **_ARGON2)


_ARGON2_CONFIG = {"salt": "saltsaltsalt", "iteration_amount": 1, "memory": 8, "threads": 1, "key_length": 32}
IMPORTS = {
    "bcrypt": {"hash_type": "bcrypt", "hash": bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()},
    "bcrypt 2a": {
        "hash_type": "bcrypt",
        "hash": bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4, prefix=b"2a")).decode(),
    },
    "argon2id, PHC": {"hash_type": "argon_2id", "hash": argon2.PasswordHasher(**_ARGON2).hash(PASSWORD)},
    "argon2i, PHC": {
        "hash_type": "argon_2i",
        "hash": argon2.PasswordHasher(**_ARGON2, type=argon2.Type.I).hash(PASSWORD),
    },
    "argon2id, configuration": {
        "hash_type": "argon_2id",
        "hash": encode(_argon2(argon2.Type.ID)),
        "argon_2_config": _ARGON2_CONFIG,
    },
    "argon2i, configuration, hexadecimal": {
        "hash_type": "argon_2i",
        "hash": _argon2(argon2.Type.I).hex(),
        "argon_2_config": _ARGON2_CONFIG,
    },
    "scrypt": {
        "hash_type": "scrypt",
        "hash": encode(hashlib.scrypt(PASSWORD.encode(), salt=SALT, n=16, r=8, p=1, dklen=32)),
        "scrypt_config": {
            "salt": encode(SALT),
            "n_parameter": 16,
            "r_parameter": 8,
            "p_parameter": 1,
            "key_length": 32,
        },
    },
    "pbkdf2": pbkdf2(PASSWORD),
    "pbkdf2, sha512": {
        "hash_type": "pbkdf_2",
        "hash": encode(hashlib.pbkdf2_hmac("sha512", PASSWORD.encode(), SALT, 20)),
        "pbkdf_2_config": {"salt": encode(SALT), "iteration_amount": 20, "algorithm": "sha512", "key_length": 64},
    },
}


@pytest.mark.parametrize("given", IMPORTS.values(), ids=IMPORTS)
def test_an_imported_hash_lets_in_and_is_hashed_anew_at_the_first_login(api, given):
    person = make_person(api, make_organization(api)["organization_id"], totp=False)
    answer = ok(migrate(api, person, **given))
    assert set(answer) == COMMON | {"member_id", "member", "organization", "member_created"}
    assert answer["member_created"] is False
    assert answer["member"]["member_password_id"].startswith("member-password-test-")
    imported = Member.objects.get(email=person.email).password
    for wrong in ("wrong", PASSWORD + " ", PASSWORD.upper()):
        refused(log_in(api, person, wrong), 401, "unauthorized_credentials")
    assert Member.objects.get(email=person.email).password == imported
    ok(log_in(api, person))
    own = Member.objects.get(email=person.email).password
    assert own != imported
    assert given["hash"] not in own
    ok(log_in(api, person))
    refused(log_in(api, person, "wrong"), 401, "unauthorized_credentials")
    assert Member.objects.get(email=person.email).password == own


def test_a_bcrypt_password_is_read_to_72_bytes_as_bcrypt_does(api):
    person = make_person(api, make_organization(api)["organization_id"], totp=False)
    password = "\u00e9" * 36
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    ok(migrate(api, person, hash_type="bcrypt", hash=hashed))
    refused(log_in(api, person, password[:-1]), 401, "unauthorized_credentials")
    ok(log_in(api, person, password))


@pytest.mark.parametrize("hash_type", ["md_5", "sha_1", "sha_512", "phpass", "x", "BCRYPT", "plain"])
def test_a_hash_of_another_kind_is_refused_and_the_supported_ones_are_named(api, hash_type):
    person = person_in(api)
    before = rows_hash()
    answer = migrate(api, person, hash_type=hash_type, hash=hashlib.md5(b"x").hexdigest())
    message = refused(answer, 400, "bad_request")["error_message"]
    assert all(name in message for name in ("bcrypt", "argon_2id", "scrypt", "pbkdf_2"))
    assert rows_hash() == before


def _changed(name, **changes):
    given = IMPORTS[name]
    config = next((key for key in given if key.endswith("_config")), None)
    entries = {key: value for key, value in changes.items() if key != "hash"}
    changed = {**given, **({"hash": changes["hash"]} if "hash" in changes else {})}
    return {**changed, config: {**given[config], **entries}} if config else changed


@pytest.mark.parametrize(
    "given",
    [
        _changed("bcrypt", hash="$2b$04$" + "x" * 52),
        _changed("bcrypt", hash="$2b$31$" + "x" * 53),
        _changed("bcrypt", hash="$1$04$" + "x" * 53),
        _changed("argon2id, PHC", hash="$argon2d$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$" + "x" * 43),
        _changed("argon2id, PHC", hash="$argon2id$v=19$m=9999999,t=9999,p=1$c2FsdHNhbHQ$" + "x" * 43),
        _changed("argon2id, PHC", hash="$argon2id$v=19$m=8,t=0,p=1$c2FsdHNhbHQ$" + "x" * 43),
        _changed("argon2id, PHC", hash="$argon2id$v=19$m=1,t=1,p=0$c2FsdHNhbHQ$" + "x" * 43),
        _changed("argon2id, configuration", memory=2**30),
        _changed("argon2id, configuration", salt=""),
        _changed("argon2id, configuration", salt=5),
        _changed("argon2id, configuration", salt=None),
        _changed("argon2id, configuration", memory="8"),
        _changed("argon2id, configuration", hash="not base64!"),
        _changed("scrypt", n_parameter=15),
        _changed("scrypt", n_parameter=2**24),
        _changed("scrypt", r_parameter=0),
        _changed("scrypt", p_parameter=10**6),
        _changed("scrypt", salt="!"),
        _changed("scrypt", n_parameter=16.5),
        _changed("pbkdf2", iteration_amount=0),
        _changed("pbkdf2", iteration_amount=10**9),
        _changed("pbkdf2", iteration_amount=True),
        _changed("pbkdf2", iteration_amount="10"),
        _changed("pbkdf2", algorithm="md5"),
        _changed("pbkdf2", algorithm=["sha256"]),
        _changed("pbkdf2", hash=""),
        {"hash_type": "pbkdf_2", "hash": IMPORTS["pbkdf2"]["hash"]},
        {"hash_type": "scrypt", "hash": IMPORTS["scrypt"]["hash"]},
    ],
    ids=lambda given: given["hash_type"],
)
def test_a_hash_that_can_not_be_checked_or_would_take_too_long_is_refused(api, given):
    person = make_person(api, make_organization(api)["organization_id"], totp=False)
    before = rows()
    refused(migrate(api, person, **given), 400, "bad_request")
    assert rows() == before


@pytest.mark.parametrize(
    "hashed",
    [
        "$argon2id$v=19$m=8,t=0,p=1$c2FsdHNhbHQ$" + "x" * 43,
        "$argon2id$v=19$m=0,t=1,p=0$c2FsdHNhbHQ$" + "x" * 43,
        "$argon2id$v=19$m=8,t=1,p=99$c2FsdHNhbHQ$" + "x" * 43,
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ1x$" + "x" * 41,
        "$2b$04$" + "." * 53,
        "$2b$04$" + "z" * 53,
    ],
)
def test_a_hash_that_no_password_has_fails_nobody(api, hashed):
    """Refused at import, or a wrong password for ever; never a failure of ours at the login."""
    person = make_person(api, make_organization(api)["organization_id"], totp=False)
    hash_type = "bcrypt" if hashed.startswith("$2") else "argon_2id"
    assert fault(migrate(api, person, hash_type=hash_type, hash=hashed), 200, 400) == ""
    assert fault(log_in(api, person, "wrong"), 401) == ""


def test_a_member_is_made_where_there_is_none(api):
    person = person_in(api)
    new = replace(person, email="New@example.com")
    fields = {
        "name": "New",
        "trusted_metadata": {"a": 1},
        "untrusted_metadata": {"b": 2},
        "roles": ["editor"],
        "external_id": "e-1",
        "mfa_phone_number": "+15005550006",
        "set_phone_number_verified": True,
    }
    answer = ok(migrate(api, new, **pbkdf2(PASSWORD), **fields))
    assert answer["member_created"] is True
    member = answer["member"]
    kept = ("name", "trusted_metadata", "untrusted_metadata", "external_id", "mfa_phone_number")
    assert {name: member[name] for name in kept} == {name: fields[name] for name in kept}
    assert member["email_address"] == "New@example.com"
    assert member["mfa_phone_number_verified"] is True
    assert [role["role_id"] for role in member["roles"]] == ["stytch_member", "editor"]
    assert ok(log_in(api, new))["member_id"] == answer["member_id"]
    again = ok(migrate(api, replace(new, email="NEW@example.com"), **pbkdf2("another password")))
    assert (again["member_created"], again["member_id"]) == (False, answer["member_id"])
    refused(log_in(api, new), 401, "unauthorized_credentials")
    ok(log_in(api, new, "another password"))


def test_a_refused_migration_makes_no_member(api):
    person = person_in(api)
    before = rows_hash()
    new = replace(person, email="new@example.com")
    refused(migrate(api, new, hash_type="bcrypt", hash="x"), 400, "bad_request")
    refused(migrate(api, replace(person, email="x"), **pbkdf2(PASSWORD)), 400, "invalid_email")
    refused(migrate(api, new, **pbkdf2(PASSWORD), name=5), 400, "bad_request")
    assert rows_hash() == before


def test_another_password_ends_no_lock(api):
    person = person_in(api)
    for _ in range(10):
        log_in(api, person, "wrong")
    set_password(api, person)
    refused(log_in(api, person), 429, "user_lock_limit_reached")


# Strength


@pytest.mark.parametrize(
    ("password", "valid"),
    [
        ("correct horse battery staple", True),
        ("short", False),
        ("", False),
        ("password1234", False),
        ("x" * 1024, True),
    ],
)
def test_the_strength_of_a_password(api, password, valid):
    answer = ok(api("POST", STRENGTH, {"password": password}))
    assert answer["valid_password"] is valid
    assert {"score", "breached_password", "breach_detection_on_create", "strength_policy"} <= set(answer)
    assert bool(answer["zxcvbn_feedback"]["suggestions"]) is not valid
    assert answer["score"] in range(5)


def test_a_session_of_a_password_carries_it_as_factor(api):
    session = ok(log_in(api, person_in(api)))["member_session"]
    assert [factor["type"] for factor in session["authentication_factors"]] == ["password"]
    assert ok(api("GET", f"{SESSIONS}?organization_id={session['organization_id']}&member_id={session['member_id']}"))
