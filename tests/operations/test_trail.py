"""Whatever is done to the audit trail past the code shows (AA-07)."""

import os
import time

import pytest

from stytch_totp.core.sealing import generate_key
from stytch_totp.models import AuditChain, AuditEvent
from stytch_totp.operations import organizations, trail
from stytch_totp.operations.audit import Actor, Tag
from stytch_totp.operations.trail import Anchor
from tests.factories import make_member
from tests.operations.chains import chain_of, change, happen, happen_in_bulk, insert, kinds, relink, remove, said

pytestmark = pytest.mark.django_db

COMMAND = Actor("system", "stytch_totp_verify_audit", "request-id-test-tests")
#: Of one chain in which one is missing. AA-07 wants 100,000, which takes half a minute.
MANY = int(os.environ.get("STYTCH_TOTP_TRAIL_EVENTS", "10000"))


@pytest.fixture
def subject():
    """A member in whose organization ten events have happened; five others belong to nobody, five to another one."""
    member = make_member()
    happen(member, 10)
    happen(None, 5)
    happen(make_member(), 5)
    return member


def verify(**options):
    return trail.verify(COMMAND, **options)


def events(member):
    return AuditEvent.objects.filter(organization_id=member.organization_id).order_by("id")


def test_a_trail_that_nobody_touched_is_in_order(subject):
    found = verify()
    assert (found.events, found.faults) == (20, [])
    assert Anchor(subject.organization_id, 10, chain_of(subject).head) in found.anchors
    assert len(found.anchors) == 3


def test_a_removed_event_is_missing(subject):
    remove(events(subject).filter(sequence=4))
    found = verify()
    assert kinds(found) == ["missing"]
    assert said(found.faults) == ["events 4 to 4"]
    assert found.faults[0].organization == subject.organization_id


def test_removed_events_are_told_as_they_lie(subject):
    remove(events(subject).filter(sequence__in=[1, 2, 5, 6, 7]))
    assert said(verify().faults) == ["events 1 to 2", "events 5 to 7"]


