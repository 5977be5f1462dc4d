"""A refusal as HTTP says it: Stytch's error body, and the challenge that tells a client what to show."""

import logging
from typing import Any
from uuid import uuid4

from django.db import IntegrityError, InterfaceError, OperationalError

from stytch_totp import errors
from stytch_totp.conf import public_id
from stytch_totp.core.sealing import SealError

#: The value of ``acr_values`` that OpenID providers agree on for "more than one factor".
MULTI_FACTOR = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"


#: What becomes of a request when the database or the keyring fails. An IntegrityError that no operation foresaw is a
#: row that went while another was hung on it.
UNAVAILABLE = (OperationalError, InterfaceError, IntegrityError, SealError)
logger = logging.getLogger("stytch_totp")


def unavailable(failure: Exception) -> errors.ServiceUnavailable:
    """The refusal that a failure amounts to. It is logged by its type alone: its text may quote a row."""
    if isinstance(failure, SealError):
        logger.error("A sealed value did not open: %s", type(failure).__name__)
    else:
        logger.warning("The database refused: %s", type(failure).__name__)
    return errors.ServiceUnavailable()


def new_request_id() -> str:
    return public_id("request-id", uuid4())


def envelope(error: errors.StytchError, request_id: str, *, product: str = "") -> dict[str, Any]:
    """The body of contract 0.4. ``product`` is ``b2b/`` for the B2B API."""
    body = {
        "status_code": error.status_code,
        "request_id": request_id,
        "error_type": error.error_type,
        "error_message": str(error),
        "error_url": f"https://stytch.com/docs/{product}api/errors/{error.status_code}#{error.error_type}",
    }
    return body | ({"error_details": error.details} if error.details else {})


def challenge(error: errors.StytchError) -> str:
    """The ``WWW-Authenticate`` header of a refusal that one more factor would lift (RFC 9470, section 3).

    ``max_age`` is in seconds, where the view asks for a factor that was shown lately.
    """
    if not isinstance(error, errors.MFARequired):
        return "Bearer"
    asked = [
        'error="insufficient_user_authentication"',
        f'error_description="{error}"',
        f'acr_values="{MULTI_FACTOR}"',
    ]
    if "max_age" in error.details:
        asked.append(f'max_age="{error.details["max_age"]}"')
    return "Bearer " + ", ".join(asked)
