"""What would become of an organization's members if it required MFA, held against what then becomes of them."""

from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stytch_totp import errors
from stytch_totp.models import Guard, Member, Organization, RecoveryCode
from stytch_totp.operations import enrolment, foresight, members, organizations, passwords, recovery, verification
from stytch_totp.operations.foresight import Fate
from tests.admin.desk import REASON, app_models, at_work, colleague, limit, rows_of, trail
from tests.factories import ACTOR, OrganizationFactory, code_of, enrol
from tests.operations.situations import PASSWORD, fresh, person, present, refusal, user

pytestmark = pytest.mark.django_db

MAYS = ("view_organization", "require_mfa_organization")
SECRETS: dict = {}


@pytest.fixture(autouse=True)
def _no_secrets():
    SECRETS.clear()


def settle_down(organization, kind, number=1):
    """Members of one kind, who log in by ``PASSWORD``."""
    made = []
    for one in range(number):
        member = person(organization=organization, email=f"{kind}{one}@example.com".replace(" ", "-"), **KINDS[kind])
        if kind in ("enrolled", "breakglass enrolled", "locked", "enrolled and phone"):
            SECRETS[member.pk], _ = enrol(member)
        if kind == "begun":
            enrolment.create(fresh(member), proof=None, actor=ACTOR)
        if kind == "locked":
            RecoveryCode.objects.filter(registration__member=member).update(used_at=1)
        if "locked" in kind:
            Guard.objects.filter(member=member, kind="totp").update(
                failures=10, locks=1, locked_at=1_800_000_000, locked_until=1_800_003_600
            )
        made.append(fresh(member))
    return made


PHONE = {"mfa_phone_number": "+15005550006", "mfa_phone_verified": True}
KINDS = {
    "nothing": {},
    "pending member": {"status": "pending"},
    "begun": {},
    "asked already": {"mfa_enrolled": True},
    "enrolled": {},
    "breakglass": {"is_breakglass": True},
    "breakglass enrolled": {"is_breakglass": True},
    "locked": {},
    "locked without": {},
    "phone": PHONE,
    "enrolled and phone": PHONE,
    "unverified phone": {"mfa_phone_number": "+15005550006"},
}
FATES = {
    "nothing": Fate.ASKED,
    "pending member": Fate.ASKED,
    "begun": Fate.ASKED,
    "asked already": Fate.ASKED,
    "enrolled": Fate.READY,
    "breakglass": Fate.ASKED,
    "breakglass enrolled": Fate.READY,
    "locked": Fate.LOCKED,
    "locked without": Fate.LOCKED,
    "phone": Fate.PHONE,
    "enrolled and phone": Fate.READY,
    "unverified phone": Fate.ASKED,
}


def next_login(member):
    """What the member's next login meets: the fate that it is, and not the one foretold."""
    organization = Organization.objects.get(pk=member.organization_id)
    done = passwords.authenticate(organization, email=member.email, password=PASSWORD, proof=None, actor=ACTOR)
    if not done.mfa_owed:
        return "let in"
    proof = present(intermediate_session_token=done.intermediate_session_token)
    member, secret = fresh(member), SECRETS.get(member.pk)

    def enter(secret):
        verification.authenticate(fresh(member), code=code_of(secret), proof=proof, actor=ACTOR)

    def enrol_and_enter():
        enter(enrolment.create(member, proof=proof, actor=ACTOR).secret)

    refused = refusal((lambda: enter(secret)) if secret else enrol_and_enter)
    if refused is None:
        return Fate.READY if secret else Fate.ASKED
    met = {errors.Locked: Fate.LOCKED, errors.InsufficientFactors: Fate.PHONE, errors.TOTPRestricted: Fate.RESTRICTED}
    return met[refused]


