"""Every refusal of the consumer product as a back end sees it: status and ``error_type`` of what the SDKs raise."""

from functools import cache

import pytest

from tests.contract.driver import SDK_TESTS, refusal, refused
from tests.contract.refusals import (
    DURATION,
    LOCKED,
    MALFORMED_CODES,
    NO_SESSION,
    UNKNOWN_TOKEN,
    WRONG_CODE,
    WRONG_CREDENTIALS,
    WRONG_RECOVERY_CODE,
)
from tests.contract.situations import (
    PASSWORD,
    PASSWORD_HASH,
    Clock,
    every_value,
    give_user_password,
    new_email,
    new_user,
)
from tests.live import PROJECT_ID, SECRET

pytestmark = SDK_TESTS

NOBODY = "user-test-00000000-0000-4000-8000-000000000000"
NO_TOTP = "totp-test-00000000-0000-4000-8000-000000000000"
NO_USER = (404, "user_not_found")
INVALID_USER = (400, "invalid_user_id")
NO_TOTPS = (404, "totps_not_found_for_user")
MISMATCH = (400, "user_id_mismatch")
SESSION_GONE = (404, "session_not_found")


@pytest.fixture
def user(new_consumer):
    """Somebody with an active TOTP and a session of the first factor."""
    enrolled = new_consumer(enrolled=True)
    enrolled.token = enrolled.session(session_duration_minutes=1440).session_token
    return enrolled


@pytest.fixture(scope="module")
def bystanders(live):
    """Somebody like ``user`` for each way of calling, for tests in which nothing happens to anybody."""

    @cache
    def of(consumer):
        bystander = new_user(consumer, Clock(live), enrolled=True)
        bystander.token = bystander.session(session_duration_minutes=1440).session_token
        return bystander

    return of


@pytest.fixture
def bystander(consumer, bystanders):
    return bystanders(consumer)


def test_what_the_sdk_raises_has_the_whole_envelope(consumer):
    details = refusal(consumer.users.get, NOBODY)
    assert (details.status_code, details.error_type) == NO_USER
    assert details.error_message
    assert details.error_url == "https://stytch.com/docs/api/errors/404#user_not_found"
    assert details.request_id == consumer.exchanges[-1].body["request_id"]


# Codes


@pytest.mark.parametrize("code", [*MALFORMED_CODES, 123456, None, True, ["123456"], {"code": "123456"}])
def test_tv06_a_malformed_code_is_refused_for_its_form(bystander, code):
    assert refused(bystander.verify, totp_code=code) == (400, "invalid_totp_code")


@pytest.mark.parametrize("code", ["", "x", "aaaa-bbbb", "aaaa-bbbb-ccc!", "aaaa-bbbb-cccc-dddd", 5, None])
def test_a_malformed_recovery_code_is_refused_for_its_form(bystander, code):
    assert refused(bystander.recover, recovery_code=code) == (400, "invalid_recovery_code")


def test_each_kind_of_code_in_the_others_place_is_named(user):
    totp = refused(user.verify, totp_code=user.recovery_codes[0])
    assert totp == (400, "recovery_code_used_as_totp_code")
    assert refused(user.recover, recovery_code=user.code()) == (400, "totp_code_used_as_recovery_code")


def test_a_wrong_code_and_a_replayed_one_are_told_apart(user):
    assert refused(user.verify, totp_code=user.wrong_code()) == WRONG_CODE
    code = user.code()
    user.verify(totp_code=code)
    for spent in (code, user.code(steps=-1)):
        assert refused(user.verify, totp_code=spent) == (401, "totp_code_already_authenticated")


def test_an_unknown_recovery_code_and_a_used_one_answer_alike(user):
    assert refused(user.recover) == WRONG_RECOVERY_CODE
    code = user.recovery_codes[0]
    user.recover(recovery_code=code)
    for spelling in (code, code.upper()):
        assert refused(user.recover, recovery_code=spelling) == WRONG_RECOVERY_CODE


