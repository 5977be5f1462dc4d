"""Members: found, made, changed, deleted, brought back."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from stytch_totp import conf, errors
from stytch_totp.core.ids import is_external_id, parse_id
from stytch_totp.core.totp import is_displayable
from stytch_totp.models import Guard, Member, Organization
from stytch_totp.models.member import MemberQuerySet
from stytch_totp.operations import organizations, sessions, standing
from stytch_totp.operations.attempts import Proof
from stytch_totp.operations.audit import Actor, Tag, record

LONGEST_EMAIL = 254
MOST_MEMBERSHIPS = 20  # of one person, that a login by discovery looks at: each may cost a password hash
MOST_ROLES, LONGEST_ROLE = 32, 64
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
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


def email_key(email: str) -> str:
    """The form in which addresses are compared: without case, as ASCII has it.

    Unicode's lower case makes an ASCII k of the Kelvin sign, and so one person's address of another's.
    """
    return email.lower() if email.isascii() else email


def reload(member: Member) -> Member:
    return Member.objects.select_related("organization").get(pk=member.pk)


def create(organization: Organization, *, email: str, actor: Actor, pending: bool = False, **fields: Any) -> Member:
    """A new member, or in the consumer directory a User, who may have no ``email`` but a phone number.

    A back end vouches for the e-mail address of a member who isn't ``pending``; nobody does for a User's.
    """
    now = conf.now()
    status = Member.Status.PENDING if pending else Member.Status.ACTIVE
    member = Member(organization=organization, status=status, created_at=now, updated_at=now)
    member.email_verified = _vouched_for(member, actor)
    _apply(member, {"email": email, **fields})
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
        if _weakens(current, fields):
            standing.check_may_remove_factor(proof, actor, current)
        if "email" in fields and email_key(fields["email"]) != current.email_key:
            # Who could give a member of its own somebody else's address could switch to that one's organizations.
            current.email_verified = _vouched_for(current, actor)
        _apply(current, fields)
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
        current.registrations.all().delete()
        sessions.end_all(current)
        Member.objects.filter(pk=current.pk).update(
            status=Member.Status.DELETED,
            email_key=None,
            external_id=None,
            password="",
            user=None,
            default_mfa_method=Member.DefaultMethod.NONE,
        )
        record(Tag.MEMBER_DELETED, actor, member=current)


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


def _vouched_for(member: Member, actor: Actor) -> bool:
    """Whether the actor's word makes the e-mail address a verified one."""
    return actor.vouches and member.status == Member.Status.ACTIVE and not member.is_consumer


def _weakens(member: Member, fields: Mapping[str, Any]) -> bool:
    """Whether a change takes a second factor away or stops asking for one."""
    switched_off = member.mfa_enrolled and fields.get("mfa_enrolled") is False
    phone = fields.get("mfa_phone_number", member.mfa_phone_number)
    return switched_off or (member.mfa_phone_verified and phone != member.mfa_phone_number)


def _apply(member: Member, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        metadata = name in ("trusted_metadata", "untrusted_metadata")
        setattr(member, name, organizations.merged_metadata(getattr(member, name), value) if metadata else value)
    if "email" in fields and not (member.is_consumer and not member.email and member.mfa_phone_number):
        _check_email(member.email)
        member.email_key = email_key(member.email)
    if "roles" in fields:
        _check_roles(member.roles)
        member.roles = [role for role in dict.fromkeys(member.roles) if role != member.default_role]
    if "mfa_phone_number" in fields:
        _check_phone(member.mfa_phone_number)
    if "mfa_phone_number" in fields and "mfa_phone_verified" not in fields:
        member.mfa_phone_verified = False
    if member.mfa_phone_verified and not member.mfa_phone_number:
        raise errors.BadRequest("There is no phone number to be verified.")
    if "default_mfa_method" in fields:
        _check_default(member)
    external = fields.get("external_id")
    if external is not None and not is_external_id(external):
        raise errors.BadRequest("external_id has 1 to 128 letters, digits and . _ - | and is not formed like an id.")


def _check_email(email: str) -> None:
    try:
        validate_email(email)
    except ValidationError:
        raise errors.InvalidEmail from None
    if len(email) > LONGEST_EMAIL or not email.isascii() or not is_displayable(email):
        raise errors.InvalidEmail


def _check_roles(roles: list[str]) -> None:
    """Roles stand in every session JWT, which must stay small enough to be sent."""
    if len(roles) > MOST_ROLES or any(not 1 <= len(role) <= LONGEST_ROLE for role in roles):
        raise errors.BadRequest(f"roles lists at most {MOST_ROLES} names of 1 to {LONGEST_ROLE} characters.")


def _check_phone(number: str) -> None:
    if number and not _E164.fullmatch(number):
        raise errors.BadRequest("mfa_phone_number has the form of E.164: +15005550006.")


def _check_default(member: Member) -> None:
    owns = {"totp": bool(member.active_totp_id), "sms_otp": member.mfa_phone_verified}
    if not owns[member.default_mfa_method]:
        raise errors.DefaultMFAMemberMissingFactor


def _save(member: Member, *, force_insert: bool = False) -> None:
    member.updated_at = conf.now()
    try:
        with transaction.atomic():
            member.save(force_insert=force_insert)
    except IntegrityError:
        taken = Member.objects.filter(organization=member.organization, email_key=member.email_key)
        email_taken = taken.exclude(pk=member.pk).exists()
        raise (errors.DuplicateMemberEmail if email_taken else errors.DuplicateMemberExternalID) from None
