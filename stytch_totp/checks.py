"""System checks: each misconfiguration has an id of its own, ``stytch_totp.<fault>``."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register  # noqa: A004 - Django's name
from django.db import connections
from django.db.models import Model

from stytch_totp import cors
from stytch_totp.conf import SETTING, conf, faults

_COLLATIONS = (
    "SELECT column_name, collation_name FROM information_schema.columns "
    "WHERE table_schema = DATABASE() AND table_name = %s"
)
_ENGINES = ("postgresql", "postgis", "mysql", "sqlite3", "spatialite")
_MAKE_A_KEY = "Make a key with `python manage.py stytch_totp_generate_key NAME` and keep it out of the database."
_LOOK_IT_UP = "The README says of every setting what it takes."


@register(Tags.security)
def check_settings(**_: Any) -> list[CheckMessage]:
    """Whatever ``conf()`` would refuse."""
    found = faults(getattr(settings, SETTING, {}))
    hints = {True: _MAKE_A_KEY, False: _LOOK_IT_UP}
    return [
        Error(fault.message, hint=hints[fault.code.startswith("keyring")], id=f"stytch_totp.{fault.code}")
        for fault in found
    ]


@register(Tags.security)
def check_databases(**_: Any) -> list[CheckMessage]:
    """Without autocommit no charge commits by itself, and the budget is at the mercy of the next rollback."""
    return [
        Error(
            f"Database {alias!r} has AUTOCOMMIT off: failed attempts could be rolled back.",
            hint="Take AUTOCOMMIT out of its settings.",
            id="stytch_totp.autocommit_off",
        )
        for alias in connections
        if not connections[alias].settings_dict["AUTOCOMMIT"]
    ]


@register(Tags.security)
def check_origins(**_: Any) -> list[CheckMessage]:
    """Origins are listed for pages that call; without CORS headers no browser lets them."""
    if faults(getattr(settings, SETTING, {})) or not conf().allowed_origins or cors.is_set_up():
        return []
    return [
        Warning(
            "ALLOWED_ORIGINS lists pages, but django-cors-headers isn't set up to let them call /sdk/v1.",
            hint="Copy the CORS_… settings, the app and the middleware from the README.",
            id="stytch_totp.cors_not_set_up",
        )
    ]


@register(Tags.security)
def check_engines(**_: Any) -> list[CheckMessage]:
    """Codes are proved to be spent once on three databases; on SQLite that takes writers who wait for each other."""
    return [message for alias in connections for message in _engine_faults(alias)]


def _engine_faults(alias: str) -> Iterator[CheckMessage]:
    given = connections[alias].settings_dict
    engine = given["ENGINE"].rpartition(".")[2]
    if engine not in _ENGINES:
        yield Warning(
            f"Database {alias!r} is of a kind on which nobody has tried that a code is spent once.",
            hint="Use PostgreSQL, MariaDB, MySQL or SQLite.",
            id="stytch_totp.database_engine",
        )
    if engine == "sqlite3" and given["OPTIONS"].get("transaction_mode") != "IMMEDIATE":
        yield Warning(
            f"On the SQLite database {alias!r} two requests that write at once fail.",
            hint='Add "transaction_mode": "IMMEDIATE" and "timeout": 20 to its OPTIONS.',
            id="stytch_totp.sqlite_not_immediate",
        )
    if given["ATOMIC_REQUESTS"]:
        yield Info(
            f"Database {alias!r} has ATOMIC_REQUESTS on. The views of stytch_totp are exempt; a view of yours that "
            "calls an operation which judges a code gets a RuntimeError.",
            hint="Mark such a view with django.db.transaction.non_atomic_requests.",
            id="stytch_totp.atomic_requests",
        )


@register(Tags.database)
def check_collations(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """On MariaDB and MySQL a digest or an id must not equal its neighbour in other capitals (DJ-06)."""
    ours = apps.get_app_config("stytch_totp").get_models()
    return [
        Error(
            f"Column {column} of table {model._meta.db_table} compares text without regard to case or accents.",  # noqa: SLF001
            hint="Run the migrations again on this table, or alter the column to its migration's collation.",
            id="stytch_totp.collation",
        )
        for alias in databases or ()
        if connections[alias].vendor == "mysql"
        for model in ours
        for column in _loose_columns(alias, model)
    ]


def _loose_columns(alias: str, model: type[Model]) -> list[str]:
    connection, table = connections[alias], model._meta.db_table  # noqa: SLF001 - Django's own name for it
    exact = {one.column: one.db_parameters(connection).get("collation") for one in model._meta.local_fields}  # noqa: SLF001
    with connection.cursor() as cursor:
        # Django's introspection is silent where a column has its table's default, which is the likeliest mistake.
        cursor.execute(_COLLATIONS, [table])
        return [name for name, found in cursor.fetchall() if exact.get(name) and found != exact[name]]


@register(Tags.security)
def check_debug(**_: Any) -> list[CheckMessage]:
    """Error pages with tracebacks, for whoever makes an error."""
    if not settings.DEBUG or faults(getattr(settings, SETTING, {})) or conf().environment != "live":
        return []
    return [
        Warning(
            "DEBUG is on in a live project: error pages show code, settings and whatever is in local variables.",
            hint="Set DEBUG to False, or take a PROJECT_ID that begins with project-test-.",
            id="stytch_totp.debug_in_live_project",
        )
    ]
