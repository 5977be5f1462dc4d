from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from stytch_totp.conf import conf
from stytch_totp.models.fields import ExactCharField
from stytch_totp.models.member import Member

_TOKEN = "stytch_totp_session.sealed_token"


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self, now: int) -> SessionQuerySet:
        return self.filter(revoked_at=None, expires_at__gt=now)

    def advance(self, session: Session, now: int, **changes: Any) -> bool:
        """Write ``changes`` unless the session ended or another request changed it since it was read.

        The condition is what keeps a revoked session revoked when a step-up races the revocation.
        """
        rows = self.live(now).filter(pk=session.pk, version=session.version)
        return rows.update(**changes, version=F("version") + 1) == 1


class Session(models.Model):
    """A member's session. The token is found by digest; sealed, too, because a JWT must lead back to it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    member = models.ForeignKey(Member, models.CASCADE, related_name="sessions")
    token_digest = ExactCharField(max_length=64, unique=True)
    sealed_token = models.BinaryField()
    factors = models.JSONField(default=list)
    claims = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=0)
    started_at = models.BigIntegerField()
    last_accessed_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()
    revoked_at = models.BigIntegerField(null=True)
    #: JWTs from before this time died with the token that stepping up replaced.
    jwts_since = models.BigIntegerField(default=0)
    #: Where it was begun by a person at a page: its public token and origin or the site's host, and the browser.
    place = models.CharField(max_length=512, blank=True)
    ip_address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=256, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("session"), _("sessions")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["member", "expires_at"], name="stytch_totp_session_listing"),
            models.Index(fields=["started_at", "id"], name="stytch_totp_session_newest"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def is_live(self, now: int) -> bool:
        """Whether the row as it was read is worth anything; a write asks the database again."""
        return self.revoked_at is None and self.expires_at > now

    def seal(self, token: str) -> bytes:
        return conf().keys.seal(token.encode(), *self.context())

    def reveal(self) -> str:
        """The session token. Raises SealError."""
        return conf().keys.open(self.sealed_token, *self.context()).decode()

    def context(self) -> tuple[str, ...]:
        """What the sealed value is bound to."""
        return (_TOKEN, str(self.member.organization_id), str(self.member_id), str(self.pk))


class IntermediateSessionQuerySet(models.QuerySet["IntermediateSession"]):
    def charge(self, session: IntermediateSession) -> bool:
        """Pay for one attempt. False once the token is out of attempts."""
        allowed = conf().intermediate_session_failures
        return self.filter(pk=session.pk, failures__lt=allowed).update(failures=F("failures") + 1) == 1

    def refund(self, session: IntermediateSession) -> None:
        self.filter(pk=session.pk, failures__gt=0).update(failures=F("failures") - 1)

    def consume(self, session: IntermediateSession, now: int) -> bool:
        """Turn the token in. Of any number of attempts at once, one gets True."""
        # The attempt that got here was paid for, so the count may stand at its limit.
        return self.filter(pk=session.pk, used_at=None, expires_at__gt=now).update(used_at=now) == 1


class IntermediateSession(models.Model):
    """A login that still owes a factor, or an organization. Lives ten minutes and makes at most one session."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    #: NULL in a login by discovery, which is nobody's yet.
    member = models.ForeignKey(Member, models.CASCADE, null=True, related_name="intermediate_sessions")
    #: Of a login by discovery: whom it may become, by id, with their ``login_digest`` when their password was given.
    discovered = models.JSONField(default=dict)
    #: Public token and origin of the page that began it; empty if a back end did.
    begun_at = models.CharField(max_length=512, blank=True)
    token_digest = ExactCharField(max_length=64, unique=True)
    factors = models.JSONField(default=list)
    failures = models.PositiveIntegerField(default=0)
    created_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()
    used_at = models.BigIntegerField(null=True)

    objects = IntermediateSessionQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)

    def is_live(self, now: int) -> bool:
        """Whether the row as it was read is worth anything; a charge asks the database again."""
        attempts_left = self.failures < conf().intermediate_session_failures
        return self.used_at is None and self.expires_at > now and attempts_left
