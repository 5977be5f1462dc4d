"""Every refusal as a back end sees it: status and ``error_type`` of what the SDK raises."""

from functools import cache
from typing import Any

import pyotp
import pytest

from tests.contract.driver import SDK_TESTS, refusal, refused
from tests.contract.refusals import (
    DURATION,
    LOCKED,
    MALFORMED_CODES,
    NO_IST,
    NO_MEMBER,
    NO_ORGANIZATION,
    NO_SESSION,
    UNKNOWN_TOKEN,
    WRONG_CODE,
    WRONG_CREDENTIALS,
    WRONG_RECOVERY_CODE,
)
from tests.contract.situations import PASSWORD_HASH, Clock, new_organization, new_person
from tests.live import PROJECT_ID, SECRET

pytestmark = SDK_TESTS

NOWHERE = "organization-test-00000000-0000-4000-8000-000000000000"
NOBODY = "member-test-00000000-0000-4000-8000-000000000000"


@pytest.fixture
def person(new):
    """A member with an active TOTP and a session of the first factor."""
    enrolled = new(enrolled=True)
    enrolled.token = enrolled.session(session_duration_minutes=1440).session_token
    return enrolled


@pytest.fixture(scope="module")
def bystanders(live):
    """Somebody like ``person`` for each way of calling, for tests in which nothing happens to anybody."""

    @cache
    def of(sdk):
        bystander = new_person(sdk, Clock(live), enrolled=True)
        bystander.token = bystander.session(session_duration_minutes=1440).session_token
        return bystander

    return of


@pytest.fixture
def bystander(sdk, bystanders):
    return bystanders(sdk)


def recover(person: Any, **options: Any) -> Any:
    """Show a recovery code, by default one that was never made."""
    return person.sdk.recovery_codes.recover(**{**person.ids, "recovery_code": "aaaa-bbbb-cccc", **options})


def test_what_the_sdk_raises_has_the_whole_envelope(sdk):
    details = refusal(sdk.organizations.get, NOWHERE)
    assert (details.status_code, details.error_type) == NO_ORGANIZATION
    assert details.error_message
    assert details.error_url == "https://stytch.com/docs/b2b/api/errors/404#organization_not_found"
    assert details.request_id == sdk.exchanges[-1].body["request_id"]


# Codes


@pytest.mark.parametrize("code", MALFORMED_CODES)
def test_tv06_a_malformed_code_is_refused_for_its_form(bystander, code):
    assert refused(bystander.verify, code=code, session_token=bystander.token) == (400, "invalid_totp_code")


@pytest.mark.parametrize("code", [123456, 123456.0, None, True, ["123456"], {"code": "123456"}])
def test_tv06_a_code_that_is_no_string_is_refused_for_its_form(bystander, code):
    assert refused(bystander.verify, code=code, session_token=bystander.token) == (400, "invalid_totp_code")


def test_each_kind_of_code_in_the_others_place_is_named(person):
    totp = refused(person.verify, code=person.recovery_codes[0], session_token=person.token)
    assert totp == (400, "recovery_code_used_as_totp_code")
    recovery = refused(recover, person, recovery_code=person.code(), session_token=person.token)
    assert recovery == (400, "totp_code_used_as_recovery_code")


@pytest.mark.parametrize("code", ["", "x", "aaaa-bbbb", "aaaa-bbbb-ccc!", "aaaa-bbbb-cccc-dddd", 5, None])
def test_a_malformed_recovery_code_is_refused_for_its_form(bystander, code):
    assert refused(recover, bystander, recovery_code=code, session_token=bystander.token) == (
        400,
        "invalid_recovery_code",
    )


def test_a_wrong_code_and_a_replayed_one_are_told_apart(person):
    assert refused(person.verify, code=person.wrong_code(), session_token=person.token) == WRONG_CODE
    code = person.code()
    token = person.verify(code=code, session_token=person.token).session_token
    for spent in (code, person.code(steps=-1)):
        answer = refused(person.verify, code=spent, session_token=token)
        assert answer == (401, "totp_code_already_authenticated")


