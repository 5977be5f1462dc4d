"""One member's story: the worked flow of the contract's section 6, through the SDK as a back end has it."""

import pyotp

from tests.contract.driver import SDK_TESTS, refused
from tests.contract.situations import STEP, Person, factors, new_organization

pytestmark = SDK_TESTS

WRONG = (401, "unable_to_authenticate_totp")
IST_GONE = (404, "intermediate_session_not_found")
SESSION_GONE = (404, "session_not_found")


def enrol(person: Person) -> Person:
    """The first login of a member who must have MFA: leaves an active registration and its code spent."""
    ist = person.ist()
    made = person.sdk.totps.create(**person.ids, intermediate_session_token=ist)
    person.secret, person.recovery_codes = made.secret, made.recovery_codes
    person.verify(intermediate_session_token=ist, set_mfa_enrollment="enroll")
    return person


def required(new) -> Person:
    """A member without a factor in an organization that requires one of everybody."""
    person = new()
    person.sdk.organizations.update(person.organization_id, mfa_policy="REQUIRED_FOR_ALL")
    return person


def test_the_first_login_enrols(sdk, new):
    person = required(new)

    login = person.log_in(session_duration_minutes=5, session_custom_claims={"early": True})
    assert login.member_authenticated is False
    assert (login.session_token, login.session_jwt, login.member_session) == ("", "", None)
    assert len(login.intermediate_session_token) == 44
    assert login.mfa_required.model_dump() == {"member_options": None, "secondary_auth_initiated": None}
    assert login.primary_required is None
    ist = login.intermediate_session_token

    made = sdk.totps.create(**person.ids, intermediate_session_token=ist)
    person.secret = made.secret
    assert made.member.totp_registration_id == ""
    assert refused(person.verify, code=person.wrong_code(), intermediate_session_token=ist) == WRONG

    done = person.verify(intermediate_session_token=ist, set_mfa_enrollment="enroll", set_default_mfa=True)
    assert factors(done.member_session) == ["password", "totp"]
    assert done.member.totp_registration_id == made.totp_registration_id
    assert done.member.default_mfa_method == "totp"
    # The policy asks of everybody, so what the member wishes is not looked at (contract 1.2, rule 6).
    assert done.member.mfa_enrolled is False
    # Nothing of the password call is kept: duration and claims come with the second factor (contract 1.10).
    assert done.member_session.custom_claims == {}
    lifetime = done.member_session.expires_at - done.member_session.started_at
    assert lifetime.total_seconds() == 3600

    assert sdk.sessions.authenticate(session_token=done.session_token).member_session == done.member_session
    assert refused(person.verify, intermediate_session_token=ist) == IST_GONE
    assert refused(sdk.totps.create, **person.ids, intermediate_session_token=ist) == IST_GONE


def test_the_factor_of_a_session_names_the_registration_that_was_shown(sdk, new, server_clock):
    person = enrol(required(new))
    server_clock.advance(STEP)
    session = person.verify(intermediate_session_token=person.ist()).member_session
    password, totp = sdk.exchanges[-1].body["member_session"]["authentication_factors"]
    assert (password["type"], password["delivery_method"]) == ("password", "knowledge")
    assert (totp["type"], totp["delivery_method"]) == ("totp", "authenticator_app")
    assert totp["authenticator_app_factor"] == {"totp_id": person.member.totp_registration_id}
    assert int(session.authentication_factors[1].last_authenticated_at.timestamp()) == server_clock.now


def test_the_next_login_names_the_registration_and_takes_the_next_code_once(new, server_clock):
    person = enrol(required(new))
    login = person.log_in()
    options = login.mfa_required.member_options
    assert (options.totp_registration_id, options.mfa_phone_number) == (person.member.totp_registration_id, "")
    ist = login.intermediate_session_token
    assert refused(person.verify, intermediate_session_token=ist) == (401, "totp_code_already_authenticated")
    server_clock.advance(STEP)
    assert person.verify(intermediate_session_token=ist).member_session
    assert refused(person.verify, intermediate_session_token=person.ist()) == (401, "totp_code_already_authenticated")


def test_enrolment_is_the_members_wish_where_mfa_is_optional(new, server_clock):
    person = new(enrolled=True)
    done = person.verify(session_token=person.session().session_token, set_mfa_enrollment="enroll")
    assert done.member.mfa_enrolled is True
    server_clock.advance(STEP)
    done = person.verify(intermediate_session_token=person.ist(), set_mfa_enrollment="unenroll")
    assert done.member.mfa_enrolled is False
    assert person.session()


