from __future__ import annotations

import uuid
from functools import cached_property
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from stytch_totp import conf
from stytch_totp.core import tokens
from stytch_totp.core.rbac import MEMBER_ROLE, USER_ROLE
from stytch_totp.models.fields import ExactCharField
from stytch_totp.models.organization import Organization

if TYPE_CHECKING:
    from stytch_totp.models.guard import Guard
    from stytch_totp.models.registration import TOTPRegistration


class MemberQuerySet(models.QuerySet["Member"]):
    def described(self) -> MemberQuerySet:
        """With all that their public shape shows: three statements, however many members."""
        return self.select_related("organization", "user").prefetch_related("registrations", "guards")


class Member(models.Model):
    """A person in one organization. A consumer User is a Member of the consumer directory."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        ACTIVE = "active", _("Active")
        DELETED = "deleted", _("Deleted")

    class DefaultMethod(models.TextChoices):
        NONE = ""
        TOTP = "totp"
        SMS_OTP = "sms_otp"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="stytch_members")
    email = models.CharField(max_length=254)
    #: The e-mail in lower case; NULL on a deleted member, so that the address can be used again.
    email_key = ExactCharField(max_length=254, null=True, editable=False, db_index=True)
    email_verified = models.BooleanField(default=False)
    name = models.CharField(max_length=255, blank=True)
    #: A User's ``first_name``, ``middle_name`` and ``last_name``, which ``name`` has in one.
    name_parts = models.JSONField(default=dict)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    mfa_enrolled = models.BooleanField(default=False)
    #: Whether a registration is active, for lists and counts of very many. What is decided asks the registrations.
    has_active_totp = models.BooleanField(default=False, editable=False)
    default_mfa_method = models.CharField(
        max_length=16, choices=DefaultMethod.choices, default=DefaultMethod.NONE, blank=True
    )
    mfa_phone_number = models.CharField(max_length=32, blank=True)
    mfa_phone_verified = models.BooleanField(default=False)
    is_breakglass = models.BooleanField(default=False)
    roles = models.JSONField(default=list)
    external_id = ExactCharField(max_length=128, null=True)
    #: A password hash of Django's or an imported one; empty when there is none or ``user`` keeps it.
    password = models.CharField(max_length=512, blank=True)
    #: How often all that the member could act by was ended: a login begun before that is none any more.
    generation = models.PositiveIntegerField(default=0)
    trusted_metadata = models.JSONField(default=dict)
    untrusted_metadata = models.JSONField(default=dict)
    created_at = models.BigIntegerField()
    updated_at = models.BigIntegerField()

    objects = MemberQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("member"), _("members")
        constraints = [
            models.UniqueConstraint(fields=["organization", "email_key"], name="stytch_totp_one_member_an_email"),
            models.UniqueConstraint(
                fields=["organization", "external_id"], name="stytch_totp_one_member_an_external_id"
            ),
            models.UniqueConstraint(fields=["organization", "user"], name="stytch_totp_one_member_a_user"),
        ]
        indexes = [
            models.Index(fields=["organization", "created_at", "id"], name="stytch_totp_member_listing"),
            models.Index(fields=["created_at", "id", "organization"], name="stytch_totp_member_newest"),
            models.Index(
                fields=["has_active_totp", "created_at", "id", "organization"], name="stytch_totp_member_enrolled"
            ),
            models.Index(fields=["external_id"], name="stytch_totp_member_external"),
        ]
        default_permissions = ("view",)
        permissions = [
            ("unlock_member", "Can lift locks of members"),
            ("reset_mfa_member", "Can reset the MFA of members"),
            ("revoke_sessions_member", "Can revoke sessions of members"),
            ("require_enrolment_member", "Can make members enrol"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_consumer(self) -> bool:
        return bool(self.organization.kind == Organization.Kind.CONSUMER)

    @property
    def public_id(self) -> str:
        """``user-…`` or ``member-…``: two prefixes over one UUID."""
        return conf.public_id("user" if self.is_consumer else "member", self.pk)

    @property
    def password_hash(self) -> str:
        """The hash that judges the member. A linked Django user's password is the member's: there is one to change."""
        return self.user.password if self.user is not None else self.password

    @property
    def login_digest(self) -> str:
        """What a login under way was good for: it changes with the address, the password and each revocation."""
        state = (self.email_key, self.email_verified, self.password_hash, self.generation)
        return tokens.digest("login", repr(state))

    @property
    def default_role(self) -> str:
        return USER_ROLE if self.is_consumer else MEMBER_ROLE

    @property
    def all_roles(self) -> list[str]:
        """With the one that every member has."""
        return [self.default_role, *self.roles]

    @cached_property
    def registration_by_state(self) -> dict[str, TOTPRegistration]:
        """As they stood when they were first asked for; ``members.reload`` asks anew."""
        return {row.state: row for row in self.registrations.all()}

    @property
    def active_totp_id(self) -> uuid.UUID | None:
        active = self.registration_by_state.get("active")
        return active.pk if active else None

    @cached_property
    def guard_by_kind(self) -> dict[str, Guard]:
        return {guard.kind: guard for guard in self.guards.all()}

    @property
    def lock(self) -> Guard:
        """The guard that is locked for longest, locked or not."""
        return max(self.guard_by_kind.values(), key=lambda guard: guard.locked_until)
