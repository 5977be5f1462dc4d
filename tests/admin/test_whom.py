"""On whom staff may act, and with whose consent (AA-04)."""

from itertools import product

import pytest

from stytch_totp.models import Member, SupportRequest, TOTPRegistration
from tests.admin.desk import ALL, REASON, act_of, act_of_organization, decision_of, do, page_of, staff_member, trail
from tests.factories import OrganizationFactory, enrol, make_member
from tests.operations import test_foresight as foretold
from tests.operations.situations import fresh

pytestmark = pytest.mark.django_db

RESETTING = ("view_member", "view_supportrequest", "reset_mfa_member")


def target(**fields):
    member = make_member(organization=OrganizationFactory.create(), **fields)
    enrol(member)
    return fresh(member)


def has_totp(member):
    return TOTPRegistration.objects.filter(member=member).exists()


@pytest.mark.parametrize(("fresh_factor", "reason", "other"), list(product([True, False], repeat=3)))
def test_aa04_the_eight_cells(clock, fresh_factor, reason, other):
    """A factor shown lately, a reason, a member who is somebody else: of eight cells one does it."""
    staff = staff_member(*RESETTING)
    member = target(**({} if other else {"user": staff.user}))
    clock.advance(0 if fresh_factor else 601)
    answer = do(staff, act_of(member, "reset_mfa"), REASON if reason else "no reason")
    done = fresh_factor and reason and other
    assert has_totp(member) != done
    assert (answer.status_code == 302 and answer["Location"] == page_of(member)) == done
    assert bool(trail(tag="member:mfa:reset")) == done


@pytest.mark.parametrize("act", ["unlock", "reset_mfa", "revoke_sessions", "require_enrolment"])
@pytest.mark.parametrize("superuser", [True, False])
def test_aa04_nobody_supports_themselves_by_link_or_by_address(act, superuser):
    staff = staff_member(*(() if superuser else ALL), superuser=superuser)
    for member in (staff.member, target(email=staff.user.email.upper(), email_key=staff.user.email)):
        for answer in (staff.get(act_of(member, act)), do(staff, act_of(member, act))):
            assert answer.status_code == 403
            assert b"This is your own account." in answer.content
        assert has_totp(member)
        assert act_of(member, act) not in staff.get(page_of(member)).content.decode()


@pytest.mark.parametrize(
    ("permissions", "fields", "refused"),
    [
        ((), {"is_superuser": True}, True),
        ((*RESETTING, "unlock_member"), {}, True),
        (RESETTING, {}, False),
        ((*RESETTING, "unlock_member"), {"is_active": False}, True),
    ],
)
def test_aa04_staff_who_may_do_more_are_for_their_peers(permissions, fields, refused):
    staff, colleague = staff_member(*RESETTING), staff_member(*permissions)
    for name, value in fields.items():
        setattr(colleague.user, name, value)
    colleague.user.save()
    answer = do(staff, act_of(colleague.member, "reset_mfa"))
    assert (answer.status_code, has_totp(colleague.member)) == ((403, True) if refused else (302, False))
    assert bool(trail(tag="member:support:denied")) == refused
    if refused:
        peer = staff_member(superuser=True)
        assert do(peer, act_of(colleague.member, "reset_mfa")).status_code == 302


@pytest.fixture
def asked(configure):
    """A reset that waits, who asked for it, and of whom."""
    configure(SECOND_APPROVER=True)
    first, member = staff_member(*RESETTING), target()
    page = first.get(act_of(member, "reset_mfa")).content
    assert b"A second member of staff has to approve of it before anything happens." in page
    answer = do(first, act_of(member, "reset_mfa"))
    assert (answer.status_code, has_totp(member)) == (302, True)
    assert b"Waiting for a second member of staff" in first.get(page_of(member)).content
    return SupportRequest.objects.get(), first, member