# TOTPs


def test_a_user_with_an_active_totp_gets_no_second_one(consumer, user):
    assert refused(consumer.totps.create, user.user_id) == (400, "active_totp_exists")


@pytest.mark.parametrize("minutes", [4, 1441, 0, -60, 5.5, "60", True])
def test_en07_an_expiration_out_of_its_bounds_is_refused(consumer, new_consumer, minutes):
    answer = refused(consumer.totps.create, new_consumer().user_id, expiration_minutes=minutes)
    assert answer == (400, "invalid_expiration")


@pytest.mark.parametrize(("minutes", "seconds"), [(None, 86400), (5, 300), (1440, 86400)])
def test_en08_a_totp_that_was_not_verified_in_time_is_expired(new_consumer, server_clock, minutes, seconds):
    for late in (1, 0):
        user = new_consumer()
        user.create(expiration_minutes=minutes)
        server_clock.advance(seconds - late)
        if late:
            assert user.verify().totp_id == user.totp_id
        else:
            assert refused(user.verify) == (400, "expired_totp")


def test_a_user_without_a_totp_has_nothing_to_verify(consumer, new_consumer):
    user = new_consumer()
    assert refused(user.verify, totp_code="123456") == NO_TOTPS
    assert refused(user.recover) == NO_TOTPS


def test_a_totp_is_deleted_by_its_own_id(consumer, new_consumer):
    delete = consumer.users.delete_totp
    assert refused(delete, NO_TOTP) == (404, "totp_not_found")
    user = new_consumer()
    user.create()
    for malformed in ("x", NOBODY, user.totp_id.upper(), user.totp_id + "0", user.totp_id.replace("test", "live")):
        assert refused(delete, malformed) == (400, "invalid_totp_id")
    assert user.user.totps


# Who is meant


def about_a_user(consumer, user):
    """Every call that names a user, with what it takes besides."""
    return (
        (consumer.users.get, {}),
        (consumer.users.update, {"name": {"first_name": "Ada"}}),
        (consumer.users.delete, {}),
        (consumer.users.delete_external_id, {}),
        (consumer.totps.create, {}),
        (consumer.totps.authenticate, {"totp_code": "123456", "session_token": user.token}),
        (consumer.totps.recovery_codes, {}),
        (consumer.totps.recover, {"recovery_code": "aaaa-bbbb-cccc", "session_token": user.token}),
        (consumer.sessions.get, {}),
    )


@pytest.mark.parametrize(
    ("user_id", "answer"),
    [
        (NOBODY, NO_USER),
        ("no-such-external-id", NO_USER),
        ("ä", INVALID_USER),
        ("ada@example.com", INVALID_USER),
        ("x" * 129, INVALID_USER),
        (NO_TOTP, INVALID_USER),
        (NOBODY.replace("user", "member"), INVALID_USER),
        (NOBODY.replace("test", "live"), INVALID_USER),
    ],
)
def test_a_user_who_is_not_there_is_found_by_no_call(consumer, bystander, user_id, answer):
    for call, options in about_a_user(consumer, bystander):
        assert refused(call, user_id, **options) == answer


def test_te06_a_member_is_no_user_and_a_user_no_member(sdk, consumer, new, new_consumer):
    member, user = new(enrolled=True, external_id="hr-1"), new_consumer()
    external = f"crm|{user.user_id[-12:]}"
    consumer.users.update(user.user_id, external_id=external)
    disguised = member.member_id.replace("member-", "user-")
    user.token = user.session().session_token
    for call, options in about_a_user(consumer, user):
        assert refused(call, disguised, **options) == NO_USER
        assert refused(call, "hr-1", **options) == NO_USER
    disguised = user.user_id.replace("user-", "member-")
    assert refused(sdk.organizations.members.dangerously_get, disguised) == (404, "member_not_found")
    for name in (disguised, external):
        assert refused(sdk.totps.create, member.organization_id, name) == (404, "member_not_found")
    found = sdk.organizations.search(query=every_value([("member_emails", [user.email])]))
    assert found.organizations == []
    registration = member.member.totp_registration_id.replace("member-totp-", "totp-")
    assert refused(consumer.users.delete_totp, registration) == (404, "totp_not_found")


