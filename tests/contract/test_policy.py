"""Who owes a second factor, and who may have one: the organization's rules as decision tables."""

import pyotp
import pytest

from tests.contract.driver import SDK_TESTS, refused
from tests.contract.situations import factors, give_password

pytestmark = SDK_TESTS

COMPLETE, OWES_MFA = "complete", "owes a second factor"
GONE = (404, "session_not_found")
MISMATCH = (400, "member_session_member_id_mismatch")
RESTRICTED = (400, "operation_restricted_by_organization_mfa_methods")

#: mfa_policy, mfa_enrolled, the session that comes with the password: what the login amounts to (contract 1.10).
LOGINS = [
    ("OPTIONAL", False, "none", COMPLETE),
    ("OPTIONAL", False, "own", COMPLETE),
    ("OPTIONAL", False, "revoked", GONE),
    ("OPTIONAL", False, "expired", GONE),
    ("OPTIONAL", False, "somebody else's", MISMATCH),
    ("OPTIONAL", True, "none", OWES_MFA),
    ("OPTIONAL", True, "own", COMPLETE),
    ("OPTIONAL", True, "revoked", GONE),
    ("OPTIONAL", True, "expired", GONE),
    ("OPTIONAL", True, "somebody else's", MISMATCH),
    ("REQUIRED_FOR_ALL", False, "none", OWES_MFA),
    ("REQUIRED_FOR_ALL", False, "own", COMPLETE),
    ("REQUIRED_FOR_ALL", False, "revoked", GONE),
    ("REQUIRED_FOR_ALL", False, "expired", GONE),
    ("REQUIRED_FOR_ALL", False, "somebody else's", MISMATCH),
    ("REQUIRED_FOR_ALL", True, "none", OWES_MFA),
    ("REQUIRED_FOR_ALL", True, "own", COMPLETE),
    ("REQUIRED_FOR_ALL", True, "revoked", GONE),
    ("REQUIRED_FOR_ALL", True, "expired", GONE),
    ("REQUIRED_FOR_ALL", True, "somebody else's", MISMATCH),
]


def session_of_kind(kind, person, new, server_clock):
    """The login that a session of this kind came from, or None."""
    if kind == "none":
        return None
    login = (new(person.organization_id) if kind == "somebody else's" else person).session()
    if kind == "revoked":
        person.sdk.sessions.revoke(session_token=login.session_token)
    if kind == "expired":
        server_clock.advance(3600)
    return login


@pytest.mark.parametrize(("mfa_policy", "mfa_enrolled", "kind", "outcome"), LOGINS)
def test_what_a_password_amounts_to(sdk, new, server_clock, *, mfa_policy, mfa_enrolled, kind, outcome):
    person = new()
    given = session_of_kind(kind, person, new, server_clock)
    sdk.organizations.update(person.organization_id, mfa_policy=mfa_policy)
    sdk.organizations.members.update(**person.ids, mfa_enrolled=mfa_enrolled)
    credential = "session_jwt" if sdk.run else "session_token"
    options = {credential: getattr(given, credential)} if given else {}
    if isinstance(outcome, tuple):
        assert refused(person.log_in, **options) == outcome
        return
    login = person.log_in(**options)
    complete = outcome == COMPLETE
    assert login.member_authenticated is complete
    assert bool(login.session_token) is bool(login.session_jwt) is bool(login.member_session) is complete
    assert bool(login.intermediate_session_token) is bool(login.mfa_required) is not complete
    if complete:
        assert factors(login.member_session) == ["password"]
    if given:
        assert login.member_session.member_session_id == given.member_session.member_session_id


@pytest.mark.parametrize("enrolled", [False, True])
@pytest.mark.parametrize("is_breakglass", [False, True])
@pytest.mark.parametrize(("mfa_policy", "mfa_enrolled"), [("OPTIONAL", True), ("REQUIRED_FOR_ALL", False)])
def test_who_owes_mfa_is_told_with_what_and_break_glass_exempts_nobody(
    sdk, new, *, mfa_policy, mfa_enrolled, is_breakglass, enrolled
):
    person = new(enrolled=enrolled, mfa_enrolled=mfa_enrolled, is_breakglass=is_breakglass)
    sdk.organizations.update(person.organization_id, mfa_policy=mfa_policy)
    options = person.log_in().mfa_required.member_options
    assert (options.totp_registration_id if options else "") == person.member.totp_registration_id
    assert bool(options) is enrolled


#: mfa_methods, allowed_mfa_methods, is_breakglass: whether the member may have and use a TOTP.
METHODS = [
    ("ALL_ALLOWED", [], False, True),
    ("ALL_ALLOWED", ["sms_otp"], False, True),
    ("RESTRICTED", ["totp"], False, True),
    ("RESTRICTED", ["sms_otp", "totp"], False, True),
    ("RESTRICTED", ["sms_otp"], False, False),
    ("RESTRICTED", ["sms_otp"], True, True),
]


@pytest.mark.parametrize(("mfa_methods", "allowed_mfa_methods", "is_breakglass", "allowed"), METHODS)
def test_who_may_have_and_use_a_totp(sdk, new, *, mfa_methods, allowed_mfa_methods, is_breakglass, allowed):
    newcomer = new(is_breakglass=is_breakglass)
    enrolled = new(newcomer.organization_id, is_breakglass=is_breakglass, enrolled=True)
    token = enrolled.session().session_token
    sdk.organizations.update(newcomer.organization_id, mfa_methods=mfa_methods, allowed_mfa_methods=allowed_mfa_methods)
    if allowed:
        assert sdk.totps.create(**newcomer.ids).secret
        assert enrolled.verify(session_token=token).member_session
    else:
        assert refused(sdk.totps.create, **newcomer.ids) == RESTRICTED
        assert refused(enrolled.verify, session_token=token) == RESTRICTED


def test_en02_who_owns_another_factor_shows_one_before_enrolling_an_app(sdk, new, server_clock):
    """A verified phone is imported; without this rule a stolen password alone would enrol the thief's own app."""
    person = new(enrolled=True)
    phone = {"mfa_phone_number": "+15005550006", "set_phone_number_verified": True}
    give_password(sdk, person.organization_id, person.email, **phone)
    stepped_up = person.verify(session_token=person.session().session_token)
    left = sdk.organizations.members.delete_totp(**person.ids).member
    assert (left.default_mfa_method, left.mfa_phone_number_verified) == ("sms_otp", True)
    first_factor = person.session()
    sdk.organizations.update(person.organization_id, mfa_policy="REQUIRED_FOR_ALL")
    login = person.log_in()
    assert login.mfa_required.member_options.model_dump() == {
        "mfa_phone_number": "+15005550006",
        "totp_registration_id": "",
    }
    for credential in (
        {},
        {"session_token": first_factor.session_token},
        {"session_jwt": first_factor.session_jwt},
        {"session_token": stepped_up.session_token},  # by the app that is no more
        {"intermediate_session_token": login.intermediate_session_token},
    ):
        assert refused(sdk.totps.create, **person.ids, **credential) == (401, "insufficient_factors")
    # The back end that takes the app away can give another.
    secret = pyotp.random_base32()
    assert sdk.totps.migrate(**person.ids, secret=secret, recovery_codes=[]).member.totp_registration_id


def test_a_migration_is_the_back_ends_word_and_needs_no_session(sdk, new):
    person = new(mfa_enrolled=True)
    made = sdk.totps.migrate(**person.ids, secret=pyotp.random_base32(), recovery_codes=[])
    assert person.log_in().mfa_required.member_options.totp_registration_id == made.totp_registration_id
