"""Reads the audit trail from end to end and says what was done to it (AA-07)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from stytch_totp import conf
from stytch_totp.core.chain import START
from stytch_totp.core.ids import parse_id
from stytch_totp.core.sealing import UnknownKey
from stytch_totp.models import AuditChain, AuditEvent
from stytch_totp.models.audit import AuditEventQuerySet
from stytch_totp.operations import organizations
from stytch_totp.operations.attempts import settle
from stytch_totp.operations.audit import Actor, Tag, record
from stytch_totp.operations.batches import Tell, pages, silent

PAGE = 2000
#: What can be wrong. A chain is TRUNCATED if it doesn't end where its row says, UNSEALED if the row isn't one that
#: this keyring sealed; events are ORPHANED without that row; UNPROVEN is a former end that isn't in its chain. MOVED is
#: an event whose id isn't higher than the ones before it: lists go by the id, which no link is over.
MISSING, CHANGED, MOVED, INSERTED, TRUNCATED, UNSEALED, ORPHANED, UNPROVEN = (
    "missing",
    "changed",
    "moved",
    "inserted",
    "truncated",
    "unsealed",
    "orphaned",
    "unproven",
)


@dataclass(frozen=True)
class Fault:
    kind: str
    organization: UUID
    said: str

    def __str__(self) -> str:
        return f"{conf.public_id('organization', self.organization)}: {self.kind}: {self.said}"


@dataclass(frozen=True)
class Anchor:
    """Where a chain ended. Kept where no database writer gets at it, it proves later that all before it is there."""

    organization: UUID
    length: int
    head: str

    def __str__(self) -> str:
        return f"{conf.public_id('organization', self.organization)}:{self.length}:{self.head}"


@dataclass
class Verified:
    """What was read: ``events`` in chains that end at ``anchors``, and every fault."""

    events: int = 0
    anchors: list[Anchor] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def verify(
    actor: Actor, *, organization: UUID | None = None, expected: Sequence[Anchor] = (), tell: Tell = silent
) -> Verified:
    """Judge every chain, or one organization's; the verdict is put on record.

    Events that are written or purged meanwhile are no faults.
    """
    found = Verified()
    chains = AuditChain.objects.all() if organization is None else AuditChain.objects.filter(pk=organization)
    for page in pages(chains, PAGE):
        for chain in page:
            found.events += _judge(chain, found)
            tell("audit_events", found.events)
    found.faults += [*_orphaned(organization), *_unchained(organization), *_misfiled(organization)]
    found.faults += [fault for anchor in expected if (fault := _unproven(anchor))]
    kinds: dict[str, Any] = Counter(fault.kind for fault in found.faults)
    tag = Tag.AUDIT_FAULTY if kinds else Tag.AUDIT_VERIFIED
    with suppress(UnknownKey):  # it isn't this keyring's to add to: a fault of its own when it is judged
        settle(lambda: record(tag, actor, chains=len(found.anchors), events=found.events, **kinds))
    return found


def is_on_record(organization: UUID) -> bool:
    """Whether there is anything of an organization, or was: every one that is made leaves an event."""
    rows = AuditEvent.objects.filter(organization_id=None if organization == AuditChain.NOBODYS else organization)
    return AuditChain.objects.filter(pk=organization).exists() or rows.exists()


def identify(text: str) -> UUID:
    """The organization of an organization id, even of one that is deleted, or of a slug. Raises OrganizationNotFound.

    The id with a UUID of zeros is that of events which belong to no organization.
    """
    return parse_id("organization", text, conf.conf().environment) or organizations.resolve(text).pk


def parse_anchor(text: str) -> Anchor:
    """An anchor as it was printed. Raises ValueError or OrganizationNotFound."""
    organization, length, head = text.split(":")
    return Anchor(identify(organization), int(length), head)


class Follower:
    """Goes along a chain, event by event."""

    def __init__(self, chain: AuditChain) -> None:
        self.next, self.link, self.key, self.highest = chain.first, chain.base, chain.pk, 0

    def take(self, event: AuditEvent) -> Fault | None:
        """Step on to ``event``; what is wrong with that, if anything."""
        place, due, former = event.sequence or 0, self.next, self.link
        if place < due:
            return Fault(INSERTED, self.key, f"a second event {place} (id {event.pk})")
        self.next, self.link = place + 1, event.link
        if place > due:
            return Fault(MISSING, self.key, f"events {due} to {place - 1}")
        # Behind a gap the link before can't be known, and behind a changed event it is taken as it stands.
        if event.link_after(former) != event.link:
            return Fault(CHANGED, self.key, f"event {place} (id {event.pk}), or the one before it")
        # The place was taken first, and the next one waits for the commit of both.
        self.highest, former_id = max(self.highest, event.pk), self.highest
        return Fault(MOVED, self.key, f"event {place} has the id {event.pk}") if event.pk <= former_id else None


def events_of(key: UUID) -> AuditEventQuerySet:
    """The events of a chain."""
    rows = AuditEvent.objects.filter(organization_id=None if key == AuditChain.NOBODYS else key)
    return rows.filter(sequence__isnull=False)


def stream(key: UUID, *, until: int) -> Iterator[AuditEvent]:
    """The events of a chain up to a place in it, in order, read as they are wanted.

    Page by page: drivers that fetch whole results would hold a whole chain.
    """
    rows = events_of(key).filter(sequence__lte=until).order_by("sequence", "pk")
    page = list(rows[:PAGE])
    while page:
        yield from page
        last = page[-1]
        behind = Q(sequence__gt=last.sequence) | Q(sequence=last.sequence, pk__gt=last.pk)
        page = list(rows.filter(behind)[:PAGE])


def _judge(chain: AuditChain, found: Verified) -> int:
    """How many events the chain has. Its row was read before them, so that it grows meanwhile and doesn't shrink."""
    while True:
        follower, faults, count = Follower(chain), [], 0
        for event in stream(chain.pk, until=chain.length):
            count += 1
            if fault := follower.take(event):
                faults.append(fault)
        faults += _end(chain, follower)
        last = events_of(chain.pk).aggregate(last=Max("sequence"))["last"] or 0
        now = AuditChain.objects.get(pk=chain.pk)
        if not faults or (now.first, now.base) == (chain.first, chain.base):
            break
        chain = now  # a purge took its first events while they were read
    if last > now.length:
        faults.append(Fault(TRUNCATED, chain.pk, f"it ends at {now.length}, and its events go on to {last}"))
    found.faults += faults
    found.anchors.append(Anchor(chain.pk, chain.length, chain.head))
    return count


