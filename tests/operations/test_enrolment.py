import itertools
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stytch_totp import errors
from stytch_totp.core import totp
from stytch_totp.models import AuditEvent, Member, Organization, RecoveryCode, Session, TOTPRegistration
from stytch_totp.operations import attempts, enrolment, grants, members, sessions, support, verification
from stytch_totp.operations.support import Act
from tests.factories import ACTOR, code_of, enrol, make_member
from tests.operations.situations import BROWSER, aged, begin, find, fresh, misnoted, refusal, session_of, user

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def create(member, proof=None, **options):
    return enrolment.create(fresh(member), proof=proof, actor=ACTOR, **options)


def test_a_new_registration_is_pending_and_comes_with_ten_codes(member):
    made = create(member)
    assert len(totp.decode_secret(made.secret)) == 20
    assert len(made.recovery_codes) == 10
    row = TOTPRegistration.objects.get()
    assert (row.state, row.reveal()) == ("pending", totp.decode_secret(made.secret))
    assert fresh(member).active_totp_id is None
    assert made.member.registration_by_state == {"pending": made.registration}


def test_en05_a_newer_pending_registration_replaces_the_older(member):
    former, made = create(member), create(member)
    assert [row.pk for row in TOTPRegistration.objects.all()] == [made.registration.pk]
    assert RecoveryCode.objects.count() == 10
    with pytest.raises(errors.UnableToAuthenticateTOTP):
        verification.authenticate(fresh(member), code=code_of(former.secret), proof=begin(member), actor=ACTOR)


def test_en06_an_active_registration_is_never_overwritten_and_goes_on_working(enrolled):
    member, secret, _ = enrolled
    for proof in (None, begin(member), session_of(member, "password", "totp")):
        with pytest.raises(errors.ActiveTOTPExists):
            create(member, proof)
    with pytest.raises(errors.ActiveTOTPExists):
        enrolment.migrate(fresh(member), secret=SECRET, recovery_codes=[], actor=ACTOR)
    assert verification.authenticate(fresh(member), code=code_of(secret), proof=begin(member), actor=ACTOR)


def test_a_members_row_says_whether_a_totp_is_active(member):
    """Lists and counts of very many go by it."""

    def noted():
        assert misnoted() == []
        return fresh(member).has_active_totp

    made = create(member)
    assert not noted()
    verification.authenticate(fresh(member), code=code_of(made.secret), proof=begin(member), actor=ACTOR)
    assert noted()
    enrolment.delete(fresh(member), actor=ACTOR)
    assert not noted()
    enrol(member)
    assert noted()
    support.do(Act.RESET_MFA, fresh(member), reason="a reason, ten or more", actor=ACTOR)
    assert not noted()
    enrol(member)
    assert noted()
    members.delete(fresh(member), actor=ACTOR)
    assert not noted()
    members.reactivate(fresh(member), actor=ACTOR)
    assert not noted()


def test_what_an_older_version_left_unnoted_is_noted_at_the_next_code(enrolled):
    member, secret, _ = enrolled
    Member.objects.update(has_active_totp=False)
    verification.authenticate(fresh(member), code=code_of(secret), proof=begin(member), actor=ACTOR)
    assert misnoted() == []


class TestWhoOwnsAFactorShowsItFirst:
    """EN-02: a member with an imported phone number as second factor."""

    @pytest.fixture
    def member(self, member):
        Member.objects.filter(pk=member.pk).update(mfa_phone_number="+15005550006", mfa_phone_verified=True)
        return fresh(member)

    def test_en02_without_a_session_or_with_a_first_factor_alone_no_totp_is_created(self, member):
        for proof in (None, begin(member), session_of(member, "password")):
            with pytest.raises(errors.InsufficientFactors):
                create(member, proof)
        assert not TOTPRegistration.objects.exists()

    @pytest.mark.parametrize("second", ["totp", "recovery_codes"])
    def test_en02_with_a_second_factor_on_the_session_it_is(self, member, second):
        assert create(member, session_of(member, "password", second)).secret

    def test_en02_the_second_factor_of_somebody_else_is_not_ones_own(self, member):
        colleague, stranger = make_member(organization=member.organization), make_member()
        for other in (colleague, stranger):
            with pytest.raises(errors.MemberMismatch):
                create(member, session_of(other, "password", "totp"))

    def test_en02_a_project_that_migrates_a_member_vouches_for_it(self, member):
        made = enrolment.migrate(member, secret=SECRET, recovery_codes=[], actor=ACTOR)
        assert made.registration.state == "active"


