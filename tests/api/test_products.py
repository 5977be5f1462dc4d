"""Members and Users share tables and nothing else (TE-06); a project's JWTs are none in another (SE-11)."""

from itertools import product
from typing import Any

import pytest

from stytch_totp.operations import signing
from tests.api.helpers import (
    PASSWORD,
    SDK,
    SESSIONS,
    TOTP,
    TOTPS,
    USER_SESSIONS,
    Page,
    World,
    complete,
    fault,
    intermediate,
    log_in,
    make_organization,
    make_person,
    make_user,
    ok,
    refused,
    rows_hash,
    undone,
    user_session,
)
from tests.conftest import API

pytestmark = pytest.mark.django_db

PRODUCTS = ("b2b", "consumer")


# TE-06


class Holder:
    """Somebody of one product with all that there is of it, and the calls of both products that take such things."""

    def __init__(self, api: API, product: str) -> None:
        self.api = api
        if product == "b2b":
            self.person = make_person(api, email_address="same@example.com", external_id="same")
            self.id, session = self.person.member_id, complete(api, self.person)
            self.session_id = session["member_session"]["member_session_id"]
            self.intermediate = intermediate(api, self.person)
        else:
            user = make_user(api, email="same@example.com", external_id="same")
            self.id, session = user.user_id, user_session(api, user)
            self.session_id, self.intermediate = session["session"]["session_id"], ""
        self.token, self.jwt = session["session_token"], session["session_jwt"]

    def shown_to(self, api: API, product: str, subject: Any) -> dict[str, tuple[API, str, str, Any]]:
        """By credential and surface, the call of ``product`` that it is shown to; ``subject`` is the product's own."""
        b2b = product == "b2b"
        sessions, sdk = (SESSIONS, f"{SDK}/b2b") if b2b else (USER_SESSIONS, SDK)
        totp = TOTP if b2b else TOTPS
        whose = {**subject.person.ids, "member_id": self.id} if b2b else {"user_id": self.id}
        owner = "member_session_id" if b2b else "session_id"
        query = "&".join(f"{name}={value}" for name, value in whose.items())
        return {
            "id, to list": (api, "GET", f"{sessions}?{query}", None),
            "id, to change": (api, "PUT", self._path(subject, b2b), {"name": "New"} if b2b else {}),
            "id, for a code": (api, "POST", f"{totp}/authenticate", {**whose, "code": "x", "totp_code": "x"}),
            "token": (api, "POST", f"{sessions}/authenticate", {"session_token": self.token}),
            "token, to revoke": (api, "POST", f"{sessions}/revoke", {"session_token": self.token}),
            "token, on a page": (Page(self.token), "POST", f"{sdk}/sessions/authenticate", {}),
            "token, to read itself": (
                Page(self.token),
                "GET",
                f"{sdk}/organizations/members/me" if b2b else f"{sdk}/users/me",
                None,
            ),
            "token, to log out": (Page(self.token), "POST", f"{sdk}/sessions/revoke", None),
            "JWT": (api, "POST", f"{sessions}/authenticate", {"session_jwt": self.jwt}),
            "JWT, to revoke": (api, "POST", f"{sessions}/revoke", {"session_jwt": self.jwt}),
            "session id": (api, "POST", f"{sessions}/revoke", {owner: self.session_id}),
        }

    def _path(self, subject: Any, b2b: bool) -> str:
        tenant = f"/v1/b2b/organizations/{subject.person.organization_id}/members" if b2b else "/v1/users"
        return f"{tenant}/{self.id}"


def _accepted(caller: API, method: str, path: str, body: Any) -> bool:
    answer = caller(method, path, body)
    assert fault(answer) == "", path
    # A code that isn't one is refused once its owner is found.
    return answer.status_code == 200 or answer.json()["error_type"] == "invalid_totp_code"


def test_te06_what_is_one_products_is_nothing_to_the_other(api):
    """{ids, tokens, JWTs, session ids} of Members and Users x the routes of both products: only the diagonal."""
    holders = {product: Holder(api, product) for product in PRODUCTS}
    before, accepted, cells = rows_hash(), {}, 0
    for owner, asked in product(PRODUCTS, PRODUCTS):
        for name, call in holders[owner].shown_to(api, asked, holders["b2b"]).items():
            cells += 1
            with undone():
                accepted[owner, asked, name] = _accepted(*call)
                assert owner == asked or rows_hash() == before, (owner, asked, name)
    wrong = {cell: found for cell, found in accepted.items() if found != (cell[0] == cell[1])}
    print("cells:", cells)
    assert not wrong
    assert cells >= 44


