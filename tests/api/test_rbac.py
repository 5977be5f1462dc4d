"""The RBAC policies that SDKs fetch, and the verdicts of ``authorization_check`` (contract 1.9, 2.3, 6.11)."""

import pytest

from tests.api.helpers import (
    COMMON,
    ORGANIZATIONS,
    SESSIONS,
    USER_SESSIONS,
    log_in,
    make_organization,
    make_person,
    make_user,
    not_refused,
    ok,
    refused,
    rows_hash,
    unknown,
    user_session,
)

pytestmark = pytest.mark.django_db

DENIED, TENANCY = (403, "session_authorization_error"), (403, "session_authorization_tenancy_error")
RESOURCES = ("stytch.organization", "stytch.member", "stytch.self")


def login(api, *roles):
    return ok(log_in(api, make_person(api, make_organization(api)["organization_id"], totp=False, roles=list(roles))))


def check(api, session, **fields):
    asked = {"organization_id": session["organization"]["organization_id"], "resource_id": "stytch.self", "action": "x"}
    given = {"session_token": session["session_token"], "authorization_check": {**asked, **fields}}
    return api("POST", f"{SESSIONS}/authenticate", given)


def user_check(api, session, **fields):
    asked = {"resource_id": "stytch.self", "action": "x", **fields}
    given = {"session_token": session["session_token"], "authorization_check": asked}
    return api("POST", f"{USER_SESSIONS}/authenticate", given)


# Policies


@pytest.mark.parametrize(
    ("path", "roles", "resources"),
    [
        ("/v1/b2b/rbac/policy", ["stytch_member", "stytch_admin"], {*RESOURCES}),
        ("/v1/rbac/policy", ["stytch_user"], {"stytch.self"}),
    ],
)
def test_a_policy_has_the_shape_of_the_contract(api, path, roles, resources):
    answer = ok(api("GET", path))
    assert set(answer) == COMMON | {"policy"}
    policy = answer["policy"]
    assert set(policy) == {"roles", "resources", "scopes"}
    assert [role["role_id"] for role in policy["roles"]] == roles
    assert all(set(role) == {"role_id", "description", "permissions"} for role in policy["roles"])
    permissions = [permission for role in policy["roles"] for permission in role["permissions"]]
    assert all(set(permission) == {"resource_id", "actions"} for permission in permissions)
    assert {resource["resource_id"] for resource in policy["resources"]} == resources
    assert all(set(resource) == {"resource_id", "description", "actions"} for resource in policy["resources"])
    assert all(resource["actions"] for resource in policy["resources"])
    assert policy["scopes"] == []


def test_the_policy_lists_the_actions_of_the_contract(api):
    resources = ok(api("GET", "/v1/b2b/rbac/policy"))["policy"]["resources"]
    actions = {resource["resource_id"]: set(resource["actions"]) for resource in resources}
    of_a_member = {"update.info.delete.mfa-totp", "update.settings.mfa-enrolled", "update.settings.default-mfa-method"}
    assert of_a_member | {"delete", "revoke-sessions"} <= actions["stytch.self"] < actions["stytch.member"]
    more = {"search", "update.settings.is-breakglass", "update.settings.roles"}
    assert more <= actions["stytch.member"] - actions["stytch.self"]
    assert {"update.settings.mfa-policy", "update.settings.allowed-mfa-methods", "delete"} <= actions[
        "stytch.organization"
    ]


def test_no_organization_has_roles_of_its_own(api):
    tenant = make_organization(api, organization_slug="some-slug")["organization_id"]
    for identifier in (tenant, "some-slug"):
        answer = ok(api("GET", f"/v1/b2b/rbac/organizations/{identifier}"))
        assert set(answer) == COMMON | {"org_policy"}
        assert answer["org_policy"] == {"roles": []}
    refused(api("GET", f"/v1/b2b/rbac/organizations/{unknown('organization')}"), 404, "organization_not_found")


# Verdicts


