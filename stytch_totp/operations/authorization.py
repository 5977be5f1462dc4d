"""Whether the roles of a session permit what its member asks for (contract 6.11)."""

from collections.abc import Collection

from stytch_totp import errors
from stytch_totp.core import rbac
from stytch_totp.models import Member, Organization, Session


def check_organization(session: Session, organization: Organization) -> None:
    """Whether the organization may be changed; the default roles permit every action on it or none.

    Raises SessionAuthorizationTenancy or SessionAuthorization.
    """
    _check_tenancy(session, organization)
    if not rbac.granting_roles(session.member.all_roles, rbac.ORGANIZATION):
        raise errors.SessionAuthorization


def check_member(session: Session, organization: Organization, member: Member | None, actions: Collection[str]) -> None:
    """Whether ``actions`` on ``member`` are permitted, or, without one, on members in general.

    To change nothing of somebody else takes permission, too: the answer shows whom it is about.

    Raises SessionAuthorizationTenancy or SessionAuthorization.
    """
    _check_tenancy(session, organization)
    on_self = member is not None and member.pk == session.member_id
    if not rbac.may(session.member.all_roles, actions, on_self=on_self):
        raise errors.SessionAuthorization


def verdict(session: Session, resource: str, organization: Organization) -> list[str]:
    """The session's roles that permit every action on ``resource`` in ``organization``: for an authorization_check.

    Raises SessionAuthorizationTenancy or SessionAuthorization.
    """
    _check_tenancy(session, organization)
    member = session.member
    roles = [member.default_role] if member.is_consumer else member.all_roles  # a User administers nothing
    granting = rbac.granting_roles(roles, resource)
    if not granting:
        raise errors.SessionAuthorization
    return granting


def _check_tenancy(session: Session, organization: Organization) -> None:
    if session.member.organization_id != organization.pk:
        raise errors.SessionAuthorizationTenancy