def test_te06_what_one_product_lets_in_the_other_does_not_know(sdk, consumer, new, new_consumer):
    member, user = new(enrolled=True), new_consumer(enrolled=True)
    session, other = member.session(), user.session()
    for name, theirs in (("session_token", session.session_token), ("session_jwt", session.session_jwt)):
        for call in (consumer.sessions.authenticate, consumer.sessions.revoke, user.verify, user.log_in):
            assert refused(call, **{name: theirs}) in (SESSION_GONE, (400, "unable_to_parse_session_jwt"))
        assert refused(user.recover, recovery_code=user.recovery_codes[0], **{name: theirs})[0] in (400, 404)
    for name, theirs in (("session_token", other.session_token), ("session_jwt", other.session_jwt)):
        for call in (sdk.sessions.authenticate, sdk.sessions.revoke, member.verify, member.log_in):
            assert refused(call, **{name: theirs}) in (SESSION_GONE, (400, "unable_to_parse_session_jwt"))
    member_session = session.member_session.member_session_id
    assert refused(consumer.sessions.revoke, session_id=member_session) == SESSION_GONE
    assert refused(sdk.sessions.revoke, member_session_id=other.session.session_id) == SESSION_GONE
    assert sdk.sessions.authenticate(session_token=session.session_token)
    assert consumer.sessions.authenticate(session_token=other.session_token)


def test_te06_an_intermediate_session_is_nothing_to_the_consumer_product(consumer, new, new_consumer):
    ist, user = new(mfa_enrolled=True).ist(), new_consumer(enrolled=True)
    for call in (consumer.sessions.authenticate, consumer.sessions.revoke, user.verify, user.log_in):
        assert refused(call, session_token=ist) == SESSION_GONE


# Sessions and tokens


def test_both_a_token_and_a_jwt_are_too_many(consumer, user):
    session = consumer.sessions.authenticate(session_token=user.token)
    both = {"session_token": user.token, "session_jwt": session.session_jwt}
    for call in (user.verify, user.recover, user.log_in, consumer.sessions.authenticate):
        assert refused(call, **both) == (400, "too_many_session_arguments")


@pytest.mark.parametrize(
    ("credential", "answer"),
    [
        ({"session_token": UNKNOWN_TOKEN}, SESSION_GONE),
        ({"session_token": "x"}, (400, "invalid_session_token")),
        ({"session_token": "x" * 2000}, (400, "invalid_session_token")),
        ({"session_jwt": "x"}, (400, "unable_to_parse_session_jwt")),
        ({"session_jwt": "e30.e30.e30"}, (400, "unable_to_parse_session_jwt")),
        ({"session_jwt": "x" * 20000}, (413, "bad_request")),
    ],
)
def test_a_credential_that_is_none_is_refused_wherever_it_is_taken(consumer, bystander, credential, answer):
    for call in (bystander.verify, bystander.recover, bystander.log_in):
        assert refused(call, **credential) == answer
    for call in (consumer.sessions.authenticate, consumer.sessions.revoke):
        assert refused(call, **credential) == answer


def test_somebody_elses_session_is_refused_and_nothing_is_spent(user, new_consumer):
    theirs = new_consumer().session()
    for credential in ({"session_token": theirs.session_token}, {"session_jwt": theirs.session_jwt}):
        assert refused(user.verify, **credential) == MISMATCH
        assert refused(user.recover, recovery_code=user.recovery_codes[0], **credential) == MISMATCH
        assert refused(user.log_in, **credential) == MISMATCH
    assert user.verify(session_token=user.token).session
    assert user.recover(recovery_code=user.recovery_codes[0]).totp_id == user.totp_id