def test_a_recovery_code_finishes_a_login_and_leaves_the_registration(sdk, new, server_clock):
    person = enrol(required(new))
    ist, code = person.ist(), person.recovery_codes[3]
    done = sdk.recovery_codes.recover(**person.ids, recovery_code=code, intermediate_session_token=ist)
    assert factors(done.member_session) == ["password", "recovery_codes"]
    assert done.recovery_codes_remaining == 9
    assert done.member.totp_registration_id
    assert sdk.sessions.authenticate(session_jwt=done.session_jwt).session_token == done.session_token
    assert refused(person.verify, intermediate_session_token=ist) == IST_GONE
    server_clock.advance(STEP)
    assert person.verify(intermediate_session_token=person.ist()).member_session


def test_a_session_that_is_stepped_up_stays_itself_under_a_new_token(sdk, new, server_clock):
    person = new(enrolled=True)
    before = person.session(session_duration_minutes=30, session_custom_claims={"a": 1})
    server_clock.advance(60)
    after = person.verify(session_token=before.session_token, session_custom_claims={"b": 2})
    assert after.member_session.member_session_id == before.member_session.member_session_id
    assert factors(after.member_session) == ["password", "totp"]
    assert after.member_session.custom_claims == {"a": 1, "b": 2}
    assert after.member_session.expires_at == before.member_session.expires_at
    assert after.session_token != before.session_token
    assert refused(sdk.sessions.authenticate, session_token=before.session_token) == SESSION_GONE
    assert sdk.sessions.authenticate(session_token=after.session_token).member_session
    # A JWT from before the second factor is as old as the token that it stood beside.
    assert refused(sdk.sessions.authenticate, session_jwt=before.session_jwt) == SESSION_GONE
    assert factors(sdk.sessions.authenticate(session_jwt=after.session_jwt).member_session) == ["password", "totp"]


def test_a_second_step_up_refreshes_the_factor_instead_of_adding_one(new, server_clock):
    person = new(enrolled=True)
    first = person.verify(session_token=person.session().session_token)
    server_clock.advance(STEP)
    second = person.verify(session_token=first.session_token, session_duration_minutes=120)
    assert factors(second.member_session) == ["password", "totp"]
    shown = second.member_session.authentication_factors[1]
    assert int(shown.last_authenticated_at.timestamp()) == server_clock.now
    assert shown.created_at == first.member_session.authentication_factors[1].created_at
    assert int(second.member_session.expires_at.timestamp()) == server_clock.now + 7200


def test_a_password_joins_a_session_without_an_mfa_step_and_keeps_its_token(new):
    person = required(new)
    enrol(person)
    session = person.sdk.recovery_codes.recover(
        **person.ids, recovery_code=person.recovery_codes[0], intermediate_session_token=person.ist()
    )
    again = person.log_in(session_token=session.session_token)
    assert again.member_authenticated
    assert again.mfa_required is None
    assert again.member_session.member_session_id == session.member_session.member_session_id
    assert again.session_token == session.session_token
    assert sorted(factors(again.member_session)) == ["password", "recovery_codes"]


def test_a_password_joins_an_intermediate_session_and_gives_it_back(new):
    person = required(new)
    ist = person.ist()
    again = person.log_in(intermediate_session_token=ist)
    assert not again.member_authenticated
    assert again.intermediate_session_token == ist


def test_a_deleted_registration_lets_sessions_live_and_forces_a_new_enrolment(sdk, new, server_clock):
    person = enrol(required(new))
    server_clock.advance(STEP)
    session = person.verify(intermediate_session_token=person.ist())
    left = sdk.organizations.members.delete_totp(**person.ids).member
    assert (left.totp_registration_id, left.default_mfa_method) == ("", "")
    assert factors(sdk.sessions.authenticate(session_token=session.session_token).member_session) == ["password"]
    assert refused(sdk.recovery_codes.get, **person.ids) == (404, "recovery_codes_not_found")

    login = person.log_in()
    assert not login.member_authenticated
    assert login.mfa_required.member_options is None
    ist = login.intermediate_session_token
    server_clock.advance(STEP)
    assert refused(person.verify, intermediate_session_token=ist) == (404, "totp_not_found")
    assert refused(
        sdk.recovery_codes.recover,
        **person.ids,
        recovery_code=person.recovery_codes[0],
        intermediate_session_token=ist,
    ) == (400, "no_active_recovery_code_backed_factor")
    old = person.secret
    made = sdk.totps.create(**person.ids, intermediate_session_token=ist)
    person.secret = made.secret
    assert made.secret != old
    assert person.verify(intermediate_session_token=ist).member.totp_registration_id == made.totp_registration_id


