"""What a person at a page must have shown lately before their own factors may change hands.

A stolen session is worth what it was worth when it was stolen: it enrols no phone, removes none, and reads no
recovery codes, unless a factor was shown just now. A back end vouches for its callers, so none of this binds it.
"""

from collections.abc import Collection

from stytch_totp import conf, errors
from stytch_totp.core.factors import PRIMARY_FACTORS, SECOND_FACTORS, shown_at
from stytch_totp.models import Member, Session, TOTPRegistration
from stytch_totp.operations.attempts import Proof
from stytch_totp.operations.audit import Actor

FRESH_MINUTES = 60  # of the newest factor of a User's session (contract 6.7)


def check_may_add_factor(proof: Proof, actor: Actor) -> None:
    """A primary factor, lately. Raises InsufficientFactors or StaleFactors."""
    if actor.at_browser:
        _check(proof, PRIMARY_FACTORS, conf.conf().enrolment_minutes)


def check_may_remove_factor(proof: Proof, actor: Actor, member: Member | None = None) -> None:
    """A second factor, lately; a recovery code is one, since who lost the phone must be able to enrol another.

    On behalf of a ``member`` acting on itself, at any time (contract 7.17).
    """
    if actor.at_browser:
        _check(proof, SECOND_FACTORS, conf.conf().step_up_minutes)
        _check_categories(proof)
    elif proof and member and proof.member_id == member.pk:
        _check(proof, SECOND_FACTORS, 0)


def check_may_see_codes(proof: Proof, actor: Actor) -> None:
    """A TOTP code, lately. A recovery code doesn't do: whoever stole one would read the other nine."""
    if actor.at_browser:
        admitted = SECOND_FACTORS if conf.conf().recovery_shows_codes else {"totp"}
        _check(proof, admitted, conf.conf().step_up_minutes)
        _check_categories(proof)


def check_may_confirm(
    registration: TOTPRegistration, proof: Proof, actor: Actor, *, shown_elsewhere: bool = False
) -> None:
    """A pending TOTP is confirmed where it was created: a thief could plant a secret of their own for the owner to
    confirm. And no more freely than it would be created now: one that a thief began in time would outlive the day on
    which the owner enrols. Raises UnableToAuthenticateTOTP or OtherFactorRequired; nothing was compared.
    """
    if not actor.at_browser or registration.state != TOTPRegistration.State.PENDING:
        return
    elsewhere = registration.created_in is not None and (proof is None or proof.pk != registration.created_in)
    if elsewhere and conf.conf().bind_pending_totp:
        raise errors.UnableToAuthenticateTOTP
    if not shown_elsewhere:
        check_other_factors(registration.member, actor, but=registration.member)


def check_other_factors(member: Member, actor: Actor, *, but: Member | None = None) -> None:
    """A password alone gives a Django user who has a TOTP neither another phone nor another organization.

    With either its thief would owe nothing more wherever a site asks the user and not the member: in the admin, say.
    ``but``: whose TOTP doesn't count. Raises OtherFactorRequired.
    """
    if not actor.at_browser or member.user_id is None or not conf.conf().guard_other_factors:
        return
    active = TOTPRegistration.objects.filter(member__user=member.user_id, state=TOTPRegistration.State.ACTIVE)
    if (active if but is None else active.exclude(member=but)).exists():
        raise errors.OtherFactorRequired


def _check(proof: Proof, types: Collection[str], minutes: int) -> None:
    shown = shown_at(proof.factors, types) if proof else 0
    if not shown:
        raise errors.InsufficientFactors
    if minutes and shown + minutes * 60 < conf.now():
        raise errors.StaleFactors


def _check_categories(proof: Proof) -> None:
    """A User's session needs factors of two categories, one of them fresh (contract 6.7)."""
    if isinstance(proof, Session) and proof.member.is_consumer:
        _check(proof, PRIMARY_FACTORS, 0)
        if shown_at(proof.factors, PRIMARY_FACTORS | SECOND_FACTORS) + FRESH_MINUTES * 60 <= conf.now():
            raise errors.StaleFactors
