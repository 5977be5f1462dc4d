"""What roles permit: checks that a back end asks for, checks that the SDKs make, and calls by a member's own session.

Contract 6.11, with the default roles: a member acts on itself, an administrator on its own organization.
"""

import json

import pytest
import requests
from stytch.b2b.models.sessions import AuthorizationCheck
from stytch.consumer.models.sessions import AuthorizationCheck as UserAuthorizationCheck
from stytch.shared.rbac_local import RBACConsumerPermissionError, RBACPermissionError, TenancyError

from tests.contract import openapi
from tests.contract.driver import SDK_TESTS, ClientError, refused
from tests.contract.refusals import UNKNOWN_TOKEN
from tests.contract.situations import Clock, by, new_email, new_person
from tests.contract.surface import served

pytestmark = SDK_TESTS

DENIED = (403, "session_authorization_error")
USER_DENIED = (403, "consumer_session_authorization_error")
OTHER_TENANT = (403, "session_authorization_tenancy_error")
NO_METADATA = (401, "cannot_update_trusted_metadata")
ADMIN, MEMBER = "stytch_admin", "stytch_member"
ORGANIZATION, OTHERS, SELF = "stytch.organization", "stytch.member", "stytch.self"


@pytest.fixture
def plain(new):
    """A member with no role but the one that all have."""
    return new()


@pytest.fixture
def admin(new, plain):
    return new(plain.organization_id, roles=[ADMIN])


@pytest.fixture
def stranger(new):
    """An administrator, of another organization."""
    return new(roles=[ADMIN])


# Policies


@pytest.mark.parametrize(
    ("product", "roles"),
    [
        ("b2b", {MEMBER: {SELF}, ADMIN: {ORGANIZATION, OTHERS, SELF}}),
        ("consumer", {"stytch_user": {SELF}}),
    ],
)
def test_a_policy_says_which_role_may_act_on_what(sdk, consumer, product, roles):
    policy = (sdk if product == "b2b" else consumer).rbac.policy().policy
    granted = {role.role_id: {one.resource_id for one in role.permissions} for role in policy.roles}
    assert granted == roles
    assert {tuple(one.actions) for role in policy.roles for one in role.permissions} == {("*",)}
    actions = {resource.resource_id: resource.actions for resource in policy.resources}
    assert set(actions) == set().union(*roles.values())
    assert "update.info.delete.mfa-totp" in actions[SELF]
    assert policy.scopes == []


def test_an_organization_has_no_roles_of_its_own(sdk, plain):
    assert sdk.rbac.organizations.get_org_policy(plain.organization_id).org_policy.roles == []
    missing = refused(sdk.rbac.organizations.get_org_policy, "organization-test-00000000-0000-4000-8000-000000000000")
    assert missing == (404, "organization_not_found")


# Checks of a session

#: Resource, action, and the roles of which one is needed.
CHECKS = [
    (SELF, "update.info.delete.mfa-totp", [MEMBER, ADMIN]),
    (SELF, "*", [MEMBER, ADMIN]),
    (OTHERS, "update.info.delete.mfa-totp", [ADMIN]),
    (OTHERS, "search", [ADMIN]),
    (ORGANIZATION, "update.settings.mfa-policy", [ADMIN]),
    (ORGANIZATION, "delete", [ADMIN]),
    ("documents", "read", []),
]


@pytest.mark.parametrize("roles", [[MEMBER], [MEMBER, ADMIN]])
@pytest.mark.parametrize(("resource", "action", "granting"), CHECKS)
def test_a_session_is_authenticated_for_what_its_roles_permit(sdk, plain, admin, *, resource, action, granting, roles):
    person = admin if ADMIN in roles else plain
    session, granted = person.session(), [role for role in roles if role in granting]
    check = {"organization_id": person.organization_id, "resource_id": resource, "action": action}
    for credential in ({"session_token": session.session_token}, {"session_jwt": session.session_jwt}):
        authenticate = {**credential, "authorization_check": AuthorizationCheck(**check)}
        if granted:
            verdict = sdk.sessions.authenticate(**authenticate).verdict
            assert (verdict.authorized, verdict.granting_roles) == (True, granted)
        else:
            assert refused(sdk.sessions.authenticate, **authenticate) == DENIED