def test_a_dead_session_is_refused_and_nothing_is_spent(consumer, user, server_clock):
    dead = user.session()
    consumer.sessions.revoke(session_token=dead.session_token)
    expired = user.session(session_duration_minutes=5)
    server_clock.advance(300)
    for session in (dead, expired):
        for credential in ({"session_token": session.session_token}, {"session_jwt": session.session_jwt}):
            assert refused(user.verify, **credential) == SESSION_GONE
            assert refused(user.recover, recovery_code=user.recovery_codes[0], **credential) == SESSION_GONE
            assert refused(user.log_in, **credential) == SESSION_GONE
    assert user.verify(session_token=user.token).session
    assert user.recover(recovery_code=user.recovery_codes[0]).totp_id == user.totp_id


@pytest.mark.parametrize("minutes", [4, 527041, 0, -5, 60.5, "60", True])
def test_a_session_duration_out_of_its_bounds_is_refused(consumer, bystander, minutes):
    for call in (bystander.verify, bystander.recover, bystander.log_in):
        assert refused(call, session_duration_minutes=minutes) == DURATION
    answer = refused(consumer.sessions.authenticate, session_token=bystander.token, session_duration_minutes=minutes)
    assert answer == DURATION
    assert refused(consumer.passwords.create, new_email(), PASSWORD, session_duration_minutes=minutes) == DURATION


@pytest.mark.parametrize(
    ("claims", "error_type"),
    [
        *[({name: "x"}, "reserved_claims_in_custom_claims") for name in ("iss", "sub", "aud", "exp", "jti")],
        ({"https://stytch.com/session": {}}, "stytch_claims_in_custom_claims"),
        ({"https://stytch.com/organization": {}}, "stytch_claims_in_custom_claims"),
        ({"large": "x" * 4096}, "custom_claims_too_large"),
    ],
)
def test_se10_custom_claims_that_cannot_be_are_refused(consumer, bystander, claims, error_type):
    options = {"session_duration_minutes": 60, "session_custom_claims": claims}
    answer = (400, error_type)
    for call in (bystander.verify, bystander.log_in):
        assert refused(call, **options) == answer
    assert refused(bystander.recover, recovery_code=bystander.recovery_codes[0], **options) == answer
    assert refused(consumer.sessions.authenticate, session_token=bystander.token, **options) == answer
    assert refused(consumer.passwords.create, new_email(), PASSWORD, **options) == answer


def test_a_refused_claim_spends_no_code(user):
    options = {"session_token": user.token, "session_custom_claims": {"sub": "x"}}
    reserved = (400, "reserved_claims_in_custom_claims")
    assert refused(user.verify, **options) == reserved
    assert refused(user.recover, recovery_code=user.recovery_codes[0], **options) == reserved
    token = user.verify(session_token=user.token).session_token
    assert user.recover(recovery_code=user.recovery_codes[0], session_token=token).session


def test_a_session_is_named_once_and_rightly(consumer, user):
    session = consumer.sessions.authenticate(session_token=user.token)
    session_id = session.session.session_id
    assert refused(consumer.sessions.authenticate) == (400, "no_session_arguments")
    assert refused(consumer.sessions.revoke) == (400, "no_session_revoke_arguments")
    for pair in (
        {"session_token": user.token, "session_jwt": session.session_jwt},
        {"session_id": session_id, "session_token": user.token},
    ):
        assert refused(consumer.sessions.revoke, **pair) == (400, "too_many_session_revoke_arguments")
    assert refused(consumer.sessions.revoke, session_id="x") == (400, "invalid_session_id")
    assert refused(consumer.sessions.revoke, session_id=NO_SESSION) == SESSION_GONE
    consumer.sessions.revoke(session_id=session_id)
    assert refused(consumer.sessions.revoke, session_id=session_id) == SESSION_GONE


