import base64
import hashlib
import re
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.checks import Error, Info, Warning, run_checks  # noqa: A004 - Django's name
from django.core.management import CommandError, call_command
from django.db import connection, connections

from stytch_totp import checks
from stytch_totp.models import Member, Session

pytestmark = pytest.mark.django_db

SECRET_KEY = "a secret key of a site, of fifty characters or more"
ONE, TWO = (base64.b64encode(hashlib.sha256(name).digest()).decode() for name in (b"one", b"two"))


def found() -> list[str]:
    """The ids of our errors, as ``manage.py check`` finds them."""
    messages = [message for message in run_checks() if message.id and message.id.startswith("stytch_totp.")]
    assert all(isinstance(message, Error) for message in messages)
    return [message.id for message in messages]


def test_good_settings_are_silent():
    assert found() == []


BAD_KEYRINGS = [
    ("keyring_empty", []),
    ("keyring_not_a_list", f"k1:{ONE}"),
    ("keyring_not_text", [123]),
    ("keyring_no_colon", [ONE]),
    ("keyring_no_kid", [f":{ONE}"]),
    ("keyring_bad_kid", [f"my key:{ONE}"]),
    ("keyring_not_base64", ["k1:not base64 at all!"]),
    ("keyring_wrong_length", ["k1:" + base64.b64encode(b"0123456789abcdef").decode()]),
    ("keyring_not_random", ["k1:" + base64.b64encode(b"\x07" * 32).decode()]),
    ("keyring_repeated_kid", [f"k1:{ONE}", f"k1:{TWO}"]),
    ("keyring_repeated_key", [f"k1:{ONE}", f"k2:{ONE}"]),
    ("keyring_forbidden", ["k1:" + base64.b64encode(hashlib.sha256(SECRET_KEY.encode()).digest()).decode()]),
]


@pytest.mark.parametrize(("fault", "keyring"), BAD_KEYRINGS, ids=[fault for fault, _ in BAD_KEYRINGS])
def test_cr05_a_bad_keyring_is_an_error_of_its_own(configure, settings, fault, keyring):
    settings.SECRET_KEY = SECRET_KEY
    configure(KEYRING=keyring)
    assert found() == [f"stytch_totp.{fault}"]


def test_cr05_twelve_bad_keyrings_give_twelve_errors():
    assert len({fault for fault, _ in BAD_KEYRINGS}) == len(BAD_KEYRINGS) == 12


def test_cr05_the_check_stops_the_start(configure):
    configure(KEYRING=[])
    with pytest.raises(CommandError, match=r"stytch_totp\.keyring_empty"):
        call_command("check")


def test_without_any_settings_each_thing_that_is_missing_is_named(settings):
    del settings.STYTCH_TOTP
    assert found() == ["stytch_totp.project_id", "stytch_totp.no_secrets", "stytch_totp.keyring_empty"]


@pytest.mark.parametrize(
    ("entries", "faults"),
    [
        ({"LOCK_TRESHOLD": 3}, ["unknown_setting"]),
        ({"LOCK_THRESHOLD": 0}, ["out_of_range"]),
        ({"LOCK_THRESHOLD": 101}, ["out_of_range"]),
        ({"LOCK_MINUTES": 4}, ["out_of_range"]),
        ({"SIGNING_KEY_BITS": 1024}, ["out_of_range"]),
        ({"ROTATE_SESSION_TOKEN": "no"}, ["bad_type"]),
        ({"PROJECT_ID": "project-x"}, ["project_id"]),
        ({"SECRETS": []}, ["no_secrets"]),
        ({"SECRETS": ["short"]}, ["short_secret"]),
        ({"UNKNOWN": 1, "LOCK_THRESHOLD": 0}, ["unknown_setting", "out_of_range"]),
    ],
)
def test_rl22_dj01_a_bad_setting_is_an_error(configure, entries, faults):
    configure(**entries)
    assert found() == [f"stytch_totp.{fault}" for fault in faults]


def test_dj01_settings_that_are_no_dictionary_are_an_error(settings):
    settings.STYTCH_TOTP = ["PROJECT_ID"]
    assert found() == ["stytch_totp.not_a_dictionary"]


@pytest.mark.parametrize("fault", ["keyring_empty", "unknown_setting"])
def test_a_frequent_fault_comes_with_the_way_out(configure, fault):
    configure(**{"KEYRING": []} if fault == "keyring_empty" else {"LOCK_TRESHOLD": 3})
    (message,) = [message for message in run_checks() if message.id == f"stytch_totp.{fault}"]
    assert message.hint


def test_dj03_a_database_without_autocommit_is_an_error(monkeypatch):
    monkeypatch.setitem(connections["default"].settings_dict, "AUTOCOMMIT", False)
    assert found() == ["stytch_totp.autocommit_off"]