def test_a_check_that_fails_changes_nothing(sdk, plain, server_clock):
    session = plain.session(session_duration_minutes=30)
    check = {"organization_id": plain.organization_id, "resource_id": OTHERS, "action": "search"}
    wishes = {"session_duration_minutes": 120, "session_custom_claims": {"a": 1}, "authorization_check": check}
    assert refused(sdk.sessions.authenticate, session_token=session.session_token, **wishes) == DENIED
    after = sdk.sessions.authenticate(session_token=session.session_token).member_session
    assert (after.expires_at, after.custom_claims) == (session.member_session.expires_at, {})


def test_an_administrator_is_nobody_in_another_organization(sdk, admin, stranger):
    check = {"organization_id": admin.organization_id, "resource_id": OTHERS, "action": "search"}
    session = stranger.session()
    answer = refused(sdk.sessions.authenticate, session_token=session.session_token, authorization_check=check)
    assert answer == OTHER_TENANT


@pytest.mark.parametrize("left_out", ["organization_id", "resource_id", "action"])
def test_a_check_that_is_none_is_refused(sdk, plain, left_out):
    check = {"organization_id": plain.organization_id, "resource_id": SELF, "action": "delete"}
    token = plain.session().session_token
    for value in (None, 5, ""):
        wrong = {**check, left_out: value}
        answer = refused(sdk.sessions.authenticate, session_token=token, authorization_check=wrong)
        assert answer == (400, "bad_request")


def test_a_user_is_checked_without_an_organization(consumer, new_consumer):
    session = new_consumer().session()
    check = {"resource_id": SELF, "action": "update.info.name"}
    done = consumer.sessions.authenticate(session_token=session.session_token, authorization_check=check)
    assert (done.verdict.authorized, done.verdict.granting_roles) == (True, ["stytch_user"])
    for resource in (ORGANIZATION, OTHERS, "documents"):
        check = UserAuthorizationCheck(resource_id=resource, action="read")
        answer = refused(consumer.sessions.authenticate, session_token=session.session_token, authorization_check=check)
        assert answer == USER_DENIED


@pytest.mark.parametrize("resource", [ORGANIZATION, OTHERS])
def test_a_role_of_members_makes_no_administrator_of_a_user(consumer, new_consumer, resource):
    """The policy of Users knows no such role: here and in the SDK the answer is the same."""
    session = new_consumer(roles=[ADMIN]).session()
    check = UserAuthorizationCheck(resource_id=resource, action="delete")
    with pytest.raises((RBACConsumerPermissionError, ClientError), match=r"(?i)permission"):
        consumer.sessions.authenticate_jwt_local(session.session_jwt, authorization_check=check)
    answer = refused(consumer.sessions.authenticate, session_token=session.session_token, authorization_check=check)
    assert answer == USER_DENIED


# Checks of a JWT, made by the SDKs with the policies that we publish


@pytest.mark.parametrize("roles", [[MEMBER], [MEMBER, ADMIN]])
@pytest.mark.parametrize(("resource", "action", "granting"), CHECKS)
def test_the_sdk_judges_a_jwt_as_we_do(sdk, plain, admin, *, resource, action, granting, roles):
    person = admin if ADMIN in roles else plain
    token = person.session().session_jwt
    check = AuthorizationCheck(organization_id=person.organization_id, resource_id=resource, action=action)
    sdk.exchanges.clear()
    if set(granting) & set(roles):
        session = sdk.sessions.authenticate_jwt_local(token, authorization_check=check)
        assert session.member_id == person.member_id
        assert sdk.sessions.authenticate_jwt(token, authorization_check=check).session_jwt == token
    else:
        with pytest.raises((RBACPermissionError, ClientError), match=r"(?i)permission"):
            sdk.sessions.authenticate_jwt_local(token, authorization_check=check)
    asked = {exchange.path for exchange in sdk.exchanges}
    assert asked <= {"/v1/b2b/rbac/policy", f"/v1/b2b/rbac/organizations/{person.organization_id}"}


def test_the_sdk_lets_no_jwt_into_another_organization(sdk, admin, stranger):
    token = stranger.session().session_jwt
    check = AuthorizationCheck(organization_id=admin.organization_id, resource_id=SELF, action="delete")
    with pytest.raises((TenancyError, ClientError), match="organization"):
        sdk.sessions.authenticate_jwt_local(token, authorization_check=check)


