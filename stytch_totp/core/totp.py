"""RFC 6238 time-based one-time passcodes, as every authenticator app computes them: SHA-1, 6 digits, 30 s.

>>> hotp(b"12345678901234567890", 1)  # RFC 4226, appendix D
'287082'
>>> hotp(b"12345678901234567890", step_at(59))  # RFC 6238, appendix B
'287082'
"""

import base64
import binascii
import hashlib
import hmac
import re
import unicodedata
from urllib.parse import quote

import pyotp

DIGITS = 6
PERIOD = 30
#: Steps accepted on each side of the current one (RFC 6238, 5.2: at most one is recommended).
WINDOW = 1
#: Steps on each side in which a refused code still tells that the authenticator's clock is off: ten minutes in all.
CLOCK_WINDOW = 10
SECRET_CHARACTERS = 32  # of 5 bits each: the 160 bits that RFC 4226, section 4, recommends
MINIMUM_SECRET_BYTES = 16  # RFC 4226, section 4, R6: at least 128 bits
MAXIMUM_SECRET_BYTES = 128
ISSUER_CHARACTERS = 64
ACCOUNT_CHARACTERS = 254

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
_CODE = re.compile(rf"[0-9]{{{DIGITS}}}")
_BASE32 = re.compile(r"[A-Z2-7]+={0,6}")


def is_code(value: object) -> bool:
    """Whether ``value`` is a string of exactly six ASCII digits.

    Nothing is trimmed or normalised: a second spelling of a code would be a second try at it.
    """
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def step_at(at: float) -> int:
    """The number of whole periods between the Unix epoch and ``at`` (seconds)."""
    return int(at // PERIOD)


def hotp(secret: bytes, counter: int, *, digits: int = DIGITS, algorithm: str = "sha1") -> str:
    """The RFC 4226 value of ``counter`` (0 to 2**64 - 1), leading zeros kept."""
    digest = hmac.digest(secret, counter.to_bytes(8, "big"), getattr(hashlib, algorithm))
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def matching_step(secret: bytes, code: str, *, at: float, window: int = WINDOW) -> int | None:
    """The largest step within ``window`` of ``at`` whose code is ``code``, or None.

    Every candidate is compared, in constant time and without an early exit, so that the time taken tells
    neither which step matched nor how many digits did. The largest match is returned because spending it
    spends the smaller ones too: a code that happens to be right for two steps works once.
    """
    now, given, found = step_at(at), code.encode(), None
    for step in range(max(0, now - window), now + window + 1):
        if hmac.compare_digest(hotp(secret, step).encode(), given):
            found = step
    return found


def generate_secret() -> str:
    """A new random secret: 160 bits as 32 base32 characters, no padding."""
    return pyotp.random_base32(SECRET_CHARACTERS)


def grouped(secret: str) -> str:
    """A secret as people read it off a screen: in fours."""
    return " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))


def decode_secret(text: str) -> bytes:
    """The bytes of a base32 secret, padding optional.

    Raises ValueError unless ``text`` is canonical base32 (upper case, unused bits zero) of 128 to 1024 bits.
    """
    if len(text) > 2 * MAXIMUM_SECRET_BYTES or not _BASE32.fullmatch(text):
        raise ValueError("not base32")
    bare = text.rstrip("=")
    padded = bare + "=" * (-len(bare) % 8)
    try:
        secret = base64.b32decode(padded)
    except binascii.Error as error:
        raise ValueError("not base32") from error
    if text not in (bare, padded) or base64.b32encode(secret).decode() != padded:
        raise ValueError("not canonical base32")
    if not MINIMUM_SECRET_BYTES <= len(secret) <= MAXIMUM_SECRET_BYTES:
        raise ValueError("a secret has 128 to 1024 bits")
    return secret


def is_displayable(text: str) -> bool:
    """Whether ``text`` shows what it is: no control, line break, bidirectional override or lone surrogate.

    The joiners that Persian, Indic scripts and emoji need are no disguise.
    """
    return all(character in _JOINERS or unicodedata.category(character) not in _HIDDEN for character in text)


def issuer_shown(issuer: str) -> str:
    """An issuer as apps list it: without colons, which separate it from the account, and of 64 characters at most."""
    return issuer.replace(":", "")[:ISSUER_CHARACTERS].strip()


def provisioning_uri(secret: str, *, issuer: str, account: str) -> str:
    """The ``otpauth://`` address that authenticator apps read from a QR code.

    ``issuer`` is cut to 64 characters and ``account`` to 254; colons are dropped from both because the label
    separates them by one. Raises ValueError for characters that would show something else than they are.
    """
    if not is_displayable(issuer + account):
        raise ValueError("control and formatting characters can't stand in an otpauth address")
    issuer, account = (
        quote(issuer_shown(issuer), safe=""),
        quote(account.replace(":", "")[:ACCOUNT_CHARACTERS], safe=""),
    )
    return (
        f"otpauth://totp/{issuer}:{account}"
        f"?algorithm=SHA1&digits={DIGITS}&period={PERIOD}&secret={secret}&issuer={issuer}"
    )
