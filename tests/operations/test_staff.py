"""Who of the site's staff may do what to whom (AA-02, AA-04, TE-10)."""

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User

from stytch_totp import errors
from stytch_totp.models import AuditEvent, Member, Organization
from stytch_totp.operations.staff import reaches, within
from tests.admin.desk import REASON, at_work, colleague, limit
from tests.factories import OrganizationFactory, make_member
from tests.operations.situations import refusal

pytestmark = pytest.mark.django_db

VIEW, ACT = "view_member", "reset_mfa_member"
PERMISSION = f"stytch_totp.{ACT}"


def may(staff, member, reason=REASON):
    """What staff who would reset the member's MFA are refused with, if they are."""
    return refusal(lambda: staff.check_may(PERMISSION, member.organization, member, reason))


def denials():
    return list(AuditEvent.objects.filter(tag="member:support:denied").order_by("pk"))


def linked(member, user):
    Member.objects.filter(pk=member.pk).update(user=user)
    return Member.objects.select_related("organization", "user").get(pk=member.pk)


class TestPermission:
    def test_aa02_who_may_see_members_and_act_may_and_nothing_is_put_on_record(self, member):
        assert may(at_work(colleague(VIEW, ACT)), member) is None
        assert denials() == []

    @pytest.mark.parametrize(
        ("permissions", "fields"),
        [
            ((), {}),
            ((VIEW,), {}),
            ((ACT,), {}),
            ((VIEW, "unlock_member"), {}),
            (("view_organization", ACT), {}),
            ((VIEW, ACT), {"is_staff": False}),
            ((VIEW, ACT), {"is_active": False}),
            ((), {"is_superuser": True, "is_staff": False}),
            ((), {"is_superuser": True, "is_active": False}),
        ],
    )
    def test_aa02_who_lacks_one_of_the_two_or_is_no_staff_may_not_and_that_is_on_record(
        self, member, permissions, fields
    ):
        user = colleague(*permissions, **fields)
        assert may(at_work(user), member) is errors.SupportForbidden
        (event,) = denials()
        assert event.details == {"permission": PERMISSION, "why": "support_forbidden"}
        assert (event.member_id, event.organization_id) == (member.pk, member.organization_id)
        assert (event.actor_kind, event.actor_id, event.outcome) == ("staff", str(user.pk), "failure")

    def test_aa02_of_an_organization_it_is_the_permission_to_see_organizations_that_counts(self, organization):
        permission = "stytch_totp.require_mfa_organization"
        seeing = at_work(colleague("view_organization", "require_mfa_organization"))
        assert seeing.refusal(permission, organization) is None
        blind = at_work(colleague(VIEW, "require_mfa_organization"))
        assert isinstance(blind.refusal(permission, organization), errors.SupportForbidden)
        assert refusal(lambda: blind.check_may(permission, organization, None, REASON)) is errors.SupportForbidden
        (event,) = denials()
        assert (event.member_id, event.organization_id) == (None, organization.pk)


class TestReach:
    def test_te10_without_a_limit_staff_see_every_organization(self, organization):
        assert reaches(colleague(), organization)

    def test_te10_a_limit_is_to_its_organizations_and_one_without_any_to_none(self, organization):
        other, user = OrganizationFactory.create(), colleague(VIEW, ACT)
        made = limit(user, organization)
        assert (reaches(user, organization), reaches(user, other)) == (True, False)
        assert may(at_work(user), make_member(organization=organization)) is None
        assert may(at_work(user), make_member(organization=other)) is errors.SupportForbidden
        made.organizations.clear()
        assert not reaches(user, organization)

    def test_te10_a_limit_goes_on_limiting_when_its_last_organization_is_deleted(self, organization):
        other, user = OrganizationFactory.create(), colleague()
        limit(user, organization)
        organization.delete()
        assert not reaches(user, other)
        assert list(within(user, Organization.objects.all(), "pk")) == []

    def test_te10_a_superuser_is_never_limited(self, organization):
        user = colleague(is_superuser=True)
        limit(user)
        assert reaches(user, organization)

    def test_te10_one_limit_is_not_anothers(self, organization):
        limit(colleague(), organization)
        assert reaches(colleague(), OrganizationFactory.create())

    def test_te10_rows_are_kept_by_the_path_to_their_organization(self, organization, member):
        stranger, user = make_member(), colleague()
        limit(user, organization)
        assert list(within(user, Member.objects.all(), "organization")) == [member]
        assert stranger in within(colleague(), Member.objects.all(), "organization")

    def test_somebody_whom_no_row_stands_for_is_not_limited_by_anothers(self, organization):
        limit(colleague(), organization)
        assert within(AnonymousUser(), Organization.objects.all(), "pk").count() == 1


