"""What the factors shown so far are worth: a session, or an intermediate one and word of what is owed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from django.db import transaction

from stytch_totp import conf, errors
from stytch_totp.core import policy
from stytch_totp.core.factors import Factor, factor, has_second
from stytch_totp.models import IntermediateSession, Member, Session
from stytch_totp.operations import grants, organizations
from stytch_totp.operations.attempts import Proof
from stytch_totp.operations.audit import Actor, Tag, record


@dataclass(frozen=True)
class LoggedIn:
    """A login: its session, or the token of an intermediate session that owes a factor, or a User without either."""

    member: Member
    granted: grants.Granted | None
    intermediate_session_token: str = field(default="", repr=False)
    primary_met: bool = True
    mfa_owed: bool = False


def settle(
    member: Member,
    proof: Proof,
    shown: list[Factor],
    *,
    actor: Actor,
    token: str = "",
    minutes: int | None = None,
    claims: Mapping[str, Any] | None = None,
) -> LoggedIn:
    """Decide by contract 1.10, inside the caller's transaction, which has the member locked.

    ``token`` is that of the intermediate session which is the ``proof``, if one is. A pending member becomes active
    once the primary requirement is met (contract 7.23).
    """
    primary_met = organizations.primary_met(member, shown)
    if primary_met:
        _activate(member)
    satisfied = policy.mfa_satisfied(
        required=mfa_required(member), second_factor=has_second(shown), session=isinstance(proof, Session)
    )
    if primary_met and satisfied:
        draft = grants.draft(member, proof, shown, actor=actor, minutes=minutes, claims=claims, rotate=False)
        draft.write()
        return LoggedIn(member, draft.granted)
    if isinstance(proof, IntermediateSession) and proof.member_id:
        IntermediateSession.objects.refund(proof)
        IntermediateSession.objects.filter(pk=proof.pk).update(factors=shown)
        return LoggedIn(member, None, token, primary_met, not satisfied)
    # One that was nobody's is turned in for one of the member's own.
    if isinstance(proof, IntermediateSession) and not IntermediateSession.objects.consume(proof, conf.now()):
        raise errors.IntermediateSessionNotFound
    return LoggedIn(member, None, grants.begin(member, shown, actor), primary_met, not satisfied)


def begin_visit(member: Member, *, shown_at: int, minutes: int, actor: Actor) -> Session:
    """A session for somebody whom the site's own login has let in: a primary factor was shown at ``shown_at``.

    Nobody is told its token. It is where a second factor is kept, and what ends the visit when it is revoked.
    """
    drawn = grants.draft(member, None, [factor("password", None, shown_at)], actor=actor, minutes=minutes)
    with transaction.atomic():
        _activate(member)
        drawn.write()
        record(Tag.SESSION_BEGUN, actor, member=member)
    return cast("grants.Granted", drawn.granted).session


def _activate(member: Member) -> None:
    if member.status == Member.Status.PENDING:
        Member.objects.filter(pk=member.pk).update(status=Member.Status.ACTIVE)
        member.status = Member.Status.ACTIVE


def mfa_required(member: Member) -> bool:
    """Whether the member's login needs a second factor. A User's never does: there the back end decides (2.4)."""
    organization = member.organization
    required = policy.mfa_required(mfa_policy=organization.mfa_policy, mfa_enrolled=member.mfa_enrolled)
    return required and not member.is_consumer
