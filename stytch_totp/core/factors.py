"""The authentication factors that a session carries, as they are stored and as Stytch spells them (contract 4.4)."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypedDict
from uuid import UUID

from stytch_totp.core.ids import Kind, format_id, parse_timestamp, timestamp


class Factor(TypedDict):
    """A factor in a row: ``id`` is the UUID of what was used, times are seconds since the epoch."""

    type: str
    id: str
    created_at: int
    last_authenticated_at: int


class _Spelling(TypedDict):
    delivery_method: str
    nested: str
    key: str
    kind: Kind | None
    consumer_kind: Kind | None
    amr: str


_SPELLINGS: Mapping[str, _Spelling] = {
    "totp": {
        "delivery_method": "authenticator_app",
        "nested": "authenticator_app_factor",
        "key": "totp_id",
        "kind": "member-totp",
        "consumer_kind": "totp",
        "amr": "otp",
    },
    "recovery_codes": {
        "delivery_method": "recovery_code",
        "nested": "recovery_code_factor",
        "key": "totp_recovery_code_id",
        "kind": "recovery-code",
        "consumer_kind": "recovery-code",
        "amr": "otp",
    },
    "password": {
        "delivery_method": "knowledge",
        "nested": "",
        "key": "",
        "kind": None,
        "consumer_kind": None,
        "amr": "pwd",
    },
}
PRIMARY_FACTORS = frozenset({"password"})
SECOND_FACTORS = frozenset({"totp", "recovery_codes"})


def factor(kind: str, identifier: UUID | None, now: int) -> Factor:
    """A factor that was shown at ``now``."""
    return {"type": kind, "id": str(identifier or ""), "created_at": now, "last_authenticated_at": now}


def added(factors: Iterable[Factor], new: Factor) -> list[Factor]:
    """``factors`` with ``new``, which refreshes an entry of its type instead of standing beside it."""
    others = [one for one in factors if one["type"] != new["type"]]
    known = [one for one in factors if one["type"] == new["type"]]
    return [*others, {**new, "created_at": known[0]["created_at"]} if known else new]


def has_second(factors: Iterable[Factor]) -> bool:
    return any(one["type"] in SECOND_FACTORS for one in factors)


def shown_at(factors: Iterable[Factor], types: Collection[str] = SECOND_FACTORS) -> int:
    """When a factor of one of ``types`` was last shown; 0 if none was."""
    return max((one["last_authenticated_at"] for one in factors if one["type"] in types), default=0)


def without_second(factors: Iterable[Factor]) -> list[Factor]:
    return [one for one in factors if one["type"] not in SECOND_FACTORS]


def amr(factors: Collection[Factor]) -> list[str]:
    """The authentication method references of RFC 8176 that ``factors`` amount to."""
    found = {_SPELLINGS[one["type"]]["amr"] for one in factors}
    return sorted(found | {"mfa"} if has_second(factors) and without_second(factors) else found)


def spell(one: Factor, environment: str, *, consumer: bool = False) -> dict[str, Any]:
    """The factor as a Stytch AuthenticationFactor of the B2B or of the consumer product."""
    spelling = _SPELLINGS[one["type"]]
    kind = spelling["consumer_kind"] if consumer else spelling["kind"]
    shown: dict[str, Any] = {
        "type": one["type"],
        "delivery_method": spelling["delivery_method"],
        "last_authenticated_at": timestamp(one["last_authenticated_at"]),
        "created_at": timestamp(one["created_at"]),
        "updated_at": timestamp(one["last_authenticated_at"]),
    }
    if kind:
        shown[spelling["nested"]] = {spelling["key"]: format_id(kind, UUID(one["id"]), environment)}
    return shown


def read(spelled: Mapping[str, Any]) -> Factor:
    """The factor that ``spell`` spelled, less the id of what was used. Raises KeyError, TypeError or ValueError."""
    if spelled["type"] not in _SPELLINGS:
        raise ValueError("no factor of ours")
    times = {name: parse_timestamp(spelled[name]) for name in ("created_at", "last_authenticated_at")}
    if None in times.values():
        raise ValueError("no time")
    return {"type": spelled["type"], "id": "", **times}  # type: ignore[typeddict-item]
