"""Triggers by which the database itself refuses to change or delete audit events (AA-07), whoever asks it.

They stop a slip, and an attacker whose database role may write rows but doesn't own the table. Who owns it can lift
them, as ``purge`` does for what it deletes; then the chain still shows what is gone.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, OperationalError, ProgrammingError, connection

from stytch_totp.models import AuditEvent
from stytch_totp.operations.attempts import settle
from stytch_totp.operations.audit import Actor, Tag, record

_TABLE = AuditEvent._meta.db_table  # noqa: SLF001 - Django's own name for it
_REFUSAL = "audit events are neither changed nor deleted"
_UPDATE, _DELETE, _TRUNCATE = (f"{_TABLE}_no_{what}" for what in ("update", "delete", "truncate"))
_KEEPER = f"{_TABLE}_keep"
_EVENTS = {_UPDATE: "UPDATE", _DELETE: "DELETE", _TRUNCATE: "TRUNCATE"}
#: By which MariaDB and MySQL say so: no right to triggers, none without the right to SUPER, none on this database.
_DENIED = (1142, 1227, 1419, 1044)


class NoTriggers(Exception):
    """A database of a kind that these triggers aren't written for."""


class NotAllowed(Exception):
    """The database doesn't let this role make or lift triggers. Says what the database said."""


def expected() -> frozenset[str]:
    """The names of the triggers of this kind of database. Raises NoTriggers."""
    if connection.vendor == "postgresql":
        return frozenset(_EVENTS)
    if connection.vendor in ("mysql", "sqlite"):
        return frozenset({_UPDATE, _DELETE})  # SQLite has no TRUNCATE; MariaDB's fires none and takes the right to DROP
    raise NoTriggers(connection.vendor)


def installed() -> frozenset[str]:
    """Those that stand and work."""
    names = expected()
    query = {
        "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgenabled IN ('O', 'A')",
        "mysql": "SELECT trigger_name FROM information_schema.triggers "
        "WHERE trigger_schema = DATABASE() AND event_object_table = %s",
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s",
    }[connection.vendor]
    table = _quoted(_TABLE) if connection.vendor == "postgresql" else _TABLE
    with connection.cursor() as cursor:
        cursor.execute(query, [table])
        return names & {name for (name,) in cursor.fetchall()}


def install(actor: Actor) -> bool:
    """Have all of them; False if they stood already. Raises NoTriggers and NotAllowed."""
    return _change(Tag.AUDIT_GUARDED, actor, due=installed() != expected(), statements=_standing())


def remove(actor: Actor) -> bool:
    """Have none of them; False if there was none. Raises NoTriggers and NotAllowed."""
    return _change(Tag.AUDIT_UNGUARDED, actor, due=bool(installed()), statements=[_drop(name) for name in expected()])


@contextmanager
def lifted(*, inside: bool) -> Iterator[None]:
    """Let events be deleted meanwhile, if triggers stand against it: put one of these around the transaction, and one
    with ``inside`` in it, around the deletion.

    Where the database can take such a change back it happens inside, and others see nothing of it. MariaDB and MySQL
    can't: there it happens outside, for everybody, and ends even if the transaction fails. Whoever is killed in
    between leaves the trigger against changes alone, from which the next one knows that the other is to stand, too.
    Raises NotAllowed.
    """
    if inside != connection.features.can_rollback_ddl or not _is_to_be_lifted():
        try:
            yield
        except DatabaseError as refusal:
            if _REFUSAL not in str(refusal):
                raise
            raise NotAllowed(str(refusal)) from refusal  # MySQL shows triggers to those alone who may lift them
        return
    _ask(_lifting())
    if inside:
        yield  # if this fails, it is the rollback that restores
        _ask(_restoring())
        return
    try:
        yield
    finally:
        _ask(_restoring())


def _is_to_be_lifted() -> bool:
    try:
        standing = installed()
    except NoTriggers:
        return False
    return _DELETE in standing if connection.features.can_rollback_ddl else bool(standing)


def _change(tag: Tag, actor: Actor, *, due: bool, statements: list[str]) -> bool:
    def work() -> None:
        if connection.features.can_rollback_ddl:
            _ask(statements)
        record(tag, actor)

    if due:
        if not connection.features.can_rollback_ddl:
            _ask(statements)
        settle(work)
    return due


def _ask(statements: list[str]) -> None:
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    except (ProgrammingError, OperationalError) as refusal:
        if isinstance(refusal, ProgrammingError) or refusal.args[0] in _DENIED:
            raise NotAllowed(str(refusal)) from refusal
        raise  # a deadlock, say, which is another matter


def _standing() -> list[str]:
    """What makes all of them, whatever of them is there."""
    names = sorted(expected())
    return [*_function(), *map(_drop, names), *map(_create, names)]


def _lifting() -> list[str]:
    if connection.vendor == "postgresql":
        # Not dropped: that would wait for every reader of the table, and make all others wait.
        return [f"ALTER TABLE {_quoted(_TABLE)} DISABLE TRIGGER {_quoted(_DELETE)}"]
    return [_drop(_DELETE)]


def _restoring() -> list[str]:
    if connection.vendor == "postgresql":
        return [f"ALTER TABLE {_quoted(_TABLE)} ENABLE TRIGGER {_quoted(_DELETE)}"]
    return [_drop(_DELETE), _create(_DELETE)]


def _function() -> list[str]:
    if connection.vendor != "postgresql":
        return []
    body = f"BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END"
    return [f"CREATE OR REPLACE FUNCTION {_quoted(_KEEPER)}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"]


def _create(name: str) -> str:
    body = {
        "postgresql": f"STATEMENT EXECUTE FUNCTION {_quoted(_KEEPER)}()",
        "mysql": f"ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{_REFUSAL}'",
        "sqlite": f"ROW BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
    }[connection.vendor]
    return f"CREATE TRIGGER {_quoted(name)} BEFORE {_EVENTS[name]} ON {_quoted(_TABLE)} FOR EACH {body}"


def _drop(name: str) -> str:
    on = f" ON {_quoted(_TABLE)}" if connection.vendor == "postgresql" else ""
    return f"DROP TRIGGER IF EXISTS {_quoted(name)}{on}"


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