@pytest.mark.parametrize("status", ["pending", "deleted"])
def test_factors_are_for_active_members_only(member, status):
    Member.objects.filter(pk=member.pk).update(status=status)
    with pytest.raises(errors.OnlyForActiveMembers):
        create(member)


@pytest.mark.parametrize(
    ("rule", "allowed", "breakglass", "permitted"),
    [
        ("ALL_ALLOWED", [], False, True),
        ("RESTRICTED", ["totp"], False, True),
        ("RESTRICTED", ["sms_otp"], False, False),
        ("RESTRICTED", ["sms_otp"], True, True),
    ],
)
def test_the_organization_may_restrict_methods(member, rule, allowed, breakglass, permitted):
    Organization.objects.update(mfa_methods=rule, allowed_mfa_methods=allowed)
    Member.objects.update(is_breakglass=breakglass)
    if permitted:
        assert create(member).secret
    else:
        with pytest.raises(errors.TOTPRestricted):
            create(member)


def test_an_intermediate_session_shown_at_creation_is_not_consumed(member):
    proof = begin(member)
    made = create(member, proof)
    done = verification.authenticate(fresh(member), code=code_of(made.secret), proof=proof, actor=ACTOR)
    assert done.granted.token


@pytest.mark.parametrize("name", ["\u202eevil", "line\nbreak", "nul\x00"])
def test_en11_a_name_that_shows_something_else_than_it_is_makes_no_address(member, name):
    """Such names are refused where they are set; a row that got one in another way is caught here."""
    Organization.objects.update(name=name.replace("\x00", "\x7f"))
    with pytest.raises(errors.BadRequest):
        create(member)


def test_a_migrated_registration_is_active_at_once_and_becomes_the_default(member):
    made = enrolment.migrate(member, secret=SECRET, recovery_codes=["ckss-2skx-ebow"], actor=ACTOR)
    assert made.member.active_totp_id == made.registration.pk
    assert made.member.default_mfa_method == "totp"
    assert made.recovery_codes == ["ckss-2skx-ebow"]
    assert verification.authenticate(fresh(member), code=code_of(SECRET), proof=begin(member), actor=ACTOR)


def test_a_migration_replaces_a_pending_registration_and_leaves_a_default_alone(member):
    create(member)
    Member.objects.update(default_mfa_method="sms_otp")
    made = enrolment.migrate(fresh(member), secret=SECRET, recovery_codes=[], actor=ACTOR)
    assert [row.pk for row in TOTPRegistration.objects.all()] == [made.registration.pk]
    assert made.member.default_mfa_method == "sms_otp"


@pytest.mark.parametrize(
    "secret", ["JBSWY3DPEHPK3PXP", "0189" * 8, "jbswy3dpehpk3pxp" * 2, "Ａ" * 32, "A" * 10_000, ""]
)
def test_en10_only_canonical_secrets_of_128_bits_are_imported(member, secret):
    with pytest.raises(errors.InvalidTOTPSecret):
        enrolment.migrate(member, secret=secret, recovery_codes=[], actor=ACTOR)


@pytest.mark.parametrize(("phone_verified", "default"), [(False, ""), (True, "sms_otp")])
def test_deleting_a_totp_takes_its_codes_and_its_place_as_default(enrolled, phone_verified, default):
    member, _, _ = enrolled
    Member.objects.update(mfa_phone_verified=phone_verified, mfa_enrolled=True)
    left = enrolment.delete(fresh(member), actor=ACTOR)
    assert (left.active_totp_id, left.default_mfa_method, left.mfa_enrolled) == (None, default, True)
    assert not TOTPRegistration.objects.exists()
    assert not RecoveryCode.objects.exists()
    with pytest.raises(errors.TOTPNotFound):
        enrolment.delete(fresh(member), actor=ACTOR)


def test_sessions_outlive_the_factor_that_they_carry(enrolled):
    member, _, _ = enrolled
    session = session_of(member, "password", "totp")
    enrolment.delete(fresh(member), actor=ACTOR)
    session.refresh_from_db()
    assert session.is_live(session.started_at + 1)