# The budget


def test_ten_failures_lock_the_app_and_not_the_recovery_codes(user, server_clock):
    for _ in range(10):
        assert refused(user.verify, totp_code=user.wrong_code()) == WRONG_CODE
    for code in (user.code(), user.wrong_code()):
        assert refused(user.verify, totp_code=code) == LOCKED
    locked = user.user
    assert locked.is_locked
    assert (locked.lock_expires_at - locked.lock_created_at).total_seconds() == 3600
    assert user.recover(recovery_code=user.recovery_codes[0]).user.is_locked
    assert refused(user.verify) == LOCKED
    server_clock.advance(3600)
    free = user.verify().user
    assert (free.is_locked, free.lock_created_at, free.lock_expires_at) == (False, None, None)


def test_ten_failures_lock_the_recovery_codes_and_not_the_app(user):
    for _ in range(10):
        assert refused(user.recover) == WRONG_RECOVERY_CODE
    assert refused(user.recover, recovery_code=user.recovery_codes[0]) == LOCKED
    assert user.verify().totp_id == user.totp_id


def test_a_new_totp_does_not_unlock_the_old_ones_budget(consumer, user):
    for _ in range(10):
        assert refused(user.verify, totp_code=user.wrong_code()) == WRONG_CODE
    consumer.users.delete_totp(user.totp_id)
    user.create()
    assert refused(user.verify) == LOCKED


def test_ten_failures_lock_the_password(new_consumer):
    user = new_consumer()
    for _ in range(10):
        assert refused(user.log_in, password="wrong") == WRONG_CREDENTIALS
    assert refused(user.log_in) == LOCKED


# Users and passwords


def test_a_login_does_not_tell_which_addresses_there_are(consumer, user):
    bare = consumer.users.create(email=new_email()).user.emails[0].email
    attempts = [(user.email, "wrong"), (new_email(), "wrong"), (bare, "wrong")]
    answers = [refusal(consumer.passwords.authenticate, *attempt).original_json for attempt in attempts]
    told = [{name: value for name, value in answer.items() if name != "request_id"} for answer in answers]
    assert told[0] == told[1] == told[2]
    assert (told[0]["status_code"], told[0]["error_type"]) == WRONG_CREDENTIALS


@pytest.mark.parametrize("password", ["x", "password1234", "12345678"])
def test_a_weak_password_is_refused_and_makes_nobody(consumer, password):
    email = new_email()
    assert refused(consumer.passwords.create, email, password) == (400, "weak_password")
    assert consumer.users.search(query=every_value([("email_address", [email])])).results == []


def test_an_address_belongs_to_one_user(consumer, user):
    for spelling in (user.email, user.email.upper()):
        for call in (consumer.users.create, lambda email: consumer.passwords.create(email, PASSWORD)):
            assert refused(call, spelling) == (400, "duplicate_email")


@pytest.mark.parametrize("email", ["x", "a@b", "a b@example.com", "@example.com", "a@" + "x" * 260 + ".com"])
def test_an_address_that_is_none_is_refused(consumer, email):
    for call in (
        consumer.users.create,
        lambda email: consumer.passwords.create(email, PASSWORD),
        lambda email: give_user_password(consumer, email),
    ):
        assert refused(call, email) == (400, "invalid_email")


def test_a_user_needs_an_address_or_a_number(consumer):
    assert refused(consumer.users.create) == (400, "bad_request")
    assert refused(consumer.users.create, external_id="nobody-at-all") == (400, "bad_request")


