"""What has had its time goes, and nothing else (AA-12)."""

from unittest import mock

import pytest
from django.db import OperationalError

from stytch_totp.models import (
    AuditChain,
    AuditEvent,
    IntermediateSession,
    RecoveryCode,
    Session,
    SigningKey,
    SupportRequest,
    TOTPRegistration,
)
from stytch_totp.operations import batches, enrolment, expiry, grants, purge, sessions, signing, trail
from stytch_totp.operations.audit import Actor, Tag
from stytch_totp.operations.purge import DAY
from tests.factories import ACTOR, enrol, make_member
from tests.operations.chains import chain_of, change, happen, insert, remove
from tests.operations.keys import snapshot
from tests.operations.situations import BROWSER, begin, session_of
from tests.races.faults import failing

pytestmark = pytest.mark.django_db

COMMAND = Actor("system", "stytch_totp_purge", "request-id-test-tests")
KEEP = 30 * DAY


def run(**options):
    return purge.purge(COMMAND, **options)


def details(tag):
    return [event.details for event in AuditEvent.objects.filter(tag=tag).order_by("id")]


def begin_totp(member):
    return enrolment.create(member, proof=session_of(member, "password"), actor=ACTOR)


# Rows that ran out


def test_aa12_a_pending_totp_goes_a_day_after_it_expired(member, clock):
    begin_totp(member)
    clock.at += 3600 + DAY - 1
    assert run().rows["pending_registrations"] == 0
    clock.at += 1
    assert run().rows["pending_registrations"] == 1
    assert not TOTPRegistration.objects.exists()
    assert not RecoveryCode.objects.exists()


def test_an_active_totp_stays_for_ever(enrolled, clock):
    clock.at += 1000 * DAY
    run()
    assert TOTPRegistration.objects.count() == 1
    assert RecoveryCode.objects.count() == 10


def test_aa12_sessions_go_once_they_ended_long_ago(member, clock, configure):
    configure(SESSION_RETENTION_DAYS=30)
    expired, revoked, live = (session_of(member, "password") for _ in range(3))
    sessions.revoke(revoked, actor=ACTOR)
    Session.objects.filter(pk=live.pk).update(expires_at=clock() + 2 * KEEP)
    clock.at += KEEP
    run()
    assert set(Session.objects.all()) == {expired, live}
    clock.at += 3600
    run()
    assert set(Session.objects.all()) == {live}


def test_a_revoked_visit_stays_until_it_would_have_run_out(member, clock, configure):
    """Without its row the site would take the visit for one that ran out, and its visitor for logged in."""
    configure(SESSION_RETENTION_DAYS=1)
    visit = session_of(member, "password")
    Session.objects.filter(pk=visit.pk).update(place=BROWSER.place, expires_at=clock() + KEEP)
    sessions.revoke(visit, actor=ACTOR)
    clock.at += KEEP
    run()
    assert Session.objects.count() == 1
    clock.at += DAY
    run()
    assert Session.objects.count() == 0


def test_aa12_logins_go_once_they_ended_long_ago(member, clock):
    used, _ = begin(member), begin(member)
    grants.begin(None, [], BROWSER, discovered=[member])
    IntermediateSession.objects.consume(used, int(clock()))
    clock.at += KEEP
    assert run().rows["intermediate_sessions"] == 1
    clock.at += 600
    assert run().rows["intermediate_sessions"] == 2


def test_aa12_requests_of_support_go_once_they_were_decided_or_expired_long_ago(member, clock):
    common = {"member": member, "act": "unlock", "reason": "they asked me to", "asked_at": clock()}
    SupportRequest.objects.create(expires_at=clock() + 5 * DAY, decided_at=clock(), **common)
    expired = SupportRequest.objects.create(expires_at=clock() + DAY, **common)
    clock.at += KEEP
    run()
    assert set(SupportRequest.objects.all()) == {expired}
    clock.at += DAY
    run()
    assert not SupportRequest.objects.exists()


def test_what_is_live_stays(enrolled, clock):
    member, _, _ = enrolled
    begin(member)
    session_of(member, "password", "totp")
    begin_totp(make_member())
    before = snapshot()
    assert not +run().rows
    assert snapshot() == before


