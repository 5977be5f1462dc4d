import pytest

from stytch_totp.core import policy


@pytest.mark.parametrize(
    ("mfa_policy", "mfa_enrolled", "required"),
    [
        ("OPTIONAL", False, False),
        ("OPTIONAL", True, True),
        ("REQUIRED_FOR_ALL", False, True),
        ("REQUIRED_FOR_ALL", True, True),
    ],
)
def test_a_login_needs_mfa_by_the_organization_or_by_the_member(mfa_policy, mfa_enrolled, required):
    assert policy.mfa_required(mfa_policy=mfa_policy, mfa_enrolled=mfa_enrolled) is required


@pytest.mark.parametrize(
    ("rule", "allowed", "breakglass", "admitted"),
    [
        ("ALL_ALLOWED", [], False, True),
        ("ALL_ALLOWED", ["sms_otp"], False, True),
        ("ALL_ALLOWED", [], True, True),
        ("RESTRICTED", [], False, False),
        ("RESTRICTED", ["sms_otp"], False, False),
        ("RESTRICTED", ["totp"], False, True),
        ("RESTRICTED", ["sms_otp", "totp"], False, True),
        ("RESTRICTED", ["sms_otp"], True, True),
        ("RESTRICTED", [], True, True),
    ],
)
def test_a_restricted_list_admits_its_methods_and_break_glass_members(rule, allowed, breakglass, admitted):
    assert policy.method_allowed("totp", rule=rule, allowed=allowed, breakglass=breakglass) is admitted


def test_a_method_is_not_admitted_for_being_part_of_anothers_name():
    assert not policy.method_allowed("otp", rule="RESTRICTED", allowed=["totp", "sms_otp"], breakglass=False)


@pytest.mark.parametrize(
    ("required", "second_factor", "session", "satisfied"),
    [
        (False, False, False, True),
        (False, True, False, True),
        (False, False, True, True),
        (False, True, True, True),
        (True, False, False, False),
        (True, True, False, True),
        (True, False, True, True),
        (True, True, True, True),
    ],
)
def test_a_login_is_complete_by_a_second_factor_or_a_session(required, second_factor, session, satisfied):
    found = policy.mfa_satisfied(required=required, second_factor=second_factor, session=session)
    assert found is satisfied


@pytest.mark.parametrize(
    ("active_factor", "second_factor", "may"),
    [(False, False, True), (False, True, True), (True, False, False), (True, True, True)],
)
def test_who_owns_a_factor_shows_it_before_making_another(active_factor, second_factor, may):
    assert policy.may_create_totp(active_factor=active_factor, second_factor=second_factor) is may
