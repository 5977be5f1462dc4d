"""What must have been shown at a page lately before factors change hands: enrolment, removal, recovery codes."""

import pytest

from tests.contract.situations import STEP
from tests.e2e.browser import BROWSER_TESTS, refused
from tests.e2e.people import enrol, factors, log_in, verify

pytestmark = BROWSER_TESTS

INSUFFICIENT, STALE = (401, "insufficient_factors"), (401, "stale_factors")
ACTIVE = (400, "active_totp_exists")
TEN_MINUTES_AGO = 10 * 60 + 1


def test_a_member_who_recovered_may_not_see_the_other_codes_but_enrols_again(b2b, new):
    person = new(enrolled=True, mfa_enrolled=True)
    log_in(b2b, person)
    b2b.recoveryCodes.recover(**person.ids, recovery_code=person.recovery_codes[0], session_duration_minutes=60)
    assert refused(b2b.recoveryCodes.get) == INSUFFICIENT
    assert refused(b2b.recoveryCodes.rotate) == INSUFFICIENT
    assert refused(b2b.totp.create, **person.ids) == ACTIVE

    b2b.self.deleteMFATOTP()
    made = enrol(b2b, person)
    assert b2b.recoveryCodes.get()["recovery_codes"] == made["recovery_codes"]


def test_a_user_who_recovered_may_not_see_the_other_codes_but_enrols_again(consumer, user):
    log_in(consumer, user)
    made = enrol(consumer, user)
    consumer.session.revoke()

    log_in(consumer, user)
    done = consumer.totps.recover(recovery_code=made["recovery_codes"][0], session_duration_minutes=60)
    assert factors(done) == ["password", "recovery_codes"]
    assert refused(consumer.totps.recoveryCodes) == INSUFFICIENT
    assert refused(consumer.totps.create, expiration_minutes=60) == ACTIVE

    consumer.user.deleteTOTP(made["totp_id"])
    again = enrol(consumer, user)
    assert consumer.totps.recoveryCodes()["totps"][0]["recovery_codes"] == again["recovery_codes"]


def test_a_members_code_of_ten_minutes_ago_shows_no_recovery_codes_and_removes_nothing(b2b, new, server_clock):
    person = new(enrolled=True)
    log_in(b2b, person)
    calls = (b2b.recoveryCodes.get, b2b.recoveryCodes.rotate, b2b.self.deleteMFATOTP)
    assert [refused(call) for call in calls] == [INSUFFICIENT] * 3
    verify(b2b, person)
    server_clock.advance(TEN_MINUTES_AGO)
    assert [refused(call) for call in calls] == [STALE] * 3
    verify(b2b, person)
    assert len(b2b.recoveryCodes.rotate()["recovery_codes"]) == 10
    b2b.self.deleteMFATOTP()


def test_a_users_code_of_ten_minutes_ago_shows_no_recovery_codes_and_removes_nothing(consumer, user, server_clock):
    log_in(consumer, user)
    made = enrol(consumer, user)
    server_clock.advance(TEN_MINUTES_AGO)
    assert refused(consumer.totps.recoveryCodes) == STALE
    assert refused(consumer.user.deleteTOTP, made["totp_id"]) == STALE
    verify(consumer, user)
    consumer.user.deleteTOTP(made["totp_id"])


def test_a_password_of_ten_minutes_ago_enrols_no_phone(b2b, consumer, new, user, server_clock):
    person = new()
    log_in(b2b, person)
    log_in(consumer, user)
    server_clock.advance(TEN_MINUTES_AGO)
    assert refused(b2b.totp.create, **person.ids) == STALE
    assert refused(consumer.totps.create, expiration_minutes=60) == STALE
    log_in(b2b, person)
    log_in(consumer, user)
    enrol(b2b, person)
    enrol(consumer, user)


def test_removing_a_totp_takes_the_factor_off_the_other_sessions(b2b, visit, new, server_clock):
    person, other = new(enrolled=True), visit("b2b")
    log_in(other, person)
    verify(other, person)
    server_clock.advance(STEP)
    log_in(b2b, person)
    verify(b2b, person)
    b2b.self.deleteMFATOTP()
    assert factors(other.session.authenticate()) == ["password"]


@pytest.mark.parametrize("at_login", [False, True], ids=["in a session", "in a login"])
def test_a_member_confirms_a_totp_only_where_it_was_created(visit, new, at_login):
    person, thief, owner = new(mfa_enrolled=at_login), visit("b2b"), visit("b2b")
    log_in(thief, person)
    log_in(owner, person)
    person.secret = thief.totp.create(**person.ids)["secret"]
    assert refused(verify, owner, person) == (401, "unable_to_authenticate_totp")
    assert person.member.totp_registration_id == ""
    verify(thief, person)


def test_a_user_confirms_a_totp_only_where_it_was_created(visit, user):
    thief, owner = visit("consumer"), visit("consumer")
    log_in(thief, user)
    log_in(owner, user)
    user.secret = thief.totps.create(expiration_minutes=60)["secret"]
    assert refused(verify, owner, user) == (401, "unable_to_authenticate_totp")
    verify(thief, user)


def test_a_totp_that_was_not_confirmed_in_time_is_begun_anew(b2b, new, server_clock):
    person = new()
    log_in(b2b, person)
    person.secret = b2b.totp.create(**person.ids, expiration_minutes=5)["secret"]
    server_clock.advance(5 * 60)
    assert refused(verify, b2b, person) == (400, "expired_totp")
    enrol(b2b, person)