@pytest.mark.parametrize("batch", [1, 3, 1000])
def test_aa12_batches_of_any_size_reach_every_row_and_a_second_purge_none(clock, batch):
    member = make_member()
    for _ in range(7):
        begin(member)
        session_of(member, "password")
        begin_totp(make_member())
    clock.at += KEEP + DAY
    told = []
    done = run(batch=batch, tell=lambda *so_far: told.append(so_far))
    assert {name: rows for name, rows in done.rows.items() if rows} == {
        "pending_registrations": 7,
        "intermediate_sessions": 7,
        "sessions": 14,
    }
    assert ("sessions", 14) in told
    before = snapshot()
    assert not +run(batch=batch).rows
    assert snapshot() == before


def test_aa12_a_dry_run_counts_the_same_and_changes_nothing(clock, configure):
    configure(AUDIT_RETENTION_DAYS=10)
    member = make_member()
    session_of(member, "password")
    begin_totp(make_member())
    happen(member, 7)
    happen(None, 2)
    configure(AUDIT_CHAIN=False)
    happen(member, 3)
    configure(AUDIT_CHAIN=True)
    signing.rotate(ACTOR)
    clock.at += KEEP + DAY
    before = snapshot()
    dry = run(dry_run=True, batch=2)
    assert snapshot() == before
    assert dry.rows["signing_keys"] == 1
    assert dry.rows["audit_events"] == AuditEvent.objects.count()
    done = run(batch=2)
    assert done.rows["audit_events"] >= dry.rows["audit_events"]
    del done.rows["audit_events"], dry.rows["audit_events"]
    assert done == dry


def test_aa11_a_purge_is_on_record(member, clock):
    session_of(member, "password")
    begin(member)
    clock.at += KEEP + 3600
    run()
    begun, done = details(Tag.ROWS_PURGED)
    assert (begun, done) == ({"phase": "begun"}, {"phase": "done", "intermediate_sessions": 1, "sessions": 1})
    event = AuditEvent.objects.filter(tag=Tag.ROWS_PURGED).first()
    assert (event.actor_kind, event.actor_id) == ("system", "stytch_totp_purge")


def test_a_row_that_somebody_holds_is_of_the_next_purge(member, clock, monkeypatch):
    session_of(member, "password")
    clock.at += KEEP + 3600
    monkeypatch.setattr(purge, "free", lambda rows: [])
    assert run().rows["sessions"] == 0
    assert details(Tag.ROWS_PURGED) == []
    monkeypatch.setattr(purge, "free", batches.free)
    assert run().rows["sessions"] == 1


@pytest.mark.django_db(transaction=True)
def test_aa12_a_purge_that_is_cut_off_goes_on_where_it_was(clock, configure):
    configure(AUDIT_RETENTION_DAYS=10)
    member = make_member()
    for _ in range(6):
        session_of(member, "password")
    happen(member, 6)
    clock.at += KEEP + 3600
    for at in range(4, 400, 4):
        with failing(at, "on"):
            try:
                run(batch=2)
            except OperationalError:
                pass
            else:
                break
        assert trail.verify(COMMAND).faults == []
    assert not Session.objects.exists()
    assert not AuditEvent.objects.filter(at__lt=clock() - 10 * DAY).exists()
    assert len(details(Tag.EVENTS_PURGED)) == 3


# Signing keys


def test_se12_a_retired_key_stays_a_day(member, clock):
    former = signing.key_set()[0]
    made = signing.rotate(ACTOR)
    clock.at += DAY - 1
    assert run().rows["signing_keys"] == 0
    clock.at += 1
    assert run().rows["signing_keys"] == 1
    assert set(SigningKey.objects.all()) == {made}
    kid = f"jwk-test-{former.pk}"
    assert details(Tag.SIGNING_KEY_DELETED) == [{"kid": kid}]
    assert run().rows["signing_keys"] == 0


def test_se12_a_retired_key_stays_while_an_expired_jwt_of_it_may_lead_back_to_a_session(member, clock):
    session = session_of(member, "password")
    Session.objects.update(expires_at=clock() + 100 * DAY)
    old = sessions.authenticate(sessions.find(None, session_token=session.reveal())).jwt
    signing.rotate(ACTOR)
    clock.at += 10 * DAY
    assert run().rows["signing_keys"] == 0
    again = sessions.authenticate(sessions.find(None, session_jwt=old))
    assert run().rows["signing_keys"] == 1
    assert sessions.find(None, session_jwt=again.jwt) == session


