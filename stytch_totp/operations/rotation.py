"""Brings everything that is sealed under the first key of the keyring (CR-06), while the site goes on.

No row is ever without a value that opens: a new ciphertext takes the place of the very one that was opened, or, if
another request was quicker, nothing happens and the next pass looks again. What was done stays done when the process
is killed. What doesn't open is counted and named, never touched: a key that is missing today may be back tomorrow.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from django.db.models import QuerySet

from stytch_totp.conf import conf
from stytch_totp.core.sealing import SealError, UnknownKey
from stytch_totp.models import AuditChain, RecoveryCode, Session, SigningKey, TOTPRegistration
from stytch_totp.operations.audit import Actor, Tag
from stytch_totp.operations.batches import Run, Tell, free, pages, silent

BATCH = 500
#: More are needed only while workers go on sealing under another key.
MOST_PASSES = 10
MOST_NAMED = 1000
#: Why a row stays as it is.
UNKNOWN_KEY, TAMPERED, UNSEALED, WAITING = "unknown_key", "tampered", "unsealed", "waiting"


@dataclass
class Rotation:
    """What the last pass over everything sealed found, and what all of them moved."""

    kid: str
    #: Rows that were looked at.
    rows: int = 0
    #: Of them, those that are under a former key and can be moved by another run.
    left: int = 0
    #: Those that can't, by the reason: UNKNOWN_KEY or TAMPERED if they don't open; UNSEALED, an audit chain whose seal
    #: is wrong, which is for people to look into; WAITING, an unused recovery code of which the digest alone is kept,
    #: until its owner makes new ones.
    stuck: Counter[str] = field(default_factory=Counter)
    #: The first of them but for those that are WAITING: ``<place> <id>: <reason>``.
    named: list[str] = field(default_factory=list)
    moved: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether the current key alone would do."""
        return not self.left and not self.stuck


def survey(*, batch: int = BATCH, tell: Tell = silent) -> Rotation:
    """What is under which key; nothing is changed."""
    return _pass(batch, None, tell)


def rotate(actor: Actor, *, batch: int = BATCH, tell: Tell = silent) -> Rotation:
    """Move everything, ``batch`` rows a transaction, in as many passes as it takes until nothing is left.

    Workers that run meanwhile must have the current key in their keyrings, and all former ones.
    """
    run = Run(Tag.KEYRING_ROTATED, actor)
    for _ in range(MOST_PASSES):
        found = _pass(batch, run, tell)
        if not found.left:
            break
    run.finish(kid=found.kid, left=found.left, stuck=found.stuck.total())
    found.moved = dict(run.counts)
    return found


class _Stays(Exception):
    """A row that stays as it is, and the reason."""


class _Renewal(NamedTuple):
    """``changes`` to the row ``pk``, which are right as long as it is as it ``was``."""

    pk: Any
    was: dict[str, Any]
    changes: dict[str, Any]


@dataclass(frozen=True)
class _Place:
    """A table with something sealed in it."""

    name: str
    rows: Callable[[], QuerySet[Any]]
    #: The columns of a row that change with the key, as they should be. None if it has the current one. Raises
    #: SealError or _Stays.
    renewed: Callable[[Any], dict[str, Any]]
    #: The columns that a write is conditional on.
    held: tuple[str, ...]

    def renewal(self, row: Any) -> _Renewal:
        was = {name: getattr(row, name) for name in self.held}
        return _Renewal(row.pk, was, self.renewed(row))

    def write(self, renewals: Sequence[_Renewal]) -> Mapping[str, int]:
        """Those of ``renewals`` that are still right, inside the caller's transaction."""
        rows = self.rows().model.objects
        mine = set(free(rows.filter(pk__in=[one.pk for one in renewals])))
        wrote = [rows.filter(pk=one.pk, **one.was).update(**one.changes) for one in renewals if one.pk in mine]
        return {self.name: sum(wrote)}


def _pass(batch: int, run: Run | None, tell: Tell) -> Rotation:
    """Look at everything once; with a ``run``, move what can be moved."""
    found = Rotation(conf().keys.current)
    for place in _PLACES:
        seen = 0
        for page in pages(place.rows(), batch):
            seen += len(page)
            due = [one for row in page if (one := _judge(place, row, found)) and one.changes]
            found.left += len(due)
            if run and due:
                run.settle(partial(place.write, due))
            tell(place.name, seen)
        found.rows += seen
    return found


def _judge(place: _Place, row: Any, found: Rotation) -> _Renewal | None:
    try:
        return place.renewal(row)
    except SealError as error:
        reason = UNKNOWN_KEY if isinstance(error, UnknownKey) else TAMPERED
    except _Stays as stays:
        reason = str(stays)
    found.stuck[reason] += 1
    if reason != WAITING and len(found.named) < MOST_NAMED:
        found.named.append(f"{place.name} {row.pk}: {reason}")
    return None


def _resealed(row: Any, column: str) -> dict[str, Any]:
    # Opened even if its key is the current one: damage is found now and not at the next login.
    keys, sealed, context = conf().keys, getattr(row, column), row.context()
    clear = keys.open(sealed, *context)
    return {} if keys.is_current(sealed) else {column: keys.seal(clear, *context)}


def _registration(row: TOTPRegistration) -> dict[str, Any]:
    return _resealed(row, "sealed_secret")


def _recovery_code(row: RecoveryCode) -> dict[str, Any]:
    """Seal and digest together: workers that run meanwhile look for the digests of every key."""
    keys = conf().keys
    if row.sealed_code is None:
        if row.digest_kid != keys.current:
            raise _Stays(WAITING)
        return {}
    digest = keys.digest(row.reveal(), *RecoveryCode.digest_context(row.registration))
    found = {} if row.digest == digest else {"digest": digest}
    return (
        _resealed(row, "sealed_code") | found | ({} if row.digest_kid == keys.current else {"digest_kid": keys.current})
    )


def _session(row: Session) -> dict[str, Any]:
    return _resealed(row, "sealed_token")


def _signing_key(row: SigningKey) -> dict[str, Any]:
    pem = row.reveal()
    if conf().keys.is_current(row.sealed_private):
        return {}
    row.seal(pem)
    return {"sealed_private": row.sealed_private}


def _audit_chain(row: AuditChain) -> dict[str, Any]:
    if not row.is_sealed:
        raise _Stays(UNSEALED)
    seal = row.seal
    if row.length:
        row.reseal()
    return {} if row.seal == seal else {"seal": row.seal}


_PLACES = (
    _Place(
        "registrations",
        lambda: TOTPRegistration.objects.select_related("member").only("sealed_secret", "member__organization_id"),
        _registration,
        ("sealed_secret",),
    ),
    _Place(
        "recovery_codes",
        # A used one has nothing left to open; its digest is kept to tell a code that is shown again from a wrong one.
        lambda: (
            RecoveryCode.objects.filter(used_at=None)
            .select_related("registration__member")
            .only("sealed_code", "digest", "digest_kid", "registration__member__organization_id")
        ),
        _recovery_code,
        ("sealed_code", "digest"),
    ),
    _Place(
        "sessions",
        lambda: Session.objects.select_related("member").only("sealed_token", "member__organization_id"),
        _session,
        ("sealed_token",),
    ),
    _Place("signing_keys", SigningKey.objects.all, _signing_key, ("sealed_private",)),
    _Place("audit_chains", AuditChain.objects.all, _audit_chain, ("first", "base", "length", "head", "seal")),
)