class TestSecondApprover:
    def test_aa04_another_one_approves_and_it_is_done(self, asked):
        request, _, member = asked
        second = staff_member(*RESETTING)
        page = second.get(decision_of(request, "approve")).content
        assert REASON.encode() in page
        assert do(second, decision_of(request, "approve"), "Spoke to them myself").status_code == 302
        assert not has_totp(member)
        assert [tag for tag, _ in trail()][-2:] == ["member:mfa:reset", "member:support:approved"]
        assert do(staff_member(*RESETTING), decision_of(request, "approve")).status_code == 400
        assert do(staff_member(*RESETTING), decision_of(request, "decline")).status_code == 400
        assert len(trail(tag="member:mfa:reset")) == 1

    @pytest.mark.parametrize("may_see", [True, False])
    def test_aa02_why_is_for_who_may_see_requests(self, asked, may_see):
        _, _, member = asked
        seen = staff_member("view_member", *(["view_supportrequest"] if may_see else [])).get(page_of(member)).content
        assert b"Waiting for a second member of staff" in seen
        assert (REASON.encode() in seen) is may_see

    def test_aa04_not_oneself(self, asked):
        request, first, member = asked
        answer = do(first, decision_of(request, "approve"))
        assert (answer.status_code, has_totp(member)) == (403, True)
        assert b"You asked for this yourself." in answer.content
        assert do(first, decision_of(request, "decline")).status_code == 302
        assert has_totp(member)
        assert SupportRequest.objects.get().state == "declined"

    @pytest.mark.parametrize(
        ("permissions", "status"),
        [
            (("view_member", "view_supportrequest"), 403),
            (("view_supportrequest", "reset_mfa_member"), 403),
            (("view_member", "reset_mfa_member"), 404),
            ((), 404),
        ],
    )
    def test_aa02_nor_who_couldnt_ask(self, asked, permissions, status):
        request, _, member = asked
        second = staff_member(*permissions)
        assert do(second, decision_of(request, "approve")).status_code == status
        assert has_totp(member)

    def test_aa04_nor_the_member_itself(self, asked):
        request, _, member = asked
        second = staff_member(*RESETTING)
        Member.objects.filter(pk=member.pk).update(user=second.user)
        assert do(second, decision_of(request, "approve")).status_code == 403
        assert has_totp(member)

    def test_aa04_nor_a_day_later(self, asked, clock):
        request, _, member = asked
        clock.advance(24 * 3600)
        second = staff_member(*RESETTING)
        assert b"Out of date" in second.get(f"/admin/stytch_totp/supportrequest/{request.pk}/change/").content
        answer = do(second, decision_of(request, "approve"))
        assert (answer.status_code, has_totp(member)) == (400, True)
        assert b"out of date" in answer.content


class TestForesightPage:
    def test_it_names_who_would_meet_what_and_does_it_when_it_is_confirmed(self, organization):
        for number, kind in enumerate(foretold.KINDS):
            foretold.settle_down(organization, kind, number % 2 + 1)
        staff = staff_member("view_member", "view_organization", "require_mfa_organization")
        answer = staff.get(act_of_organization(organization))
        counts = {label: count for label, count, _ in answer.context["counts"]}
        assert sum(counts.values()) == organization.members.count()
        page = answer.content.decode()
        for kind, fate in foretold.FATES.items():
            named = f"{kind}0@example.com".replace(" ", "-") in page
            assert named == (fate is not foretold.Fate.READY), kind
        organization.refresh_from_db()
        assert organization.mfa_policy == "OPTIONAL"
        assert do(staff, act_of_organization(organization)).status_code == 302
        organization.refresh_from_db()
        assert organization.mfa_policy == "REQUIRED_FOR_ALL"
        assert trail()[-1] == ("organization:mfa:required", REASON)

    def test_aa02_members_are_named_to_who_may_see_members(self, organization):
        foretold.settle_down(organization, "nothing")
        staff = staff_member("view_organization", "require_mfa_organization")
        assert b"nothing0@example.com" not in staff.get(act_of_organization(organization)).content

    def test_it_is_offered_where_it_is_not_so_yet_to_who_may(self, organization):
        url = f"/admin/stytch_totp/organization/{organization.pk}/change/"
        may, may_not = staff_member("view_organization", "require_mfa_organization"), staff_member("view_organization")
        assert act_of_organization(organization) in may.get(url).content.decode()
        assert act_of_organization(organization) not in may_not.get(url).content.decode()
        do(may, act_of_organization(organization))
        assert act_of_organization(organization) not in may.get(url).content.decode()
