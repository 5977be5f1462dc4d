"""Stytch's object shapes (contract 4): every key, every time."""

from typing import Any

from stytch_totp import conf
from stytch_totp.conf import public_id
from stytch_totp.core.factors import spell
from stytch_totp.core.ids import timestamp
from stytch_totp.models import Member, Organization, Session, SigningKey
from stytch_totp.operations.passwords import has_password
from stytch_totp.operations.sessions import Granted

ADMIN_ROLE = "stytch_admin"

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
        "organization_id": public_id("organization", organization.pk),
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
    locked = member.lock.locked_until > conf.now()
    return {
        "organization_id": public_id("organization", member.organization_id),
        "member_id": public_id("member", member.pk),
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
        "is_locked": locked,
        "lock_created_at": timestamp(member.lock.locked_at) if locked else None,
        "lock_expires_at": timestamp(member.lock.locked_until) if locked else None,
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
        "member_id": public_id("member", member.pk),
        "member": member_object(member),
        "organization": organization_object(member.organization),
    }


def member_session_object(session: Session) -> dict[str, Any]:
    organization = session.member.organization
    return {
        "member_session_id": public_id("session", session.pk),
        "member_id": public_id("member", session.member_id),
        "organization_id": public_id("organization", organization.pk),
        "organization_slug": organization.slug,
        "started_at": timestamp(session.started_at),
        "last_accessed_at": timestamp(session.last_accessed_at),
        "expires_at": timestamp(session.expires_at),
        "authentication_factors": [spell(one, conf.conf().environment) for one in session.factors],
        "roles": session.member.all_roles,
        "custom_claims": session.claims,
    }


def member_session_fields(granted: Granted | None) -> dict[str, Any]:
    """A session and its tokens, or what stands for none."""
    if granted is None:
        return {"member_session": None, "session_token": "", "session_jwt": ""}
    return {
        "member_session": member_session_object(granted.session),
        "session_token": granted.token,
        "session_jwt": granted.jwt,
    }


def key_object(key: SigningKey) -> dict[str, Any]:
    """A JWK (RFC 7517) with the nine members that Stytch's SDK wants (contract 5.4): public ones only."""
    return {
        "kty": "RSA",
        "use": "sig",
        "key_ops": ["verify"],
        "alg": "RS256",
        "kid": public_id("jwk", key.pk),
        "x5c": [],
        "x5tS256": "",
        "n": key.n,
        "e": key.e,
    }


def _role(name: str) -> dict[str, Any]:
    return {"role_id": name, "sources": [{"type": "direct_assignment", "details": {}}]}
