"""Sessions and intermediate sessions that are being granted: drawn up first, written by the transaction that pays."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from django.views.decorators.debug import sensitive_variables

from stytch_totp import conf, errors
from stytch_totp.core import factors, jwt, tokens
from stytch_totp.models import IntermediateSession, Member, Session
from stytch_totp.operations import signing
from stytch_totp.operations.attempts import Proof
from stytch_totp.operations.audit import Actor

DEFAULT_MINUTES = 60


@dataclass(frozen=True)
class Granted:
    """A session with its tokens in clear, which exist here and in the answer and nowhere else."""

    session: Session
    token: str = field(repr=False)
    jwt: str = field(repr=False)


def check_claims(proof: Proof, claims: Mapping[str, Any] | None) -> None:
    """Refuse custom claims before an attempt is charged: a back end's slip is not its member's failure."""
    merged(proof.claims if isinstance(proof, Session) else {}, claims)


@dataclass(frozen=True)
class Draft:
    """A session ready to be written, or none: all that can fail without the database has been done.

    Drawn up before the transaction that spends the code, so that a failing signature spends nothing.
    """

    granted: Granted | None
    proof: Proof

    def write(self) -> None:
        """Write it, inside the caller's transaction.

        Raises IntermediateSessionNotFound or SessionNotFound when the credential ended since it was read.
        """
        if self.granted is None:
            return
        session, now = self.granted.session, conf.now()
        if isinstance(self.proof, Session):
            changes = {name: getattr(session, name) for name in _CHANGING}
            if session.expires_at != self.proof.expires_at:
                changes["expires_at"] = session.expires_at
            if not Session.objects.advance(self.proof, now, **changes):
                raise lost(self.proof, now)
            return
        if self.proof and not IntermediateSession.objects.consume(self.proof, now):
            raise errors.IntermediateSessionNotFound
        session.save(force_insert=True)


_CHANGING = ("token_digest", "sealed_token", "jwts_since", "factors", "claims", "last_accessed_at")


@sensitive_variables()
def draft(
    member: Member,
    proof: Proof,
    shown: list[factors.Factor],
    *,
    actor: Actor,
    minutes: int | None = None,
    claims: Mapping[str, Any] | None = None,
    rotate: bool = True,
) -> Draft:
    """The session that the factors ``shown`` earn: a new one, or the ``proof`` with them (contract 6.8).

    A User gets none unless asked for by ``minutes`` (contract 6.9). A session that is stepped up gets a new token and
    the old one dies with the commit: a token planted or stolen before the second factor was shown is worth nothing
    after it (session fixation).
    """
    now = conf.now()
    if proof is None and minutes is None and member.is_consumer:
        return Draft(None, None)
    if isinstance(proof, Session):
        session, rotate = copy.copy(proof), rotate and conf.conf().rotate_session_token
        token = tokens.generate() if rotate else proof.reveal()
        session.jwts_since = now if rotate else proof.jwts_since
        session.expires_at = now + minutes * 60 if minutes else proof.expires_at
    else:
        session = Session(pk=uuid4(), member=member, started_at=now, **_begun(actor))
        token = tokens.generate()
        session.expires_at = now + (minutes or DEFAULT_MINUTES) * 60
    session.factors = shown
    session.claims = merged(session.claims, claims)
    session.last_accessed_at = now
    session.token_digest = tokens.digest("session", token)
    session.sealed_token = session.seal(token)
    return Draft(Granted(session, token, signing.mint(session)), proof)


def _begun(actor: Actor) -> dict[str, str]:
    """Where the person is who begins a session, if they are there themselves and no back end asks for them."""
    if not actor.at_browser:
        return {}
    return {"place": actor.place, "ip_address": actor.ip_address, "user_agent": actor.user_agent}


def lost(session: Session, now: int) -> errors.StytchError:
    """Why a session couldn't be advanced: it ended, or another request changed it at the same moment."""
    same = Session.objects.live(now).filter(pk=session.pk, token_digest=session.token_digest)
    return errors.ServiceUnavailable() if same.exists() else errors.SessionNotFound()


def with_factor(proof: Proof, new: factors.Factor) -> list[factors.Factor]:
    """The factors that a ``proof`` carries, and ``new``."""
    return factors.added(proof.factors if proof else [], new)


@sensitive_variables()
def begin(
    member: Member | None, shown: list[factors.Factor], actor: Actor, *, discovered: Iterable[Member] = ()
) -> str:
    """An intermediate session for a login that owes a factor, or of no member yet but one of those ``discovered``.

    Returns its token, in clear here and nowhere else.
    """
    now, token = conf.now(), tokens.generate()
    begun = IntermediateSession(
        member=member,
        discovered={str(one.pk): one.login_digest for one in discovered},
        begun_at=actor.place,
        token_digest=tokens.digest("intermediate", token),
        factors=shown,
        created_at=now,
        expires_at=now + conf.conf().intermediate_session_minutes * 60,
    )
    begun.save(force_insert=True)
    return token


def merged(stored: Mapping[str, Any], claims: Mapping[str, Any] | None) -> dict[str, Any]:
    try:
        return jwt.merge_claims(stored, claims or {})
    except jwt.ClaimsError as error:
        raise _CLAIMS_ERRORS[error.code] from None


_CLAIMS_ERRORS = {
    "reserved": errors.ReservedClaims,
    "stytch": errors.StytchClaims,
    "too_large": errors.CustomClaimsTooLarge,
}