def test_an_unknown_recovery_code_and_a_used_one_answer_alike(person):
    assert refused(recover, person, session_token=person.token) == WRONG_RECOVERY_CODE
    code = person.recovery_codes[0]
    token = recover(person, recovery_code=code, session_token=person.token).session_token
    for spelling in (code, code.upper()):
        assert refused(recover, person, recovery_code=spelling, session_token=token) == WRONG_RECOVERY_CODE


# Registrations


def test_a_member_with_an_active_totp_gets_no_second_one(sdk, person):
    assert refused(sdk.totps.create, **person.ids) == (400, "active_totp_exists")
    secret = pyotp.random_base32()
    again = refused(sdk.totps.migrate, **person.ids, secret=secret, recovery_codes=[])
    assert again == (400, "active_totp_exists")


@pytest.mark.parametrize("minutes", [4, 1441, 0, -60, 5.5, "60", True])
def test_en07_an_expiration_out_of_its_bounds_is_refused(sdk, new, minutes):
    answer = refused(sdk.totps.create, **new().ids, expiration_minutes=minutes)
    assert answer == (400, "invalid_expiration")


@pytest.mark.parametrize(("minutes", "seconds"), [(None, 3600), (5, 300), (1440, 86400)])
def test_en08_a_registration_that_was_not_verified_in_time_is_expired(sdk, new, server_clock, minutes, seconds):
    for late in (1, 0):
        person = new()
        token = person.session(session_duration_minutes=2880).session_token
        person.secret = sdk.totps.create(**person.ids, expiration_minutes=minutes).secret
        server_clock.advance(seconds - late)
        if late:
            assert person.verify(session_token=token).member_session
        else:
            assert refused(person.verify, session_token=token) == (400, "expired_totp")


def test_a_member_without_a_registration_has_nothing_to_verify(sdk, new):
    person = new()
    token = person.session().session_token
    assert refused(person.verify, code="123456", session_token=token) == (404, "totp_not_found")
    assert refused(sdk.organizations.members.delete_totp, **person.ids) == (404, "totp_not_found")
    assert refused(sdk.recovery_codes.get, **person.ids) == (404, "recovery_codes_not_found")
    none = (400, "no_active_recovery_code_backed_factor")
    assert refused(sdk.recovery_codes.rotate, **person.ids) == none
    assert refused(recover, person, session_token=token) == none


@pytest.mark.parametrize(
    "secret", ["", "ABC", "A" * 16, "not base32!" * 4, "a" * 32, "ABCDEFGHIJKLMNOPQRSTUVWXYZ23456=" * 2]
)
def test_en10_a_secret_that_is_not_canonical_base32_of_128_bits_is_refused(sdk, new, secret):
    answer = refused(sdk.totps.migrate, **new().ids, secret=secret, recovery_codes=[])
    assert answer == (400, "bad_request")


def test_a_pending_member_gets_no_factor(sdk, new):
    ids = new(create_member_as_pending=True).ids
    for call in (sdk.totps.create, lambda **ids: sdk.totps.migrate(**ids, secret="A" * 32, recovery_codes=[])):
        assert refused(call, **ids) == (400, "action_available_only_for_active_members")


# Who is meant


def about_a_member(sdk, person):
    """Every call that names an organization and a member, with what it takes besides."""
    people = sdk.organizations.members
    return (
        (sdk.totps.create, {}),
        (sdk.totps.authenticate, {"code": "123456", "session_token": person.token}),
        (sdk.totps.migrate, {"secret": "A" * 32, "recovery_codes": []}),
        (sdk.recovery_codes.get, {}),
        (sdk.recovery_codes.recover, {"recovery_code": "aaaa-bbbb-cccc", "session_token": person.token}),
        (sdk.recovery_codes.rotate, {}),
        (sdk.sessions.get, {}),
        *((getattr(people, name), {}) for name in ("get", "update", "delete", "reactivate")),
        *((getattr(people, name), {}) for name in ("delete_totp", "delete_external_id")),
    )


def test_an_unknown_organization_is_not_found_by_any_call(sdk, bystander):
    for call, options in about_a_member(sdk, bystander):
        assert refused(call, **{**bystander.ids, "organization_id": NOWHERE}, **options) == NO_ORGANIZATION
    for name in ("no-such-slug", "x", NOBODY, "ä"):
        assert refused(sdk.sessions.get, name, bystander.member_id) == NO_ORGANIZATION