def test_aa07_one_removed_event_of_very_many_is_found(subject):
    started = time.perf_counter()
    happen_in_bulk(chain_of(subject), MANY)
    made = time.perf_counter()
    remove(events(subject).filter(sequence=MANY // 2))
    found = verify(organization=subject.organization_id)
    print(f"\n{MANY} events made in {made - started:.1f} s, verified in {time.perf_counter() - made:.1f} s")
    assert said(found.faults) == [f"events {MANY // 2} to {MANY // 2}"]
    assert found.events == MANY + 9


@pytest.mark.parametrize(
    "changes",
    [
        {"tag": "member:totp:created"},
        {"at": 1},
        {"outcome": "failure"},
        {"actor_id": "nobody"},
        {"actor_kind": "staff"},
        {"member_id": None},
        {"reason": "a better one"},
        {"details": {"number": 77}},
        {"ip_address": "192.0.2.1"},
        {"user_agent_digest": "0"},
        {"request_id": "another"},
        {"link": "0" * 64},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_changed_event_shows(subject, changes):
    change(events(subject).filter(sequence=4), **changes)
    found = verify()
    assert kinds(found)[0] == "changed"
    assert len(found.faults) == (2 if "link" in changes else 1)
    assert "event 4 " in found.faults[0].said


def test_a_changed_event_with_a_link_of_its_own_shows_at_the_next(subject):
    event = events(subject).get(sequence=4)
    event.outcome = "failure"
    link = event.link_after(events(subject).get(sequence=3).link)
    change(events(subject).filter(sequence=4), outcome="failure", link=link)
    found = verify()
    assert kinds(found) == ["changed"]
    assert "event 5 " in found.faults[0].said
    assert "one before it" in found.faults[0].said


def test_an_event_that_moved_to_another_chain_shows_in_both(subject):
    other = make_member()
    change(events(subject).filter(sequence=10), organization_id=other.organization_id)
    assert sorted(kinds(verify())) == ["orphaned", "truncated"]


def test_two_events_that_changed_places_show(subject):
    first, second = events(subject)[3:5]
    change(AuditEvent.objects.filter(pk=first.pk), sequence=99)
    change(AuditEvent.objects.filter(pk=second.pk), sequence=4)
    change(AuditEvent.objects.filter(pk=first.pk), sequence=5)
    assert set(kinds(verify())) == {"changed"}


def test_ids_that_changed_places_show(subject):
    """No link is over them, and lists go by them."""
    first, second = (one.pk for one in events(subject)[3:5])
    for former, chosen in ((first, -1), (second, first), (-1, second)):
        change(AuditEvent.objects.filter(pk=former), id=chosen)
    found = verify()
    assert kinds(found) == ["moved"]
    assert found.faults[0].said == f"event 5 has the id {first}"


def test_a_cut_off_end_shows(subject):
    remove(events(subject).filter(sequence__gt=7))
    found = verify()
    assert kinds(found) == ["truncated"]
    assert "8 to 10" in found.faults[0].said


def test_a_cut_off_end_shows_by_the_seal_if_the_chain_is_set_back_with_it(subject):
    remove(events(subject).filter(sequence__gt=7))
    relink(chain_of(subject))
    assert kinds(verify()) == ["unsealed"]


def test_a_chain_that_was_written_anew_from_end_to_end_shows_by_the_seal(subject):
    remove(events(subject).filter(sequence=4))
    relink(chain_of(subject))
    assert kinds(verify()) == ["unsealed"]


def test_a_chain_that_is_set_back_and_keeps_its_events_shows(subject):
    seventh = events(subject).get(sequence=7)
    AuditChain.objects.filter(pk=subject.organization_id).update(length=7, head=seventh.link)
    assert sorted(kinds(verify())) == ["truncated", "unsealed"]


def test_a_chain_with_another_end_shows(subject):
    AuditChain.objects.filter(pk=subject.organization_id).update(head="f" * 64)
    assert sorted(kinds(verify())) == ["truncated", "unsealed"]


def test_a_chain_that_pretends_to_have_been_purged_shows(subject):
    third = events(subject).get(sequence=3)
    remove(events(subject).filter(sequence__lt=4))
    AuditChain.objects.filter(pk=subject.organization_id).update(first=4, base=third.link)
    assert kinds(verify()) == ["unsealed"]


def test_a_chain_without_its_row_shows(subject):
    AuditChain.objects.filter(pk=subject.organization_id).delete()
    AuditChain.objects.filter(pk=AuditChain.NOBODYS).delete()
    found = verify()
    assert kinds(found) == ["orphaned", "orphaned"]
    assert {fault.organization for fault in found.faults} == {subject.organization_id, AuditChain.NOBODYS}


def test_an_event_past_the_chain_shows(subject):
    insert(events(subject).get(sequence=4), sequence=None, link="")
    found = verify()
    assert kinds(found) == ["inserted"]
    assert found.faults[0].said.startswith("1 events outside")


def test_an_event_past_the_chain_shows_though_the_newest_is_made_the_oldest(subject, clock):
    """It would else say from which id on events have a place."""
    clock.advance(60)
    newcomer = make_member()
    happen(newcomer, 1)
    forged = insert(events(newcomer).get(), sequence=None, link="", at=events(subject).first().at + 1)
    change(events(newcomer).filter(sequence=1), id=-10)
    change(AuditEvent.objects.filter(pk=forged.pk), id=-11)
    assert kinds(verify()) == ["moved", "inserted"]


@pytest.mark.parametrize("place", [None, 9])
def test_an_event_of_the_organization_of_zeros_shows(subject, place):
    insert(events(subject).get(sequence=4), organization_id=AuditChain.NOBODYS, sequence=place)
    assert set(kinds(verify())) == {"inserted"}
    assert set(kinds(verify(organization=AuditChain.NOBODYS))) == {"inserted"}
    assert verify(organization=subject.organization_id).faults == []


def test_who_has_another_keyring_sees_that_and_breaks_no_seal(subject, configure, settings):
    before = list(AuditChain.objects.order_by("pk").values_list())
    former = settings.STYTCH_TOTP["KEYRING"]
    configure(KEYRING=[generate_key("other")])
    found = verify()
    assert set(kinds(found)) == {"unsealed"}
    assert set(said(found.faults)) == {"it was sealed under a key that isn't in KEYRING"}
    assert list(AuditChain.objects.order_by("pk").values_list()) == before
    configure(KEYRING=former)
    assert verify().faults == []


def test_events_from_before_there_was_a_chain_are_no_fault(subject, configure):
    remove(AuditEvent.objects.all())
    AuditChain.objects.all().delete()
    configure(AUDIT_CHAIN=False)
    happen(subject, 3)
    assert verify().faults == []
    configure(AUDIT_CHAIN=True)
    happen(subject, 3)
    assert verify().faults == []


def test_where_no_chain_is_kept_any_more_what_comes_later_is_no_fault(subject, configure):
    configure(AUDIT_CHAIN=False)
    happen(subject, 3)
    assert verify().faults == []
    configure(AUDIT_CHAIN=True)
    assert kinds(verify()) == ["inserted", "inserted"]  # the three, and the record of the verification before


def test_a_second_event_of_one_place_shows(subject):
    """Of nobody's chain: SQL's unique rule lets NULLs by."""
    second = AuditEvent.objects.get(organization_id=None, sequence=2)
    insert(second)
    found = verify()
    assert kinds(found) == ["inserted"]
    assert found.faults[0].said.startswith("a second event 2")


def test_an_event_before_the_beginning_of_a_chain_shows(subject):
    insert(events(subject).get(sequence=4), sequence=0)
    assert kinds(verify()) == ["inserted"]


def test_pages_meet_in_the_middle_of_places_that_are_taken_twice(subject, monkeypatch):
    monkeypatch.setattr(trail, "PAGE", 2)
    insert(AuditEvent.objects.get(organization_id=None, sequence=2))
    found = verify()
    assert kinds(found) == ["inserted"]
    assert found.events == 21


def test_one_organization_is_judged_by_itself(subject):
    remove(events(subject).filter(sequence=4))
    remove(AuditEvent.objects.filter(organization_id=None, sequence=2))
    happen(make_member(), 1)
    other = organizations.resolve(make_member().organization.slug)
    happen(make_member(organization=other), 2)
    assert verify(organization=other.pk).faults == []
    assert len(verify(organization=subject.organization_id).faults) == 1
    assert len(verify().faults) == 2


def test_a_chain_that_grows_meanwhile_is_no_fault(subject, monkeypatch):
    take = trail.Follower.take

    def growing(self, event):
        if event.sequence % 3 == 0:
            happen(subject)
        return take(self, event)

    monkeypatch.setattr(trail.Follower, "take", growing)
    assert verify().faults == []
    assert chain_of(subject).length > 10


def test_a_chain_that_is_purged_meanwhile_is_no_fault(subject, monkeypatch):
    monkeypatch.setattr(trail, "PAGE", 3)
    take, purged = trail.Follower.take, []

    def purging(self, event):
        if event.sequence == 2 and event.organization_id == subject.organization_id and not purged:
            purged.append(event)
            chain, last = chain_of(subject), events(subject).get(sequence=6)
            remove(events(subject).filter(sequence__lte=6))
            chain.first, chain.base = 7, last.link
            chain.reseal()
            chain.save()
        return take(self, event)

    monkeypatch.setattr(trail.Follower, "take", purging)
    found = verify()
    assert purged
    assert (found.faults, found.events) == ([], 14)


def test_a_former_end_proves_that_all_before_it_is_there(subject):
    anchors = verify().anchors
    happen(subject, 3)
    assert verify(expected=anchors).faults == []


def test_a_former_end_shows_a_trail_that_somebody_with_the_keyring_wrote_anew(subject):
    anchors = verify().anchors
    happen(subject, 3)
    remove(events(subject).filter(sequence=4))
    relink(chain_of(subject))
    chain = chain_of(subject)
    chain.reseal()
    chain.save()
    assert verify().faults == []
    assert kinds(verify(expected=anchors)) == ["unproven"]


def test_a_former_end_shows_a_trail_that_is_gone_altogether(subject):
    anchors = [one for one in verify().anchors if one.organization == subject.organization_id]
    remove(events(subject))
    AuditChain.objects.filter(pk=subject.organization_id).delete()
    assert verify().faults == []
    assert kinds(verify(expected=anchors)) == ["unproven"]


def test_a_former_end_that_was_purged_proves_as_much_as_is_left(subject):
    chain, sixth = chain_of(subject), events(subject).get(sequence=6)
    fifth = events(subject).get(sequence=5)
    remove(events(subject).filter(sequence__lte=6))
    chain.first, chain.base = 7, sixth.link
    chain.reseal()
    chain.save()
    key = subject.organization_id
    assert verify(expected=[Anchor(key, 6, sixth.link)]).faults == []
    assert "was purged" in verify(expected=[Anchor(key, 5, fifth.link)]).faults[0].said


def test_an_organization_without_events_ends_where_it_begins(subject):
    other = make_member().organization_id
    assert verify(expected=[Anchor(other, 0, "0" * 64)]).faults == []
    assert kinds(verify(expected=[Anchor(other, 1, "0" * 63 + "1")])) == ["unproven"]


def test_an_anchor_is_read_as_it_was_printed(subject):
    for anchor in verify().anchors:
        assert trail.parse_anchor(str(anchor)) == anchor
    with pytest.raises(ValueError, match="unpack"):
        trail.parse_anchor("organization")
    by_slug = trail.parse_anchor(f"{subject.organization.slug}:1:x")
    assert by_slug.organization == subject.organization_id


def test_aa11_the_verdict_is_on_record(subject):
    verify()
    remove(events(subject).filter(sequence=4))
    verify()
    good, bad = AuditEvent.objects.filter(tag__startswith="project:audit").order_by("id")
    assert (good.tag, good.outcome, good.details) == (Tag.AUDIT_VERIFIED, "success", {"chains": 3, "events": 20})
    assert (bad.tag, bad.outcome) == (Tag.AUDIT_FAULTY, "failure")
    assert bad.details == {"chains": 3, "events": 20, "missing": 1}
    assert (bad.actor_kind, bad.actor_id) == ("system", "stytch_totp_verify_audit")


def test_an_empty_trail_is_in_order():
    assert verify().faults == []
