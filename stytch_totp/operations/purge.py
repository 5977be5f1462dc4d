"""Deletes what has had its time (AA-12): expired rows, retired signing keys, audit events past their retention.

Batch by batch, each a transaction of its own: a purge that is killed has done what it did, and the next one goes on.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from stytch_totp import conf
from stytch_totp.models import IntermediateSession, Session, SigningKey, SupportRequest, TOTPRegistration
from stytch_totp.operations import expiry, signing
from stytch_totp.operations.attempts import settle
from stytch_totp.operations.audit import Actor, Tag, record
from stytch_totp.operations.batches import Run, Tell, free, pages, silent

BATCH = 1000
DAY = 24 * 60 * 60


@dataclass
class Purged:
    """How many rows of what went, or would go. ``faults`` are audit chains that were left alone, and why."""

    rows: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def purge(actor: Actor, *, batch: int = BATCH, dry_run: bool = False, tell: Tell = silent) -> Purged:
    """Delete what has had its time, or with ``dry_run`` count it. Expired rows go ``batch`` at a time.

    Raises triggers.NotAllowed where triggers keep the audit trail and the database doesn't let this role lift them.
    """
    done, now = Purged(), conf.now()
    run = None if dry_run else Run(Tag.ROWS_PURGED, actor)
    for place in _PLACES:
        seen = 0
        for page in pages(place.rows(now).only("pk"), batch):
            keys = [row.pk for row in page]
            done.rows[place.name] += run.settle(partial(place.delete, now, keys)) if run else len(keys)
            seen += len(keys)
            tell(place.name, seen)
    if run:
        run.finish()
    done.rows["signing_keys"] += _signing_keys(actor, dry_run=dry_run)
    events = expiry.Expiry(actor, batch=batch, dry_run=dry_run, tell=tell)
    done.rows["audit_events"] += events.run()
    done.faults += events.faults
    return done


class _Place(NamedTuple):
    name: str
    #: What has had its time at a given one.
    rows: Callable[[int], QuerySet[Any]]
    #: Locks the rows of a batch, where rows of their own hang on those that go.
    held: bool = True

    def delete(self, now: int, keys: list[Any]) -> Mapping[str, int]:
        """Those of ``keys`` that still have had their time, inside the caller's transaction.

        Not those that somebody holds: they are of the next purge.
        """
        rows = self.rows(now).filter(pk__in=keys)
        if self.held:
            rows = self.rows(now).filter(pk__in=free(rows))
        return {self.name: rows.delete()[1].get(rows.model._meta.label, 0)}  # noqa: SLF001 - Django's own name for it


def _pending(now: int) -> QuerySet[TOTPRegistration]:
    return TOTPRegistration.objects.filter(state=TOTPRegistration.State.PENDING, expires_at__lte=now - DAY)


def _intermediate(now: int) -> QuerySet[IntermediateSession]:
    return IntermediateSession.objects.filter(Q(expires_at__lte=_limit(now)) | Q(used_at__lte=_limit(now)))


def _sessions(now: int) -> QuerySet[Session]:
    # One begun at a page stays until it would have run out, if revoked: without its row the site would take the visit
    # for one that ran out, and go on with the visitor's password alone.
    revoked = Q(revoked_at__lte=_limit(now), place="")
    return Session.objects.filter(Q(expires_at__lte=_limit(now)) | revoked)


def _requests(now: int) -> QuerySet[SupportRequest]:
    return SupportRequest.objects.filter(Q(expires_at__lte=_limit(now)) | Q(decided_at__lte=_limit(now)))


def _limit(now: int) -> int:
    return now - conf.conf().session_retention_days * DAY


_PLACES = (
    # Its recovery codes first and then itself, as whoever begins a new enrolment does: both wait in one line.
    _Place("pending_registrations", _pending, held=False),
    _Place("intermediate_sessions", _intermediate),
    _Place("sessions", _sessions),
    _Place("support_requests", _requests),
)


def _signing_keys(actor: Actor, *, dry_run: bool) -> int:
    spent = signing.spent_keys()
    return len(spent) if dry_run else sum(settle(partial(_delete_key, key, actor)) for key in spent)


def _delete_key(key: SigningKey, actor: Actor) -> int:
    gone = SigningKey.objects.filter(pk=key.pk).delete()[0]
    if gone:
        record(Tag.SIGNING_KEY_DELETED, actor, kid=conf.public_id("jwk", key.pk))
    return gone
