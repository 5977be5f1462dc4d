"""A site of a million members, written by the database itself: one INSERT … SELECT a table.

Everything about a row comes of its number, so that two runs see the same site; what is alike in number is unlike in
order, since each trait is drawn by a prime of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection

from tests.clock import CLOCK

NOW = int(CLOCK())
DAY = 86400
YEAR = 365 * DAY
ORGANIZATIONS = 2000
#: Organizations by number: the largest has 20 % of all members, the consumer directory 10 %, the last 500 two or so
#: each; the others grow smaller from 5 % on.
LARGEST, CONSUMER, FIRST_TINY = 1, 2, 1501
FIRST_USER = 10_000_000
NAMES = ("anna", "ben", "carla", "david", "emma", "finn", "greta", "hugo", "ida", "jonas", "klara", "leon")
TAGS = {
    0: "member:mfa:reset",
    100: "member:guard:locked",
    1000: "member:totp:refused",
    5000: "member:password:refused",
    8000: "member:totp:activated",
    20000: "member:session:begun",
    50000: "member:password:authenticated",
}
FREQUENT_TAG, RARE_TAG = "member:totp:authenticated", TAGS[0]

#: Tables, each before those that it refers to.
UNLOGGED = ("recoverycode", "totpregistration", "guard", "session", "intermediatesession", "supportrequest")
UNLOGGED += ("stafflimit_organizations", "member", "organization", "auditevent")
#: How to drop and how to make each index that is no primary key's.
_INDEXES = """
SELECT CASE WHEN con.oid IS NULL THEN 'DROP INDEX ' || i.indexrelid::regclass
            ELSE 'ALTER TABLE ' || i.indrelid::regclass || ' DROP CONSTRAINT ' || con.conname END,
       CASE WHEN con.oid IS NULL THEN pg_get_indexdef(i.indexrelid)
            ELSE 'ALTER TABLE ' || i.indrelid::regclass || ' ADD CONSTRAINT ' || con.conname || ' '
                 || pg_get_constraintdef(con.oid) END
FROM pg_index i LEFT JOIN pg_constraint con ON con.conindid = i.indexrelid AND con.contype = 'u'
WHERE i.indrelid::regclass::text LIKE 'stytch_totp_%' AND NOT i.indisprimary"""


@dataclass(frozen=True)
class Size:
    """How many rows. Sessions, events and codes grow with the members as they do in a site of a million."""

    members: int

    @property
    def sessions(self) -> int:
        return self.members // 5

    @property
    def events(self) -> int:
        return self.members * 3


def key(kind: str, number: Any = "i") -> str:
    """The id of the row of that kind and number, as an expression."""
    digest = f"md5({_text(repr(kind), number)})"
    parts = f"substr({digest}, 1, 12)", "'4'", f"substr({digest}, 14, 3)", "'8'", f"substr({digest}, 18, 15)"
    return f"CAST({_text(*parts)} AS uuid)" if connection.vendor == "postgresql" else _text(*parts)


def home(number: str = "i") -> str:
    """The number of a member's organization, as an expression."""
    draw = f"({number} * 48271 % 1000003)"
    return (
        f"CASE WHEN {draw} < 200000 THEN {LARGEST} WHEN {draw} < 300000 THEN {CONSUMER}"
        f" WHEN {draw} < 301000 THEN {FIRST_TINY} + {draw} % {ORGANIZATIONS - FIRST_TINY + 1}"
        f" ELSE 3 + {_whole(f'{FIRST_TINY - 3} * power(({draw} - 301000) / 699003.0, 2)')} END"
    )


def fill(size: Size) -> None:
    """Rows for an empty database that was migrated."""
    with connection.cursor() as cursor, connection.constraint_checks_disabled(), _in_haste(cursor):
        _insert(cursor, "stytch_totp_organization", _organizations(), ORGANIZATIONS)
        _insert(cursor, "auth_user", _users(), size.members, where=f"{home()} = {CONSUMER}")
        _insert(cursor, "stytch_totp_member", _members(size.members), size.members)
        for kind in ("totp", "recovery", "password"):
            _insert(cursor, "stytch_totp_guard", _guards(kind), size.members)
        living = f"{_fate()} BETWEEN 5 AND"
        _insert(cursor, "stytch_totp_totpregistration", _registrations(), size.members, where=f"{living} 67")
        _insert(cursor, "stytch_totp_recoverycode", _codes(), size.members, where=f"{living} 64")
        _insert(cursor, "stytch_totp_session", _sessions(size), size.sessions)
        _insert(cursor, "stytch_totp_auditevent", _events(size), size.events)


