"""What back ends are served, by the names that ``stytch_totp.api.urls`` gives it, and what a driver has reached."""

from django.urls import resolve

from stytch_totp.api.urls import ENDPOINTS
from tests.contract.driver import Driver

Endpoints = set[tuple[str, str]]


def served(product: str) -> Endpoints:
    """Method and route of each endpoint that a back end has for ``b2b`` or ``consumer``."""
    return {
        (verb.upper(), endpoint.route)
        for endpoint in ENDPOINTS
        for verb in endpoint.actions
        if "v1" in endpoint.roots and endpoint.route.startswith("b2b/") == (product == "b2b")
    }


def reached(driver: Driver) -> Endpoints:
    return {
        (exchange.method, resolve(exchange.path, "stytch_totp.api.urls").route.removeprefix("v1/"))
        for exchange in driver.exchanges
    }
