"""The example as a newcomer meets it: a copy of its own, a process of its own."""

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = ("STYTCH_TOTP_", "SECRET_KEY", "DATABASE_URL", "ALLOWED_HOSTS", "DEBUG", "DJANGO_SETTINGS_MODULE")


@pytest.fixture
def checkout(tmp_path):
    being_written = shutil.ignore_patterns("*.pyc.*")  # by other processes, and gone before it is copied
    for name in ("example_project", "stytch_totp"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=being_written)
    shutil.copy(ROOT / "manage.py", tmp_path)
    return tmp_path


def start(checkout, *arguments, **given):
    """A Python of its own in the copy, with nothing of ours in its environment but what is given."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    command = [sys.executable, *arguments]
    environment = bare | {"PYTHONPATH": str(checkout)} | given
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


def run(checkout, *arguments, **given):
    done = start(checkout, "manage.py", *arguments, **given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_demo_describes_itself_alike_each_time(checkout):
    first, second = (json.loads(run(checkout, "demo", "--no-server", "--json")) for _ in range(2))
    assert first == second
    assert set(first) == {"base_url", "project_id", "secret", "public_token", "organizations", "people"}
    assert {one["mfa_policy"] for one in first["organizations"]} == {"REQUIRED_FOR_ALL", "OPTIONAL"}
    assert {one["is_staff"] for one in first["people"]} == {True, False}
    assert set(first["people"][0]) == {"email", "password", "member_id", "organization_id", "is_staff"}


def test_keys_are_made_once_and_are_their_owners_alone(checkout):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: run(checkout, "check"), range(4)))
    assert stat.S_IMODE((checkout / ".env").stat().st_mode) == 0o600
    assert [path.name for path in checkout.glob(".env*")] == [".env"]


def test_the_database_of_sqlite_keeps_a_write_ahead_log(checkout):
    run(checkout, "migrate", "--noinput")
    with closing(sqlite3.connect(checkout / "db.sqlite3")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_who_gives_every_key_gets_no_file(checkout):
    run(checkout, "check")
    keys = dict(line.split("=", 1) for line in (checkout / ".env").read_text().splitlines())
    (checkout / ".env").unlink()
    described = json.loads(run(checkout, "demo", "--no-server", "--json", **keys))
    assert described["public_token"] == keys["STYTCH_TOTP_PUBLIC_TOKENS"]
    assert not (checkout / ".env").exists()


def test_the_walk_through_says_where_to_go(checkout):
    told = run(checkout, "demo", "--no-server")
    for word in ("http://127.0.0.1:8000", "/spa/", "/admin/", "curl -u", "B2BClient", "ada@acme.example"):
        assert word in told


def test_a_bad_keyring_stops_the_check_by_its_own_id(checkout):
    refused = start(checkout, "manage.py", "check", STYTCH_TOTP_KEYRING="demo:short")
    assert refused.returncode != 0
    assert "stytch_totp.keyring_" in refused.stderr


def test_a_server_with_a_bad_keyring_does_not_start(checkout):
    refused = start(checkout, "-c", "import example_project.wsgi", STYTCH_TOTP_KEYRING="demo:short")
    assert refused.returncode != 0
    assert "ImproperlyConfigured" in refused.stderr


PAGE = """
import base64, json, sys
import django
django.setup()
from django.conf import settings
from django.test import Client
token = settings.STYTCH_TOTP["PUBLIC_TOKENS"][0]
authorization = "Basic " + base64.b64encode(f"{token}:{token}".encode()).decode()
for origin in sys.argv[1:]:
    headers = {"Authorization": authorization, "Origin": origin, "Host": "localhost"}
    answer = Client().get(f"/sdk/v1/projects/bootstrap/{token}", headers=headers)
    print(json.dumps([answer.status_code, answer.headers.get("access-control-allow-origin")]))
"""


def ask_as_pages(checkout, *origins, **given):
    module = {"DJANGO_SETTINGS_MODULE": "example_project.settings"}
    done = start(checkout, "-c", PAGE, *origins, **module, **given)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_pages_of_the_demos_own_origins_may_call_and_others_may_not(checkout):
    own, local, other = "http://127.0.0.1:8000", "http://localhost:8000", "https://evil.example"
    assert ask_as_pages(checkout, own, local, other) == [[200, own], [200, local], [400, None]]


def test_who_gives_the_origins_gets_those_alone(checkout):
    asked = ("http://localhost:8000", "https://app.example.org", "https://www.example.org")
    given = {"STYTCH_TOTP_ALLOWED_ORIGINS": "https://app.example.org,https://www.example.org"}
    assert ask_as_pages(checkout, *asked, **given) == [[400, None], [200, asked[1]], [200, asked[2]]]


def test_the_check_finds_pages_set_up(checkout):
    done = start(checkout, "manage.py", "check", "--fail-level", "WARNING")
    assert (done.returncode, done.stderr) == (0, "")