def test_te02_another_organizations_member_is_found_no_more_than_nobody(sdk, bystander, new):
    elsewhere = new().ids
    for member_id in (NOBODY, elsewhere["member_id"]):
        for call, options in about_a_member(sdk, bystander):
            assert refused(call, **{**bystander.ids, "member_id": member_id}, **options) == NO_MEMBER
    assert refused(sdk.sessions.get, **{**bystander.ids, "member_id": NOWHERE}) == NO_MEMBER
    assert refused(sdk.sessions.get, **{**elsewhere, "member_id": bystander.member_id}) == NO_MEMBER
    assert refused(sdk.sessions.revoke, member_id=NOBODY) == NO_MEMBER
    assert refused(sdk.organizations.members.dangerously_get, "no-such-external-id") == NO_MEMBER


def test_a_deleted_member_is_gone_with_everything(sdk, new):
    person = new(enrolled=True)
    session = person.session()
    sdk.organizations.update(person.organization_id, mfa_policy="REQUIRED_FOR_ALL")
    ist = person.ist()
    sdk.organizations.members.delete(**person.ids)
    assert refused(sdk.sessions.authenticate, session_token=session.session_token) == (404, "session_not_found")
    assert refused(person.log_in) == WRONG_CREDENTIALS
    assert refused(person.verify, intermediate_session_token=ist) in (NO_MEMBER, NO_IST)
    assert refused(person.verify) == NO_MEMBER
    assert refused(sdk.totps.create, **person.ids) == NO_MEMBER
    assert refused(sdk.organizations.members.delete, **person.ids) == NO_MEMBER


# Sessions and tokens


def test_more_than_one_credential_is_too_many(sdk, person):
    session = sdk.sessions.authenticate(session_token=person.token)
    sdk.organizations.update(person.organization_id, mfa_policy="REQUIRED_FOR_ALL")
    given = {
        "session_token": person.token,
        "session_jwt": session.session_jwt,
        "intermediate_session_token": person.ist(),
    }
    for left_out in [*given, None]:
        pair = {name: value for name, value in given.items() if name != left_out}
        for call in (person.verify, lambda **pair: recover(person, **pair), person.log_in):
            assert refused(call, **pair) == (400, "too_many_session_arguments")
        assert refused(sdk.totps.create, **person.ids, **pair) == (400, "too_many_session_arguments")


def test_a_second_factor_is_never_the_first(person):
    first = (400, "action_available_only_once_primary_authentication_is_met")
    assert refused(person.verify) == first
    assert refused(recover, person, recovery_code=person.recovery_codes[0]) == first


@pytest.mark.parametrize(
    ("credential", "answer"),
    [
        ({"session_token": UNKNOWN_TOKEN}, (404, "session_not_found")),
        ({"session_token": "x"}, (400, "invalid_session_token")),
        ({"session_token": "x" * 2000}, (400, "invalid_session_token")),
        ({"intermediate_session_token": UNKNOWN_TOKEN}, NO_IST),
        ({"intermediate_session_token": "x"}, (400, "invalid_session_token")),
        ({"session_jwt": "x"}, (400, "unable_to_parse_session_jwt")),
        ({"session_jwt": "e30.e30.e30"}, (400, "unable_to_parse_session_jwt")),
        ({"session_jwt": "x" * 20000}, (413, "bad_request")),
    ],
)
def test_a_credential_that_is_none_is_refused_wherever_it_is_taken(sdk, bystander, credential, answer):
    for call in (bystander.verify, lambda **credential: recover(bystander, **credential), bystander.log_in):
        assert refused(call, **credential) == answer
    assert refused(sdk.totps.create, **bystander.ids, **credential) == answer
    if "intermediate_session_token" not in credential:
        assert refused(sdk.sessions.authenticate, **credential) == answer
        assert refused(sdk.sessions.revoke, **credential) == answer


