"""``python -m tests.bench``: what the requests that matter cost, as ratios to a bare view of the same run.

Times of a shared machine mean little by themselves; ratios within one run, and counts of SQL statements, do.
"""

import argparse
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import databases
from tests.live import WITHOUT_MAIL

WARM_UP = 20
FIELDS = "{:34}{:>11}{:>9}{:>9}{:>9}{:>9}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("databases", nargs="*", default=["sqlite"])
    options.add_argument("--rounds", type=int, default=300)
    given = options.parse_args()
    for kind in given.databases:
        # Django is configured once a process.
        if child := os.fork():
            _, status = os.waitpid(child, 0)
            if status:
                raise SystemExit(1)
            continue
        with tempfile.TemporaryDirectory() as directory, databases.fresh(kind, Path(directory)) as url:
            os.environ |= WITHOUT_MAIL | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.bench.settings"}
            measure(kind, given.rounds)
        sys.stdout.flush()  # which os._exit leaves out: into a pipe, the figures would be lost
        os._exit(0)


def measure(kind: str, rounds: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from tests.bench import scene

    call_command("migrate", verbosity=0)
    print(f"\n{kind}, median of {rounds} requests")
    print(FIELDS.format("", "statements", "wall ms", "ratio", "CPU ms", "ratio"))
    against = {name: scene.REQUESTS[scene.BASELINES.get(name, "bare view")] for name in scene.REQUESTS}
    results = {name: _time(prepare, against[name], rounds) for name, prepare in scene.REQUESTS.items()}
    for name, row in results.items():
        print(FIELDS.format(name, *row.shown()))
    for part, (whole, work) in scene.PARTS.items():
        print(f"{part}: {_share(scene.REQUESTS[whole], work, rounds):.0%} of the CPU time of {whole}")
    growth = {name: _statements(prepare) for name, prepare in scene.REQUESTS.items()}
    scene.populate()
    assert growth == {name: _statements(prepare) for name, prepare in scene.REQUESTS.items()}
    print("statements with 1,000 further members, 1,000 sessions and 1,000 audit events: the same")
    connection.close()


@dataclass(frozen=True)
class Row:
    """Medians in milliseconds, and of the ratios to the bare requests that ran in turn with these."""

    statements: int
    wall: float
    wall_ratio: float
    cpu: float
    cpu_ratio: float

    def shown(self) -> list[str]:
        times = (self.wall, self.wall_ratio, self.cpu, self.cpu_ratio)
        return [str(self.statements), *(f"{value:.2f}" for value in times)]


def _time(prepare: Callable[[], Callable[[], Any]], bare: Callable[[], Callable[[], Any]], rounds: int) -> Row:
    statements = _statements(prepare)
    pairs = [(prepare(), bare()) for _ in range(rounds + WARM_UP)]
    gc.collect()
    taken = [(*_once(request), *_once(plain)) for request, plain in pairs][WARM_UP:]
    wall, cpu, bare_wall, bare_cpu = (statistics.median(column) for column in zip(*taken, strict=True))
    return Row(statements, wall, wall / bare_wall, cpu, cpu / bare_cpu)


def _once(request: Callable[[], Any]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    request()
    return (time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000


def _statements(prepare: Callable[[], Callable[[], Any]]) -> int:
    """SQL statements of a warm request, besides BEGIN, COMMIT and savepoints."""
    prepare()()
    request = prepare()
    with _counted() as found:
        request()
    return len([sql for sql in found if not sql.startswith(("BEGIN", "SAVEPOINT", "RELEASE"))])


@contextmanager
def _counted() -> Iterator[list[str]]:
    from django.db import connection

    found: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


def _share(prepare: Callable[[], Callable[[], Any]], work: Callable[[], Any], rounds: int) -> float:
    """The CPU time of a part of a request, measured in turn with the whole."""
    requests = [prepare() for _ in range(rounds)]
    taken = [(_once(work)[1], _once(request)[1]) for request in requests]
    part, whole = (statistics.median(column) for column in zip(*taken, strict=True))
    return part / whole


if __name__ == "__main__":
    main()
