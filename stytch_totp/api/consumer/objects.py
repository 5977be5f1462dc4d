"""The shapes of the consumer product (contract 4.3 and 4.5)."""

from typing import Any

from stytch_totp.api.objects import lock_fields, session_fields, token_fields
from stytch_totp.conf import public_id
from stytch_totp.core.ids import timestamp
from stytch_totp.models import Member, Session, TOTPRegistration
from stytch_totp.operations.grants import Granted
from stytch_totp.operations.passwords import has_password

NAMES = ("first_name", "middle_name", "last_name")


def user_object(user: Member) -> dict[str, Any]:
    password = {"password_id": public_id("password", user.pk), "requires_reset": False}
    return {
        "user_id": user.public_id,
        "external_id": user.external_id,
        "status": user.status,
        "name": {name: user.name_parts.get(name, "") for name in NAMES},
        "emails": emails(user),
        "phone_numbers": phone_numbers(user),
        "totps": [totp_object(row) for row in user.registration_by_state.values()],
        "password": password if has_password(user) else None,
        **lock_fields(user),
        "roles": user.all_roles,
        "webauthn_registrations": [],
        "providers": [],
        "crypto_wallets": [],
        "biometric_registrations": [],
        "trusted_metadata": user.trusted_metadata,
        "untrusted_metadata": user.untrusted_metadata,
        "created_at": timestamp(user.created_at),
    }


def user_fields(user: Member) -> dict[str, Any]:
    """The pair that most answers begin with."""
    return {"user_id": user.public_id, "user": user_object(user)}


def emails(user: Member) -> list[dict[str, Any]]:
    one = {"email_id": public_id("email", user.pk), "email": user.email, "verified": user.email_verified}
    return [one] if user.email else []


def phone_numbers(user: Member) -> list[dict[str, Any]]:
    number, verified = user.mfa_phone_number, user.mfa_phone_verified
    one = {"phone_id": public_id("phone-number", user.pk), "phone_number": number, "verified": verified}
    return [one] if number else []


def totp_object(registration: TOTPRegistration) -> dict[str, Any]:
    verified = registration.state == TOTPRegistration.State.ACTIVE
    return {"totp_id": public_id("totp", registration.pk), "verified": verified}


def session_object(session: Session) -> dict[str, Any]:
    return {
        "session_id": public_id("session", session.pk),
        "user_id": session.member.public_id,
        "attributes": {"ip_address": "", "user_agent": ""},
        **session_fields(session),
    }


def granted_fields(granted: Granted | None) -> dict[str, Any]:
    """A session and its tokens, or what stands for none."""
    return {"session": session_object(granted.session) if granted else None, **token_fields(granted)}