def test_se03_an_intermediate_session_lives_for_ten_minutes(sdk, new, server_clock):
    person = new(enrolled=True, mfa_enrolled=True)
    login, early = person.log_in(), person.ist()
    server_clock.advance(599)
    assert person.verify(intermediate_session_token=early).member_session
    server_clock.advance(1)
    ist = login.intermediate_session_token
    assert refused(person.verify, intermediate_session_token=ist) == NO_IST
    assert refused(recover, person, intermediate_session_token=ist) == NO_IST
    assert refused(person.log_in, intermediate_session_token=ist) == NO_IST


def test_rl07_five_failures_end_an_intermediate_session(new):
    person = new(enrolled=True, mfa_enrolled=True)
    ist = person.ist()
    for _ in range(5):
        assert refused(person.verify, code=person.wrong_code(), intermediate_session_token=ist) == WRONG_CODE
    assert refused(person.verify, intermediate_session_token=ist) == NO_IST
    assert person.verify(intermediate_session_token=person.ist()).member_session


def test_an_intermediate_session_is_no_session(sdk, new):
    ist = new(mfa_enrolled=True).ist()
    assert refused(sdk.sessions.authenticate, session_token=ist) == (404, "session_not_found")
    assert refused(sdk.sessions.revoke, session_token=ist) == (404, "session_not_found")


def test_somebody_elses_credential_is_refused(sdk, person, new):
    colleague = new(person.organization_id, mfa_enrolled=True)
    stranger = new(mfa_enrolled=True)
    outsider = new()
    mismatch = (400, "member_session_member_id_mismatch")
    elsewhere = (400, "invalid_intermediate_session_token_for_organization")
    for credential, answer in (
        ({"session_token": outsider.session().session_token}, mismatch),
        ({"session_jwt": outsider.session().session_jwt}, mismatch),
        ({"intermediate_session_token": colleague.ist()}, mismatch),
        ({"intermediate_session_token": stranger.ist()}, elsewhere),
    ):
        for call in (person.verify, lambda **credential: recover(person, **credential), person.log_in):
            assert refused(call, **credential) == answer
        assert refused(sdk.totps.create, **person.ids, **credential) == answer


@pytest.mark.parametrize("minutes", [4, 527041, 0, -5, 60.5, "60", True])
def test_a_session_duration_out_of_its_bounds_is_refused(sdk, bystander, minutes):
    for call in (bystander.verify, lambda **options: recover(bystander, **options)):
        assert refused(call, session_token=bystander.token, session_duration_minutes=minutes) == DURATION
    assert refused(bystander.log_in, session_duration_minutes=minutes) == DURATION
    assert (
        refused(sdk.sessions.authenticate, session_token=bystander.token, session_duration_minutes=minutes) == DURATION
    )


@pytest.mark.parametrize(
    ("claims", "error_type"),
    [
        *[
            ({name: "x"}, "reserved_claims_in_custom_claims")
            for name in ("iss", "sub", "aud", "exp", "nbf", "iat", "jti")
        ],
        ({"https://stytch.com/session": {}}, "stytch_claims_in_custom_claims"),
        ({"large": "x" * 4096}, "custom_claims_too_large"),
    ],
)
def test_se10_custom_claims_that_cannot_be_are_refused(sdk, bystander, claims, error_type):
    options = {"session_token": bystander.token, "session_custom_claims": claims}
    answer = (400, error_type)
    assert refused(bystander.verify, **options) == answer
    assert refused(recover, bystander, recovery_code=bystander.recovery_codes[0], **options) == answer
    assert refused(bystander.log_in, session_custom_claims=claims) == answer
    assert refused(sdk.sessions.authenticate, **options) == answer


def test_a_refused_claim_spends_no_code(person):
    options = {"session_token": person.token, "session_custom_claims": {"sub": "x"}}
    recovery_code = person.recovery_codes[0]
    reserved = (400, "reserved_claims_in_custom_claims")
    assert refused(person.verify, **options) == reserved
    assert refused(recover, person, recovery_code=recovery_code, **options) == reserved
    token = person.verify(session_token=person.token).session_token
    assert recover(person, recovery_code=recovery_code, session_token=token).recovery_codes_remaining == 9


@pytest.mark.parametrize("value", ["enrolled", "", "ENROLL", True])
def test_an_enrollment_that_is_neither_word_is_refused(bystander, value):
    answer = refused(bystander.verify, session_token=bystander.token, set_mfa_enrollment=value)
    assert answer == (400, "invalid_set_mfa_enrollment")


