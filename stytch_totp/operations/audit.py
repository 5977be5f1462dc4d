"""The record of what was done, by whom, to whom: written in the transaction that does it."""

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from stytch_totp import conf
from stytch_totp.models import AuditChain, AuditEvent, Member, Organization
from stytch_totp.signals import audit_event_recorded


@dataclass(frozen=True)
class Actor:
    """Who asks: ``kind`` is one of these words.

    ``project``: a back end with the project's secret. ``member``: such a back end on behalf of the member ``id``, by
    its session. ``browser``: a page, where a person acts and nobody vouches; ``place`` is its public token and
    origin, or the host of the site's own pages. ``staff``: the Django user with the primary key ``id``, in the admin.
    ``system``: a command, whose name is the ``id``, or the host's own code.
    """

    kind: str
    id: str = ""
    request_id: str = ""
    place: str = ""
    ip_address: str = ""
    user_agent: str = ""
    #: What a member of staff was called at the time.
    name: str = ""

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
    """``<subject>:<object>:<what happened>``, and the same in words for people.

    The subject is whose record it belongs to: the ``project``, an ``organization`` or a ``member``. A retired tag stays
    as a comment and is never used again. docs/audit.md says when each is written.
    """

    SECRET_EXPOSED = "project:secret:exposed", _("A page sent a server secret")
    KEYRING_ROTATED = "project:keyring:rotated", _("Sealed rows were brought under the current key")
    SIGNING_KEY_ROTATED = "project:signing_key:rotated", _("A new key signs session JWTs")
    SIGNING_KEY_DELETED = "project:signing_key:deleted", _("A retired signing key was deleted")
    ROWS_PURGED = "project:rows:purged", _("Expired rows were deleted")
    AUDIT_VERIFIED = "project:audit:verified", _("The audit trail was verified")
    AUDIT_FAULTY = "project:audit:faulty", _("The audit trail was found faulty")
    AUDIT_GUARDED = "project:audit:guarded", _("Triggers that keep the audit trail were installed")
    AUDIT_UNGUARDED = "project:audit:unguarded", _("Triggers that keep the audit trail were removed")
    BACKUP_RESTORED = "project:backup:restored", _("What a restored backup revived was ended")
    REPORT_MADE = "project:report:made", _("A report of who has MFA was made")
    STAFF_LIMITED = "project:staff:limited", _("A member of staff was limited to organizations")
    STAFF_UNLIMITED = "project:staff:unlimited", _("A limit of a member of staff was removed")
    ORGANIZATION_CREATED = "organization:organization:created", _("The organization was made")
    ORGANIZATION_UPDATED = "organization:organization:updated", _("The organization was changed")
    ORGANIZATION_DELETED = "organization:organization:deleted", _("The organization was deleted")
    MFA_REQUIRED = "organization:mfa:required", _("The organization was made to require MFA")
    EVENTS_PURGED = "organization:audit:purged", _("Old audit events were deleted")
    MEMBER_CREATED = "member:member:created", _("The member was made")
    MEMBER_UPDATED = "member:member:updated", _("The member was changed")
    MEMBER_DELETED = "member:member:deleted", _("The member was deleted")
    MEMBER_REACTIVATED = "member:member:reactivated", _("The member was brought back")
    PASSWORD_AUTHENTICATED = "member:password:authenticated", _("The password was right")
    PASSWORD_REFUSED = "member:password:refused", _("A password was wrong")
    PASSWORD_CREATED = "member:password:created", _("A password was set")
    PASSWORD_MIGRATED = "member:password:migrated", _("A password was brought along")
    TOTP_CREATED = "member:totp:created", _("A TOTP was begun")
    TOTP_MIGRATED = "member:totp:migrated", _("A TOTP was brought along")
    TOTP_DELETED = "member:totp:deleted", _("The TOTP was removed")
    TOTP_ACTIVATED = "member:totp:activated", _("The TOTP was confirmed")
    TOTP_AUTHENTICATED = "member:totp:authenticated", _("A TOTP code was right")
    TOTP_REFUSED = "member:totp:refused", _("A TOTP code was wrong")
    TOTP_REPLAYED = "member:totp:replayed", _("A TOTP code was shown again")
    TOTP_UNREADABLE = "member:totp:unreadable", _("The TOTP could not be opened: its key is missing, or it was altered")
    RECOVERY_CODE_SPENT = "member:recovery_code:spent", _("A recovery code was used")
    RECOVERY_CODE_REFUSED = "member:recovery_code:refused", _("A recovery code was wrong")
    RECOVERY_CODE_REPLAYED = "member:recovery_code:replayed", _("A used recovery code was shown again")
    RECOVERY_CODES_SHOWN = "member:recovery_codes:shown", _("The recovery codes were shown")
    RECOVERY_CODES_ROTATED = "member:recovery_codes:rotated", _("The recovery codes were replaced")
    ATTEMPT_LOCKED_OUT = "member:guard:locked_out", _("An attempt was refused while locked")
    GUARD_LOCKED = "member:guard:locked", _("Too many wrong codes: locked")
    GUARD_UNLOCKED = "member:guard:unlocked", _("The lock was lifted")
    MFA_RESET = "member:mfa:reset", _("MFA was reset")
    ENROLMENT_REQUIRED = "member:mfa:required", _("The member was made to enrol")
    SESSION_BEGUN = "member:session:begun", _("A visit began")
    SESSION_EXCHANGED = "member:session:exchanged", _("A session was exchanged")
    SESSION_REVOKED = "member:session:revoked", _("Sessions were revoked")
    SUPPORT_ASKED = "member:support:asked", _("Support asked for a second approver")
    SUPPORT_APPROVED = "member:support:approved", _("A second member of staff approved")
    SUPPORT_DECLINED = "member:support:declined", _("A second member of staff declined")
    SUPPORT_DENIED = "member:support:denied", _("Support was denied an act")