@contextmanager
def _in_haste(cursor: Any) -> Iterator[None]:
    """On PostgreSQL without a log, and with indexes that are made when the rows are there. Statistics for all."""
    if connection.vendor != "postgresql":
        yield
        if connection.vendor == "sqlite":
            cursor.execute("ANALYZE")
        return
    for table in UNLOGGED:
        cursor.execute(f"ALTER TABLE stytch_totp_{table} SET UNLOGGED")
    cursor.execute(_INDEXES)
    indexes = cursor.fetchall()
    cursor.execute("SET session_replication_role = replica")  # foreign keys hold by construction
    cursor.execute("SET maintenance_work_mem = '512MB'")
    for drop, _ in indexes:
        cursor.execute(drop)
    yield
    for _, create in indexes:
        cursor.execute(create)
    cursor.execute("RESET ALL")
    cursor.execute("VACUUM ANALYZE")


def _insert(cursor: Any, table: str, columns: dict[str, Any], rows: int, where: str = "1 = 1") -> None:
    names, values = ", ".join(columns), ", ".join(map(str, columns.values()))
    # One call, no parameters: a % is the remainder.
    cursor.execute(f"INSERT INTO {table} ({names}) SELECT {values} FROM {_numbers(rows)} WHERE {where}")


def _numbers(rows: int) -> str:
    if connection.vendor == "postgresql":
        return f"generate_series(CAST(1 AS bigint), {rows}) AS numbers (i)"
    if connection.vendor == "mysql":
        return f"(SELECT CAST(seq AS SIGNED) AS i FROM seq_1_to_{rows}) AS numbers"
    counted = f"WITH RECURSIVE counted (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM counted WHERE i < {rows})"
    return f"({counted} SELECT i FROM counted) AS numbers"


def _text(*parts: Any) -> str:
    if connection.vendor == "mysql":
        return f"CONCAT({', '.join(map(str, parts))})"
    return f"({' || '.join(map(str, parts))})"


def _whole(expression: str) -> str:
    return f"CAST(floor({expression}) AS {'SIGNED' if connection.vendor == 'mysql' else 'integer'})"


def _draw(prime: int, number: str = "i") -> str:
    """A number below 100 that looks drawn."""
    return f"({number} * {prime} % 1000003 % 100)"


def _fate(number: str = "i") -> str:
    """Below 5 deleted, to 64 enrolled, to 67 enrolment begun, from there on not enrolled."""
    return _draw(7919, number)


def _organizations() -> dict[str, Any]:
    consumer = f"i = {CONSUMER}"
    return {
        "id": key("organization"),
        "kind": f"CASE WHEN {consumer} THEN 'consumer' ELSE 'tenant' END",
        "consumer_key": f"CASE WHEN {consumer} THEN 'consumer' END",
        "name": _text("'Organization '", "i"),
        "slug": _text("'organization-'", "i"),
        "external_id": _text("'tenant-'", "i"),
        "mfa_policy": "CASE WHEN i % 3 = 0 THEN 'REQUIRED_FOR_ALL' ELSE 'OPTIONAL' END",
        "mfa_methods": "'ALL_ALLOWED'",
        "allowed_mfa_methods": "'[]'",
        "auth_methods": "'ALL_ALLOWED'",
        "allowed_auth_methods": "'[]'",
        "settings": "'{}'",
        "trusted_metadata": "'{}'",
        "created_at": f"{NOW - 4 * YEAR} + i * 3600",
        "updated_at": NOW,
    }


def _users() -> dict[str, Any]:
    return {
        "id": f"{FIRST_USER} + i",
        "username": _text("'login'", "i"),
        "password": "'!'",
        "first_name": "''",
        "last_name": "''",
        "email": _text("'login'", "i", "'@example.com'"),
        "is_superuser": "false",
        "is_staff": "false",
        "is_active": "true",
        "date_joined": "'2026-01-01 00:00:00'",
    }


