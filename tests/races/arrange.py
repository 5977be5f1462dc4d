"""What the desk does: rows of a server under test, read and arranged as no API could."""

from collections import Counter
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model, login
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.http import HttpRequest

from stytch_totp import conf
from stytch_totp.core.factors import Factor, factor, has_second
from stytch_totp.core.totp import generate_secret
from stytch_totp.models import (
    AuditEvent,
    Guard,
    IntermediateSession,
    Member,
    Organization,
    RecoveryCode,
    Session,
    SigningKey,
    TOTPRegistration,
)
from stytch_totp.operations import enrolment, grants, members, organizations
from stytch_totp.operations.audit import SYSTEM


def people(*, count: int = 1, users: bool = False, **options: Any) -> list[dict[str, Any]]:
    """New members of a new organization, or Users, with every name that the API knows them by."""
    with transaction.atomic():
        tenant = organizations.consumer() if users else _organization()
        return [_person(tenant, **options) for _ in range(count)]


def memberships(*, count: int, password: str = "", mfa: int = 0, one_user: bool = False) -> list[dict[str, Any]]:
    """One e-mail address in so many new organizations, of which the last ``mfa`` want a second factor.

    As ``one_user`` of Django's, what was shown in one organization counts in the others.
    """
    with transaction.atomic():
        email = f"{uuid4().hex}@example.com"
        user = get_user_model().objects.create_user(email) if one_user else None
        tenants = [
            _organization(mfa_policy="REQUIRED_FOR_ALL" if place >= count - mfa else "OPTIONAL")
            for place in range(count)
        ]
        return [_person(tenant, password=password, email=email, user=user) for tenant in tenants]


def told(*, member_ids: list[str]) -> dict[str, int]:
    """How often each thing is on record of any of the members."""
    keys = [UUID(member_id[-36:]) for member_id in member_ids]
    return dict(Counter(AuditEvent.objects.filter(member_id__in=keys).values_list("tag", flat=True)))


def logins(*, member_id: str, count: int = 1) -> list[str]:
    """Tokens of intermediate sessions that a right password began."""
    found = _member(member_id)
    with transaction.atomic():
        return [grants.begin(found, _password(), SYSTEM) for _ in range(count)]


def discovery(*, member_ids: list[str]) -> str:
    """The token of a login that may become any of these members."""
    return grants.begin(None, _password(), SYSTEM, discovered=[_member(one) for one in member_ids])


def log_in(*, member_id: str, second: bool = False) -> dict[str, str]:
    """A session by password, or by password and TOTP."""
    return log_ins(member_id=member_id, count=1, second=second)[0]


def log_ins(*, member_id: str, count: int, second: bool = False) -> list[dict[str, str]]:
    found = _member(member_id)
    shown = _password() + ([factor("totp", uuid4(), conf.now())] if second else [])
    with transaction.atomic():
        return [_log_in(found, shown) for _ in range(count)]


def visits(*, member_id: str, count: int) -> list[str]:
    """Session keys of so many browsers in which the member's Django user, made if need be, has just logged in."""
    found = _member(member_id)
    with transaction.atomic():
        if found.user is None:
            Member.objects.filter(pk=found.pk).update(user=get_user_model().objects.create_user(found.email))
            found.refresh_from_db()
        return [_visit(found.user) for _ in range(count)]


def _visit(user: Any) -> str:
    request = HttpRequest()
    request.META["SERVER_NAME"], request.META["SERVER_PORT"] = "127.0.0.1", "80"
    request.session = SessionStore()
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.save()
    return str(request.session.session_key)


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
    rows = Session.objects.filter(member=key).values_list("factors", flat=True)
    factors, live = list(rows), list(rows.filter(revoked_at=None, expires_at__gt=conf.now()))
    return {
        "registrations": sorted(TOTPRegistration.objects.filter(member=key).values_list("state", "last_step")),
        "codes_unused": codes.filter(used_at=None).count(),
        "codes_used": codes.exclude(used_at=None).count(),
        "sessions": len(factors),
        "sessions_with_second_factor": sum(map(has_second, factors)),
        "sessions_live": len(live),
        "sessions_live_with_second_factor": sum(map(has_second, live)),
        "logins_turned_in": IntermediateSession.objects.filter(member=key).exclude(used_at=None).count(),
        "logins_live": IntermediateSession.objects.filter(member=key, used_at=None).count(),
    }


def organizations_of(*, email: str) -> int:
    return Member.objects.filter(email=email).count()


def stored_codes(*, member_id: str) -> list[str]:
    rows = RecoveryCode.objects.filter(registration__member=_key(member_id), used_at=None)
    return sorted(row.reveal() for row in rows.select_related("registration__member"))


def forget_signing_keys() -> int:
    return SigningKey.objects.all().delete()[0]


def signing_keys() -> list[str | None]:
    return list(SigningKey.objects.values_list("current", flat=True))


def forget_users() -> int:
    return Organization.objects.exclude(consumer_key=None).delete()[0]


def directories() -> int:
    return Organization.objects.filter(kind=Organization.Kind.CONSUMER).count()


def _organization(**fields: Any) -> Organization:
    names = {"slug": f"race-{uuid4().hex}", "external_id": f"race.{uuid4().hex}"}
    return organizations.create(name="Race", actor=SYSTEM, **names, **fields)


def _person(
    tenant: Organization, *, enrolled: bool = True, password: str = "", email: str = "", user: Any = None
) -> dict[str, Any]:
    name = uuid4().hex
    made = members.create(
        tenant, email=email or f"{name}@example.com", external_id=f"member.{name}", user=user, actor=SYSTEM
    )
    person = {
        "organization_id": conf.public_id("organization", tenant.pk),
        "member_id": made.public_id,
        "slug": tenant.slug,
        "organization_external_id": tenant.external_id,
        "external_id": made.external_id,
        "email_address": made.email,
    }
    if password:
        Member.objects.filter(pk=made.pk).update(password=make_password(password))
    if enrolled:
        secret = generate_secret()
        done = enrolment.migrate(made, secret=secret, recovery_codes=[], actor=SYSTEM)
        totp_id = conf.public_id("totp", done.registration.pk)
        person |= {"secret": secret, "codes": done.recovery_codes, "totp_id": totp_id}
    return person


def _password() -> list[Factor]:
    return [factor("password", None, conf.now())]


def _log_in(member: Member, shown: list[Factor]) -> dict[str, str]:
    draft = grants.draft(member, None, shown, actor=SYSTEM, minutes=60)
    draft.write()
    granted = draft.granted
    return {
        "id": conf.public_id("session", granted.session.pk),
        "session_token": granted.token,
        "session_jwt": granted.jwt,
    }


def _key(member_id: str) -> UUID:
    return UUID(member_id[-36:])


def _member(member_id: str) -> Any:
    return Member.objects.select_related("organization").get(pk=_key(member_id))
