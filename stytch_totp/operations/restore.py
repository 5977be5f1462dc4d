"""Ends what a restored backup revives (F16): what was over before the loss, and is good again by the older rows.

It can't know what the lost rows said. A TOTP that was removed since the backup is back, one that was made since is
gone, and so with members, passwords and policies: that is for people to look into.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from django.db.models import F, QuerySet

from stytch_totp import conf
from stytch_totp.core import totp
from stytch_totp.models import IntermediateSession, Member, RecoveryCode, Session, SupportRequest, TOTPRegistration
from stytch_totp.operations.audit import Actor, Tag
from stytch_totp.operations.batches import Run, Tell, pages, silent

BATCH = 500


def survey(*, batch: int = BATCH, tell: Tell = silent) -> Counter[str]:
    """How many rows of what would be ended; nothing is changed."""
    found: Counter[str] = Counter()
    for revived in _REVIVED:
        for page in pages(revived.rows(conf.now()).only("pk"), batch):
            found[revived.name] += len(page)
            tell(revived.name, found[revived.name])
    return found


def end_revived(actor: Actor, *, batch: int = BATCH, tell: Tell = silent) -> Counter[str]:
    """End it, ``batch`` rows a transaction; how many rows of what.

    Meant for a site that nobody is let in to yet: it ends the sessions of whoever is. Members log in anew and show
    their TOTP; who needs recovery codes makes new ones.
    """
    run, now = Run(Tag.BACKUP_RESTORED, actor), conf.now()
    for revived in _REVIVED:
        seen = 0
        for page in pages(revived.rows(now).only("pk"), batch):
            seen += len(page)
            run.settle(partial(revived.finish, now, [row.pk for row in page]))
            tell(revived.name, seen)
    run.finish()
    return run.counts


class _Revived(NamedTuple):
    name: str
    rows: Callable[[int], QuerySet[Any]]
    #: Ends those rows; how many.
    end: Callable[[QuerySet[Any], int], int]

    def finish(self, now: int, keys: list[Any]) -> Mapping[str, int]:
        return {self.name: self.end(self.rows(now).filter(pk__in=keys), now)}


_REVIVED = (
    # A login by discovery is no row of a member's, and dies by the member's next generation.
    _Revived(
        "members",
        lambda _: Member.objects.all(),
        lambda rows, _: rows.update(generation=F("generation") + 1),
    ),
    _Revived(
        "intermediate_sessions",
        lambda _: IntermediateSession.objects.filter(used_at=None),
        lambda rows, now: rows.update(used_at=now),
    ),
    _Revived(
        "sessions",
        lambda _: Session.objects.filter(revoked_at=None),
        lambda rows, now: rows.update(revoked_at=now),
    ),
    # Those that were spent since the backup would be good a second time, and nobody can tell which.
    _Revived("recovery_codes", lambda _: RecoveryCode.objects.all(), lambda rows, _: rows.delete()[0]),
    # A code that was shown just before the loss isn't to be shown again.
    _Revived(
        "registrations",
        lambda now: TOTPRegistration.objects.filter(last_step__lt=totp.step_at(now)),
        lambda rows, now: rows.update(last_step=totp.step_at(now)),
    ),
    # One that was decided since the backup waits again, to be approved a second time.
    _Revived(
        "support_requests",
        lambda now: SupportRequest.objects.filter(state=SupportRequest.State.WAITING, expires_at__gt=now),
        lambda rows, now: rows.update(expires_at=now),
    ),
)