def _members(members: int) -> dict[str, Any]:
    chosen = " ".join(f"WHEN {number} THEN '{name}'" for number, name in enumerate(NAMES))
    first = f"CASE i * 613 % 1000003 % {len(NAMES)} {chosen} END"
    second = f"substr(md5({_text(repr('name'), 'i')}), 1, 8)"
    email = _text(first, "'.'", second, "i", "'@example.com'")
    deleted = f"{_fate()} < 5"
    made = f"{NOW - 3 * YEAR} + {_whole(f'i * {3.0 * YEAR} / {members + 1}')}"
    return {
        "id": key("member"),
        "organization_id": key("organization", f"({home()})"),
        "user_id": f"CASE WHEN {home()} = {CONSUMER} AND NOT {deleted} THEN {FIRST_USER} + i END",
        "email": email,
        "email_key": f"CASE WHEN NOT {deleted} THEN {email} END",
        "email_verified": "true",
        "name": "''",
        "name_parts": "'{}'",
        "status": f"CASE WHEN {deleted} THEN 'deleted' ELSE 'active' END",
        "mfa_enrolled": "false",
        "has_active_totp": f"CASE WHEN {_fate()} BETWEEN 5 AND 64 THEN true ELSE false END",
        "default_mfa_method": "''",
        "mfa_phone_number": "''",
        "mfa_phone_verified": "false",
        "is_breakglass": "false",
        "roles": "'[]'",
        "external_id": f"CASE WHEN i % 3 = 0 AND NOT {deleted} THEN {_text(repr('person-'), 'i')} END",
        "password": "''",
        "generation": 0,
        "trusted_metadata": "'{}'",
        "untrusted_metadata": "'{}'",
        "created_at": made,
        "updated_at": NOW,
    }


def _guards(kind: str) -> dict[str, Any]:
    locked = f"{_draw(104729)} < 1" if kind == "totp" else "1 = 0"
    return {
        "id": key(kind),
        "member_id": key("member"),
        "kind": repr(kind),
        "failures": f"CASE WHEN {locked} THEN 5 ELSE 0 END",
        "locks": f"CASE WHEN {locked} THEN 1 ELSE 0 END",
        "locked_at": f"CASE WHEN {locked} THEN {NOW - 60} ELSE 0 END",
        "locked_until": f"CASE WHEN {locked} THEN {NOW} + i % 900 + 1 ELSE 0 END",
        "told_until": 0,
    }


def _registrations() -> dict[str, Any]:
    active = f"{_fate()} < 65"
    return {
        "id": key("registration"),
        "member_id": key("member"),
        "state": f"CASE WHEN {active} THEN 'active' ELSE 'pending' END",
        "sealed_secret": "''",
        "last_step": f"CASE WHEN {active} THEN {NOW // 30 - 1000} ELSE -1 END",
        "burnt_step": -1,
        "expires_at": f"{NOW} + i % 1800 + 1",
        "created_at": NOW - 60,
        "verified_at": f"CASE WHEN {active} THEN {NOW - 60} END",
    }


def _codes() -> dict[str, Any]:
    """One of each set: the page counts those of one registration."""
    return {
        "id": key("code"),
        "registration_id": key("registration"),
        "position": 0,
        "digest": f"md5({_text(repr('digest'), 'i')})",
        "digest_kid": "''",
    }


def _sessions(size: Size) -> dict[str, Any]:
    begun = f"{NOW - 90 * DAY} + {_whole(f'i * {90.0 * DAY} / {size.sessions + 1}')}"
    return {
        "id": key("session"),
        "member_id": key("member", f"(i * 37 % {size.members} + 1)"),
        "token_digest": f"md5({_text(repr('token'), 'i')})",
        "sealed_token": "''",
        "factors": """'[{"type": "password"}, {"type": "totp"}]'""",
        "claims": "'{}'",
        "version": 0,
        "started_at": begun,
        "last_accessed_at": begun,
        "expires_at": f"{begun} + {30 * DAY}",
        "revoked_at": f"CASE WHEN {_draw(15485863)} < 10 THEN {NOW - 60} END",
        "jwts_since": 0,
        "place": "'www.example.com'",
        "ip_address": "'192.0.2.1'",
        "user_agent": "'Mozilla/5.0'",
    }


def _events(size: Size) -> dict[str, Any]:
    draw, of = "(i * 611953 % 1000003)", f"(i * 31 % {size.members} + 1)"
    tag = " ".join(f"WHEN {draw} <= {most} THEN '{one}'" for most, one in TAGS.items())
    return {
        "at": f"{NOW - 2 * YEAR} + {_whole(f'i * {2.0 * YEAR} / {size.events + 1}')}",
        "tag": f"CASE {tag} ELSE '{FREQUENT_TAG}' END",
        "outcome": "'success'",
        "actor_kind": "'project'",
        "actor_id": "'project-test'",
        "request_id": _text("'request-'", "i"),
        "organization_id": key("organization", f"({home(of)})"),
        "member_id": key("member", of),
        "reason": "''",
        "details": "'{}'",
        "ip_address": "'192.0.2.1'",
        "user_agent_digest": "''",
        "sequence": "i",
        "link": "''",
    }
