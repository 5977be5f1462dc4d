"""A consumer at a page: every call of contract 3.10 that appendix A lists, as the page makes it and as it is sent."""

from tests.contract.situations import PASSWORD, STEP, User, new_email
from tests.e2e.browser import BROWSER_TESTS, JWT, SESSION, refused
from tests.e2e.people import enrol, factors, log_in, verify
from tests.live import PUBLIC_TOKEN

pytestmark = BROWSER_TESTS


def test_a_page_without_a_login_asks_for_the_project_and_has_nothing_to_complain_of(consumer):
    consumer.settle()
    bootstrap, report = consumer.sent(unasked=True, T=PUBLIC_TOKEN)
    assert bootstrap == "GET /sdk/v1/projects/bootstrap/T pub:pub"
    assert report.startswith("POST /sdk/v1/events no auth [")
    assert consumer.sent() == []
    assert [message.text for message in consumer.console] == []
    assert consumer.cookies == {}
    assert consumer.user.getSync() is None


def test_a_new_user_enrols_and_manages_the_factor(consumer, consumer_server, server_clock):
    email = new_email()
    first = consumer.passwords.create(email=email, password=PASSWORD, session_duration_minutes=60)
    user = User(sdk=consumer_server, clock=server_clock, email=email, user_id=first["user_id"])
    assert factors(first) == ["password"]
    assert consumer.cookies == {SESSION: first["session_token"], JWT: first["session_jwt"]}

    made = consumer.totps.create(expiration_minutes=60)
    user.secret = made["secret"]
    assert consumer.user.getSync()["user_id"] == first["user_id"]
    assert consumer.user.getSync()["totps"] == [{"totp_id": made["totp_id"], "verified": False}]

    done = verify(consumer, user)
    assert factors(done) == ["password", "totp"]
    assert done["totp_id"] == made["totp_id"]
    assert done["session"]["session_id"] == first["session"]["session_id"]
    assert consumer.cookies == {SESSION: done["session_token"], JWT: done["session_jwt"]}
    assert consumer.user.getSync()["totps"] == [{"totp_id": made["totp_id"], "verified": True}]

    shown = consumer.totps.recoveryCodes()["totps"]
    assert shown == [{"totp_id": made["totp_id"], "verified": True, "recovery_codes": made["recovery_codes"]}]
    recovery_code = made["recovery_codes"][0]
    recovered = consumer.totps.recover(recovery_code=recovery_code, session_duration_minutes=60)
    assert factors(recovered) == ["password", "totp", "recovery_codes"]
    assert consumer.cookies == {SESSION: recovered["session_token"], JWT: recovered["session_jwt"]}
    used = refused(consumer.totps.recover, recovery_code=recovery_code, session_duration_minutes=60)
    assert used == (401, "unable_to_authenticate_recovery_code")

    extended = consumer.session.authenticate(session_duration_minutes=30)
    assert extended["session"]["expires_at"] < recovered["session"]["expires_at"]
    assert consumer.user.get() == consumer.user.getSync()
    named = consumer.user.update(name={"first_name": "Ada"}, untrusted_metadata={"theme": "dark"})
    assert named["emails"][0]["email"] == user.email
    assert consumer.user.getSync()["name"]["first_name"] == "Ada"
    assert consumer.user.deleteTOTP(made["totp_id"])["user_id"] == first["user_id"]
    assert consumer.user.getSync()["totps"] == []

    consumer.session.revoke()
    assert consumer.cookies == {}
    assert consumer.user.getSync() is None

    assert consumer.sent(E=user.email, T=made["totp_id"], C=user.code(), R=recovery_code) == [
        f'POST /sdk/v1/passwords pub:pub {{"email":"E","password":"{PASSWORD}","session_duration_minutes":60}}',
        'POST /sdk/v1/totps pub:sess {"expiration_minutes":60}',
        'POST /sdk/v1/totps/authenticate pub:sess {"session_duration_minutes":60,"totp_code":"C"}',
        "POST /sdk/v1/totps/recovery_codes pub:sess",
        'POST /sdk/v1/totps/recover pub:sess {"session_duration_minutes":60,"recovery_code":"R"}',
        'POST /sdk/v1/totps/recover pub:sess {"session_duration_minutes":60,"recovery_code":"R"}',
        'POST /sdk/v1/sessions/authenticate pub:sess {"session_duration_minutes":30}',
        "GET /sdk/v1/users/me pub:sess",
        'PUT /sdk/v1/users/me pub:sess {"name":{"first_name":"Ada"},"untrusted_metadata":{"theme":"dark"}}',
        "DELETE /sdk/v1/users/totps/T pub:sess",
        "POST /sdk/v1/sessions/revoke pub:sess",
    ]


