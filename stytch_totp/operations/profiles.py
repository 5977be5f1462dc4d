"""What may stand in a member's columns, and what a change of them means."""

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from stytch_totp import errors
from stytch_totp.core.ids import is_external_id
from stytch_totp.core.totp import is_displayable
from stytch_totp.models import Member
from stytch_totp.operations import organizations
from stytch_totp.operations.audit import Actor

LONGEST_EMAIL = 254
MOST_ROLES, LONGEST_ROLE = 32, 64
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")


def email_key(email: str) -> str:
    """The form in which addresses are compared: without case, as ASCII has it.

    Unicode's lower case makes an ASCII k of the Kelvin sign, and so one person's address of another's.
    """
    return email.lower() if email.isascii() else email


def vouched_for(member: Member, actor: Actor) -> bool:
    """Whether the actor's word makes the e-mail address a verified one."""
    return actor.vouches and member.status == Member.Status.ACTIVE and not member.is_consumer


def weakens(member: Member, fields: Mapping[str, Any]) -> bool:
    """Whether a change takes a second factor away or stops asking for one."""
    switched_off = member.mfa_enrolled and fields.get("mfa_enrolled") is False
    phone = fields.get("mfa_phone_number", member.mfa_phone_number)
    return switched_off or (member.mfa_phone_verified and phone != member.mfa_phone_number)


def apply(member: Member, fields: dict[str, Any]) -> None:
    """Set columns of an unsaved change. Raises InvalidEmail, DefaultMFAMemberMissingFactor or BadRequest."""
    for name, value in fields.items():
        metadata = name in ("trusted_metadata", "untrusted_metadata")
        setattr(member, name, organizations.merged_metadata(getattr(member, name), value) if metadata else value)
    if "email" in fields:
        member.email_key = None if _may_lack_email(member) else _checked_email_key(member.email)
    if "roles" in fields:
        _check_roles(member.roles)
        member.roles = [role for role in dict.fromkeys(member.roles) if role != member.default_role]
    if "mfa_phone_number" in fields:
        _check_phone(member.mfa_phone_number)
    if "mfa_phone_number" in fields and "mfa_phone_verified" not in fields:
        member.mfa_phone_verified = False
    if member.mfa_phone_verified and not member.mfa_phone_number:
        raise errors.BadRequest("There is no phone number to be verified.")
    if "default_mfa_method" in fields:
        _check_default(member)
    external = fields.get("external_id")
    if external is not None and not is_external_id(external):
        raise errors.BadRequest("external_id has 1 to 128 letters, digits and . _ - | and is not formed like an id.")


def _may_lack_email(member: Member) -> bool:
    """A User may be known by a phone number alone, or be a Django user without an e-mail address."""
    known_otherwise = member.mfa_phone_number or member.user_id is not None
    return bool(member.is_consumer and not member.email and known_otherwise)


def _checked_email_key(email: str) -> str:
    try:
        validate_email(email)
    except ValidationError:
        raise errors.InvalidEmail from None
    if len(email) > LONGEST_EMAIL or not email.isascii() or not is_displayable(email):
        raise errors.InvalidEmail
    return email_key(email)


def _check_roles(roles: list[str]) -> None:
    """Roles stand in every session JWT, which must stay small enough to be sent."""
    if len(roles) > MOST_ROLES or any(not 1 <= len(role) <= LONGEST_ROLE for role in roles):
        raise errors.BadRequest(f"roles lists at most {MOST_ROLES} names of 1 to {LONGEST_ROLE} characters.")


def _check_phone(number: str) -> None:
    if number and not _E164.fullmatch(number):
        raise errors.BadRequest("mfa_phone_number has the form of E.164: +15005550006.")


def _check_default(member: Member) -> None:
    owns = {"totp": bool(member.active_totp_id), "sms_otp": member.mfa_phone_verified}
    if not owns[member.default_mfa_method]:
        raise errors.DefaultMFAMemberMissingFactor
