from __future__ import annotations

import hmac
import uuid
from typing import Any

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from stytch_totp.conf import conf
from stytch_totp.core.chain import START, link
from stytch_totp.core.sealing import UnknownKey

_SEAL = "stytch_totp_auditchain.seal"
#: What is digested to tell one key from another, whatever they are called.
_MARK = ("mark", "stytch_totp_auditchain.key")
_MARK_LENGTH = 16


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def update(self, **_: Any) -> int:
        raise TypeError("audit events are not changed")

    def bulk_update(self, *_: Any, **__: Any) -> int:
        raise TypeError("audit events are not changed")

    def delete(self) -> Any:
        raise TypeError("audit events are not deleted")

    def expire(self) -> int:
        """Delete what the setting AUDIT_RETENTION_DAYS lets go. ``operations.purge`` alone calls it."""
        return models.QuerySet.delete(self)[0]


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
    #: Why, in the words of the member of staff who did it.
    reason = models.CharField(max_length=500, blank=True)
    #: What more there is to say: counts and names, never a secret.
    details = models.JSONField(default=dict)
    ip_address = models.CharField(max_length=45, blank=True)
    #: SHA-256 of the User-Agent header: enough to tell one browser from another.
    user_agent_digest = models.CharField(max_length=64, blank=True)
    #: Its place in its organization's chain, from 1; NULL where AUDIT_CHAIN is off.
    sequence = models.BigIntegerField(null=True)
    link = models.CharField(max_length=64, blank=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("audit event"), _("audit events")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["organization_id", "sequence"], name="stytch_totp_one_event_a_link")
        ]
        indexes = [
            models.Index(fields=["member_id", "at"], name="stytch_totp_audit_of_member"),
            models.Index(fields=["tag", "id"], name="stytch_totp_audit_of_tag"),
        ]

    def __str__(self) -> str:
        return f"{self.tag} {self.outcome}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("audit events are not changed")
        # An insert or nothing: an event that brings an id of its own doesn't overwrite the one that has it.
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *_: Any, **__: Any) -> Any:
        raise TypeError("audit events are not deleted")

    def link_after(self, previous: str) -> str:
        """The link that this event makes behind ``previous``: over every column but its ``id`` and its ``link``."""
        said = {field.name: getattr(self, field.name) for field in self._meta.concrete_fields}
        del said["id"], said["link"]
        keys = {name: str(said[name]) for name in ("organization_id", "member_id")}
        return link(previous, said | keys)


class AuditChainQuerySet(models.QuerySet["AuditChain"]):
    def append(self, event: AuditEvent) -> None:
        """Give an unsaved event its place at the end of its organization's chain, in the caller's transaction.

        Whoever appends next waits for the caller's commit, so it is the last thing that a transaction does.

        Where the key of the chain's seal is missing, a request goes on, or nobody could be told any more what they owe:
        its event gets no place, which verification says. A command stops: raises UnknownKey.
        """
        try:
            self._append(event)
        except UnknownKey:
            if event.actor_kind == "system":
                raise
            event.sequence, event.link = None, ""

    def _append(self, event: AuditEvent) -> None:
        key = event.organization_id or AuditChain.NOBODYS
        rows = self.filter(pk=key)
        chain = rows.first()
        if chain is not None:
            length = chain.length
            chain.extend(event)
            if rows.filter(length=length).update(length=chain.length, head=chain.head, seal=chain.seal):
                return
        else:
            self.bulk_create([AuditChain(pk=key)], ignore_conflicts=True)  # another may make it at the same moment
        # Others are appending, too. The count is raised and not only locked: a changed row is what MariaDB, too, shows
        # as it is now, whatever the transaction saw before.
        rows.update(length=F("length") + 1)
        chain = rows.get()
        chain.length -= 1
        try:
            chain.extend(event)
        except UnknownKey:
            rows.update(length=chain.length)
            raise
        rows.update(head=chain.head, seal=chain.seal)


class AuditChain(models.Model):
    """Where the chain of one organization's events ends.

    ``head`` is the link of its last event; ``base`` is what its first one follows: ``START``, or the link of the last
    event that a purge took. The ``seal`` over them takes the keyring: whoever writes to the database alone can rewrite
    events and their links, but can't seal what comes of it. It says which key it takes, so that a process with the
    keyring of another site, or of last year, notices.
    """

    #: The chain of events that belong to no organization.
    NOBODYS = uuid.UUID(int=0)

    id = models.UUIDField(primary_key=True, editable=False)
    length = models.BigIntegerField(default=0)
    head = models.CharField(max_length=64, default=START)
    first = models.BigIntegerField(default=1)
    base = models.CharField(max_length=64, default=START)
    seal = models.CharField(max_length=96, blank=True)

    objects = AuditChainQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)

    def extend(self, event: AuditEvent) -> None:
        """Put an unsaved event behind the last one; nothing is written.

        A chain whose row was rewritten by somebody without the keyring isn't sealed in their stead: it stays unsealed.
        Raises as ``is_sealed`` does: a chain of another keyring isn't unsealed, either, by who hasn't got that.
        """
        is_sealed = self.is_sealed
        event.sequence = self.length = self.length + 1
        event.link = self.head = event.link_after(self.head)
        if is_sealed:
            self.reseal()

    def reseal(self) -> None:
        """Seal the chain as it stands, under the key that seals now."""
        keys = conf().keys
        self.seal = f"{_marked(keys.digest(*_MARK))}:{keys.digest(*self._sealed())}"

    @property
    def is_sealed(self) -> bool:
        """Whether the seal is one of this chain as it stands. A chain that is just being made needs none.

        Raises UnknownKey if it is of a key that the keyring hasn't got: then nobody can tell.
        """
        if not self.length:
            return (self.first, self.base, self.head) == (1, START, START)
        keys = conf().keys
        mark, _, digest = self.seal.partition(":")
        if len(mark) == _MARK_LENGTH and mark not in map(_marked, keys.digests(*_MARK)):
            raise UnknownKey(mark)
        return any(hmac.compare_digest(one.encode(), digest.encode()) for one in keys.digests(*self._sealed()))

    def _sealed(self) -> tuple[str, ...]:
        state = f"{self.first}:{self.base}:{self.length}:{self.head}"
        return (state, _SEAL, str(self.pk))


def _marked(digest: str) -> str:
    return digest[:_MARK_LENGTH]
