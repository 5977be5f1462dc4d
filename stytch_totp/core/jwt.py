"""Session JWTs: RS256 by a key of our own, five minutes long, verified by nothing but our own key set."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import jwt as pyjwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ALGORITHM = "RS256"
LIFETIME = 300  # seconds, whatever the session's own length
SESSION_CLAIM = "https://stytch.com/session"
ORGANIZATION_CLAIM = "https://stytch.com/organization"
RESERVED = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})
STYTCH_PREFIX = "https://stytch.com/"
CUSTOM_CLAIMS_BYTES = 4096
LONGEST = 16384
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class InvalidJWT(Exception):
    """Not a token that we signed, or not one for this audience. Says no more, to tell a forger nothing."""


class ClaimsError(ValueError):
    """Custom claims that can't be taken. ``code`` is ``reserved``, ``stytch`` or ``too_large``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def generate_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def private_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_private(pem: bytes) -> rsa.RSAPrivateKey:
    """Raises ValueError for anything but an RSA key."""
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("not an RSA key")  # noqa: TRY004 - of the PEM's content, not of an argument's type
    return key


def public_numbers(key: rsa.RSAPublicKey) -> tuple[str, str]:
    """``n`` and ``e`` as a JWK spells them (RFC 7518, 6.3.1)."""
    numbers = key.public_numbers()
    return _encode(numbers.n), _encode(numbers.e)


def public_key(n: str, e: str) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(_decode(e), _decode(n)).public_key()


def mint(payload: Mapping[str, Any], *, key: rsa.RSAPrivateKey, kid: str) -> str:
    return pyjwt.encode(dict(payload), key, algorithm=ALGORITHM, headers={"kid": kid, "typ": "JWT"})


def verify(token: str, *, find_key: Callable[[str], rsa.RSAPublicKey | None], audience: str) -> dict[str, Any]:
    """The claims of a token that this project signed, **expired or not**. Raises InvalidJWT.

    The key is found by our own ``kid`` alone: ``jku``, ``x5u`` and ``jwk`` headers are never followed. Age is
    the caller's to judge, since an expired token still names its session (contract 1.9); whether the session
    lives is the database's to say.
    """
    if len(token) > LONGEST or not _COMPACT.fullmatch(token) or not all(map(_is_canonical, token.split("."))):
        raise InvalidJWT
    try:
        header = pyjwt.get_unverified_header(token)
        kid = header.get("kid")
        key = find_key(kid) if isinstance(kid, str) and header.get("typ") == "JWT" else None
        if key is None or set(header) - {"alg", "kid", "typ"}:
            raise InvalidJWT
        claims: dict[str, Any] = pyjwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=audience,
            issuer=f"stytch.com/{audience}",
            options={
                "require": ["aud", "iss", "sub", "exp", "iat", "nbf"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except (pyjwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise InvalidJWT from None
    expires, issued, begins = (claims[name] for name in ("exp", "iat", "nbf"))
    integers = all(type(value) is int for value in (expires, issued, begins))
    if not integers or begins != issued or expires - issued != LIFETIME:
        raise InvalidJWT
    if not isinstance(claims.get(SESSION_CLAIM), dict):
        raise InvalidJWT
    return claims


def merge_claims(stored: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """``stored`` with ``new`` merged in: null deletes a key, objects merge (contract 6.10). Raises ClaimsError."""
    if RESERVED & set(new):
        raise ClaimsError("reserved")
    if any(name.startswith(STYTCH_PREFIX) for name in new):
        raise ClaimsError("stytch")
    merged = _merge(stored, new)
    if len(json.dumps(merged, separators=(",", ":")).encode()) > CUSTOM_CLAIMS_BYTES:
        raise ClaimsError("too_large")
    return merged


def _merge(stored: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(stored)
    for name, value in new.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            known = merged.get(name)
            merged[name] = _merge(known if isinstance(known, dict) else {}, value)
        else:
            merged[name] = value
    return merged


def _encode(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def _is_canonical(segment: str) -> bool:
    """Whether no other text decodes to the same bytes: unused bits set would make a second spelling of a token."""
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error:
        return False
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == segment
