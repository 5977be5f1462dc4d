"""TOTP registrations and their recovery codes: made, imported, shown, replaced, removed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction

from stytch_totp import conf, errors
from stytch_totp.core import codes, factors, policy, qr, totp
from stytch_totp.models import Member, RecoveryCode, TOTPRegistration
from stytch_totp.operations import members, organizations
from stytch_totp.operations.attempts import Proof
from stytch_totp.operations.audit import Actor, Tag, record
from stytch_totp.operations.sessions import check_owner

DEFAULT_MINUTES = 60


@dataclass(frozen=True)
class Enrolment:
    """A pending registration. The secret and its QR code exist here and in the answer, never again."""

    member: Member
    registration: TOTPRegistration
    secret: str = field(repr=False)
    qr_code: str = field(repr=False)
    recovery_codes: list[str] = field(repr=False)


def create(member: Member, *, proof: Proof, actor: Actor, minutes: int = DEFAULT_MINUTES) -> Enrolment:
    """A pending registration, good for ``minutes``; it replaces a former pending one (contract 1.1)."""
    _check_may_enrol(member, proof)
    secret, recovery_codes = totp.generate_secret(), codes.generate_set()
    try:
        uri = totp.provisioning_uri(secret, issuer=_issuer(member), account=member.email)
        qr_code = qr.png_data_uri(uri)
    except ValueError as error:
        raise errors.BadRequest(f"The organization's name or the e-mail address is unusable: {error}.") from None
    now = conf.now()
    with transaction.atomic():
        current = members.lock(member)
        registration = TOTPRegistration(member=current, created_at=now, expires_at=now + minutes * 60)
        _insert(registration, secret, recovery_codes)
        record(Tag.TOTP_CREATED, actor, member=current)
    return Enrolment(current, registration, secret, qr_code, recovery_codes)


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
        if not current.default_mfa_method:
            Member.objects.filter(pk=current.pk).update(default_mfa_method=Member.DefaultMethod.TOTP)
        record(Tag.TOTP_MIGRATED, actor, member=current)
    return Enrolment(members.reload(current), registration, secret, "", kept)


def delete(member: Member, *, actor: Actor) -> Member:
    """Remove the registration and its codes. Sessions go on; the next login asks for MFA again (contract 1.8)."""
    with transaction.atomic():
        current = members.lock(member)
        if not current.registrations.all().delete()[0]:
            raise errors.TOTPNotFound
        # Only what the member still owns can be the default.
        default = Member.DefaultMethod.SMS_OTP if current.mfa_phone_verified else Member.DefaultMethod.NONE
        Member.objects.filter(pk=current.pk).update(default_mfa_method=default)
        record(Tag.TOTP_DELETED, actor, member=current)
    return members.reload(current)


def show_recovery_codes(member: Member, *, actor: Actor) -> list[str]:
    """The unused codes of the active registration, in clear; each showing is on record."""
    if not conf.conf().recovery_codes_viewable:
        raise errors.RecoveryCodesNotViewable
    unused = RecoveryCode.objects.filter(
        registration__member=member, registration__state=TOTPRegistration.State.ACTIVE, used_at=None
    )
    rows = unused.select_related("registration__member").order_by("position")
    shown = [row.reveal() for row in rows if row.sealed_code is not None]
    if not shown and not member.active_totp_id:
        raise errors.RecoveryCodesNotFound
    with transaction.atomic():
        record(Tag.RECOVERY_CODES_SHOWN, actor, member=member)
    return shown


def rotate_recovery_codes(member: Member, *, actor: Actor) -> list[str]:
    """Ten new codes; every former one is dead with the commit, spent or not (contract 1.6)."""
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


def _check_may_enrol(member: Member, proof: Proof, *, vouched: bool = False) -> None:
    check_owner(proof, member)
    if member.status != Member.Status.ACTIVE:
        raise errors.OnlyForActiveMembers
    if not organizations.totp_allowed(member):
        raise errors.TOTPRestricted
    if member.active_totp_id:
        raise errors.ActiveTOTPExists
    shown = vouched or (proof is not None and factors.has_second(proof.factors))
    if not policy.may_create_totp(active_factor=member.mfa_phone_verified, second_factor=shown):
        raise errors.InsufficientFactors


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


def _insert_codes(registration: TOTPRegistration, recovery_codes: Sequence[str]) -> None:
    RecoveryCode.objects.bulk_create(
        RecoveryCode.make(registration, position, code) for position, code in enumerate(recovery_codes)
    )


def _issuer(member: Member) -> str:
    return f"{conf.conf().project_name} ({member.organization.name})"
