"""Long work on many rows: in batches, each a short transaction that can be repeated, on record from the first on."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

from stytch_totp.operations.attempts import settle
from stytch_totp.operations.audit import Actor, Tag, record

Row = TypeVar("Row", bound=Model)
#: Who wants to know how far the work is: of what, and how many rows of it were looked at.
Tell = Callable[[str, int], object]


def silent(_: str, __: int) -> None:
    """For who doesn't."""


def pages(rows: QuerySet[Row], size: int) -> Iterator[list[Row]]:
    """``rows`` by primary key, ``size`` at a time, each page read when it is asked for.

    No cursor is kept open, so that memory stays the same on drivers that fetch whole results, and no lock either.
    """
    page = list(rows.order_by("pk")[:size])
    while page:
        yield page
        page = list(rows.filter(pk__gt=page[-1].pk).order_by("pk")[:size])


def free(rows: QuerySet[Any]) -> list[Any]:
    """Lock those of ``rows`` that nobody holds for the rest of the transaction; their primary keys.

    Who waits for nobody is in no deadlock, whatever order others lock the same rows in. That, and no more, is what
    it is for: it locks nothing on SQLite, which has one writer at a time, and every write says itself on which
    condition it is to happen.
    """
    can = connection.features
    held = rows.order_by("pk").select_for_update(
        skip_locked=can.has_select_for_update_skip_locked, no_key=can.has_select_for_no_key_update
    )
    return list(held.values_list("pk", flat=True))


@dataclass
class Run:
    """One run of such work. Killed midway, it has told that it began; the next one tells what it did itself."""

    tag: Tag
    actor: Actor
    counts: Counter[str] = field(default_factory=Counter)
    begun: bool = False

    def settle(self, batch: Callable[[], Mapping[str, int]]) -> int:
        """Run ``batch``, which says how many rows of what it changed, as one transaction; their number."""

        def work() -> Mapping[str, int]:
            done = batch()
            if any(done.values()) and not self.begun:
                record(self.tag, self.actor, phase="begun")
            return done

        done = settle(work)
        self.begun |= any(done.values())
        self.counts.update(done)
        return sum(done.values())

    def finish(self, **details: str | int) -> None:
        """Put on record what the run changed, if it changed anything."""
        said: dict[str, Any] = {"phase": "done", **self.counts, **details}
        if self.begun:
            settle(lambda: record(self.tag, self.actor, **said))
