"""Values of any shape, scrubbed."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from stytch_totp.scrubbing.forms import HIDDEN, is_secret, scrub_text

MOST_DEPTH, MOST_VALUES, LONGEST_TEXT, LONGEST_JSON = 24, 100_000, 1 << 20, 1 << 16
TEXT = (str, bytes, bytearray, memoryview)
CONTAINERS = (Mapping, list, tuple, set, frozenset)
#: What ends a line, moves a terminal's cursor or turns text around. The joiners that scripts and emoji need do not.
_CONTROLS = (
    *((0x00, 0x08), (0x0A, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x61C, 0x61C), (0x180E, 0x180E), (0x200B, 0x200B)),
    *((0x200E, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0xD800, 0xDFFF), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB)),
    (0xE0000, 0xE007F),
)
_SPELLED = {
    point: chr(point).encode("unicode_escape").decode() for first, last in _CONTROLS for point in range(first, last + 1)
}


def scrub(value: Any, *, flat: bool = False) -> Any:
    """``value`` without the secrets in it: a copy of mappings, sequences, text and JSON in text; numbers as they are.

    A dataclass becomes a mapping of the fields that it shows; other objects aren't opened. ``flat`` makes one line of
    every text. Never raises; what is nested or long beyond measure is hidden whole.
    """
    try:
        return _Walk(flat).copy(value, 0)
    except Exception:  # noqa: BLE001 - whoever reports an error must not meet another one
        return HIDDEN


def one_line(text: str) -> str:
    """``text`` with its control and bidirectional characters spelled out (CWE-117): nobody else's line begins in it."""
    return text.translate(_SPELLED)


def hide(value: Any) -> Any:
    """What a secret is replaced by. That there is none, or whether there is one, may be told."""
    return value if value is None or isinstance(value, bool) or value in ("", b"") else HIDDEN


class Unquoted(str):
    """Text that is shown and never quoted: its repr hides it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return HIDDEN


def unquoted(value: Any) -> Any:
    """Text, or a list of it, as ``Unquoted``; anything else as it is."""
    if isinstance(value, list):
        return [unquoted(one) for one in value]
    return Unquoted(value) if isinstance(value, str) else value


def pairs(mapping: Mapping[Any, Any]) -> Iterable[tuple[Any, Any]]:
    """The items; of a QueryDict all of each name, not the last alone."""
    items: Callable[[], Iterable[tuple[Any, Any]]] = getattr(mapping, "lists", mapping.items)
    return items()


class _Walk:
    def __init__(self, flat: bool) -> None:
        self.left = MOST_VALUES
        self.flat = flat

    def copy(self, value: Any, depth: int) -> Any:
        self.left -= 1
        if self.left < 0 or depth > MOST_DEPTH:
            return HIDDEN
        if isinstance(value, TEXT):
            return self.text(value, depth) if isinstance(value, str) else self.bytes(bytes(value), depth)
        if is_dataclass(value) and not isinstance(value, type):
            value = {one.name: getattr(value, one.name, None) for one in fields(value) if one.repr}
        if isinstance(value, Mapping):
            return self.mapping(value, depth)
        if isinstance(value, CONTAINERS):
            return self.sequence(value, depth)
        return value

    def sequence(self, values: Any, depth: int) -> Any:
        kind = next(kind for kind in (list, tuple, set, frozenset) if isinstance(values, kind))
        if kind in (list, tuple) and len(values) == 2 and is_secret(values[0]):  # noqa: PLR2004 - a name and its value
            return kind((values[0], hide(values[1])))
        return kind(self.items(values, depth + 1))

    def items(self, values: Iterable[Any], depth: int) -> Iterator[Any]:
        for value in values:
            yield self.copy(value, depth)
            if self.left < 0:
                return

    def mapping(self, mapping: Mapping[Any, Any], depth: int) -> dict[Any, Any]:
        found = {}
        for name, value in pairs(mapping):
            if self.left < 0:
                break
            spelled = self.text(name, depth) if isinstance(name, str) else name
            found[spelled] = hide(value) if is_secret(name) else self.copy(value, depth + 1)
        return found

    def bytes(self, raw: bytes, depth: int) -> bytes:
        text = raw.decode(errors="replace")
        scrubbed = self.text(text, depth)
        return raw if scrubbed == text else scrubbed.encode()

    def text(self, text: str, depth: int) -> str:
        scrubbed = self.json(text, depth) if text[:1] in ("{", "[") and len(text) <= LONGEST_JSON else None
        if scrubbed is None:
            if len(text) > LONGEST_TEXT:  # cut between words: half of a secret has no form to know it by
                text = f"{text[:LONGEST_TEXT].rpartition(' ')[0]} {HIDDEN}"
            scrubbed = scrub_text(text)
        return one_line(scrubbed) if self.flat else scrubbed

    def json(self, text: str, depth: int) -> str | None:
        """JSON with its secrets hidden; None for what is none, or has none in it."""
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            return None
        copied = self.copy(parsed, depth + 1)
        return None if copied == parsed else json.dumps(copied, ensure_ascii=False)
