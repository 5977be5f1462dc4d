"""Random operations, some rolled back by their caller, some killed: one event for each that was done, none else
(AA-06), and a chain that holds.

How many is STYTCH_TOTP_OPERATIONS.
"""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tests import databases
from tests.live import ROOT, WITHOUT_MAIL

OPERATIONS = int(os.environ.get("STYTCH_TOTP_OPERATIONS", "400"))
KILLS = max(5, OPERATIONS // 100)
SEED = 4711
LOOK = """
import django, json
django.setup()
from tests.operations.situations import misnoted
from tests.races.operations import made, told
people, tenants = made()
seen = {"people": sorted(people), "tenants": sorted(tenants), "misnoted": [str(one) for one in misnoted()]}
print(json.dumps({"told": told([]), **seen}))
"""


class Log:
    """What the operator said of each operation. One that was begun and neither done nor undone was killed."""

    def __init__(self) -> None:
        self.said: dict[int, str] = {}

    def read(self, line: str) -> None:
        word, number, *_ = line.split()
        self.said[int(number)] = word

    def those(self, word: str) -> set[int]:
        return {number for number, said in self.said.items() if said == word}


def operate(environment: dict[str, str], log: Log) -> int:
    """Have all operations done, by one operator after the other; how many were killed."""
    draw, killed = random.Random(SEED), 0
    while len(log.said) < OPERATIONS:
        first = max(log.said, default=0) + 1
        command = [sys.executable, "-m", "tests.races.operator", str(SEED), str(first), str(OPERATIONS)]
        # Killed while it does something: after a line was read that began one, at any moment of it.
        life = draw.randrange(1, OPERATIONS // KILLS) if killed < KILLS else 0
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            for line in process.stdout:
                log.read(line)
                life -= line.startswith("begin")
                if life == 0:
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(draw.random() * 0.05)
                    process.kill()
                    killed, life = killed + 1, -1
        assert process.returncode in (0, -9)
    return killed


@pytest.mark.live
@pytest.mark.parametrize("kind", databases.PROMISED)
def test_aa06_what_was_done_is_on_record_once_and_nothing_else_is(kind: str, tmp_path: Path) -> None:
    with databases.fresh(kind, tmp_path) as database:
        environment = os.environ | WITHOUT_MAIL | {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database}
        run = [sys.executable, "manage.py"]
        subprocess.run([*run, "migrate", "--verbosity=0"], cwd=ROOT, env=environment, check=True)
        log = Log()
        killed = operate(environment, log)
        looked = subprocess.run(
            [sys.executable, "-c", LOOK], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
        )
        seen = json.loads(looked.stdout.splitlines()[-1])
        told = {int(number): tags for number, tags in seen["told"].items() if tags}
        done, undone, cut = log.those("done"), log.those("undone"), log.those("begin")
        print(f"{kind}: {len(done)} done, {len(undone)} rolled back, {len(cut)} cut off by {killed} kills")

        assert (len(done) + len(undone) + len(cut), killed) == (OPERATIONS, KILLS)
        assert {number for number in done if len(told.get(number, ())) != 1} == set()  # none lost, none twice
        assert undone & told.keys() == set()
        assert {number for number in cut if len(told.get(number, ())) > 1} == set()
        for tag, rows in (
            ("member:member:created", seen["people"]),
            ("organization:organization:created", seen["tenants"]),
        ):
            assert {number for number, tags in told.items() if tags == [tag]} == set(rows)
        assert seen["misnoted"] == []
        assert Counter(len(tags) for tags in told.values()).keys() == {1}
        subprocess.run(
            [*run, "stytch_totp_verify_audit"], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
        )
