import pytest

from stytch_totp import errors
from stytch_totp.models import AuditEvent, Guard, RecoveryCode, Session, TOTPRegistration
from stytch_totp.operations import enrolment, members, recovery, verification
from tests.factories import ACTOR, code_of, enrol, make_member, wrong_code
from tests.operations.situations import begin, budget, fresh, session_of

pytestmark = pytest.mark.django_db(transaction=True)

WRONG = "aaaa-bbbb-cccc"


def recover(member, code, proof=None):
    member = fresh(member)
    return recovery.recover(member, code=code, proof=begin(member) if proof is None else proof, actor=ACTOR)


def shown_codes(member):
    ((_, codes),) = enrolment.show_recovery_codes(fresh(member), actor=ACTOR)
    return codes


def test_a_recovery_code_completes_a_login_and_leaves_the_totp_as_it_is(enrolled):
    member, secret, codes = enrolled
    done = recover(member, codes[0])
    assert done.remaining == 9
    assert [one["type"] for one in done.granted.session.factors] == ["password", "recovery_codes"]
    verified = verification.authenticate(fresh(member), code=code_of(secret), proof=begin(member), actor=ACTOR)
    assert verified.granted.token


def test_rc02_a_code_works_once_and_its_second_use_is_no_guess(enrolled):
    member, _, codes = enrolled
    recover(member, codes[0])
    for _ in range(15):
        with pytest.raises(errors.UnableToAuthenticateRecoveryCode):
            recover(member, codes[0])
    assert budget(member, "recovery") == (0, 0)
    assert AuditEvent.objects.filter(tag="member:recovery_code:replayed").count() == 15


@pytest.mark.parametrize(
    "spell", [str.upper, str.title, lambda code: code.replace("-", ""), lambda code: f" {code.replace('-', ' ')} "]
)
def test_rc09_every_spelling_of_a_code_is_the_same_code(enrolled, spell):
    member, _, codes = enrolled
    assert recover(member, spell(codes[0])).remaining == 9
    for again in (codes[0], spell(codes[0])):
        with pytest.raises(errors.UnableToAuthenticateRecoveryCode):
            recover(member, again)


def test_rc06_used_codes_are_erased_and_never_shown_again(enrolled):
    member, _, codes = enrolled
    for code in codes[:3]:
        recover(member, code)
    assert shown_codes(member) == codes[3:]
    assert RecoveryCode.objects.filter(used_at__isnull=False, sealed_code=None).count() == 3


def test_rc10_the_two_budgets_neither_lock_nor_unlock_each_other(enrolled):
    member, secret, codes = enrolled
    for _ in range(10):
        with pytest.raises(errors.UnableToAuthenticateTOTP):
            verification.authenticate(fresh(member), code=wrong_code(secret), proof=begin(member), actor=ACTOR)
    assert recover(member, codes[0]).granted.token
    assert budget(member, "totp") == (10, 1)
    Guard.objects.filter(member=member).update(failures=0, locks=0, locked_until=0)
    for _ in range(10):
        with pytest.raises(errors.UnableToAuthenticateRecoveryCode):
            recover(member, WRONG)
    with pytest.raises(errors.Locked):
        recover(member, codes[1])
    verified = verification.authenticate(fresh(member), code=code_of(secret), proof=begin(member), actor=ACTOR)
    assert verified.granted.token
    assert budget(member, "recovery") == (10, 1)


def test_rc12_codes_of_a_pending_registration_are_dead_until_it_is_activated(member):
    made = enrolment.create(member, proof=None, actor=ACTOR)
    with pytest.raises(errors.NoRecoveryCodeBackedFactor):
        recover(member, made.recovery_codes[0])
    verification.authenticate(fresh(member), code=code_of(made.secret), proof=begin(member), actor=ACTOR)
    assert recover(member, made.recovery_codes[0]).remaining == 9


def test_rc12_the_codes_of_a_replaced_registration_stay_dead(member):
    former = enrolment.create(member, proof=None, actor=ACTOR)
    made = enrolment.create(fresh(member), proof=None, actor=ACTOR)
    verification.authenticate(fresh(member), code=code_of(made.secret), proof=begin(member), actor=ACTOR)
    with pytest.raises(errors.UnableToAuthenticateRecoveryCode):
        recover(member, former.recovery_codes[0])


