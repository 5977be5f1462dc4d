"""A member at a page: every call of contract 3.9 that appendix A lists, as the page makes it and as it is sent."""

from tests.contract.situations import PASSWORD, STEP
from tests.e2e.browser import BROWSER_TESTS, IST, JWT, SESSION, refused
from tests.e2e.people import factors, log_in, verify
from tests.live import PUBLIC_TOKEN

pytestmark = BROWSER_TESTS

WRONG = (401, "unable_to_authenticate_totp")


def test_a_page_without_a_login_asks_for_the_project_and_has_nothing_to_complain_of(b2b):
    b2b.settle()
    bootstrap, report = b2b.sent(unasked=True, T=PUBLIC_TOKEN)
    assert bootstrap == "GET /sdk/v1/projects/bootstrap/T pub:pub"
    assert report.startswith("POST /sdk/v1/events no auth [")
    assert b2b.sent() == []
    assert [message.text for message in b2b.console] == []
    assert b2b.cookies == {}
    assert b2b.session.getSync() is None


def test_the_first_login_of_a_member_who_must_have_mfa_enrols(b2b, new):
    person = new(mfa_enrolled=True)

    login = log_in(b2b, person)
    assert (login["member_authenticated"], login["member_session"]) == (False, None)
    assert login["mfa_required"] == {"member_options": None, "secondary_auth_initiated": None}
    assert b2b.cookies == {IST: login["intermediate_session_token"]}

    made = b2b.totp.create(**person.ids, expiration_minutes=60)
    person.secret = made["secret"]
    assert len(made["recovery_codes"]) == 10
    assert b2b.cookies == {IST: login["intermediate_session_token"]}

    code = {"code": person.code(), "session_duration_minutes": 60}
    done = b2b.totp.authenticate(**person.ids, **code, set_mfa_enrollment="enroll", set_default_mfa=True)
    assert factors(done) == ["password", "totp"]
    assert done["member"]["totp_registration_id"] == made["totp_registration_id"]
    assert done["member"]["default_mfa_method"] == "totp"
    assert b2b.cookies == {SESSION: done["session_token"], JWT: done["session_jwt"]}
    assert b2b.session.getSync() == done["member_session"]
    assert b2b.self.getSync() == done["member"]

    assert b2b.sent(O=person.organization_id, M=person.member_id, E=person.email, C=person.code()) == [
        (
            'POST /sdk/v1/b2b/passwords/authenticate pub:pub {"organization_id":"O","email_address":"E",'
            f'"password":"{PASSWORD}","session_duration_minutes":60}}'
        ),
        (
            'POST /sdk/v1/b2b/totp pub:pub {"organization_id":"O","member_id":"M","expiration_minutes":60,'
            '"intermediate_session_token":"<IST>"}'
        ),
        (
            'POST /sdk/v1/b2b/totp/authenticate pub:pub {"organization_id":"O","member_id":"M","code":"C",'
            '"session_duration_minutes":60,"set_mfa_enrollment":"enroll","set_default_mfa":true,'
            '"intermediate_session_token":"<IST>"}'
        ),
    ]


def test_a_login_survives_a_wrong_code_and_takes_a_right_one_once(b2b, visit, new):
    person = new(enrolled=True, mfa_enrolled=True)
    login = log_in(b2b, person)
    options = login["mfa_required"]["member_options"]
    assert options == {"mfa_phone_number": "", "totp_registration_id": person.member.totp_registration_id}

    assert refused(verify, b2b, person, person.wrong_code()) == WRONG
    assert b2b.cookies == {IST: login["intermediate_session_token"]}
    verify(b2b, person)
    assert b2b.cookies.keys() == {SESSION, JWT}

    again = visit("b2b")
    log_in(again, person)
    assert refused(verify, again, person) == (401, "totp_code_already_authenticated")
    assert again.cookies.keys() == {IST}


def test_a_recovery_code_ends_a_login_once(b2b, visit, new):
    person = new(enrolled=True, mfa_enrolled=True)
    code = {"recovery_code": person.recovery_codes[3], "session_duration_minutes": 60}
    log_in(b2b, person)
    done = b2b.recoveryCodes.recover(**person.ids, **code)
    assert factors(done) == ["password", "recovery_codes"]
    assert done["recovery_codes_remaining"] == 9
    assert b2b.cookies == {SESSION: done["session_token"], JWT: done["session_jwt"]}
    assert b2b.sent(O=person.organization_id, M=person.member_id, C=code["recovery_code"])[-1] == (
        'POST /sdk/v1/b2b/recovery_codes/recover pub:pub {"organization_id":"O","member_id":"M","recovery_code":"C",'
        '"session_duration_minutes":60,"intermediate_session_token":"<IST>"}'
    )

    again = visit("b2b")
    log_in(again, person)
    used = refused(again.recoveryCodes.recover, **person.ids, **code)
    assert used == (401, "unable_to_authenticate_recovery_code")
    assert again.cookies.keys() == {IST}


