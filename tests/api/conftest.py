import logging

import pytest

from tests.api.helpers import World, make_world
from tests.conftest import API


@pytest.fixture(autouse=True)
def _quiet(caplog):
    """A refusal is what most of these tests provoke; one log line for each of thousands hides the failure."""
    caplog.set_level(logging.CRITICAL, "django.request")


@pytest.fixture
def world(api: API, db: None) -> World:
    return make_world(api)
