"""Searches of organizations, members and users, in pages that a cursor leads through."""

import base64
import binascii
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from stytch_totp import errors
from stytch_totp.models import Member, Organization
from stytch_totp.operations import filters
from stytch_totp.operations.filters import Filters

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Query:
    """What to look for: ``operands`` are (filter name, value) pairs, all of which hold unless ``any_of``."""

    operands: Sequence[tuple[str, Any]] = ()
    any_of: bool = False


@dataclass(frozen=True)
class Page(Generic[Row]):
    rows: Sequence[Row]
    total: int
    next_cursor: str | None


def organizations(query: Query, *, cursor: str | None, limit: int) -> Page[Organization]:
    rows = Organization.objects.filter(kind=Organization.Kind.TENANT)
    matching = rows.filter(_condition(query, filters.ORGANIZATION, errors.OrganizationSearchFilter))
    return _page(matching, matching, cursor=cursor, limit=limit)


def members(tenants: Collection[Organization], query: Query, *, cursor: str | None, limit: int) -> Page[Member]:
    """Members of ``tenants``. Deleted ones only if the ``statuses`` filter asks for them."""
    rows = Member.objects.filter(organization__in=[tenant.pk for tenant in tenants])
    if not any(name == "statuses" and Member.Status.DELETED in filters.texts(value) for name, value in query.operands):
        rows = rows.exclude(status=Member.Status.DELETED)
    matching = rows.filter(_condition(query, filters.MEMBER, errors.MemberSearchFilter))
    return _page(matching, matching.described(), cursor=cursor, limit=limit)


def users(query: Query, *, cursor: str | None, limit: int) -> Page[Member]:
    rows = Member.objects.filter(organization__kind=Organization.Kind.CONSUMER).exclude(status=Member.Status.DELETED)
    matching = rows.filter(_condition(query, filters.USER, errors.UserSearchFilter))
    return _page(matching, matching.described(), cursor=cursor, limit=limit)


def _condition(query: Query, known: Filters, unknown: type[errors.StytchError]) -> Q:
    condition = Q()
    for name, value in query.operands:
        if name not in known:
            raise unknown(f"There is no search filter {name[:64]!r}.")
        one = known[name](value)
        condition = condition | one if query.any_of else condition & one
    return condition


def _page(matching: QuerySet[Row], shown: QuerySet[Row], *, cursor: str | None, limit: int) -> Page[Row]:
    total = matching.count()
    if cursor:
        created, key = _read_cursor(cursor)
        shown = shown.filter(Q(created_at__gt=created) | Q(created_at=created, pk__gt=key))
    rows = list(shown.order_by("created_at", "pk")[: limit + 1])
    more = len(rows) > limit
    page = rows[:limit]
    return Page(page, total, _write_cursor(page[-1]) if more else None)


def _write_cursor(row: Any) -> str:
    return base64.urlsafe_b64encode(f"{row.created_at}|{row.pk}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[int, UUID]:
    try:
        created, _, key = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        return int(created) % 2**63, UUID(key)
    except (ValueError, binascii.Error):
        raise errors.BadRequest("cursor is not one that a search gave out.") from None
