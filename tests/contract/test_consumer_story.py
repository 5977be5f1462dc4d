"""One user's story: the guide of Stytch's consumer product, step by step, and the rules of contract 2.2."""

import pytest

from tests.contract.driver import SDK_TESTS, refused
from tests.contract.situations import PASSWORD, STEP, User, factors, new_email

pytestmark = SDK_TESTS

WRONG = (401, "unable_to_authenticate_totp")
REPLAYED = (401, "totp_code_already_authenticated")
WRONG_RECOVERY_CODE = (401, "unable_to_authenticate_recovery_code")
SESSION_GONE = (404, "session_not_found")
NO_SESSION = (None, "", "")


def session_of(answer):
    return answer.session, answer.session_token, answer.session_jwt


def test_the_guide_from_user_to_verified_code(consumer, server_clock):
    made = consumer.users.create(email=new_email())
    user = User(sdk=consumer, clock=server_clock, email=made.user.emails[0].email, user_id=made.user_id)

    enrolment = user.create(expiration_minutes=60)
    assert enrolment.user_id == user.user_id
    assert len(set(enrolment.recovery_codes)) == 10
    assert [totp.model_dump() for totp in enrolment.user.totps] == [{"totp_id": enrolment.totp_id, "verified": False}]
    assert refused(user.verify, totp_code=user.wrong_code()) == WRONG

    done = user.verify()
    assert (done.user_id, done.totp_id) == (user.user_id, enrolment.totp_id)
    assert [totp.model_dump() for totp in done.user.totps] == [{"totp_id": enrolment.totp_id, "verified": True}]
    assert session_of(done) == NO_SESSION
    assert consumer.sessions.get(user.user_id).sessions == []


def test_there_is_a_session_when_it_is_asked_for(consumer, new_consumer, server_clock):
    user = new_consumer(enrolled=True)
    done = user.verify(session_duration_minutes=30, session_custom_claims={"plan": "pro"}, telemetry_id="telemetry-1")
    assert factors(done.session) == ["totp"]
    assert (done.session.user_id, done.session.roles) == (user.user_id, ["stytch_user"])
    assert done.session.custom_claims == {"plan": "pro"}
    assert int(done.session.expires_at.timestamp()) == server_clock.now + 30 * 60
    assert consumer.sessions.authenticate(session_token=done.session_token).session == done.session
    assert [one.session_id for one in consumer.sessions.get(user.user_id).sessions] == [done.session.session_id]


def test_a_login_of_two_steps_has_both_factors_in_one_session(consumer, new_consumer, server_clock):
    """What a back end does that wants MFA: password first, and then it looks at the factors (contract 2.4)."""
    user = new_consumer(enrolled=True)
    first = user.session(session_duration_minutes=30)
    assert factors(first.session) == ["password"]
    server_clock.advance(60)
    second = user.verify(session_token=first.session_token)
    assert factors(second.session) == ["password", "totp"]
    assert second.session.session_id == first.session.session_id
    assert second.session.expires_at == first.session.expires_at
    assert second.session_token != first.session_token
    assert refused(consumer.sessions.authenticate, session_token=first.session_token) == SESSION_GONE
    assert refused(consumer.sessions.authenticate, session_jwt=first.session_jwt) == SESSION_GONE
    assert factors(consumer.sessions.authenticate(session_jwt=second.session_jwt).session) == ["password", "totp"]


@pytest.mark.parametrize("credential", ["session_token", "session_jwt"])
def test_a_factor_joins_the_session_that_is_shown_and_extends_it_when_that_is_asked(
    new_consumer, server_clock, credential
):
    user = new_consumer(enrolled=True)
    first = user.session(session_duration_minutes=30, session_custom_claims={"a": 1})
    shown = {credential: getattr(first, credential)}
    second = user.verify(**shown, session_duration_minutes=120, session_custom_claims={"b": 2})
    assert second.session.session_id == first.session.session_id
    assert second.session.custom_claims == {"a": 1, "b": 2}
    assert int(second.session.expires_at.timestamp()) == server_clock.now + 120 * 60


def test_the_factor_of_a_session_names_the_totp_that_was_shown(consumer, new_consumer, server_clock):
    user = new_consumer(enrolled=True)
    user.verify(session_token=user.session().session_token)
    session = consumer.exchanges[-1].body["session"]
    password, totp = session["authentication_factors"]
    assert (password["type"], password["delivery_method"]) == ("password", "knowledge")
    assert (totp["type"], totp["delivery_method"]) == ("totp", "authenticator_app")
    assert totp["authenticator_app_factor"] == {"totp_id": user.totp_id}
    assert session["attributes"] == {"ip_address": "", "user_agent": ""}


def test_a_second_code_in_a_session_refreshes_the_factor(new_consumer, server_clock):
    user = new_consumer(enrolled=True)
    first = user.verify(session_duration_minutes=60)
    server_clock.advance(STEP)
    second = user.verify(session_token=first.session_token)
    assert factors(second.session) == ["totp"]
    before, after = first.session.authentication_factors[0], second.session.authentication_factors[0]
    assert after.created_at == before.created_at
    assert int(after.last_authenticated_at.timestamp()) == server_clock.now


