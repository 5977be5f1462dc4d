"""What keeps secrets out of logs, error mails and error trackers. ``docs/logging.md`` says how to wire it.

Three things give a secret away: the name that it stands under, its form, and that it is in this project's settings.
What has neither name nor form, a password in the middle of a sentence, can't be known for one: our own
code writes none.
"""

from stytch_totp.scrubbing.exceptions import hush, stand_in
from stytch_totp.scrubbing.forms import HIDDEN, SECRET_ENDINGS, SECRET_NAMES, is_secret
from stytch_totp.scrubbing.logs import SecretsFilter
from stytch_totp.scrubbing.reports import ReporterFilter, scrub_event, shield, shield_own
from stytch_totp.scrubbing.values import one_line, scrub, unquoted

__all__ = [
    "HIDDEN",
    "SECRET_ENDINGS",
    "SECRET_NAMES",
    "ReporterFilter",
    "SecretsFilter",
    "hush",
    "is_secret",
    "one_line",
    "scrub",
    "scrub_event",
    "shield",
    "shield_own",
    "stand_in",
    "unquoted",
]
