"""What the commands of this folder share: who acts, with which keys, and how far they are."""

from argparse import ArgumentTypeError
from dataclasses import dataclass, field
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper

from stytch_totp.core.sealing import UnknownKey
from stytch_totp.envelope import new_request_id
from stytch_totp.operations.audit import Actor

LARGEST_BATCH = 10_000


class SiteCommand(BaseCommand):
    """A command that puts on record what it does, and so takes the site's own keyring."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except UnknownKey:
            raise CommandError(
                "STYTCH_TOTP['KEYRING'] lacks a key that this site's rows are sealed under; this went no further.",
                returncode=2,
            ) from None


def actor_of(module: str) -> Actor:
    """The command, given by its ``__name__``, as who acts; each run has a request id of its own."""
    return Actor("system", module.rpartition(".")[2], new_request_id())


def add_batch(parser: CommandParser, default: int) -> None:
    parser.add_argument(
        "--batch",
        type=_batch,
        default=default,
        metavar="ROWS",
        help=f"rows in one transaction, 1 to {LARGEST_BATCH} (default {default}): fewer hold locks for a shorter time",
    )


def _batch(text: str) -> int:
    rows = int(text)
    if not 1 <= rows <= LARGEST_BATCH:
        raise ArgumentTypeError(f"a batch has 1 to {LARGEST_BATCH} rows")
    return rows


@dataclass
class Progress:
    """One line on a terminal, written over and over; nothing in a log."""

    stream: OutputWrapper | Any
    _shown: str = field(default="", init=False)

    def __call__(self, what: str, rows: int) -> None:
        if self.stream.isatty():
            said = f"{what.replace('_', ' ')}: {rows}"
            self.stream.write(f"\r{said.ljust(len(self._shown))}", ending="")
            self.stream.flush()
            self._shown = said

    def finish(self) -> None:
        """Leave the line, for what is said next."""
        if self._shown:
            self.stream.write("")