def test_a_replaced_pending_registration_is_dead(sdk, new):
    person = required(new)
    ist = person.ist()
    former = sdk.totps.create(**person.ids, intermediate_session_token=ist)
    latter = sdk.totps.create(**person.ids, intermediate_session_token=ist)
    person.secret = former.secret
    assert refused(person.verify, intermediate_session_token=ist) == WRONG
    person.secret = latter.secret
    assert person.verify(intermediate_session_token=ist).member_session


def test_recovery_codes_live_from_the_first_verification(sdk, new):
    person = new()
    session = person.session()
    made = sdk.totps.create(**person.ids)
    person.secret, code = made.secret, made.recovery_codes[0]
    early = refused(sdk.recovery_codes.recover, **person.ids, recovery_code=code, session_token=session.session_token)
    assert early == (400, "no_active_recovery_code_backed_factor")
    assert refused(sdk.recovery_codes.get, **person.ids) == (404, "recovery_codes_not_found")
    session = person.verify(session_token=session.session_token)
    assert sorted(sdk.recovery_codes.get(**person.ids).recovery_codes) == sorted(made.recovery_codes)
    done = sdk.recovery_codes.recover(**person.ids, recovery_code=code, session_token=session.session_token)
    assert factors(done.member_session) == ["password", "totp", "recovery_codes"]


def test_a_member_moves_in_from_elsewhere_and_logs_in_with_the_app_that_the_member_has(sdk, new, server_clock):
    person = required(new)
    person.secret = pyotp.random_base32()
    made = sdk.totps.migrate(**person.ids, secret=person.secret, recovery_codes=[])
    assert len(set(made.recovery_codes)) == 10
    login = person.log_in()
    assert login.mfa_required.member_options.totp_registration_id == made.totp_registration_id
    done = person.verify(intermediate_session_token=login.intermediate_session_token)
    assert factors(done.member_session) == ["password", "totp"]
    server_clock.advance(STEP)
    fresh = sdk.recovery_codes.rotate(**person.ids).recovery_codes
    ist = person.ist()
    gone = refused(
        sdk.recovery_codes.recover,
        **person.ids,
        recovery_code=made.recovery_codes[0],
        intermediate_session_token=ist,
    )
    assert gone == (401, "unable_to_authenticate_recovery_code")
    done = sdk.recovery_codes.recover(**person.ids, recovery_code=fresh[0], intermediate_session_token=ist)
    assert done.recovery_codes_remaining == 9


def test_a_code_is_good_one_step_to_either_side_and_no_further(new, server_clock):
    for steps, good in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        person = new(enrolled=True)
        token = person.session().session_token
        if good:
            assert person.verify(code=person.code(steps=steps), session_token=token).member_session
        else:
            assert refused(person.verify, code=person.code(steps=steps), session_token=token) == WRONG


def test_a_pending_member_becomes_active_with_the_first_login(sdk, new):
    person = new(create_member_as_pending=True)
    assert person.member.status == "pending"
    assert person.log_in().member.status == "active"


def test_an_organization_that_admits_only_other_first_factors_says_so(sdk, new):
    person = new()
    sdk.organizations.update(person.organization_id, auth_methods="RESTRICTED", allowed_auth_methods=["sso"])
    login = person.log_in()
    assert not login.member_authenticated
    assert login.member_session is None
    assert login.primary_required.allowed_auth_methods == ["sso"]
    made = sdk.totps.create(**person.ids)
    person.secret = made.secret
    too_early = (400, "action_available_only_once_primary_authentication_is_met")
    assert refused(person.verify, intermediate_session_token=login.intermediate_session_token) == too_early


def test_turning_the_policy_on_ends_no_session(sdk, new):
    person = new(new_organization(sdk))
    token = person.session().session_token
    sdk.organizations.update(person.organization_id, mfa_policy="REQUIRED_FOR_ALL")
    assert sdk.sessions.authenticate(session_token=token).member_session
    assert person.ist()
