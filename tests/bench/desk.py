"""``python -m tests.bench.desk``: what the pages of the support desk cost at a million members, and by which plans.

Each page is asked for as a superuser and as staff limited to three organizations, behind the middleware: the median
of nine, the least, the CPU time of this process and of its PostgreSQL (to which others at work on the machine add
little), the number of statements, and of the slowest one the rows that it touched and its plan, as it was executed. A
sequential scan of a big table is flagged. ``--rare`` goes on with filters whose word hardly a row has, or no new one.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import databases
from tests.live import WITHOUT_MAIL

BUDGET = 300  # milliseconds that a page may take; held against CPU time, for a clock tells of whoever else is at work
BIG = 10_000  # rows, from which on a sequential scan is flagged
FIELDS = "{:66}{:>10}{:>8}{:>8}{:>8}{:>5}{:>10}{:>11}  {}"
TITLES = FIELDS.format("", "median ms", "least", "CPU", "its", "SQL", "worst ms", "rows", "plan of the worst statement")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("database", nargs="?", default="postgresql", choices=["postgresql", "mariadb", "sqlite"])
    options.add_argument("--members", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--keep", action="store_true", help="use the database of the last such run, and leave it")
    options.add_argument("--rare", action="store_true", help="go on with words that hardly a row has (PostgreSQL)")
    options.add_argument("--only", default="", help="pages whose name has this in it")
    options.add_argument(
        "--serial", action="store_true", help="no parallel workers: all that the database does is told"
    )
    options.add_argument("--plans", action="store_true", help="all plans of each page, not the worst alone")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as directory, _database(given, Path(directory)) as url:
        os.environ |= WITHOUT_MAIL | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.bench.settings"}
        import django

        django.setup()
        try:
            _run(given)
        finally:
            from django.db import connection

            connection.close()


@contextmanager
def _database(given: argparse.Namespace, directory: Path) -> Iterator[str]:
    if not given.keep:
        with databases.fresh(given.database, directory) as url:
            yield url
        return
    name = f"stytch_totp_desk_{given.members}"
    if given.database == "sqlite":
        yield f"sqlite:///{Path(tempfile.gettempdir()) / name}.sqlite3"
        return
    try:
        databases._run(given.database, f"CREATE DATABASE {name}")
    except Exception as error:
        if "exist" not in str(error):
            raise
    yield f"{databases.SERVERS[given.database]}/{name}"


def _run(given: argparse.Namespace) -> None:
    from django.core.management import call_command
    from django.db import connection

    from stytch_totp.models import Member
    from tests.bench import crowd, errands

    call_command("migrate", verbosity=0)
    size = crowd.Size(given.members)
    if not Member.objects.exists():
        begun = time.perf_counter()
        crowd.fill(size)
        print(f"{size.members:,} members written in {time.perf_counter() - begun:.0f} s")
    if given.serial:
        with connection.cursor() as cursor:
            cursor.execute("SET max_parallel_workers_per_gather = 0")
    staff = errands.staff()
    late: list[str] = []
    print(TITLES)
    for errand in errands.usual(size):
        late += _measure_all(staff, errand, given)
    for situation in errands.RARE if given.rare else ():
        if any(given.only in errand.name for errand in situation.errands):
            with situation.arranged():
                for errand in situation.errands:
                    late += _measure_all(staff, errand, given)
    print(f"\nSlower than {BUDGET} ms or by a sequential scan: {len(late)}")
    print("\n".join(late))


def _measure_all(staff: dict[str, Any], errand: Any, given: argparse.Namespace) -> list[str]:
    if given.only not in errand.name:
        return []
    return [
        line for who, visitor in staff.items() for line in _measure(f"{who}: {errand.name}", visitor, errand, given)
    ]


def _measure(title: str, visitor: Any, errand: Any, given: argparse.Namespace) -> list[str]:
    """Print a line; return it if the page is slow or scans."""
    with _noted() as statements:
        answer = visitor.client.get(errand.path)
    if title.startswith("limited") and answer.status_code in (302, 404):
        return []  # no such page of so short a list, or out of scope
    assert answer.status_code == 200, (title, answer.status_code, answer.get("Location"))
    before = _backend_seconds()
    taken, own = zip(*(_once(visitor, errand.path) for _ in range(given.rounds)), strict=True)
    its = (_backend_seconds() - before) * 1000 / given.rounds
    plans = sorted((_plan(*one) for one in statements), key=lambda plan: -plan.milliseconds)
    worst = next(iter(plans), Plan(0, 0))
    median, scans = statistics.median(taken), sorted({table for plan in plans for table in plan.scanned})
    flag = f"SEQ SCAN of {', '.join(scans)}! " if scans else ""
    late = "SLOW! " if statistics.median(own) + its > BUDGET and not errand.may_be_slow else ""
    times = (f"{value:.1f}" for value in (median, min(taken), statistics.median(own), its))
    row = [*times, len(statements), f"{worst.milliseconds:.1f}", f"{worst.rows:,}"]
    line = FIELDS.format(title, *row, f"{late}{flag}{worst.shown()}")
    print(line, flush=True)
    for plan in plans if given.plans else ():
        print(f"        {plan.milliseconds:8.1f} ms {plan.rows:>9,} rows  {plan.shown()}\n            {plan.sql}")
    return [line] if late or scans else []


def _once(visitor: Any, path: str) -> tuple[float, float]:
    """Milliseconds by the clock, and of this process, without the database's."""
    wall, own = time.perf_counter(), time.process_time()
    visitor.client.get(path)
    return (time.perf_counter() - wall) * 1000, (time.process_time() - own) * 1000


def _backend_seconds() -> float:
    """The CPU time that this connection's process of PostgreSQL has taken, where it runs on this machine."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        file = Path(f"/proc/{cursor.fetchone()[0]}/stat")
    if not file.exists():
        return 0
    user, system = file.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _noted() -> Iterator[list[tuple[str, Any]]]:
    """The statements of a request that read, with their parameters."""
    from django.db import connection

    found: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT"):
            found.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


@dataclass
class Plan:
    """How the database executed a statement; ``rows`` is how many it touched, those that a filter dropped included."""

    milliseconds: float
    rows: int
    nodes: list[str] = field(default_factory=list)
    scanned: set[str] = field(default_factory=set)
    sql: str = ""

    def add(self, node: dict[str, Any], big: set[str]) -> None:
        table, loops = node.get("Relation Name", ""), node["Actual Loops"]
        if table or node["Node Type"] == "Bitmap Index Scan":
            dropped = sum(node.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck", "Join Filter"))
            touched = round((node["Actual Rows"] + dropped) * loops)
            self.rows += touched if table else 0
            by = node.get("Index Name", "")
            self.nodes.append(f"{node['Node Type']} {by or table} [{touched:,}]")
            if node["Node Type"] == "Seq Scan" and table in big and loops:
                self.scanned.add(table)
        else:
            self.nodes.append(node["Node Type"])
        for child in node.get("Plans", []):
            self.add(child, big)

    def shown(self) -> str:
        return " > ".join(self.nodes)


def _plan(sql: str, params: Any) -> Plan:
    """Empty where it isn't PostgreSQL that is asked."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return Plan(0, 0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > %s", [BIG])
        big = {name for (name,) in cursor.fetchall()}
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
        found = cursor.fetchone()[0]
    told = (json.loads(found) if isinstance(found, str) else found)[0]
    plan = Plan(told["Planning Time"] + told["Execution Time"], 0, sql=(sql % tuple(params) if params else sql)[-400:])
    plan.add(told["Plan"], big)
    return plan


if __name__ == "__main__":
    main()
