"""What support does to a member, by itself and with a second member of staff (AA-04, AA-05)."""

import pytest
from django.contrib.auth.models import User

from stytch_totp import errors
from stytch_totp.models import AuditEvent, Guard, IntermediateSession, Member, RecoveryCode, Session, SupportRequest
from stytch_totp.operations import audit, enrolment, members, support
from stytch_totp.operations.support import REQUEST_SECONDS, Act
from tests.admin.desk import REASON, at_work, colleague, limit, trail
from tests.factories import ACTOR, OrganizationFactory, enrol, make_member
from tests.operations.situations import begin, fresh, refusal, session_of

pytestmark = pytest.mark.django_db

TAGS = {
    Act.UNLOCK: "member:guard:unlocked",
    Act.RESET_MFA: "member:mfa:reset",
    Act.REVOKE_SESSIONS: "member:session:revoked",
    Act.REQUIRE_ENROLMENT: "member:mfa:required",
}


def support_permissions(act):
    return ["view_member", f"{act.value}_member"]


def staff_for(act, **fields):
    return at_work(colleague(*support_permissions(act), **fields))


def equipped(**fields):
    """A member with all that an act could take: TOTP, codes, a pending TOTP's successor, sessions, a login, a lock."""
    member = make_member(mfa_phone_number="+15005550006", mfa_phone_verified=True, **fields)
    enrol(member)
    session_of(member, "password", "totp")
    begin(member)
    Guard.objects.filter(member=member).update(failures=10, locks=1, locked_at=1, locked_until=1_800_003_600)
    return fresh(member)


def state(member):
    """What the acts are about."""
    row = Member.objects.get(pk=member.pk)
    return {
        "TOTPs": row.registrations.count(),
        "codes": RecoveryCode.objects.filter(registration__member=member).count(),
        "sessions": Session.objects.live(1_800_000_000).filter(member=member).count(),
        "logins": IntermediateSession.objects.filter(member=member, used_at=None).count(),
        "generation": row.generation,
        "asked": row.mfa_enrolled,
        "phone": row.mfa_phone_verified,
        "default": row.default_mfa_method,
        "locked": Guard.objects.filter(member=member, locked_until__gt=1_800_000_000).count(),
        "failures": sum(Guard.objects.filter(member=member).values_list("failures", flat=True)),
    }


BEFORE = {
    "TOTPs": 1,
    "codes": 10,
    "sessions": 1,
    "logins": 1,
    "generation": 0,
    "asked": False,
    "phone": True,
    "default": "totp",
    "locked": 3,
    "failures": 30,
}
ENDED = {"sessions": 0, "logins": 0, "generation": 1}
CHANGES = {
    Act.UNLOCK: {"locked": 0, "failures": 0},
    Act.RESET_MFA: {**ENDED, "TOTPs": 0, "codes": 0, "asked": True, "phone": False, "default": ""},
    Act.REVOKE_SESSIONS: ENDED,
    Act.REQUIRE_ENROLMENT: {"asked": True},
}


class TestActs:
    @pytest.mark.parametrize("act", Act)
    def test_aa05_an_act_does_what_it_says_to_its_member_and_no_more(self, act):
        member, other = equipped(), equipped()
        support.do(act, member, reason=REASON, actor=ACTOR)
        assert state(member) == BEFORE | CHANGES[act]
        assert state(other) == BEFORE
        assert trail()[-1] == (TAGS[act], REASON)

    def test_aa04_a_lock_that_support_lifts_leaves_the_next_one_its_length(self):
        member = equipped()
        support.do(Act.UNLOCK, member, reason=REASON, actor=ACTOR)
        assert set(Guard.objects.filter(member=member).values_list("locks", flat=True)) == {1}

    def test_aa05_a_reset_takes_a_pending_totp_too_and_one_begun_since_the_member_was_read(self, member):
        stale = fresh(member)
        assert stale.registration_by_state == {}
        enrolment.create(fresh(member), proof=None, actor=ACTOR)
        support.do(Act.RESET_MFA, stale, reason=REASON, actor=ACTOR)
        assert (member.registrations.count(), RecoveryCode.objects.count()) == (0, 0)

    def test_a_reset_of_who_has_nothing_asks_for_an_enrolment_all_the_same(self, member):
        support.do(Act.RESET_MFA, member, reason=REASON, actor=ACTOR)
        assert fresh(member).mfa_enrolled

    @pytest.mark.parametrize("act", [Act.RESET_MFA, Act.REVOKE_SESSIONS, Act.REQUIRE_ENROLMENT])
    def test_of_a_member_who_was_deleted_nothing_is_done_and_nothing_recorded(self, member, act):
        stale = fresh(member)
        members.delete(fresh(member), actor=ACTOR)
        before = state(member), trail()
        assert refusal(lambda: support.do(act, stale, reason=REASON, actor=ACTOR)) is errors.MemberNotFound
        assert (state(member), trail()) == before

    def test_a_member_who_was_deleted_is_not_unlocked(self, member):
        stale = fresh(member)
        members.delete(fresh(member), actor=ACTOR)
        assert refusal(lambda: support.do(Act.UNLOCK, stale, reason=REASON, actor=ACTOR)) is errors.MemberNotFound


