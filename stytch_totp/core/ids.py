"""Stytch's public ids, ``<kind>-<test|live>-<uuid>``: a name on the wire for a UUID in a row."""

import re
from datetime import datetime, timezone
from typing import Literal
from uuid import UUID

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_FRACTION = re.compile(r"(?<=:\d\d)\.\d{1,9}")
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9._|-]{1,128}")
_ID = re.compile(rf"[a-z]+(?:-[a-z]+)*-(?:test|live)-{_UUID}")


Kind = Literal[
    "project",
    "public-token",
    "request-id",
    "organization",
    "member",
    "member-totp",
    "member-password",
    "user",
    "email",
    "phone-number",
    "password",
    "totp",
    "recovery-code",
    "session",
    "jwk",
]


def format_id(kind: Kind, value: UUID, environment: str) -> str:
    return f"{kind}-{environment}-{value}"


def parse_id(kind: Kind, text: str, environment: str) -> UUID | None:
    """The UUID of a well-formed id of this kind and environment, else None."""
    prefix = f"{kind}-{environment}-"
    rest = text[len(prefix) :]
    return UUID(rest) if text.startswith(prefix) and re.fullmatch(_UUID, rest) else None


def looks_like_id(text: str) -> bool:
    """Whether ``text`` has the form of any id. No slug or external id may: it could name somebody else."""
    return _ID.fullmatch(text.lower()) is not None


def is_project_id(text: str) -> bool:
    """Whether ``text`` is a well-formed project id, of either environment."""
    return any(parse_id("project", text, environment) for environment in ("test", "live"))


def is_public_token(text: str, environment: str) -> bool:
    """Whether ``text`` is a well-formed public token of this environment."""
    return parse_id("public-token", text, environment) is not None


def is_external_id(text: str) -> bool:
    """Whether ``text`` may be an external id: letters, digits and ``. _ - |``, and not in the form of an id."""
    return _EXTERNAL_ID.fullmatch(text) is not None and not looks_like_id(text)


def timestamp(at: int | None) -> str | None:
    """RFC 3339 in UTC for seconds since the epoch; None for None."""
    return None if at is None else datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(text: str) -> int | None:
    """Whole seconds since the epoch of an RFC 3339 time with its offset, else None."""
    try:
        at = datetime.fromisoformat(_FRACTION.sub("", text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return int(at.timestamp()) if at.tzinfo else None
