from __future__ import annotations

from typing import Any

from django.db import models


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def update(self, **_: Any) -> int:
        raise TypeError("audit events are not changed")

    def bulk_update(self, *_: Any, **__: Any) -> int:
        raise TypeError("audit events are not changed")

    def delete(self) -> Any:
        raise TypeError("audit events are not deleted")


class AuditEvent(models.Model):
    """What happened, written in the transaction that made it happen.

    Ids are plain columns, not foreign keys: the record outlives what it speaks of.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.BigIntegerField(db_index=True)
    tag = models.CharField(max_length=64)
    outcome = models.CharField(max_length=16)
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=128)
    request_id = models.CharField(max_length=64, blank=True)
    organization_id = models.UUIDField(null=True)
    member_id = models.UUIDField(null=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["member_id", "at"], name="stytch_totp_audit_of_member")]

    def __str__(self) -> str:
        return f"{self.tag} {self.outcome}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("audit events are not changed")
        # An insert or nothing: an event that brings an id of its own doesn't overwrite the one that has it.
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *_: Any, **__: Any) -> Any:
        raise TypeError("audit events are not deleted")
