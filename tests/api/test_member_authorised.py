"""A back end that passes on a member's own session: what the call may do is what the member's roles permit
(contract 0.2 and 6.11), on the routes that Stytch's SDKs send such a header to and on no other.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from stytch_totp.models import AuditEvent
from tests.api.helpers import (
    MEMBER_SESSION_HEADERS,
    ORGANIZATIONS,
    ROUTES,
    SESSIONS,
    Person,
    Route,
    complete,
    fault,
    log_in,
    make_organization,
    make_person,
    make_user,
    ok,
    refused,
    rows_hash,
    send,
    show_member,
    undone,
    unknown,
    user_session,
)
from tests.conftest import API

pytestmark = pytest.mark.django_db

ALLOWED, DENIED, TENANCY = (200, ""), (403, "session_authorization_error"), (403, "session_authorization_tenancy_error")
ROLES: dict[str, list[str]] = {
    "member": [],
    "stranger to the policy": ["editor"],
    "administrator": ["stytch_admin"],
}
ORGANIZATION = ORGANIZATIONS + "/{organization_id}"
MEMBER = ORGANIZATION + "/members/{member_id}"
#: The fields that a member's session may change, each with a value that is accepted.
MEMBER_FIELDS: dict[str, Any] = {
    "name": "New",
    "untrusted_metadata": {"theme": "dark"},
    "mfa_phone_number": "+15005550006",
    "mfa_enrolled": True,
    "default_mfa_method": "totp",
    "email_address": "changed@example.com",
    "external_id": "changed",
    "is_breakglass": True,
    "roles": ["stytch_admin"],
}
#: Those that a member may change of its own: nothing that raises its standing.
OWN = ("name", "untrusted_metadata", "mfa_phone_number", "mfa_enrolled", "default_mfa_method")
ORGANIZATION_FIELDS: dict[str, Any] = {
    "organization_name": "New",
    "organization_slug": "changed-slug",
    "organization_logo_url": "https://example.com/logo.png",
    "mfa_policy": "OPTIONAL",
    "mfa_methods": "ALL_ALLOWED",
    "allowed_mfa_methods": ["totp"],
    "auth_methods": "ALL_ALLOWED",
    "allowed_auth_methods": ["password"],
    "email_allowed_domains": ["example.com"],
    "email_jit_provisioning": "RESTRICTED",
    "email_invites": "RESTRICTED",
    "sso_jit_provisioning": "RESTRICTED",
    "rbac_email_implicit_role_assignments": [],
    "oauth_tenant_jit_provisioning": "RESTRICTED",
    "allowed_oauth_tenants": {},
    "claimed_email_domains": ["example.com"],
    "first_party_connected_apps_allowed_type": "RESTRICTED",
    "allowed_first_party_connected_apps": [],
    "third_party_connected_apps_allowed_type": "RESTRICTED",
    "allowed_third_party_connected_apps": [],
    "sso_default_connection_id": "x",
    "sso_jit_provisioning_allowed_connections": [],
}
#: The back end's to write, whatever the role: by its external id it finds the organization again.
KEPT = {"organization_external_id": "changed"}
SERVED = {
    ("PUT", ORGANIZATION),
    ("DELETE", ORGANIZATION),
    ("POST", ORGANIZATION + "/members"),
    ("PUT", MEMBER),
    ("DELETE", MEMBER),
    ("DELETE", MEMBER + "/external_id"),
    ("DELETE", MEMBER + "/totp"),
    ("PUT", ORGANIZATION + "/members/{gone_id}/reactivate"),
    ("POST", f"{ORGANIZATIONS}/members/search"),
    ("POST", f"{SESSIONS}/revoke"),
}


@dataclass(frozen=True)
class Scene:
    """Members of each role with their sessions, and whom they may be after: a colleague, a leaver, a stranger."""

    callers: dict[str, Person]
    headers: dict[str, dict[str, str]]
    colleague: Person
    gone: Person
    elsewhere: Person
    elsewhere_gone: Person
    sessions: dict[str, str]

    def values(self, role: str, target: str) -> dict[str, str]:
        who = {"self": self.callers[role], "other": self.colleague, "elsewhere": self.elsewhere}[target]
        gone = self.elsewhere_gone if target == "elsewhere" else self.gone
        return {
            **who.ids,
            "gone_id": gone.member_id,
            "session_id": self.sessions[who.member_id],
            "email": "made-by-a-test@example.com",
        }


@pytest.fixture
def scene(api: API) -> Scene:
    home = make_organization(api, mfa_policy="REQUIRED_FOR_ALL", organization_external_id="home")["organization_id"]
    away = make_organization(api, mfa_policy="REQUIRED_FOR_ALL", organization_external_id="away")["organization_id"]
    callers = {
        role: make_person(api, home, roles=given, external_id=f"caller-{number}")
        for number, (role, given) in enumerate(ROLES.items())
    }
    colleague, elsewhere = (make_person(api, tenant, external_id="target") for tenant in (home, away))
    gone = [make_person(api, tenant, totp=False) for tenant in (home, away)]
    for person in gone:
        ok(api("DELETE", person.member_path))
    done = {role: complete(api, person) for role, person in callers.items()}
    sessions = {
        answer["member"]["member_id"]: answer["member_session"]["member_session_id"] for answer in done.values()
    }
    for person in (colleague, elsewhere):
        sessions[person.member_id] = complete(api, person)["member_session"]["member_session_id"]
    headers = {role: {"X-Stytch-Member-Session": answer["session_token"]} for role, answer in done.items()}
    return Scene(callers, headers, colleague, gone[0], elsewhere, gone[1], sessions)


# The decision table


def _member_calls() -> list[tuple[Route, bool]]:
    """Each call about a member, and whether a member may make it about itself."""
    updates = [(Route("PUT", MEMBER, {name: value}), name in OWN) for name, value in MEMBER_FIELDS.items()]
    return [
        *updates,
        (Route("PUT", MEMBER, {}), True),
        (Route("PUT", MEMBER, {"name": "New", "mfa_enrolled": True}), True),
        (Route("PUT", MEMBER, {"name": "New", "roles": []}), False),
        (Route("DELETE", MEMBER), True),
        (Route("DELETE", MEMBER + "/totp"), True),
        (Route("DELETE", MEMBER + "/external_id"), False),
        (Route("PUT", ORGANIZATION + "/members/{gone_id}/reactivate", {}), False),
        (Route("POST", ORGANIZATION + "/members", {"email_address": "{email}"}), False),
        (Route("POST", ORGANIZATION + "/members", {"email_address": "{email}", "roles": ["stytch_admin"]}), False),
        (Route("POST", f"{ORGANIZATIONS}/members/search", {"organization_ids": ["{organization_id}"]}), False),
        (Route("POST", f"{SESSIONS}/revoke", {"member_id": "{member_id}"}), True),
        (Route("POST", f"{SESSIONS}/revoke", {"member_session_id": "{session_id}"}), True),
    ]


def _organization_calls() -> list[Route]:
    return [
        *(Route("PUT", ORGANIZATION, {name: value}) for name, value in ORGANIZATION_FIELDS.items()),
        Route("PUT", ORGANIZATION, {}),
        Route("PUT", ORGANIZATION, KEPT),
        Route("DELETE", ORGANIZATION),
    ]


CALLS = [*_member_calls(), *((route, False) for route in _organization_calls())]


def _expected(role: str, target: str, route: Route, of_oneself: bool) -> tuple[int, str]:
    if target == "elsewhere":
        return TENANCY
    itself = target == "self" and of_oneself
    return ALLOWED if (role == "administrator" and route.body != KEPT) or itself else DENIED


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("target", ["self", "other", "elsewhere"])
def test_the_decision_table_of_roles_targets_and_calls(api, scene, role, target):
    """Role x {itself, a colleague, another organization's member} x every call and every field that can be written."""
    before, wrong = rows_hash(), []
    for route, of_oneself in CALLS:
        expected = _expected(role, target, route, of_oneself)
        with undone():
            answer = send(api, route, scene.values(role, target), **scene.headers[role])
            found = (answer.status_code, answer.json().get("error_type", ""))
            if found != expected or (expected != ALLOWED and rows_hash() != before):
                wrong.append((route.name, route.body, found, expected))
    assert not wrong
    assert len(CALLS) >= 45


@pytest.mark.parametrize("target", ["self", "other", "elsewhere"])
def test_the_project_itself_may_make_every_one_of_these_calls(api, scene, target):
    """So that no refusal of the table has another cause."""
    for route, _ in CALLS:
        with undone():
            ok(send(api, route, scene.values("member", target)))


def test_the_table_names_every_route_that_is_served_and_every_field_that_can_be_written():
    assert {(route.method, route.path) for route, _ in CALLS} == SERVED
    written = {path: {*route.others} for route in ROUTES if route.method == "PUT" for path in [route.path]}
    assert written[ORGANIZATION] - {"trusted_metadata"} == {*ORGANIZATION_FIELDS, *KEPT}
    ignored = {"trusted_metadata", "preserve_existing_sessions", "unlink_email"}
    assert written[MEMBER] - ignored == set(MEMBER_FIELDS)


@pytest.mark.parametrize("header", MEMBER_SESSION_HEADERS)
def test_calls_that_are_not_served_on_behalf_of_a_member_are_refused_and_not_taken_for_the_projects(api, world, header):
    """Not even to an administrator."""
    ok(api("PUT", world.person.member_path, {"roles": ["stytch_admin"]}))
    credential = world.values["session_token" if header == "X-Stytch-Member-Session" else "session_jwt"]
    before, tried, faults = rows_hash(), 0, []
    for route in ROUTES:
        if (route.method, route.path) in SERVED or "jwks" in route.path:
            continue
        tried += 1
        answer = world.request(api, route, **{header: credential})
        if fault(answer, 403) or answer.json()["error_type"] not in (DENIED[1], "consumer_session_authorization_error"):
            faults.append((route.name, answer.content[:100]))
    assert not faults
    assert tried >= 35
    assert rows_hash() == before


# Trusted metadata


@pytest.mark.parametrize("role", ROLES)
def test_trusted_metadata_are_the_back_ends_to_write(api, scene, role):
    values = scene.values(role, "self")
    given = {"name": "New", "trusted_metadata": {"plan": "gold"}}
    before = rows_hash()
    calls = [
        Route("PUT", MEMBER, given),
        Route("POST", ORGANIZATION + "/members", {**given, "email_address": "{email}"}),
    ]
    calls += [Route("PUT", ORGANIZATION, {"trusted_metadata": {"plan": "gold"}})]
    for route in calls:
        answer = send(api, route, values, **scene.headers[role])
        permitted = role == "administrator" or route.path == MEMBER
        refused(answer, *((401, "cannot_update_trusted_metadata") if permitted else DENIED))
        refused(send(api, route, scene.values(role, "elsewhere"), **scene.headers[role]), *TENANCY)
    assert rows_hash() == before


# The headers


def test_both_headers_say_the_same(api, scene):
    admin = scene.callers["administrator"]
    jwt = complete(api, admin)["session_jwt"]
    headers = {"X-Stytch-Member-SessionJWT": jwt}
    assert ok(api("PUT", scene.colleague.member_path, {"name": "New"}, **headers))["member"]["name"] == "New"
    refused(api("PUT", scene.elsewhere.member_path, {"name": "New"}, **headers), *TENANCY)
    both = {**headers, **scene.headers["administrator"]}
    refused(api("PUT", scene.colleague.member_path, {}, **both), 400, "too_many_session_arguments")


def test_the_row_and_not_the_jwt_says_which_roles_the_member_has(api, scene):
    headers = {"X-Stytch-Member-SessionJWT": complete(api, scene.callers["administrator"])["session_jwt"]}
    ok(api("PUT", scene.colleague.member_path, {"name": "New"}, **headers))
    ok(api("PUT", scene.callers["administrator"].member_path, {"roles": []}))
    refused(api("PUT", scene.colleague.member_path, {"name": "Newer"}, **headers), *DENIED)


def test_an_expired_jwt_speaks_for_nobody_though_its_session_lives(api, scene, clock):
    """It says who is logged in now; only an authentication, which answers with a fresh one, takes it."""
    jwt = complete(api, scene.callers["administrator"])["session_jwt"]  # thirty seconds old by now
    headers = {"X-Stytch-Member-SessionJWT": jwt}
    clock.advance(300 - 30 - 1)
    with undone():
        ok(api("PUT", scene.colleague.member_path, {"name": "New"}, **headers))
    clock.advance(1)
    refused(api("PUT", scene.colleague.member_path, {"name": "New"}, **headers), 404, "session_not_found")
    ok(api("POST", f"{SESSIONS}/authenticate", {"session_jwt": jwt}))


def dead(api: API, scene: Scene, clock: Any) -> dict[str, dict[str, str]]:
    """By what happened to it, the tokens of an administrator's session that is worth nothing any more."""
    home = scene.colleague.organization_id
    leaver, out = (make_person(api, home, roles=["stytch_admin"]) for _ in range(2))
    left, revoked = complete(api, leaver), complete(api, out)
    ok(api("POST", f"{SESSIONS}/revoke", {"member_id": out.member_id}))
    ok(api("DELETE", leaver.member_path))
    short = make_person(api, home, roles=["stytch_admin"])
    expired = complete(api, short, session_duration_minutes=5)
    clock.advance(300)
    return {"deleted": left, "revoked": revoked, "expired": expired}


def test_a_dead_session_is_none_on_any_route(api, world, scene, clock):
    before, tried = None, 0
    for answer in dead(api, scene, clock).values():
        before = before or rows_hash()
        for header, name in zip(MEMBER_SESSION_HEADERS, ("session_token", "session_jwt"), strict=True):
            for route in ROUTES:
                if "jwks" not in route.path:
                    tried += 1
                    refused(world.request(api, route, **{header: answer[name]}), 404, "session_not_found")
    assert tried >= 250
    assert rows_hash() == before


@pytest.mark.parametrize(
    ("value", "of_a_token", "of_a_jwt"),
    [
        ("", (400, "unable_to_parse_session_jwt"), (400, "unable_to_parse_session_jwt")),
        ("x", (400, "invalid_session_token"), (400, "unable_to_parse_session_jwt")),
        ("x" * 44, (404, "session_not_found"), (400, "unable_to_parse_session_jwt")),
        ("x" * 5000, (400, "invalid_session_token"), (400, "unable_to_parse_session_jwt")),
        ("\u00e9" * 44, (400, "invalid_session_token"), (400, "unable_to_parse_session_jwt")),
        ("a.b.c", (400, "invalid_session_token"), (400, "unable_to_parse_session_jwt")),
    ],
)
def test_a_header_that_is_no_session_is_refused_and_not_overlooked(api, scene, value, of_a_token, of_a_jwt):
    before = rows_hash()
    for header, refusal in zip(MEMBER_SESSION_HEADERS, (of_a_token, of_a_jwt), strict=True):
        for route, _ in CALLS:
            refused(send(api, route, scene.values("member", "other"), **{header: value}), *refusal)
    assert rows_hash() == before


def test_te06_a_users_session_is_no_members(api, scene):
    user = make_user(api)
    session = user_session(api, user)
    before = rows_hash()
    for header, name in zip(MEMBER_SESSION_HEADERS, ("session_token", "session_jwt"), strict=True):
        for route, _ in CALLS:
            answer = send(api, route, scene.values("member", "other"), **{header: session[name]})
            refused(answer, 404, "session_not_found")
    assert rows_hash() == before


def test_the_header_alone_admits_nobody(api, scene):
    for given in ("", "Basic x", "Bearer x"):
        answer = api("PUT", scene.colleague.member_path, {}, Authorization=given, **scene.headers["administrator"])
        refused(answer, 401, "unauthorized_credentials")


# Consequences


def test_a_member_who_has_the_administrators_role_taken_away_has_it_no_longer(api, scene):
    headers = scene.headers["administrator"]
    ok(api("PUT", scene.colleague.member_path, {"name": "New"}, **headers))
    ok(api("PUT", scene.callers["administrator"].member_path, {"roles": []}, **headers))
    refused(api("PUT", scene.colleague.member_path, {"name": "Newer"}, **headers), *DENIED)


def test_no_role_of_another_name_is_an_administrators(api, scene):
    person = scene.callers["member"]
    names = [
        "STYTCH_ADMIN",
        "stytch_admin ",
        "stytch_admi",
        "admin",
        "*",
        "stytch.member",
        "stytch_user",
        "stytch_member",
    ]
    ok(api("PUT", person.member_path, {"roles": names}))
    assert show_member(api, person)["is_admin"] is False
    refused(api("PUT", scene.colleague.member_path, {"name": "New"}, **scene.headers["member"]), *DENIED)


def test_a_member_can_be_named_by_its_own_external_id_and_is_still_itself(api, scene):
    person = scene.callers["member"]
    ok(api("PUT", person.member_path, {"external_id": "itself"}))
    for tenant in (person.organization_id, "home"):
        path = f"{ORGANIZATIONS}/{tenant}/members/itself"
        ok(api("PUT", path, {"name": "New"}, **scene.headers["member"]))
        refused(api("PUT", path, {"roles": []}, **scene.headers["member"]), *DENIED)


def test_whom_nobody_knows_is_not_found_whatever_the_role(api, scene):
    for role in ROLES:
        path = f"{ORGANIZATIONS}/{scene.colleague.organization_id}/members/{unknown('member')}"
        refused(api("PUT", path, {}, **scene.headers[role]), 404, "member_not_found")
        path = f"{ORGANIZATIONS}/{unknown('organization')}"
        refused(api("PUT", path, {}, **scene.headers[role]), 404, "organization_not_found")


def test_a_search_of_two_organizations_is_refused_if_one_is_anothers(api, scene):
    tenants = [scene.colleague.organization_id, scene.elsewhere.organization_id]
    for given in (tenants, tenants[::-1]):
        answer = api(
            "POST", f"{ORGANIZATIONS}/members/search", {"organization_ids": given}, **scene.headers["administrator"]
        )
        refused(answer, *TENANCY)
    found = api(
        "POST", f"{ORGANIZATIONS}/members/search", {"organization_ids": tenants[:1]}, **scene.headers["administrator"]
    )
    assert {member["organization_id"] for member in ok(found)["members"]} == {tenants[0]}


def test_a_session_revokes_itself_by_token_too_and_no_colleagues(api, scene):
    theirs = complete(api, scene.colleague)
    headers = scene.headers["member"]
    own = headers["X-Stytch-Member-Session"]
    for name in ("session_token", "session_jwt"):
        refused(api("POST", f"{SESSIONS}/revoke", {name: theirs[name]}, **headers), *DENIED)
    ok(api("POST", f"{SESSIONS}/revoke", {"session_token": own}, **headers))
    refused(api("POST", f"{SESSIONS}/authenticate", {"session_token": own}), 404, "session_not_found")


def test_what_a_members_session_did_is_on_record_as_the_members(api, scene):
    admin = scene.callers["administrator"]
    answer = ok(api("PUT", scene.colleague.member_path, {"name": "New"}, **scene.headers["administrator"]))
    event = AuditEvent.objects.get(request_id=answer["request_id"])
    assert (event.tag, event.actor_kind, event.actor_id) == ("member:member:updated", "member", admin.member_id)


def test_a_member_who_changes_its_address_is_unverified_until_the_project_says_otherwise(api, scene):
    path = scene.colleague.member_path
    given = {"email_address": scene.elsewhere.email}
    changed = ok(api("PUT", path, given, **scene.headers["administrator"]))["member"]
    assert (changed["email_address"], changed["email_address_verified"]) == (given["email_address"], False)
    made = {"email_address": "made@example.com"}
    tenant = f"{ORGANIZATIONS}/{scene.colleague.organization_id}/members"
    assert ok(api("POST", tenant, made, **scene.headers["administrator"]))["member"]["email_address_verified"] is False


def test_a_one_factor_session_is_a_session_where_the_organization_asks_for_no_more(api):
    tenant = make_organization(api)["organization_id"]
    admin, other = make_person(api, tenant, totp=False, roles=["stytch_admin"]), make_person(api, tenant, totp=False)
    headers = {"X-Stytch-Member-Session": ok(log_in(api, admin))["session_token"]}
    ok(api("PUT", other.member_path, {"name": "New"}, **headers))