@pytest.mark.parametrize(
    ("roles", "resource", "granting"),
    [
        ([], "stytch.self", ["stytch_member"]),
        ([], "stytch.member", None),
        ([], "stytch.organization", None),
        (["stytch_admin"], "stytch.self", ["stytch_member", "stytch_admin"]),
        (["stytch_admin"], "stytch.member", ["stytch_admin"]),
        (["stytch_admin"], "stytch.organization", ["stytch_admin"]),
        (["editor"], "stytch.self", ["stytch_member"]),
        (["editor", "STYTCH_ADMIN", "stytch_user"], "stytch.member", None),
        (["stytch_admin"], "documents", None),
        (["stytch_admin"], "*", None),
        (["stytch_admin"], "stytch.Member", None),
        (["stytch_admin"], " stytch.member", None),
    ],
)
def test_a_verdict_names_the_roles_that_grant(api, roles, resource, granting):
    session = login(api, *roles)
    answer = check(api, session, resource_id=resource, action="update.settings.roles")
    if granting is None:
        refused(answer, *DENIED)
    else:
        assert ok(answer)["verdict"] == {"authorized": True, "granting_roles": granting}


def test_a_verdict_comes_with_the_session_and_only_when_asked(api):
    session = login(api)
    answer = ok(check(api, session))
    fields = {"member_session", "session_token", "session_jwt", "member", "organization"}
    assert set(answer) == COMMON | fields | {"verdict"}
    assert (
        set(ok(api("POST", f"{SESSIONS}/authenticate", {"session_token": session["session_token"]}))) == COMMON | fields
    )


def test_a_check_in_another_organization_is_refused_whatever_the_role(api):
    session, elsewhere = login(api, "stytch_admin"), make_organization(api, organization_slug="elsewhere")
    for identifier in (elsewhere["organization_id"], "elsewhere"):
        for resource in (*RESOURCES, "documents"):
            refused(check(api, session, organization_id=identifier, resource_id=resource), *TENANCY)
    refused(check(api, session, organization_id=unknown("organization")), 404, "organization_not_found")


def test_a_refused_check_extends_and_claims_nothing(api, clock):
    session = login(api)
    before = rows_hash()
    clock.advance(60)
    asked = {"organization_id": session["organization"]["organization_id"], "resource_id": "x", "action": "x"}
    wishes = {"session_duration_minutes": 600, "session_custom_claims": {"a": 1}}
    body = {"session_token": session["session_token"], "authorization_check": asked, **wishes}
    refused(api("POST", f"{SESSIONS}/authenticate", body), *DENIED)
    assert rows_hash() == before


def test_roles_that_were_taken_away_grant_nothing_though_the_session_goes_on(api):
    session = login(api, "stytch_admin")
    ok(check(api, session, resource_id="stytch.member"))
    member = session["member"]
    ok(api("PUT", f"{ORGANIZATIONS}/{member['organization_id']}/members/{member['member_id']}", {"roles": []}))
    refused(check(api, session, resource_id="stytch.member"), *DENIED)


def test_a_users_verdict(api):
    user = make_user(api, totp=False, roles=["stytch_admin", "stytch_member"])
    session = user_session(api, user)
    answer = ok(user_check(api, session))
    assert answer["verdict"] == {"authorized": True, "granting_roles": ["stytch_user"]}
    refused(user_check(api, session, resource_id="documents"), 403, "consumer_session_authorization_error")


def test_a_check_has_its_form(api):
    member, user = login(api), user_session(api, make_user(api, totp=False))

    def call(value):
        given = {"session_token": member["session_token"], "authorization_check": value}
        return api("POST", f"{SESSIONS}/authenticate", given)

    def user_call(value):
        given = {"session_token": user["session_token"], "authorization_check": value}
        return api("POST", f"{USER_SESSIONS}/authenticate", given)

    malformed = [None, "x", 5, True, [], {}, {"resource_id": "x"}, {"action": "x"}, {"resource_id": "", "action": "x"}]
    malformed += [{"resource_id": ["x"], "action": "x"}, {"resource_id": "x", "action": None}]
    assert not not_refused(call, [*malformed, {"resource_id": "stytch.self", "action": "x"}], 400, "bad_request")
    assert not not_refused(user_call, malformed, 400, "bad_request")