def test_a_registration_activated_while_another_is_written_wins(member, monkeypatch):
    """The unique rule decides where the check before it was overtaken."""
    insert = enrolment._insert

    def overtaken(registration, secret, codes):
        registration.member.registration_by_state = {}
        TOTPRegistration.objects.create(member=member, state="active", sealed_secret=b"", created_at=0, expires_at=0)
        insert(registration, secret, codes)

    monkeypatch.setattr(enrolment, "_insert", overtaken)
    with pytest.raises(errors.ActiveTOTPExists):
        enrolment.migrate(member, secret=SECRET, recovery_codes=[], actor=ACTOR)
    assert not RecoveryCode.objects.exists()


def test_an_active_registration_found_under_the_lock_stops_a_second(enrolled, monkeypatch):
    member, _, _ = enrolled
    monkeypatch.setattr(enrolment, "_check_may_enrol", lambda *_, **__: None)
    with pytest.raises(errors.ActiveTOTPExists):
        create(member)


def test_every_change_is_on_record(member):
    made = create(member)
    verification.authenticate(fresh(member), code=code_of(made.secret), proof=begin(member), actor=ACTOR)
    enrolment.show_recovery_codes(fresh(member), actor=ACTOR)
    enrolment.rotate_recovery_codes(fresh(member), actor=ACTOR)
    enrolment.delete(fresh(member), actor=ACTOR)
    rows = AuditEvent.objects.order_by("pk")
    assert [row.tag.split(":", 1)[1] for row in rows] == [
        "totp:created",
        "totp:activated",
        "recovery_codes:shown",
        "recovery_codes:rotated",
        "totp:deleted",
    ]
    assert {(row.actor_kind, row.actor_id, row.request_id) for row in rows} == {
        ("project", "tests", "request-id-test-tests")
    }
    assert {row.member_id for row in rows} == {member.pk}


class TestForgettingARemovedFactor:
    @pytest.mark.parametrize("forgets", [True, False])
    def test_en13_running_sessions_go_on_with_or_without_it(self, enrolled, configure, forgets):
        member, _, _ = enrolled
        configure(FORGET_DELETED_TOTP=forgets)
        kinds = [("password",), ("password", "totp"), ("password", "totp", "recovery_codes"), ("recovery_codes",)]
        running = [session_of(member, *one) for one in kinds]
        enrolment.delete(fresh(member), actor=ACTOR)
        for session, former in zip(running, kinds, strict=True):
            left = find(session_token=session.reveal())
            expected = [kind for kind in former if kind == "password"] if forgets else list(former)
            assert [one["type"] for one in left.factors] == expected

    def test_nobody_elses_session_and_no_ended_one_is_touched(self, enrolled, clock):
        member, _, _ = enrolled
        colleague = make_member(organization=member.organization)
        short, revoked, other = (session_of(one, "password", "totp") for one in (member, member, colleague))
        Session.objects.filter(pk=short.pk).update(expires_at=int(clock()))
        sessions.revoke(revoked, actor=ACTOR)
        enrolment.delete(fresh(member), actor=ACTOR)
        for untouched in (short, revoked, other):
            untouched.refresh_from_db()
            assert [one["type"] for one in untouched.factors] == ["password", "totp"]

    def test_a_pending_totp_takes_no_factor_with_it(self, member):
        create(member)
        kept = session_of(member, "password")
        version = kept.version
        enrolment.delete(fresh(member), actor=ACTOR)
        kept.refresh_from_db()
        assert kept.version == version

    def test_a_step_up_that_committed_before_the_registration_was_held_is_forgotten_too(self, enrolled, monkeypatch):
        """The sessions are read after the registration is held, and the member before it without reading anything."""
        member, secret, _ = enrolled
        session = session_of(member, "password")
        hold, done = members.hold, []

        def hold_and_be_overtaken(one):
            hold(one)
            if not done:
                done.append(verification.authenticate(fresh(member), code=code_of(secret), proof=session, actor=ACTOR))

        monkeypatch.setattr(members, "hold", hold_and_be_overtaken)
        monkeypatch.setattr(attempts, "charge", lambda *_: None)
        monkeypatch.setattr(attempts, "settle", lambda work: work())
        enrolment.delete(fresh(member), actor=ACTOR)
        assert [one["type"] for one in find(session_token=done[0].granted.token).factors] == ["password"]

    def test_a_step_up_drawn_up_before_and_written_after_keeps_no_removed_factor(self, enrolled):
        member, _, _ = enrolled
        session = session_of(member, "password", "totp")
        again = grants.draft(member, session, session.factors, actor=ACTOR)
        enrolment.delete(fresh(member), actor=ACTOR)
        with pytest.raises(errors.ServiceUnavailable):
            again.write()
        assert [one["type"] for one in Session.objects.get().factors] == ["password"]

    def test_a_session_that_changes_at_that_moment_stops_the_removal(self, enrolled, monkeypatch):
        member, _, _ = enrolled
        session_of(member, "password", "totp")
        monkeypatch.setattr(type(Session.objects), "advance", lambda *_, **__: False)
        with pytest.raises(errors.ServiceUnavailable):
            enrolment.delete(fresh(member), actor=ACTOR)
        assert fresh(member).active_totp_id
        assert Session.objects.get().factors[1]["type"] == "totp"

    def test_nothing_is_read_before_all_that_a_step_up_needs_is_held(self, enrolled):
        """What is read after is what has committed, whatever a database shows a transaction of later commits."""
        member, _, _ = enrolled
        assert member.active_totp_id
        with CaptureQueriesContext(connection) as captured:
            enrolment.delete(member, actor=ACTOR)
        statements = [one["sql"].replace("`", '"') for one in captured.captured_queries]
        inside = list(itertools.dropwhile(lambda one: not one.startswith("BEGIN"), statements))[1:]
        written = itertools.takewhile(lambda one: one.startswith(("UPDATE", "DELETE")), inside)
        held = [one.split('"')[1].removeprefix("stytch_totp_") for one in written]
        assert held == ["totpregistration", "recoverycode", "member"]


