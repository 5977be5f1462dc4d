"""What the resources of the B2B dialect share."""

from typing import Any

from rest_framework import serializers

from stytch_totp.api.b2b.objects import member_fields, member_object, member_session_fields, organization_object
from stytch_totp.api.inputs import Text
from stytch_totp.api.views import StytchViewSet
from stytch_totp.conf import public_id
from stytch_totp.models import Member, Organization
from stytch_totp.operations.discovery import Discovered, Discovery
from stytch_totp.operations.logins import LoggedIn


class Subject(serializers.Serializer[Any]):
    """Whom a call is about. A page may leave it out: it can be about nobody but its own member."""

    organization_id = Text(required=False, default="")
    member_id = Text(required=False, default="")


class B2BViewSet(StytchViewSet):
    kind = Organization.Kind.TENANT
    product = "b2b/"

    def subject(self, data: dict[str, Any]) -> Member:
        found: Member = self.caller.member(data["organization_id"], data["member_id"])
        return found

    def parties(self, data: dict[str, Any]) -> dict[str, Any]:
        """Whom a call is about and what it shows, as an operation takes them."""
        proof = self.caller.proof(self.kind, data, self.actor)
        return {"member": self.caller.member(data["organization_id"], data["member_id"], proof), "proof": proof}


def login_fields(done: LoggedIn) -> dict[str, Any]:
    """A login, and what it still owes: the table of contract 1.10."""
    complete = done.granted is not None
    return {
        **member_fields(done.member),
        **member_session_fields(done.granted),
        "member_authenticated": complete,
        "intermediate_session_token": done.intermediate_session_token,
        **owed_fields(done.member, mfa_owed=done.mfa_owed, primary_met=complete or done.primary_met),
    }


def discovery_fields(found: Discovery) -> dict[str, Any]:
    """Who was found by e-mail address, and in which organizations."""
    return {"email_address": found.email, "discovered_organizations": [_discovered(one) for one in found.found]}


def _discovered(one: Discovered) -> dict[str, Any]:
    member = one.member
    return {
        "organization": organization_object(member.organization),
        "membership": {"type": "active_member", "details": None, "member": member_object(member)},
        "member_authenticated": one.primary_met and not one.mfa_owed,
        **owed_fields(member, mfa_owed=one.mfa_owed, primary_met=one.primary_met),
    }


def owed_fields(member: Member, *, mfa_owed: bool, primary_met: bool) -> dict[str, Any]:
    enrolled = member.active_totp_id
    options = {
        "mfa_phone_number": member.mfa_phone_number if member.mfa_phone_verified else "",
        "totp_registration_id": public_id("member-totp", enrolled) if enrolled else "",
    }
    mfa = {"member_options": options if any(options.values()) else None, "secondary_auth_initiated": None}
    allowed = member.organization.allowed_auth_methods or ["password"]
    return {
        "mfa_required": mfa if mfa_owed else None,
        "primary_required": None if primary_met else {"allowed_auth_methods": allowed},
    }
