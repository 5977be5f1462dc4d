"""Who needs a second factor, and with what: the organization's rules as pure functions."""

from collections.abc import Collection
from enum import Enum

REQUIRED_FOR_ALL, OPTIONAL = "REQUIRED_FOR_ALL", "OPTIONAL"
RESTRICTED, ALL_ALLOWED = "RESTRICTED", "ALL_ALLOWED"
TOTP, SMS_OTP = "totp", "sms_otp"


def mfa_required(*, mfa_policy: str, mfa_enrolled: bool) -> bool:
    """Whether a login needs a second factor (contract 6.15). Break-glass members are not exempt."""
    return mfa_policy == REQUIRED_FOR_ALL or mfa_enrolled


def method_allowed(method: str, *, rule: str, allowed: Collection[str], breakglass: bool) -> bool:
    """Whether a RESTRICTED list admits ``method``. Break-glass members are exempt (contract 6.15)."""
    return rule != RESTRICTED or breakglass or method in allowed


def mfa_satisfied(*, required: bool, second_factor: bool, session: bool) -> bool:
    """Whether a login is complete: a live session of the member has answered for MFA already."""
    return not required or second_factor or session


def may_create_totp(*, active_factor: bool, second_factor: bool) -> bool:
    """Whether a TOTP may be created (contract 1.1, rule 3).

    Who owns a factor must show it first: otherwise a stolen password alone enrols the thief's own phone.
    """
    return second_factor or not active_factor


class Gate(Enum):
    """What stands between a visitor who is logged in and a guarded view."""

    OPEN = "open"
    VERIFY = "verify"
    ENROL = "enrol"


def gate(*, required: bool, enrolled: bool, shown_at: int, oldest: int = 1) -> Gate:
    """``shown_at``: when the session last showed a second factor, 0 if it never did; ``oldest``: the least that counts.

    A member who owes a factor and has none may enrol one, and nothing else.
    """
    if not required or shown_at >= max(1, oldest):
        return Gate.OPEN
    return Gate.VERIFY if enrolled else Gate.ENROL
