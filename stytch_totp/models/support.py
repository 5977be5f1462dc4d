from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from stytch_totp.models.member import Member
from stytch_totp.models.organization import Organization


class StaffLimit(models.Model):
    """To which organizations a member of staff is limited (TE-10). Without a row of their own they see all of them.

    A row whose last organization is deleted goes on limiting: to none.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="stytch_limit")
    organizations = models.ManyToManyField(Organization, blank=True)

    class Meta:
        verbose_name, verbose_name_plural = _("limit of staff"), _("limits of staff")

    def __str__(self) -> str:
        return str(self.user)


class SupportRequest(models.Model):
    """An act of support that waits for a second member of staff (AA-04), where SECOND_APPROVER is on."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        APPROVED = "approved", _("Approved")
        DECLINED = "declined", _("Declined")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    member = models.ForeignKey(Member, models.CASCADE, related_name="support_requests")
    act = models.CharField(max_length=32)
    reason = models.CharField(max_length=500)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    asked_at = models.BigIntegerField(db_index=True)
    expires_at = models.BigIntegerField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    decided_at = models.BigIntegerField(null=True)

    class Meta:
        verbose_name, verbose_name_plural = _("support request"), _("support requests")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return str(self.pk)
