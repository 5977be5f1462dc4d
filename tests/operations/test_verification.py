import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stytch_totp import errors
from stytch_totp.core import totp
from stytch_totp.core.sealing import Tampered
from stytch_totp.models import AuditEvent, Guard, IntermediateSession, Session, TOTPRegistration
from stytch_totp.operations import enrolment, verification
from tests.clock import CLOCK
from tests.factories import ACTOR, code_of, enrol, make_member, wrong_code
from tests.operations.situations import begin, budget, find, fresh, session_of

pytestmark = pytest.mark.django_db(transaction=True)


def authenticate(member, code, proof=None, **options):
    member = fresh(member)
    proof = begin(member) if proof is None else proof
    return verification.authenticate(member, code=code, proof=proof, actor=ACTOR, **options)


def test_a_right_code_turns_an_intermediate_session_into_a_session_with_both_factors(enrolled):
    member, secret, _ = enrolled
    done = authenticate(member, code_of(secret))
    assert [one["type"] for one in done.granted.session.factors] == ["password", "totp"]
    assert find(session_token=done.granted.token).pk == done.granted.session.pk
    assert budget(member, "totp") == (0, 0)


@pytest.mark.parametrize(("steps", "accepted"), [(-3, 0), (-2, 0), (-1, 1), (0, 1), (1, 1), (2, 0), (3, 0)])
def test_tv02_codes_of_one_step_either_side_are_accepted(enrolled, steps, accepted):
    member, secret, _ = enrolled
    if accepted:
        assert authenticate(member, code_of(secret, steps=steps)).granted.token
    else:
        with pytest.raises(errors.UnableToAuthenticateTOTP):
            authenticate(member, code_of(secret, steps=steps))


def test_tv03_a_code_is_spent_by_its_first_use_whatever_the_path(enrolled):
    member, secret, _ = enrolled
    authenticate(member, code_of(secret))
    for proof in (begin(member), session_of(member, "password")):
        with pytest.raises(errors.TOTPCodeAlreadyAuthenticated):
            authenticate(member, code_of(secret), proof)
    assert Session.objects.filter(member=member).count() == 2  # the one granted and the one shown


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 45), st.integers(-3, 3)), max_size=12))
def test_tv04_accepted_steps_only_ever_increase(enrolled, moves):
    """Against the model of two integers: a code is right within a step of now, above all that was spent, and unless it
    was shown too early.
    """
    member, secret, _ = enrolled
    TOTPRegistration.objects.filter(member=member).update(last_step=-1, burnt_step=-1)
    Guard.objects.filter(member=member).update(failures=0, locks=0, locked_until=0)
    spent = burnt = -1
    for seconds, offset in moves:
        CLOCK.advance(seconds)
        now = totp.step_at(CLOCK())
        step, code = now + offset, code_of(secret, steps=offset)
        expected = abs(offset) <= 1 and step > spent and step != burnt
        try:
            authenticate(member, code)
        except (errors.TOTPCodeAlreadyAuthenticated, errors.UnableToAuthenticateTOTP):
            assert not expected
            burnt = step if offset > 1 else burnt
        except errors.Locked:
            break
        else:
            assert expected
            spent = step


def test_tv05_the_code_that_activates_a_registration_is_consumed(member, clock):
    made = enrolment.create(member, proof=None, actor=ACTOR)
    code = code_of(made.secret)
    authenticate(member, code)
    with pytest.raises(errors.TOTPCodeAlreadyAuthenticated):
        authenticate(member, code)
    clock.advance(30)
    assert authenticate(member, code_of(made.secret)).granted.token


def test_tv14_a_code_that_is_right_for_two_steps_works_once(member, clock):
    # Found by search: this secret's codes for steps 60000000 and 60000001 are the same six digits.
    secret = _secret_with_equal_neighbours(60_000_000)
    clock.at = 60_000_000 * 30.0
    enrolment.migrate(member, secret=secret, recovery_codes=[], actor=ACTOR)
    code = code_of(secret)
    assert code == code_of(secret, steps=1)
    authenticate(member, code)
    for _ in range(4):
        with pytest.raises((errors.TOTPCodeAlreadyAuthenticated, errors.UnableToAuthenticateTOTP)):
            authenticate(member, code)
        clock.advance(30)


def test_tv15_a_right_code_while_locked_is_neither_compared_nor_consumed(enrolled):
    member, secret, _ = enrolled
    for _ in range(10):
        with pytest.raises(errors.UnableToAuthenticateTOTP):
            authenticate(member, wrong_code(secret))
    with pytest.raises(errors.Locked):
        authenticate(member, code_of(secret))
    Guard.objects.filter(member=member).update(failures=0, locks=0, locked_until=0)
    assert authenticate(member, code_of(secret)).granted.token


def test_rl09_a_success_empties_the_budget(enrolled):
    member, secret, _ = enrolled
    for _ in range(9):
        with pytest.raises(errors.UnableToAuthenticateTOTP):
            authenticate(member, wrong_code(secret))
    assert budget(member, "totp") == (9, 0)
    authenticate(member, code_of(secret))
    assert budget(member, "totp") == (0, 0)


