"""The keys that sign session JWTs: made on first use, published for as long as their row stands."""

from functools import lru_cache
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from django.db import IntegrityError, transaction

from stytch_totp import conf
from stytch_totp.core import jwt
from stytch_totp.core.ids import parse_id
from stytch_totp.models import SigningKey

CURRENT = "current"


def sign(payload: dict[str, Any]) -> str:
    """``payload`` as a JWT under the current key."""
    kid, sealed = _current_row()
    return jwt.mint(payload, key=_private(kid, sealed), kid=conf.public_id("jwk", kid))


def verify(token: str) -> dict[str, Any]:
    """The claims of a JWT of ours, expired or not. Raises core.jwt.InvalidJWT."""
    return jwt.verify(token, find_key=_find_key, audience=conf.conf().project_id)


def key_set() -> list[SigningKey]:
    """Every key that a verifier should know, the current one first."""
    _current_row()
    return list(SigningKey.objects.order_by("-current", "-created_at"))


def _current_row() -> tuple[UUID, bytes]:
    row = SigningKey.objects.filter(current=CURRENT).values_list("pk", "sealed_private").first()
    if row is None:
        _make()
        row = SigningKey.objects.values_list("pk", "sealed_private").get(current=CURRENT)
    return row[0], bytes(row[1])


def _make() -> None:
    private = jwt.generate_key(conf.conf().signing_key_bits)
    n, e = jwt.public_numbers(private.public_key())
    key = SigningKey(current=CURRENT, n=n, e=e, created_at=conf.now())
    key.seal(jwt.private_pem(private))
    try:
        with transaction.atomic():
            key.save(force_insert=True)
    except IntegrityError:
        pass  # another worker made the first key at the same moment: that one signs


@lru_cache(maxsize=4)
def _private(kid: UUID, sealed: bytes) -> RSAPrivateKey:
    """Parsing and checking a PEM takes longer than signing, so the parsed key is kept. The row decides which signs."""
    return jwt.load_private(SigningKey(pk=kid, sealed_private=sealed).reveal())


def _find_key(kid: str) -> RSAPublicKey | None:
    key = parse_id("jwk", kid, conf.conf().environment)
    row = SigningKey.objects.filter(pk=key).values_list("n", "e").first() if key else None
    return jwt.public_key(*row) if row else None
