"""A server for races: gunicorn with 4 workers of 16 threads, its desk, and the calls that tests make of it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
import pytest

from tests.live import Live, serve
from tests.races.burst import Answer, Call, burst, one
from tests.races.desk import Desk

WORKERS, THREADS = 4, 16
Person = dict[str, Any]


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

    def person(self, *, enrolled: bool = True) -> Person:
        return self.desk.people(enrolled=enrolled)[0]

    def login(self, person: Person) -> dict[str, str]:
        """The credential of a login that owes a second factor."""
        return self.logins(person, 1)[0]

    def logins(self, person: Person, count: int) -> list[dict[str, str]]:
        tokens = self.desk.logins(member_id=person["member_id"], count=count)
        return [{"intermediate_session_token": token} for token in tokens]

    def session(self, person: Person, *, second: bool = False) -> dict[str, str]:
        made = self.desk.log_in(member_id=person["member_id"], second=second)
        return {"session_token": made["session_token"]}

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


def of(person: Person) -> dict[str, str]:
    return {name: person[name] for name in ("organization_id", "member_id")}


def authenticate(person: Person, code: str, **fields: Any) -> Call:
    return Call("/v1/b2b/totp/authenticate", of(person) | {"code": code} | fields)


def recover(person: Person, code: str, **fields: Any) -> Call:
    return Call("/v1/b2b/recovery_codes/recover", of(person) | {"recovery_code": code} | fields)


def create(person: Person, **fields: Any) -> Call:
    return Call("/v1/b2b/totp", of(person) | fields)


def rotate(person: Person) -> Call:
    return Call("/v1/b2b/recovery_codes/rotate", of(person))


def show_codes(person: Person) -> Call:
    return Call(f"/v1/b2b/recovery_codes/{person['organization_id']}/{person['member_id']}", method="GET")


def delete_member(person: Person) -> Call:
    return Call(f"/v1/b2b/organizations/{person['organization_id']}/members/{person['member_id']}", method="DELETE")


def delete_totp(person: Person) -> Call:
    return Call(delete_member(person).path + "/totp", method="DELETE")


def log_in(person: Person, password: str, **fields: Any) -> Call:
    named = {"organization_id": person["organization_id"], "email_address": person["email_address"]}
    return Call("/v1/b2b/passwords/authenticate", named | {"password": password} | fields)


def extend(session: dict[str, str], **fields: Any) -> Call:
    return Call("/v1/b2b/sessions/authenticate", session | fields)


def revoke(**named: str) -> Call:
    return Call("/v1/b2b/sessions/revoke", named)
