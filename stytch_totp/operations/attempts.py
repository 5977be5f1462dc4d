"""What every attempt at a secret pays, and how it is settled: the frame of verification, recovery and passwords.

The order is the defence. The attempt is charged and the charge committed before anything is compared, so that no
number of parallel requests, no crash and no rolled back request gets more guesses than the budget. The success is
one transaction, so that a code is never spent without a session nor a session granted without a code.
"""

from collections.abc import Callable
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, transaction

from stytch_totp import conf, errors
from stytch_totp.models import Guard, IntermediateSession, Member, Session
from stytch_totp.models.guard import GuardQuerySet
from stytch_totp.operations.audit import Actor, Tag, record

Proof = Session | IntermediateSession | None
Result = TypeVar("Result")
REPEATS = 3


def charge(member: Member, kind: Guard.Kind, proof: Proof, actor: Actor) -> None:
    """Pay for one attempt, for good. Raises Locked, or IntermediateSessionNotFound once the token had its share."""
    if not transaction.get_connection().settings_dict["AUTOCOMMIT"]:
        raise ImproperlyConfigured("AUTOCOMMIT is off: no charge would commit by itself")
    now, guard = conf.now(), _guard(member, kind)

    def pay() -> bool:
        if not guard.charge(conf.conf().lock_policy, now):
            if guard.tell(now):
                record(Tag.GUARD_LOCKED, actor, member=member)
            record(Tag.ATTEMPT_LOCKED_OUT, actor, member=member)
            return False
        if isinstance(proof, IntermediateSession) and not IntermediateSession.objects.charge(proof):
            raise errors.IntermediateSessionNotFound
        return True

    # Durable: a caller's transaction around this one could roll the charge back, so that is refused.
    if not settle(pay):
        locked_until = guard.values_list("locked_until", flat=True).first()
        if locked_until is None:
            raise errors.MemberNotFound  # deleted since it was found
        raise errors.Locked(retry_after=max(1, locked_until - now))


def refuse(member: Member, kind: Guard.Kind, tag: Tag, actor: Actor) -> None:
    """Put a failed attempt on record, and the lock that it made. The charge, paid before, is what counts it."""

    def work() -> None:
        # The guard before the chain of the record, as everybody does: a deadlock would lose the event.
        locked = _guard(member, kind).tell(conf.now())
        record(tag, actor, member=member)
        if locked:
            record(Tag.GUARD_LOCKED, actor, member=member)

    settle(work)


def refund(member: Member, kind: Guard.Kind, proof: Proof, tag: Tag, actor: Actor) -> None:
    """Give an attempt back: who repeats a code that was right once is no guesser, only late."""
    with transaction.atomic(durable=True):
        _guard(member, kind).refund(conf.conf().lock_policy)
        if isinstance(proof, IntermediateSession):
            IntermediateSession.objects.refund(proof)
        record(tag, actor, member=member)


def clear(member: Member, kind: Guard.Kind) -> None:
    """Empty the budget after a success, inside the transaction of the success."""
    _guard(member, kind).clear()


def settle(work: Callable[[], Result], *, repeats: int = REPEATS) -> Result:
    """Run ``work`` as one durable transaction, and again if the database asks for it (deadlock, serialization).

    Safe to repeat: what ``work`` claims it can't claim again, should the first commit have gone through unheard. A
    charge is paid twice then, and a password login leaves a session whose token nobody was told.
    """
    try:
        with transaction.atomic(durable=True):
            return work()
    except OperationalError:
        if not repeats:
            raise
    return settle(work, repeats=repeats - 1)


def _guard(member: Member, kind: Guard.Kind) -> GuardQuerySet:
    guard = member.guard_by_kind.get(kind)
    if guard is None:
        raise errors.MemberNotFound
    return Guard.objects.filter(pk=guard.pk)
