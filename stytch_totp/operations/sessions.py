"""Sessions and intermediate sessions: shown, extended, ended."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.views.decorators.debug import sensitive_variables

from stytch_totp import conf, errors
from stytch_totp.core import factors, ids, jwt, tokens
from stytch_totp.models import IntermediateSession, Member, Organization, Session
from stytch_totp.operations import attempts, grants, signing
from stytch_totp.operations.attempts import Proof
from stytch_totp.operations.audit import Actor, Tag, record
from stytch_totp.operations.grants import Granted


@sensitive_variables()
def present(
    kind: Organization.Kind,
    *,
    actor: Actor,
    intermediate_session_token: str = "",
    session_token: str = "",
    session_jwt: str = "",
) -> Proof:
    """What a caller shows: the live session or intermediate session of the one credential given, or None.

    ``kind`` is the product that is asked: what the other one issued isn't known to it. Raises TooManySessionArguments,
    InvalidSessionToken, UnableToParseSessionJWT, SessionNotFound and IntermediateSessionNotFound. The row comes with
    its member and organization.
    """
    if sum(map(bool, (intermediate_session_token, session_token, session_jwt))) > 1:
        raise errors.TooManySessionArguments
    if intermediate_session_token:
        return _find_intermediate(kind, intermediate_session_token, actor)
    if session_token or session_jwt:
        return find(kind, session_token=session_token, session_jwt=session_jwt)
    return None


@sensitive_variables()
def find(
    kind: Organization.Kind | None, *, session_token: str = "", session_jwt: str = "", expired_jwt: bool = True
) -> Session:
    """The live session of a token, or of a JWT even if that expired: the row, not the JWT, says who is logged in.

    Without a ``kind``, of either product. Without ``expired_jwt`` the JWT must be in time, too.

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
    oldest = 0 if expired_jwt else conf.now() - jwt.LIFETIME + 1
    outdated = issued is not None and issued < max(found.jwts_since, oldest)
    if outdated or not found.is_live(conf.now()) or not _is_known(found.member, kind):
        raise errors.SessionNotFound
    return found


def check_owner(proof: Proof, member: Member) -> None:
    """Refuse a credential of somebody else, whoever the body names."""
    if proof is None or proof.member_id == member.pk:
        return
    if isinstance(proof, IntermediateSession):
        if proof.discovered.get(str(member.pk)) == member.login_digest:
            return
        if proof.member and proof.member.organization_id != member.organization_id:
            raise errors.IntermediateSessionOfOtherOrganization
    raise errors.MemberMismatch


@sensitive_variables()
def authenticate(found: Session, *, minutes: int | None = None, claims: Mapping[str, Any] | None = None) -> Granted:
    """A live session with a fresh JWT; the expiry moves only if ``minutes`` are given (contract 1.9)."""
    now = conf.now()
    found.last_accessed_at = now
    found.expires_at = now + minutes * 60 if minutes else found.expires_at
    same = Session.objects.live(now).filter(pk=found.pk, token_digest=found.token_digest)

    def renew() -> None:
        # The first statement writes: it is the lock under which the claims are merged.
        if not same.update(last_accessed_at=now, **({"expires_at": found.expires_at} if minutes else {})):
            raise errors.SessionNotFound
        if claims:
            found.refresh_from_db(fields=["claims"])
            found.claims = grants.merged(found.claims, claims)
            same.update(claims=found.claims, version=F("version") + 1)

    attempts.settle(renew)
    return Granted(found, found.reveal(), signing.mint(found))


def of_member(member: Member) -> list[Session]:
    """The member's live sessions, oldest first."""
    rows = Session.objects.live(conf.now()).filter(member=member).select_related("member__organization")
    return list(rows.order_by("started_at", "pk"))


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


def find_by_id(kind: Organization.Kind, key: UUID) -> Session:
    """The live session with this id. Raises SessionNotFound."""
    live = Session.objects.live(conf.now()).select_related("member__organization")
    found = live.filter(pk=key).first()
    if found is None or not _is_known(found.member, kind):
        raise errors.SessionNotFound
    return found


