"""The one place where a recovery code is judged and spent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.views.decorators.debug import sensitive_variables

from stytch_totp import conf, errors
from stytch_totp.core import codes, totp
from stytch_totp.core.factors import factor
from stytch_totp.models import Guard, Member, RecoveryCode, TOTPRegistration
from stytch_totp.operations import attempts, grants
from stytch_totp.operations.attempts import Proof
from stytch_totp.operations.audit import Actor, Tag, record
from stytch_totp.operations.verification import check_second_step


@dataclass(frozen=True)
class Recovered:
    """A recovery code that was accepted, how many are left, and the session that it earned, if any."""

    member: Member
    registration: TOTPRegistration
    granted: grants.Granted | None
    remaining: int


@sensitive_variables()
def recover(
    member: Member,
    *,
    code: object,
    proof: Proof,
    actor: Actor,
    minutes: int | None = None,
    claims: Mapping[str, Any] | None = None,
) -> Recovered:
    """Accept ``code`` once, in place of the authenticator app, which stays registered (contract 1.5).

    Raises InvalidRecoveryCode (nothing charged), Locked, UnableToAuthenticateRecoveryCode,
    NoRecoveryCodeBackedFactor and what ``check_second_step`` and ``grants.Draft.write`` raise.
    """
    canonical = codes.canonical(code, foreign=conf.conf().foreign_recovery_codes)
    if canonical is None:
        raise errors.TOTPCodeUsedAsRecoveryCode if totp.is_code(code) else errors.InvalidRecoveryCode
    check_second_step(member, proof)
    grants.check_claims(proof, claims)
    registration = member.registration_by_state.get(TOTPRegistration.State.ACTIVE)
    if registration is None:
        raise errors.NoRecoveryCodeBackedFactor
    attempts.charge(member, Guard.Kind.RECOVERY, proof, actor)

    row = RecoveryCode.objects.find(registration, canonical)
    if row is None:
        attempts.refuse(member, Guard.Kind.RECOVERY, Tag.RECOVERY_CODE_REFUSED, actor)
        raise errors.UnableToAuthenticateRecoveryCode
    if row.used_at is None:
        shown = grants.with_factor(proof, factor("recovery_codes", row.pk, conf.now()))
        draft = grants.draft(member, proof, shown, actor=actor, minutes=minutes, claims=claims)
        try:
            remaining = attempts.settle(lambda: _accept(row, draft, member, actor))
        except _Spent:
            pass
        else:
            return Recovered(member, registration, draft.granted, remaining)
    attempts.refund(member, Guard.Kind.RECOVERY, proof, Tag.RECOVERY_CODE_REPLAYED, actor)
    raise errors.UnableToAuthenticateRecoveryCode


class _Spent(Exception):
    """Another request used the code first, or the set was rotated away."""


def _accept(code: RecoveryCode, draft: grants.Draft, member: Member, actor: Actor) -> int:
    """All of a success or nothing of it; the number of codes left. Locks in the order of ``verification``."""
    if not RecoveryCode.objects.spend(code, conf.now()):
        raise _Spent
    attempts.clear(member, Guard.Kind.RECOVERY)
    draft.write()
    record(Tag.RECOVERY_CODE_SPENT, actor, member=member)
    return RecoveryCode.objects.unused(code.registration_id).count()