def test_a_code_is_good_one_step_to_either_side_and_once(new_consumer):
    for steps, good in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        user = new_consumer()
        user.create()
        code = user.code(steps=steps)
        if good:
            assert user.verify(totp_code=code).totp_id == user.totp_id
            for spent in {code, user.code(steps=-1)}:
                assert refused(user.verify, totp_code=spent) == REPLAYED
        else:
            assert refused(user.verify, totp_code=code) == WRONG


def test_a_recovery_code_stands_in_for_the_app_and_leaves_it(consumer, new_consumer, server_clock):
    user = new_consumer(enrolled=True)
    done = user.recover(recovery_code=user.recovery_codes[0])
    assert (done.user_id, done.totp_id) == (user.user_id, user.totp_id)
    assert session_of(done) == NO_SESSION
    done = user.recover(recovery_code=user.recovery_codes[1], session_duration_minutes=5, telemetry_id="telemetry-1")
    assert factors(done.session) == ["recovery_codes"]
    assert int(done.session.expires_at.timestamp()) == server_clock.now + 300
    first = user.session(session_duration_minutes=30)
    done = user.recover(recovery_code=user.recovery_codes[2], session_token=first.session_token)
    assert factors(done.session) == ["password", "recovery_codes"]
    assert done.session.expires_at == first.session.expires_at
    for spent in user.recovery_codes[:3]:
        assert refused(user.recover, recovery_code=spent) == WRONG_RECOVERY_CODE
    left = consumer.totps.recovery_codes(user.user_id).totps
    assert [(totp.totp_id, totp.verified) for totp in left] == [(user.totp_id, True)]
    assert sorted(left[0].recovery_codes) == sorted(user.recovery_codes[3:])
    assert user.verify(session_token=done.session_token).session


def test_recovery_codes_live_from_the_first_verification(new_consumer):
    user = new_consumer()
    user.create()
    assert refused(user.recover, recovery_code=user.recovery_codes[0]) == (404, "totps_not_found_for_user")
    user.verify()
    assert user.recover(recovery_code=user.recovery_codes[0]).totp_id == user.totp_id


def test_a_replaced_pending_totp_is_dead_and_its_codes_with_it(consumer, new_consumer):
    user = new_consumer()
    user.create()
    former, code, recovery_code = user.totp_id, user.code(), user.recovery_codes[0]
    user.create()
    assert [(totp.totp_id, totp.verified) for totp in user.user.totps] == [(user.totp_id, False)]
    assert refused(user.verify, totp_code=code) == WRONG
    assert user.verify().totp_id == user.totp_id != former
    assert refused(user.recover, recovery_code=recovery_code) == WRONG_RECOVERY_CODE
    assert refused(consumer.users.delete_totp, former) == (404, "totp_not_found")


def test_a_deleted_totp_lets_sessions_live_and_makes_room_for_a_new_one(consumer, new_consumer, server_clock):
    user = new_consumer(enrolled=True)
    session = user.verify(session_token=user.session().session_token)
    left = consumer.users.delete_totp(user.totp_id)
    assert (left.user_id, left.user.totps) == (user.user_id, [])
    assert factors(consumer.sessions.authenticate(session_token=session.session_token).session) == ["password"]
    assert refused(user.verify, totp_code="123456") == (404, "totps_not_found_for_user")
    assert refused(user.recover, recovery_code=user.recovery_codes[0]) == (404, "totps_not_found_for_user")
    assert refused(consumer.users.delete_totp, user.totp_id) == (404, "totp_not_found")
    former = user.totp_id
    user.create()
    assert user.verify().totp_id == user.totp_id != former


def test_a_totp_that_was_never_verified_can_be_deleted(consumer, new_consumer):
    user = new_consumer()
    user.create()
    assert consumer.users.delete_totp(user.totp_id).user.totps == []
    assert refused(user.verify) == (404, "totps_not_found_for_user")


def test_mfa_is_the_back_ends_business_and_a_password_is_a_login(new_consumer):
    user = new_consumer(enrolled=True)
    assert session_of(user.log_in()) == NO_SESSION
    assert factors(user.session().session) == ["password"]


def test_a_password_joins_a_session_and_keeps_its_token(new_consumer, server_clock):
    user = new_consumer(enrolled=True)
    first = user.verify(session_duration_minutes=60)
    again = user.log_in(session_token=first.session_token)
    assert sorted(factors(again.session)) == ["password", "totp"]
    assert again.session.session_id == first.session.session_id
    assert again.session.expires_at == first.session.expires_at
    assert again.session_token == first.session_token


def test_a_user_who_signs_up_with_a_password_can_be_logged_in_at_once(consumer):
    email = new_email()
    made = consumer.passwords.create(email, PASSWORD, session_duration_minutes=60, session_custom_claims={"new": True})
    assert factors(made.session) == ["password"]
    assert made.session.custom_claims == {"new": True}
    assert consumer.sessions.authenticate(session_token=made.session_token).user.user_id == made.user_id
    assert session_of(consumer.passwords.create(new_email(), PASSWORD)) == NO_SESSION