def test_te06_an_intermediate_session_of_a_member_is_nothing_on_any_route_of_users(api):
    member, user = Holder(api, "b2b"), Holder(api, "consumer")
    before = rows_hash()
    for name in ("session_token", "session_jwt"):
        for path in (
            f"{USER_SESSIONS}/authenticate",
            f"{USER_SESSIONS}/revoke",
            f"{TOTPS}/authenticate",
            f"{TOTPS}/recover",
        ):
            body = {
                "user_id": user.id,
                "totp_code": "123456",
                "recovery_code": "aaaa-bbbb-cccc",
                name: member.intermediate,
            }
            answer = api("POST", path, body)
            expected = (404, "session_not_found") if name == "session_token" else (400, "unable_to_parse_session_jwt")
            refused(answer, *expected)
    refused(Page(member.intermediate)("GET", f"{SDK}/users/me"), 404, "session_not_found")
    for path in ("totps", "totps/authenticate", "totps/recover"):
        body = {"totp_code": "123456", "recovery_code": "aaaa-bbbb-cccc"}
        answer = Page()("POST", f"{SDK}/{path}", {**body, "intermediate_session_token": member.intermediate})
        assert fault(answer, 401, 404) == "", path
    assert rows_hash() == before


def test_te06_one_uuid_under_the_other_products_word_names_nobody(api):
    member, user = Holder(api, "b2b"), Holder(api, "consumer")
    path = f"/v1/b2b/organizations/{member.person.organization_id}/members"
    for name in (f"member-test-{user.id[-36:]}", user.id):
        refused(api("PUT", f"{path}/{name}", {}), 404, "member_not_found")
        refused(api("GET", f"/v1/b2b/organizations/members/dangerously_get/{name}"), 404, "member_not_found")
    refused(api("GET", f"/v1/users/user-test-{member.id[-36:]}"), 404, "user_not_found")
    refused(api("GET", f"/v1/users/{member.id}"), 400, "invalid_user_id")


def test_te06_the_same_address_password_and_external_id_are_two_people(api):
    person, user = make_person(api, email_address="same@example.com"), make_user(api, email="same@example.com")
    for _ in range(10):
        refused(log_in(api, person, "wrong"), 401, "unauthorized_credentials")
    refused(log_in(api, person), 429, "user_lock_limit_reached")
    ok(api("POST", "/v1/passwords/authenticate", {"email": user.email, "password": PASSWORD}))
    ok(api("DELETE", user.path))
    refused(log_in(api, person), 429, "user_lock_limit_reached")


def test_te06_pages_of_one_product_take_no_session_of_the_other(api, world: World):
    """Their words make the SDK forget it: not found, since there is one, but none of the page's product."""
    for token, paths in (
        (world.values["session_token"], ("totps/recovery_codes", "totps/recover", "totps", "sessions/revoke")),
        (world.values["user_session_token"], ("b2b/recovery_codes/rotate", "b2b/totp", "b2b/sessions/revoke")),
    ):
        before = rows_hash()
        for path in paths:
            answer = Page(token)("POST", f"{SDK}/{path}", {"recovery_code": "aaaa-bbbb-cccc"})
            refused(answer, 404, "session_not_found")
        assert rows_hash() == before


# SE-11

PROJECTS = [
    *(f"project-test-{digit * 8}-1111-4111-8111-111111111111" for digit in "234"),
    *(f"project-live-{digit * 8}-1111-4111-8111-111111111111" for digit in "25"),
]


@pytest.mark.parametrize("kind", PRODUCTS)
def test_se11_a_projects_jwts_are_none_in_any_other(settings, kind):
    """5 x 5 projects over one set of keys, test and live: only the diagonal is let in."""
    route, accepted = SESSIONS if kind == "b2b" else USER_SESSIONS, set()
    jwts = {project: _jwt(_of_project(settings, project), kind) for project in PROJECTS}
    for shown, asked in product(PROJECTS, PROJECTS):
        api, given = _of_project(settings, asked), {"session_jwt": jwts[shown]}
        answer = api("POST", f"{route}/authenticate", given)
        if answer.status_code == 200:
            accepted.add((shown, asked))
            continue
        refused(answer, 400, "unable_to_parse_session_jwt")
        refused(api("POST", f"{route}/revoke", given), 400, "unable_to_parse_session_jwt")
    assert accepted == {(project, project) for project in PROJECTS}


def test_se11_nor_do_they_speak_for_a_member_in_any_other(settings):
    jwts = {project: _jwt(_of_project(settings, project), "b2b") for project in PROJECTS}
    for shown, asked in product(PROJECTS, PROJECTS):
        answer = _of_project(settings, asked)("POST", TOTP, {}, **{"X-Stytch-Member-SessionJWT": jwts[shown]})
        # A route that isn't served on behalf of a member: the session was found, and that is all.
        own = (403, "session_authorization_error")
        refused(answer, *(own if shown == asked else (400, "unable_to_parse_session_jwt")))


def _of_project(settings: Any, project: str) -> API:
    """A back end of the project: the site's settings with another project id, over the same database."""
    word = project.split("-")[1]
    token = f"public-token-{word}-22222222-2222-4222-8222-222222222222"
    settings.STYTCH_TOTP = {**settings.STYTCH_TOTP, "PROJECT_ID": project, "PUBLIC_TOKENS": [token]}
    signing.forget()
    return API()


def _jwt(api: API, kind: str) -> str:
    if kind == "consumer":
        return str(user_session(api, make_user(api, totp=False))["session_jwt"])
    tenant = make_organization(api)["organization_id"]
    return str(ok(log_in(api, make_person(api, tenant, totp=False)))["session_jwt"])