def of_visit(member: Member, key: UUID) -> Session | None:
    """The live session behind a visit of the member's to the site; None once it ran out.

    Raises SessionNotFound if it was revoked: then so is the visit.
    """
    found = Session.objects.filter(pk=key, member=member).first()
    if found is None:
        return None
    if found.revoked_at is not None:
        raise errors.SessionNotFound
    found.member = member
    return found if found.is_live(conf.now()) else None


def end_visit(key: UUID, actor: Actor) -> None:
    """Revoke the session behind a visit, if it lives."""
    found = Session.objects.live(conf.now()).select_related("member__organization").filter(pk=key).first()
    if found is not None:
        with suppress(errors.SessionNotFound):  # another request was quicker
            revoke(found, actor=replace(actor, id=found.member.public_id))


def revoke_of_member(member: Member, *, actor: Actor) -> None:
    """End every session of the member, and the logins that are under way."""

    def end() -> None:
        _end_rows(member)
        record(Tag.SESSION_REVOKED, actor, member=member)

    # By itself and first: who holds the member's row will want its sessions, and has committed when they are ended.
    attempts.settle(lambda: _begin_generation(member))
    attempts.settle(end)


def end_all(member: Member) -> None:
    """Revoke all that the member could act by, inside the caller's transaction, which holds the member."""
    _begin_generation(member)
    _end_rows(member)


def _begin_generation(member: Member) -> None:
    """End logins by discovery, which are no rows of the member's."""
    Member.objects.filter(pk=member.pk).update(generation=F("generation") + 1)


def _end_rows(member: Member) -> None:
    """Intermediate sessions first: one that is just being turned in has become a session when its turn comes, and is
    found among them.
    """
    end_logins(member)
    Session.objects.filter(member=member, revoked_at=None).update(revoked_at=conf.now())


def end_logins(member: Member) -> None:
    """End the member's logins that are under way, inside the caller's transaction."""
    IntermediateSession.objects.filter(member=member, used_at=None).update(used_at=conf.now())


def hold(session: Session) -> None:
    """Lock a session as it was read. Raises SessionNotFound or ServiceUnavailable if it is that no more."""
    now = conf.now()
    if not Session.objects.advance(session, now, last_accessed_at=now):
        raise grants.lost(session, now)


def forget_second_factors(member: Member) -> None:
    """Take second factors off the member's running sessions, which go on with what is left.

    Inside the caller's transaction, which has locked the registrations: nobody steps up by them meanwhile.
    """
    now = conf.now()
    for session in Session.objects.live(now).filter(member=member).order_by("pk"):
        if factors.has_second(session.factors) and not Session.objects.advance(
            session, now, factors=factors.without_second(session.factors)
        ):
            raise errors.ServiceUnavailable


@sensitive_variables()
def _find_intermediate(kind: Organization.Kind, token: str, actor: Actor) -> IntermediateSession:
    if not tokens.is_token(token):
        raise errors.InvalidSessionToken
    rows = IntermediateSession.objects.select_related("member__organization")
    try:
        found = rows.get(token_digest=tokens.digest("intermediate", token))
    except IntermediateSession.DoesNotExist:
        raise errors.IntermediateSessionNotFound from None
    # A token that was carried off to another origin is no good there.
    elsewhere = actor.at_browser and found.begun_at not in ("", actor.place) and conf.conf().bind_intermediate_session
    # A login by discovery is nobody's yet, but a Member's it will be.
    known = _is_known(found.member, kind) if found.member else kind == Organization.Kind.TENANT
    if elsewhere or not known or not found.is_live(conf.now()):
        raise errors.IntermediateSessionNotFound
    return found


def _is_known(member: Member, kind: Organization.Kind | None) -> bool:
    """Whether a product knows the member: Members and Users are rows of one table, and strangers to each other."""
    return member.status != Member.Status.DELETED and kind in (None, member.organization.kind)


@sensitive_variables()
def _read(session_jwt: str) -> tuple[UUID, int]:
    try:
        named, issued = signing.read(session_jwt)
    except jwt.InvalidJWT:
        raise errors.UnableToParseSessionJWT from None
    return parse_session_id(named), issued