class TestAsStaff:
    @pytest.mark.parametrize("act", Act)
    def test_aa02_who_has_the_permission_does_it_at_once_in_their_name(self, act):
        member, staff = equipped(), staff_for(act)
        assert support.do_as(staff, act, member, reason=f"  {REASON}\n") is None
        assert state(member) == BEFORE | CHANGES[act]
        event = AuditEvent.objects.latest("pk")
        assert (event.tag, event.reason, event.outcome) == (TAGS[act], REASON, "success")
        assert (event.actor_kind, event.actor_id) == ("staff", str(staff.user.pk))
        assert SupportRequest.objects.count() == 0

    @pytest.mark.parametrize("act", Act)
    def test_aa02_who_has_all_the_others_changes_nothing(self, act):
        member = equipped()
        others = [f"{one.value}_member" for one in Act if one is not act]
        staff, before = at_work(colleague("view_member", *others)), trail()
        assert refusal(lambda: support.do_as(staff, act, member, reason=REASON)) is errors.SupportForbidden
        assert state(member) == BEFORE
        assert trail() == [*before, ("member:support:denied", "")]

    def test_aa04_a_refusal_of_each_kind_changes_nothing(self):
        member, act = equipped(), Act.RESET_MFA
        user = colleague(*support_permissions(act))
        for staff, reason in ((at_work(user, age=601), REASON), (at_work(user), "short")):
            assert refusal(lambda staff=staff, reason=reason: support.do_as(staff, act, member, reason=reason))
            assert state(member) == BEFORE
        assert len(trail(tag="member:support:denied")) == 2


@pytest.fixture
def two(configure):
    """SECOND_APPROVER is on."""
    configure(SECOND_APPROVER=True)


def asked(act, member, staff=None):
    return support.do_as(staff or staff_for(act), act, member, reason=f" {REASON} ")


