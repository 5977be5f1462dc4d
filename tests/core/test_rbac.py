from itertools import product

import pytest

from stytch_totp.core import rbac

ADMIN, MEMBER, USER = rbac.ADMIN_ROLE, rbac.MEMBER_ROLE, rbac.USER_ROLE
OF_ORGANIZATION, OF_MEMBER, OF_SELF = (rbac.ACTIONS[name] for name in (rbac.ORGANIZATION, rbac.MEMBER, rbac.SELF))

#: Contract 6.11: which of these actions a role permits on others, and which on oneself.
ACTIONS = [
    ("update.info.delete.mfa-totp", True),
    ("update.settings.mfa-enrolled", True),
    ("update.settings.default-mfa-method", True),
    ("revoke-sessions", True),
    ("delete", True),
    ("update.info.name", True),
    ("update.settings.is-breakglass", False),
    ("update.settings.roles", False),
    ("update.info.email", False),
    ("update.info.external-id", False),
    ("create", False),
    ("search", False),
    ("no such action", False),
]


@pytest.mark.parametrize("roles", [[], [MEMBER], [USER], ["editor"], [MEMBER, "editor"]], ids=", ".join)
@pytest.mark.parametrize(("action", "of_self"), ACTIONS)
def test_who_is_no_admin_acts_on_itself_alone_and_never_on_its_own_standing(roles, action, of_self):
    assert not rbac.may(roles, [action], on_self=False)
    assert rbac.may(roles, [action], on_self=True) is (of_self and roles not in ([], ["editor"]))
    assert not rbac.may(roles, [action, "update.settings.roles"], on_self=True)


@pytest.mark.parametrize("roles", [[ADMIN], [MEMBER, ADMIN], ["editor", ADMIN]], ids=", ".join)
@pytest.mark.parametrize("on_self", [False, True])
def test_an_admin_acts_on_everybody(roles, on_self):
    assert rbac.may(roles, [*OF_MEMBER, *OF_SELF], on_self=on_self)


@pytest.mark.parametrize(
    ("roles", "on_self", "permitted"),
    [([MEMBER], True, True), ([USER], True, True), ([MEMBER], False, False), ([ADMIN], False, True), ([], True, False)],
)
def test_to_do_nothing_to_somebody_else_takes_permission_too(roles, on_self, permitted):
    assert rbac.may(roles, [], on_self=on_self) is permitted


@pytest.mark.parametrize(
    ("resource", "granting"),
    [
        (rbac.ORGANIZATION, [ADMIN]),
        (rbac.MEMBER, [ADMIN]),
        (rbac.SELF, [MEMBER, ADMIN]),
        ("documents", []),
        ("*", []),
        ("", []),
    ],
)
def test_the_roles_that_permit_are_named_in_the_order_given(resource, granting):
    assert rbac.granting_roles([MEMBER, "editor", ADMIN], resource) == granting
    assert rbac.granting_roles(["editor"], resource) == []


def test_what_raises_ones_own_standing_is_no_action_on_oneself():
    assert set(OF_SELF) < set(OF_MEMBER)
    assert set(OF_MEMBER) - set(OF_SELF) == {
        "create",
        "search",
        "update.info.email",
        "update.info.external-id",
        "update.settings.is-breakglass",
        "update.settings.roles",
    }


@pytest.mark.parametrize(
    ("roles", "resources"),
    [([MEMBER, ADMIN], [rbac.ORGANIZATION, rbac.MEMBER, rbac.SELF]), ([USER], [rbac.SELF]), ([], [])],
    ids=["B2B", "consumer", "none"],
)
def test_a_policy_names_the_roles_and_what_they_permit(roles, resources):
    policy = rbac.policy(*roles)
    assert [role["role_id"] for role in policy["roles"]] == roles
    assert [one["resource_id"] for one in policy["resources"]] == resources
    assert policy["scopes"] == []
    assert all(role["description"] for role in policy["roles"])


def test_a_policy_says_what_is_decided():
    """A page decides by the policy what to offer; the server must then not decide otherwise."""
    policy = rbac.policy(MEMBER, ADMIN)
    permitted = {
        (role["role_id"], one["resource_id"])
        for role in policy["roles"]
        for one in role["permissions"]
        if one["actions"] == ["*"]
    }
    for role, resource in product((MEMBER, ADMIN), rbac.ACTIONS):
        assert ((role, resource) in permitted) is bool(rbac.granting_roles([role], resource))
    assert {one["resource_id"]: tuple(one["actions"]) for one in policy["resources"]} == dict(rbac.ACTIONS)
    assert "update.settings.mfa-policy" in OF_ORGANIZATION
