"""The things that ``operator.py`` does. Each is one operation that writes one event, by an actor of its own."""

import random
from collections.abc import Callable
from functools import wraps

from django.db import transaction

from stytch_totp import conf, errors
from stytch_totp.core.factors import factor
from stytch_totp.models import AuditEvent, Member, Organization, Session, TOTPRegistration
from stytch_totp.operations import enrolment, grants, members, organizations, recovery, sessions, support, verification
from stytch_totp.operations.audit import Actor
from stytch_totp.operations.support import Act
from tests.factories import code_of, wrong_code

Operation = Callable[[random.Random, int], None]
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
REASON = "a reason, ten or more"


class Undone(Exception):
    """What a host's own code raises after it called an operation."""


def actor(number: int) -> Actor:
    return Actor("project", "tests", f"operation-{number}")


def organization() -> Organization:
    return organizations.tenants().order_by("created_at", "pk").first() or organizations.create(
        name="Everybody", slug="everybody", actor=Actor("system", request_id="begin")
    )


def somebody(draw: random.Random, number: int, *, enrolled: bool = False) -> Member:
    """One of the newest living members, made if need be, by another actor than the operation's."""
    beforehand = Actor("system", request_id=f"before-{number}")
    found = list(
        Member.objects.exclude(status="deleted").order_by("-created_at", "pk").values_list("pk", flat=True)[:20]
    )
    if found:
        member = members.reload(Member(pk=draw.choice(found)))
    else:
        member = members.create(organization(), email=f"before{number}@example.com", actor=beforehand)
    if enrolled and not member.active_totp_id:
        enrolment.migrate(member, secret=SECRET, recovery_codes=[], actor=beforehand)
        member = members.reload(member)
    return member


def session_of(member: Member) -> Session:
    shown = [factor("password", None, conf.now())]
    drawn = grants.draft(member, None, shown, actor=Actor("system"), minutes=60)
    drawn.write()
    assert drawn.granted
    return sessions.find(None, session_token=drawn.granted.token)


def create_member(_: random.Random, number: int) -> None:
    members.create(organization(), email=f"operation{number}@example.com", actor=actor(number))


def rename_member(draw: random.Random, number: int) -> None:
    members.update(somebody(draw, number), actor=actor(number), name=f"operation {number}")


def create_organization(_: random.Random, number: int) -> None:
    organizations.create(name=f"Operation {number}", slug=f"operation-{number}", actor=actor(number))


def delete_member(draw: random.Random, number: int) -> None:
    members.delete(somebody(draw, number), actor=actor(number))


def create_totp(draw: random.Random, number: int) -> None:
    member = somebody(draw, number)
    if member.active_totp_id:
        enrolment.delete(member, actor=actor(number))
    else:
        enrolment.create(member, proof=None, actor=actor(number))


def show_a_code(draw: random.Random, number: int) -> None:
    member = somebody(draw, number, enrolled=True)
    verification.authenticate(member, code=code_of(SECRET), proof=session_of(member), actor=actor(number))


def show_a_wrong_code(draw: random.Random, number: int) -> None:
    member = somebody(draw, number, enrolled=True)
    try:
        verification.authenticate(member, code=wrong_code(SECRET), proof=session_of(member), actor=actor(number))
    except (errors.UnableToAuthenticateTOTP, errors.Locked):
        return
    raise AssertionError


def use_a_recovery_code(draw: random.Random, number: int) -> None:
    member = somebody(draw, number, enrolled=True)
    active: TOTPRegistration = member.registration_by_state["active"]
    unused = active.recovery_codes.filter(used_at=None).select_related("registration__member").first()
    if unused is None:
        enrolment.rotate_recovery_codes(member, actor=actor(number))
    else:
        recovery.recover(member, code=unused.reveal(), proof=session_of(member), actor=actor(number))


def replace_recovery_codes(draw: random.Random, number: int) -> None:
    enrolment.rotate_recovery_codes(somebody(draw, number, enrolled=True), actor=actor(number))


def show_recovery_codes(draw: random.Random, number: int) -> None:
    enrolment.show_recovery_codes(somebody(draw, number, enrolled=True), actor=actor(number))


def revoke_sessions(draw: random.Random, number: int) -> None:
    sessions.revoke_of_member(somebody(draw, number), actor=actor(number))


def revoke_a_session(draw: random.Random, number: int) -> None:
    sessions.revoke(session_of(somebody(draw, number)), actor=actor(number))


def act_of_support(draw: random.Random, number: int) -> None:
    support.do(draw.choice(list(Act)), somebody(draw, number), reason=REASON, actor=actor(number))


OPERATIONS: list[Operation] = [
    create_member,
    rename_member,
    create_organization,
    delete_member,
    create_totp,
    show_a_code,
    show_a_code,
    show_a_wrong_code,
    use_a_recovery_code,
    replace_recovery_codes,
    show_recovery_codes,
    revoke_sessions,
    revoke_a_session,
    act_of_support,
]
#: What a host may call inside a transaction of its own; the others refuse to run there.
TRANSACTIONAL: list[Operation] = [create_member, rename_member, create_organization, delete_member, show_recovery_codes]


def undone(operation: Operation) -> Operation:
    """The operation in a transaction of the host's that is rolled back in the end."""

    @wraps(operation)
    def rolled_back(draw: random.Random, number: int) -> None:
        somebody(draw, number, enrolled=True)
        with transaction.atomic():
            operation(draw, number)
            raise Undone

    return rolled_back


def told(numbers: list[int]) -> dict[int, list[str]]:
    """The tags that are on record by the number of the operation, but that it also locked."""
    found: dict[int, list[str]] = {number: [] for number in numbers}
    rows = AuditEvent.objects.filter(request_id__startswith="operation-").exclude(tag="member:guard:locked")
    for request_id, tag in rows.order_by("pk").values_list("request_id", "tag"):
        found.setdefault(int(request_id.removeprefix("operation-")), []).append(tag)
    return found


def made() -> tuple[set[int], set[int]]:
    """The operations that a member or an organization in the database was made by."""
    people = Member.objects.filter(email__startswith="operation").values_list("email", flat=True)
    tenants = Organization.objects.filter(slug__startswith="operation-").values_list("slug", flat=True)
    return (
        {int(one.partition("@")[0].removeprefix("operation")) for one in people},
        {int(one.removeprefix("operation-")) for one in tenants},
    )
