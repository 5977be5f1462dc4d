"""Searches of organizations and members: filters, and pages that a cursor leads through."""

import base64
import binascii
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Lower
from django.db.models.lookups import Contains

from stytch_totp import conf, errors
from stytch_totp.core.ids import Kind, parse_id
from stytch_totp.models import Member, Organization, TOTPRegistration
from stytch_totp.models.member import DEFAULT_ROLE
from stytch_totp.operations.members import email_key

FUZZY_LENGTH, LONGEST_FUZZY = 3, 256
MOST_LISTED = 20  # values that are looked for one by one
Row = TypeVar("Row", bound=Model)
Filters = Mapping[str, Callable[[Any], Q]]


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
    matching = rows.filter(_condition(query, _ORGANIZATION_FILTERS, errors.OrganizationSearchFilter))
    return _page(matching, matching, cursor=cursor, limit=limit)


def members(tenants: Collection[Organization], query: Query, *, cursor: str | None, limit: int) -> Page[Member]:
    """Members of ``tenants``. Deleted ones only if the ``statuses`` filter asks for them."""
    rows = Member.objects.filter(organization__in=[tenant.pk for tenant in tenants])
    if not any(name == "statuses" and Member.Status.DELETED in _texts(value) for name, value in query.operands):
        rows = rows.exclude(status=Member.Status.DELETED)
    matching = rows.filter(_condition(query, _MEMBER_FILTERS, errors.MemberSearchFilter))
    return _page(matching, matching.described(), cursor=cursor, limit=limit)


def _condition(query: Query, filters: Filters, unknown: type[errors.StytchError]) -> Q:
    condition = Q()
    for name, value in query.operands:
        if name not in filters:
            raise unknown(f"There is no search filter {name[:64]!r}.")
        one = filters[name](value)
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


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise errors.BadRequest("This search filter takes a string.")
    return value


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise errors.BadRequest("This search filter takes a list of strings, not empty.")
    return value


def _few(value: Any) -> list[str]:
    if len(_texts(value)) > MOST_LISTED:
        raise errors.BadRequest(f"This search filter takes at most {MOST_LISTED} strings.")
    return list(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise errors.BadRequest("This search filter takes a boolean.")
    return value


def _fuzzy(value: Any) -> str:
    if not FUZZY_LENGTH <= len(_text(value)) <= LONGEST_FUZZY:
        raise errors.BadRequest(f"A fuzzy search takes {FUZZY_LENGTH} to {LONGEST_FUZZY} characters.")
    return str(value)


def _keys(kind: Kind, value: Any) -> list[UUID]:
    keys = (parse_id(kind, one, conf.conf().environment) for one in _texts(value))
    return [key for key in keys if key]


def _emails(value: Any) -> list[str]:
    return [email_key(one) for one in _texts(value)]


def _listed(setting: str) -> Callable[[Any], Q]:
    """Whether one of the values stands in a list that is kept as JSON: quoted, it can't be a part of another."""

    def condition(value: Any) -> Q:
        found = Q()
        for one in _few(value):
            found |= _containing(setting, f'"{one}"', json.dumps(one))
        return found

    return condition


def _listed_fuzzy(setting: str) -> Callable[[Any], Q]:
    return lambda value: _containing(setting, _fuzzy(value), json.dumps(value)[1:-1])


def _containing(setting: str, plain: str, escaped: str) -> Q:
    """Whether a setting's JSON has a text in it: databases differ in whether they keep its letters escaped."""
    listed = Organization.objects.annotate(listed=KeyTextTransform(setting, "settings"))
    return Q(pk__in=listed.filter(Q(listed__icontains=plain) | Q(listed__icontains=escaped)).values("pk"))


_NOTHING = Q(pk__in=[])


def _having(condition: Q, wanted: bool) -> Q:
    return condition if wanted else ~condition


def _has_member(condition: Q) -> Q:
    return Q(Exists(Member.objects.filter(condition, organization=OuterRef("pk"))))


_ORGANIZATION_FILTERS: Filters = {
    "organization_ids": lambda value: Q(pk__in=_keys("organization", value)),
    "organization_slugs": lambda value: Q(slug__in=_texts(value)),
    "organization_name_fuzzy": lambda value: Q(name__icontains=_fuzzy(value)),
    "organization_slug_fuzzy": lambda value: Q(Contains(Lower("slug"), _fuzzy(value).lower())),
    "member_emails": lambda value: _has_member(Q(email_key__in=_emails(value))),
    "member_email_fuzzy": lambda value: _has_member(Q(email_key__contains=_fuzzy(value).lower())),
    "allowed_domains": _listed("email_allowed_domains"),
    "allowed_domain_fuzzy": _listed_fuzzy("email_allowed_domains"),
    "claimed_email_domains": _listed("claimed_email_domains"),
    # Single sign-on is not served, so no organization has a connection.
    "has_active_sso_connection": lambda value: _having(_NOTHING, _boolean(value)),
    "sso_connection_id": lambda value: _having(_NOTHING, bool(_text(value))),
}


def _totp_exists(value: Any) -> Q:
    active = TOTPRegistration.objects.filter(member=OuterRef("pk"), state=TOTPRegistration.State.ACTIVE)
    return _having(Q(Exists(active)), _boolean(value))


def _with_roles(value: Any) -> Q:
    roles, found = _few(value), Q()
    if DEFAULT_ROLE in roles:
        return ~_NOTHING
    for role in roles:
        found |= Q(roles__icontains=f'"{role}"')
    return found


def _phones(value: Any) -> Q:
    return Q(mfa_phone_number__in=_texts(value))


def _phone_fuzzy(value: Any) -> Q:
    return Q(mfa_phone_number__contains=_fuzzy(value))


_MEMBER_FILTERS: Filters = {
    "member_ids": lambda value: Q(pk__in=_keys("member", value)),
    "member_emails": lambda value: Q(email_key__in=_emails(value)),
    "member_email_fuzzy": lambda value: Q(email_key__contains=_fuzzy(value).lower()),
    "member_is_breakglass": lambda value: Q(is_breakglass=_boolean(value)),
    "statuses": lambda value: Q(status__in=_texts(value)),
    "member_mfa_phone_numbers": _phones,
    "member_phone_numbers": _phones,
    "member_mfa_phone_number_fuzzy": _phone_fuzzy,
    "member_phone_number_fuzzy": _phone_fuzzy,
    "member_password_exists": lambda value: _having(~Q(password="") | ~Q(user=None), _boolean(value)),
    "member_roles": _with_roles,
    "member_totp_exists": _totp_exists,
}
