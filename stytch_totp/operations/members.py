"""Members: found, made, changed, deleted, brought back."""

from collections.abc import Collection, Mapping
from typing import Any, Literal

from django.db import IntegrityError, transaction

from stytch_totp import conf, errors
from stytch_totp.core.ids import is_external_id, parse_id
from stytch_totp.models import Guard, Member, Organization
from stytch_totp.models.member import MemberQuerySet
from stytch_totp.operations import organizations, profiles, sessions, standing
from stytch_totp.operations.attempts import Proof
from stytch_totp.operations.audit import Actor, Tag, record
from stytch_totp.operations.profiles import email_key

MOST_MEMBERSHIPS = 20  # of one person, that a login by discovery looks at: each may cost a password hash
_NOT_DELETED = (Member.Status.PENDING, Member.Status.ACTIVE)


def resolve(organization: str, member: str, *, include_deleted: bool = False, known: Member | None = None) -> Member:
    """The member with this member id or external id in the organization of this id, slug or external id.

    ``known`` is one that the request has led to already; if it is the one, the database isn't asked again. Raises
    OrganizationNotFound, or MemberNotFound: for another organization's member as for nobody's.
    """
    environment = conf.conf().environment
    key = parse_id("organization", organization, environment)
    same = known and (known.organization_id, known.pk) == (key, parse_id("member", member, environment))
    if known and same and not known.is_consumer:
        return known
    tenant = key or organizations.resolve(organization).pk
    found = _select("member", member, include_deleted=include_deleted).filter(organization=tenant).first()
    if found is None:
        organizations.resolve(organization)  # has the say if it is the organization that is missing
        raise errors.MemberNotFound
    return found


def resolve_anywhere(member: str, *, include_deleted: bool = False) -> Member:
    """The member with this member id, whatever the organization. Raises MemberNotFound."""
    found = _select("member", member, include_deleted=include_deleted, external=False).first()
    if found is None:
        raise errors.MemberNotFound
    return found


def resolve_user(user: str) -> Member:
    """The User with this user id or external id. Raises InvalidUserID or MemberNotFound."""
    found = _select("user", user).first()
    if found is None:
        known = parse_id("user", user, conf.conf().environment) or is_external_id(user)
        raise errors.MemberNotFound if known else errors.InvalidUserID
    return found


def resolve_subject(subject: str) -> Member:
    """The Member or User that a JWT names as its ``sub``, with their Django user. Raises MemberNotFound."""
    environment = conf.conf().environment
    key = parse_id("member", subject, environment) or parse_id("user", subject, environment)
    rows = Member.objects.select_related("organization", "user").filter(status__in=_NOT_DELETED)
    found = rows.filter(pk=key).first() if key else None
    if found is None:
        raise errors.MemberNotFound
    return found


def resolve_totp(totp_id: str) -> Member:
    """The User who has the TOTP with this id. Raises InvalidTOTPID or UserHasNoSuchTOTP."""
    key = parse_id("totp", totp_id, conf.conf().environment)
    if key is None:
        raise errors.InvalidTOTPID
    found = _people("user").filter(registrations__pk=key).first()
    if found is None:
        raise errors.UserHasNoSuchTOTP
    return found


def by_email(organization: Organization, email: str) -> Member | None:
    """The member with this e-mail address, compared without case."""
    rows = Member.objects.select_related("organization").filter(organization=organization)
    return rows.filter(email_key=email_key(email)).first()


def with_email(email: str) -> list[Member]:
    """The members of tenants with this verified e-mail address: one person, as far as the project vouches for it."""
    same = _people("member").described().filter(email_key=email_key(email), email_verified=True)
    return list(same.order_by("created_at", "pk")[:MOST_MEMBERSHIPS])


def living(keys: Collection[str]) -> list[Member]:
    """The members of tenants with these primary keys who are still there, oldest first."""
    return list(_people("member").described().filter(pk__in=keys).order_by("created_at", "pk"))


def reload(member: Member) -> Member:
    return Member.objects.select_related("organization").get(pk=member.pk)


def create(organization: Organization, *, email: str, actor: Actor, pending: bool = False, **fields: Any) -> Member:
    """A new member, or in the consumer directory a User, who may have no ``email`` but a phone number.

    A back end vouches for the e-mail address of a member who isn't ``pending``; nobody does for a User's.
    """
    now = conf.now()
    status = Member.Status.PENDING if pending else Member.Status.ACTIVE
    member = Member(organization=organization, status=status, created_at=now, updated_at=now)
    member.email_verified = profiles.vouched_for(member, actor)
    profiles.apply(member, {"email": email, **fields})
    with transaction.atomic():
        organizations.lock(organization)
        _save(member, force_insert=True)
        # Made here and not at the first attempt: two first attempts at once must find the same row.
        Guard.objects.bulk_create(Guard(member=member, kind=kind) for kind in Guard.Kind)
        record(Tag.MEMBER_CREATED, actor, member=member)
    return reload(member)


