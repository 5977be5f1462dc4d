"""Passwords, the primary factor that comes before MFA: judged, imported, measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from stytch_totp import conf, errors
from stytch_totp.core import factors
from stytch_totp.models import Guard, Member, Organization
from stytch_totp.operations import attempts, grants, hashes, logins, members, organizations, sessions, signing
from stytch_totp.operations.attempts import Proof
from stytch_totp.operations.audit import Actor, Tag, record
from stytch_totp.operations.logins import LoggedIn


@dataclass(frozen=True)
class Strength:
    valid: bool
    problems: list[str]


@sensitive_variables()
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
        _pretend(password)
        raise errors.UnauthorizedCredentials
    sessions.check_owner(proof, member)
    grants.check_claims(proof, claims)
    signing.ready()
    judge([member], password, proof=proof, actor=actor)
    token = intermediate_session_token
    return attempts.settle(lambda: _accept(member, proof, token, minutes=minutes, claims=claims, actor=actor))


@sensitive_variables()
def judge(people: Sequence[Member], password: str, *, proof: Proof, actor: Actor) -> list[Member]:
    """Those of ``people`` whose password it is: the one place where a password is compared.

    Each is charged for it first, and equal hashes are compared once. Who knows one membership's password has not
    guessed at the others': they get their charge back. Raises UnauthorizedCredentials, or Locked if nobody's password
    could be compared.
    """
    verdicts: dict[tuple[Any, str], bool] = {}
    opened: list[Member] = []
    wrong: list[Member] = []
    locked = None
    for member in filter(has_password, people):
        try:
            attempts.charge(member, Guard.Kind.PASSWORD, proof, actor)
        except errors.Locked as error:
            locked = error
            continue
        known = member.user_id, member.password_hash
        if known not in verdicts:
            verdicts[known] = _check(member, password)
        (opened if verdicts[known] else wrong).append(member)
    if not verdicts:
        if locked:
            raise locked
        _pretend(password)
    for member in wrong:
        if opened:
            attempts.refund(member, Guard.Kind.PASSWORD, proof, Tag.PASSWORD_REFUSED, actor)
        else:
            attempts.refuse(member, Guard.Kind.PASSWORD, Tag.PASSWORD_REFUSED, actor)
    if not opened:
        raise errors.UnauthorizedCredentials
    return opened


@sensitive_variables()
def create(
    *,
    email: str,
    password: str,
    actor: Actor,
    minutes: int | None = None,
    claims: Mapping[str, Any] | None = None,
    **fields: Any,
) -> LoggedIn:
    """A new User with a password, logged in if ``minutes`` are given. Raises WeakPassword and DuplicateMemberEmail."""
    strength = measure(password)
    if not strength.valid:
        raise errors.WeakPassword(" ".join(strength.problems))
    grants.check_claims(None, claims)
    signing.ready()
    directory, encoded = organizations.consumer(), make_password(password)
    with transaction.atomic():
        member = members.create(directory, email=email, actor=actor, password=encoded, **fields)
        record(Tag.PASSWORD_CREATED, actor, member=member)
        proven = factors.factor("password", None, conf.now())
        return logins.settle(member, None, [proven], minutes=minutes, claims=claims, actor=actor)


def has_password(member: Member) -> bool:
    return bool(member.password) or member.user_id is not None


@sensitive_variables()
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


@sensitive_variables()
def measure(password: str) -> Strength:
    """What the site's AUTH_PASSWORD_VALIDATORS say of a password."""
    try:
        validate_password(password)
    except ValidationError as error:
        return Strength(False, list(error.messages))
    return Strength(True, [])


@sensitive_variables()
def _accept(
    member: Member,
    proof: Proof,
    intermediate_session_token: str,
    *,
    minutes: int | None,
    claims: Mapping[str, Any] | None,
    actor: Actor,
) -> LoggedIn:
    """All of a right password's consequences or none."""
    current = as_it_stands(member)
    shown = grants.with_factor(proof, factors.factor("password", None, conf.now()))
    attempts.clear(current, Guard.Kind.PASSWORD)
    token = intermediate_session_token
    done = logins.settle(current, proof, shown, token=token, minutes=minutes, claims=claims, actor=actor)
    record(Tag.PASSWORD_AUTHENTICATED, actor, member=current)
    return done


def as_it_stands(member: Member) -> Member:
    """The member, locked and read again: while the password was hashed it may have been deleted, its password changed,
    or its organization's policy.
    """
    try:
        current = members.lock(member)
    except errors.MemberNotFound:
        raise errors.UnauthorizedCredentials from None
    if current.password_hash != member.password_hash:
        raise errors.UnauthorizedCredentials
    return current


@sensitive_variables()
def _pretend(password: str) -> None:
    """Take the time that a comparison would have taken, so that addresses can't be told apart by it."""
    make_password(password)


@sensitive_variables()
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


@sensitive_variables()
def _store(member: Member, encoded: str) -> None:
    if member.user is not None:
        raise errors.UnsupportedHash("The password of this member is its Django user's; set it there.")
    Member.objects.filter(pk=member.pk).update(password=encoded)
    sessions.end_logins(member)  # what the former password began