def test_cr13_an_error_quotes_no_key(configure):
    configure(KEYRING=[f"k1:{ONE}", f"k2:{ONE}"], SECRETS=["short-9f3b"])
    shown = "".join(str(message) for message in run_checks())
    assert "keyring_repeated_key" in shown
    assert ONE not in shown
    assert "short-9f3b" not in shown


# Pages of other origins


GONE = object()
CORS = {
    "the middleware": ("MIDDLEWARE", ["django.middleware.common.CommonMiddleware"]),
    "credentials": ("CORS_ALLOW_CREDENTIALS", False),
    "credentials, not said": ("CORS_ALLOW_CREDENTIALS", GONE),
    "a header": ("CORS_ALLOW_HEADERS", ["authorization", "content-type", "x-sdk-client"]),
    "headers, not said": ("CORS_ALLOW_HEADERS", GONE),
}


@pytest.fixture
def warned():
    return lambda: [message for message in run_checks() if message.id == "stytch_totp.cors_not_set_up"]


@pytest.mark.parametrize("lacks", CORS)
def test_ap07_pages_that_no_browser_would_let_call_are_a_warning(settings, configure, warned, lacks):
    name, value = CORS[lacks]
    if value is GONE:
        delattr(settings, name)
    else:
        setattr(settings, name, value)
    (message,) = warned()
    assert isinstance(message, Warning)
    assert message.hint
    configure(ALLOWED_ORIGINS=[])
    assert warned() == []


@pytest.mark.parametrize(
    "headers",
    [
        ["x-sdk-parent-host", "x-sdk-client", "authorization", "content-type", "x-own"],
        ("Authorization", "Content-Type", "X-SDK-Client", "X-SDK-Parent-Host"),
    ],
)
def test_cors_that_lets_pages_call_is_silent(settings, warned, headers):
    settings.CORS_ALLOW_HEADERS = headers
    assert warned() == []


@pytest.mark.parametrize("given", [["PROJECT_ID"], {"ALLOWED_ORIGINS": None}, {"ALLOWED_ORIGINS": 5}, None], ids=str)
def test_settings_that_are_no_settings_are_one_error_and_no_crash(settings, given):
    settings.STYTCH_TOTP = given
    assert "stytch_totp.cors_not_set_up" not in found()
    assert found()


# Each by itself


LIVE = {"PROJECT_ID": "project-live-11111111-1111-4111-8111-111111111111", "PUBLIC_TOKENS": []}


def database(**entries):
    return lambda settings, configure, patch: [
        patch.setitem(connections["default"].settings_dict, name, value) for name, value in entries.items()
    ]


def debug_in_live_project(settings, configure, patch):
    settings.DEBUG = True
    configure(**LIVE)


#: What is wrong, and how that is put: nothing else is found then.
ALONE = {
    "autocommit_off": (database(AUTOCOMMIT=False), Error),
    "database_engine": (database(ENGINE="django.db.backends.oracle"), Warning),
    "sqlite_not_immediate": (
        lambda settings, configure, patch: patch.delitem(
            connections["default"].settings_dict["OPTIONS"], "transaction_mode", raising=False
        ),
        Warning,
    ),
    "atomic_requests": (database(ATOMIC_REQUESTS=True), Info),
    "cors_not_set_up": (
        lambda settings, configure, patch: setattr(settings, "CORS_ALLOW_CREDENTIALS", False),
        Warning,
    ),
    "debug_in_live_project": (debug_in_live_project, Warning),
}


@pytest.fixture
def _on_sqlite(monkeypatch):
    """As the example is set up without a database server, whatever the tests run on."""
    for name, value in {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"transaction_mode": "IMMEDIATE"}}.items():
        monkeypatch.setitem(connections["default"].settings_dict, name, value)


def ours():
    return [message for message in run_checks() if message.id and message.id.startswith("stytch_totp.")]


@pytest.mark.usefixtures("_on_sqlite")
@pytest.mark.parametrize("fault", ALONE)
def test_dj01_a_misconfiguration_has_an_id_of_its_own_and_says_what_to_do(settings, configure, monkeypatch, fault):
    break_it, severity = ALONE[fault]
    break_it(settings, configure, monkeypatch)
    (message,) = ours()
    assert (message.id, type(message)) == (f"stytch_totp.{fault}", severity)
    assert message.msg
    assert message.hint


def test_dj01_no_check_goes_untried():
    told = set(re.findall(r'id="stytch_totp.([a-z_]+)"', Path(checks.__file__).read_text()))
    assert told == {*ALONE, "collation"}


