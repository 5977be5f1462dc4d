"""A real server: gunicorn on a database of its own, as a site would run it."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests import databases

ROOT = Path(__file__).resolve().parent.parent
PROJECT_ID = "project-test-22222222-2222-4222-8222-222222222222"
SECRET = "secret-test-of-the-live-servers-0123456789"
PUBLIC_TOKEN = "public-token-test-33333333-3333-4333-8333-333333333333"
#: The example prints its mail, where a command's own words belong.
WITHOUT_MAIL = {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
ORIGIN = "https://app.example.org"


@dataclass
class Live:
    """A running server. ``directory`` holds its log and its clock; ``environment`` reaches its database."""

    url: str
    directory: Path
    database: str
    environment: dict[str, str]

    def set_clock(self, at: float) -> None:
        draft = self.directory / "clock.new"
        draft.write_text(repr(at))
        draft.replace(self.directory / "clock")

    @property
    def now(self) -> float:
        return float((self.directory / "clock").read_text())

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    def manage(self, *arguments: str, code: str | None = None) -> str:
        """Run a management command, or a piece of Python, against the server's database."""
        command = [sys.executable, "manage.py", *arguments] + (["shell", "-c", code] if code else [])
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment | WITHOUT_MAIL, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def serve(
    directory: Path,
    *,
    kind: str = "sqlite",
    workers: int = 2,
    threads: int = 4,
    atomic_requests: bool = False,
    settings: dict[str, Any] | None = None,
) -> Iterator[Live]:
    """A server on a fresh database of ``kind``; ``settings`` are further STYTCH_TOTP entries.

    Its clock stands at the beginning of the present step: never ahead of the time that an SDK goes by.
    """
    with databases.fresh(kind, directory) as database:
        (directory / "clock").write_text(repr(float(int(time.time()) // 30 * 30)))
        port = _free_port()
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.live_settings",
            "DATABASE_URL": database,
            "CLOCK_FILE": str(directory / "clock"),
            "ATOMIC_REQUESTS": "1" if atomic_requests else "0",
            "STYTCH_TOTP_PROJECT_ID": PROJECT_ID,
            "STYTCH_TOTP_SECRETS": SECRET,
            "STYTCH_TOTP_PUBLIC_TOKENS": PUBLIC_TOKEN,
            "STYTCH_TOTP_ALLOWED_ORIGINS": f"{ORIGIN},http://127.0.0.1:{port}",  # its own, too, for the page at /spa/
            "STYTCH_TOTP_EXTRA": json.dumps(settings or {}),
            "PYTHONPATH": str(ROOT),
        }
        live = Live(f"http://127.0.0.1:{port}", directory, database, environment)
        live.manage("migrate", "--noinput", "--verbosity=0")
        command = [sys.executable, "-m", "gunicorn", "example_project.wsgi", "--bind", f"127.0.0.1:{port}"]
        command += ["--workers", str(workers), "--threads", str(threads), "--access-logfile", "-"]
        with (directory / "log").open("wb") as log:
            server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait(live, server)
            yield live
        finally:
            server.terminate()
            server.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(live: Live, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert server.poll() is None, live.log
        try:
            urlopen(f"{live.url}/v1/b2b/sessions/jwks/{PROJECT_ID}", timeout=5).close()
        except OSError:  # not there yet, or busy
            time.sleep(0.1)
        else:
            return
    raise AssertionError(live.log)
