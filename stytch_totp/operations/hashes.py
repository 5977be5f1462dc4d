"""Password hashes from elsewhere, kept in a text that says how to check them."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.contrib.auth.hashers import check_password

from stytch_totp import errors

try:
    import argon2
    import bcrypt
except ImportError:  # pragma: no cover - the "passwords" extra is not installed
    argon2 = bcrypt = None  # type: ignore[assignment]

PREFIX = "imported$"
SUPPORTED = ("bcrypt", "argon_2i", "argon_2id", "scrypt", "pbkdf_2")
_BCRYPT = re.compile(r"\$2[aby]\$(?:0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}")
_ARGON2 = re.compile(
    r"\$argon2(id?)\$v=19\$m=(\d{1,7}),t=(\d{1,4}),p=(\d{1,2})\$[A-Za-z0-9+/]{11,128}\$[A-Za-z0-9+/]{11,171}"
)
_PBKDF2_DIGESTS = frozenset({"sha1", "sha256", "sha512"})
_BCRYPT_BYTES = 72  # bcrypt reads no more of a password than this
_SHORTEST_PART, _LONGEST_PART = 8, 128  # bytes of a salt or a digest
_SCRYPT_MEMORY = 1 << 29
# A hash is data, and data must not choose for how long a worker is busy.
_MOST_ITERATIONS = 2_000_000
_MOST_SCRYPT_WORK = 1 << 21  # n * r * p
_MOST_SCRYPT_N, _MOST_SCRYPT_R, _MOST_SCRYPT_P = 262_144, 32, 16
_MOST_ARGON2_KIB = 1 << 17


def encode(hash_type: str, digest: str, config: Mapping[str, Any]) -> str:
    """The text to keep for a hash of Stytch's ``hash_type`` with its ``…_config``. Raises UnsupportedHash."""
    if hash_type not in SUPPORTED:
        supported = ", ".join(SUPPORTED)
        raise errors.UnsupportedHash(f"hash_type {hash_type[:32]!r} can't be imported; these can: {supported}.")
    if bcrypt is None:  # pragma: no cover
        raise errors.UnsupportedHash('Password import needs: pip install "stytch_totp[passwords]".')
    try:
        return PREFIX + _ENCODERS[hash_type](digest, config)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise errors.UnsupportedHash(f"This is not a {hash_type} hash that can be imported.") from None


def is_imported(encoded: str) -> bool:
    return encoded.startswith(PREFIX)


def verify(encoded: str, password: str) -> bool:
    """Whether ``password`` has this hash: an imported one, or one of Django's own."""
    if not is_imported(encoded):
        return check_password(password, encoded)
    method, _, rest = encoded.removeprefix(PREFIX).partition("$")
    return _VERIFIERS[method](rest, password.encode())


def _encode_bcrypt(digest: str, _config: Mapping[str, Any]) -> str:
    if not _BCRYPT.fullmatch(digest):
        raise ValueError
    return f"bcrypt${digest}"


def _encode_argon2(kind: str, digest: str, config: Mapping[str, Any]) -> str:
    """A PHC string as it is; a bare digest, hexadecimal or base64, with its parameters as one."""
    if config:
        raw = bytes.fromhex(digest) if re.fullmatch(r"[0-9a-f]+", digest) else base64.b64decode(digest, validate=True)
        salt, tail = (base64.b64encode(part).decode().rstrip("=") for part in (bytes(config["salt"], "utf-8"), raw))
        memory, rounds, lanes = (_count(config, name) for name in ("memory", "iteration_amount", "threads"))
        digest = f"$argon2{kind}$v=19$m={memory},t={rounds},p={lanes}${salt}${tail}"
    match = _ARGON2.fullmatch(digest)
    if not match:
        raise ValueError
    memory, rounds, lanes = map(int, match.groups()[1:])
    if not 0 < 8 * lanes <= memory <= _MOST_ARGON2_KIB or not 0 < memory * rounds <= _MOST_ITERATIONS:
        raise ValueError
    return f"argon2${digest}"


def _encode_scrypt(digest: str, config: Mapping[str, Any]) -> str:
    n, r, p = (_count(config, name) for name in ("n_parameter", "r_parameter", "p_parameter"))
    sensible = 1 < n <= _MOST_SCRYPT_N and 1 <= r <= _MOST_SCRYPT_R and 1 <= p <= _MOST_SCRYPT_P
    if not sensible or n & (n - 1) or n * r * p > _MOST_SCRYPT_WORK:
        raise ValueError
    return f"scrypt${n}${r}${p}${_base64(config['salt'])}${_base64(digest)}"


def _encode_pbkdf2(digest: str, config: Mapping[str, Any]) -> str:
    name, rounds = config.get("algorithm") or "sha256", _count(config, "iteration_amount")
    if name not in _PBKDF2_DIGESTS or not 1 <= rounds <= _MOST_ITERATIONS:
        raise ValueError
    return f"pbkdf2${name}${rounds}${_base64(config['salt'])}${_base64(digest)}"


def _count(config: Mapping[str, Any], name: str) -> int:
    if type(config[name]) is not int:
        raise ValueError
    return int(config[name])


def _base64(text: str) -> str:
    if not _SHORTEST_PART <= len(base64.b64decode(text, validate=True)) <= _LONGEST_PART:
        raise ValueError
    return text


def _verify_bcrypt(rest: str, password: bytes) -> bool:
    try:
        return bcrypt.checkpw(password[:_BCRYPT_BYTES], rest.encode())
    except ValueError:  # 53 good characters that no password has
        return False


def _verify_argon2(rest: str, password: bytes) -> bool:
    try:
        return argon2.PasswordHasher().verify(rest, password)
    except argon2.exceptions.Argon2Error:
        return False


def _verify_scrypt(rest: str, password: bytes) -> bool:
    n, r, p, salt, wanted = rest.split("$")
    expected = base64.b64decode(wanted)
    found = hashlib.scrypt(
        password,
        salt=base64.b64decode(salt),
        n=int(n),
        r=int(r),
        p=int(p),
        maxmem=_SCRYPT_MEMORY,
        dklen=len(expected),
    )
    return hmac.compare_digest(found, expected)


def _verify_pbkdf2(rest: str, password: bytes) -> bool:
    name, rounds, salt, wanted = rest.split("$")
    expected = base64.b64decode(wanted)
    found = hashlib.pbkdf2_hmac(name, password, base64.b64decode(salt), int(rounds), len(expected))
    return hmac.compare_digest(found, expected)


_ENCODERS: Mapping[str, Callable[[str, Mapping[str, Any]], str]] = {
    "bcrypt": _encode_bcrypt,
    "argon_2i": partial(_encode_argon2, "i"),
    "argon_2id": partial(_encode_argon2, "id"),
    "scrypt": _encode_scrypt,
    "pbkdf_2": _encode_pbkdf2,
}
_VERIFIERS: Mapping[str, Callable[[str, bytes], bool]] = {
    "bcrypt": _verify_bcrypt,
    "argon2": _verify_argon2,
    "scrypt": _verify_scrypt,
    "pbkdf2": _verify_pbkdf2,
}
