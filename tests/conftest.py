import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from stytch_totp.conf import conf
from stytch_totp.models import Member, Organization
from stytch_totp.operations import members, signing
from tests.clock import CLOCK, Clock
from tests.factories import OrganizationFactory, enrol, make_member


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