def restrict(organization, *methods):
    Organization.objects.filter(pk=organization.pk).update(mfa_methods="RESTRICTED", allowed_mfa_methods=list(methods))
    organization.refresh_from_db()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_foretold_is_what_the_next_login_meets(organization, kind):
    (member,) = settle_down(organization, kind)
    seen = foresight.foresee(organization)
    assert {fate: count for fate, count in seen.counts.items() if count} == {FATES[kind]: 1}
    foresight.require_mfa(organization, reason=REASON, actor=ACTOR)
    assert next_login(member) == FATES[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_where_totp_isnt_allowed_all_but_breakglass_members_are_locked_out(organization, kind):
    (member,) = settle_down(organization, kind)
    restrict(organization, "sms_otp")
    expected = FATES[kind] if kind.startswith("breakglass") else Fate.RESTRICTED
    assert foresight.foresee(organization).counts[expected] == 1
    foresight.require_mfa(organization, reason=REASON, actor=ACTOR)
    assert next_login(member) == expected


def test_where_totp_is_among_the_allowed_methods_it_is_as_where_all_are(organization):
    restrict(organization, "totp")
    (member,) = settle_down(organization, "nothing")
    assert foresight.foresee(organization).counts[Fate.ASKED] == 1
    foresight.require_mfa(organization, reason=REASON, actor=ACTOR)
    assert next_login(member) == Fate.ASKED


def test_who_has_a_recovery_code_is_not_told_to_be_locked_out(organization):
    """It has a budget of its own."""
    (member,) = settle_down(organization, "locked without")
    _, codes = enrol(member)
    recovery_guard = Guard.objects.filter(member=member, kind="recovery")
    recovery_guard.update(locked_until=1_800_003_600)
    assert foresight.foresee(organization).locked_out == 1
    recovery_guard.update(locked_until=0)
    assert foresight.foresee(organization).locked_out == 0
    foresight.require_mfa(organization, reason=REASON, actor=ACTOR)
    done = passwords.authenticate(organization, email=member.email, password=PASSWORD, proof=None, actor=ACTOR)
    proof = present(intermediate_session_token=done.intermediate_session_token)
    assert refusal(lambda: recovery.recover(fresh(member), code=codes[0], proof=proof, actor=ACTOR)) is None


def test_of_the_directory_of_users_nothing_is_foretold_that_doesnt_happen():
    directory = organizations.consumer()
    one = user(email="ada@example.com", password=person().password)
    staff = at_work(colleague(*MAYS))
    refused = refusal(lambda: foresight.require_mfa_as(staff, directory, reason=REASON))
    assert refused is not None or next_login(one) == Fate.ASKED


def test_each_living_member_is_counted_once_and_only_this_organizations(organization):
    expected = Counter()
    for number, kind in enumerate(KINDS):
        settle_down(organization, kind, number % 3 + 1)
        settle_down(other := OrganizationFactory.create(), kind)
        expected[FATES[kind]] += number % 3 + 1
        assert sum(foresight.foresee(other).counts.values()) == 1
    members.delete(person(organization=organization), actor=ACTOR)
    seen = foresight.foresee(organization)
    assert seen.counts == {fate: expected[fate] for fate in Fate}
    assert sum(seen.counts.values()) == organization.members.exclude(status="deleted").count()
    assert (seen.asked, seen.locked_out) == (expected[Fate.ASKED], expected[Fate.LOCKED] + expected[Fate.PHONE])
    for fate in Fate:
        assert foresight.people(organization, fate).count() == expected[fate]


def test_a_lock_that_ran_out_locks_nobody_out(organization, clock):
    settle_down(organization, "locked")
    clock.advance(3600)
    assert foresight.foresee(organization).counts[Fate.READY] == 1


def test_the_lock_of_another_kind_of_code_is_none(organization):
    (member,) = settle_down(organization, "enrolled")
    Guard.objects.filter(member=member, kind="recovery").update(locked_until=1_900_000_000)
    assert foresight.foresee(organization).counts[Fate.READY] == 1


def test_aa03_looking_changes_nothing_and_takes_one_statement_for_all(organization):
    for kind in KINDS:
        settle_down(organization, kind)
    before = rows_of(*app_models())
    with CaptureQueriesContext(connection) as asked:
        foresight.foresee(organization)
    assert (len(asked), rows_of(*app_models())) == (1, before)


def test_people_come_by_address_with_what_they_would_meet(organization):
    for kind in ("phone", "enrolled", "nothing"):
        settle_down(organization, kind)
    found = [(one.email, one.fate) for one in foresight.people(organization)]
    assert found == [
        ("enrolled0@example.com", "ready"),
        ("nothing0@example.com", "asked"),
        ("phone0@example.com", "phone"),
    ]


def test_an_empty_organization_has_nobody_to_ask(organization):
    assert set(foresight.foresee(organization).counts.values()) == {0}


class TestAsking:
    def test_who_may_makes_the_organization_require_it_and_that_is_on_record(self, organization, clock):
        clock.advance(60)
        foresight.require_mfa_as(at_work(colleague(*MAYS)), organization, reason=f" {REASON} ")
        organization.refresh_from_db()
        assert (organization.mfa_policy, organization.updated_at) == ("REQUIRED_FOR_ALL", 1_800_000_060)
        assert trail() == [("organization:mfa:required", REASON)]

    @pytest.mark.parametrize("permissions", [(), MAYS[:1], MAYS[1:], ("view_member", "require_mfa_organization")])
    def test_aa02_who_may_not_changes_nothing(self, organization, permissions):
        staff = at_work(colleague(*permissions))
        work = lambda: foresight.require_mfa_as(staff, organization, reason=REASON)  # noqa: E731
        assert refusal(work) is errors.SupportForbidden
        organization.refresh_from_db()
        assert (organization.mfa_policy, trail()) == ("OPTIONAL", [("member:support:denied", "")])

    def test_te10_nor_who_is_limited_to_others(self, organization):
        one = colleague(*MAYS)
        limit(one, OrganizationFactory.create())
        work = lambda: foresight.require_mfa_as(at_work(one), organization, reason=REASON)  # noqa: E731
        assert refusal(work) is errors.SupportForbidden

    def test_an_organization_that_was_deleted_is_not_brought_back(self, organization):
        stale = Organization.objects.get(pk=organization.pk)
        Member.objects.filter(organization=organization).delete()
        organization.delete()
        work = lambda: foresight.require_mfa(stale, reason=REASON, actor=ACTOR)  # noqa: E731
        assert refusal(work) is errors.OrganizationNotFound
        assert not Organization.objects.filter(pk=stale.pk).exists()
