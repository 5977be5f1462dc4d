"""The record of what was done, by whom, to whom: written in the transaction that does it."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import models, transaction

from stytch_totp import conf
from stytch_totp.models import AuditEvent, Member, Organization
from stytch_totp.signals import audit_event_recorded


@dataclass(frozen=True)
class Actor:
    """Who asks: ``kind`` is one of these words.

    ``project``: a back end with the project's secret. ``member``: such a back end on behalf of the member ``id``, by
    its session. ``browser``: a page, where a person acts and nobody vouches; ``place`` is its public token and origin.
    ``system``: a command.
    """

    kind: str
    id: str = ""
    request_id: str = ""
    place: str = ""

    @property
    def at_browser(self) -> bool:
        return self.kind == "browser"

    @property
    def vouches(self) -> bool:
        """Whether its word on other people's identity is good."""
        return self.kind in ("project", "system")


SYSTEM = Actor("system")


class Outcome(models.TextChoices):
    SUCCESS = "success"
    FAILURE = "failure"


class Tag(models.TextChoices):
    """``<subject>:<object>:<what happened>``. A retired tag stays as a comment and is never used again."""

    SECRET_EXPOSED = "project:secret:exposed"
    ORGANIZATION_CREATED = "organization:organization:created"
    ORGANIZATION_UPDATED = "organization:organization:updated"
    ORGANIZATION_DELETED = "organization:organization:deleted"
    MEMBER_CREATED = "member:member:created"
    MEMBER_UPDATED = "member:member:updated"
    MEMBER_DELETED = "member:member:deleted"
    MEMBER_REACTIVATED = "member:member:reactivated"
    PASSWORD_AUTHENTICATED = "member:password:authenticated"
    PASSWORD_REFUSED = "member:password:refused"
    PASSWORD_CREATED = "member:password:created"
    PASSWORD_MIGRATED = "member:password:migrated"
    TOTP_CREATED = "member:totp:created"
    TOTP_MIGRATED = "member:totp:migrated"
    TOTP_DELETED = "member:totp:deleted"
    TOTP_ACTIVATED = "member:totp:activated"
    TOTP_AUTHENTICATED = "member:totp:authenticated"
    TOTP_REFUSED = "member:totp:refused"
    TOTP_REPLAYED = "member:totp:replayed"
    RECOVERY_CODE_SPENT = "member:recovery_code:spent"
    RECOVERY_CODE_REFUSED = "member:recovery_code:refused"
    RECOVERY_CODE_REPLAYED = "member:recovery_code:replayed"
    RECOVERY_CODES_SHOWN = "member:recovery_codes:shown"
    RECOVERY_CODES_ROTATED = "member:recovery_codes:rotated"
    ATTEMPT_LOCKED_OUT = "member:guard:locked_out"
    SESSION_EXCHANGED = "member:session:exchanged"
    SESSION_REVOKED = "member:session:revoked"


_FAILURES = frozenset(
    {
        Tag.SECRET_EXPOSED,
        Tag.PASSWORD_REFUSED,
        Tag.TOTP_REFUSED,
        Tag.TOTP_REPLAYED,
        Tag.RECOVERY_CODE_REFUSED,
        Tag.RECOVERY_CODE_REPLAYED,
        Tag.ATTEMPT_LOCKED_OUT,
    }
)


def record(tag: Tag, actor: Actor, *, member: Member | None = None, organization: Organization | None = None) -> None:
    """Append an event. Call it inside the transaction of the change, or the record may tell what never was."""
    event = AuditEvent(
        at=conf.now(),
        tag=tag,
        outcome=Outcome.FAILURE if tag in _FAILURES else Outcome.SUCCESS,
        actor_kind=actor.kind,
        actor_id=actor.id,
        request_id=actor.request_id,
        organization_id=member.organization_id if member else organization.pk if organization else None,
        member_id=member.pk if member else None,
    )
    event.save()
    if audit_event_recorded.has_listeners():
        send: Any = partial(audit_event_recorded.send_robust, sender=AuditEvent, event=event)
        transaction.on_commit(send)