@pytest.mark.parametrize(
    "fields",
    [
        {"phone_number": "555 0100"},
        {"external_id": "a b"},
        {"external_id": "x" * 129},
        {"external_id": NOBODY},
        {"trusted_metadata": "x"},
        {"untrusted_metadata": []},
        {"name": {"first_name": 5}},
        {"roles": "editor"},
        {"roles": [5]},
    ],
)
def test_a_field_that_a_user_cannot_have_is_refused(consumer, bystander, fields):
    calls = [lambda **fields: consumer.users.create(email=new_email(), **fields)]
    if "phone_number" not in fields:
        calls.append(lambda **fields: consumer.users.update(bystander.user_id, **fields))
    for call in calls:
        status, error_type = refused(call, **fields)
        assert status == 400
        assert error_type == "bad_request" or error_type.startswith("invalid_")


def test_an_external_id_belongs_to_one_user(consumer, new_consumer):
    first, second = new_consumer(), new_consumer()
    external = f"only-{first.user_id[-12:]}"
    consumer.users.update(first.user_id, external_id=external)
    assert refused(consumer.users.update, second.user_id, external_id=external)[0] == 400
    assert refused(consumer.users.create, email=new_email(), external_id=external)[0] == 400
    assert consumer.users.get(external).user_id == first.user_id


@pytest.mark.parametrize(
    "query",
    [
        {"operator": "AND", "operands": [{"filter_name": "shoe_size", "filter_value": 42}]},
        {"operator": "XOR", "operands": []},
        {"operator": "AND", "operands": {}},
        {"operator": "AND", "operands": [{"filter_name": "user_id"}]},
        {"operator": "AND", "operands": [{"filter_name": "user_id", "filter_value": "x"}]},
        {"operator": "AND", "operands": [{"filter_name": "email_address_fuzzy", "filter_value": "ab"}]},
        {"operator": "AND", "operands": [{"filter_name": "totp_verified", "filter_value": "true"}]},
        {"operator": "AND", "operands": [{"filter_name": "created_at_less_than", "filter_value": "yesterday"}]},
        {"operator": "AND", "operands": [{"filter_name": "status", "filter_value": ["active"]}]},
    ],
)
def test_a_search_that_asks_for_what_there_is_not_is_refused(consumer, query):
    assert refused(consumer.users.search, query=query)[0] == 400


def test_a_search_has_bounds(consumer):
    for limit in (0, 1001, -1, "10"):
        assert refused(consumer.users.search, limit=limit) == (400, "bad_request")
    assert refused(consumer.users.search, cursor="not one of ours") == (400, "bad_request")


@pytest.mark.parametrize("hash_type", ["md_5", "sha_1", "sha_512", "phpass", "rot13"])
def test_a_hash_that_is_no_password_hash_is_refused(consumer, hash_type):
    assert refused(consumer.passwords.migrate, new_email(), PASSWORD_HASH, hash_type) == (400, "bad_request")


# Who calls


@pytest.mark.parametrize(
    ("project_id", "secret", "answer"),
    [
        (PROJECT_ID, "secret-test-wrong", WRONG_CREDENTIALS),
        ("project-test-00000000-0000-4000-8000-000000000000", SECRET, WRONG_CREDENTIALS),
        ("project-test-1", SECRET, (400, "invalid_project_id_authentication")),
    ],
)
def test_who_does_not_know_the_projects_secret_is_refused(connect, way, project_id, secret, answer):
    stranger = connect(way, "consumer", project_id, secret)
    assert refused(stranger.users.get, NOBODY) == answer
    assert refused(stranger.totps.create, NOBODY) == answer
    assert refused(stranger.passwords.authenticate, "ada@example.com", PASSWORD) == answer


def test_what_is_not_served_is_no_route(consumer, bystander):
    missing = (404, "route_not_found")
    assert refused(consumer.users.delete_email, "email-test-1") == missing
    assert refused(consumer.users.delete_password, bystander.user.password.password_id) == missing
    assert refused(consumer.sessions.migrate, "x") == missing
    assert refused(consumer.passwords.email.reset_start, "ada@example.com") == missing
    assert refused(consumer.otps.sms.send, "+12125550100") == missing
