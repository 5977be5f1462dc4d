"""The rows, a table to a file. What two requests could do at once to a row is decided here, by its WHERE clause."""

from stytch_totp.models.audit import AuditChain, AuditEvent
from stytch_totp.models.guard import Guard
from stytch_totp.models.member import Member
from stytch_totp.models.organization import Organization
from stytch_totp.models.registration import RecoveryCode, TOTPRegistration
from stytch_totp.models.session import IntermediateSession, Session
from stytch_totp.models.signing_key import SigningKey
from stytch_totp.models.support import StaffLimit, SupportRequest

__all__ = [
    "AuditChain",
    "AuditEvent",
    "Guard",
    "IntermediateSession",
    "Member",
    "Organization",
    "RecoveryCode",
    "Session",
    "SigningKey",
    "StaffLimit",
    "SupportRequest",
    "TOTPRegistration",
]
