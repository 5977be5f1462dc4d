"""What support sees of a member at a glance, against what the rows say."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stytch_totp.models import AuditEvent, Guard, Member, SupportRequest
from stytch_totp.operations import enrolment, recovery, sessions, support, verification
from stytch_totp.operations.glance import MOST_EVENTS, MOST_SESSIONS, glance
from stytch_totp.operations.support import Act
from tests.admin.desk import REASON, at_work, colleague
from tests.factories import ACTOR, code_of, enrol, make_member, wrong_code
from tests.operations.situations import begin, fresh, refusal, session_of, user

pytestmark = pytest.mark.django_db


def seen(member):
    return glance(fresh(member))


def test_of_a_new_member_there_is_nothing_to_see(member):
    found = seen(member)
    assert (found.enrolled, found.pending, found.required) == (False, False, False)
    assert (found.enrolled_since, found.last_used, found.codes_left, found.locked_until) == (0, 0, 0, 0)
    assert (found.locks, found.sessions, found.events, found.requests) == ([], [], [], [])


def test_since_when_somebody_is_enrolled_and_how_many_codes_are_left(enrolled, clock):
    member, secret, codes = enrolled
    found = seen(member)
    assert (found.enrolled, found.enrolled_since, found.last_used, found.codes_left) == (True, 1_800_000_000, 0, 10)
    clock.advance(3600)
    recovery.recover(fresh(member), code=codes[0], proof=begin(member), actor=ACTOR)
    clock.advance(45)
    verification.authenticate(fresh(member), code=code_of(secret), proof=begin(member), actor=ACTOR)
    found = seen(member)
    assert (found.enrolled_since, found.codes_left) == (1_800_000_000, 9)
    assert found.last_used == 1_800_003_630  # where the step begins


def test_an_enrolment_that_was_begun_until_it_expires(member, clock):
    enrolment.create(fresh(member), proof=None, actor=ACTOR, minutes=60)
    found = seen(member)
    assert (found.enrolled, found.pending, found.codes_left) == (False, True, 0)
    clock.advance(3600)
    assert not seen(member).pending


def test_whether_a_second_factor_is_asked_for_is_what_logins_ask(member, configure):
    assert not seen(member).required
    Member.objects.filter(pk=member.pk).update(mfa_enrolled=True)
    assert seen(member).required
    one = user()
    assert not seen(one).required
    enrol(one)
    assert seen(one).required
    configure(USERS_REQUIRE_MFA=True)
    assert seen(user()).required


def test_which_guards_are_locked_and_until_when_the_longest_is(enrolled, clock):
    member, secret, _ = enrolled
    for _ in range(10):
        refusal(
            lambda: verification.authenticate(
                fresh(member), code=wrong_code(secret), proof=session_of(member, "password"), actor=ACTOR
            )
        )
    found = seen(member)
    assert [guard.kind for guard in found.locks] == ["totp"]
    assert found.locked_until == 1_800_000_000 + 3600
    Guard.objects.filter(member=member, kind="password").update(locked_until=1_800_009_000)
    assert seen(member).locked_until == 1_800_009_000
    clock.advance(3600)
    assert [guard.kind for guard in seen(member).locks] == ["password"]


def test_live_sessions_newest_first_and_no_others(member, clock):
    made = []
    for _ in range(MOST_SESSIONS + 2):
        made.append(session_of(member, "password"))
        clock.advance(1)
    session_of(make_member(), "password")
    assert [one.pk for one in seen(member).sessions] == [one.pk for one in reversed(made)][:MOST_SESSIONS]
    sessions.revoke(made[-1], actor=ACTOR)
    assert made[-1].pk not in [one.pk for one in seen(member).sessions]
    clock.advance(3600)
    assert seen(member).sessions == []


def test_the_latest_events_of_the_member_and_of_nobody_else(enrolled):
    member, _, _ = enrolled
    stranger = make_member()
    for _ in range(MOST_EVENTS):
        support.do(Act.UNLOCK, member, reason=REASON, actor=ACTOR)
        support.do(Act.UNLOCK, stranger, reason=REASON, actor=ACTOR)
    found = seen(member).events
    expected = AuditEvent.objects.filter(member_id=member.pk).order_by("-pk")[:MOST_EVENTS]
    assert [one.pk for one in found] == [one.pk for one in expected]


def test_requests_that_wait_until_they_are_out_of_date(member, configure, clock):
    configure(SECOND_APPROVER=True)
    staff = at_work(colleague("view_member", "unlock_member"))
    first = support.do_as(staff, Act.UNLOCK, member, reason=REASON)
    clock.advance(60)
    second = support.do_as(at_work(staff.user), Act.UNLOCK, member, reason=REASON)
    assert seen(member).requests == [first, second]
    support.decline(at_work(staff.user), first, reason=REASON)
    assert seen(member).requests == [second]
    clock.advance(support.REQUEST_SECONDS)
    assert seen(member).requests == []
    assert SupportRequest.objects.count() == 2


def test_aa03_looking_writes_nothing_and_takes_few_statements(enrolled):
    member, _, _ = enrolled
    session_of(member, "password", "totp")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        seen(member)
    assert all(one["sql"].startswith("SELECT") for one in asked), asked.captured_queries
    assert len(asked) <= 8
