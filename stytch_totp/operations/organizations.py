"""Organizations: found by id, slug or external id; made, changed and deleted."""

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import F, Q, QuerySet
from django.utils.text import slugify

from stytch_totp import conf, errors
from stytch_totp.core import policy
from stytch_totp.core.factors import SECOND_FACTORS, Factor
from stytch_totp.core.ids import is_external_id, looks_like_id, parse_id
from stytch_totp.core.totp import is_displayable
from stytch_totp.models import Member, Organization
from stytch_totp.operations import standing
from stytch_totp.operations.attempts import Proof
from stytch_totp.operations.audit import Actor, Tag, record

LONGEST_NAME = 128
LONGEST_METADATA = 16 * 1024  # bytes as JSON
_TRIES = 5
_ROUTE_WORDS = frozenset({"members", "search"})
_SLUG = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9._~-]{2,128}")
_COLUMNS = frozenset(
    {
        "name",
        "slug",
        "external_id",
        "mfa_policy",
        "mfa_methods",
        "allowed_mfa_methods",
        "auth_methods",
        "allowed_auth_methods",
    }
)


def resolve(identifier: str) -> Organization:
    """The tenant of an organization id, a slug or an external id. Raises OrganizationNotFound.

    What is formed like an id is only ever an id, and a slug wins over an external id, so no name that somebody
    chose can stand for somebody else's organization. The consumer directory is never found here.
    """
    rows = tenants()
    key = parse_id("organization", identifier, conf.conf().environment)
    if key:
        found = rows.filter(pk=key).first()
    elif looks_like_id(identifier) or not (_SLUG.fullmatch(identifier) or is_external_id(identifier)):
        found = None
    else:
        found = rows.filter(slug=identifier).first() or rows.filter(external_id=identifier).first()
    if found is None:
        raise errors.OrganizationNotFound
    return found


def by_slug(slug: str) -> Organization | None:
    """The tenant with exactly this slug."""
    return tenants().filter(slug=slug).first()


def resolve_all(identifiers: Iterable[str]) -> list[Organization]:
    """The tenants of several identifiers, each once. Ids take one statement together."""
    environment = conf.conf().environment
    keys = {identifier: parse_id("organization", identifier, environment) for identifier in identifiers}
    by_id = tenants().filter(pk__in=[key for key in keys.values() if key])
    named = [resolve(identifier) for identifier, key in keys.items() if key is None]
    found = {tenant.pk: tenant for tenant in (*by_id, *named)}
    if any(key and key not in found for key in keys.values()):
        raise errors.OrganizationNotFound
    return list(found.values())


def tenants() -> QuerySet[Organization]:
    return Organization.objects.filter(kind=Organization.Kind.TENANT)


def consumer() -> Organization:
    """The directory that plain Users belong to: one row, made on first use. Its slug is one that no tenant can have."""
    key, now = Organization.Kind.CONSUMER, conf.now()
    rows = Organization.objects.filter(consumer_key=key)
    found = rows.first()
    if found is None:
        try:
            with transaction.atomic():
                Organization.objects.create(
                    kind=key, consumer_key=key, name="Users", slug="", created_at=now, updated_at=now
                )
        except IntegrityError:
            pass  # another request made it at the same moment
        found = rows.get()
    return found


def create(*, name: str, actor: Actor, **fields: Any) -> Organization:
    """A new tenant. ``fields`` are columns of Organization and, by any other name, settings to keep and give back."""
    now = conf.now()
    organization = Organization(name=name, slug="", created_at=now, updated_at=now)
    _apply(organization, {"name": name, "slug": fields.get("slug") or _derived_slug(name), **fields})
    with transaction.atomic():
        try:
            _save(organization, force_insert=True)
        except errors.OrganizationSlugAlreadyUsed:
            if fields.get("slug"):
                raise
            organization.slug = _derived_slug(name, unique=True)  # another took the derived one at the same moment
            _save(organization, force_insert=True)
        record(Tag.ORGANIZATION_CREATED, actor, organization=organization)
    return organization


def update(organization: Organization, *, actor: Actor, proof: Proof = None, **fields: Any) -> Organization:
    """Change what is given. A REQUIRED_FOR_ALL policy asks at the next login; it ends no session (contract 6.15).

    ``proof`` is the session of who asks, at a page: not to ask everybody any more takes a second factor of one's own.
    """
    with transaction.atomic():
        # The first statement writes: it is the lock under which the metadata is merged.
        if not Organization.objects.filter(pk=organization.pk).update(updated_at=conf.now()):
            raise errors.OrganizationNotFound
        organization.refresh_from_db()
        if policy.REQUIRED_FOR_ALL == organization.mfa_policy != fields.get("mfa_policy", organization.mfa_policy):
            standing.check_may_remove_factor(proof, actor)
        _apply(organization, fields)
        _save(organization)
        record(Tag.ORGANIZATION_UPDATED, actor, organization=organization)
    return organization


