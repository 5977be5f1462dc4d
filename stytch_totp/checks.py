"""System checks: each misconfiguration has an id of its own, ``stytch_totp.<fault>``."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's name
from django.db import connections

from stytch_totp import cors
from stytch_totp.conf import SETTING, conf, faults

_HINTS = {
    "keyring_empty": "Make a key with `python manage.py stytch_totp_generate_key` and keep it out of the database.",
    "unknown_setting": "The README lists every setting.",
}


@register(Tags.security)
def check_settings(**_: Any) -> list[CheckMessage]:
    """Whatever ``conf()`` would refuse."""
    found = faults(getattr(settings, SETTING, {}))
    return [Error(fault.message, hint=_HINTS.get(fault.code), id=f"stytch_totp.{fault.code}") for fault in found]


@register(Tags.security)
def check_databases(**_: Any) -> list[CheckMessage]:
    """Without autocommit no charge commits by itself, and the budget is at the mercy of the next rollback."""
    return [
        Error(
            f"Database {alias!r} has AUTOCOMMIT off: failed attempts could be rolled back.",
            id="stytch_totp.autocommit_off",
        )
        for alias in connections
        if not connections[alias].settings_dict["AUTOCOMMIT"]
    ]


@register(Tags.security)
def check_origins(**_: Any) -> list[CheckMessage]:
    """Origins are listed for pages that call; without CORS headers no browser lets them."""
    if faults(getattr(settings, SETTING, {})) or not conf().allowed_origins or cors.is_set_up():
        return []
    return [
        Warning(
            "ALLOWED_ORIGINS lists pages, but django-cors-headers isn't set up to let them call /sdk/v1.",
            hint="Copy the CORS_… settings, the app and the middleware from the README.",
            id="stytch_totp.cors_not_set_up",
        )
    ]
