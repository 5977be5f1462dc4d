"""The routes of pages beside those of back ends, and the places in both where an id or a token stands."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.http import HttpResponse

from tests.api import pages
from tests.api.helpers import ROUTES, Page, Route, caller_of, fill, put
from tests.conftest import API

TOKENS = ("session_token", "session_jwt", "intermediate_session_token", "member_session_id", "session_id")
#: What the value of a slot is, where its name doesn't say it.
KINDS = {
    "organization_ids.0": "organization_id",
    "fresh_id": "member_id",
    "gone_id": "member_id",
    "fresh_user_id": "user_id",
}
IDS = ("organization_id", "member_id", "user_id", "totp_id", "project_id", "public_token", *KINDS)
_DURATION = ("session_duration_minutes",)
_SUBJECT = ("organization_id", "member_id")
_OF_ONESELF = ("name", "untrusted_metadata", "mfa_phone_number", "mfa_enrolled", "default_mfa_method")
_OF_ANYBODY = (*_OF_ONESELF, "roles", "is_breakglass", "email_address", "external_id")
#: Fields that a page may send besides those of ``pages.PAGE_ROUTES``.
_OTHERS: Mapping[str, tuple[str, ...]] = {
    "POST /b2b/totp/authenticate": ("set_mfa_enrollment", "set_default_mfa"),
    "POST /b2b/recovery_codes/rotate": _SUBJECT,
    "POST /b2b/sessions/authenticate": _DURATION,
    "POST /b2b/sessions/exchange": ("locale",),
    "POST /b2b/passwords/authenticate": ("intermediate_session_token", "locale"),
    "POST /b2b/discovery/organizations/create": ("organization_slug", "mfa_policy"),
    "PUT /b2b/organizations/me": ("organization_name", "mfa_policy", "organization_slug"),
    "POST /b2b/organizations/me/members/search": ("cursor", "query"),
    "POST /b2b/organizations/members": (*_OF_ONESELF[:-1], "roles", "is_breakglass"),
    "PUT /b2b/organizations/members/update": _OF_ONESELF,
    "PUT /b2b/organizations/members/{fresh_id}": (
        *_OF_ONESELF,
        "roles",
        "is_breakglass",
        "email_address",
        "external_id",
    ),
    "POST /totps": ("user_id",),
    "POST /totps/authenticate": ("user_id",),
    "POST /totps/recover": ("user_id",),
    "POST /passwords": ("name", "untrusted_metadata"),
    "PUT /users/me": ("name", "name.first_name", "untrusted_metadata"),
}
#: What a page is served, as whole paths.
SDK_ROUTES = tuple(
    Route(
        one.method,
        one.sdk_path,
        one.body,
        others=_OTHERS.get(one.name, ()),
        session=one.who if one.needs_session else "",
    )
    for one in pages.PAGE_ROUTES
)


@dataclass(frozen=True)
class Slot:
    """A place of a route that names somebody or something, or shows a credential."""

    route: Route
    place: str
    name: str

    def __str__(self) -> str:
        return f"{self.route.name} {self.place}:{self.name}"

    @property
    def kind(self) -> str:
        return KINDS.get(self.name, self.name)

    @property
    def reaches_anywhere(self) -> bool:
        """Whether the project's secret admits the call to any organization's members."""
        path = self.route.path
        return not self.route.is_page and any(word in path for word in ("dangerously_get", "/sessions/revoke"))

    @property
    def names_a_member_too(self) -> bool:
        """Then an organization in which that member isn't is as bad as none."""
        spelled = f"{self.route.path} {self.route.body} {self.route.query}"
        named = any(f"{{{name}}}" in spelled for name in ("member_id", "fresh_id", "gone_id"))
        return named or "exchange" in self.route.path

    def call(self, api: API, values: Mapping[str, str], identifier: Any) -> HttpResponse:
        """The route's call with this in the slot, and everything else as it should be."""
        route, body = self.route, fill(self.route.body, values)
        caller, query = caller_of(api, route, values), fill(route.query, values)
        path = fill(route.path, values)
        if self.place == "session":
            caller = Page(identifier)
        elif self.place == "path":
            path = fill(route.path, {**values, self.name: quote(identifier, safe="")})
        elif self.place == "query":
            query[self.name] = quote(identifier, safe="")
        else:
            if self.kind in TOKENS or route.path.endswith("/revoke"):
                body = {name: value for name, value in body.items() if name not in TOKENS}
            body = put(body, self.name, identifier)
        given = "&".join(f"{name}={value}" for name, value in query.items())
        return caller(route.method, path + (f"?{given}" if given else ""), body)


def _slots(route: Route) -> Iterator[Slot]:
    for name in re.findall(r"{(\w+)}", route.path):
        yield Slot(route, "path", name)
    for name in route.query:
        if name in IDS:
            yield Slot(route, "query", name)
    for name in dict.fromkeys(route.fields):
        if name in (*IDS, *TOKENS):
            yield Slot(route, "body", name)
    if route.session:
        yield Slot(route, "session", "session_token")


SLOTS = [slot for route in (*ROUTES, *SDK_ROUTES) for slot in _slots(route)]
