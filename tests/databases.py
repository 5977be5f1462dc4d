"""The databases of service-backed tests: those that STYTCH_TOTP_TEST_DATABASES promises, without it SQLite alone.

A database that is promised and missing fails the tests that need it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

SERVERS = {
    "postgresql": os.environ.get("STYTCH_TOTP_TEST_POSTGRESQL", "postgres://postgres@127.0.0.1:5432"),
    "mariadb": os.environ.get("STYTCH_TOTP_TEST_MARIADB", "mysql://root@127.0.0.1:3306"),
}
PROMISED = tuple(os.environ.get("STYTCH_TOTP_TEST_DATABASES", "sqlite").split(","))


@contextmanager
def fresh(kind: str, directory: Path) -> Iterator[str]:
    """The URL of a new, empty database, dropped afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{directory / f'{uuid4().hex}.sqlite3'}"
        return
    name, server = f"stytch_totp_{uuid4().hex[:12]}", SERVERS[kind]
    _run(kind, f"CREATE DATABASE {name}")
    try:
        yield f"{server}/{name}"
    finally:
        _run(kind, f"DROP DATABASE {name}" + (" WITH (FORCE)" if kind == "postgresql" else ""))


def _run(kind: str, statement: str) -> None:
    place = urlsplit(SERVERS[kind])
    if kind == "postgresql":
        import psycopg

        with psycopg.connect(f"{SERVERS[kind]}/postgres", autocommit=True) as connection:
            connection.execute(statement)
        return
    import pymysql

    with pymysql.connect(
        host=place.hostname, port=place.port or 3306, user=place.username, password=place.password or ""
    ) as connection:
        connection.cursor().execute(statement)
