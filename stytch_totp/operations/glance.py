"""What support wants to know of a member, at a glance. No secret is opened for it."""

from dataclasses import dataclass

from stytch_totp import conf
from stytch_totp.core import totp
from stytch_totp.models import AuditEvent, Guard, Member, Session, SupportRequest, TOTPRegistration
from stytch_totp.operations import enrolment
from stytch_totp.operations.users import Membership

MOST_EVENTS, MOST_SESSIONS = 20, 20


@dataclass(frozen=True)
class Glance:
    """Times are seconds since the epoch, 0 for never."""

    member: Member
    enrolled: bool
    pending: bool
    #: Whether the next login or page asks for a second factor.
    required: bool
    enrolled_since: int
    #: When a code of the TOTP was last accepted, to the step.
    last_used: int
    codes_left: int
    #: The guards that are locked now.
    locks: list[Guard]
    sessions: list[Session]
    events: list[AuditEvent]
    requests: list[SupportRequest]

    @property
    def locked_until(self) -> int:
        return max((guard.locked_until for guard in self.locks), default=0)


def glance(member: Member) -> Glance:
    now = conf.now()
    active = member.registration_by_state.get(TOTPRegistration.State.ACTIVE)
    pending = member.registration_by_state.get(TOTPRegistration.State.PENDING)
    last = active.last_step * totp.PERIOD if active and active.last_step > 0 else 0
    waiting = member.support_requests.filter(state=SupportRequest.State.WAITING, expires_at__gt=now)
    return Glance(
        member=member,
        enrolled=active is not None,
        pending=pending is not None and pending.expires_at > now,
        required=Membership(member, enrolled=active is not None).mfa_required,
        enrolled_since=(active.verified_at or 0) if active else 0,
        last_used=last,
        codes_left=enrolment.count_recovery_codes(active) if active else 0,
        locks=[guard for guard in member.guard_by_kind.values() if guard.locked_until > now],
        sessions=list(Session.objects.live(now).filter(member=member).order_by("-started_at", "pk")[:MOST_SESSIONS]),
        events=list(AuditEvent.objects.filter(member_id=member.pk).order_by("-at", "-pk")[:MOST_EVENTS]),
        requests=list(waiting.select_related("asked_by").order_by("asked_at")),
    )