def test_a_jwt_that_is_too_old_to_judge_is_judged_here(sdk, plain):
    token = plain.session().session_jwt
    check = {"organization_id": plain.organization_id, "resource_id": SELF, "action": "delete"}
    asked = {"max_token_age_seconds": 0, "authorization_check": AuthorizationCheck(**check)}
    assert sdk.sessions.authenticate_jwt(token, **asked).member_session.member_id == plain.member_id
    asked["authorization_check"] = AuthorizationCheck(**{**check, "resource_id": OTHERS})
    assert refused(sdk.sessions.authenticate_jwt, token, **asked) == DENIED


def test_the_sdk_judges_a_users_jwt_as_we_do(consumer, new_consumer):
    token = new_consumer().session().session_jwt
    local = consumer.sessions.authenticate_jwt_local
    assert local(token, authorization_check=UserAuthorizationCheck(resource_id=SELF, action="delete")).roles == [
        "stytch_user"
    ]
    with pytest.raises((RBACConsumerPermissionError, ClientError), match=r"(?i)permission"):
        local(token, authorization_check=UserAuthorizationCheck(resource_id="documents", action="read"))


# Calls by a member's own session

#: What is done to a member: the SDK's method, and what it takes besides.
TO_A_MEMBER = {
    "name": ("update", {"name": "Renamed"}),
    "untrusted metadata": ("update", {"untrusted_metadata": {"theme": "dark"}}),
    "phone number": ("update", {"mfa_phone_number": "+12125550100"}),
    "enrolment": ("update", {"mfa_enrolled": True}),
    "nothing": ("update", {}),
    "roles": ("update", {"roles": [ADMIN]}),
    "break-glass": ("update", {"is_breakglass": True}),
    "a field of its own and another": ("update", {"name": "Renamed", "roles": [ADMIN]}),
    "totp": ("delete_totp", {}),
    "external id": ("delete_external_id", {}),
    "membership": ("delete", {}),
}
#: What raises nobody's standing: a member's own to change.
OWN = {"name", "untrusted metadata", "phone number", "enrolment", "nothing", "totp", "membership"}


@pytest.fixture(params=["session_token", "session_jwt"])
def credential(request):
    return request.param


def authorized_by(person, credential="session_token", session=None):
    """The options of a call by a session of the person's, or by the one that is given."""
    return {"method_options": by(**{credential: getattr(session or person.session(), credential)})}


@pytest.fixture
def target(new, plain):
    """A member to whom everything can be done, whose session has both factors."""
    person = new(plain.organization_id, enrolled=True, external_id="hr-7")
    person.mfa = person.verify(session_token=person.session().session_token)
    return person


def to_member(sdk, target, what):
    method, fields = TO_A_MEMBER[what]
    call = getattr(sdk.organizations.members, method)
    return lambda **options: call(**target.ids, **fields, **options)


@pytest.mark.parametrize("what", TO_A_MEMBER)
def test_a_member_changes_itself_but_not_its_standing(sdk, target, what, credential):
    call, options = to_member(sdk, target, what), authorized_by(target, credential, target.mfa)
    if what in OWN:
        assert call(**options).member_id == target.member_id
    else:
        before = target.member
        assert refused(call, **options) == DENIED
        assert target.member == before


@pytest.mark.parametrize("what", TO_A_MEMBER)
def test_an_administrator_changes_the_members_of_its_organization(sdk, admin, target, what):
    assert to_member(sdk, target, what)(**authorized_by(admin)).member_id == target.member_id


@pytest.mark.parametrize("what", TO_A_MEMBER)
def test_a_plain_member_changes_nobody_else(sdk, plain, target, what):
    before, call = target.member, to_member(sdk, target, what)
    assert refused(call, **authorized_by(plain)) == DENIED
    assert target.member == before


@pytest.mark.parametrize("what", TO_A_MEMBER)
def test_an_administrator_of_another_organization_changes_nobody(sdk, stranger, target, what):
    before, call = target.member, to_member(sdk, target, what)
    assert refused(call, **authorized_by(stranger)) == OTHER_TENANT
    assert target.member == before


def test_a_first_factor_alone_takes_no_second_one_away(sdk, target):
    """Contract 7.17: a stolen password must not do it. An administrator does it for others, by role."""
    delete = to_member(sdk, target, "totp")
    assert refused(delete, **authorized_by(target)) == (401, "insufficient_factors")
    assert target.member.totp_registration_id
    assert delete(**authorized_by(target, session=target.mfa)).member.totp_registration_id == ""


