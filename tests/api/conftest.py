import logging
from functools import lru_cache

import pytest

from stytch_totp.core import jwt
from tests.api.helpers import World, make_world
from tests.conftest import API

_generate, _load = lru_cache(jwt.generate_key), lru_cache(jwt.load_private)


@pytest.fixture(autouse=True)
def _one_rsa_key(monkeypatch):
    """Each test has a signing key in a row of its own, but primes are searched and checked once for all tests."""
    monkeypatch.setattr(jwt, "generate_key", _generate)
    monkeypatch.setattr(jwt, "load_private", _load)


@pytest.fixture(autouse=True)
def _quiet(caplog):
    """A refusal is what most of these tests provoke; one log line for each of thousands hides the failure."""
    caplog.set_level(logging.CRITICAL, "django.request")


@pytest.fixture
def world(api: API, db: None) -> World:
    return make_world(api)