def test_a_session_is_named_once_and_rightly(sdk, person):
    session = sdk.sessions.authenticate(session_token=person.token)
    both = {"session_token": person.token, "session_jwt": session.session_jwt}
    member_session_id = session.member_session.member_session_id
    assert refused(sdk.sessions.authenticate) == (400, "no_session_arguments")
    assert refused(sdk.sessions.authenticate, **both) == (400, "too_many_session_arguments")
    assert refused(sdk.sessions.revoke) == (400, "no_session_revoke_arguments")
    assert refused(sdk.sessions.revoke, **both) == (400, "too_many_session_revoke_arguments")
    selectors = {"member_id": person.member_id, "member_session_id": member_session_id}
    assert refused(sdk.sessions.revoke, **selectors) == (400, "too_many_session_revoke_arguments")
    assert refused(sdk.sessions.revoke, member_session_id="x") == (400, "invalid_session_id")
    assert refused(sdk.sessions.revoke, member_session_id=NO_SESSION) == (404, "session_not_found")
    sdk.sessions.revoke(member_session_id=member_session_id)
    assert refused(sdk.sessions.revoke, member_session_id=member_session_id) == (404, "session_not_found")


# The budget


def test_ten_failures_lock_the_app_and_not_the_recovery_codes(person, server_clock):
    for _ in range(10):
        assert refused(person.verify, code=person.wrong_code(), session_token=person.token) == WRONG_CODE
    for code in (person.code(), person.wrong_code()):
        assert refused(person.verify, code=code, session_token=person.token) == LOCKED
    locked = person.member
    assert locked.is_locked
    assert (locked.lock_expires_at - locked.lock_created_at).total_seconds() == 3600
    token = recover(person, recovery_code=person.recovery_codes[0], session_token=person.token).session_token
    assert refused(person.verify, session_token=token) == LOCKED
    server_clock.advance(3600)
    free = person.verify(session_token=token).member
    assert (free.is_locked, free.lock_created_at, free.lock_expires_at) == (False, None, None)


def test_ten_failures_lock_the_recovery_codes_and_not_the_app(person):
    for _ in range(10):
        assert refused(recover, person, session_token=person.token) == WRONG_RECOVERY_CODE
    locked = refused(recover, person, recovery_code=person.recovery_codes[0], session_token=person.token)
    assert locked == LOCKED
    assert person.verify(session_token=person.token).member_session


def test_ten_failures_lock_the_password(new):
    person = new()
    for _ in range(10):
        assert refused(person.log_in, password="wrong") == WRONG_CREDENTIALS
    assert refused(person.log_in) == LOCKED


# Passwords


def test_a_login_does_not_tell_which_addresses_there_are(sdk, person):
    organization_id = person.organization_id
    bare = sdk.organizations.members.create(organization_id, "without@example.com").member
    attempts = [(person.email, "wrong"), ("nobody@example.com", "wrong"), (bare.email_address, "wrong")]
    answers = [refusal(sdk.passwords.authenticate, organization_id, *attempt).original_json for attempt in attempts]
    told = [{name: value for name, value in answer.items() if name != "request_id"} for answer in answers]
    assert told[0] == told[1] == told[2]
    assert (told[0]["status_code"], told[0]["error_type"]) == WRONG_CREDENTIALS
    assert refused(sdk.passwords.authenticate, NOWHERE, person.email, "wrong") == NO_ORGANIZATION


@pytest.mark.parametrize("hash_type", ["md_5", "sha_1", "sha_512", "phpass", "rot13"])
def test_a_hash_that_is_no_password_hash_is_refused(sdk, new, hash_type):
    person = new()
    answer = refused(sdk.passwords.migrate, person.email, PASSWORD_HASH, hash_type, person.organization_id)
    assert answer == (400, "bad_request")


# Organizations and members


