"""People at a page, who log in and step up there, and every route of ``/sdk/v1`` with a valid call."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from tests.api.helpers import (
    PASSWORD,
    SDK,
    Page,
    Person,
    Route,
    User,
    data,
    fill,
    make_organization,
    make_person,
    make_user,
    ok,
)
from tests.clock import CLOCK
from tests.conftest import API, basic
from tests.factories import code_of

PUBLIC_TOKEN = settings.STYTCH_TOTP["PUBLIC_TOKENS"][0]
OTHER_PUBLIC_TOKEN = "public-token-test-33333333-3333-4333-8333-333333333333"
UNKNOWN_PUBLIC_TOKEN = "public-token-test-00000000-0000-4000-8000-000000000000"
ORIGIN = settings.STYTCH_TOTP["ALLOWED_ORIGINS"][0]
OTHER_ORIGIN = "https://www.example.org"
SESSION_DEAD = (404, "session_not_found")
NO_SESSION = (401, "user_unauthenticated")
LACKING = (401, "insufficient_factors")
STALE = (401, "stale_factors")
WRONG_ORIGIN = (400, "bad_domain_for_stytch_sdk")
MINUTE = 60


def with_credentials(public_token: str, session_token: str = "", *, origin: str = ORIGIN) -> Page:
    """A page that has just these, whatever the settings say."""
    page = Page(origin=origin)
    page.authorization = basic(public_token, session_token or public_token)
    return page


class Visitor:
    """Somebody with a page, logged out at first. Calls go by what they are for; see ``CALLS``."""

    CALLS: dict[str, tuple[str, str]]
    code_name: str

    def __init__(self) -> None:
        self.page = Page()
        self.session_token = ""
        self.secret = ""
        self.codes: list[str] = []

    @property
    def login(self) -> dict[str, Any]:
        raise NotImplementedError

    @property
    def own_id(self) -> str:
        """In place of ``{}`` in a path."""
        return ""

    def call(self, what: str, body: Any = None, **headers: str) -> HttpResponse:
        method, path = self.CALLS[what]
        return self.page(method, SDK + path.format(self.own_id), body, **headers)

    def keep(self, answer: HttpResponse) -> "Visitor":
        """Go on with the session of an answer, as the SDK does."""
        self.session_token = data(answer)["session_token"]
        self.page = Page(self.session_token)
        return self

    def log_in(self) -> "Visitor":
        return self.keep(self.call("log in", self.login))

    def show_code(self, code: str = "", **fields: Any) -> HttpResponse:
        given = {self.code_name: code or code_of(self.secret), "session_duration_minutes": 60, **fields}
        return self.call("show code", given)

    def step_up(self) -> "Visitor":
        """By a code, whose step is spent: time moves on."""
        self.keep(self.show_code())
        CLOCK.advance(30)
        return self

    def recover(self) -> "Visitor":
        given = {"recovery_code": self.codes.pop(), "session_duration_minutes": 60}
        return self.keep(self.call("recover", given))

    def create(self) -> HttpResponse:
        return self.call("create", {"expiration_minutes": 60})

    def enrol(self) -> "Visitor":
        """Create a TOTP and confirm it."""
        made = data(self.create())
        self.secret, self.codes = made["secret"], made["recovery_codes"]
        return self.step_up()

    def factors(self) -> set[str]:
        """What the session carries, as its page is told."""
        done = data(self.call("refresh", {}))
        session = done.get("member_session") or done["session"]
        return {factor["type"] for factor in session["authentication_factors"]}


class MemberVisitor(Visitor):
    """A Member whose organization lets in by password alone."""

    CALLS = {
        "log in": ("POST", "/b2b/passwords/authenticate"),
        "create": ("POST", "/b2b/totp"),
        "show code": ("POST", "/b2b/totp/authenticate"),
        "recover": ("POST", "/b2b/recovery_codes/recover"),
        "remove": ("DELETE", "/b2b/organizations/members/deleteTOTP"),
        "read codes": ("GET", "/b2b/recovery_codes"),
        "rotate": ("POST", "/b2b/recovery_codes/rotate"),
        "refresh": ("POST", "/b2b/sessions/authenticate"),
        "log out": ("POST", "/b2b/sessions/revoke"),
    }
    code_name = "code"

    def __init__(self, api: API, *, totp: bool = True, organization_id: str = "", **fields: Any) -> None:
        super().__init__()
        organization_id = organization_id or make_organization(api)["organization_id"]
        self.person = make_person(api, organization_id, totp=totp, **fields)
        self.secret, self.codes = self.person.secret, list(self.person.codes)

    @property
    def login(self) -> dict[str, Any]:
        return password_of(self.person)


class UserVisitor(Visitor):
    CALLS = {
        "log in": ("POST", "/passwords/authenticate"),
        "create": ("POST", "/totps"),
        "show code": ("POST", "/totps/authenticate"),
        "recover": ("POST", "/totps/recover"),
        "remove": ("DELETE", "/users/totps/{}"),
        "read codes": ("POST", "/totps/recovery_codes"),
        "refresh": ("POST", "/sessions/authenticate"),
        "log out": ("POST", "/sessions/revoke"),
    }
    code_name = "totp_code"

    def __init__(self, api: API, *, totp: bool = True) -> None:
        super().__init__()
        self.user = make_user(api, totp=totp)
        self.secret, self.codes = self.user.secret, list(self.user.codes)

    @property
    def login(self) -> dict[str, Any]:
        return {"email": self.user.email, "password": PASSWORD, "session_duration_minutes": 60}

    @property
    def own_id(self) -> str:
        return self.user.totp_id

    def create(self) -> HttpResponse:
        answer = super().create()
        if answer.status_code == 200:
            self.user = replace(self.user, totp_id=data(answer)["totp_id"])
        return answer


VISITORS = {"member": MemberVisitor, "user": UserVisitor}


def password_of(person: Person) -> dict[str, Any]:
    given = {"organization_id": person.organization_id, "email_address": person.email}
    return {**given, "password": PASSWORD, "session_duration_minutes": 60}


def begin(page: Page, person: Person) -> str:
    """The token of a login on the page that owes a second factor."""
    done = data(page("POST", f"{SDK}/b2b/passwords/authenticate", password_of(person)))
    assert len(done["intermediate_session_token"]) == 44
    return done["intermediate_session_token"]


def discover(page: Page, person: Person) -> str:
    """The token of a login on the page that has no organization yet."""
    given = {"email_address": person.email, "password": PASSWORD}
    return data(page("POST", f"{SDK}/b2b/passwords/discovery/authenticate", given))["intermediate_session_token"]


def two_factors(person: Person) -> Page:
    """The page of a member who has just logged in by password and code."""
    given = {**person.ids, "code": code_of(person.secret), "session_duration_minutes": 60}
    page = Page()
    ist = {"intermediate_session_token": begin(page, person)}
    done = data(page("POST", f"{SDK}/b2b/totp/authenticate", {**given, **ist}))
    CLOCK.advance(30)
    return Page(done["session_token"])


# Routes


@dataclass(frozen=True)
class PageRoute(Route):
    """A route below ``/sdk/v1``, which ``path`` leaves out.

    ``who`` has the page: nobody, or somebody by the name in ``PageWorld.pages``. ``ist`` tells that the intermediate
    session in the body does without a session, ``server`` what a back end calls for the same, if it can.
    """

    who: str = "nobody"
    ist: bool = False
    server: Route | None = None

    @property
    def sdk_path(self) -> str:
        return SDK + self.path

    @property
    def needs_session(self) -> bool:
        return self.who != "nobody"


@dataclass(frozen=True)
class PageWorld:
    """Two organizations with their people, two Users, and the pages of some; ``values`` fill the routes."""

    person: Person
    elsewhere: Person
    user: User
    pages: Mapping[str, Page]
    values: Mapping[str, str]

    def path(self, route: PageRoute) -> str:
        return fill(route.sdk_path, self.values)

    def body(self, route: PageRoute) -> Any:
        return fill(route.body, self.values)

    def request(self, route: PageRoute, page: Page | None = None, **headers: str) -> HttpResponse:
        return (page or self.pages[route.who])(route.method, self.path(route), self.body(route), **headers)


def make_page_world(api: API) -> PageWorld:
    tenant = make_organization(api, mfa_policy="REQUIRED_FOR_ALL")
    tenant_id = tenant["organization_id"]
    person, admin = make_person(api, tenant_id), make_person(api, tenant_id, roles=["stytch_admin"])
    fresh, gone = (make_person(api, tenant_id, totp=False) for _ in range(2))
    ok(api("DELETE", gone.member_path))
    elsewhere = make_person(api, email_address=person.email)
    user, fresh_user = UserVisitor(api), UserVisitor(api, totp=False)
    pages = {
        "nobody": Page(),
        "member": two_factors(person),
        "admin": two_factors(admin),
        "user": user.log_in().step_up().page,
        "fresh user": fresh_user.log_in().page,
    }
    values = {
        "organization_id": tenant_id,
        "slug": tenant["organization_slug"],
        "other_id": elsewhere.organization_id,
        "member_id": person.member_id,
        "fresh_id": fresh.member_id,
        "gone_id": gone.member_id,
        "email": person.email,
        "password": PASSWORD,
        "code": code_of(person.secret),
        "recovery_code": person.codes[0],
        "ist": begin(Page(), person),
        "fresh_ist": begin(Page(), fresh),
        "discovery_ist": discover(Page(), person),
        "session_token": pages["member"].session_token,
        "user_session_token": pages["user"].session_token,
        "user_id": user.user.user_id,
        "fresh_user_id": fresh_user.user.user_id,
        "user_email": user.user.email,
        "user_code": code_of(user.secret),
        "user_recovery_code": user.codes[0],
        "totp_id": user.user.totp_id,
        "public_token": PUBLIC_TOKEN,
    }
    return PageWorld(person, elsewhere, user.user, pages, values)


_HOUR = {"session_duration_minutes": 60}
_SUBJECT = {"organization_id": "{organization_id}", "member_id": "{member_id}"}
_TOKEN = {"session_token": "{session_token}"}
_USER = {"user_id": "{user_id}"}
_USER_TOKEN = {"session_token": "{user_session_token}"}
_ORGANIZATION = "/v1/b2b/organizations/{organization_id}"
_MEMBER, _FRESH = _ORGANIZATION + "/members/{member_id}", _ORGANIZATION + "/members/{fresh_id}"


def _same(method: str, path: str, body: Mapping[str, Any] | None = None, **given: Any) -> PageRoute:
    """A route that a back end calls alike."""
    return PageRoute(method, path, body, server=Route(method, "/v1" + path, body), **given)


def _own(method: str, path: str, server: str, body: Mapping[str, Any] | None = None, **given: Any) -> PageRoute:
    """A route where a back end names in the path whom a page's session names."""
    return PageRoute(method, path, body, server=Route(method, server, body), **given)