@pytest.mark.parametrize(("seconds", "gone"), [(59, 0), (60, 1)])
def test_se12_a_key_counts_as_signing_until_every_worker_has_read_the_new_one(member, clock, seconds, gone):
    signing.rotate(ACTOR)
    clock.at += seconds
    session_of(member, "password")
    Session.objects.update(expires_at=clock() + 100 * DAY)
    clock.at += DAY
    assert run().rows["signing_keys"] == gone


def test_se12_a_session_that_ended_holds_no_key(member, clock):
    session = session_of(member, "password")
    signing.rotate(ACTOR)
    sessions.revoke(session, actor=ACTOR)
    clock.at += DAY
    assert run().rows["signing_keys"] == 1


def test_a_key_that_another_purge_deleted_is_not_deleted_twice(clock):
    signing.key_set()
    signing.rotate(ACTOR)
    clock.at += DAY
    spent = signing.spent_keys()
    assert len(spent) == 1
    SigningKey.objects.filter(pk=spent[0].pk).delete()
    with mock.patch.object(signing, "spent_keys", return_value=spent):
        assert run().rows["signing_keys"] == 0
    assert details(Tag.SIGNING_KEY_DELETED) == []


# Audit events


@pytest.fixture
def kept(configure):
    configure(AUDIT_RETENTION_DAYS=10)


def age(clock, days=11):
    clock.at += days * DAY


def places(member):
    return list(trail.events_of(member.organization_id).order_by("sequence").values_list("sequence", flat=True))


def test_aa12_no_event_goes_unless_it_is_set_how_long_they_stay(member, clock):
    happen(member, 3)
    age(clock, 10_000)
    assert run().rows["audit_events"] == 0
    assert places(member) == [1, 2, 3]


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_aa12_old_events_go_and_the_rest_can_be_verified(member, clock, kept, batch):
    happen(member, 5)
    age(clock)
    happen(member, 3)
    assert run(batch=batch).rows["audit_events"] == 5
    chain = chain_of(member)
    assert (chain.first, places(member)) == (6, list(range(6, chain.length + 1)))
    assert trail.verify(COMMAND).faults == []
    assert run(batch=batch).rows["audit_events"] == 0


def test_aa12_what_went_is_on_record_in_the_chain_that_it_went_from(member, clock, kept):
    happen(member, 5)
    happen(None, 2)
    age(clock)
    run()
    events = AuditEvent.objects.filter(tag=Tag.EVENTS_PURGED)
    assert {event.organization_id: event.details for event in events} == {
        member.organization_id: {"events": 5, "first": 1, "next": 6},
        None: {"events": 2, "first": 1, "next": 3},
    }
    assert {event.actor_id for event in events} == {"stytch_totp_purge"}


def test_an_event_goes_on_the_second_that_its_time_is_over(member, clock, kept):
    happen(member)
    clock.at += 10 * DAY
    assert run().rows["audit_events"] == 0
    clock.at += 1
    assert run().rows["audit_events"] == 1


def test_an_older_event_behind_one_that_is_to_stay_stays_with_it(member, clock, kept):
    """A worker whose clock is off: what goes is the beginning of a chain."""
    happen(member, 2)
    clock.at += 5 * DAY
    happen(member)
    clock.at -= 5 * DAY
    happen(member)
    age(clock)
    assert run().rows["audit_events"] == 2
    assert places(member)[:2] == [3, 4]


def test_events_outside_of_any_chain_go_too(member, clock, configure):
    configure(AUDIT_CHAIN=False, AUDIT_RETENTION_DAYS=10)
    happen(member, 5)
    age(clock)
    happen(member)
    assert run(batch=2).rows["audit_events"] == 5
    assert [one["events"] for one in details(Tag.EVENTS_PURGED)] == [2, 2, 1]
    assert run().rows["audit_events"] == 0


def test_the_chain_of_an_organization_that_is_gone_is_shortened_all_the_same(member, clock, kept):
    happen(member, 2)
    member.organization.delete()
    age(clock)
    assert run().rows["audit_events"] == 2
    assert trail.verify(COMMAND).faults == []


