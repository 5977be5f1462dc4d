"""Passwords, the primary factor that comes before MFA: judged, imported, measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from stytch_totp import conf, errors
from stytch_totp.core import factors, policy
from stytch_totp.models import Guard, IntermediateSession, Member, Organization, Session
from stytch_totp.operations import attempts, hashes, members, organizations, sessions, signing
from stytch_totp.operations.attempts import Proof
from stytch_totp.operations.audit import Actor, Tag, record


@dataclass(frozen=True)
class LoggedIn:
    """A right password: a session, or the token of an intermediate session that owes a second factor."""

    member: Member
    granted: sessions.Granted | None
    intermediate_session_token: str = field(default="", repr=False)
    primary_met: bool = True
    mfa_owed: bool = False


@dataclass(frozen=True)
class Strength:
    valid: bool
    problems: list[str]


def authenticate(
    organization: Organization,
    *,
    email: str,
    password: str,
    proof: Proof,
    actor: Actor,
    intermediate_session_token: str = "",
    minutes: int | None = None,
    claims: Mapping[str, Any] | None = None,
) -> LoggedIn:
    """Judge a password and decide what it is worth (contract 1.10).

    One answer, UnauthorizedCredentials, for an unknown address, a member without a password and a wrong
    password, after the same work: addresses can't be tried out here. Raises Locked for a locked member.
    """
    member = members.by_email(organization, email)
    if member is None or not has_password(member):
        make_password(password)  # the time that a comparison would have taken
        raise errors.UnauthorizedCredentials
    sessions.check_owner(proof, member)
    sessions.check_claims(proof, claims)
    signing.ready()
    attempts.charge(member, Guard.Kind.PASSWORD, proof, actor)
    if not _check(member, password):
        attempts.refuse(member, Tag.PASSWORD_REFUSED, actor)
        raise errors.UnauthorizedCredentials
    token = intermediate_session_token
    return attempts.settle(lambda: _accept(member, proof, token, minutes=minutes, claims=claims, actor=actor))


def has_password(member: Member) -> bool:
    return bool(member.password) or member.user_id is not None


def migrate(
    organization: Organization, *, email: str, encoded: str, actor: Actor, **fields: Any
) -> tuple[Member, bool]:
    """Give a member, made if need be, a password hash from elsewhere: ``encoded`` by ``hashes``.

    Returns the member and whether it is new. ``fields`` are columns to set on either.
    """
    known = members.by_email(organization, email)
    with transaction.atomic():
        if known is None:
            member = members.create(organization, email=email, actor=actor, **fields)
        else:
            member = members.update(known, actor=actor, **fields)
        _store(member, encoded)
        record(Tag.PASSWORD_MIGRATED, actor, member=member)
    return members.reload(member), known is None


def measure(password: str) -> Strength:
    """What the site's AUTH_PASSWORD_VALIDATORS say of a password."""
    try:
        validate_password(password)
    except ValidationError as error:
        return Strength(False, list(error.messages))
    return Strength(True, [])


def _accept(
    member: Member,
    proof: Proof,
    intermediate_session_token: str,
    *,
    minutes: int | None,
    claims: Mapping[str, Any] | None,
    actor: Actor,
) -> LoggedIn:
    """All of a right password's consequences or none.

    A pending member becomes active if the primary requirement is met (contract 7.23).
    """
    member = _as_it_stands(member)
    proven = factors.factor("password", None, conf.now())
    shown = factors.added(proof.factors if proof else [], proven)
    attempts.clear(member, Guard.Kind.PASSWORD)
    record(Tag.PASSWORD_AUTHENTICATED, actor, member=member)
    primary_met = organizations.primary_met(member, shown)
    if primary_met and member.status == Member.Status.PENDING:
        Member.objects.filter(pk=member.pk).update(status=Member.Status.ACTIVE)
        member.status = Member.Status.ACTIVE
    satisfied = policy.mfa_satisfied(
        required=policy.mfa_required(mfa_policy=member.organization.mfa_policy, mfa_enrolled=member.mfa_enrolled),
        second_factor=factors.has_second(shown),
        session=isinstance(proof, Session),
    )
    if primary_met and satisfied:
        draft = sessions.draft(member, proof, proven, minutes=minutes, claims=claims, rotate=False)
        draft.write()
        return LoggedIn(member, draft.granted)
    if isinstance(proof, IntermediateSession):
        IntermediateSession.objects.refund(proof)
        IntermediateSession.objects.filter(pk=proof.pk).update(factors=shown)
        return LoggedIn(member, None, intermediate_session_token, primary_met, not satisfied)
    return LoggedIn(member, None, sessions.begin(member, proven), primary_met, not satisfied)


def _as_it_stands(member: Member) -> Member:
    """The member, locked and read again: while the password was hashed it may have been deleted, its password changed,
    or its organization's policy.
    """
    try:
        current = members.lock(member)
    except errors.MemberNotFound:
        raise errors.UnauthorizedCredentials from None
    if _hash_of(current) != _hash_of(member):
        raise errors.UnauthorizedCredentials
    return current


def _hash_of(member: Member) -> str:
    """The hash that judges the member. A linked Django user's password is the member's: there is one to change."""
    return member.user.password if member.user is not None else member.password


def _check(member: Member, password: str) -> bool:
    if member.user is not None:
        return member.user.is_active and check_password(password, member.user.password)
    if not hashes.verify(member.password, password):
        return False
    if hashes.is_imported(member.password):
        # A hash from elsewhere becomes one of the site's own as soon as the password is known.
        fresh = make_password(password)
        if Member.objects.filter(pk=member.pk, password=member.password).update(password=fresh):
            member.password = fresh
    return True


def _store(member: Member, encoded: str) -> None:
    if member.user is not None:
        raise errors.UnsupportedHash("The password of this member is its Django user's; set it there.")
    Member.objects.filter(pk=member.pk).update(password=encoded)
