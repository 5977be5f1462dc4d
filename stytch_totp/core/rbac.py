"""What a member may do by the roles it has: Stytch's default resources, actions and roles (contract 6.11).

A person acts on itself by ``stytch.self`` and on others by ``stytch.member``. What could raise the person's own
standing (roles, break-glass, identity) is an action of ``stytch.member`` alone.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

ORGANIZATION, MEMBER, SELF = "stytch.organization", "stytch.member", "stytch.self"
ADMIN_ROLE, MEMBER_ROLE, USER_ROLE = "stytch_admin", "stytch_member", "stytch_user"
ANY = "*"

_OF_SELF = (
    "update.info.name",
    "update.info.untrusted-metadata",
    "update.info.mfa-phone",
    "update.info.delete.mfa-totp",
    "update.settings.mfa-enrolled",
    "update.settings.default-mfa-method",
    "revoke-sessions",
    "delete",
)
ACTIONS: Mapping[str, tuple[str, ...]] = {
    ORGANIZATION: (
        "update.info.name",
        "update.info.slug",
        "update.info.logo-url",
        "update.settings.mfa-policy",
        "update.settings.allowed-mfa-methods",
        "update.settings.allowed-auth-methods",
        "update.settings.other",
        "delete",
    ),
    MEMBER: (
        *_OF_SELF,
        "create",
        "search",
        "update.info.email",
        "update.info.external-id",
        "update.settings.is-breakglass",
        "update.settings.roles",
    ),
    SELF: _OF_SELF,
}
_GRANTS: Mapping[str, tuple[str, ...]] = {
    MEMBER_ROLE: (SELF,),
    USER_ROLE: (SELF,),
    ADMIN_ROLE: (ORGANIZATION, MEMBER, SELF),
}
_DESCRIPTIONS = {
    MEMBER_ROLE: "Every Member of an Organization: acts on itself.",
    USER_ROLE: "Every User: acts on itself.",
    ADMIN_ROLE: "Administers the Organization and its Members.",
}


def granting_roles(roles: Iterable[str], resource: str) -> list[str]:
    """Those of ``roles`` that permit every action on ``resource``: the default roles permit all or nothing."""
    return [role for role in roles if resource in _GRANTS.get(role, ())]


def may(roles: Collection[str], actions: Collection[str], *, on_self: bool) -> bool:
    """Whether ``roles`` permit ``actions`` on a member: by ``stytch.member``, or on oneself by ``stytch.self``."""
    if granting_roles(roles, MEMBER):
        return True
    return on_self and set(actions) <= set(ACTIONS[SELF]) and bool(granting_roles(roles, SELF))


def policy(*roles: str) -> dict[str, Any]:
    """``roles`` and what they permit, as a Stytch RBAC policy."""
    resources = [resource for resource in ACTIONS if any(resource in _GRANTS[role] for role in roles)]
    return {
        "roles": [
            {
                "role_id": role,
                "description": _DESCRIPTIONS[role],
                "permissions": [{"resource_id": resource, "actions": [ANY]} for resource in _GRANTS[role]],
            }
            for role in roles
        ],
        "resources": [
            {"resource_id": resource, "description": "", "actions": list(ACTIONS[resource])} for resource in resources
        ],
        "scopes": [],
    }
