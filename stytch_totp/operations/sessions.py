"""Sessions and intermediate sessions: shown, granted, stepped up, extended, ended."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F

from stytch_totp import conf, errors
from stytch_totp.core import factors, ids, jwt, tokens
from stytch_totp.models import IntermediateSession, Member, Organization, Session
from stytch_totp.operations import signing
from stytch_totp.operations.attempts import Proof
from stytch_totp.operations.audit import Actor, Tag, record

DEFAULT_MINUTES = 60


@dataclass(frozen=True)
class Granted:
    """A session with its tokens in clear, which exist here and in the answer and nowhere else."""

    session: Session
    token: str = field(repr=False)
    jwt: str = field(repr=False)


def present(*, intermediate_session_token: str = "", session_token: str = "", session_jwt: str = "") -> Proof:
    """What a caller shows: the live session or intermediate session of the one credential given, or None.

    Raises TooManySessionArguments, InvalidSessionToken, UnableToParseSessionJWT, SessionNotFound and
    IntermediateSessionNotFound. The row comes with its member and organization.
    """
    if sum(map(bool, (intermediate_session_token, session_token, session_jwt))) > 1:
        raise errors.TooManySessionArguments
    if intermediate_session_token:
        return _find_intermediate(intermediate_session_token)
    if session_token or session_jwt:
        return find(session_token=session_token, session_jwt=session_jwt)
    return None


def find(*, session_token: str = "", session_jwt: str = "") -> Session:
    """The live session of a token, or of a JWT even if that expired: the row, not the JWT, says who is logged in.

    Where stepping up ends the old token it ends the older JWTs, too: one that leaked before the second factor was
    shown is not worth the factor.
    """
    if session_token and not tokens.is_token(session_token):
        raise errors.InvalidSessionToken
    rows, issued = Session.objects.select_related("member__organization"), None
    try:
        if session_token:
            found = rows.get(token_digest=tokens.digest("session", session_token))
        else:
            key, issued = _read(session_jwt)
            found = rows.get(pk=key)
    except Session.DoesNotExist:
        raise errors.SessionNotFound from None
    outdated = issued is not None and conf.conf().rotate_session_token and issued < factors.stepped_up_at(found.factors)
    if outdated or not found.is_live(conf.now()) or not _is_members(found):
        raise errors.SessionNotFound
    return found


def check_owner(proof: Proof, member: Member) -> None:
    """Refuse a credential of somebody else, whoever the body names."""
    if proof is None or proof.member_id == member.pk:
        return
    if isinstance(proof, IntermediateSession) and proof.member.organization_id != member.organization_id:
        raise errors.IntermediateSessionOfOtherOrganization
    raise errors.MemberMismatch


def check_claims(proof: Proof, claims: Mapping[str, Any] | None) -> None:
    """Refuse custom claims before an attempt is charged: a back end's slip is not its member's failure."""
    _merged(proof.claims if isinstance(proof, Session) else {}, claims)


@dataclass(frozen=True)
class Draft:
    """A session ready to be written: all that can fail without the database has been done.

    Drawn up before the transaction that spends the code, so that a failing signature spends nothing.
    """

    granted: Granted
    proof: Proof

    def write(self) -> None:
        """Write it, inside the caller's transaction.

        Raises IntermediateSessionNotFound or SessionNotFound when the credential ended since it was read.
        """
        session, now = self.granted.session, conf.now()
        if isinstance(self.proof, Session):
            changes = {name: getattr(session, name) for name in _CHANGING}
            if session.expires_at != self.proof.expires_at:
                changes["expires_at"] = session.expires_at
            if not Session.objects.advance(self.proof, now, **changes):
                raise _lost(self.proof, now)
            return
        if self.proof and not IntermediateSession.objects.consume(self.proof, now):
            raise errors.IntermediateSessionNotFound
        session.save(force_insert=True)


_CHANGING = ("token_digest", "sealed_token", "factors", "claims", "last_accessed_at")


def draft(
    member: Member,
    proof: Proof,
    factor: factors.Factor,
    *,
    minutes: int | None = None,
    claims: Mapping[str, Any] | None = None,
    rotate: bool = True,
) -> Draft:
    """The session that ``factor`` earns: a new one, or the one shown with the factor added (contract 6.8).

    A session that is stepped up gets a new token and the old one dies with the commit: a token planted or
    stolen before the second factor was shown is worth nothing after it (session fixation).
    """
    now = conf.now()
    if isinstance(proof, Session):
        session = copy.copy(proof)
        token = tokens.generate() if rotate and conf.conf().rotate_session_token else proof.reveal()
        session.expires_at = now + minutes * 60 if minutes else proof.expires_at
    else:
        session = Session(pk=uuid4(), member=member, started_at=now)
        token = tokens.generate()
        session.expires_at = now + (minutes or DEFAULT_MINUTES) * 60
    session.factors = factors.added(proof.factors if proof else [], factor)
    session.claims = _merged(session.claims, claims)
    session.last_accessed_at = now
    session.token_digest = tokens.digest("session", token)
    session.sealed_token = session.seal(token)
    return Draft(Granted(session, token, signing.mint(session)), proof)


def _lost(session: Session, now: int) -> errors.StytchError:
    """Why a session couldn't be advanced: it ended, or another request changed it at the same moment."""
    same = Session.objects.live(now).filter(pk=session.pk, token_digest=session.token_digest)
    return errors.ServiceUnavailable() if same.exists() else errors.SessionNotFound()