@pytest.mark.usefixtures("_on_sqlite")
@pytest.mark.parametrize(
    ("name", "value", "silent"),
    [
        ("ENGINE", "django.db.backends.postgresql", True),
        ("ENGINE", "django.db.backends.mysql", True),
        ("ENGINE", "django.contrib.gis.db.backends.postgis", True),
        ("ENGINE", "a_pool_of.backends.postgresql", True),
        ("ENGINE", "django.contrib.gis.db.backends.spatialite", True),
        ("ENGINE", "django.contrib.gis.db.backends.oracle", False),
        ("ENGINE", "mssql", False),
        ("OPTIONS", {"transaction_mode": "EXCLUSIVE"}, False),
        ("OPTIONS", {"transaction_mode": "DEFERRED"}, False),
        ("OPTIONS", {}, False),
    ],
)
def test_dj01_a_database_is_known_by_its_engine_and_options(monkeypatch, name, value, silent):
    monkeypatch.setitem(connections["default"].settings_dict, name, value)
    assert (ours() == []) is silent


@pytest.mark.usefixtures("_on_sqlite")
def test_dj01_each_database_is_looked_at(monkeypatch):
    replica = SimpleNamespace(settings_dict={**connections["default"].settings_dict, "ENGINE": "mssql"})
    both = {"default": connections["default"], "replica": replica}
    monkeypatch.setattr(checks, "connections", both)
    (message,) = checks.check_engines()
    assert "'replica'" in message.msg


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("live", [False, True])
def test_dj01_error_pages_are_for_test_projects(settings, configure, debug, live):
    settings.DEBUG = debug
    configure(**LIVE if live else {})
    assert bool(checks.check_debug()) is (debug and live)


@pytest.mark.parametrize("check", [checks.check_debug, checks.check_origins])
@pytest.mark.parametrize("given", [None, ["PROJECT_ID"], {"PROJECT_ID": "x"}], ids=str)
def test_settings_that_cannot_be_read_are_for_the_check_of_settings_alone(settings, check, given):
    settings.DEBUG, settings.STYTCH_TOTP = True, given
    assert check() == []


# Columns on MariaDB and MySQL


EXACT, LOOSE = "utf8mb4_nopad_bin", "utf8mb4_general_ci"


class MariaDB:
    """Has these tables, and columns that compare so by name: else as they should."""

    vendor, mysql_is_mariadb, data_type_check_constraints = "mysql", True, {}
    data_types, features, ops = connection.data_types, connection.features, connection.ops

    def __init__(self, tables, collations):
        self.tables, self.collations = tables, collations

    def columns(self, table):
        model = next(one for one in (Member, Session) if one._meta.db_table == table)
        return {one.column: self.collations.get(one.column, EXACT) for one in model._meta.local_fields}

    @contextmanager
    def cursor(self):
        yield self

    def execute(self, statement, parameters):
        assert "information_schema.columns" in statement.lower()
        (table,) = parameters
        self.answer = list(self.columns(table).items()) if table in self.tables else []

    def fetchall(self):
        return self.answer


@pytest.fixture
def mariadb(monkeypatch):
    def put(tables, collations):
        monkeypatch.setattr(checks, "connections", {"default": MariaDB(tables, collations)})

    return put


HERE = ["stytch_totp_member", "stytch_totp_session"]


def test_dj06_columns_that_compare_byte_for_byte_are_silent(mariadb):
    mariadb(HERE, {})
    assert checks.check_collations(databases=["default"]) == []


@pytest.mark.parametrize("collation", ["utf8mb4_unicode_ci", "utf8mb4_bin", LOOSE])
def test_dj06_a_column_that_ignores_capitals_or_blanks_is_an_error_of_its_own(mariadb, collation):
    """Also where it has what the table has: a column whose collation was forgotten."""
    mariadb(HERE, {"token_digest": collation, "name": LOOSE})
    (message,) = checks.check_collations(databases=["default"])
    assert (message.id, type(message)) == ("stytch_totp.collation", Error)
    assert "token_digest" in message.msg
    assert "stytch_totp_session" in message.msg
    assert message.hint


def test_dj06_each_such_column_is_named(mariadb):
    mariadb(HERE, dict.fromkeys(["email_key", "external_id"], "utf8mb4_unicode_ci"))
    assert len(checks.check_collations(databases=["default"])) == 2


def test_tables_that_are_not_there_yet_are_no_fault(mariadb):
    mariadb([], {"token_digest": LOOSE})
    assert checks.check_collations(databases=["default"]) == []


def test_without_a_database_to_look_at_none_is_asked(monkeypatch):
    monkeypatch.setattr(checks, "connections", None)
    assert checks.check_collations() == checks.check_collations(databases=None) == []


def test_dj06_the_database_that_the_tests_run_on_is_as_it_should_be():
    assert [one for one in run_checks(databases=["default"]) if one.id == "stytch_totp.collation"] == []
