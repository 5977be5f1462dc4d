"""Logins that begin without an organization, and switches from one organization to another (contract 1.11).

An identity is an e-mail address that the project vouches for. A login by discovery carries the members whose password
was given, and can become nobody else; what was shown to one organization as a second factor is none to another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.views.decorators.debug import sensitive_variables

from stytch_totp import conf, errors
from stytch_totp.core import factors
from stytch_totp.core.rbac import ADMIN_ROLE
from stytch_totp.models import Guard, IntermediateSession, Member, Organization, Session
from stytch_totp.operations import (
    attempts,
    grants,
    logins,
    members,
    organizations,
    passwords,
    sessions,
    signing,
    standing,
)
from stytch_totp.operations.attempts import Proof
from stytch_totp.operations.audit import Actor, Tag, record
from stytch_totp.operations.logins import LoggedIn


@dataclass(frozen=True)
class Discovered:
    """A membership that a login may become, and what it would still owe there."""

    member: Member
    primary_met: bool
    mfa_owed: bool


@dataclass(frozen=True)
class Discovery:
    """Who was found by e-mail address, and where."""

    email: str
    found: Sequence[Discovered]
    intermediate_session_token: str = field(default="", repr=False)


@sensitive_variables()
def authenticate(*, email: str, password: str, actor: Actor) -> Discovery:
    """Find the members with this e-mail address whose password it is. Raises UnauthorizedCredentials or Locked.

    Each password that is compared is charged to its member, as in a login to the member's organization.
    """
    signing.ready()
    opened = passwords.judge(members.with_email(email), password, proof=None, actor=actor)
    shown = [factors.factor("password", None, conf.now())]

    def accept() -> Discovery:
        current = [passwords.as_it_stands(member) for member in opened]
        for member in current:
            attempts.clear(member, Guard.Kind.PASSWORD)
        token = grants.begin(None, shown, actor, discovered=current)
        for member in sorted(current, key=lambda one: one.organization_id):  # the chains of two logins in one order
            record(Tag.PASSWORD_AUTHENTICATED, actor, member=member)
        return Discovery(current[0].email, [_discovered(one, shown) for one in current], token)

    return attempts.settle(accept)


def memberships(proof: Proof) -> Discovery:
    """Where the one who shows ``proof`` is a member, and what would be owed there."""
    found = people(proof)
    shown = proof.factors if proof else []
    return Discovery(found[0].email, [_discovered(one, _transferred(proof, one, shown)) for one in found])


@sensitive_variables()
def exchange(
    proof: Proof,
    organization: Organization,
    *,
    actor: Actor,
    minutes: int | None = None,
    claims: Mapping[str, Any] | None = None,
) -> LoggedIn:
    """Go on in ``organization`` with what was shown so far, as far as it counts there. Raises MemberNotFound.

    A session that is exchanged for one elsewhere ends; one that is exchanged for an intermediate session, or for
    itself, stays.
    """
    member = next((one for one in people(proof) if one.organization_id == organization.pk), None)
    if member is None or proof is None:
        raise errors.MemberNotFound
    grants.check_claims(None, claims)
    signing.ready()

    def accept() -> LoggedIn:
        current = members.lock(member)
        if not _is_same_person(proof, current):
            raise errors.MemberNotFound
        shown = _transferred(proof, current, proof.factors)
        left = proof if isinstance(proof, Session) and proof.member_id != current.pk else None
        if left:
            sessions.hold(left)
        done = logins.settle(current, None if left else proof, shown, minutes=minutes, claims=claims, actor=actor)
        if left and done.granted:
            sessions.revoke(left, actor=actor)
        record(Tag.SESSION_EXCHANGED, actor, member=current)
        return done

    return attempts.settle(accept)


@sensitive_variables()
def create_organization(
    proof: Proof,
    *,
    actor: Actor,
    name: str = "",
    minutes: int | None = None,
    claims: Mapping[str, Any] | None = None,
    **fields: Any,
) -> LoggedIn:
    """A new organization whose first member, its administrator, is the one who logged in by discovery.

    Without a ``name`` it has that of the e-mail address's domain. Raises OtherFactorRequired.
    """
    if not isinstance(proof, IntermediateSession):
        raise errors.IntermediateSessionNotFound
    grants.check_claims(None, claims)
    signing.ready()

    def accept() -> LoggedIn:
        known = members.lock(people(proof)[0])
        if not _is_same_person(proof, known):
            raise errors.IntermediateSessionNotFound
        standing.check_other_factors(known, actor)
        tenant = organizations.create(name=name or _domain(known.email), actor=actor, **fields)
        member = members.create(tenant, email=known.email, actor=actor, roles=[ADMIN_ROLE], **_login_of(known))
        return logins.settle(member, proof, proof.factors, minutes=minutes, claims=claims, actor=actor)

    return attempts.settle(accept)


def people(proof: Proof) -> list[Member]:
    """The members that the one who shows ``proof`` is. Raises NoSessionArguments without one.

    Raises IntermediateSessionNotFound for a login to one organization, which is no use in another.
    """
    if proof is None:
        raise errors.NoSessionArguments
    if isinstance(proof, Session):
        return members.with_email(proof.member.email) if proof.member.email_verified else [proof.member]
    found = [one for one in members.living(proof.discovered) if _is_same_person(proof, one)]
    if not found:
        raise errors.IntermediateSessionNotFound
    return found


def _is_same_person(proof: Session | IntermediateSession, member: Member) -> bool:
    """Whether ``member`` is, as it stands, one that the one who shows ``proof`` is."""
    if isinstance(proof, IntermediateSession):
        return bool(proof.discovered.get(str(member.pk)) == member.login_digest)
    same_address = proof.member.email_key == member.email_key
    vouched_for = proof.member.email_verified and member.email_verified
    return (same_address and vouched_for) or proof.member_id == member.pk


def _transferred(proof: Proof, member: Member, shown: Sequence[factors.Factor]) -> list[factors.Factor]:
    """Those of the factors ``shown`` that count for ``member``.

    A second factor is the one member's who showed it. So is a password, unless both log in as one Django user.
    """
    if isinstance(proof, Session) and proof.member_id != member.pk:
        one_user = member.user is not None and member.user.is_active and member.user_id == proof.member.user_id
        return factors.without_second(shown) if one_user else []
    return list(shown)


def _discovered(member: Member, shown: Sequence[factors.Factor]) -> Discovered:
    owed = logins.mfa_required(member) and not factors.has_second(shown)
    return Discovered(member, organizations.primary_met(member, shown), owed)


def _domain(email: str) -> str:
    return email.rpartition("@")[2][: organizations.LONGEST_NAME]


def _login_of(member: Member) -> dict[str, Any]:
    """What makes the same password open another membership of the same person, which is as well vouched for."""
    return {"user": member.user, "password": member.password, "email_verified": member.email_verified}
