"""What the desk does: rows of a server under test, read and arranged as no API could."""

from collections import Counter
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.hashers import make_password
from django.db import transaction

from stytch_totp import conf
from stytch_totp.core.factors import added, factor, has_second
from stytch_totp.core.totp import generate_secret
from stytch_totp.models import (
    AuditEvent,
    Guard,
    IntermediateSession,
    Member,
    RecoveryCode,
    Session,
    SigningKey,
    TOTPRegistration,
)
from stytch_totp.operations import enrolment, members, organizations, sessions
from stytch_totp.operations.audit import SYSTEM


def people(*, count: int = 1, enrolled: bool = True, password: str = "") -> list[dict[str, Any]]:
    """New members of a new organization, with every name that the API knows them by."""
    with transaction.atomic():
        tenant = organizations.create(
            name="Race", slug=f"race-{uuid4().hex}", external_id=f"race.{uuid4().hex}", actor=SYSTEM
        )
        return [_person(tenant, enrolled=enrolled, password=password) for _ in range(count)]


def logins(*, member_id: str, count: int = 1) -> list[str]:
    """Tokens of intermediate sessions that a right password began."""
    found = _member(member_id)
    with transaction.atomic():
        return [sessions.begin(found, factor("password", None, conf.now())) for _ in range(count)]


def log_in(*, member_id: str, second: bool = False) -> dict[str, str]:
    """A session by password, or by password and TOTP."""
    found = _member(member_id)
    draft = sessions.draft(found, None, factor("password", None, conf.now()))
    if second:
        draft.granted.session.factors = added(draft.granted.session.factors, factor("totp", uuid4(), conf.now()))
    with transaction.atomic():
        draft.write()
    granted = draft.granted
    return {
        "id": conf.public_id("session", granted.session.pk),
        "session_token": granted.token,
        "session_jwt": granted.jwt,
    }


def guards(*, member_id: str) -> dict[str, dict[str, Any]]:
    """The guard rows by kind, column by column."""
    rows = Guard.objects.filter(member=_key(member_id)).values()
    return {row["kind"]: {name: str(value) for name, value in row.items()} for row in rows}


def budget(*, member_id: str, kind: str = "totp") -> dict[str, int]:
    columns = ("failures", "locked_at", "locked_until")
    return dict(Guard.objects.filter(member=_key(member_id), kind=kind).values(*columns).get())


def unlock(*, member_id: str) -> None:
    Guard.objects.filter(member=_key(member_id)).clear()


def events(*, member_id: str) -> dict[str, int]:
    return dict(Counter(AuditEvent.objects.filter(member_id=_key(member_id)).values_list("tag", flat=True)))


def state(*, member_id: str) -> dict[str, Any]:
    """What verification changes: spent steps and codes, sessions, intermediate sessions turned in."""
    key = _key(member_id)
    codes = RecoveryCode.objects.filter(registration__member=key)
    factors = Session.objects.filter(member=key).values_list("factors", flat=True)
    return {
        "registrations": sorted(TOTPRegistration.objects.filter(member=key).values_list("state", "last_step")),
        "codes_unused": codes.filter(used_at=None).count(),
        "codes_used": codes.exclude(used_at=None).count(),
        "sessions": len(factors),
        "sessions_with_second_factor": sum(map(has_second, factors)),
        "sessions_live": Session.objects.live(conf.now()).filter(member=key).count(),
        "logins_turned_in": IntermediateSession.objects.filter(member=key).exclude(used_at=None).count(),
    }


def stored_codes(*, member_id: str) -> list[str]:
    rows = RecoveryCode.objects.filter(registration__member=_key(member_id), used_at=None)
    return sorted(row.reveal() for row in rows.select_related("registration__member"))


def forget_signing_keys() -> int:
    return SigningKey.objects.all().delete()[0]


def signing_keys() -> list[str | None]:
    return list(SigningKey.objects.values_list("current", flat=True))


def _person(tenant: Any, *, enrolled: bool, password: str) -> dict[str, Any]:
    name = uuid4().hex
    made = members.create(tenant, email=f"{name}@example.com", external_id=f"member.{name}", actor=SYSTEM)
    person = {
        "organization_id": conf.public_id("organization", tenant.pk),
        "member_id": conf.public_id("member", made.pk),
        "slug": tenant.slug,
        "organization_external_id": tenant.external_id,
        "external_id": made.external_id,
        "email_address": made.email,
    }
    if password:
        Member.objects.filter(pk=made.pk).update(password=make_password(password))
    if enrolled:
        secret = generate_secret()
        person |= {
            "secret": secret,
            "codes": enrolment.migrate(made, secret=secret, recovery_codes=[], actor=SYSTEM).recovery_codes,
        }
    return person


def _key(member_id: str) -> UUID:
    return UUID(member_id[-36:])


def _member(member_id: str) -> Any:
    return Member.objects.select_related("organization").get(pk=_key(member_id))
