"""Fields of request bodies: JSON types taken literally. Nothing is converted, trimmed or guessed.

``error`` is what an ill-formed value raises where Stytch has a type of its own for it; else it is a bad_request.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rest_framework import serializers

from stytch_totp import errors
from stytch_totp.api.parsers import is_storable

LONGEST_TEXT = 1024


class StrictField(serializers.Field[Any, Any, Any, Any]):
    """A field that takes one JSON type and no null."""

    expected = "a value"
    #: The same as a JSON Schema.
    schema: Mapping[str, Any] = {}

    def __init__(self, *, error: type[errors.StytchError] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.error = error

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return self.refuse() if data is None and not self.allow_null else super().run_validation(data)

    def refuse(self) -> Any:
        if self.error:
            raise self.error
        raise serializers.ValidationError(f"This field is {self.expected}.")

    def to_representation(self, value: Any) -> Any:
        raise NotImplementedError("inputs are read, never written")


class Text(StrictField):
    def __init__(self, *, shortest: int = 0, longest: int = LONGEST_TEXT, **options: Any) -> None:
        super().__init__(**options)
        self.shortest, self.longest = shortest, longest
        self.expected = f"a string of {shortest} to {longest} characters"
        self.schema = {"type": "string", "minLength": shortest, "maxLength": longest}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or not self.shortest <= len(data) <= self.longest or not is_storable(data):
            self.refuse()
        return str(data)


class Choice(StrictField):
    def __init__(self, choices: Collection[str], **options: Any) -> None:
        super().__init__(**options)
        self.choices = choices
        self.expected = "one of " + ", ".join(choices)
        self.schema = {"type": "string", "enum": list(choices)}

    def to_internal_value(self, data: Any) -> str:
        return data if isinstance(data, str) and data in self.choices else self.refuse()


class Choices(StrictField):
    def __init__(self, choices: Collection[str], **options: Any) -> None:
        super().__init__(**options)
        self.choices = choices
        self.expected = "a list of " + ", ".join(choices)
        self.schema = {"type": "array", "items": {"type": "string", "enum": list(choices)}}

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list) or not all(isinstance(one, str) and one in self.choices for one in data):
            self.refuse()
        return list(dict.fromkeys(data))


class Texts(StrictField):
    expected = "a list of strings"
    schema = {"type": "array", "items": {"type": "string", "maxLength": LONGEST_TEXT}}

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list) or not all(isinstance(one, str) and len(one) <= LONGEST_TEXT for one in data):
            self.refuse()
        return list(data)


class Number(StrictField):
    def __init__(self, lowest: int, highest: int, **options: Any) -> None:
        super().__init__(**options)
        self.lowest, self.highest = lowest, highest
        self.expected = f"an integer from {lowest} to {highest}"
        self.schema = {"type": "integer", "minimum": lowest, "maximum": highest}

    def to_internal_value(self, data: Any) -> int:
        # bool is an int to Python, and 5.0 equals 5: neither is a JSON integer.
        return data if type(data) is int and self.lowest <= data <= self.highest else self.refuse()


class Flag(StrictField):
    expected = "true or false"
    schema = {"type": "boolean"}

    def to_internal_value(self, data: Any) -> bool:
        return data if isinstance(data, bool) else self.refuse()


class QueryFlag(StrictField):
    """A boolean in a query string; the Python SDK writes ``True``."""

    expected = "true or false"
    schema = {"type": "boolean"}

    def to_internal_value(self, data: Any) -> bool:
        said = data.lower() if isinstance(data, str) else None
        return said == "true" if said in ("true", "false") else self.refuse()


class Object(StrictField):
    expected = "an object"
    schema = {"type": "object", "additionalProperties": {}}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        return data if isinstance(data, dict) else self.refuse()


class Objects(StrictField):
    expected = "a list of objects"
    schema = {"type": "array", "items": {"type": "object", "additionalProperties": {}}}

    def to_internal_value(self, data: Any) -> list[dict[str, Any]]:
        if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
            self.refuse()
        return list(data)


class Items(StrictField):
    """A list, whatever is in it: the operation judges that."""

    expected = "a list"
    schema = {"type": "array", "items": {}}

    def to_internal_value(self, data: Any) -> list[Any]:
        return data if isinstance(data, list) else self.refuse()


class Anything(StrictField):
    """Handed on as it came: the operation judges it."""

    def to_internal_value(self, data: Any) -> Any:
        return data


def only_one(
    data: Mapping[str, Any], names: Sequence[str], none: type[errors.StytchError], many: type[errors.StytchError]
) -> tuple[str, Any]:
    """The one of several arguments that is given, with its name. Raises ``none`` or ``many``."""
    given = [name for name in names if data[name]]
    if len(given) != 1:
        raise many if given else none
    return given[0], data[given[0]]


class SessionArguments(serializers.Serializer[Any]):
    """A session by its token or its JWT."""

    session_token = Text(required=False, default="", error=errors.InvalidSessionToken)
    session_jwt = Text(required=False, default="", longest=16384, error=errors.UnableToParseSessionJWT)


class Credentials(SessionArguments):
    """What shows that a first factor was passed: at most one of three (contract 1, SESS)."""

    intermediate_session_token = Text(required=False, default="", error=errors.InvalidSessionToken)


class AuthorizationCheck(serializers.Serializer[Any]):
    """What a session's roles shall permit."""

    resource_id = Text(shortest=1)
    action = Text(shortest=1)


class SessionWishes(serializers.Serializer[Any]):
    """How long a session shall live and what it shall claim."""

    session_duration_minutes = Number(5, 527040, required=False, error=errors.InvalidSessionDuration)
    session_custom_claims = Object(required=False)
