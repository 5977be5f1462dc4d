"""Stytch's object shapes (contract 4), as far as both products share them."""

from typing import Any

from stytch_totp import conf
from stytch_totp.conf import public_id
from stytch_totp.core.factors import spell
from stytch_totp.core.ids import timestamp
from stytch_totp.models import Member, Session, SigningKey
from stytch_totp.operations.grants import Granted


def lock_fields(member: Member) -> dict[str, Any]:
    locked = member.lock.locked_until > conf.now()
    return {
        "is_locked": locked,
        "lock_created_at": timestamp(member.lock.locked_at) if locked else None,
        "lock_expires_at": timestamp(member.lock.locked_until) if locked else None,
    }


def session_fields(session: Session) -> dict[str, Any]:
    """What a MemberSession and a Session have in common."""
    environment, consumer = conf.conf().environment, session.member.is_consumer
    return {
        "started_at": timestamp(session.started_at),
        "last_accessed_at": timestamp(session.last_accessed_at),
        "expires_at": timestamp(session.expires_at),
        "authentication_factors": [spell(one, environment, consumer=consumer) for one in session.factors],
        "roles": session.member.all_roles,
        "custom_claims": session.claims,
    }


def token_fields(granted: Granted | None) -> dict[str, Any]:
    return {"session_token": granted.token if granted else "", "session_jwt": granted.jwt if granted else ""}


def key_object(key: SigningKey) -> dict[str, Any]:
    """A JWK (RFC 7517) with the nine members that Stytch's SDK wants (contract 5.4): public ones only."""
    return {
        "kty": "RSA",
        "use": "sig",
        "key_ops": ["verify"],
        "alg": "RS256",
        "kid": public_id("jwk", key.pk),
        "x5c": [],
        "x5tS256": "",
        "n": key.n,
        "e": key.e,
    }