@pytest.mark.parametrize(
    ("fields", "error_type"),
    [
        ({"organization_name": ""}, "invalid_organization_name"),
        ({"organization_name": "x" * 129}, "invalid_organization_name"),
        ({"organization_name": "a\u202eb"}, "invalid_organization_name"),
        ({"organization_slug": "x"}, "invalid_organization_slug"),
        ({"organization_slug": "x" * 129}, "invalid_organization_slug"),
        ({"organization_slug": "with blank"}, "invalid_organization_slug"),
        ({"organization_slug": "~._-"}, "invalid_organization_slug"),
        ({"organization_slug": NOWHERE}, "invalid_organization_slug"),
        ({"organization_external_id": ""}, "invalid_organization_external_id"),
        ({"organization_external_id": "x" * 129}, "invalid_organization_external_id"),
        ({"organization_external_id": "a/b"}, "invalid_organization_external_id"),
        ({"organization_external_id": NOWHERE}, "invalid_organization_external_id"),
        ({"organization_logo_url": "x" * 5000}, "organization_logo_url_too_long"),
        ({"mfa_policy": "SOMETIMES"}, "invalid_organization_mfa_policy"),
        ({"mfa_methods": "SOME"}, "invalid_organization_mfa_factor_setting"),
        ({"allowed_mfa_methods": ["smoke_signals"]}, "invalid_organization_allowed_mfa_methods"),
        ({"mfa_methods": "RESTRICTED"}, "allowed_mfa_methods_required_for_restricted"),
        ({"mfa_methods": "RESTRICTED", "allowed_mfa_methods": []}, "allowed_mfa_methods_required_for_restricted"),
        ({"auth_methods": "RESTRICTED"}, "allowed_auth_methods_required_for_restricted"),
        ({"trusted_metadata": "x"}, "bad_request"),
    ],
)
def test_a_field_that_an_organization_cannot_have_is_refused(sdk, bystander, fields, error_type):
    assert refused(sdk.organizations.create, **{"organization_name": "Acme", **fields}) == (400, error_type)
    assert refused(sdk.organizations.update, bystander.organization_id, **fields) == (400, error_type)


def test_a_name_that_an_organization_goes_by_is_taken_once(sdk):
    names = {"organization_slug": "taken-slug", "organization_external_id": "taken-external"}
    first = new_organization(sdk, **names)
    second = new_organization(sdk)
    slug, external = (400, "organization_slug_already_used"), (400, "organization_external_id_already_used")
    for fields, answer in (
        ({"organization_slug": "taken-slug"}, slug),
        ({"organization_external_id": "taken-external"}, external),
        # One name can't stand for two organizations, whichever kind of name it is.
        ({"organization_slug": "taken-external"}, slug),
        ({"organization_external_id": "taken-slug"}, external),
    ):
        assert refused(sdk.organizations.create, "Acme", **fields) == answer
        assert refused(sdk.organizations.update, second, **fields) == answer
    assert sdk.organizations.update(first, **names).organization.organization_slug == "taken-slug"
    sdk.organizations.delete(first)


def test_what_a_member_goes_by_is_taken_once_in_its_organization(sdk, new):
    person = new(external_id="hr-1")
    other = new(person.organization_id)
    create = sdk.organizations.members.create
    update = sdk.organizations.members.update
    email, external = (400, "duplicate_member_email"), (400, "duplicate_member_external_id")
    for spelling in (person.email, person.email.upper()):
        assert refused(create, person.organization_id, spelling) == email
        assert refused(update, **other.ids, email_address=spelling) == email
    assert refused(create, person.organization_id, "new@example.com", external_id="hr-1") == external
    assert refused(update, **other.ids, external_id="hr-1") == external
    assert create(new_organization(sdk), person.email, external_id="hr-1").member_id != person.member_id


@pytest.mark.parametrize(
    "email", ["", "x", "a@b", "a b@example.com", "@example.com", "a@" + "x" * 260 + ".com", "ä\u202e@x.de"]
)
def test_an_address_that_is_none_is_refused(sdk, bystander, email):
    members, invalid = sdk.organizations.members, (400, "invalid_email")
    assert refused(members.create, bystander.organization_id, email) == invalid
    assert refused(members.update, **bystander.ids, email_address=email) == invalid