def authenticate(
    *,
    session_token: str = "",
    session_jwt: str = "",
    minutes: int | None = None,
    claims: Mapping[str, Any] | None = None,
) -> Granted:
    """A live session with a fresh JWT; the expiry moves only if ``minutes`` are given (contract 1.9)."""
    found, now = find(session_token=session_token, session_jwt=session_jwt), conf.now()
    found.last_accessed_at = now
    found.expires_at = now + minutes * 60 if minutes else found.expires_at
    same = Session.objects.live(now).filter(pk=found.pk, token_digest=found.token_digest)
    with transaction.atomic():
        # The first statement writes: it is the lock under which the claims are merged.
        if not same.update(last_accessed_at=now, **({"expires_at": found.expires_at} if minutes else {})):
            raise errors.SessionNotFound
        if claims:
            found.refresh_from_db(fields=["claims"])
            found.claims = _merged(found.claims, claims)
            same.update(claims=found.claims, version=F("version") + 1)
    return Granted(found, session_token or found.reveal(), signing.mint(found))


def begin(member: Member, factor: factors.Factor) -> str:
    """An intermediate session for a login that owes a factor: its token, in clear here and nowhere else."""
    now, token = conf.now(), tokens.generate()
    begun = IntermediateSession(
        member=member,
        token_digest=tokens.digest("intermediate", token),
        factors=[factor],
        created_at=now,
        expires_at=now + conf.conf().intermediate_session_minutes * 60,
    )
    begun.save(force_insert=True)
    return token


def of_member(member: Member) -> list[Session]:
    """The member's live sessions, oldest first."""
    return list(Session.objects.live(conf.now()).filter(member=member).order_by("started_at", "pk"))


def parse_session_id(text: str) -> UUID:
    """Raises InvalidSessionID."""
    key = ids.parse_id("session", text, conf.conf().environment)
    if key is None:
        raise errors.InvalidSessionID
    return key


def revoke(session: Session, *, actor: Actor) -> None:
    """End a session: its token at once, its last JWT within five minutes where it is checked locally."""
    with transaction.atomic():
        if not Session.objects.filter(pk=session.pk, revoked_at=None).update(revoked_at=conf.now()):
            raise errors.SessionNotFound
        record(Tag.SESSION_REVOKED, actor, member=session.member)


def revoke_by_id(key: UUID, *, actor: Actor) -> None:
    live = Session.objects.live(conf.now()).select_related("member__organization")
    session = live.filter(pk=key).first()
    if session is None or not _is_members(session):
        raise errors.SessionNotFound
    revoke(session, actor=actor)


def revoke_of_member(member: Member, *, actor: Actor) -> None:
    """End every session of the member, and the logins that are under way."""
    with transaction.atomic():
        end_all(member)
        record(Tag.SESSION_REVOKED, actor, member=member)


def end_all(member: Member) -> None:
    """Revoke all that the member could act by, inside the caller's transaction.

    Intermediate sessions first: one that is just being turned in has become a session when its turn comes, and is
    found among them.
    """
    now = conf.now()
    IntermediateSession.objects.filter(member=member, used_at=None).update(used_at=now)
    Session.objects.filter(member=member, revoked_at=None).update(revoked_at=now)


def _find_intermediate(token: str) -> IntermediateSession:
    if not tokens.is_token(token):
        raise errors.InvalidSessionToken
    rows = IntermediateSession.objects.select_related("member__organization")
    try:
        found = rows.get(token_digest=tokens.digest("intermediate", token))
    except IntermediateSession.DoesNotExist:
        raise errors.IntermediateSessionNotFound from None
    if not found.is_live(conf.now()) or not _is_members(found):
        raise errors.IntermediateSessionNotFound
    return found


def _is_members(found: Session | IntermediateSession) -> bool:
    """Whether it is a Member's who is still there. A consumer User is none, though both are rows of one table."""
    member = found.member
    return member.status != Member.Status.DELETED and member.organization.kind == Organization.Kind.TENANT


def _read(session_jwt: str) -> tuple[UUID, int]:
    try:
        named, issued = signing.read(session_jwt)
    except jwt.InvalidJWT:
        raise errors.UnableToParseSessionJWT from None
    return parse_session_id(named), issued


def _merged(stored: Mapping[str, Any], claims: Mapping[str, Any] | None) -> dict[str, Any]:
    try:
        return jwt.merge_claims(stored, claims or {})
    except jwt.ClaimsError as error:
        raise _CLAIMS_ERRORS[error.code] from None


_CLAIMS_ERRORS = {
    "reserved": errors.ReservedClaims,
    "stytch": errors.StytchClaims,
    "too_large": errors.CustomClaimsTooLarge,
}