def test_a_first_factor_alone_does_not_switch_mfa_off(sdk, target):
    first, update = target.session(), sdk.organizations.members.update
    update(**target.ids, mfa_enrolled=True)
    off = {**target.ids, "mfa_enrolled": False}
    assert refused(update, **off, **authorized_by(target, session=first)) == (401, "insufficient_factors")
    assert update(**off, **authorized_by(target, session=target.mfa)).member.mfa_enrolled is False


#: What is done to an organization, by who administers it.
TO_AN_ORGANIZATION = {
    "create a member": lambda sdk, ids, **options: sdk.organizations.members.create(
        ids["organization_id"], new_email(), **options
    ),
    "create an administrator": lambda sdk, ids, **options: sdk.organizations.members.create(
        ids["organization_id"], new_email(), roles=[ADMIN], **options
    ),
    "search members": lambda sdk, ids, **options: sdk.organizations.members.search([ids["organization_id"]], **options),
    "reactivate": lambda sdk, ids, **options: sdk.organizations.members.reactivate(**ids, **options),
    "update": lambda sdk, ids, **options: sdk.organizations.update(
        ids["organization_id"], organization_name="Renamed", **options
    ),
    "require mfa": lambda sdk, ids, **options: sdk.organizations.update(
        ids["organization_id"], mfa_policy="REQUIRED_FOR_ALL", **options
    ),
    "delete": lambda sdk, ids, **options: sdk.organizations.delete(ids["organization_id"], **options),
}


@pytest.fixture
def deleted(sdk, target):
    """The ids of a member who was deleted."""
    sdk.organizations.members.delete(**target.ids)
    return target.ids


@pytest.mark.parametrize("what", TO_AN_ORGANIZATION)
def test_an_administrator_administers_its_organization(sdk, admin, deleted, what, credential):
    assert TO_AN_ORGANIZATION[what](sdk, deleted, **authorized_by(admin, credential)).status_code == 200


@pytest.mark.parametrize("what", TO_AN_ORGANIZATION)
def test_nobody_else_administers_it(sdk, plain, stranger, deleted, what):
    call = TO_AN_ORGANIZATION[what]
    before = sdk.organizations.get(plain.organization_id).organization
    assert refused(call, sdk, deleted, **authorized_by(plain)) == DENIED
    assert refused(call, sdk, deleted, **authorized_by(stranger)) == OTHER_TENANT
    assert sdk.organizations.get(plain.organization_id).organization == before
    assert sdk.organizations.metrics(plain.organization_id).member_count == 1


def test_a_search_by_a_member_is_of_its_own_organization(sdk, admin, stranger):
    search, options = sdk.organizations.members.search, authorized_by(admin)
    assert {one.member_id for one in search([admin.organization_id], **options).members} >= {admin.member_id}
    assert refused(search, [admin.organization_id, stranger.organization_id], **options) == OTHER_TENANT


def test_only_the_back_end_writes_trusted_metadata(sdk, admin, plain):
    metadata, options = {"trusted_metadata": {"level": 9}}, authorized_by(admin)
    organizations, members = sdk.organizations, sdk.organizations.members
    assert refused(members.update, **plain.ids, **metadata, **options) == NO_METADATA
    assert refused(members.update, **plain.ids, **metadata, **authorized_by(plain)) == NO_METADATA
    assert refused(members.create, plain.organization_id, new_email(), **metadata, **options) == NO_METADATA
    assert refused(organizations.update, plain.organization_id, **metadata, **options) == NO_METADATA
    assert (plain.member.trusted_metadata, plain.member.untrusted_metadata) == ({}, {})


@pytest.mark.parametrize(
    "named", ["member_id", "member_session_id", "session_token", "session_jwt"], ids=lambda name: f"by {name}"
)
def test_sessions_are_revoked_by_who_has_them_and_by_administrators(sdk, plain, admin, target, *, stranger, named):
    for who, answer in ((target, None), (admin, None), (plain, DENIED), (stranger, OTHER_TENANT)):
        session = target.session()
        name = {
            "member_id": target.member_id,
            "member_session_id": session.member_session.member_session_id,
            "session_token": session.session_token,
            "session_jwt": session.session_jwt,
        }
        revoke = {named: name[named], **authorized_by(who)}
        if answer:
            assert refused(sdk.sessions.revoke, **revoke) == answer
            assert sdk.sessions.authenticate(session_token=session.session_token)
        else:
            sdk.sessions.revoke(**revoke)
            gone = refused(sdk.sessions.authenticate, session_token=session.session_token)
            assert gone == (404, "session_not_found")


