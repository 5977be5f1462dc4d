"""What the resources of the consumer dialect share."""

from typing import Any

from rest_framework import serializers

from stytch_totp import errors
from stytch_totp.api.consumer.objects import NAMES
from stytch_totp.api.inputs import Object, Text
from stytch_totp.api.views import StytchViewSet
from stytch_totp.models import Member, Organization


class Subject(serializers.Serializer[Any]):
    """Whom a call is about. A page leaves it out: it can be about nobody but its own user."""

    user_id = Text(required=False, default="", error=errors.InvalidUserID)


class Name(serializers.Serializer[Any]):
    first_name = Text(required=False, longest=80)
    middle_name = Text(required=False, longest=80)
    last_name = Text(required=False, longest=80)


class Profile(serializers.Serializer[Any]):
    """The fields that a User can be made and changed with, everywhere."""

    name = Name(required=False)
    trusted_metadata = Object(required=False)
    untrusted_metadata = Object(required=False)


class ConsumerViewSet(StytchViewSet):
    kind = Organization.Kind.CONSUMER
    words = {
        errors.MemberNotFound: errors.UserNotFound,
        errors.MemberMismatch: errors.UserMismatch,
        errors.DuplicateMemberEmail: errors.DuplicateEmail,
        errors.DuplicateMemberExternalID: errors.DuplicateUserExternalID,
        errors.TOTPNotFound: errors.TOTPsNotFoundForUser,
        errors.RecoveryCodesNotFound: errors.TOTPsNotFoundForUser,
        errors.NoRecoveryCodeBackedFactor: errors.TOTPsNotFoundForUser,
        errors.SessionAuthorization: errors.ConsumerSessionAuthorization,
    }

    def subject(self, data: dict[str, Any]) -> Member:
        found: Member = self.caller.user(data["user_id"])
        return found

    def user_columns(self, data: dict[str, Any]) -> dict[str, Any]:
        """A body as columns: the parts of a name also as one."""
        fields = self.columns(data, COLUMNS)
        if "name" in fields:
            parts = dict(fields["name"])
            fields["name_parts"] = parts
            fields["name"] = " ".join(filter(None, (parts.get(part) for part in NAMES)))
        return fields


COLUMNS = {
    "phone_number": "mfa_phone_number",
    "create_user_as_pending": "pending",
    "set_email_verified": "email_verified",
    "set_phone_number_verified": "mfa_phone_verified",
}
