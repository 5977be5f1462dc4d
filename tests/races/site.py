"""A server for races: gunicorn with 4 workers of 16 threads, its desk, and the calls that tests make of it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pyotp
import pytest

from tests.live import Live, serve
from tests.races.burst import Answer, Call, burst, one
from tests.races.desk import Desk
from tests.races.surfaces import BACK_END, MEMBERS, Person, Surface, Surfaces

WORKERS, THREADS = 4, 16


@dataclass(frozen=True)
class Site:
    live: Live
    desk: Desk
    kind: str

    def one(self, call: Call) -> Answer:
        return one(self.live.url, call)

    def burst(self, calls: Sequence[Call]) -> list[Answer]:
        return burst(self.live.url, calls)

    def advance(self, seconds: float) -> None:
        self.live.set_clock(self.live.now + seconds)

    def person(self, at: Surfaces = BACK_END, *, enrolled: bool = True) -> Person:
        """A Member or a User, as the surfaces ``at`` which races are run know them."""
        return self.people(at, 1, enrolled=enrolled)[0]

    def people(self, at: Surfaces, count: int, **options: Any) -> list[Person]:
        made: list[Person] = self.desk.people(count=count, users=at[0].users, **options)
        return made

    def login(self, person: Person) -> dict[str, str]:
        """The credential of a login that owes a second factor."""
        return self.logins(person, 1)[0]

    def logins(self, person: Person, count: int) -> list[dict[str, str]]:
        tokens = self.desk.logins(member_id=person["member_id"], count=count)
        return [{"intermediate_session_token": token} for token in tokens]

    def discovery(self, people: Sequence[Person]) -> dict[str, str]:
        """The credential of a login that may become any of ``people``."""
        token = self.desk.discovery(member_ids=[person["member_id"] for person in people])
        return {"intermediate_session_token": token}

    def session(self, person: Person, *, second: bool = False) -> dict[str, str]:
        return self.sessions(person, 1, second=second)[0]

    def sessions(self, person: Person, count: int, *, second: bool = False) -> list[dict[str, str]]:
        made = self.desk.log_ins(member_id=person["member_id"], count=count, second=second)
        return [{"session_token": one["session_token"]} for one in made]

    def visits(self, person: Person, count: int) -> list[str]:
        """The session keys of browsers in which the person has logged in to the site and owes the second factor."""
        keys: list[str] = self.desk.visits(member_id=person["member_id"], count=count)
        return keys

    def callers(
        self, at: Surfaces, person: Person, count: int, *, in_session: bool = False
    ) -> list[tuple[Surface, dict[str, Any]]]:
        """Who could finish a login of ``person``, at each surface in turn, and what each of them shows.

        A Member's login, or by ``in_session`` a session to be stepped up. Users have no logins under way: a page has
        its session, a back end needs nothing but asks for one.
        """
        turns = list(islice(cycle(at), count))
        if not (in_session or at[0].users):
            return list(zip(turns, self.logins(person, count), strict=True))
        shown = self.sessions(person, count)
        free = {"session_duration_minutes": 60}
        return [(one, mine if in_session or one.page else free) for one, mine in zip(turns, shown, strict=True)]

    def code(self, person: Person) -> str:
        return pyotp.TOTP(person["secret"]).at(int(self.live.now))

    def wrong_codes(self, person: Person, count: int) -> list[str]:
        """Different codes, none of them right within ten minutes of now."""
        generator = pyotp.TOTP(person["secret"])
        right = {generator.at(int(self.live.now) + 30 * steps) for steps in range(-20, 21)}
        return [code for code in map("{:06d}".format, range(count + len(right))) if code not in right][:count]


@contextmanager
def opened(directory: Path, kind: str, *, asked: dict[str, Any] | None = None, **options: Any) -> Iterator[Site]:
    """A site on a fresh database. ``asked`` is for ``settings.py`` beside this file, ``options`` for ``serve``."""
    with pytest.MonkeyPatch.context() as patch:
        if asked is not None:
            patch.setenv("GUNICORN_CMD_ARGS", "--env DJANGO_SETTINGS_MODULE=tests.races.settings")
            patch.setenv("RACE", json.dumps(asked))
        with serve(directory, kind=kind, **{"workers": WORKERS, "threads": THREADS, **options}) as live:
            desk = Desk(live.environment)
            try:
                yield Site(live, desk, kind)
            finally:
                desk.close()


def is_clear(budget: dict[str, int]) -> bool:
    return budget == {"failures": 0, "locked_at": 0, "locked_until": 0}


authenticate, recover, create = MEMBERS.authenticate, MEMBERS.recover, MEMBERS.create
delete_totp, log_in, extend, revoke = MEMBERS.delete_totp, MEMBERS.log_in, MEMBERS.extend, MEMBERS.revoke


def rotate(person: Person) -> Call:
    return MEMBERS.call("recovery_codes/rotate", MEMBERS.of(person))


def show_codes(person: Person) -> Call:
    return MEMBERS.call(f"recovery_codes/{person['organization_id']}/{person['member_id']}", method="GET")


def delete_member(person: Person) -> Call:
    route = f"organizations/{person['organization_id']}/members/{person['member_id']}"
    return MEMBERS.call(route, method="DELETE")