def test_a_role_that_was_taken_away_permits_nothing_more(sdk, admin, plain):
    options = authorized_by(admin)
    update = to_member(sdk, plain, "name")
    assert update(**options)
    sdk.organizations.members.update(**admin.ids, roles=[])
    assert refused(update, **options) == DENIED


def test_a_session_that_ended_permits_nothing(sdk, admin, plain, server_clock):
    update = to_member(sdk, plain, "name")
    gone = (404, "session_not_found")
    revoked, expired = admin.session(), admin.session(session_duration_minutes=5)
    sdk.sessions.revoke(session_token=revoked.session_token)
    server_clock.advance(300)
    for session in (revoked, expired):
        for credential in ("session_token", "session_jwt"):
            assert refused(update, **authorized_by(admin, credential, session)) == gone
    sdk.organizations.members.delete(**admin.ids)
    assert plain.member.name == ""


def test_what_is_no_members_session_permits_nothing(sdk, new, new_consumer, plain):
    update = to_member(sdk, plain, "name")
    ist = new(plain.organization_id, mfa_enrolled=True, roles=[ADMIN]).ist()
    user = new_consumer(roles=[ADMIN]).session()
    session, both = plain.session(), (400, "too_many_session_arguments")
    for token, answer in (
        (UNKNOWN_TOKEN, (404, "session_not_found")),
        (ist, (404, "session_not_found")),
        (user.session_token, (404, "session_not_found")),
        ("x", (400, "invalid_session_token")),
    ):
        assert refused(update, method_options=by(session_token=token)) == answer
    assert refused(update, method_options=by(session_jwt=user.session_jwt))[0] in (400, 404)
    two = by(session_token=session.session_token, session_jwt=session.session_jwt)
    assert refused(update, method_options=two) == both
    assert plain.member.name == ""


def test_a_members_session_is_no_projects_secret(connect, way, admin, plain):
    stranger = connect(way, "b2b", secret="secret-test-wrong")
    answer = refused(to_member(stranger, plain, "name"), **authorized_by(admin))
    assert answer == (401, "unauthorized_credentials")


# Calls that no session authorises

#: Contract 0.2: the calls that may come with a member's session.
BY_MEMBERS = {
    ("PUT", "b2b/organizations/<str:organization_id>"),
    ("DELETE", "b2b/organizations/<str:organization_id>"),
    ("POST", "b2b/organizations/<str:organization_id>/members"),
    ("POST", "b2b/organizations/members/search"),
    ("PUT", "b2b/organizations/<str:organization_id>/members/<str:member_id>"),
    ("DELETE", "b2b/organizations/<str:organization_id>/members/<str:member_id>"),
    ("DELETE", "b2b/organizations/<str:organization_id>/members/<str:member_id>/external_id"),
    ("PUT", "b2b/organizations/<str:organization_id>/members/<str:member_id>/reactivate"),
    ("DELETE", "b2b/organizations/<str:organization_id>/members/<str:member_id>/totp"),
    ("POST", "b2b/sessions/revoke"),
}
PUBLIC = {("GET", "b2b/sessions/jwks/<str:project_id>"), ("GET", "sessions/jwks/<str:project_id>")}


@pytest.fixture(scope="module")
def administrator(drivers, live):
    person = new_person(drivers("sync", "b2b"), Clock(live), roles=[ADMIN])
    person.token = person.session(session_duration_minutes=1440).session_token
    return person


@pytest.mark.parametrize(
    ("method", "route"),
    sorted((served("b2b") | served("consumer")) - BY_MEMBERS - PUBLIC),
    ids=lambda value: value.replace("<str:", "{").replace(">", "}"),
)
def test_a_call_that_no_session_authorises_is_refused_to_an_administrators(live, drivers, administrator, method, route):
    """Half obeyed, it would be the project's own call."""
    path = "/v1/" + route.replace("<str:organization_id>", administrator.organization_id).replace(
        "<str:member_id>", administrator.member_id
    )
    client = drivers("sync", "b2b").client.sync_client
    answer = requests.request(
        method,
        live.url + path.replace("<str:user_id>", "user").replace("<str:totp_id>", "totp"),
        data=None if method == "GET" else json.dumps(administrator.ids),
        headers={**client.headers, "X-Stytch-Member-Session": administrator.token},
        auth=client.auth,
        timeout=30,
    )
    openapi.check(method, path, answer.status_code, answer.headers["Content-Type"], answer.json())
    assert (answer.status_code, answer.json()["error_type"]) in (DENIED, USER_DENIED)
