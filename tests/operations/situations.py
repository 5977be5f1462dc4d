"""Proofs and rows that the tests of operations start from."""

from stytch_totp.core.factors import factor
from stytch_totp.models import Guard, IntermediateSession, Member, Session
from stytch_totp.operations import members, sessions
from tests.clock import CLOCK


def begin(member: Member) -> IntermediateSession:
    """A fresh login that owes its second factor."""
    token = sessions.begin(member, factor("password", None, int(CLOCK())))
    found = sessions.present(intermediate_session_token=token)
    assert isinstance(found, IntermediateSession)
    return found


def session_of(member: Member, *kinds: str) -> Session:
    """A live session that carries factors of these kinds, read as a request would read it."""
    granted = None
    for kind in kinds:
        proof = sessions.present(session_token=granted.token) if granted else None
        draft = sessions.draft(member, proof, factor(kind, member.pk, int(CLOCK())))
        draft.write()
        granted = draft.granted
    assert granted is not None
    return sessions.find(session_token=granted.token)


def budget(member: Member, kind: str) -> tuple[int, int]:
    """Failures and locks of the member's guard, as the database has them."""
    guard = Guard.objects.get(member=member, kind=kind)
    return guard.failures, guard.locks


def fresh(member: Member) -> Member:
    return members.reload(member)
