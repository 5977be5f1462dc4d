"""The shapes of the B2B product (contract 4.1 to 4.3): every key, every time."""

from typing import Any

from stytch_totp.api.objects import lock_fields, session_fields, token_fields
from stytch_totp.conf import public_id
from stytch_totp.core.ids import timestamp
from stytch_totp.core.rbac import ADMIN_ROLE
from stytch_totp.models import Member, Organization, Session
from stytch_totp.operations.grants import Granted
from stytch_totp.operations.passwords import has_password

#: What a TOTP service has no use for, as an organization has it that never said anything of it.
_ORGANIZATION_SETTINGS: dict[str, Any] = {
    "organization_logo_url": "",
    "sso_jit_provisioning": "NOT_ALLOWED",
    "sso_jit_provisioning_allowed_connections": [],
    "sso_active_connections": [],
    "sso_default_connection_id": None,
    "scim_active_connection": None,
    "email_allowed_domains": [],
    "email_jit_provisioning": "NOT_ALLOWED",
    "email_invites": "ALL_ALLOWED",
    "oauth_tenant_jit_provisioning": "NOT_ALLOWED",
    "allowed_oauth_tenants": {},
    "claimed_email_domains": [],
    "rbac_email_implicit_role_assignments": [],
    "first_party_connected_apps_allowed_type": "ALL_ALLOWED",
    "allowed_first_party_connected_apps": [],
    "third_party_connected_apps_allowed_type": "ALL_ALLOWED",
    "allowed_third_party_connected_apps": [],
    "custom_roles": [],
}


def organization_object(organization: Organization) -> dict[str, Any]:
    return {
        **_ORGANIZATION_SETTINGS,
        **organization.settings,
        "organization_id": organization.public_id,
        "organization_name": organization.name,
        "organization_slug": organization.slug,
        "organization_external_id": organization.external_id,
        "mfa_policy": organization.mfa_policy,
        "mfa_methods": organization.mfa_methods,
        "allowed_mfa_methods": organization.allowed_mfa_methods,
        "auth_methods": organization.auth_methods,
        "allowed_auth_methods": organization.allowed_auth_methods,
        "trusted_metadata": organization.trusted_metadata,
        "created_at": timestamp(organization.created_at),
        "updated_at": timestamp(organization.updated_at),
    }


def member_object(member: Member) -> dict[str, Any]:
    return {
        "organization_id": public_id("organization", member.organization_id),
        "member_id": member.public_id,
        "external_id": member.external_id,
        "email_address": member.email,
        "email_address_verified": member.email_verified,
        "retired_email_addresses": [],
        "status": member.status,
        "name": member.name,
        "member_password_id": public_id("member-password", member.pk) if has_password(member) else "",
        "totp_registration_id": public_id("member-totp", member.active_totp_id) if member.active_totp_id else "",
        "mfa_enrolled": member.mfa_enrolled,
        "default_mfa_method": member.default_mfa_method,
        "mfa_phone_number": member.mfa_phone_number,
        "mfa_phone_number_verified": member.mfa_phone_verified,
        "is_breakglass": member.is_breakglass,
        "is_admin": ADMIN_ROLE in member.roles,
        **lock_fields(member),
        "roles": [_role(name) for name in member.all_roles],
        "sso_registrations": [],
        "oauth_registrations": [],
        "scim_registration": None,
        "trusted_metadata": member.trusted_metadata,
        "untrusted_metadata": member.untrusted_metadata,
        "created_at": timestamp(member.created_at),
        "updated_at": timestamp(member.updated_at),
    }


def member_fields(member: Member) -> dict[str, Any]:
    """The trio that most B2B answers begin with."""
    return {
        "member_id": member.public_id,
        "member": member_object(member),
        "organization": organization_object(member.organization),
    }


def member_session_object(session: Session) -> dict[str, Any]:
    organization = session.member.organization
    return {
        "member_session_id": public_id("session", session.pk),
        "member_id": session.member.public_id,
        "organization_id": organization.public_id,
        "organization_slug": organization.slug,
        **session_fields(session),
    }


def member_session_fields(granted: Granted | None) -> dict[str, Any]:
    """A session and its tokens, or what stands for none."""
    return {"member_session": member_session_object(granted.session) if granted else None, **token_fields(granted)}


def _role(name: str) -> dict[str, Any]:
    return {"role_id": name, "sources": [{"type": "direct_assignment", "details": {}}]}