def test_a_member_who_is_logged_in_steps_up_and_manages_the_factor(b2b, new):
    person = new()
    first = log_in(b2b, person)
    assert (first["member_authenticated"], first["mfa_required"]) == (True, None)
    assert b2b.cookies == {SESSION: first["session_token"], JWT: first["session_jwt"]}

    made = b2b.totp.create(**person.ids)
    person.secret = made["secret"]
    done = verify(b2b, person)
    assert factors(done) == ["password", "totp"]
    assert done["member_session"]["member_session_id"] == first["member_session"]["member_session_id"]

    assert b2b.recoveryCodes.get()["recovery_codes"] == made["recovery_codes"]
    rotated = b2b.recoveryCodes.rotate()["recovery_codes"]
    assert b2b.recoveryCodes.get()["recovery_codes"] == rotated != made["recovery_codes"]

    extended = b2b.session.authenticate(session_duration_minutes=30)
    assert extended["member_session"]["expires_at"] < done["member_session"]["expires_at"]
    assert b2b.session.authenticate()["member_session"]["expires_at"] == extended["member_session"]["expires_at"]

    assert b2b.self.get() == b2b.self.getSync() == extended["member"]
    assert b2b.organization.get() == b2b.organization.getSync() == extended["organization"]
    updated = b2b.self.update(mfa_enrolled=True, default_mfa_method="totp")["member"]
    assert (updated["mfa_enrolled"], updated["default_mfa_method"]) == (True, "totp")
    assert b2b.self.deleteMFATOTP()["member"]["totp_registration_id"] == ""
    assert b2b.self.getSync()["totp_registration_id"] == ""

    b2b.session.revoke()
    assert b2b.cookies == {}
    assert b2b.session.getSync() is None

    assert b2b.sent(O=person.organization_id, M=person.member_id, C=person.code())[1:] == [
        'POST /sdk/v1/b2b/totp pub:sess {"organization_id":"O","member_id":"M"}',
        (
            'POST /sdk/v1/b2b/totp/authenticate pub:sess {"organization_id":"O","member_id":"M","code":"C",'
            '"session_duration_minutes":60}'
        ),
        "GET /sdk/v1/b2b/recovery_codes pub:sess",
        "POST /sdk/v1/b2b/recovery_codes/rotate pub:sess {}",
        "GET /sdk/v1/b2b/recovery_codes pub:sess",
        'POST /sdk/v1/b2b/sessions/authenticate pub:sess {"session_duration_minutes":30}',
        "POST /sdk/v1/b2b/sessions/authenticate pub:sess {}",
        "GET /sdk/v1/b2b/organizations/members/me pub:sess",
        "GET /sdk/v1/b2b/organizations/me pub:sess",
        'PUT /sdk/v1/b2b/organizations/members/update pub:sess {"mfa_enrolled":true,"default_mfa_method":"totp"}',
        "DELETE /sdk/v1/b2b/organizations/members/deleteTOTP pub:sess",
        "POST /sdk/v1/b2b/sessions/revoke pub:sess",
    ]


def test_without_a_login_nothing_is_created_verified_or_shown(b2b, new):
    person = new(enrolled=True)
    recovery = {"recovery_code": person.recovery_codes[0], "session_duration_minutes": 60}
    for call, options in (
        (b2b.totp.create, person.ids),
        (b2b.totp.authenticate, {**person.ids, "code": person.code(), "session_duration_minutes": 60}),
        (b2b.recoveryCodes.recover, {**person.ids, **recovery}),
        (b2b.recoveryCodes.get, {}),
        (b2b.recoveryCodes.rotate, {}),
        (b2b.session.authenticate, {}),
        (b2b.self.get, {}),
        (b2b.self.deleteMFATOTP, {}),
        (b2b.organization.get, {}),
    ):
        assert refused(call, **options) == (401, "user_unauthenticated"), call.path
    ids = {"O": person.organization_id, "M": person.member_id}
    assert b2b.sent(**ids)[0] == 'POST /sdk/v1/b2b/totp pub:pub {"organization_id":"O","member_id":"M"}'


def test_a_login_is_good_for_its_own_member_alone(b2b, new):
    person, stranger = new(mfa_enrolled=True, enrolled=True), new(enrolled=True)
    colleague = new(person.organization_id, enrolled=True)
    log_in(b2b, person)
    assert refused(verify, b2b, stranger) == (400, "invalid_intermediate_session_token_for_organization")
    assert refused(verify, b2b, colleague) == (400, "member_session_member_id_mismatch")
    verify(b2b, person)
    assert refused(verify, b2b, stranger) == (400, "member_session_member_id_mismatch")
    assert refused(b2b.totp.create, **colleague.ids) == (400, "member_session_member_id_mismatch")


def test_a_page_sets_no_custom_claims_no_trusted_metadata_and_no_endless_session(b2b, new):
    person = new(enrolled=True)
    log_in(b2b, person)
    code = {**person.ids, "code": person.code()}
    too_long = refused(b2b.totp.authenticate, **code, session_duration_minutes=43201)
    assert too_long == (400, "invalid_session_duration")
    done = b2b.totp.authenticate(**code, session_duration_minutes=60, session_custom_claims={"admin": True})
    assert not done["member_session"]["custom_claims"]
    trusted = refused(b2b.self.update, name="Ada", trusted_metadata={"admin": True})
    assert trusted == (401, "cannot_update_trusted_metadata")
    assert b2b.self.update(name="Ada", untrusted_metadata={"theme": "dark"})["member"]["name"] == "Ada"
    assert person.member.trusted_metadata == {}


def test_wrong_codes_lock_in_the_end_and_leave_the_session(b2b, new, server_clock):
    person = new(enrolled=True)
    log_in(b2b, person)
    for _ in range(10):
        assert refused(verify, b2b, person, person.wrong_code()) == WRONG
    server_clock.advance(STEP)
    assert refused(verify, b2b, person) == (429, "user_lock_limit_reached")
    assert b2b.cookies.keys() == {SESSION, JWT}
