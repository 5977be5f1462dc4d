import pytest
from django.db import IntegrityError, transaction

from stytch_totp.models import AuditEvent, Member, Organization

NOW = 1_800_000_000

pytestmark = pytest.mark.django_db


def happened(**fields) -> AuditEvent:
    given = {
        "at": NOW,
        "tag": "member:totp:created",
        "outcome": "success",
        "actor_kind": "project",
        "actor_id": "tests",
    }
    made = AuditEvent(**{**given, **fields})
    made.save(force_insert=True)
    return made


def test_an_event_is_written():
    happened()
    assert str(AuditEvent.objects.get()) == "member:totp:created success"


def test_aa07_an_event_is_not_changed():
    for event in (happened(), AuditEvent.objects.get()):
        event.outcome = "failure"
        with pytest.raises(TypeError, match="not changed"):
            event.save()
        with pytest.raises(TypeError, match="not changed"):
            event.save(update_fields=["outcome"])
    assert AuditEvent.objects.get().outcome == "success"


def test_aa07_an_event_is_not_deleted():
    event = happened()
    with pytest.raises(TypeError, match="not deleted"):
        event.delete()
    assert AuditEvent.objects.count() == 1


def test_aa07_an_event_is_not_overwritten_by_a_new_one_of_its_id():
    first = happened()
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent(
            pk=first.pk, at=NOW, tag="member:totp:deleted", outcome="success", actor_kind="system", actor_id=""
        ).save()
    assert AuditEvent.objects.get().tag == "member:totp:created"


@pytest.mark.parametrize(
    "work",
    [
        lambda events: events.update(outcome="success"),
        lambda events: events.bulk_update(list(events), ["outcome"]),
        lambda events: events.delete(),
    ],
    ids=["update", "bulk_update", "delete"],
)
def test_aa07_events_are_not_changed_or_deleted_in_bulk(work):
    happened(outcome="failure")
    with pytest.raises(TypeError):
        work(AuditEvent.objects.all())
    assert AuditEvent.objects.get().outcome == "failure"


def test_the_record_outlives_what_it_speaks_of(member):
    happened(member_id=member.pk, organization_id=member.organization_id)
    Organization.objects.filter(pk=member.organization_id).delete()
    assert not Member.objects.exists()
    event = AuditEvent.objects.get()
    assert (event.member_id, event.organization_id) == (member.pk, member.organization_id)