def update(member: Member, *, actor: Actor, proof: Proof = None, **fields: Any) -> Member:
    """Change what is given. ``proof`` is the session of who asks, at a page.

    Raises DefaultMFAMemberMissingFactor, the errors of ``create`` and, when a page would switch MFA off or take a
    verified phone away, those of ``standing.check_may_remove_factor``.
    """
    with transaction.atomic():
        current = lock(member)
        if profiles.weakens(current, fields):
            standing.check_may_remove_factor(proof, actor, current)
        if "email" in fields and email_key(fields["email"]) != current.email_key:
            # Who could give a member of its own somebody else's address could switch to that one's organizations.
            current.email_verified = profiles.vouched_for(current, actor)
        profiles.apply(current, fields)
        _save(current)
        record(Tag.MEMBER_UPDATED, actor, member=current)
    return reload(current)


def lock(member: Member) -> Member:
    """The member as it stands, locked for the rest of the transaction. Raises MemberNotFound.

    A write rather than ``select_for_update``, which SQLite doesn't have. Whoever locks a member and other rows
    of the member's locks the member first.
    """
    hold(member)
    return reload(member)


def hold(member: Member) -> None:
    """Lock the member and read nothing: what is read after it is what others have committed, on MariaDB, too."""
    if not Member.objects.filter(pk=member.pk, status__in=_NOT_DELETED).update(updated_at=conf.now()):
        raise errors.MemberNotFound


def delete(member: Member, *, actor: Actor, proof: Proof = None) -> None:
    """End the member: sessions, intermediate sessions, TOTP and password die; e-mail and external id are free.

    At a page that removes a TOTP, and takes what removing it alone does: ``standing.check_may_remove_factor``.
    """
    with transaction.atomic():
        current = lock(member)
        if current.active_totp_id:
            standing.check_may_remove_factor(proof, actor, current)
        sessions.end_all(current)
        drop_totp(current, status=Member.Status.DELETED, email_key=None, external_id=None, password="", user=None)
        record(Tag.MEMBER_DELETED, actor, member=current)


def drop_totp(member: Member, **changes: Any) -> bool:
    """Remove the registrations and what the member's row says of them, with further ``changes`` of the row. Whether
    there were any. The caller has locked the member.
    """
    there = member.registrations.all().delete()[0] > 0
    none = {"has_active_totp": False, "default_mfa_method": Member.DefaultMethod.NONE}
    Member.objects.filter(pk=member.pk).update(**none | changes)
    return there


def reactivate(member: Member, *, actor: Actor) -> Member:
    """Bring a deleted member back, with neither factor nor session nor password."""
    if member.status != Member.Status.DELETED:
        raise errors.NoDeletedMember
    if not member.email_verified:
        raise errors.EmailUnverifiedForReactivation
    with transaction.atomic():
        deleted = Member.objects.filter(pk=member.pk, status=Member.Status.DELETED)
        try:
            with transaction.atomic():
                deleted.update(status=Member.Status.ACTIVE, email_key=email_key(member.email), updated_at=conf.now())
        except IntegrityError:
            raise errors.ReactivationEmailTaken from None
        record(Tag.MEMBER_REACTIVATED, actor, member=member)
    return reload(member)


_KINDS: Mapping[Literal["member", "user"], Organization.Kind] = {
    "member": Organization.Kind.TENANT,
    "user": Organization.Kind.CONSUMER,
}


def _people(kind: Literal["member", "user"], *, include_deleted: bool = False) -> MemberQuerySet:
    rows = Member.objects.select_related("organization").filter(organization__kind=_KINDS[kind])
    return rows if include_deleted else rows.filter(status__in=_NOT_DELETED)


def _select(
    kind: Literal["member", "user"], member: str, *, include_deleted: bool = False, external: bool = True
) -> MemberQuerySet:
    rows = _people(kind, include_deleted=include_deleted)
    key = parse_id(kind, member, conf.conf().environment)
    if key:
        return rows.filter(pk=key)
    if external and is_external_id(member):
        return rows.filter(external_id=member)
    return rows.none()


def _save(member: Member, *, force_insert: bool = False) -> None:
    member.updated_at = conf.now()
    try:
        with transaction.atomic():
            member.save(force_insert=force_insert)
    except IntegrityError:
        taken = Member.objects.filter(organization=member.organization, email_key=member.email_key)
        email_taken = taken.exclude(pk=member.pk).exists()
        raise (errors.DuplicateMemberEmail if email_taken else errors.DuplicateMemberExternalID) from None
