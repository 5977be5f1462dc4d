"""The one place where a TOTP code is judged and spent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from stytch_totp import conf, errors
from stytch_totp.core import codes, policy, totp
from stytch_totp.core.factors import factor
from stytch_totp.core.sealing import SealError
from stytch_totp.models import Guard, IntermediateSession, Member, TOTPRegistration
from stytch_totp.operations import attempts, grants, organizations, sessions, standing
from stytch_totp.operations.attempts import Proof
from stytch_totp.operations.audit import Actor, Tag, record

Enrollment = Literal["enroll", "unenroll"]


@dataclass(frozen=True)
class Verified:
    """A TOTP that was accepted, and the session that it earned: None for a User who asked for none."""

    member: Member
    registration: TOTPRegistration
    granted: grants.Granted | None


@sensitive_variables()
def authenticate(
    member: Member,
    *,
    code: object,
    proof: Proof,
    actor: Actor,
    minutes: int | None = None,
    claims: Mapping[str, Any] | None = None,
    set_mfa_enrollment: Enrollment | None = None,
    set_default_mfa: bool = False,
    shown_elsewhere: bool = False,
) -> Verified:
    """Accept ``code`` once, as the second factor of ``member``; the first one makes a pending registration active.

    ``shown_elsewhere``: as in ``enrolment.create``; what was pending before the user had another TOTP isn't confirmed
    without that one, either.

    Raises InvalidTOTPCode (nothing charged), Locked, UnableToAuthenticateTOTP (AuthenticatorClockOff is one),
    TOTPCodeAlreadyAuthenticated, ExpiredTOTP, TOTPNotFound, and as ``check_second_step``,
    ``standing.check_may_confirm`` and ``grants.Draft.write`` do.
    """
    if not totp.is_code(code):
        raise errors.RecoveryCodeUsedAsTOTPCode if codes.canonical(code) else errors.InvalidTOTPCode
    check_second_step(member, proof)
    grants.check_claims(proof, claims)
    registration = _registration(member)
    standing.check_may_confirm(registration, proof, actor, shown_elsewhere=shown_elsewhere)
    attempts.charge(member, Guard.Kind.TOTP, proof, actor)

    secret = _opened(registration, actor)
    step = totp.matching_step(secret, str(code), at=conf.now())
    if step is None:
        raise _refused(registration, secret, str(code), actor)
    if step > registration.last_step:
        shown = grants.with_factor(proof, factor("totp", registration.pk, conf.now()))
        draft = grants.draft(member, proof, shown, actor=actor, minutes=minutes, claims=claims)
        changes = _member_changes(member, set_mfa_enrollment, set_default_mfa)
        try:
            attempts.settle(lambda: _accept(registration, step, draft, changes, actor))
        except _Spent:
            pass
        else:
            return Verified(_as_changed(member, registration, changes), registration, draft.granted)
    attempts.refund(member, Guard.Kind.TOTP, proof, Tag.TOTP_REPLAYED, actor)
    raise errors.TOTPCodeAlreadyAuthenticated


def check_second_step(member: Member, proof: Proof) -> None:
    """Whether ``proof`` is one on which ``member`` may show a second factor. Charges nothing.

    A Member's second factor is never the first: a session, or an intermediate session that met the organization's
    primary requirement, comes before it (contract 1.2, rule 5). What a User's is worth is the back end's to say
    (contract 2.4).
    """
    sessions.check_owner(proof, member)
    if member.is_consumer:
        return
    begun = isinstance(proof, IntermediateSession)
    if proof is None or (begun and not organizations.primary_met(member, proof.factors)):
        raise errors.PrimaryAuthenticationRequired
    if member.status != Member.Status.ACTIVE:
        raise errors.OnlyForActiveMembers
    if not organizations.totp_allowed(member):
        raise errors.TOTPRestricted


def _opened(registration: TOTPRegistration, actor: Actor) -> bytes:
    """The secret. One that doesn't open, because its key is gone or somebody put another's in its place, lets nobody in
    and is on record (CR-03, CR-07). Raises SealError.
    """
    try:
        return registration.reveal()
    except SealError:
        with transaction.atomic(durable=True):
            record(Tag.TOTP_UNREADABLE, actor, member=registration.member)
        raise


class _Spent(Exception):
    """Another request claimed the step first, or the registration is gone."""


@sensitive_variables()
def _refused(registration: TOTPRegistration, secret: bytes, code: str, actor: Actor) -> errors.StytchError:
    """Put a wrong code on record, and tell whether it is one of another minute: a phone whose clock is off.

    A guesser who is told that a code will be right soon would wait for it, so it never will be.
    """
    now = conf.now()
    near = totp.matching_step(secret, code, at=now, window=totp.CLOCK_WINDOW)
    if near is not None and near > totp.step_at(now):
        TOTPRegistration.objects.burn(registration, near)
    attempts.refuse(registration.member, Guard.Kind.TOTP, Tag.TOTP_REFUSED, actor)
    return errors.UnableToAuthenticateTOTP() if near is None else errors.AuthenticatorClockOff()


def _registration(member: Member) -> TOTPRegistration:
    """The active registration, else the pending one."""
    rows = member.registration_by_state
    found = rows.get(TOTPRegistration.State.ACTIVE) or rows.get(TOTPRegistration.State.PENDING)
    if found is None:
        raise errors.TOTPNotFound
    if found.state == TOTPRegistration.State.PENDING and found.expires_at <= conf.now():
        # Written down, so that a clock set back doesn't make it good again.
        TOTPRegistration.objects.filter(pk=found.pk, state=found.state).update(expires_at=0)
        raise errors.ExpiredTOTP
    return found


def _member_changes(member: Member, enrollment: Enrollment | None, make_default: bool) -> dict[str, Any]:
    """What a success changes on the member (contract 6.5): usually nothing."""
    wanted: dict[str, Any] = {"has_active_totp": True}
    if enrollment and member.organization.mfa_policy != policy.REQUIRED_FOR_ALL:
        wanted["mfa_enrolled"] = enrollment == "enroll"
    if make_default or not member.default_mfa_method:
        wanted["default_mfa_method"] = Member.DefaultMethod.TOTP
    if member.is_consumer:
        wanted["status"] = Member.Status.ACTIVE  # a pending User becomes active by the first factor that is shown
    return {name: value for name, value in wanted.items() if getattr(member, name) != value}


def _accept(
    registration: TOTPRegistration, step: int, draft: grants.Draft, changes: dict[str, Any], actor: Actor
) -> None:
    """All of a success or nothing of it. Raises _Spent if the step is not to be had any more.

    The member, the code, the guard, the intermediate session: always locked in this order, so that two
    successes can't wait for each other.
    """
    member, now = registration.member, conf.now()
    pending = registration.state == TOTPRegistration.State.PENDING
    # An activation locks the member even if it changes nothing there: no new registration is made beside it.
    if (changes or pending) and not Member.objects.filter(pk=member.pk).update(**changes, updated_at=now):
        raise _Spent
    if not TOTPRegistration.objects.spend(registration, step, now):
        raise _Spent
    attempts.clear(member, Guard.Kind.TOTP)
    draft.write()
    record(Tag.TOTP_ACTIVATED if pending else Tag.TOTP_AUTHENTICATED, actor, member=member)


def _as_changed(member: Member, registration: TOTPRegistration, changes: dict[str, Any]) -> Member:
    """The member as the commit left it, without asking the database again."""
    for name, value in changes.items():
        setattr(member, name, value)
    registration.state = TOTPRegistration.State.ACTIVE
    member.registration_by_state = {registration.state: registration}
    return member