@pytest.mark.usefixtures("two")
class TestSecondApprover:
    @pytest.mark.parametrize("act", Act)
    def test_aa04_what_one_asks_for_another_approves_of_and_it_is_done(self, act):
        member, first, second = equipped(), staff_for(act), staff_for(act)
        request = asked(act, member, first)
        assert state(member) == BEFORE
        assert (request.state, request.asked_by, request.reason) == ("waiting", first.user, REASON)
        assert request.expires_at == 1_800_000_000 + 86400
        assert trail()[-1] == ("member:support:asked", REASON)
        support.approve(second, request, reason="  Spoke to them myself ")
        assert state(member) == BEFORE | CHANGES[act]
        request.refresh_from_db()
        assert (request.state, request.decided_by, request.decided_at) == ("approved", second.user, 1_800_000_000)
        assert trail()[-2:] == [(TAGS[act], REASON), ("member:support:approved", "Spoke to them myself")]
        by = AuditEvent.objects.order_by("-pk").values_list("actor_id", flat=True)[:2]
        assert list(by) == [str(second.user.pk)] * 2

    def test_aa04_nobody_approves_of_what_they_asked_for(self, member):
        staff = staff_for(Act.RESET_MFA)
        request, before = asked(Act.RESET_MFA, member, staff), state(member)
        for one in (staff, at_work(staff.user)):
            assert refusal(lambda one=one: support.approve(one, request, reason=REASON)) is errors.SupportByTheSame
        request.refresh_from_db()
        assert (request.state, state(member)) == ("waiting", before)

    def test_aa06_the_attempt_to_approve_of_ones_own_is_on_record(self, member):
        staff = staff_for(Act.RESET_MFA)
        request = asked(Act.RESET_MFA, member, staff)
        refusal(lambda: support.approve(staff, request, reason=REASON))
        assert trail()[-1] == ("member:support:denied", "")

    @pytest.mark.parametrize("decide", [support.approve, support.decline])
    def test_aa04_who_decides_needs_what_who_asks_needs(self, decide, member):
        act = Act.RESET_MFA
        request, permissions = asked(act, member), support_permissions(act)
        limited, same = colleague(*permissions), colleague(*permissions, email=member.email)
        limit(limited, OrganizationFactory.create())
        judged = {
            errors.SupportForbidden: at_work(colleague("view_member", "unlock_member")),
            errors.StepUpRequired: at_work(colleague(*permissions), age=601),
            errors.SupportOfOneself: at_work(same),
        }
        for expected, staff in judged.items():
            assert refusal(lambda staff=staff: decide(staff, request, reason=REASON)) is expected
        assert refusal(lambda: decide(at_work(limited), request, reason=REASON)) is errors.SupportForbidden
        assert refusal(lambda: decide(staff_for(act), request, reason="short")) is errors.SupportReasonTooShort
        request.refresh_from_db()
        assert request.state == "waiting"
        assert len(trail(tag="member:support:denied")) == 5

    def test_aa04_a_request_is_good_for_a_day(self, member, clock):
        early, late = asked(Act.REQUIRE_ENROLMENT, member), asked(Act.REQUIRE_ENROLMENT, member)
        clock.advance(REQUEST_SECONDS - 1)
        support.approve(staff_for(Act.REQUIRE_ENROLMENT), early, reason=REASON)
        clock.advance(1)
        for decide in (support.approve, support.decline):
            work = lambda decide=decide: decide(staff_for(Act.REQUIRE_ENROLMENT), late, reason=REASON)  # noqa: E731
            assert refusal(work) is errors.SupportRequestNotWaiting
        assert len(trail(tag=TAGS[Act.REQUIRE_ENROLMENT])) == 1

    def test_what_is_declined_is_not_done_and_who_asked_may_decline_too(self):
        member, act = equipped(), Act.RESET_MFA
        first = staff_for(act)
        for staff in (first, staff_for(act)):
            request = asked(act, member, first)
            support.decline(staff, request, reason=" Not them after all ")
            request.refresh_from_db()
            assert (request.state, request.decided_by) == ("declined", staff.user)
            assert trail()[-1] == ("member:support:declined", "Not them after all")
            approve = lambda request=request: support.approve(staff_for(act), request, reason=REASON)  # noqa: E731
            assert refusal(approve) is errors.SupportRequestNotWaiting
        assert state(member) == BEFORE

    def test_a_request_is_decided_in_the_name_of_its_act_alone(self, member):
        request = asked(Act.UNLOCK, member)
        other = staff_for(Act.RESET_MFA)
        assert refusal(lambda: support.approve(other, request, reason=REASON)) is errors.SupportForbidden


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("two")
class TestAtOnce:
    @pytest.mark.parametrize("second", [support.approve, support.decline])
    def test_aa04_of_two_who_decide_at_once_one_does(self, member, second):
        act = Act.REQUIRE_ENROLMENT
        request = asked(act, member)
        stale = [SupportRequest.objects.select_related("member__organization").get(pk=request.pk) for _ in range(2)]
        support.approve(staff_for(act), stale[0], reason=REASON)
        late = lambda: second(staff_for(act), stale[1], reason=REASON)  # noqa: E731
        assert refusal(late) is errors.SupportRequestNotWaiting
        assert len(trail(tag=TAGS[act])) == 1
        assert len(trail(tag="member:support:approved")) == 1
        assert trail(tag="member:support:declined") == []

    def test_an_act_that_fails_leaves_the_request_waiting_and_nothing_on_record(self, member):
        request = asked(Act.RESET_MFA, member)
        members.delete(fresh(member), actor=ACTOR)
        before = trail()
        approve = lambda: support.approve(staff_for(Act.RESET_MFA), request, reason=REASON)  # noqa: E731
        assert refusal(approve) is errors.MemberNotFound
        request.refresh_from_db()
        assert (request.state, request.decided_by_id, trail()) == ("waiting", None, before)

    @pytest.mark.parametrize("act", Act)
    def test_aa06_an_act_that_cant_be_put_on_record_is_not_done(self, act, monkeypatch, configure):
        configure(SECOND_APPROVER=False)
        member = equipped()

        def break_down(*_, **__):
            raise RuntimeError("no trail")

        monkeypatch.setattr(audit.AuditEvent, "save", break_down)
        with pytest.raises(RuntimeError, match="no trail"):
            support.do(act, member, reason=REASON, actor=ACTOR)
        monkeypatch.undo()
        assert state(member) == BEFORE


@pytest.mark.parametrize("gone", ["permission", "account", "asleep"])
def test_aa04_what_was_asked_by_who_may_not_any_more_is_not_approved_of(configure, member, gone):
    configure(SECOND_APPROVER=True)
    first, second = staff_for(Act.RESET_MFA), staff_for(Act.RESET_MFA)
    request = support.do_as(first, Act.RESET_MFA, member, reason=REASON)
    if gone == "permission":
        first.user.user_permissions.clear()
    elif gone == "asleep":
        User.objects.filter(pk=first.user.pk).update(is_active=False)
    else:
        first.user.delete()
    request = SupportRequest.objects.select_related("member__organization").get(pk=request.pk)
    expected = errors.SupportByTheSame if gone == "account" else errors.SupportRequestNotWaiting
    assert refusal(lambda: support.approve(second, request, reason=REASON)) is expected
    assert trail()[-1] == ("member:support:denied", "")
    assert member.active_totp_id == fresh(member).active_totp_id


def test_aa04_a_second_account_with_the_same_address_is_no_second_member_of_staff(configure, member):
    configure(SECOND_APPROVER=True)
    first, second = staff_for(Act.RESET_MFA), staff_for(Act.RESET_MFA)
    request = support.do_as(first, Act.RESET_MFA, member, reason=REASON)
    User.objects.filter(pk=second.user.pk).update(email=first.user.email.upper())
    again = at_work(User.objects.get(pk=second.user.pk))
    assert refusal(lambda: support.approve(again, request, reason=REASON)) is errors.SupportByTheSame
