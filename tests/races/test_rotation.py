"""Keys are rotated while people log in, and the rotation dies five times (CR-06, F14)."""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import databases
from tests.live import ROOT
from tests.operations.keys import NEW, OLD
from tests.races.burst import CLIENTS, Answer, Figures
from tests.races.crowd import CODES, ROWS_A_PERSON, CrowdDesk
from tests.races.site import Site, opened
from tests.races.surfaces import USERS, Person

ROWS = int(os.environ.get("STYTCH_TOTP_ROTATION_ROWS", "2000"))
PEOPLE = max(CLIENTS, ROWS // ROWS_A_PERSON)
BATCH = max(10, min(500, ROWS // 150))
KILLS = 5
COMMAND = [sys.executable, "manage.py", "stytch_totp_rotate_keys"]


@pytest.fixture(scope="module", params=databases.PROMISED)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Its workers seal under the new key and open the old one's, too."""
    with opened(tmp_path_factory.mktemp("site"), request.param, settings={"KEYRING": [NEW, OLD]}) as made:
        yield made


def keyed(site: Site, *keyring: str) -> dict[str, str]:
    return site.live.environment | {"STYTCH_TOTP_EXTRA": json.dumps({"KEYRING": keyring})}


@dataclass
class Traffic:
    """64 people who log in by TOTP again and again, at once, and one in eight of them by recovery codes."""

    site: Site
    people: list[Person]
    answers: list[Answer] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        turn = 0
        while not self.stopped.is_set():
            self.site.advance(30)
            turn += 1
            calls = [self._call(place, person, turn) for place, person in enumerate(self.people)]
            self.answers += self.site.burst(calls)

    def _call(self, place: int, person: Person, turn: int) -> Any:
        free = {"session_duration_minutes": 60}
        if place % 8 == turn % 8 and person["codes"]:
            return USERS.recover(person, person["codes"].pop(), **free)
        return USERS.authenticate(person, self.site.code(person), **free)


def rotate(site: Site, *options: str, keyring: tuple[str, ...] = (NEW, OLD)) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, *options],
        cwd=ROOT,
        env=keyed(site, *keyring),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> str:
    out, err = process.communicate(timeout=1800)
    assert process.returncode == 0, err
    return out


def test_cr06_f14_a_rotation_that_dies_five_times_under_64_logins_at_once_loses_nothing(
    site: Site, figures: Figures, tmp_path: Path
) -> None:
    desk = CrowdDesk(keyed(site, OLD, NEW))
    people = desk.make(count=PEOPLE, known=CLIENTS)
    before, all_codes = desk.counts(), PEOPLE * CODES
    traffic = Traffic(site, people)
    thread = threading.Thread(target=traffic.run)
    thread.start()
    died: list[int] = []
    try:
        for kill in range(1, KILLS + 1):
            process = rotate(site, "--batch", str(BATCH))
            while desk.moved(kid="new") < kill * all_codes // (KILLS + 2):
                assert process.poll() is None, process.communicate()
            process.kill()
            process.communicate()
            died.append(desk.moved(kid="new"))
        last = finish(rotate(site, "--batch", str(BATCH)))
    finally:
        traffic.stopped.set()
        thread.join()
        after = desk.counts()
        desk.close()

    assert died == sorted(set(died))
    assert died[-1] < all_codes - CLIENTS  # each died midway
    said = Counter(answer.status for answer in traffic.answers)
    assert said.keys() == {200}
    used = sum(CODES - len(person["codes"]) for person in people)
    assert after["codes_used"] == used
    assert (after["registrations"], after["codes"]) == (before["registrations"], before["codes"])
    assert after["sessions"] == before["sessions"] + len(traffic.answers)
    # By the new key alone: nothing is under the old one, and everything opens.
    checked = finish(rotate(site, "--check", keyring=(NEW,)))
    speed = _speed(site)
    figures.say(
        f"{PEOPLE * ROWS_A_PERSON} rows, died at {', '.join(map(str, died))} of {all_codes} recovery codes, "
        f"{said[200]} logins meanwhile, none refused; {last.splitlines()[-1]}; {checked.splitlines()[-1]}; "
        f"undisturbed {speed:.0f} rows/s"
    )


def _speed(site: Site) -> float:
    """Rows a second of a rotation back to the old key, with nobody about and the batches that it has by default."""
    started = time.perf_counter()
    said = finish(rotate(site, keyring=(OLD, NEW)))
    seconds = time.perf_counter() - started
    return sum(int(line.split()[-2]) for line in said.splitlines()[:-1]) / seconds
