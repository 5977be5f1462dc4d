"""Where a code can be tried: the routes of Members and of Users, as back ends and as pages call them.

A race is written once, for callers ``at`` one surface or several, which take turns.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.live import PUBLIC_TOKEN
from tests.races.burst import FEW, ROUNDS, Call

Person = dict[str, Any]


@dataclass(frozen=True)
class Surface:
    """One product's routes for one kind of caller. ``shown`` is what that caller has: a session or a login, if any."""

    users: bool = False
    page: bool = False

    def call(self, route: str, body: dict[str, Any] | None = None, *, method: str = "POST", **shown: Any) -> Call:
        product, fields = "" if self.users else "b2b/", (body or {}) | shown
        if not self.page:
            return Call(f"/v1/{product}{route}", fields, method)
        session = fields.pop("session_token", PUBLIC_TOKEN)
        return Call(f"/sdk/v1/{product}{route}", fields, method, PUBLIC_TOKEN, session)

    def authenticate(self, person: Person, code: str, **shown: Any) -> Call:
        named = {"totp_code" if self.users else "code": code}
        return self.call("totps/authenticate" if self.users else "totp/authenticate", self.of(person) | named, **shown)

    def recover(self, person: Person, code: str, **shown: Any) -> Call:
        route = "totps/recover" if self.users else "recovery_codes/recover"
        return self.call(route, self.of(person) | {"recovery_code": code}, **shown)

    def create(self, person: Person, **shown: Any) -> Call:
        return self.call("totps" if self.users else "totp", self.of(person), **shown)

    def delete_totp(self, person: Person, **shown: Any) -> Call:
        if self.users:
            route = f"users/totps/{person['totp_id']}"
        elif self.page:
            route = "organizations/members/deleteTOTP"
        else:
            route = f"organizations/{person['organization_id']}/members/{person['member_id']}/totp"
        return self.call(route, method="DELETE", **(shown if self.page else {}))

    def log_in(self, person: Person, password: str, **shown: Any) -> Call:
        whose = {"email": person["email_address"]}
        if not self.users:
            whose = {"email_address": person["email_address"], "organization_id": person["organization_id"]}
        return self.call("passwords/authenticate", whose | {"password": password}, **shown)

    def extend(self, session: dict[str, str], **fields: Any) -> Call:
        return self.call("sessions/authenticate", fields, **session)

    def revoke(self, **named: str) -> Call:
        return self.call("sessions/revoke", **named)

    def exchange(self, person: Person, session: dict[str, str]) -> Call:
        """Go on as ``person``, in another organization than the session's or in the same."""
        return self.call("sessions/exchange", {"organization_id": person["organization_id"]}, **session)

    def of(self, person: Person) -> dict[str, str]:
        """Whom a call is about, as far as its caller says so: the page of a User can only mean its own."""
        if self.users:
            return {} if self.page else {"user_id": person["member_id"]}
        return {name: person[name] for name in ("organization_id", "member_id")}


Surfaces = tuple[Surface, ...]
MEMBERS, MEMBER_PAGE = Surface(), Surface(page=True)
USERS, USER_PAGE = Surface(users=True), Surface(users=True, page=True)
BACK_END: Surfaces = (MEMBERS,)
BOTH: Surfaces = (MEMBERS, MEMBER_PAGE)
BOTH_OF_USERS: Surfaces = (USERS, USER_PAGE)
NAMES = {
    BACK_END: "back end",
    (MEMBER_PAGE,): "page",
    BOTH: "back end and page",
    (USER_PAGE,): "users' page",
    BOTH_OF_USERS: "users' back end and page",
}


def at(*several: Surfaces) -> pytest.MarkDecorator:
    """Run a race at each of these, and if none is given at all that have a name."""
    chosen = several or tuple(NAMES)
    return pytest.mark.parametrize("at", chosen, ids=[NAMES[one] for one in chosen])


def rounds(at: Surfaces) -> range:
    """Counted from 1: all of them where every race is run, fewer at the other surfaces."""
    return range(1, (ROUNDS if at == BACK_END else FEW) + 1)