class TestWhatAnAppIsTold:
    def test_an_address_opens_the_app_on_the_same_device(self, member):
        made = create(member)
        address = urlsplit(made.uri)
        assert (address.scheme, address.netloc) == ("otpauth", "totp")
        assert unquote(address.path) == f"/Example ({member.organization.name}):{member.email}"
        assert parse_qs(address.query)["secret"] == [made.secret]

    def test_it_says_what_the_qr_code_says(self, member, monkeypatch):
        monkeypatch.setattr(enrolment.qr, "png_data_uri", "drawn: {}".format)
        made = create(member)
        assert made.qr_code == f"drawn: {made.uri}"

    def test_an_imported_secret_has_neither(self, member):
        made = enrolment.migrate(member, secret=SECRET, recovery_codes=[], actor=ACTOR)
        assert (made.uri, made.qr_code) == ("", "")

    @pytest.mark.parametrize("shown", [repr, str, "{}".format])
    def test_cr13_nothing_of_it_is_shown_by_accident(self, member, shown):
        made = create(member)
        for clear in (made.secret, made.uri, made.qr_code[-40:], *made.recovery_codes):
            assert clear not in shown(made)

    @pytest.mark.parametrize(
        ("fields", "account"),
        [
            ({"email": "ada@example.com", "mfa_phone_number": "+15005550006"}, "ada@example.com"),
            ({"email": "", "mfa_phone_number": "+15005550006"}, "+15005550006"),
            ({"email": ""}, "ada"),
        ],
        ids=str,
    )
    def test_an_account_is_named_by_what_the_person_knows_it_by(self, fields, account):
        ada = get_user_model().objects.create_user("ada")
        made = user(user=ada, email_key=None, **fields)
        assert enrolment.account(made) == account
        assert unquote(urlsplit(create(made).uri).path) == f"/Example:{account}"

    def test_an_account_of_which_nothing_is_known_has_no_name(self):
        assert enrolment.account(user(email="", email_key=None)) == ""


class TestHowManyCodesAreLeft:
    def test_used_ones_are_not_counted_and_replacing_them_starts_anew(self, enrolled):
        member, _, _ = enrolled
        registration = member.registration_by_state["active"]
        for left in (9, 8):
            RecoveryCode.objects.spend(RecoveryCode.objects.filter(used_at=None).first(), 1_800_000_000)
            assert enrolment.count_recovery_codes(registration) == left
        enrolment.rotate_recovery_codes(member, actor=ACTOR)
        assert enrolment.count_recovery_codes(registration) == 10

    def test_anothers_are_not_counted_and_none_is_told(self, enrolled, configure):
        configure(RECOVERY_CODES_VIEWABLE=False)
        stranger = make_member()
        made = enrolment.migrate(stranger, secret=SECRET, recovery_codes=[], actor=ACTOR)
        assert enrolment.count_recovery_codes(made.registration) == 10
        assert "member:recovery_codes:shown" not in AuditEvent.objects.values_list("tag", flat=True)


