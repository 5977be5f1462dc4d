"""Where a request comes from, for the record."""

from typing import TypedDict

from django.http import HttpRequest

LONGEST_ADDRESS, LONGEST_AGENT = 45, 256


class Whereabouts(TypedDict):
    ip_address: str
    user_agent: str


def whereabouts(request: HttpRequest) -> Whereabouts:
    """The address and the browser, as far as the request tells.

    The address is the one that connected: where that is a proxy's, the host's own middleware, which knows whom to
    believe, has to set ``REMOTE_ADDR``. A forwarded header is anybody's to write.
    """
    return {
        "ip_address": _printable(str(request.META.get("REMOTE_ADDR") or ""))[:LONGEST_ADDRESS],
        "user_agent": _printable(str(request.META.get("HTTP_USER_AGENT") or ""))[:LONGEST_AGENT],
    }


def _printable(text: str) -> str:
    """Without what would break a line or a page of the record: a header is anybody's words."""
    return "".join(one if one.isprintable() else "?" for one in text)
