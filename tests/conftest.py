import base64
import json
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from whitenoise.middleware import WhiteNoiseMiddleware
from xdist.scheduler import LoadScopeScheduling

from stytch_totp.conf import conf
from stytch_totp.core import jwt
from stytch_totp.models import Member, Organization
from stytch_totp.operations import members, signing
from tests.clock import CLOCK, Clock
from tests.factories import OrganizationFactory, enrol, make_member

# How long an example takes says how busy the machine is, not whether the code is right.
hypothesis_settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("busy")


class ServersApart(LoadScopeScheduling):
    """Where pytest-xdist spreads tests over processes, those that use a server together stay together.

    So hardly one is started twice, and no two of the race tests, whose connections PostgreSQL couldn't bear, are up at
    once.
    """

    def _split_scope(self, nodeid: str) -> str:
        directory = nodeid.split("/")[1]
        if directory in {"contract", "races"}:
            return directory
        return nodeid.partition("::")[0] if directory in {"e2e", "site"} else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ServersApart:
    return ServersApart(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures of races: properties of their reports, which is what comes here from another process."""
    reports = [one for several in terminalreporter.stats.values() for one in several]
    properties = [one.user_properties for one in reports if getattr(one, "when", "") == "teardown"]
    lines = [value for pairs in properties for name, value in pairs if name == "figures"]
    if lines:
        terminalreporter.section("races")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_listed_once() -> Iterator[None]:
    """A site lists its static files when it starts, each test client again: most of what a request cost in tests."""
    listed: dict[str, dict[str, Any]] = {}
    list_files = WhiteNoiseMiddleware.add_files_from_finders

    def remember(self: WhiteNoiseMiddleware) -> None:
        if self.static_prefix not in listed:
            others, self.files = self.files, {}
            list_files(self)
            listed[self.static_prefix], self.files = self.files, others
        self.files |= listed[self.static_prefix]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", remember)
        yield


@pytest.fixture(scope="session", autouse=True)
def _key_pairs_are_made_once() -> Iterator[None]:
    """A site makes a signing key and checks it when it first reads it; each test would again, for longer than it takes.

    There are several, so that one that replaces another is another.
    """
    turns, generate = cycle(range(8)), jwt.generate_key
    made = cache(lambda bits, turn: generate(bits))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jwt, "generate_key", lambda bits: made(bits, next(turns)))
        patch.setattr(jwt, "load_private", cache(jwt.load_private))
        yield


@pytest.fixture(autouse=True)
def clock() -> Iterator[Clock]:
    """The clock, back at its start for each test."""
    CLOCK.at = 1_800_000_000.0
    yield CLOCK
    CLOCK.at = 1_800_000_000.0


@pytest.fixture(autouse=True)
def _fresh_conf() -> Iterator[None]:
    yield
    conf.cache_clear()
    signing.forget()


@pytest.fixture
def configure(settings: Any) -> Any:
    """Change entries of STYTCH_TOTP for one test: ``configure(LOCK_THRESHOLD=3)``."""

    def change(**entries: Any) -> None:
        settings.STYTCH_TOTP = {**settings.STYTCH_TOTP, **entries}

    return change


@pytest.fixture
def organization(db: None) -> Organization:
    return OrganizationFactory.create()


@pytest.fixture
def member(organization: Organization) -> Member:
    return make_member(organization=organization)


@pytest.fixture
def enrolled(member: Member) -> tuple[Member, str, list[str]]:
    """A member with an active TOTP, its secret, its recovery codes."""
    secret, codes = enrol(member)
    return members.reload(member), secret, codes


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class API:
    """The server API in this process, with the project's credentials."""

    def __init__(self) -> None:
        self.client = Client(raise_request_exception=False)
        given = settings.STYTCH_TOTP
        self.authorization = basic(given["PROJECT_ID"], given["SECRETS"][0])

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        options: dict[str, Any] = {"headers": {"Authorization": self.authorization, **headers}}
        if body is not None:
            options |= {"data": body, "content_type": "application/json"}
        return self.client.generic(method, path, **_encoded(options))


def _encoded(options: dict[str, Any]) -> dict[str, Any]:
    data = options.get("data")
    if data is not None and not isinstance(data, bytes | str):
        options["data"] = json.dumps(data)
    return options


@pytest.fixture
def api() -> API:
    return API()