class TestLeavingMFA:
    @pytest.fixture
    def member(self, member):
        Member.objects.filter(pk=member.pk).update(mfa_enrolled=True)
        return fresh(member)

    @pytest.mark.parametrize("unenroll", [False, True])
    def test_the_member_is_asked_no_more_only_if_they_are_to_unenrol(self, enrolled, unenroll):
        member, _, _ = enrolled
        found = enrolment.delete(member, actor=ACTOR, unenroll=unenroll)
        assert (found.mfa_enrolled, fresh(member).mfa_enrolled) == (not unenroll, not unenroll)
        assert (found.active_totp_id, found.default_mfa_method) == (None, "")

    @pytest.mark.parametrize(
        ("ages", "refused"),
        [
            ({"password": 0}, errors.InsufficientFactors),
            ({"password": 0, "totp": 601}, errors.StaleFactors),
            ({"password": 0, "totp": 600}, None),
            ({"password": 0, "recovery_codes": 0}, None),
        ],
        ids=str,
    )
    def test_en13_a_page_unenrols_nobody_who_has_not_just_shown_a_second_factor(self, enrolled, ages, refused):
        member, _, _ = enrolled
        proof = aged(member, **ages)
        assert refusal(lambda: enrolment.delete(member, actor=BROWSER, proof=proof, unenroll=True)) is refused
        assert (fresh(member).mfa_enrolled, bool(fresh(member).active_totp_id)) == (refused is not None,) * 2

    def test_who_has_no_totp_does_not_leave_by_removing_it(self, member):
        with pytest.raises(errors.TOTPNotFound):
            enrolment.delete(member, actor=ACTOR, unenroll=True)
        assert fresh(member).mfa_enrolled


class TestWhoOwnsAnAppElsewhere:
    """A Django user with a TOTP as another member: their password alone enrols no phone here."""

    @pytest.fixture
    def account(self):
        return get_user_model().objects.create_user("ada")

    @pytest.fixture
    def here(self, account):
        return make_member(user=account)

    @pytest.fixture
    def elsewhere(self, account):
        made = make_member(user=account)
        enrol(made)
        return made

    def enrol_here(self, here, actor=BROWSER, **options):
        return refusal(lambda: enrolment.create(fresh(here), proof=aged(here, password=0), actor=actor, **options))

    def test_en02_it_is_shown_there_first(self, here, elsewhere):
        assert self.enrol_here(here) is errors.OtherFactorRequired
        assert not TOTPRegistration.objects.filter(member=here).exists()
        assert self.enrol_here(here, shown_elsewhere=True) is None

    @pytest.mark.parametrize(("guarded", "refused"), [(True, errors.OtherFactorRequired), (False, None)])
    def test_a_host_may_do_without(self, here, elsewhere, configure, guarded, refused):
        configure(GUARD_OTHER_FACTORS=guarded)
        assert self.enrol_here(here) is refused

    def test_a_back_end_vouches(self, here, elsewhere):
        assert self.enrol_here(here, ACTOR) is None

    def test_en04_a_pending_one_is_none(self, account, here):
        create(make_member(user=account))
        assert self.enrol_here(here) is None

    @pytest.mark.parametrize(
        ("options", "refused"),
        [
            ({"actor": BROWSER}, errors.OtherFactorRequired),
            ({"actor": BROWSER, "shown_elsewhere": True}, None),
            ({"actor": ACTOR}, None),
        ],
    )
    @pytest.mark.parametrize("guarded", [True, False])
    def test_en02_what_was_begun_before_isnt_confirmed_after(self, here, configure, options, refused, guarded):
        """A thief who begins in time would else have a phone of their own on the day after the owner enrolled."""
        configure(GUARD_OTHER_FACTORS=guarded)
        proof = aged(here, password=0)
        begun = enrolment.create(fresh(here), proof=proof, actor=options["actor"])
        enrol(make_member(user=here.user))
        given = {"code": code_of(begun.secret), "proof": proof, **options}
        done = refusal(lambda: verification.authenticate(fresh(here), **given))
        assert done is (refused if guarded else None)
        assert bool(fresh(here).active_totp_id) is (done is None)

    def test_nor_is_a_strangers(self, here):
        enrol(make_member())
        enrol(make_member(user=get_user_model().objects.create_user("eve")))
        assert self.enrol_here(here) is None

    def test_a_member_whom_no_user_stands_behind_has_no_other(self, member):
        enrol(make_member())
        assert self.enrol_here(member) is None