def test_the_attempt_that_fills_the_budget_may_still_succeed(enrolled):
    member, secret, _ = enrolled
    for _ in range(9):
        with pytest.raises(errors.UnableToAuthenticateTOTP):
            authenticate(member, wrong_code(secret))
    assert authenticate(member, code_of(secret)).granted.token
    assert budget(member, "totp") == (0, 0)


def test_locks_double_until_a_success(enrolled, clock):
    member, secret, _ = enrolled
    for minutes in (60, 120, 240):
        for _ in range(10):
            with pytest.raises(errors.UnableToAuthenticateTOTP):
                authenticate(member, wrong_code(secret))
        with pytest.raises(errors.Locked) as refused:
            authenticate(member, code_of(secret))
        assert refused.value.retry_after == minutes * 60
        clock.advance(minutes * 60 - 1)
        with pytest.raises(errors.Locked):
            authenticate(member, code_of(secret))
        clock.advance(1)
    authenticate(member, code_of(secret))
    assert budget(member, "totp") == (0, 0)


def test_rl10_a_repeated_code_costs_nothing_and_is_told_apart(enrolled):
    member, secret, _ = enrolled
    authenticate(member, code_of(secret))
    proof = begin(member)
    for _ in range(30):
        with pytest.raises(errors.TOTPCodeAlreadyAuthenticated):
            authenticate(member, code_of(secret), proof)
    assert budget(member, "totp") == (0, 0)
    assert IntermediateSession.objects.get(pk=proof.pk).failures == 0
    assert AuditEvent.objects.filter(tag="member:totp:replayed", outcome="failure").count() == 30


def test_rl07_five_failures_end_an_intermediate_session_and_the_budget_goes_on(enrolled):
    member, secret, _ = enrolled
    proof = begin(member)
    for _ in range(5):
        with pytest.raises(errors.UnableToAuthenticateTOTP):
            authenticate(member, wrong_code(secret), proof)
    with pytest.raises(errors.IntermediateSessionNotFound):
        authenticate(member, code_of(secret), proof)
    assert budget(member, "totp") == (5, 0)
    assert authenticate(member, code_of(secret)).granted.token


def test_en15_a_pending_registration_launders_no_failures(member):
    made = enrolment.create(member, proof=None, actor=ACTOR)
    for _ in range(9):
        with pytest.raises(errors.UnableToAuthenticateTOTP):
            authenticate(member, wrong_code(made.secret))
    again = enrolment.create(fresh(member), proof=None, actor=ACTOR)
    with pytest.raises(errors.UnableToAuthenticateTOTP):
        authenticate(member, wrong_code(again.secret))
    with pytest.raises(errors.Locked):
        authenticate(member, code_of(again.secret))


@pytest.mark.parametrize(
    "code", ["12345", "1234567", "12345６", " 123456", 123456, None, ["123456"], True, "ckss-2skx-ebow"]
)
def test_tv06_what_is_no_code_is_refused_and_nothing_is_charged(enrolled, code):
    member, _, _ = enrolled
    proof = begin(member)
    with pytest.raises((errors.InvalidTOTPCode, errors.RecoveryCodeUsedAsTOTPCode)):
        authenticate(member, code, proof)
    assert budget(member, "totp") == (0, 0)
    assert IntermediateSession.objects.get(pk=proof.pk).failures == 0


def test_a_second_factor_is_never_the_first(enrolled):
    member, secret, _ = enrolled
    with pytest.raises(errors.PrimaryAuthenticationRequired):
        verification.authenticate(member, code=code_of(secret), proof=None, actor=ACTOR)
    assert budget(member, "totp") == (0, 0)


def test_rl12_somebody_elses_proof_charges_nobody(enrolled):
    member, secret, _ = enrolled
    colleague = make_member(organization=member.organization)
    stranger = make_member()
    for proof, refusal in (
        (begin(colleague), errors.MemberMismatch),
        (session_of(stranger, "password"), errors.MemberMismatch),
        (begin(stranger), errors.IntermediateSessionOfOtherOrganization),
    ):
        with pytest.raises(refusal):
            authenticate(member, code_of(secret), proof)
    assert {budget(one, "totp") for one in (member, colleague, stranger)} == {(0, 0)}


def test_en04_a_pending_registration_counts_only_as_activation(member):
    made = enrolment.create(member, proof=None, actor=ACTOR)
    assert fresh(member).active_totp_id is None
    done = authenticate(member, code_of(made.secret))
    assert done.member.active_totp_id == made.registration.pk == fresh(member).active_totp_id
    assert done.registration.state == "active"
    assert AuditEvent.objects.filter(tag="member:totp:activated", member_id=member.pk).count() == 1


def test_en08_a_registration_expires_to_the_second_and_a_clock_set_back_does_not_revive_it(member, clock):
    made = enrolment.create(member, proof=None, actor=ACTOR, minutes=5)
    clock.advance(300)
    with pytest.raises(errors.ExpiredTOTP):
        authenticate(member, code_of(made.secret))
    clock.advance(-7200)
    with pytest.raises(errors.ExpiredTOTP):
        authenticate(member, code_of(made.secret))
    assert budget(member, "totp") == (0, 0)


