"""What support does to a member: by itself, or once a second member of staff has approved of it.

Nothing here shows a secret or lets anybody choose one: a member whose MFA was reset enrols anew, by themselves.
"""

from collections.abc import Callable, Mapping

from django.db import models
from django.utils.translation import gettext_lazy as _

from stytch_totp import conf, errors
from stytch_totp.models import Guard, Member, SupportRequest
from stytch_totp.operations import attempts, enrolment, members, sessions
from stytch_totp.operations.audit import Actor, Tag, record
from stytch_totp.operations.staff import Staff, is_same

REQUEST_SECONDS = 24 * 60 * 60


class Act(models.TextChoices):
    UNLOCK = "unlock", _("Unlock")
    RESET_MFA = "reset_mfa", _("Reset MFA")
    REVOKE_SESSIONS = "revoke_sessions", _("Revoke sessions")
    REQUIRE_ENROLMENT = "require_enrolment", _("Require enrolment")

    @property
    def permission(self) -> str:
        return f"stytch_totp.{self.value}_member"


def do(act: Act, member: Member, *, reason: str, actor: Actor) -> None:
    """Do it, whoever asks: a command. Raises MemberNotFound."""
    attempts.settle(lambda: _ACTS[act](member, reason, actor))


def do_as(staff: Staff, act: Act, member: Member, *, reason: str) -> SupportRequest | None:
    """Do it as a member of staff; or, where SECOND_APPROVER is on, ask for it: then the request is returned.

    Raises as ``Staff.check_may`` does.
    """
    staff.check_may(act.permission, member.organization, member, reason)
    if conf.conf().second_approver:
        return attempts.settle(lambda: _ask(staff, act, member, reason.strip()))
    do(act, member, reason=reason.strip(), actor=staff.actor)
    return None


def approve(staff: Staff, request: SupportRequest, *, reason: str) -> None:
    """Do what another member of staff asked for. Raises SupportByTheSame, SupportRequestNotWaiting and as ``do_as``."""
    act = Act(request.act)
    _check_may_decide(staff, request, reason)

    def work() -> None:
        _decide(staff, request, SupportRequest.State.APPROVED)
        _ACTS[act](request.member, request.reason, staff.actor)
        asker, why = str(request.asked_by_id), reason.strip()
        record(Tag.SUPPORT_APPROVED, staff.actor, member=request.member, reason=why, act=act.value, asked_by=asker)

    attempts.settle(work)


def decline(staff: Staff, request: SupportRequest, *, reason: str) -> None:
    """Let it be. Who asked may decline, too. Raises as ``approve``."""
    staff.check_may(Act(request.act).permission, request.member.organization, request.member, reason)

    def work() -> None:
        _decide(staff, request, SupportRequest.State.DECLINED)
        record(Tag.SUPPORT_DECLINED, staff.actor, member=request.member, reason=reason.strip(), act=request.act)

    attempts.settle(work)


def _check_may_decide(staff: Staff, request: SupportRequest, reason: str) -> None:
    permission, organization, member = Act(request.act).permission, request.member.organization, request.member
    staff.check_may(permission, organization, member, reason)
    if request.asked_by is None or is_same(request.asked_by, staff.user):
        refusal: errors.StytchError = errors.SupportByTheSame()
    elif Staff(request.asked_by, 0, staff.actor).refusal(permission, organization, member):
        refusal = errors.SupportRequestNotWaiting()  # who asked may not any more
    else:
        return
    staff.deny(refusal, permission, organization, member)
    raise refusal


def _ask(staff: Staff, act: Act, member: Member, reason: str) -> SupportRequest:
    now = conf.now()
    request = SupportRequest(member=member, act=act.value, reason=reason, asked_by=staff.user, asked_at=now)
    request.expires_at = now + REQUEST_SECONDS
    request.save(force_insert=True)
    record(Tag.SUPPORT_ASKED, staff.actor, member=member, reason=reason, act=act.value)
    return request


def _decide(staff: Staff, request: SupportRequest, state: SupportRequest.State) -> None:
    """Of any number who decide at once, one does."""
    now = conf.now()
    waiting = SupportRequest.objects.filter(pk=request.pk, state=SupportRequest.State.WAITING, expires_at__gt=now)
    if not waiting.update(state=state, decided_by=staff.user, decided_at=now):
        raise errors.SupportRequestNotWaiting


def _unlock(member: Member, reason: str, actor: Actor) -> None:
    members.hold(member)
    Guard.objects.filter(member=member).unlock()
    record(Tag.GUARD_UNLOCKED, actor, member=member, reason=reason)


def _reset_mfa(member: Member, reason: str, actor: Actor) -> None:
    """All that the member, or whoever has their phone, could show is dead with the commit (AA-05). Locks stay."""
    enrolment.hold_factors(member)
    # A phone number that counts as a factor would keep the member from enrolling; so it goes, too.
    members.drop_totp(member, mfa_phone_verified=False, mfa_enrolled=True)
    sessions.end_all(member)
    record(Tag.MFA_RESET, actor, member=member, reason=reason)


def _revoke_sessions(member: Member, reason: str, actor: Actor) -> None:
    members.hold(member)
    sessions.end_all(member)
    record(Tag.SESSION_REVOKED, actor, member=member, reason=reason)


def _require_enrolment(member: Member, reason: str, actor: Actor) -> None:
    members.hold(member)
    Member.objects.filter(pk=member.pk).update(mfa_enrolled=True)
    record(Tag.ENROLMENT_REQUIRED, actor, member=member, reason=reason)


_ACTS: Mapping[Act, Callable[[Member, str, Actor], None]] = {
    Act.UNLOCK: _unlock,
    Act.RESET_MFA: _reset_mfa,
    Act.REVOKE_SESSIONS: _revoke_sessions,
    Act.REQUIRE_ENROLMENT: _require_enrolment,
}
