"""Audit trails, and what somebody who writes to the database could do to them."""

from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from stytch_totp.models import AuditChain, AuditEvent, Member
from stytch_totp.operations import trail
from stytch_totp.operations.audit import SYSTEM, Tag, record
from tests.clock import CLOCK


def happen(member: Member | None, count: int = 1) -> None:
    """So many events of the member's organization, or of none."""
    for number in range(count):
        record(Tag.MEMBER_UPDATED, SYSTEM, member=member, number=number)


def happen_in_bulk(chain: AuditChain, count: int) -> None:
    """Very many, linked as ``record`` links them."""
    made = []
    for number in range(count):
        event = AuditEvent(
            at=int(CLOCK()),
            tag=Tag.MEMBER_UPDATED.value,
            outcome="success",
            actor_kind="system",
            organization_id=None if chain.pk == AuditChain.NOBODYS else chain.pk,
            details={"number": number},
        )
        event.sequence = chain.length = chain.length + 1
        event.link = chain.head = event.link_after(chain.head)
        made.append(event)
    chain.reseal()
    AuditEvent.objects.bulk_create(made, batch_size=2000)
    end = {"length": chain.length, "head": chain.head, "seal": chain.seal}
    AuditChain.objects.update_or_create(pk=chain.pk, defaults=end)


def remove(rows: QuerySet[AuditEvent]) -> None:
    """Past every guard of ours, as a database writer does."""
    QuerySet.delete(rows)


def change(rows: QuerySet[AuditEvent], **values: Any) -> None:
    QuerySet.update(rows, **values)


def insert(like: AuditEvent, **values: Any) -> AuditEvent:
    fields = {field.attname: getattr(like, field.attname) for field in AuditEvent._meta.concrete_fields}
    made = AuditEvent(**{**fields, "id": None, **values})
    made.save()
    return made


def relink(chain: AuditChain) -> None:
    """Make a chain consistent again, as far as that goes without the keyring: events, links and its end."""
    link, length = chain.base, chain.first - 1
    for event in trail.events_of(chain.pk).order_by("sequence"):
        event.sequence = length = length + 1
        link = event.link_after(link)
        change(AuditEvent.objects.filter(pk=event.pk), sequence=length, link=link)
    AuditChain.objects.filter(pk=chain.pk).update(length=length, head=link)


def chain_of(member: Member) -> AuditChain:
    return AuditChain.objects.get(pk=member.organization_id)


def kinds(found: trail.Verified) -> list[str]:
    return [fault.kind for fault in found.faults]


def said(faults: Iterable[trail.Fault]) -> list[str]:
    return [fault.said for fault in faults]


def triggers_stand() -> int:
    """By the database's own word, not by the code under test."""
    named = "LIKE 'stytch_totp_auditevent_no_%%'"
    query = {
        "postgresql": f"SELECT count(*) FROM pg_trigger WHERE tgname {named} AND tgenabled = 'O'",
        "mysql": "SELECT count(*) FROM information_schema.triggers "
        f"WHERE trigger_schema = DATABASE() AND trigger_name {named}",
        "sqlite": f"SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name {named}",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query, [])
        return int(cursor.fetchone()[0])
