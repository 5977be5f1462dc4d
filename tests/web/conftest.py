from collections.abc import Iterator
from typing import Any

import pytest

from stytch_totp.models import Organization
from tests.factories import OrganizationFactory
from tests.web.sites import RAN


@pytest.fixture
def acme(db: None) -> Organization:
    """Asks everybody for a second factor."""
    return OrganizationFactory.create(name="Acme", slug="acme", mfa_policy="REQUIRED_FOR_ALL")


@pytest.fixture
def globex(db: None) -> Organization:
    """Leaves it open."""
    return OrganizationFactory.create(name="Globex", slug="globex", mfa_policy="OPTIONAL")


@pytest.fixture
def more_views(settings: Any) -> Iterator[None]:
    """The example's site with the views of tests/web/urls.py."""
    settings.ROOT_URLCONF = "tests.web.urls"
    RAN.clear()
    yield
    RAN.clear()


@pytest.fixture
def open_to_strangers(settings: Any) -> None:
    """A site that asks nobody to log in: whoever doesn't is for its views to judge."""
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if not one.endswith("LoginRequiredMiddleware")]
