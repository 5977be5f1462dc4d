"""Deletes audit events that are past their retention, and leaves a chain that can still be verified."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile

from django.db.models import F

from stytch_totp import conf
from stytch_totp.models import AuditChain, AuditEvent, Organization
from stytch_totp.operations import trail
from stytch_totp.operations.attempts import settle
from stytch_totp.operations.audit import Actor, Tag, record
from stytch_totp.operations.batches import Tell, pages, silent
from stytch_totp.operations.triggers import lifted

DAY = 24 * 60 * 60


@dataclass
class Expiry:
    """One run. Of each chain the beginning goes, up to the first event that is to stay, and the record of that is the
    chain's next event: who reads it knows what is gone and that it was meant to go.

    What was tampered with stays where it is, and is named in ``faults``: it is evidence. Raises triggers.NotAllowed.
    """

    actor: Actor
    batch: int
    dry_run: bool = False
    tell: Tell = silent
    events: int = 0
    faults: list[str] = field(default_factory=list)

    def run(self) -> int:
        """How many events are gone, or would be."""
        days = conf.conf().audit_retention_days
        if days:
            oldest = conf.now() - days * DAY
            for page in pages(AuditChain.objects.all(), self.batch):
                for chain in page:
                    self._shorten(chain, oldest)
            self._drop_unchained(oldest)
        return self.events

    def _shorten(self, chain: AuditChain, oldest: int) -> None:
        try:
            while old := self._prefix(chain, oldest):
                gone = len(old) if self.dry_run else _delete(partial(self._cut, chain, old[-1]))
                self._count(gone)
                chain.first, chain.base = chain.first + gone, old[-1].link
                if not gone:
                    break
        except _Faulty as faulty:
            self.faults.append(str(faulty))

    def _prefix(self, chain: AuditChain, oldest: int) -> list[AuditEvent]:
        """The first events of the chain, as far as they are older. Raises _Faulty if anything is wrong with them, or
        they don't lead to the event that stays behind them: who made them look old had to change their links.
        """
        rows = trail.events_of(chain.pk).filter(sequence__gte=chain.first).order_by("sequence", "pk")
        page, follower = list(rows[: self.batch + 1]), trail.Follower(chain)
        old = list(takewhile(lambda event: event.at < oldest, page[: self.batch]))
        for event in page[: len(old) + 1] if old else ():
            if fault := follower.take(event):
                raise _Faulty(fault)
        return old

    def _cut(self, chain: AuditChain, last: AuditEvent) -> int:
        """Let the chain begin behind ``last``, in the caller's transaction. Raises _Faulty if its seal is wrong."""
        rows = AuditChain.objects.filter(pk=chain.pk)
        rows.update(length=F("length"))  # whoever appends waits from here on
        now = rows.get()
        if fault := trail.unsealed(now):
            raise _Faulty(fault)
        if (now.first, now.base) != (chain.first, chain.base):
            return 0  # another purge is at it
        if last.sequence == now.length and last.link != now.head:
            raise _Faulty(trail.Fault(trail.CHANGED, chain.pk, f"event {last.sequence}, its last one"))
        now.first, now.base = (last.sequence or 0) + 1, last.link
        now.reseal()
        rows.update(first=now.first, base=now.base, seal=now.seal)
        with lifted(inside=True):
            gone = trail.events_of(chain.pk).filter(sequence__gte=chain.first, sequence__lt=now.first).expire()
        organization = None if chain.pk == AuditChain.NOBODYS else Organization(pk=chain.pk)
        record(Tag.EVENTS_PURGED, self.actor, organization=organization, events=gone, first=chain.first, next=now.first)
        return gone

    def _drop_unchained(self, oldest: int) -> None:
        """What was written while no chain was kept."""
        for page in pages(AuditEvent.objects.filter(sequence=None, at__lt=oldest).only("pk"), self.batch):
            keys = [event.pk for event in page]
            self._count(len(keys) if self.dry_run else _delete(partial(self._drop, keys)))

    def _drop(self, keys: list[int]) -> int:
        with lifted(inside=True):
            gone = AuditEvent.objects.filter(pk__in=keys).expire()
        if gone:
            record(Tag.EVENTS_PURGED, self.actor, events=gone)
        return gone

    def _count(self, events: int) -> None:
        self.events += events
        self.tell("audit_events", self.events)


class _Faulty(Exception):
    """A chain that isn't what it should be."""


def _delete(work: Callable[[], int]) -> int:
    with lifted(inside=False):
        return settle(work)
