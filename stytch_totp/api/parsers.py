"""JSON read strictly: what two parsers could understand differently is refused before anyone acts on it."""

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from rest_framework.parsers import BaseParser

from stytch_totp import errors

MOST_BYTES = 16 * 1024
MOST_DEPTH = 16
LONGEST_NUMBER = 17  # characters of an integer, before anyone converts it
LARGEST_INTEGER = 2**53  # beyond it, JavaScript reads another number than was written


class StrictJSONParser(BaseParser):
    """``application/json`` in UTF-8: one object, at most 16 KB and 16 levels, every name once."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        if "charset" in (media_type or "").lower() and "utf-8" not in (media_type or "").lower():
            raise errors.UnsupportedMediaType
        body = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise errors.PayloadTooLarge
        return parse_object(body)


def parse_object(body: bytes) -> dict[str, Any]:
    """The object that ``body`` holds, ``{}`` if it is empty. Raises BadRequest."""
    if not body.strip():
        return {}
    try:
        text = body.decode()
        _check_depth(text)
        parsed = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_refuse,
        )
    except (ValueError, RecursionError):
        raise errors.BadRequest("The request body is not well-formed JSON.") from None
    if not isinstance(parsed, dict):
        raise errors.BadRequest("The request body is not a JSON object.")
    _check_strings(parsed)
    return parsed


def is_storable(text: str) -> bool:
    """Whether every database takes ``text``: no NUL, and no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _check_depth(text: str) -> None:
    """Count brackets before the parser recurses into them."""
    depth = 0
    quoted = escaped = False
    for character in text:
        if quoted:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                quoted = False
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            if depth > MOST_DEPTH:
                raise errors.BadRequest("The request body is nested too deeply.")
        elif character in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise errors.BadRequest("A name stands twice in one object of the request body.")
    return found


def _integer(text: str) -> int:
    if len(text) > LONGEST_NUMBER or abs(int(text)) > LARGEST_INTEGER:
        raise errors.BadRequest("A number in the request body is too large.")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if not abs(number) <= LARGEST_INTEGER:
        raise errors.BadRequest("A number in the request body is too large.")
    return number


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


def _check_strings(value: object) -> None:
    if isinstance(value, str):
        if not is_storable(value):
            raise errors.BadRequest("A string in the request body has a NUL or a lone surrogate.")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            _check_strings(name)
            _check_strings(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_strings(inner)
