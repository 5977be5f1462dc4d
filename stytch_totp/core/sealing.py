"""AES-256-GCM under a keyring, every sealed value bound to the row and column that it belongs to.

A sealed value is ``0x01 | len(kid) | kid | nonce (12) | ciphertext and tag``. The context it was sealed with is
the associated data: a value copied to another row, column, member or tenant doesn't open.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = b"\x01"
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
MINIMUM_VARIETY = 8  # different bytes: fewer in 32 is a pattern, not a key
_KID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class SealError(Exception):
    """A sealed value that doesn't open. Never a reason to let anyone in."""


class UnknownKey(SealError):
    """Sealed under a key that the keyring doesn't have."""


class Tampered(SealError):
    """Not a sealed value, or not the one of this row: altered, truncated, or copied from elsewhere."""


class KeyringError(ValueError):
    """A keyring that can't be used. ``code`` names the fault."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Key:
    """One master key. Each purpose gets its own key by HKDF-SHA-256, so that none can stand in for another."""

    kid: str
    material: bytes = field(repr=False)

    def _derive(self, purpose: bytes) -> bytes:
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"stytch_totp|1|" + purpose).derive(self.material)

    @cached_property
    def cipher(self) -> AESGCM:
        return AESGCM(self._derive(b"enc"))

    @cached_property
    def index(self) -> bytes:
        return self._derive(b"index")


@dataclass(frozen=True)
class Keyring:
    """The first key seals, every key opens."""

    keys: tuple[Key, ...]

    @property
    def current(self) -> str:
        """The kid of the key that seals."""
        return self.keys[0].kid

    def seal(self, clear: bytes, *context: str) -> bytes:
        key, nonce = self.keys[0], os.urandom(NONCE_BYTES)
        kid = key.kid.encode()
        return VERSION + bytes([len(kid)]) + kid + nonce + key.cipher.encrypt(nonce, clear, _bind(context))

    def open(self, sealed: bytes | memoryview, *context: str) -> bytes:
        """The clear value. Raises UnknownKey or Tampered."""
        kid, nonce, body = _split(bytes(sealed))
        key = next((key for key in self.keys if key.kid == kid), None)
        if key is None:
            raise UnknownKey(kid)
        try:
            return key.cipher.decrypt(nonce, body, _bind(context))
        except InvalidTag:
            raise Tampered("a sealed value doesn't belong where it was found") from None

    def is_current(self, sealed: bytes | memoryview) -> bool:
        """Whether it is sealed under the key that seals now. Raises Tampered for what is no sealed value."""
        return _split(bytes(sealed))[0] == self.current

    def digest(self, clear: str, *context: str) -> str:
        """A keyed digest to find ``clear`` by: equal for equal values of one context, meaningless without the key."""
        return _digest(self.keys[0], clear, context)

    def digests(self, clear: str, *context: str) -> list[str]:
        """The digest under every key, so that rows written before a rotation are still found."""
        return [_digest(key, clear, context) for key in self.keys]


def _digest(key: Key, clear: str, context: tuple[str, ...]) -> str:
    return hmac.new(key.index, _bind((*context, clear)), hashlib.sha256).hexdigest()


def _bind(context: tuple[str, ...]) -> bytes:
    """The parts with their lengths, so that ("ab", "c") and ("a", "bc") differ."""
    parts = [part.encode() for part in ("stytch_totp|1", *context)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _split(sealed: bytes) -> tuple[str, bytes, bytes]:
    if len(sealed) <= len(VERSION) or sealed[:1] != VERSION:
        raise Tampered("not a sealed value")
    start = 2 + sealed[1]
    nonce, body = sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :]
    if len(body) < TAG_BYTES:
        raise Tampered("a truncated sealed value")
    return sealed[2:start].decode("ascii", "replace"), nonce, body


def generate_key(kid: str) -> str:
    """A new keyring entry, ``kid:base64``, as ``parse_keyring`` reads it. Raises KeyringError for another ``kid``."""
    if not _KID.fullmatch(kid):
        raise KeyringError("bad_kid", "a kid is 1 to 64 of A-Z a-z 0-9 . _ -")
    return f"{kid}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


def parse_keyring(entries: Iterable[str], *, forbidden: Iterable[str] = ()) -> Keyring:
    """The keyring of ``kid:base64-of-32-bytes`` entries, the sealing key first.

    ``forbidden`` are texts (Django's SECRET_KEY, say) that no key may be made from. Raises KeyringError.
    """
    keys = tuple(_parse_key(entry) for entry in entries)
    if not keys:
        raise KeyringError("empty", "the keyring has no key")
    if len({key.kid for key in keys}) != len(keys):
        raise KeyringError("repeated_kid", "two keys have the same kid")
    if len({key.material for key in keys}) != len(keys):
        raise KeyringError("repeated_key", "one key stands under two kids")
    for text in forbidden:
        raw = text.encode()
        if any(key.material in (raw[:KEY_BYTES], hashlib.sha256(raw).digest()) for key in keys):
            raise KeyringError("forbidden", "a key is made from SECRET_KEY; it must be random and its own")
    return Keyring(keys)


def _parse_key(entry: object) -> Key:
    if not isinstance(entry, str):
        raise KeyringError("not_text", "a keyring entry is a string, kid:base64")
    kid, colon, encoded = entry.partition(":")
    if not colon:
        raise KeyringError("no_colon", "a keyring entry is kid:base64")
    if not kid:
        raise KeyringError("no_kid", "a keyring entry has an empty kid")
    if not _KID.fullmatch(kid):
        raise KeyringError("bad_kid", "a kid is 1 to 64 of A-Z a-z 0-9 . _ -")
    try:
        material = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise KeyringError("not_base64", f"key {kid} is not base64") from None
    if len(material) != KEY_BYTES:
        raise KeyringError("wrong_length", f"key {kid} is not of {KEY_BYTES} bytes")
    if len(set(material)) < MINIMUM_VARIETY or material == bytes(range(KEY_BYTES)):
        raise KeyringError("not_random", f"key {kid} is not random")
    return Key(kid, material)
