"""Session JWTs, and the keys that sign them: made on first use, published for as long as their row stands."""

from functools import lru_cache
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from django.db import IntegrityError, transaction
from django.db.models import F

from stytch_totp import conf
from stytch_totp.core import factors, jwt
from stytch_totp.core.ids import parse_id, timestamp
from stytch_totp.models import Session, SigningKey
from stytch_totp.operations.audit import Actor, Tag, record

CURRENT = "current"
REREAD_SECONDS = 60
RETIRED_SECONDS = 24 * 60 * 60


def mint(session: Session) -> str:
    """The session's JWT (contract 5.3). What it says of factors is what the row says now."""
    now, member, project = conf.now(), session.member, conf.conf().project_id
    spelled = [factors.spell(one, conf.conf().environment, consumer=member.is_consumer) for one in session.factors]
    payload = {
        **session.claims,
        "aud": [project],
        "iss": f"stytch.com/{project}",
        "sub": member.public_id,
        "iat": now,
        "nbf": now,
        "exp": now + jwt.LIFETIME,
        jwt.SESSION_CLAIM: {
            "id": conf.public_id("session", session.pk),
            "started_at": timestamp(session.started_at),
            "last_accessed_at": timestamp(session.last_accessed_at),
            "expires_at": timestamp(session.expires_at),
            "attributes": {"ip_address": "", "user_agent": ""},
            "authentication_factors": spelled,
            "roles": member.all_roles,
        },
    }
    if not member.is_consumer:
        payload[jwt.ORGANIZATION_CLAIM] = {
            "organization_id": conf.public_id("organization", member.organization_id),
            "slug": member.organization.slug,
        }
    return sign(payload)


def ready() -> None:
    """Have a key, made and committed, before a transaction that could take a new one back."""
    _current(conf.now() // REREAD_SECONDS)


def sign(payload: dict[str, Any]) -> str:
    """``payload`` as a JWT under the current key."""
    kid, key = _current(conf.now() // REREAD_SECONDS)
    return jwt.mint(payload, key=key, kid=conf.public_id("jwk", kid))


def read(token: str) -> tuple[str, int]:
    """The session id that a JWT of ours names, and when it was issued. Raises core.jwt.InvalidJWT."""
    claims = jwt.verify(token, find_key=_find_key, audience=conf.conf().project_id)
    return str(claims[jwt.SESSION_CLAIM].get("id")), claims["iat"]


def claims(token: str) -> dict[str, Any]:
    """All that a JWT of ours says while it is in time. Raises core.jwt.InvalidJWT."""
    found = jwt.verify(token, find_key=_find_key, audience=conf.conf().project_id)
    if not found["nbf"] <= conf.now() < found["exp"]:
        raise jwt.InvalidJWT
    return found


def key_set() -> list[SigningKey]:
    """Every key that a verifier should know, the current one first."""
    _current_row()
    return known_keys()


def known_keys() -> list[SigningKey]:
    """The same, without making the first one."""
    return list(SigningKey.objects.order_by(F("current").desc(nulls_last=True), "-created_at"))


@lru_cache(maxsize=1)
def _current(_period: int) -> tuple[UUID, RSAPrivateKey]:
    """The key that signs, read again once a minute: parsing it takes longer than signing with it.

    A key rotated away in between signs for at most that minute more, and stays published for longer.
    """
    key = _current_row()
    return key.pk, jwt.load_private(key.reveal())


def _current_row() -> SigningKey:
    found = SigningKey.objects.filter(current=CURRENT).first()
    if found is None:
        _make()
        found = SigningKey.objects.get(current=CURRENT)
    return found


def _new_key() -> SigningKey:
    """Unsaved: the search for primes takes longer than a transaction should."""
    private = jwt.generate_key(conf.conf().signing_key_bits)
    n, e = jwt.public_numbers(private.public_key())
    key = SigningKey(current=CURRENT, n=n, e=e, created_at=conf.now())
    key.seal(jwt.private_pem(private))
    return key


def _make() -> None:
    key = _new_key()
    try:
        with transaction.atomic():
            key.save(force_insert=True)
    except IntegrityError:
        pass  # another worker made the first key at the same moment: that one signs


def forget() -> None:
    """Read the key again at the next signature."""
    _current.cache_clear()


def rotate(actor: Actor) -> SigningKey | None:
    """Let a new key sign. The former one stays published (SE-12), for the JWTs that it has signed.

    None if another rotation retired it at the same moment: theirs signs, and one was asked for.
    """
    former, now, new = _current_row(), conf.now(), _new_key()
    with transaction.atomic():
        # Of any number of rotations at once, one retires the key that all of them found.
        if not SigningKey.objects.filter(pk=former.pk, current=CURRENT).update(current=None, retired_at=now):
            return None
        new.save(force_insert=True)
        record(
            Tag.SIGNING_KEY_ROTATED, actor, kid=conf.public_id("jwk", new.pk), former=conf.public_id("jwk", former.pk)
        )
    forget()
    return new


def spent_keys() -> list[SigningKey]:
    """Retired keys that nothing asks for any more, and that may be deleted.

    An expired JWT still leads back to its session (contract 1.9), so a key outlives not only its last JWT but every
    live session that it may have signed the last one of: who comes back gets the next one from another key.
    """
    now = conf.now()
    retired = SigningKey.objects.filter(current=None, retired_at__lte=now - RETIRED_SECONDS)
    live = Session.objects.live(now)
    return [key for key in retired if not live.filter(last_accessed_at__lt=_last_signed(key)).exists()]


def _last_signed(key: SigningKey) -> int:
    """Until when workers that had read a retired key may have signed by it."""
    return (key.retired_at or 0) + REREAD_SECONDS


def _find_key(kid: str) -> RSAPublicKey | None:
    key = parse_id("jwk", kid, conf.conf().environment)
    row = SigningKey.objects.filter(pk=key).values_list("n", "e").first() if key else None
    return jwt.public_key(*row) if row else None