def test_a_session_survives_a_wrong_code_and_a_right_one_is_taken_once(consumer, user, server_clock):
    before = log_in(consumer, user)["session_token"]
    user.secret = consumer.totps.create(expiration_minutes=60)["secret"]
    assert refused(verify, consumer, user, user.wrong_code()) == (401, "unable_to_authenticate_totp")
    assert consumer.cookies[SESSION] == before

    verify(consumer, user)
    assert refused(verify, consumer, user) == (401, "totp_code_already_authenticated")
    server_clock.advance(STEP)
    assert factors(verify(consumer, user)) == ["password", "totp"]
    assert refused(consumer.totps.create, expiration_minutes=60) == (400, "active_totp_exists")


def test_a_login_is_complete_with_the_password_and_steps_up_when_the_page_asks(consumer, user, server_clock):
    log_in(consumer, user)
    made = enrol(consumer, user)
    consumer.session.revoke()
    server_clock.advance(STEP)

    first = log_in(consumer, user)
    assert consumer.sent(E=user.email)[-1] == (
        f'POST /sdk/v1/passwords/authenticate pub:pub {{"email":"E","password":"{PASSWORD}",'
        '"session_duration_minutes":60}'
    )
    assert factors(first) == ["password"]
    assert refused(consumer.totps.recoveryCodes) == (401, "insufficient_factors")
    assert refused(consumer.user.deleteTOTP, made["totp_id"]) == (401, "insufficient_factors")
    done = verify(consumer, user)
    assert factors(done) == ["password", "totp"]
    assert done["session_token"] != first["session_token"]
    assert consumer.totps.recoveryCodes()["totps"][0]["recovery_codes"] == made["recovery_codes"]


def test_without_a_login_nothing_is_created_verified_or_shown(consumer, user):
    for call, options in (
        (consumer.totps.create, {"expiration_minutes": 60}),
        (consumer.totps.authenticate, {"totp_code": "123456", "session_duration_minutes": 60}),
        (consumer.totps.recover, {"recovery_code": "ckss-2skx-ebow", "session_duration_minutes": 60}),
        (consumer.totps.recoveryCodes, {}),
        (consumer.session.authenticate, {}),
        (consumer.user.get, {}),
        (consumer.user.update, {"name": {"first_name": "Ada"}}),
    ):
        assert refused(call, **options) == (401, "user_unauthenticated"), call.path
    for email in (user.email, "nobody@example.com"):
        wrong = {"email": email, "password": "not the password", "session_duration_minutes": 60}
        assert refused(consumer.passwords.authenticate, **wrong) == (401, "unauthorized_credentials")
    assert consumer.cookies == {}


def test_a_page_sets_no_trusted_metadata_and_no_endless_session(consumer, user):
    log_in(consumer, user)
    assert refused(consumer.user.update, trusted_metadata={"admin": True}) == (401, "cannot_update_trusted_metadata")
    assert user.user.trusted_metadata == {}
    endless = refused(consumer.session.authenticate, session_duration_minutes=43201)
    assert endless == (400, "invalid_session_duration")


def test_a_user_removes_no_totp_but_its_own(consumer, visit, user, new_user):
    stranger, theirs = new_user(), visit("consumer")
    log_in(theirs, stranger)
    totp_id = enrol(theirs, stranger)["totp_id"]
    log_in(consumer, user)
    enrol(consumer, user)
    assert refused(consumer.user.deleteTOTP, totp_id) == (404, "totp_not_found")
    assert len(theirs.user.get()["totps"]) == 1
