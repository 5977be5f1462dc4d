"""Proofs and rows that the tests of operations start from."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db.models import Exists, OuterRef

from stytch_totp import errors
from stytch_totp.core.factors import factor
from stytch_totp.models import Guard, IntermediateSession, Member, Organization, Session, TOTPRegistration
from stytch_totp.operations import grants, members, organizations, sessions
from stytch_totp.operations.attempts import Proof
from stytch_totp.operations.audit import Actor
from tests.clock import CLOCK
from tests.factories import ACTOR, make_member

PASSWORD = "correct horse battery"
TENANT, CONSUMER = Organization.Kind.TENANT, Organization.Kind.CONSUMER
#: A page, and another one of the same site: a person acts there, and nobody vouches.
BROWSER = Actor("browser", "", "request-id-test-tests", "public-token-test-tests https://app.example.org")
ELSEWHERE = Actor("browser", "", "request-id-test-tests", "public-token-test-tests https://other.example.org")


def begin(member: Member, actor: Actor = ACTOR) -> IntermediateSession:
    """A fresh login that owes its second factor."""
    token = grants.begin(member, [factor("password", None, int(CLOCK()))], actor)
    found = present(intermediate_session_token=token)
    assert isinstance(found, IntermediateSession)
    return found


def session_of(member: Member, *kinds: str) -> Session:
    """A live session that carries factors of these kinds, read as a request would read it."""
    return aged(member, **dict.fromkeys(kinds, 0))


def aged(member: Member, **ages: int) -> Session:
    """A live session whose factors were shown so many seconds ago: ``aged(member, password=600, totp=0)``."""
    granted = None
    for kind, age in ages.items():
        proof = find(session_token=granted.token) if granted else None
        new = factor(kind, member.pk, int(CLOCK()) - age)
        draft = grants.draft(member, proof, grants.with_factor(proof, new), actor=ACTOR, minutes=60)
        draft.write()
        granted = draft.granted
    assert granted is not None
    return find(session_token=granted.token)


def present(actor: Actor = ACTOR, kind: Organization.Kind = TENANT, **credential: str) -> Proof:
    return sessions.present(kind, actor=actor, **credential)


def find(**credential: str) -> Session:
    return sessions.find(None, **credential)


def authenticate(*, minutes: int | None = None, claims: Any = None, **credential: str) -> grants.Granted:
    return sessions.authenticate(find(**credential), minutes=minutes, claims=claims)


def person(**fields: Any) -> Member:
    """A member with a password, in an organization of its own unless told otherwise."""
    return make_member(**{"email": "ada@example.com", "password": make_password(PASSWORD), **fields})


def user(**fields: Any) -> Member:
    """A User, as operations get it."""
    return make_member(organization=organizations.consumer(), **fields)


def budget(member: Member, kind: str) -> tuple[int, int]:
    """Failures and locks of the member's guard, as the database has them."""
    guard = Guard.objects.get(member=member, kind=kind)
    return guard.failures, guard.locks


def misnoted() -> list[Member]:
    """Members whose row says of their TOTP what their registrations don't."""
    active = TOTPRegistration.objects.filter(member=OuterRef("pk"), state=TOTPRegistration.State.ACTIVE)
    return list(Member.objects.exclude(has_active_totp=Exists(active)))


def refusal(work: Callable[[], Any]) -> type[errors.StytchError] | None:
    """What ``work`` is refused with, if it is."""
    try:
        work()
    except errors.StytchError as error:
        return type(error)
    return None


def fresh(member: Member) -> Member:
    return members.reload(member)