def test_en08_a_second_before_its_expiry_a_registration_can_still_be_activated(member, clock):
    made = enrolment.create(member, proof=None, actor=ACTOR, minutes=5)
    clock.advance(299)
    assert authenticate(member, code_of(made.secret)).granted.token


def test_a_member_without_a_registration_has_none_to_authenticate(member):
    with pytest.raises(errors.TOTPNotFound):
        authenticate(member, "123456")


@pytest.mark.parametrize(
    ("mfa_policy", "asked", "before", "after"),
    [
        ("OPTIONAL", "enroll", False, True),
        ("OPTIONAL", "unenroll", True, False),
        ("OPTIONAL", None, True, True),
        ("OPTIONAL", None, False, False),
        ("REQUIRED_FOR_ALL", "enroll", False, False),
        ("REQUIRED_FOR_ALL", "unenroll", True, True),
    ],
)
def test_set_mfa_enrollment_is_the_organizations_to_overrule(enrolled, mfa_policy, asked, before, after):
    member, secret, _ = enrolled
    type(member).objects.filter(pk=member.pk).update(mfa_enrolled=before)
    type(member.organization).objects.filter(pk=member.organization_id).update(mfa_policy=mfa_policy)
    done = authenticate(member, code_of(secret), set_mfa_enrollment=asked)
    assert done.member.mfa_enrolled == fresh(member).mfa_enrolled == after


def test_the_first_second_factor_becomes_the_default_and_later_ones_only_on_request(member, clock):
    made = enrolment.create(member, proof=None, actor=ACTOR)
    assert authenticate(member, code_of(made.secret)).member.default_mfa_method == "totp"
    type(member).objects.filter(pk=member.pk).update(default_mfa_method="sms_otp")
    clock.advance(30)
    assert authenticate(member, code_of(made.secret)).member.default_mfa_method == "sms_otp"
    clock.advance(30)
    assert authenticate(member, code_of(made.secret), set_default_mfa=True).member.default_mfa_method == "totp"


@pytest.mark.parametrize("breakglass", [False, True])
def test_restricted_methods_bind_everybody_but_break_glass_members(enrolled, breakglass):
    member, secret, _ = enrolled
    type(member).objects.filter(pk=member.pk).update(is_breakglass=breakglass)
    type(member.organization).objects.update(mfa_methods="RESTRICTED", allowed_mfa_methods=["sms_otp"])
    if breakglass:
        assert authenticate(member, code_of(secret)).granted.token
    else:
        with pytest.raises(errors.TOTPRestricted):
            authenticate(member, code_of(secret))


def test_rl08_inside_somebody_elses_transaction_an_attempt_is_refused_aloud(enrolled):
    member, secret, _ = enrolled
    proof = begin(member)
    with pytest.raises(RuntimeError), transaction.atomic():
        authenticate(member, code_of(secret), proof)
    assert budget(member, "totp") == (0, 0)


def test_a_registration_that_is_removed_while_its_code_is_judged_lets_nobody_in(enrolled, monkeypatch):
    member, secret, _ = enrolled
    judge = totp.matching_step

    def remove_and_judge(*args, **options):
        enrolment.delete(fresh(member), actor=ACTOR)
        return judge(*args, **options)

    monkeypatch.setattr(totp, "matching_step", remove_and_judge)
    with pytest.raises(errors.TOTPCodeAlreadyAuthenticated):
        authenticate(member, code_of(secret))
    assert not Session.objects.exists()


def test_a_budget_of_one_locks_at_each_failure(enrolled, configure, clock):
    configure(LOCK_THRESHOLD=1, LOCK_MINUTES=5)
    member, secret, _ = enrolled
    for minutes in (5, 10):
        with pytest.raises(errors.UnableToAuthenticateTOTP):
            authenticate(member, wrong_code(secret))
        with pytest.raises(errors.Locked):
            authenticate(member, code_of(secret))
        clock.advance(minutes * 60)
    assert authenticate(member, code_of(secret)).granted.token


def _secret_with_equal_neighbours(step):
    """A base32 secret whose codes for ``step`` and the next one are the same."""
    import base64

    for number in range(10_000_000):
        raw = number.to_bytes(20, "big")
        if totp.hotp(raw, step) == totp.hotp(raw, step + 1):
            return base64.b32encode(raw).decode()
    raise AssertionError


def test_cr03_a_secret_that_was_put_there_from_another_row_lets_nobody_in_and_is_on_record(enrolled, organization):
    member, secret, _ = enrolled
    other = make_member(organization=organization)
    enrol(other)
    sealed = other.registrations.get().sealed_secret
    member.registrations.update(sealed_secret=sealed)
    with pytest.raises(Tampered):
        authenticate(member, code_of(secret))
    event = AuditEvent.objects.filter(member_id=member.pk).latest("pk")
    assert (event.tag, event.outcome) == ("member:totp:unreadable", "failure")
    assert budget(member, "totp") == (1, 0)
    assert not Session.objects.filter(member=member).exists()
