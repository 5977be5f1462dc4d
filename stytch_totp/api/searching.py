"""What the searches share on the wire."""

from typing import Any

from rest_framework import serializers

from stytch_totp import errors
from stytch_totp.api.inputs import Number, Object, Text
from stytch_totp.operations.search import Page, Query

DEFAULT_LIMIT, HIGHEST_LIMIT, MOST_OPERANDS = 100, 1000, 20


class SearchInput(serializers.Serializer[Any]):
    cursor = Text(required=False, default="", allow_null=True)
    limit = Number(1, HIGHEST_LIMIT, required=False, default=DEFAULT_LIMIT)
    query = Object(required=False)


def query_of(wanted: dict[str, Any]) -> Query:
    """The query of a search body. Raises BadRequest."""
    given = wanted.get("query") or {"operator": "AND", "operands": []}
    operands = given.get("operands")
    if given.get("operator") not in ("AND", "OR"):
        raise errors.BadRequest("query.operator is AND or OR.")
    if not isinstance(operands, list) or len(operands) > MOST_OPERANDS or not all(map(_is_operand, operands)):
        raise errors.BadRequest(f"query.operands is a list of at most {MOST_OPERANDS} filters.")
    pairs = [(operand["filter_name"], operand["filter_value"]) for operand in operands]
    return Query(pairs, any_of=given["operator"] == "OR")


def page_fields(page: Page[Any]) -> dict[str, Any]:
    return {"results_metadata": {"total": page.total, "next_cursor": page.next_cursor}}


def _is_operand(operand: Any) -> bool:
    return isinstance(operand, dict) and isinstance(operand.get("filter_name"), str) and "filter_value" in operand