def _end(chain: AuditChain, follower: Follower) -> Iterator[Fault]:
    if follower.next <= chain.length:
        yield Fault(TRUNCATED, chain.pk, f"events {follower.next} to {chain.length} are gone from its end")
    elif follower.link != chain.head:
        yield Fault(TRUNCATED, chain.pk, "its last event isn't the one that it ends with")
    if fault := unsealed(chain):
        yield fault


def unsealed(chain: AuditChain) -> Fault | None:
    """The fault of a chain whose row was written by somebody without the keyring."""
    try:
        # A row without events is none of ours: it is made together with the first one.
        if chain.length and chain.is_sealed:
            return None
    except UnknownKey:
        return Fault(UNSEALED, chain.pk, "it was sealed under a key that isn't in KEYRING")
    return Fault(UNSEALED, chain.pk, "its seal isn't one of this keyring over its ends")


def _orphaned(organization: UUID | None) -> Iterator[Fault]:
    chain = AuditChain.objects.filter(pk=OuterRef("chain"))
    rows = _by_chain(AuditEvent.objects.filter(sequence__isnull=False), organization).filter(~Exists(chain))
    for key, events in rows.values_list("chain").annotate(events=Count("pk")).order_by("chain"):
        yield Fault(ORPHANED, key, f"{events} events, whose chain is gone")


def _unchained(organization: UUID | None) -> Iterator[Fault]:
    """Events that were written past the chain, while one is kept."""
    chained = AuditEvent.objects.filter(sequence__isnull=False)
    begun = chained.aggregate(id=Min("pk"), at=Min("at"))
    if begun["id"] is None or not conf.conf().audit_chain:
        return
    late = Q(pk__gt=begun["id"]) | Q(at__gt=begun["at"])  # an id can be chosen: a purge leaves low ones free
    rows = _by_chain(AuditEvent.objects.filter(late, sequence=None), organization).values_list("chain")
    found = rows.annotate(events=Count("pk"), first=Min("pk"), last=Max("pk")).order_by("chain")
    for key, events, lowest, highest in found:
        yield Fault(INSERTED, key, f"{events} events outside of the chain (ids {lowest} to {highest})")


def _misfiled(organization: UUID | None) -> Iterator[Fault]:
    """Events that say they are of the organization of zeros, which is none: its chain is that of no organization."""
    events = AuditEvent.objects.filter(organization_id=AuditChain.NOBODYS).count()
    if events and organization in (None, AuditChain.NOBODYS):
        yield Fault(INSERTED, AuditChain.NOBODYS, f"{events} events outside of the chain, under its id")


def _by_chain(rows: QuerySet[Any], organization: UUID | None) -> QuerySet[Any]:
    chained: QuerySet[Any] = rows.annotate(chain=Coalesce("organization_id", Value(AuditChain.NOBODYS)))
    wanted = {} if organization is None else {"chain": organization}
    return chained.filter(**wanted)


def _unproven(anchor: Anchor) -> Fault | None:
    chain = AuditChain.objects.filter(pk=anchor.organization).first() or AuditChain(pk=anchor.organization)
    if anchor.length < chain.first - 1:
        return Fault(UNPROVEN, anchor.organization, f"event {anchor.length} was purged, and what was before it")
    if anchor.length == chain.first - 1:
        link = chain.base
    else:
        link = events_of(chain.pk).filter(sequence=anchor.length).values_list("link", flat=True).first() or START
    if link == anchor.head:
        return None
    return Fault(UNPROVEN, anchor.organization, f"event {anchor.length} isn't the one that the chain ended with")