def test_rc08_another_members_code_is_as_unknown_as_any(enrolled):
    member, _, codes = enrolled
    colleague = make_member(organization=member.organization)
    enrol(colleague)
    with pytest.raises(errors.UnableToAuthenticateRecoveryCode):
        recover(colleague, codes[0])
    assert budget(colleague, "recovery") == (1, 0)
    assert recover(member, codes[0]).granted.token


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("123456", errors.TOTPCodeUsedAsRecoveryCode),
        ("aaaa-bbbb", errors.InvalidRecoveryCode),
        ("aaaa-bbbb-ccc\u0441", errors.InvalidRecoveryCode),
        ("aaaa-bbbb-cccc\x00", errors.InvalidRecoveryCode),
        (123456789012, errors.InvalidRecoveryCode),
        (None, errors.InvalidRecoveryCode),
    ],
)
def test_what_is_no_recovery_code_is_refused_and_nothing_is_charged(enrolled, code, refusal):
    member, _, _ = enrolled
    with pytest.raises(refusal):
        recover(member, code)
    assert budget(member, "recovery") == (0, 0)


def test_recovering_needs_a_first_factor(enrolled):
    member, _, codes = enrolled
    with pytest.raises(errors.PrimaryAuthenticationRequired):
        recovery.recover(member, code=codes[0], proof=None, actor=ACTOR)


def test_a_code_whose_set_was_rotated_while_it_was_judged_lets_nobody_in(enrolled, monkeypatch):
    member, _, codes = enrolled
    find = type(RecoveryCode.objects).find

    def find_and_rotate(self, registration, canonical):
        found = find(self, registration, canonical)
        enrolment.rotate_recovery_codes(fresh(member), actor=ACTOR)
        return found

    monkeypatch.setattr(type(RecoveryCode.objects), "find", find_and_rotate)
    with pytest.raises(errors.UnableToAuthenticateRecoveryCode):
        recover(member, codes[0])
    assert not Session.objects.exists()


def test_rotation_ends_the_whole_former_set_and_shows_the_new_one(enrolled):
    member, _, codes = enrolled
    recover(member, codes[0])
    rotated = enrolment.rotate_recovery_codes(fresh(member), actor=ACTOR)
    assert len(set(rotated)) == 10
    assert not set(rotated) & set(codes)
    assert shown_codes(member) == rotated
    for code in codes[:2]:
        with pytest.raises(errors.UnableToAuthenticateRecoveryCode):
            recover(member, code)
    assert recover(member, rotated[0]).remaining == 9


def test_rotation_needs_an_active_registration(member):
    enrolment.create(member, proof=None, actor=ACTOR)
    with pytest.raises(errors.NoRecoveryCodeBackedFactor):
        enrolment.rotate_recovery_codes(fresh(member), actor=ACTOR)


def test_codes_can_be_kept_so_that_nothing_shows_them_again(member, configure):
    configure(RECOVERY_CODES_VIEWABLE=False)
    _, codes = enrol(member)
    assert not RecoveryCode.objects.exclude(sealed_code=None).exists()
    with pytest.raises(errors.RecoveryCodesNotViewable):
        enrolment.show_recovery_codes(fresh(member), actor=ACTOR)
    assert recover(member, codes[0]).remaining == 9


def test_showing_codes_of_a_member_without_any_is_refused(member):
    with pytest.raises(errors.RecoveryCodesNotFound):
        enrolment.show_recovery_codes(member, actor=ACTOR)


def test_a_member_who_used_every_code_has_an_empty_list_to_show(enrolled):
    member, _, codes = enrolled
    for code in codes:
        recover(member, code)
    assert shown_codes(member) == []


@pytest.mark.parametrize(
    "codes",
    [
        ["0000-0000-0000"],
        ["abab-abab-abab"],
        ["ckss-2skx-ebow", "CKSS 2SKX EBOW"],
        ["ckss-2skx"],
        ["ckss-2skx-ebow\x00"],
        [123456789012],
        [f"ckss-2skx-eb{number:02}" for number in range(11)],
    ],
)
def test_rc14_weak_repeated_and_malformed_codes_are_not_imported(member, codes):
    with pytest.raises(errors.InvalidRecoveryCode):
        enrolment.migrate(member, secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", recovery_codes=codes, actor=ACTOR)
    assert not TOTPRegistration.objects.exists()


@pytest.mark.parametrize("allowed", [False, True])
def test_rc14_codes_of_another_form_are_a_setting(member, configure, allowed):
    configure(FOREIGN_RECOVERY_CODES=allowed)
    foreign = ["7KQ2-M4XP", "h3jd92kfma0q1z"]

    def migrate():
        return enrolment.migrate(member, secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", recovery_codes=foreign, actor=ACTOR)

    if allowed:
        migrate()
        assert recover(member, "7kq2m4xp").remaining == 1
        with pytest.raises(errors.UnableToAuthenticateRecoveryCode):
            recover(member, foreign[0])
    else:
        with pytest.raises(errors.InvalidRecoveryCode):
            migrate()


def test_recovery_on_a_session_steps_it_up(enrolled):
    member, _, codes = enrolled
    session = session_of(member, "password")
    done = recover(member, codes[0], session)
    assert done.granted.session.pk == session.pk
    assert members.reload(member).active_totp_id == member.active_totp_id