@pytest.mark.parametrize(
    "tamper",
    [
        lambda events: remove(events.filter(sequence=2)),
        lambda events: change(events.filter(sequence=2), outcome="failure"),
        lambda events: AuditChain.objects.filter(pk=events.get(sequence=1).organization_id).update(seal="0" * 64),
    ],
    ids=["missing", "changed", "unsealed"],
)
def test_aa07_what_was_tampered_with_stays_as_evidence(member, clock, kept, tamper):
    happen(member, 5)
    happen(None, 1)
    age(clock)
    tamper(trail.events_of(member.organization_id))
    before, chain = places(member), chain_of(member)
    done = run()
    assert len(done.faults) == 1
    assert str(member.organization_id) in done.faults[0]
    assert done.rows["audit_events"] == 1  # the other chain's
    assert places(member) == before
    assert chain_of(member).seal == chain.seal
    assert trail.verify(COMMAND).faults


def test_aa07_an_event_that_was_put_before_a_chain_stays_as_evidence(member, clock, kept):
    happen(member, 5)
    insert(AuditEvent.objects.get(sequence=3), sequence=0)
    age(clock)
    run()
    assert [fault.kind for fault in trail.verify(COMMAND).faults] == ["inserted"]


def test_a_chain_that_grows_meanwhile_keeps_its_end(member, clock, kept, monkeypatch):
    happen(member, 5)
    age(clock)
    prefix = expiry.Expiry._prefix

    def growing(self, chain, oldest):
        found = prefix(self, chain, oldest)
        happen(member)
        return found

    monkeypatch.setattr(expiry.Expiry, "_prefix", growing)
    run(batch=2)
    assert trail.verify(COMMAND).faults == []


def test_two_purges_at_once_delete_nothing_twice(member, clock, kept, monkeypatch):
    happen(member, 5)
    age(clock)
    cut, others = expiry.Expiry._cut, []

    def overtaken(self, chain, last):
        if not others:
            others.append(chain)
            run()
        return cut(self, chain, last)

    monkeypatch.setattr(expiry.Expiry, "_cut", overtaken)
    monkeypatch.setattr(expiry, "_delete", lambda work: work())
    assert run().rows["audit_events"] == 0
    assert len(details(Tag.EVENTS_PURGED)) == 1
    assert trail.verify(COMMAND).faults == []


def test_events_outside_of_a_chain_that_another_purge_deleted_are_not_on_record_twice(member, clock, configure):
    configure(AUDIT_CHAIN=False, AUDIT_RETENTION_DAYS=10)
    happen(member, 2)
    age(clock)
    drop = expiry.Expiry._drop

    def overtaken(self, keys):
        drop(self, keys)
        return drop(self, keys)

    with mock.patch.object(expiry.Expiry, "_drop", overtaken):
        run()
    assert [one["events"] for one in details(Tag.EVENTS_PURGED)] == [2]


def test_a_purge_doesnt_touch_who_has_mfa(enrolled, clock, kept):
    member, secret, _ = enrolled
    age(clock, 1000)
    run()
    assert member.registrations.get().reveal()
    assert enrol(make_member())
    assert secret


@pytest.mark.parametrize("made_old", [3, 5], ids=["some of them", "all of them"])
def test_aa07_events_that_were_made_to_look_old_stay_as_evidence(member, clock, kept, made_old):
    """With links made to fit: what gives them away is the event behind them, or where the chain ends."""
    happen(member, 5)
    events, link = trail.events_of(member.organization_id), chain_of(member).base
    for event in events.filter(sequence__lte=made_old).order_by("sequence"):
        event.at -= 30 * DAY
        link = event.link_after(link)
        change(AuditEvent.objects.filter(pk=event.pk), at=event.at, link=link)
    before = places(member)
    done = run()
    assert len(done.faults) == 1
    assert places(member) == before


def test_aa07_an_event_of_a_low_id_outside_of_the_chain_is_found_by_its_time(member, clock):
    happen(member, 3)
    first = AuditEvent.objects.order_by("pk")[0]
    clock.at += 60
    insert(first, id=first.pk - 1, sequence=None, link="", at=int(clock()))
    assert [fault.kind for fault in trail.verify(COMMAND).faults] == ["inserted"]
