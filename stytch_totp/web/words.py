"""What visitors are told of a refusal, in their language. ``errors`` speaks to developers."""

from collections.abc import Mapping
from datetime import datetime, timezone

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stytch_totp import errors

_WORDS: Mapping[type[errors.StytchError], str | Promise] = {
    errors.UnableToAuthenticateTOTP: gettext_lazy("That code is wrong. Enter the one that your app shows now."),
    errors.AuthenticatorClockOff: gettext_lazy(
        "That code belongs to another minute: the clock of your phone may be off. Let the phone set its time by "
        "itself, then enter a new code."
    ),
    errors.TOTPCodeAlreadyAuthenticated: gettext_lazy("That code was used already. Wait for the next one."),
    errors.ExpiredTOTP: gettext_lazy("This took too long. Start again with a new QR code."),
    errors.TOTPNotFound: gettext_lazy("There is nothing to confirm any more. Start again with a new QR code."),
    errors.UnableToAuthenticateRecoveryCode: gettext_lazy("That is none of your unused recovery codes."),
    errors.InvalidRecoveryCode: gettext_lazy("A recovery code looks like this: ckss-2skx-ebow."),
    errors.TOTPCodeUsedAsRecoveryCode: gettext_lazy(
        "That is a code from your app. A recovery code looks like this: ckss-2skx-ebow."
    ),
    errors.ServiceUnavailable: gettext_lazy("Something got in the way, and nothing was changed. Try again."),
    errors.TOTPRestricted: gettext_lazy(
        "Your organization doesn't allow authenticator apps. Ask whoever administers it what to use instead."
    ),
    errors.OnlyForActiveMembers: gettext_lazy("Your account isn't active. Ask whoever administers your organization."),
    errors.InsufficientFactors: gettext_lazy(
        "Your account has a second factor that this site can't ask for. Ask whoever administers your organization."
    ),
    errors.OtherFactorRequired: gettext_lazy(
        "You have an authenticator app for another organization. Switch to that one and enter its code first."
    ),
    errors.NotAMember: gettext_lazy("You aren't a member of this organization."),
    errors.RecoveryCodesNotViewable: gettext_lazy("Recovery codes can't be shown again here, only replaced."),
}
#: What a form tells beside its field; anything else is a page of its own.
CORRECTABLE = (
    errors.UnableToAuthenticateTOTP,
    errors.TOTPCodeAlreadyAuthenticated,
    errors.ExpiredTOTP,
    errors.TOTPNotFound,
    errors.UnableToAuthenticateRecoveryCode,
    errors.InvalidRecoveryCode,
    errors.TOTPCodeUsedAsRecoveryCode,
    errors.ServiceUnavailable,
    errors.Locked,
)


def say(error: errors.StytchError, at: int = 0) -> str:
    """``error`` for a visitor. ``at``: now, in seconds since the epoch, for those that pass."""
    if isinstance(error, errors.Locked):
        return locked(at + (error.retry_after or 0))
    return str(_WORDS.get(type(error)) or _("This can't be done."))


def locked(until: int) -> str:
    """Until when no code is accepted, with the zone: visitors are not always where the site is."""
    when = localtime(datetime.fromtimestamp(until, timezone.utc))
    shown = f"{date_format(when, 'DATETIME_FORMAT')} {when.tzname()}"
    return _("Too many wrong codes. You can try again after %(time)s.") % {"time": shown}
