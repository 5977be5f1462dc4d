from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from stytch_totp import conf
from stytch_totp.core import policy
from stytch_totp.models.fields import ExactCharField


class Organization(models.Model):
    """A tenant, or the one consumer directory that plain Users belong to."""

    class Kind(models.TextChoices):
        TENANT = "tenant"
        CONSUMER = "consumer"

    class MFAPolicy(models.TextChoices):
        OPTIONAL = policy.OPTIONAL
        REQUIRED_FOR_ALL = policy.REQUIRED_FOR_ALL

    class MethodRule(models.TextChoices):
        ALL_ALLOWED = policy.ALL_ALLOWED
        RESTRICTED = policy.RESTRICTED

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.TENANT)
    #: "consumer" on the consumer directory, NULL on tenants: a unique rule that MariaDB can keep, too.
    consumer_key = models.CharField(max_length=16, unique=True, null=True, editable=False)
    name = models.CharField(max_length=128)
    slug = ExactCharField(max_length=128, unique=True)
    external_id = ExactCharField(max_length=128, unique=True, null=True)
    mfa_policy = models.CharField(max_length=32, choices=MFAPolicy.choices, default=MFAPolicy.OPTIONAL)
    mfa_methods = models.CharField(max_length=32, choices=MethodRule.choices, default=MethodRule.ALL_ALLOWED)
    allowed_mfa_methods = models.JSONField(default=list)
    auth_methods = models.CharField(max_length=32, choices=MethodRule.choices, default=MethodRule.ALL_ALLOWED)
    allowed_auth_methods = models.JSONField(default=list)
    #: What Stytch's Organization has and a TOTP service has no use for: kept, and given back as it came.
    settings = models.JSONField(default=dict)
    trusted_metadata = models.JSONField(default=dict)
    created_at = models.BigIntegerField(db_index=True)
    updated_at = models.BigIntegerField()

    class Meta:
        verbose_name, verbose_name_plural = _("organization"), _("organizations")
        default_permissions = ("view",)
        permissions = [("require_mfa_organization", "Can make organizations require MFA")]

    def __str__(self) -> str:
        return str(self.slug)

    @property
    def public_id(self) -> str:
        return conf.public_id("organization", self.pk)
