"""A live server with the example's settings, people who may log in there, and their browsers."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.chromium import chromium, packages
from tests.live import Live, serve
from tests.site.visitor import STEP, Look, Person, Visitor
from tests.site.walks import WALKS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["chromium", "packages"]  # fixtures
MADE_AT_ONCE = 8


@pytest.fixture(scope="package")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with serve(tmp_path_factory.mktemp("site")) as server:
        yield server


@pytest.fixture(scope="package")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server whose recovery codes are shown once."""
    with serve(tmp_path_factory.mktemp("strict"), settings={"RECOVERY_CODES_VIEWABLE": False}) as server:
        yield server


@pytest.fixture(autouse=True)
def _server_clock(live: Live) -> None:
    """The server's clock at the start of the present step: never ahead of the browser's, which ends cookies."""
    live.set_clock(time.time() // STEP * STEP)


@pytest.fixture(scope="package")
def somebody() -> Callable[..., Person]:
    """A person nobody else is: ``somebody(live, "enrolled", long=True)``, of the kinds in people.py."""
    waiting: dict[tuple[str, str, bool], list[Person]] = {}

    def find(live: Live, kind: str, *, long: bool = False) -> Person:
        found = waiting.setdefault((live.url, kind, long), [])
        if not found:
            call = f"people.make({kind!r}, {MADE_AT_ONCE}, long={long})"
            told = live.manage(code=f"import json; from tests.site import people; print(json.dumps({call}))")
            found += [Person(**row) for row in json.loads(told.splitlines()[-1])]
        return found.pop()

    return find


@pytest.fixture
def visit(chromium: "Browser", live: Live, somebody: Callable[..., Person]) -> Iterator[Callable[..., Visitor]]:
    """A person in a browser of their own: ``visit("enrolled", scripts=False, language="de")``.

    How the pages behaved that they saw is looked at when the test is over.
    """
    visitors: list[Visitor] = []
    with ExitStack() as stack:

        def make(
            who: str | Person = "newcomer",
            *,
            at: Live = live,
            as_: type[Visitor] = Visitor,
            language: str = "en",
            scripts: bool = True,
            long: bool = False,
            looks: Sequence[Look] = (),
            **options: Any,
        ) -> Visitor:
            context = chromium.new_context(locale=language, java_script_enabled=scripts, **options)
            stack.callback(context.close)
            context.set_default_timeout(10_000)
            context.grant_permissions(["clipboard-read", "clipboard-write"])
            person = somebody(at, who, long=long) if isinstance(who, str) else who
            visitor = as_(context.new_page(), at, person, language=language, scripts=scripts, looks=looks)
            visitors.append(visitor)
            return visitor

        yield make
        for visitor in visitors:
            visitor.check_manners()


@pytest.fixture
def take(request: pytest.FixtureRequest, live: Live, visit: Callable[..., Visitor]) -> Callable[..., None]:
    """Send somebody on a walk of walks.py: ``take("somebody comes back", scripts=False)``."""

    def go(name: str, **options: Any) -> None:
        walk = WALKS[name]
        walk.go(visit(walk.kind, at=request.getfixturevalue("strict") if walk.strict else live, **options))

    return go
