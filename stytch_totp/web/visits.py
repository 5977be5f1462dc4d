"""A visit: what a Django session remembers of its visitor's second factor. Ids and times, never a secret.

The row behind it is a ``Session`` like the API's: revoking it, removing a factor or deleting the member ends or weakens
the visit. What the row said of a verified visitor is taken for granted for ``RECHECK_SECONDS``, in which the database
is asked nothing, unless the admin is to change something; of everybody else it is asked at each request.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from stytch_totp import errors
from stytch_totp.conf import conf, now
from stytch_totp.core.factors import Factor, factor, has_second
from stytch_totp.envelope import new_request_id
from stytch_totp.models import Member, Session
from stytch_totp.operations import logins, sessions, users
from stytch_totp.operations.assurance import NOBODY, Assurance
from stytch_totp.operations.audit import Actor
from stytch_totp.operations.users import Membership
from stytch_totp.whereabouts import whereabouts

KEY = "stytch_totp"
SHORTEST_MINUTES = 5


class MFAHttpRequest(HttpRequest):
    """A request behind ``MFAMiddleware``, for annotations."""

    user: Any
    mfa: Assurance
    #: The same with all that it would ask the database for: ``await request.amfa()`` in an async view.
    amfa: Callable[[], Awaitable[Assurance]]


def assess(request: HttpRequest) -> Assurance:
    """What is known of the visitor: ``request.mfa``."""
    user: Any = request.user
    if not user.is_authenticated:
        return NOBODY
    visit = Visit(request, user)
    return visit.remembered() or visit.looked_up()


class Visit:
    """The part of ``request.session`` that is ours.

    ``user``: whose login it belongs to. ``logged_in_at``: when the host's login let them in. ``generations``: how often
    each member of theirs had been revoked by then. ``member``: the one that they act as. ``members``: of each that they
    acted as, by its id, the ``session`` row and, once that was shown a second factor, what it says, as of
    ``checked_at``.
    """

    def __init__(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        self.request, self.session, self.user = request, request.session, user
        self.hash = self.session.get(HASH_SESSION_KEY)
        meta = getattr(user, "_meta", None)  # what a token stands for may be no model
        key = meta.pk.value_to_string(user) if meta else str(user.pk)  # as Django's login writes it
        #: Who was let in by something else than this session, by a token say, has shown nothing in it.
        self.is_of_session = self.session.get(SESSION_KEY) == key
        kept = self.session.get(KEY, {}) if self.is_of_session else {}
        # A session that changed hands brings along nothing of its former user's (impersonation, switch of users).
        self.kept: dict[str, Any] = kept if kept.get("user") == key else {"user": key}

    @property
    def place(self) -> str:
        """The host that the page is on; "" where Django's test client logs in and out without a request."""
        return self.request.get_host() if "SERVER_NAME" in self.request.META else ""

    def actor(self, member: Member) -> Actor:
        return Actor("browser", member.public_id, new_request_id(), self.place, **whereabouts(self.request))

    # Coming and going

    def begin(self) -> None:
        """The host's login has just let the user in: whatever was shown before counts no more."""
        self.end()
        generations = {str(one.member.pk): one.member.generation for one in users.memberships(self.user)}
        self.kept = {"user": self.kept["user"], "logged_in_at": now(), "generations": generations}
        self._save()

    def end(self) -> None:
        """The user logs out."""
        for stay in self.kept.get("members", {}).values():
            if "session" in stay:
                sessions.end_visit(
                    UUID(stay["session"]), Actor("browser", place=self.place, **whereabouts(self.request))
                )

    def choose(self, member: Member) -> None:
        """Act as this member from now on. What was shown to one organization isn't shown to another (TE-04)."""
        self.kept["member"] = str(member.pk)
        self._renew_key()

    # What was shown

    def proof(self, member: Member) -> Session:
        """The session that stands for the visit, begun if need be: what operations take for proof.

        Raises SessionNotFound if it was revoked, and InsufficientFactors where there is no login to it: what a header
        or another cookie let in at this request has nowhere to keep what it shows.
        """
        if not self.is_of_session:
            raise errors.InsufficientFactors
        found = self._row(member)
        if found is None:
            minutes = min(max(SHORTEST_MINUTES, self.session.get_expiry_age() // 60), conf().browser_session_minutes)
            since = self.kept.get("logged_in_at", 0)
            found = logins.begin_visit(member, shown_at=since, minutes=minutes, actor=self.actor(member))
            self._note(member, session=str(found.pk))
        return found

    def has_shown(self, found: list[Membership]) -> bool:
        """Whether a second factor was shown in this visit, as one of these members."""
        rows = (self._row(one.member) for one in found if one.enrolled)
        return any(row is not None and has_second(row.factors) for row in rows)

    def showed(self, session: Session) -> None:
        """A second factor was just accepted. A session key from before is worth nothing any more (SE-06)."""
        self.kept["member"] = str(session.member_id)
        self._remember(session, Membership(session.member, enrolled=True))
        self._renew_key()

    def forget(self, member: Member) -> None:
        """The member's second factor was just removed: ask the database again."""
        self._note(member, checked_at=0)
        self._renew_key()

    # Who the visitor is

    def remembered(self) -> Assurance | None:
        """The visitor as the database described them lately; None if it must be asked. Costs no statement."""
        slug = conf().resolve_organization(self.request)
        for member_id, stay in self.kept.get("members", {}).items():
            meant = member_id == self.kept.get("member") if slug is None else stay.get("slug") == slug
            # A new password changes the hash, and what was shown with the old one counts no more (MW-02).
            known = stay.get("hash") == self.hash and 0 <= now() - stay.get("checked_at", 0) < conf().recheck_seconds
            if meant and known:
                return Assurance(
                    self.user,
                    stay["factors"],
                    required=stay["required"],
                    enrolled=True,
                    find_member=partial(users.find_member, UUID(member_id)),
                )
        return None

    def looked_up(self) -> Assurance:
        """The visitor by the database. Of a verified one it is remembered."""
        try:
            membership = self._choose(users.memberships(self.user))
            if membership is None:
                return Assurance(self.user, self._primary(), required=conf().users_require_mfa)
            shown = self._shown(membership)
        except errors.StytchError as trouble:
            return Assurance(self.user, trouble=type(trouble))
        member = membership.member
        return Assurance(self.user, shown, membership.mfa_required, membership.enrolled, find_member=lambda: member)

    def _choose(self, found: list[Membership]) -> Membership | None:
        """The membership that the request is about; None for a user who has none.

        Raises NotAMember, OrganizationNotChosen, or SessionNotFound once one that they had at the login is gone.
        """
        by_id = {str(one.member.pk): one for one in found}
        if self.kept.get("generations", {}).keys() - by_id.keys():
            raise errors.SessionNotFound
        slug = conf().resolve_organization(self.request)
        if slug is not None:
            meant = [one for one in found if one.member.organization.slug == slug]
            if not meant:
                raise errors.NotAMember
            return meant[0]
        if "member" in self.kept and self.kept["member"] in by_id:
            return by_id[self.kept["member"]]
        if len(found) > 1:
            raise errors.OrganizationNotChosen
        return found[0] if found else None

    def _shown(self, membership: Membership) -> list[Factor]:
        """What the visitor has shown as this member. Raises SessionNotFound once that was revoked."""
        member = membership.member
        # Of a member who came after the login no revocation is forgotten; of a login before this app all are.
        first = 0 if "logged_in_at" in self.kept else member.generation
        known = self.kept.setdefault("generations", {}).setdefault(str(member.pk), first)
        if known != member.generation:
            raise errors.SessionNotFound
        row = self._row(member)
        shown: list[Factor] = self._primary() if row is None else row.factors
        if row is not None and has_second(shown):
            self._remember(row, membership)
        else:
            self._note(member, checked_at=0)
        return shown

    def _primary(self) -> list[Factor]:
        return [factor("password", None, self.kept.get("logged_in_at", 0))] if self.is_of_session else []

    def _row(self, member: Member) -> Session | None:
        stay = self._stay(member)
        return sessions.of_visit(member, UUID(stay["session"])) if "session" in stay else None

    # Keeping it

    def _stay(self, member: Member) -> dict[str, Any]:
        found: dict[str, Any] = self.kept.get("members", {}).get(str(member.pk), {})
        return found if found.get("hash") == self.hash else {"hash": self.hash}

    def _remember(self, row: Session, membership: Membership) -> None:
        self._note(
            row.member,
            session=str(row.pk),
            slug=row.member.organization.slug,
            factors=row.factors,
            required=membership.mfa_required,
            checked_at=now(),
        )

    def _note(self, member: Member, **values: Any) -> None:
        stay = self._stay(member)
        if any(stay.get(name) != value for name, value in values.items()):
            self.kept.setdefault("members", {})[str(member.pk)] = {**stay, **values}
            self._save()

    def _renew_key(self) -> None:
        self.session.cycle_key()
        self._save()

    def _save(self) -> None:
        if self.is_of_session:
            self.session[KEY] = self.kept
