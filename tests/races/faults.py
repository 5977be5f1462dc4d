"""A database that fails at a chosen moment: at its k-th statement or commit, once or from then on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal
from unittest import mock

from django.db import OperationalError, connection

#: ``once`` fails one statement, ``on`` that and all later ones, ``late`` performs the statement and fails then.
Manner = Literal["once", "on", "late"]
NEVER = 0


@dataclass
class Fault:
    """Counts statements and commits as one sequence, from 1.

    ``commits`` is how many transactions took effect, ``charged`` whether one of them paid for an attempt.
    """

    at: int
    manner: Manner = "once"
    count: int = 0
    commits: int = 0
    charged: bool = False
    _charging: bool = False

    def statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        paying = sql.startswith("UPDATE") and "stytch_totp_guard" in sql
        # A transaction that was begun and lost was never begun.
        late = self.manner == "late" and not sql.startswith("BEGIN")
        return self._step(lambda: execute(sql, params, many, context), paying=paying, late=late)

    def commit(self, perform: Any) -> None:
        self._step(perform, committing=True, late=self.manner == "late")

    def _step(self, perform: Any, *, late: bool, paying: bool = False, committing: bool = False) -> Any:
        self.count += 1
        due = self.at != NEVER and (self.count >= self.at if self.manner == "on" else self.count == self.at)
        if due and not late:
            raise OperationalError("the database is gone")
        done = perform()
        self._charging |= paying
        self.commits += committing
        self.charged |= self._charging and committing
        if due:
            raise OperationalError("the database did it and is gone")
        return done


@contextmanager
def failing(at: int, manner: Manner = "once") -> Iterator[Fault]:
    fault, commit = Fault(at, manner), connection._commit
    with (
        connection.execute_wrapper(fault.statement),
        mock.patch.object(connection, "_commit", partial(fault.commit, commit)),
    ):
        yield fault
