"""A live server, and pages of another origin in Chromium with Stytch's browser SDK in them."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from stytch import B2BClient, Client

from tests.chromium import chromium, packages
from tests.contract import situations
from tests.contract.driver import Driver, PythonDriver
from tests.contract.situations import STEP, Clock, Person, User, new_person
from tests.e2e.browser import Page, Typings, serve_pages
from tests.live import PROJECT_ID, PUBLIC_TOKEN, SECRET, Live, serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["chromium", "packages"]  # fixtures


@pytest.fixture(scope="package")
def typings(packages: Path) -> Iterator[Typings]:
    with closing(Typings()) as typings:
        yield typings


@pytest.fixture(scope="package")
def origin(packages: Path) -> Iterator[str]:
    """Where the site's pages come from, which the server allows."""
    with serve_pages() as url:
        yield url


@pytest.fixture(scope="package")
def other_origin(packages: Path) -> Iterator[str]:
    """Another that the server allows."""
    with serve_pages() as url:
        yield url


@pytest.fixture(scope="package")
def foreign_origin(packages: Path) -> Iterator[str]:
    """One that has the same pages, and that the server doesn't allow."""
    with serve_pages() as url:
        yield url


@pytest.fixture(scope="package")
def live(tmp_path_factory: pytest.TempPathFactory, origin: str, other_origin: str) -> Iterator[Live]:
    """A server on SQLite. It keeps connections longer than any test takes between two calls."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("GUNICORN_CMD_ARGS", "--keep-alive 75")
            allowed = {"ALLOWED_ORIGINS": [origin, other_origin]}
            server = stack.enter_context(serve(tmp_path_factory.mktemp("e2e"), settings=allowed))
        yield server


@pytest.fixture
def server_clock(live: Live) -> Clock:
    """The server's clock at the start of the present step: never ahead of the browser's, which ends cookies."""
    clock = Clock(live)
    clock.set(time.time() // STEP * STEP)
    return clock


@pytest.fixture(scope="package")
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False  # what the environment says of proxies is not for loopback
        yield session


@pytest.fixture
def server(live: Live, http: requests.Session) -> Driver:
    """The site's back end for B2B: Python's SDK with the project's secret."""
    return PythonDriver(B2BClient(PROJECT_ID, SECRET, environment=live.url + "/", sync_session=http))


@pytest.fixture
def consumer_server(live: Live, http: requests.Session) -> Driver:
    """The same for the consumer product."""
    return PythonDriver(Client(PROJECT_ID, SECRET, environment=live.url + "/", sync_session=http))


@pytest.fixture
def new(server: Driver, server_clock: Clock) -> Callable[..., Person]:
    """Make a member with a password: ``new(enrolled=True, mfa_enrolled=True)``, ``new(organization_id)``."""
    return partial(new_person, server, server_clock)


@pytest.fixture
def new_user(consumer_server: Driver, server_clock: Clock) -> Callable[..., User]:
    """Make a user of the consumer product, with a password."""
    return partial(situations.new_user, consumer_server, server_clock)


@pytest.fixture
def user(new_user: Callable[..., User]) -> User:
    return new_user()


@pytest.fixture
def visit(chromium: "Browser", live: Live, origin: str, typings: Typings) -> Iterator[Callable[..., Page]]:
    """Open a page with an SDK client in a browser of its own: ``visit("b2b")``, ``visit("consumer", start=False)``.

    What every answer of the server must be is looked at when the test is over.
    """
    pages: list[Page] = []
    with ExitStack() as stack:

        def make(client: str, *, at: str = origin, public_token: str = PUBLIC_TOKEN, start: bool = True) -> Page:
            context = chromium.new_context()
            stack.callback(context.close)
            called = {"api": live.url, "public_token": public_token}
            page = Page(context.new_page(), client, origin=at, **called, typings=typings)
            pages.append(page)
            if start:
                page.start()
            return page

        yield make
        for page in pages:
            page.check_manners()


@pytest.fixture
def b2b(visit: Callable[..., Page]) -> Page:
    return visit("b2b")


@pytest.fixture
def consumer(visit: Callable[..., Page]) -> Page:
    return visit("consumer")
