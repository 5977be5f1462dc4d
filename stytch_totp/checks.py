"""System checks: each misconfiguration has an id of its own, ``stytch_totp.<fault>``."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from stytch_totp.conf import SETTING, faults

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
