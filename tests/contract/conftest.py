"""A live server, and the official SDKs pointed at it: each test once through each of them."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest
import requests
from stytch import B2BClient, Client

from tests.contract.driver import Ask, Driver, NodeDriver, PythonDriver, Run, node
from tests.contract.situations import STEP, Clock, Person, User, new_person, new_user
from tests.live import PROJECT_ID, SECRET, Live, serve

PRODUCTS = {"b2b": B2BClient, "consumer": Client}
#: Python's SDK called plainly and through its ``_async`` twins, and Node's, which is asked for by its mark.
WAYS = ("sync", "async", pytest.param("node", marks=pytest.mark.node))


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
def ask_node() -> Iterator[Ask]:
    with node() as ask:
        yield ask


@pytest.fixture(scope="package")
def connect(request: pytest.FixtureRequest, live: Live, run: Run) -> Iterator[Callable[..., Driver]]:
    """Make a driver: ``connect("async", "b2b", secret="...")``. Its connections are closed at the end."""
    with ExitStack() as stack:

        def make(way: str, product: str, project_id: str = PROJECT_ID, secret: str = SECRET) -> Driver:
            http = stack.enter_context(requests.Session())
            http.trust_env = False  # what the environment says of proxies is not for loopback
            client = PRODUCTS[product](project_id, secret, environment=live.url + "/", sync_session=http)
            if way == "node":
                config = {"project_id": project_id, "secret": secret, "env": live.url + "/"}
                return NodeDriver(client, request.getfixturevalue("ask_node"), product, config)
            stack.callback(lambda: run(client.close()))
            return PythonDriver(client, {"sync": None, "async": run}[way])

        yield make


@pytest.fixture(scope="package")
def drivers(connect: Callable[..., Driver]) -> Callable[..., Driver]:
    """The driver of a way and a product, with the project's credentials: ``drivers("sync", "consumer")``."""
    return cache(connect)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sdk(way: str, drivers: Callable[..., Driver], server_clock: Clock) -> Driver:
    """The B2B product's SDK in each way, with nothing exchanged yet."""
    driver = drivers(way, "b2b")
    driver.exchanges.clear()
    return driver


@pytest.fixture
def consumer(way: str, drivers: Callable[..., Driver], server_clock: Clock) -> Driver:
    """The consumer product's SDK in each way, with nothing exchanged yet."""
    driver = drivers(way, "consumer")
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


@pytest.fixture
def new_consumer(consumer: Driver, server_clock: Clock) -> Callable[..., User]:
    """Make a user of the consumer product: ``new_consumer(enrolled=True)``."""

    def make(**options: Any) -> User:
        return new_user(consumer, server_clock, **options)

    return make
