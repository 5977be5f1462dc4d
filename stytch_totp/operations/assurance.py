"""How sure a request can be of who sends it: ``request.mfa``, whatever it was that let the request in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from stytch_totp import conf, errors
from stytch_totp.core import factors, jwt, policy
from stytch_totp.core.factors import Factor
from stytch_totp.models import Member, Organization
from stytch_totp.operations import members, organizations, sessions, signing
from stytch_totp.operations.users import Membership


def _nobody() -> Member | None:
    return None


@dataclass(eq=False)
class Assurance:
    """What is known of a visitor's login.

    ``user``: whose it is; None if nobody is logged in. ``factors``: what was shown, as sessions keep it. ``required``:
    whether the organization's policy or the member's own choice asks for a second factor. ``enrolled``: whether the
    member has one. ``trouble``: why nothing that is shown would do, if so.
    """

    user: Any = None
    factors: Sequence[Factor] = ()
    required: bool = False
    enrolled: bool = False
    trouble: type[errors.StytchError] | None = None
    find_member: Callable[[], Member | None] = _nobody

    @cached_property
    def member(self) -> Member | None:
        """The member that the visitor acts as; None for a user who belongs to no organization and never enrolled.

        Asks the database if the request didn't have to.
        """
        return self.find_member()

    @property
    def organization(self) -> Organization | None:
        """The member's organization; of a user without a member, the directory of plain Users."""
        if self.member is None:
            return organizations.consumer() if self.user is not None else None
        return self.member.organization

    @property
    def verified(self) -> bool:
        """Whether a second factor was shown in this session, by this member."""
        return factors.has_second(self.factors)

    @property
    def verified_at(self) -> int:
        """When one was last shown, in seconds since the epoch; 0 if never."""
        return factors.shown_at(self.factors)

    @property
    def auth_time(self) -> int:
        """When a factor of any kind was last shown (OpenID Connect's ``auth_time``); 0 if that isn't known."""
        return max((one["last_authenticated_at"] for one in self.factors), default=0)

    @property
    def amr(self) -> list[str]:
        """The authentication method references of RFC 8176: ``["mfa", "otp", "pwd"]``."""
        return factors.amr(self.factors)

    def refusal(self, *, demanded: bool = False, max_age: int | None = None) -> errors.StytchError | None:
        """Why a guarded view can't be shown, or None if it can.

        ``demanded``: whether the view asks for a second factor though nobody else does; ``max_age``: the seconds that
        it may be old. Who isn't logged in is refused only what is demanded: else the host decides.
        """
        if self.trouble:
            return self.trouble()
        demanded = demanded or max_age is not None
        if self.user is None:
            return errors.UserUnauthenticated() if demanded else None
        gate = policy.gate(
            required=self.required or demanded,
            enrolled=self.enrolled,
            shown_at=self.verified_at,
            oldest=1 if max_age is None else conf.now() - max_age,
        )
        if gate is policy.Gate.OPEN:
            return None
        details: dict[str, Any] = {} if max_age is None else {"max_age": max_age}
        if gate is policy.Gate.ENROL:
            return errors.MFAEnrollmentRequired(**details)
        return (errors.StepUpRequired if self.verified else errors.MFARequired)(**details)


NOBODY = Assurance()


def of_token(session_token: str) -> Assurance:
    """Of a request that came with a member's session token, by the session's row. Raises as ``sessions.find`` does."""
    session = sessions.find(None, session_token=session_token)
    return _of_member(session.member, session.factors)


def of_jwt(session_jwt: str) -> Assurance:
    """Of a request that came with a session JWT, by what it says: its session is not looked up.

    Raises core.jwt.InvalidJWT, also for one that is out of date, and MemberNotFound.
    """
    claims = signing.claims(session_jwt)
    try:
        shown = [factors.read(one) for one in claims[jwt.SESSION_CLAIM]["authentication_factors"]]
    except (KeyError, TypeError, ValueError):
        raise jwt.InvalidJWT from None
    return _of_member(members.resolve_subject(claims["sub"]), shown)


def _of_member(member: Member, shown: Sequence[Factor]) -> Assurance:
    membership = Membership(member, enrolled=member.active_totp_id is not None)
    return Assurance(member.user, shown, membership.mfa_required, membership.enrolled, find_member=lambda: member)