def test_a_member_is_got_by_one_selector(sdk, new):
    person = new()
    get = sdk.organizations.members.get
    for selectors in ({}, {"member_id": person.member_id, "email_address": person.email}):
        assert refused(get, person.organization_id, **selectors) == (400, "invalid_member_get_fields")
    assert refused(get, person.organization_id, email_address="nobody@example.com") == NO_MEMBER


def test_a_default_method_is_one_that_the_member_has(sdk, new):
    person = new()
    update = sdk.organizations.members.update
    assert refused(update, **person.ids, default_mfa_method="pigeon") == (400, "invalid_mfa_default_method")
    for method in ("totp", "sms_otp"):
        answer = refused(update, **person.ids, default_mfa_method=method)
        assert answer == (400, "default_mfa_member_missing_factor")


def test_who_can_be_reactivated(sdk, new):
    person, pending = new(), new(create_member_as_pending=True)
    members = sdk.organizations.members
    none = (400, "no_deleted_member_found_for_reactivation")
    assert refused(members.reactivate, **person.ids) == none
    members.delete(**person.ids)
    members.create(person.organization_id, person.email)
    taken = (400, "reactivation_email_belongs_to_another_member")
    assert refused(members.reactivate, **person.ids) == taken
    members.delete(**pending.ids)
    assert refused(members.reactivate, **pending.ids) == (400, "email_unverified_for_reactivation")


@pytest.mark.parametrize(
    ("query", "error_type"),
    [
        ({"operator": "AND", "operands": [{"filter_name": "shoe_size", "filter_value": 42}]}, None),
        ({"operator": "XOR", "operands": []}, "bad_request"),
        ({"operator": "AND", "operands": {}}, "bad_request"),
        ({"operator": "AND", "operands": [{"filter_name": "member_emails"}]}, "bad_request"),
    ],
)
def test_a_search_that_asks_for_what_there_is_not_is_refused(sdk, query, error_type):
    unknown = "{}_search_filter_name_not_recognized".format
    organizations = refused(sdk.organizations.search, query=query)
    members = refused(sdk.organizations.members.search, [new_organization(sdk)], query=query)
    assert organizations == (400, error_type or unknown("organization"))
    assert members == (400, error_type or unknown("member"))


def test_a_search_has_bounds(sdk):
    for limit in (0, 1001, -1, "10"):
        assert refused(sdk.organizations.search, limit=limit) == (400, "bad_request")
    assert refused(sdk.organizations.search, cursor="not one of ours") == (400, "bad_request")
    assert refused(sdk.organizations.members.search, [])[0] == 400
    assert refused(sdk.organizations.members.search, [NOWHERE]) == NO_ORGANIZATION


# Who calls


@pytest.mark.parametrize(
    ("project_id", "secret", "answer"),
    [
        (PROJECT_ID, "secret-test-wrong", WRONG_CREDENTIALS),
        (PROJECT_ID, SECRET.upper(), WRONG_CREDENTIALS),
        ("project-test-00000000-0000-4000-8000-000000000000", SECRET, WRONG_CREDENTIALS),
        (PROJECT_ID.replace("-test-", "-live-"), SECRET, WRONG_CREDENTIALS),
        ("project-test-1", SECRET, (400, "invalid_project_id_authentication")),
        ("me", SECRET, (400, "invalid_project_id_authentication")),
    ],
)
def test_who_does_not_know_the_projects_secret_is_refused(connect, way, project_id, secret, answer):
    stranger = connect(way, "b2b", project_id, secret)
    assert refused(stranger.organizations.get, NOWHERE) == answer
    assert refused(stranger.totps.create, NOWHERE, NOBODY) == answer


def test_what_is_not_served_is_no_route(sdk, person):
    missing = (404, "route_not_found")
    members = sdk.organizations.members
    assert refused(sdk.organizations.connected_apps, person.organization_id) == missing
    assert refused(members.delete_mfa_phone_number, **person.ids) == missing
    assert refused(members.delete_password, person.organization_id, person.member.member_password_id) == missing
    assert refused(members.update, person.organization_id, "a/b") == missing
    assert refused(sdk.rbac.organizations.set_org_policy, person.organization_id, {"roles": []}) == missing
    assert refused(sdk.sessions.migrate, person.token, person.organization_id) == missing
    assert refused(sdk.sessions.attest, "profile", "token") == missing
