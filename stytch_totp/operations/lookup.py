"""How staff find what somebody names: exactly or by its beginning, always by an index, whatever the number of rows."""

from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connection, models
from django.db.models import Q, QuerySet

from stytch_totp import errors
from stytch_totp.core import ids
from stytch_totp.models import AuditEvent, Member, Organization, Session, TOTPRegistration
from stytch_totp.operations import organizations
from stytch_totp.operations.profiles import email_key

SHORTEST_BEGINNING = 3
LAST_CHARACTER = "\U0010ffff"
TAG_COLONS = 2  # and no address or id has any
MOST_NAMED = 200  # of one external id or user name, which each organization may have one of
Row = TypeVar("Row", bound=models.Model)


def find_organizations(rows: QuerySet[Organization], text: str) -> QuerySet[Organization]:
    """By id in any of its forms, external id, or the beginning of the slug."""
    text, key = _askable(text), parse_any_id(text)
    if key:
        return rows.filter(pk=key)
    return rows.filter(Q(pk__in=_named(text)) | _begins("slug", text))


def find_members(rows: QuerySet[Member], text: str) -> QuerySet[Member]:
    """By an id of the member, of their TOTP, session, organization or Django user name; by external id, by the
    organization's slug, or by the beginning of the e-mail address.
    """
    text, key = _askable(text), parse_any_id(text)
    if key:
        named = [key, *_owners(TOTPRegistration, key), *_owners(Session, key)]
        return rows.filter(Q(pk__in=named) | Q(organization=key))
    user_name = get_user_model().USERNAME_FIELD
    users = get_user_model().objects.filter(**{user_name: text}).values_list("pk", flat=True)[:MOST_NAMED]
    known = _some(rows.filter(Q(external_id=text) | Q(user__in=list(users))))
    by_name = Q(pk__in=known) | Q(organization__in=_named(text))
    return rows.filter(by_name | _begins("email_key", email_key(text)))


def find_member(text: str, organization: str = "") -> Member:
    """The one living member of this id, whole e-mail address or external id, in an ``organization`` if one is named.

    Raises MemberNotFound, OrganizationNotFound, or Member.MultipleObjectsReturned.
    """
    rows = Member.objects.select_related("organization", "user").exclude(status=Member.Status.DELETED)
    if organization:
        rows = rows.filter(organization=organizations.resolve(organization))
    text, key = _askable(text), parse_any_id(text)
    named = Q(pk=key) if key else Q(email_key=email_key(text)) | Q(external_id=text)
    try:
        return rows.get(named)
    except Member.DoesNotExist:
        raise errors.MemberNotFound from None


def find_sessions(rows: QuerySet[Session], text: str, people: QuerySet[Member]) -> QuerySet[Session]:
    """By the session's id, or by all that finds its member among the ``people`` whom staff may see."""
    key = parse_any_id(text)
    if key and Session.objects.filter(pk=key).exists():
        return rows.filter(pk=key)
    return rows.filter(member__in=_some(find_members(people, text)))


def find_events(rows: QuerySet[AuditEvent], text: str, people: QuerySet[Member]) -> QuerySet[AuditEvent]:
    """By tag, or by all that finds the organization or, among ``people``, the member that they are about."""
    if text.count(":") == TAG_COLONS:
        return rows.filter(tag=_askable(text))
    text, key = _askable(text), parse_any_id(text)
    if key:  # of somebody who may be gone
        return rows.filter(Q(member_id=key) | Q(organization_id=key))
    found = _some(find_members(people, text))
    return rows.filter(Q(member_id__in=found) | Q(organization_id__in=_named(text)))


def find_row(rows: QuerySet[Row], text: str) -> Row | None:
    """The one with this primary key, in any of its forms."""
    key = parse_any_id(text)
    return rows.filter(pk=key).first() if key else None


def parse_any_id(text: str) -> UUID | None:
    """The UUID of an id as any product spells it, or bare, with dashes or without, in any case."""
    bare = text.strip().lower()
    if ids.looks_like_id(bare):
        bare = bare[-36:]
    try:
        return UUID(bare)
    except ValueError:
        return None


def _askable(text: str) -> str:
    """``text`` as every database takes it: PostgreSQL has no zero bytes, and no name has what stands for them."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _named(text: str) -> list[UUID]:
    """The organizations of this slug or external id: two statements by index, where one by either would be a scan."""
    rows = Organization.objects.values_list("pk", flat=True)
    return [*rows.filter(slug=text), *rows.filter(external_id=text)]


def _begins(column: str, text: str) -> Q:
    if len(text) < SHORTEST_BEGINNING:
        return Q(**{column: text})
    begins = Q(**{f"{column}__startswith": text})
    # MariaDB and SQLite see no range of an index in it, and have to be told. PostgreSQL has an index for beginnings and
    # may sort text by a language's rules, where this range would be another one.
    told = Q(**{f"{column}__gte": text, f"{column}__lt": text + LAST_CHARACTER})
    return begins if connection.vendor == "postgresql" else begins & told


def _owners(model: Any, key: UUID) -> list[UUID]:
    return list(model.objects.filter(pk=key).values_list("member", flat=True))


def _some(rows: QuerySet[Any]) -> list[UUID]:
    return list(rows.order_by("-created_at", "-pk").values_list("pk", flat=True)[:MOST_NAMED])