def delete(organization: Organization, *, actor: Actor) -> None:
    """The organization, its members and all that is theirs.

    The members are gone first, so that nobody logs in any more while the rows are removed; a login that was under
    way adds a row at worst, and the removal is tried again.
    """
    with transaction.atomic():
        lock(organization)
        organization.members.update(status=Member.Status.DELETED, email_key=None, external_id=None)
        record(Tag.ORGANIZATION_DELETED, actor, organization=organization)
    for _ in range(_TRIES):
        try:
            with transaction.atomic():
                Organization.objects.filter(pk=organization.pk).delete()
        except (IntegrityError, OperationalError):
            continue
        return
    raise errors.ServiceUnavailable


def lock(organization: Organization) -> None:
    """Hold the organization for the rest of the transaction. Raises OrganizationNotFound."""
    if not Organization.objects.filter(pk=organization.pk).update(updated_at=F("updated_at")):
        raise errors.OrganizationNotFound


def count_members(organization: Organization) -> int:
    return organization.members.exclude(status=Member.Status.DELETED).count()


def totp_allowed(member: Member) -> bool:
    """Whether the organization lets this member use TOTP."""
    organization = member.organization
    return policy.method_allowed(
        policy.TOTP,
        rule=organization.mfa_methods,
        allowed=organization.allowed_mfa_methods,
        breakglass=member.is_breakglass,
    )


def primary_met(member: Member, factors: Iterable[Factor]) -> bool:
    """Whether one of ``factors`` is a primary one that the organization admits (contract 1.10)."""
    organization = member.organization
    return any(
        policy.method_allowed(
            one["type"],
            rule=organization.auth_methods,
            allowed=organization.allowed_auth_methods,
            breakglass=member.is_breakglass,
        )
        for one in factors
        if one["type"] not in SECOND_FACTORS
    )


def merged_metadata(stored: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """``new`` over ``stored``, at the top level; null removes a key."""
    merged = {key: value for key, value in {**stored, **new}.items() if value is not None}
    if len(json.dumps(merged)) > LONGEST_METADATA:
        raise errors.BadRequest("Metadata is limited to 16 KB.")
    return merged


def _apply(organization: Organization, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if name == "trusted_metadata":
            organization.trusted_metadata = merged_metadata(organization.trusted_metadata, value)
        elif name in _COLUMNS:
            setattr(organization, name, value)
        else:
            organization.settings = {**organization.settings, name: value}
    _check(organization)


def _check(organization: Organization) -> None:
    if not 1 <= len(organization.name) <= LONGEST_NAME or not is_displayable(organization.name):
        raise errors.InvalidOrganizationName
    if not _SLUG.fullmatch(organization.slug) or _is_reserved(organization.slug):
        raise errors.InvalidOrganizationSlug
    external = organization.external_id
    if external is not None and (not is_external_id(external) or _is_reserved(external)):
        raise errors.InvalidOrganizationExternalID
    if organization.mfa_methods == policy.RESTRICTED and not organization.allowed_mfa_methods:
        raise errors.AllowedMFAMethodsRequired
    if organization.auth_methods == policy.RESTRICTED and not organization.allowed_auth_methods:
        raise errors.AllowedAuthMethodsRequired


def _is_reserved(name: str) -> bool:
    """Whether it has the form of an id, which could be somebody else's, or the place of a route's own word."""
    return looks_like_id(name) or name in _ROUTE_WORDS


def _save(organization: Organization, *, force_insert: bool = False) -> None:
    _check_unique(organization)
    try:
        with transaction.atomic():
            organization.save(force_insert=force_insert)
    except IntegrityError:
        raise errors.OrganizationSlugAlreadyUsed from None


def _check_unique(organization: Organization) -> None:
    """Slugs and external ids share one space: either may stand where an organization's id is asked for."""
    others = Organization.objects.exclude(pk=organization.pk)
    slug, external = organization.slug, organization.external_id
    if others.filter(Q(slug=slug) | Q(external_id=slug)).exists():
        raise errors.OrganizationSlugAlreadyUsed
    if external and others.filter(Q(slug=external) | Q(external_id=external)).exists():
        raise errors.OrganizationExternalIDAlreadyUsed


def _derived_slug(name: str, *, unique: bool = False) -> str:
    """A slug of the name, made unique where it has to be."""
    slug = slugify(name)[:100]
    taken = Organization.objects.filter(Q(slug=slug) | Q(external_id=slug))
    if not unique and _SLUG.fullmatch(slug) and not _is_reserved(slug) and not taken.exists():
        return slug
    return f"{slug or 'organization'}-{secrets.token_hex(4)}"
