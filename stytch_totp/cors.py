"""Which pages' browsers may read the answers of ``/sdk/v1``: those of ``ALLOWED_ORIGINS``, letter by letter.

django-cors-headers asks by a signal and writes the headers. Its own list compares parsed addresses and would echo
other spellings of an origin; this compares what was sent.
"""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest

from stytch_totp.conf import conf

ROOT = "/sdk/v1/"
#: What the browser SDK needs, by the names of django-cors-headers' settings.
NEEDED_HEADERS = frozenset({"authorization", "content-type", "x-sdk-client", "x-sdk-parent-host"})
MIDDLEWARE = "corsheaders.middleware.CorsMiddleware"


def connect() -> None:
    """Answer django-cors-headers, where the host has installed it."""
    if apps.is_installed("corsheaders"):
        from corsheaders.signals import check_request_enabled  # noqa: PLC0415 - an app that the host may not have

        check_request_enabled.connect(is_allowed, dispatch_uid="stytch_totp")


def is_allowed(request: HttpRequest, **_: Any) -> bool:
    return request.path_info.startswith(ROOT) and request.headers.get("Origin") in conf().allowed_origins


def is_set_up() -> bool:
    """Whether the host's settings let a page of an allowed origin call."""
    headers = {header.lower() for header in getattr(settings, "CORS_ALLOW_HEADERS", ())}
    return (
        MIDDLEWARE in settings.MIDDLEWARE
        and getattr(settings, "CORS_ALLOW_CREDENTIALS", False)
        and headers >= NEEDED_HEADERS
    )
