"""TOTP registrations and their recovery codes: made, imported, shown, replaced, removed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.views.decorators.debug import sensitive_variables

from stytch_totp import conf, errors
from stytch_totp.core import codes, factors, policy, qr, totp
from stytch_totp.models import IntermediateSession, Member, RecoveryCode, TOTPRegistration
from stytch_totp.operations import members, organizations, sessions, standing
from stytch_totp.operations.attempts import Proof, settle
from stytch_totp.operations.audit import Actor, Tag, record
from stytch_totp.operations.sessions import check_owner

DEFAULT_MINUTES, USER_MINUTES = 60, 1440


@dataclass(frozen=True)
class Enrolment:
    """A pending registration. The secret and its QR code exist here and in the answer, never again."""

    member: Member
    registration: TOTPRegistration
    secret: str = field(repr=False)
    recovery_codes: list[str] = field(repr=False)
    #: As data URI, of ``uri``: the address that opens an authenticator app on the same device. Empty if imported.
    qr_code: str = field(default="", repr=False)
    uri: str = field(default="", repr=False)


@sensitive_variables()
def create(
    member: Member, *, proof: Proof, actor: Actor, minutes: int = DEFAULT_MINUTES, shown_elsewhere: bool = False
) -> Enrolment:
    """A pending registration, good for ``minutes``; it replaces a former pending one (contract 1.1).

    A page needs a session or an intermediate session with a primary factor that is fresh enough, and of a Django user
    who has a TOTP as another member that it was ``shown_elsewhere``. Raises OtherFactorRequired.
    """
    _check_may_enrol(member, proof)
    if (
        actor.at_browser
        and isinstance(proof, IntermediateSession)
        and not organizations.primary_met(member, proof.factors)
    ):
        raise errors.PrimaryAuthenticationRequired
    standing.check_may_add_factor(proof, actor)
    if not shown_elsewhere:
        standing.check_other_factors(member, actor, but=member)
    secret, recovery_codes = totp.generate_secret(), codes.generate_set()
    try:
        uri = totp.provisioning_uri(secret, issuer=issuer(member), account=account(member))
        qr_code = qr.png_data_uri(uri)
    except ValueError as error:
        raise errors.BadRequest(f"The organization's name or the e-mail address is unusable: {error}.") from None
    now = conf.now()
    with transaction.atomic():
        current = members.lock(member)
        registration = TOTPRegistration(member=current, created_at=now, expires_at=now + minutes * 60)
        registration.created_in = proof.pk if proof and actor.at_browser else None
        _insert(registration, secret, recovery_codes)
        record(Tag.TOTP_CREATED, actor, member=current)
    current.registration_by_state = {registration.state: registration}
    return Enrolment(current, registration, secret, recovery_codes, qr_code, uri)


@sensitive_variables()
def migrate(member: Member, *, secret: str, recovery_codes: Sequence[object], actor: Actor) -> Enrolment:
    """An active registration with a secret that another provider made and the member has verified there.

    Without recovery codes ten are minted. Raises InvalidTOTPSecret, InvalidRecoveryCode, ActiveTOTPExists.
    """
    _check_may_enrol(member, None, vouched=True)
    try:
        totp.decode_secret(secret)
    except ValueError:
        raise errors.InvalidTOTPSecret from None
    try:
        given = codes.check_import(recovery_codes, foreign=conf.conf().foreign_recovery_codes)
    except ValueError as error:
        raise errors.InvalidRecoveryCode(f"recovery_codes: {error}.") from None
    kept, now = given or codes.generate_set(), conf.now()
    with transaction.atomic():
        current = members.lock(member)
        registration = TOTPRegistration(
            member=current, state=TOTPRegistration.State.ACTIVE, created_at=now, verified_at=now, expires_at=0
        )
        _insert(registration, secret, kept)
        default = current.default_mfa_method or Member.DefaultMethod.TOTP
        Member.objects.filter(pk=current.pk).update(default_mfa_method=default, has_active_totp=True)
        record(Tag.TOTP_MIGRATED, actor, member=current)
    return Enrolment(members.reload(current), registration, secret, kept)


def delete(member: Member, *, actor: Actor, proof: Proof = None, unenroll: bool = False) -> Member:
    """Remove the registration and its codes. Sessions go on; the next login asks for MFA again (contract 1.8), or, if
    the member is to ``unenroll``, only where the organization requires it.

    ``proof`` is the session of who asks, at a page: a verified TOTP is removed only after a second factor.
    """
    if member.active_totp_id:
        standing.check_may_remove_factor(proof, actor, member)
    return settle(lambda: _remove(member, proof, actor, unenroll=unenroll))


@sensitive_variables()
def show_recovery_codes(
    member: Member, *, actor: Actor, proof: Proof = None, pending: bool = False
) -> list[tuple[TOTPRegistration, list[str]]]:
    """The unused codes of the active registration, if asked also of a ``pending`` one, in clear; it is on record.

    ``proof`` is the session of who asks, at a page: it needs a fresh TOTP code. Raises RecoveryCodesNotFound.
    """
    if not conf.conf().recovery_codes_viewable:
        raise errors.RecoveryCodesNotViewable
    standing.check_may_see_codes(proof, actor)
    active = TOTPRegistration.State.ACTIVE
    wanted = [row for row in member.registration_by_state.values() if pending or row.state == active]
    if not wanted:
        raise errors.RecoveryCodesNotFound
    shown = [(registration, _unused(registration)) for registration in wanted]
    with transaction.atomic():
        record(Tag.RECOVERY_CODES_SHOWN, actor, member=member)
    return shown


def count_recovery_codes(registration: TOTPRegistration) -> int:
    """How many of its codes are unused."""
    return RecoveryCode.objects.unused(registration.pk).count()


@sensitive_variables()
def rotate_recovery_codes(member: Member, *, actor: Actor, proof: Proof = None) -> list[str]:
    """Ten new codes; every former one is dead with the commit, spent or not (contract 1.6)."""
    standing.check_may_see_codes(proof, actor)
    fresh, registration = codes.generate_set(), member.registration_by_state.get(TOTPRegistration.State.ACTIVE)
    if registration is None:
        raise errors.NoRecoveryCodeBackedFactor
    with transaction.atomic():
        # The registration and not the member is the lock: a code that is being spent will want the member's row
        # (MariaDB reads it to insert a session) while it holds its own, which is deleted here.
        if not TOTPRegistration.objects.lock(registration):
            raise errors.NoRecoveryCodeBackedFactor
        registration.recovery_codes.all().delete()
        _insert_codes(registration, fresh)
        record(Tag.RECOVERY_CODES_ROTATED, actor, member=member)
    return fresh


def _remove(member: Member, proof: Proof, actor: Actor, *, unenroll: bool) -> Member:
    hold_factors(member)
    current = members.reload(member)
    if current.active_totp_id and not member.active_totp_id:
        standing.check_may_remove_factor(proof, actor, member)  # activated since it was read
    # Only what the member still owns can be the default.
    default = Member.DefaultMethod.SMS_OTP if current.mfa_phone_verified else Member.DefaultMethod.NONE
    changes: dict[str, Any] = {"mfa_enrolled": False} if unenroll else {}
    if not members.drop_totp(current, default_mfa_method=default, **changes):
        raise errors.TOTPNotFound
    if conf.conf().forget_deleted_totp:
        sessions.forget_second_factors(current)
    record(Tag.TOTP_DELETED, actor, member=current)
    return members.reload(current)


def hold_factors(member: Member) -> None:
    """Lock the member with its registrations for the rest of the transaction; their recovery codes are gone.

    Before anything is read, so that what is read then has every step-up by them that is still to count. The member
    comes after them: a login by a code wants the member's row (MariaDB) while it holds its own.
    """
    TOTPRegistration.objects.filter(member=member).update(last_step=F("last_step"))
    RecoveryCode.objects.filter(registration__in=[row.pk for row in member.registration_by_state.values()]).delete()
    members.hold(member)


def _check_may_enrol(member: Member, proof: Proof, *, vouched: bool = False) -> None:
    check_owner(proof, member)
    if member.status != Member.Status.ACTIVE and not member.is_consumer:
        raise errors.OnlyForActiveMembers
    if not organizations.totp_allowed(member):
        raise errors.TOTPRestricted
    if member.active_totp_id:
        raise errors.ActiveTOTPExists
    shown = vouched or (proof is not None and factors.has_second(proof.factors))
    if not policy.may_create_totp(active_factor=member.mfa_phone_verified, second_factor=shown):
        raise errors.InsufficientFactors


@sensitive_variables()
def _insert(registration: TOTPRegistration, secret: str, recovery_codes: Sequence[str]) -> None:
    """Write a registration in place of a pending one, under the member's lock."""
    member = registration.member
    if member.active_totp_id:
        raise errors.ActiveTOTPExists
    member.registrations.filter(state=TOTPRegistration.State.PENDING).delete()
    registration.seal(secret)
    try:
        with transaction.atomic():
            registration.save(force_insert=True)
    except IntegrityError:
        raise errors.ActiveTOTPExists from None  # activated since the member was locked
    _insert_codes(registration, recovery_codes)


@sensitive_variables()
def _insert_codes(registration: TOTPRegistration, recovery_codes: Sequence[str]) -> None:
    RecoveryCode.objects.bulk_create(
        RecoveryCode.make(registration, position, code) for position, code in enumerate(recovery_codes)
    )


def _unused(registration: TOTPRegistration) -> list[str]:
    rows = RecoveryCode.objects.unused(registration.pk)
    kept = rows.select_related("registration__member").order_by("position")
    return [row.reveal() for row in kept if row.sealed_code is not None]


def issuer(member: Member) -> str:
    """Under what name authenticator apps list the member's codes."""
    project = conf.conf().project_name
    return totp.issuer_shown(project if member.is_consumer else f"{project} ({member.organization.name})")


def account(member: Member) -> str:
    """Whose codes they are, in the words of the person who has them."""
    return member.email or member.mfa_phone_number or (member.user.get_username() if member.user else "")
