"""The hash chain of the audit trail: what makes a removed, changed, moved or inserted event show."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

#: What the first event of a chain follows.
START = "0" * 64


def link(previous: str, event: Mapping[str, Any]) -> str:
    """The SHA-256 that an event adds to a chain: over the link before it and all that the event says.

    ``event`` has values of JSON alone. Its names are sorted and its numbers are whole, so that a row read back from
    any database gives the link that was written.
    """
    said = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{previous}\n{said}".encode()).hexdigest()
