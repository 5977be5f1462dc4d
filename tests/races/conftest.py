from collections.abc import Iterator

import pytest

from tests import databases
from tests.races.burst import Figures
from tests.races.site import Site, opened


@pytest.fixture(scope="module", params=databases.PROMISED)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(tmp_path_factory.mktemp("site"), request.param) as made:
        yield made


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"site", "bare_site", "other_site", "story"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("live")


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    """Counts what the test adds and shows it in one line after the run (tests/conftest.py)."""
    made = Figures(request.node.name)
    yield made
    request.node.user_properties.append(("figures", str(made)))