class TestWhom:
    def test_aa04_not_oneself_by_the_link_to_the_user(self, member):
        user = colleague(VIEW, ACT)
        assert may(at_work(user), linked(member, user)) is errors.SupportOfOneself

    @pytest.mark.parametrize("superuser", [True, False])
    def test_aa04_not_oneself_by_the_address_in_any_case_superuser_or_not(self, superuser):
        user = colleague(*(() if superuser else (VIEW, ACT)), email="Ada@Example.COM", is_superuser=superuser)
        member = make_member(email="ada@example.com")
        assert may(at_work(user), member) is errors.SupportOfOneself
        assert denials()[0].details["why"] == "support_of_oneself"

    def test_aa04_two_without_an_address_are_not_the_same(self):
        member = make_member(email="", email_key=None)
        assert may(at_work(colleague(VIEW, ACT, email="")), member) is None

    @pytest.mark.parametrize(
        ("permissions", "fields", "refused"),
        [
            ((), {"is_superuser": True}, True),
            ((VIEW, ACT, "unlock_member"), {}, True),
            (("unlock_member",), {}, True),
            ((VIEW, ACT), {}, False),
            ((), {}, False),
            ((VIEW, ACT, "unlock_member"), {"is_active": False}, True),
            ((VIEW, ACT, "unlock_member"), {"is_staff": False}, False),
        ],
    )
    def test_aa04_not_staff_who_may_do_something_more(self, member, permissions, fields, refused):
        other = colleague(*permissions, **fields)
        expected = errors.SupportOfHigherRole if refused else None
        assert may(at_work(colleague(VIEW, ACT)), linked(member, other)) is expected

    def test_aa04_a_superuser_may_support_another_superuser(self, member):
        other = colleague(is_superuser=True)
        assert may(at_work(colleague(is_superuser=True)), linked(member, other)) is None

    def test_aa04_not_staff_who_see_more_organizations(self, member):
        limited, free = colleague(VIEW, ACT), colleague(VIEW, ACT)
        limit(limited, member.organization)
        assert may(at_work(limited), linked(member, free)) is errors.SupportOfHigherRole


class TestReadiness:
    @pytest.mark.parametrize(("age", "refused"), [(0, None), (600, None), (601, errors.StepUpRequired)])
    def test_aa04_a_second_factor_shown_within_ten_minutes(self, member, age, refused):
        assert may(at_work(colleague(VIEW, ACT), age=age), member) is refused
        assert [one.details["why"] for one in denials()] == ["step_up_required"] * (refused is not None)

    def test_aa04_one_who_never_showed_any(self, member):
        staff = at_work(colleague(VIEW, ACT), age=1_800_000_000)
        assert staff.verified_at == 0
        with pytest.raises(errors.StepUpRequired) as caught:
            staff.check_may(PERMISSION, member.organization, member, REASON)
        assert caught.value.details == {"max_age": 600}

    @pytest.mark.parametrize("reason", ["", " " * 40, "too short", "   short   ", "\n" * 12])
    def test_aa04_a_reason_of_ten_characters(self, member, reason):
        staff = at_work(colleague(VIEW, ACT))
        assert may(staff, member, reason) is errors.SupportReasonTooShort
        assert may(staff, member, "ten letters"[:10]) is None

    def test_aa04_whether_one_may_at_all_comes_before_what_is_missing(self, member):
        staff = at_work(User.objects.get(pk=colleague(VIEW).pk), age=9999)
        assert may(staff, member, "") is errors.SupportForbidden


@pytest.mark.parametrize("asleep", [{"is_active": False}, {"is_staff": False}, {}])
def test_aa04_a_superuser_is_for_superusers_whatever_else_somebody_may_do(asleep):
    everything = Permission.objects.values_list("codename", flat=True).filter(content_type__app_label="stytch_totp")
    other = colleague(is_superuser=True, **asleep)
    member = make_member(user=other, email=other.email)
    assert may(at_work(colleague(*everything)), member) is errors.SupportOfHigherRole
    assert may(at_work(colleague(is_superuser=True)), member) is None
