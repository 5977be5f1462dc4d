"""Who has MFA, in numbers."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stytch_totp.models import AuditEvent, Guard, Member, RecoveryCode
from stytch_totp.operations import enrolment, members, organizations, reports
from stytch_totp.operations.audit import Actor, Tag
from tests.factories import ACTOR, OrganizationFactory, enrol, make_member
from tests.operations.keys import snapshot
from tests.operations.situations import session_of, user

pytestmark = pytest.mark.django_db

COMMAND = Actor("system", "stytch_totp_report", "request-id-test-tests")


@pytest.fixture
def alpha():
    """Two enrolled, one of them locked, one without codes; one pending; one expired; two without; one deleted."""
    made = OrganizationFactory.create(slug="alpha", mfa_policy="REQUIRED_FOR_ALL")
    people = [make_member(organization=made) for _ in range(7)]
    for one in people[:2]:
        enrol(one)
    Guard.objects.filter(member=people[0], kind="totp").update(locked_until=2_000_000_000)
    Guard.objects.filter(member=people[0], kind="recovery").update(locked_until=2_000_000_000)
    Guard.objects.filter(member=people[1], kind="totp").update(locked_until=1_000_000_000)
    RecoveryCode.objects.filter(registration__member=people[1]).update(used_at=1)
    for one in people[2:4]:
        enrolment.create(one, proof=session_of(one, "password"), actor=ACTOR)
    people[3].registrations.update(expires_at=1)
    enrol(people[6])
    members.delete(members.reload(people[6]), actor=ACTOR)
    assert Member.objects.count() == 7
    return made


def line(slug):
    return next(one for one in reports.report(COMMAND) if one.slug == slug)


def test_a_line_counts_everybody_once(alpha):
    found = line("alpha")
    assert found == reports.Line(
        organization_id=f"organization-test-{alpha.pk}",
        slug="alpha",
        policy="REQUIRED_FOR_ALL",
        members=6,
        enrolled=2,
        pending=1,
        without=3,
        locked=1,
        without_codes=1,
    )
    assert found.members == found.enrolled + found.pending + found.without


def test_who_enrols_anew_is_enrolled_and_not_pending(enrolled):
    member, _, _ = enrolled
    pending = member.registrations.get()
    pending.pk, pending.state, pending.expires_at = None, "pending", 2_000_000_000
    pending.save(force_insert=True)
    found = line(member.organization.slug)
    assert (found.enrolled, found.pending) == (1, 0)


def test_every_organization_has_a_line_even_without_members(alpha):
    OrganizationFactory.create(slug="beta")
    enrol(user())
    found = {one.slug: (one.members, one.enrolled) for one in reports.report(COMMAND)}
    assert found == {"alpha": (6, 2), "beta": (0, 0), organizations.consumer().slug: (1, 1)}
    assert [one.slug for one in reports.report(COMMAND)] == sorted(found)


def test_one_organization_can_be_asked_for_alone(alpha):
    other = make_member().organization
    assert [one.slug for one in reports.report(COMMAND, organization=other)] == [other.slug]
    assert line(other.slug).members == 1


def test_it_takes_the_same_number_of_statements_for_many(alpha):
    def statements():
        with CaptureQueriesContext(connection) as queries:
            reports.report(COMMAND)
        return len(queries)

    reports.report(COMMAND)
    few = statements()
    for _ in range(20):
        enrol(make_member())
    assert statements() == few


def test_aa11_it_is_on_record_and_changes_nothing_else(alpha):
    before = snapshot()
    reports.report(COMMAND)
    event = AuditEvent.objects.latest("id")
    assert (event.tag, event.actor_id) == (Tag.REPORT_MADE, "stytch_totp_report")
    assert event.details == {"organizations": 1}
    after = snapshot()
    for name in ("AuditEvent", "AuditChain"):
        del before[name], after[name]
    assert before == after


def test_where_nobody_is_there_is_no_line():
    assert reports.report(COMMAND) == []
