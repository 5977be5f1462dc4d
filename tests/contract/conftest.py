"""A live server, and the official SDK pointed at it: plain and asynchronous, each test both ways."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from stytch import B2BClient

from tests.contract.driver import Driver, Run
from tests.contract.situations import STEP, Clock, Person, new_person
from tests.live import PROJECT_ID, SECRET, Live, serve


@pytest.fixture(scope="package")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server on SQLite. It keeps connections longer than any test takes between two calls."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as environment:
            options = "--env DJANGO_SETTINGS_MODULE=tests.contract.live_settings --keep-alive 75"
            environment.setenv("GUNICORN_CMD_ARGS", options)
            server = stack.enter_context(serve(tmp_path_factory.mktemp("contract")))
        yield server


@pytest.fixture(scope="package")
def run() -> Iterator[Run]:
    """Run a coroutine in an event loop that lives as long as the asynchronous SDK's connections."""
    loop = asyncio.new_event_loop()
    yield loop.run_until_complete
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture(scope="package")
def connect(live: Live, run: Run) -> Iterator[Callable[..., Driver]]:
    """Make a driver: ``connect("async", secret="...")``. Its connections are closed at the end."""
    with ExitStack() as stack:

        def make(mode: str, project_id: str = PROJECT_ID, secret: str = SECRET) -> Driver:
            http = stack.enter_context(requests.Session())
            http.trust_env = False  # what the environment says of proxies is not for loopback
            client = B2BClient(project_id, secret, environment=live.url + "/", sync_session=http)
            stack.callback(lambda: run(client.close()))
            return Driver(client, run if mode == "async" else None)

        yield make


@pytest.fixture(scope="package")
def drivers(connect: Callable[..., Driver]) -> dict[str, Driver]:
    return {mode: connect(mode) for mode in ("sync", "async")}


@pytest.fixture(params=["sync", "async"])
def sdk(request: pytest.FixtureRequest, drivers: dict[str, Driver], server_clock: Clock) -> Driver:
    """The SDK in both ways, with nothing exchanged yet."""
    driver = drivers[request.param]
    driver.exchanges.clear()
    return driver


@pytest.fixture
def server_clock(live: Live) -> Clock:
    """The server's clock at the start of the present step: near the real time, which the SDK reads, never ahead."""
    clock = Clock(live)
    clock.set(time.time() // STEP * STEP)
    return clock


@pytest.fixture
def new(sdk: Driver, server_clock: Clock) -> Callable[..., Person]:
    """Make a person: ``new(enrolled=True, mfa_enrolled=True)``, of an organization of its own or of the one named."""

    def make(organization_id: str = "", **options: Any) -> Person:
        return new_person(sdk, server_clock, organization_id, **options)

    return make
