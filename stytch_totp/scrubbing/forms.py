"""How a secret is known: by its name, by its form in text, or as one of this project's own."""

import re
from collections.abc import Iterator, Mapping

from django.conf import settings

from stytch_totp.conf import SETTING, SHORTEST_SECRET
from stytch_totp.core.codes import GROUP_LENGTH

#: What stands in a secret's place.
HIDDEN = "[hidden]"
#: Names of secrets, in lower case and with underscores; ``X-Stytch-Member-Session`` and ``recoveryCode`` fit, too.
SECRET_NAMES = frozenset(
    {
        *("code", "codes", "totp_code", "recovery_code", "recovery_codes", "backup_code", "backup_codes", "otp"),
        *("qr_code", "otpauth", "uri", "hash", "keyring", "authorization", "proxy_authorization", "csrf", "sessionid"),
        *("secret_key", "secret_key_fallbacks", "private_key", "stytch_member_session", SETTING.lower()),
    }
)
#: Ends of the names of others: ``intermediate_session_token``, ``session_jwt``, ``csrftoken``, ``Set-Cookie``.
SECRET_ENDINGS = tuple(f"{word}{s}" for word in ("token", "jwt", "secret", "password", "cookie") for s in ("", "s"))
LONGEST_NAME = 64
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PREFIX = re.compile(r"(?:http_)?(?:x_)?")

# Every repetition below is bounded, or begins where no other attempt at the same characters does: time is linear in the
# text, whatever an attacker writes into it.
#: Before a form: no character of it, or an escape that ends in a letter, as ``repr`` and addresses write them.
_START = r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
_GROUP = rf"[A-Za-z0-9]{{{GROUP_LENGTH}}}"
_BY_FORM: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(form), kept + HIDDEN)
    for form, kept in (
        (r"otpauth(?:://|%3A%2F%2F)[^\s\"'<>]*", ""),
        (r"data:image/[a-z+]{1,16};base64,[A-Za-z0-9+/=%]*", ""),
        (r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]*(?:-----END [A-Z ]{0,40}-----)?", ""),
        (r"secret-(?:test|live)-[A-Za-z0-9_=.+/~-]{8,}", ""),
        # A JWT
        (_START + r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", ""),
        # Credentials of a header; "basic authentication" is none.
        (
            r"\b((?i:basic|bearer)(?:\s|%20|\+){1,4})(?=[^\s\"']{0,64}[0-9A-Z=_])[A-Za-z0-9+/=._~-]{4,}",
            r"\1",
        ),
        # The key of a keyring's entry
        (r"(?<=:)[A-Za-z0-9+/]{43}=(?!=)", ""),
        # A session token. Capitals and small letters tell it from names in a traceback.
        (
            _START + r"(?=[a-z0-9_-]{0,43}[A-Z])(?=[A-Z0-9_-]{0,43}[a-z])[A-Za-z0-9_-]{43}[A-Za-z0-9_=-](?![\w=-])",
            "",
        ),
        # A recovery code, in any case: three groups, and not the first or the middle three of a UUID's five
        (
            rf"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{{2}})){_GROUP}-{_GROUP}-{_GROUP}(?!-?[A-Za-z0-9])",
            "",
        ),
        # A TOTP secret, as it is and as people read it
        (_START + r"[A-Z2-7]{26,}={0,6}(?![A-Za-z0-9=])", ""),
        (_START + r"(?:[A-Z2-7]{4} ){6,51}[A-Z2-7]{1,4}(?![A-Za-z0-9])", ""),
        # A password's hash: crypt's and Django's
        (r"\$(?:2[abxy]?|argon2(?:id|i|d)|scrypt|[156])\$[^\s\"',]+", ""),
        (r"(?:pbkdf2_sha\d{1,3}|scrypt|argon2|bcrypt(?:_sha256)?|md5)\$[^\s\"',]+", ""),
    )
)
#: A name and its value in text: of an address, a form, JSON, a repr, a header.
_PAIR = re.compile(
    r"""(?P<name>tokens?|jwts?|secrets?|passwords?|cookies?|authorization|keyring|otpauth
        |(?:totp|recovery|backup|qr)[_-]?codes?|stytch[_-]member[_-]session|sessionid
        |(?<![a-z0-9])(?:codes?|otp|hash|uri|csrf|secret_key|private_key))
    (?P<sign>(?:\\?["'])?\s{0,4}(?:=|:|%3D)\s{0,4})
    (?P<value>(?:b?\\"[^"\\]{0,4096}\\"|b?"(?:[^"\\]|\\.){0,4096}"|b?'(?:[^'\\]|\\.){0,4096}'
        |\[[^\]]{0,1024}\]|\([^)]{0,1024}\)|\{[^}]{0,1024}\})
        |\\?["']?[^\s"'&,;()\[\]{}<>\\]{1,4096})""",
    re.IGNORECASE | re.VERBOSE,
)
#: Words of prose, too: before a mere colon they name a secret only if six digits follow.
_PROSE = frozenset({"code", "codes", "otp", "hash", "uri", "csrf", "secret", "secrets", "token", "tokens"})
_HEADER = re.compile(r"\b((?i:authorization|cookie|set-cookie)\s{0,4}:\s{0,4})(?=[^\s\[])[^\r\n]+")
_SIX_DIGITS = re.compile(r"(?<![A-Za-z0-9.-])[0-9]{6}(?![A-Za-z0-9-])")
_QUOTES = ("\\'", '\\"', "'", '"')
_NOTHING = frozenset({"", "none", "null", "true", "false", HIDDEN, HIDDEN[1:-1]})


def is_secret(name: object) -> bool:
    """Whether a value under this name is one to hide."""
    if isinstance(name, bytes):
        name = name.decode("latin-1")
    if not isinstance(name, str):
        return False
    plain = _CAMEL.sub("_", name[-LONGEST_NAME:]).replace("-", "_").lower()
    return _PREFIX.sub("", plain, count=1) in SECRET_NAMES or plain.endswith(SECRET_ENDINGS)


def scrub_text(text: str) -> str:
    """``text`` without what has the form of a secret, is one of this project's, or stands behind a secret's name."""
    for secret in _configured():
        text = text.replace(secret, HIDDEN)
    for form, replacement in _BY_FORM:
        text = form.sub(replacement, text)
    return _PAIR.sub(_without_value, _HEADER.sub(rf"\1{HIDDEN}", text))


def hide_codes(text: str) -> str:
    """``text`` without any six digits that stand alone: in an exception's words they are likelier a code than not."""
    return _SIX_DIGITS.sub(HIDDEN, text)


def _without_value(pair: re.Match[str]) -> str:
    name, sign, value = pair["name"], pair["sign"], pair["value"].removeprefix("b")
    quote = next((mark for mark in _QUOTES if value.startswith(mark)), "")
    bare = pair["value"] if not quote else value.strip("\\\"'")
    is_prose = name.lower() in _PROSE and sign.lstrip()[:1] == ":"
    if bare.lower() in _NOTHING or (is_prose and not _SIX_DIGITS.fullmatch(bare)):
        return pair[0]
    return f"{name}{sign}{quote}{HIDDEN}{quote}"


def _configured() -> Iterator[str]:
    """The secrets of this project, whatever their form."""
    given = getattr(settings, SETTING, None) if settings.configured else None  # a log may begin before the settings end
    if isinstance(given, Mapping):
        for entry in map(str, (*given.get("SECRETS", ()), *given.get("KEYRING", ()))):
            if len(entry) >= SHORTEST_SECRET:
                yield entry.rpartition(":")[2]