_FAILURES = frozenset(
    {
        Tag.SECRET_EXPOSED,
        Tag.AUDIT_FAULTY,
        Tag.PASSWORD_REFUSED,
        Tag.TOTP_REFUSED,
        Tag.TOTP_REPLAYED,
        Tag.TOTP_UNREADABLE,
        Tag.RECOVERY_CODE_REFUSED,
        Tag.RECOVERY_CODE_REPLAYED,
        Tag.ATTEMPT_LOCKED_OUT,
        Tag.GUARD_LOCKED,
        Tag.SUPPORT_DENIED,
    }
)


def record(
    tag: Tag,
    actor: Actor,
    *,
    member: Member | None = None,
    organization: Organization | None = None,
    reason: str = "",
    **details: str | int,
) -> None:
    """Append an event. Call it inside the transaction of the change, or the record may tell what never was; and last,
    since who records something of the same organization next waits for the commit.

    ``details`` are counts and names of things, never a secret.
    """
    event = AuditEvent(
        at=conf.now(),
        tag=tag.value,
        outcome=(Outcome.FAILURE if tag in _FAILURES else Outcome.SUCCESS).value,
        actor_kind=actor.kind,
        actor_id=actor.id,
        request_id=actor.request_id,
        organization_id=member.organization_id if member else organization.pk if organization else None,
        member_id=member.pk if member else None,
        reason=reason,
        details=details | ({"by": actor.name} if actor.name else {}),
        ip_address=actor.ip_address,
        user_agent_digest=hashlib.sha256(actor.user_agent.encode()).hexdigest() if actor.user_agent else "",
    )
    if conf.conf().audit_chain:
        AuditChain.objects.append(event)
    event.save()
    send: Any = partial(audit_event_recorded.send_robust, sender=AuditEvent, event=event)
    transaction.on_commit(send)


def by(event: AuditEvent) -> str:
    """Who did it, for people."""
    return f"{event.actor_kind} {event.details.get('by', event.actor_id)}".strip()


def words(event: AuditEvent) -> str:
    """What an event says, for people, in the active language; its tag, should it be one of a later version."""
    return str(Tag(event.tag).label) if event.tag in Tag.values else event.tag