def _told(path: str, body: Mapping[str, Any] | None, whose: Mapping[str, Any], **given: Any) -> PageRoute:
    """A route where a back end names in the body whom a page's session names."""
    return PageRoute("POST", path, body, server=Route("POST", "/v1" + path, {**(body or {}), **whose}), **given)


#: Bodies as the SDK sent them (contract, appendix A), and for what it wasn't seen to send, those of 3.9 and 3.10.
PAGE_ROUTES = (
    _same(
        "POST",
        "/b2b/passwords/authenticate",
        {"organization_id": "{organization_id}", "email_address": "{email}", "password": "{password}", **_HOUR},
    ),
    _same(
        "POST",
        "/b2b/totp",
        {
            "organization_id": "{organization_id}",
            "member_id": "{fresh_id}",
            "expiration_minutes": 60,
            "intermediate_session_token": "{fresh_ist}",
        },
        ist=True,
    ),
    _same(
        "POST",
        "/b2b/totp/authenticate",
        {
            **_SUBJECT,
            "code": "{code}",
            **_HOUR,
            "set_mfa_enrollment": "enroll",
            "set_default_mfa": True,
            "intermediate_session_token": "{ist}",
        },
        ist=True,
    ),
    _same(
        "POST",
        "/b2b/recovery_codes/recover",
        {**_SUBJECT, "recovery_code": "{recovery_code}", **_HOUR, "intermediate_session_token": "{ist}"},
        ist=True,
    ),
    _own("GET", "/b2b/recovery_codes", "/v1/b2b/recovery_codes/{organization_id}/{member_id}", who="member"),
    _told("/b2b/recovery_codes/rotate", {}, _SUBJECT, who="member"),
    _told("/b2b/sessions/authenticate", {"session_duration_minutes": 30}, _TOKEN, who="member"),
    _told("/b2b/sessions/exchange", {"organization_id": "{other_id}", **_HOUR}, _TOKEN, who="member"),
    _told("/b2b/sessions/revoke", None, _TOKEN, who="member"),
    PageRoute(
        "POST",
        "/b2b/sessions/revoke/{fresh_id}",
        server=Route("POST", "/v1/b2b/sessions/revoke", {"member_id": "{fresh_id}"}),
        who="admin",
    ),
    _same("POST", "/b2b/passwords/discovery/authenticate", {"email_address": "{email}", "password": "{password}"}),
    _same("POST", "/b2b/passwords/strength_check", {"password": "{password}"}),
    _same("POST", "/b2b/discovery/organizations", {"intermediate_session_token": "{discovery_ist}"}, ist=True),
    _same(
        "POST",
        "/b2b/discovery/organizations/create",
        {"intermediate_session_token": "{discovery_ist}", "organization_name": "Made on a page", **_HOUR},
    ),
    _same(
        "POST",
        "/b2b/discovery/intermediate_sessions/exchange",
        {"intermediate_session_token": "{discovery_ist}", "organization_id": "{other_id}", **_HOUR},
    ),
    PageRoute("POST", "/b2b/organizations/search", {"organization_slug": "{slug}"}),
    _own("GET", "/b2b/organizations/me", _ORGANIZATION, who="member"),
    _own("PUT", "/b2b/organizations/me", _ORGANIZATION, {"organization_name": "Renamed"}, who="admin"),
    _own("DELETE", "/b2b/organizations/me", _ORGANIZATION, who="admin"),
    PageRoute(
        "POST",
        "/b2b/organizations/me/members/search",
        {"limit": 10},
        server=Route(
            "POST", "/v1/b2b/organizations/members/search", {"organization_ids": ["{organization_id}"], "limit": 10}
        ),
        who="admin",
    ),
    _own(
        "POST",
        "/b2b/organizations/members",
        _ORGANIZATION + "/members",
        {"email_address": "new@example.com"},
        who="admin",
    ),
    _own("GET", "/b2b/organizations/members/me", _ORGANIZATION + "/member?member_id={member_id}", who="member"),
    _own(
        "PUT",
        "/b2b/organizations/members/update",
        _MEMBER,
        {"mfa_enrolled": True, "default_mfa_method": "totp"},
        who="member",
    ),
    _own("DELETE", "/b2b/organizations/members/deleteTOTP", _MEMBER + "/totp", who="member"),
    _own("DELETE", "/b2b/organizations/members/totp/{member_id}", _MEMBER + "/totp", who="admin"),
    _own("PUT", "/b2b/organizations/members/{fresh_id}", _FRESH, {"name": "Renamed"}, who="admin"),
    _own("DELETE", "/b2b/organizations/members/{fresh_id}", _FRESH, who="admin"),
    _own(
        "PUT",
        "/b2b/organizations/members/{gone_id}/reactivate",
        _ORGANIZATION + "/members/{gone_id}/reactivate",
        who="admin",
    ),
    _same("POST", "/passwords", {"email": "new@example.com", "password": "{password}", **_HOUR}),
    _same("POST", "/passwords/authenticate", {"email": "{user_email}", "password": "{password}", **_HOUR}),
    _same("POST", "/passwords/strength_check", {"password": "{password}"}),
    _told("/totps", {"expiration_minutes": 60}, {"user_id": "{fresh_user_id}"}, who="fresh user"),
    _told("/totps/authenticate", {**_HOUR, "totp_code": "{user_code}"}, {**_USER, **_USER_TOKEN}, who="user"),
    _told("/totps/recovery_codes", None, _USER, who="user"),
    _told("/totps/recover", {**_HOUR, "recovery_code": "{user_recovery_code}"}, {**_USER, **_USER_TOKEN}, who="user"),
    _told("/sessions/authenticate", _HOUR, _USER_TOKEN, who="user"),
    _told("/sessions/revoke", None, _USER_TOKEN, who="user"),
    _own("GET", "/users/me", "/v1/users/{user_id}", who="user"),
    _own("PUT", "/users/me", "/v1/users/{user_id}", {"name": {"first_name": "Ada"}}, who="user"),
    _same("DELETE", "/users/totps/{totp_id}", who="user"),
    PageRoute("GET", "/projects/bootstrap/{public_token}"),
    PageRoute("POST", "/events", {}),
)
#: All but telemetry, which is answered whoever sends it, and neither read nor kept.
GUARDED = PAGE_ROUTES[:-1]
