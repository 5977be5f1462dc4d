"""The three who call: a back end, a back end on behalf of a member, and a page.

A view asks its caller what was shown, whom the call is about and whether it is permitted, and is the same for all.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stytch_totp import errors
from stytch_totp.api.inputs import only_one
from stytch_totp.conf import conf
from stytch_totp.models import IntermediateSession, Member, Organization, Session
from stytch_totp.operations import authorization, discovery, members, organizations, sessions
from stytch_totp.operations.attempts import Proof
from stytch_totp.operations.audit import Actor

CREDENTIALS = ("intermediate_session_token", "session_token", "session_jwt")
Kind = Organization.Kind


class Caller:
    """What views need to know of any. No caller is a Django user, and none is read from a cookie."""

    is_authenticated = True
    #: The session whose member's roles are what the call may do; None where the project itself calls.
    session: Session | None = None
    #: Whether it may write what only a back end may.
    vouches = False
    #: Names in a body that mean nothing from it.
    unheard: Collection[str] = ()

    def permit_organization(self, organization: Organization) -> None:
        """Whether the organization may be changed: a back end may; else it takes a session whose roles permit it.

        Raises UserUnauthenticated, SessionAuthorization or SessionAuthorizationTenancy.
        """
        if not self.vouches:
            authorization.check_organization(self._session(), organization)

    def permit_member(self, organization: Organization, member: Member | None, actions: Collection[str]) -> None:
        """The same for ``actions`` on a member, or on members in general."""
        if not self.vouches:
            authorization.check_member(self._session(), organization, member, actions)

    def _session(self) -> Session:
        if self.session is None:
            raise errors.UserUnauthenticated
        return self.session


class BackEnd(Caller):
    """It knows a project secret, names whom it acts on, and is believed."""

    vouches = True

    def actor(self, request_id: str, kind: Kind | None) -> Actor:
        return Actor("project", conf().project_id, request_id)

    def proof(self, kind: Kind, data: Mapping[str, Any], actor: Actor) -> Proof:
        """The session or intermediate session that the body carries, if any."""
        return sessions.present(kind, actor=actor, **{name: data.get(name, "") for name in CREDENTIALS})

    def joined(self, kind: Kind, data: Mapping[str, Any], actor: Actor, member: Member | None) -> tuple[Proof, Actor]:
        """What a login joins, and who logs in."""
        return self.proof(kind, data, actor), actor

    def member(self, organization_id: str, member_id: str, proof: Proof = None) -> Member:
        """The Member that a call is about. Raises OrganizationNotFound, MemberNotFound or BadRequest."""
        for name, value in (("organization_id", organization_id), ("member_id", member_id)):
            if not value:
                raise errors.BadRequest(f"{name}: This field is required.")
        return members.resolve(organization_id, member_id, known=proof.member if proof else None)

    def user(self, user_id: str) -> Member:
        """The User that a call is about. Raises MemberNotFound, InvalidUserID or BadRequest."""
        if not user_id:
            raise errors.BadRequest("user_id: This field is required.")
        return members.resolve_user(user_id)

    def user_with_totp(self, totp_id: str) -> Member:
        """Raises InvalidTOTPID or UserHasNoSuchTOTP."""
        return members.resolve_totp(totp_id)

    def managed(self, organization_id: str, member_id: str, *, include_deleted: bool = False) -> Member:
        """The member that an administrator acts on, or one's own. Raises OrganizationNotFound or MemberNotFound."""
        return members.resolve(organization_id, member_id, include_deleted=include_deleted)

    def organization(self, organization_id: str) -> Organization:
        return organizations.resolve(organization_id)

    def tenants(self, organization_ids: Sequence[str]) -> list[Organization]:
        """The organizations that a search is about."""
        if not organization_ids:
            raise errors.BadRequest("organization_ids is empty.")
        return organizations.resolve_all(organization_ids)

    def session_of(self, kind: Kind, data: Mapping[str, Any]) -> Session:
        """The live session that a call is about, by the one token or JWT in the body."""
        none, many = errors.NoSessionArguments, errors.TooManySessionArguments
        name, value = only_one(data, ("session_token", "session_jwt"), none, many)
        return sessions.find(kind, **{name: value})

    def wishes(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """How long a session shall live and what it shall claim, as operations take it."""
        return {"minutes": data.get("session_duration_minutes"), "claims": data.get("session_custom_claims")}


@dataclass(frozen=True, kw_only=True)
class MemberBehindBackEnd(BackEnd):
    """A back end that passes on a member's own session: what the call may do is what that member's roles permit."""

    session: Session
    vouches = False

    def actor(self, request_id: str, kind: Kind | None) -> Actor:
        return Actor("member", self.session.member.public_id, request_id)


@dataclass(frozen=True, kw_only=True)
class Browser(Caller):
    """A page with a public token: it acts for the person whose session it has, and for nobody else."""

    place: str
    session: Session | None
    is_stale: bool  # it came with a session token that is worth nothing any more

    unheard = ("session_token", "session_jwt", "session_custom_claims")  # its session is in the header

    def actor(self, request_id: str, kind: Kind | None) -> Actor:
        """Who is logged in, as far as the product that is asked knows."""
        own = self.session.member if self.session else None
        return Actor("browser", own.public_id if own and own.organization.kind == kind else "", request_id, self.place)

    def own_session(self, kind: Kind) -> Session:
        """The live session of the page. Raises SessionNotFound or UserUnauthenticated: words that make the SDK drop
        what it has (contract 3.5).
        """
        if self.session and self.session.member.organization.kind == kind:
            return self.session
        raise errors.SessionNotFound if self.session or self.is_stale else errors.UserUnauthenticated

    def proof(self, kind: Kind, data: Mapping[str, Any], actor: Actor) -> Proof:
        """The page's session, else the intermediate session in the body (contract 3.9). One there must be."""
        token = data.get("intermediate_session_token", "")
        if token and (self.session is None or self.session.member.organization.kind != kind):
            return sessions.present(kind, actor=actor, intermediate_session_token=token)
        return self.own_session(kind)

    def joined(self, kind: Kind, data: Mapping[str, Any], actor: Actor, member: Member | None) -> tuple[Proof, Actor]:
        """What a login joins: not what is left over in the page from somebody else's or a dead one (contract 3.5)."""
        try:
            proof = self.proof(kind, data, actor)
            if member:
                sessions.check_owner(proof, member)
        except errors.StytchError:
            return None, replace(actor, id="")
        return proof, actor

    def member(self, organization_id: str, member_id: str, proof: Proof = None) -> Member:
        """The page's own member. Ids in the request may be left out, and must match if they aren't."""
        proof = proof or self.own_session(Kind.TENANT)
        candidates = [proof.member] if proof.member else discovery.people(proof)
        theirs = [one for one in candidates if organization_id in _names(one.organization)]
        named = [one for one in theirs if member_id in _names(one)]
        if len(named) == 1:
            return named[0]
        if not theirs and isinstance(proof, IntermediateSession):
            raise errors.IntermediateSessionOfOtherOrganization
        raise errors.MemberMismatch

    def user(self, user_id: str) -> Member:
        known = self.own_session(Kind.CONSUMER).member
        if user_id not in _names(known):
            raise errors.MemberMismatch
        return known

    def user_with_totp(self, totp_id: str) -> Member:
        """The page's own user, if the TOTP is its. Raises InvalidTOTPID or UserHasNoSuchTOTP."""
        own = self.own_session(Kind.CONSUMER).member
        if members.resolve_totp(totp_id).pk != own.pk:
            raise errors.UserHasNoSuchTOTP
        return own

    def managed(self, organization_id: str = "", member_id: str = "", *, include_deleted: bool = False) -> Member:
        """A member of the page's own organization, or its own."""
        own = self.own_session(Kind.TENANT).member
        if not member_id:
            return own
        return members.resolve(own.organization.public_id, member_id, include_deleted=include_deleted, known=own)

    def organization(self, organization_id: str = "") -> Organization:
        return self.own_session(Kind.TENANT).member.organization

    def tenants(self, organization_ids: Sequence[str]) -> list[Organization]:
        return [self.organization()]

    def session_of(self, kind: Kind, data: Mapping[str, Any]) -> Session:
        return self.own_session(kind)

    def wishes(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """A page sets no custom claims, and its sessions end when the site says (contract 3.9)."""
        minutes = data.get("session_duration_minutes")
        if minutes and minutes > conf().browser_session_minutes:
            raise errors.SessionTooLong
        return {"minutes": minutes, "claims": None}


def _names(row: Member | Organization) -> tuple[str | None, ...]:
    """What a page may call what is its own: nothing, an id, or a name."""
    return ("", row.public_id, row.external_id, *([row.slug] if isinstance(row, Organization) else []))
