"""A support team and those who call it, made in the server's own process."""

from typing import Any
from uuid import uuid4

import pyotp
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from stytch_totp import conf
from stytch_totp.models import AuditEvent, Guard, Member, Session, StaffLimit, SupportRequest
from stytch_totp.operations import enrolment, logins, members, organizations, support
from stytch_totp.operations.audit import SYSTEM, Actor
from stytch_totp.operations.support import Act
from tests.site import people

REASON = "Ticket 4711: called from the number that we know"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
HOUR = 60 * 60
MORE_THAN_LISTED = 1001


def colleague(*permissions: str, of: str = "", chief: bool = False) -> dict[str, Any]:
    """Somebody of the support team, who has an app. ``permissions`` are code names: ``view_member``.

    They are limited to the organization of the member with the address ``of``, or not at all.
    """
    [made] = people.make("enrolled", 1)
    user = get_user_model().objects.get(username=made["email"])
    user.is_staff, user.is_superuser = True, chief
    user.save()
    wanted = Permission.objects.filter(content_type__app_label="stytch_totp", codename__in=permissions)
    assert wanted.count() == len(permissions), permissions
    user.user_permissions.set(wanted)
    if of:
        StaffLimit.objects.create(user=user).organizations.add(Member.objects.get(email=of).organization)
    return made


def number_of(email: str) -> str:
    """The primary key of a member, as the addresses of the admin have it."""
    return str(Member.objects.get(email=email).pk)


def user_of(email: str) -> str:
    return str(get_user_model().objects.get(username=email).pk)


def organization_of(email: str) -> str:
    return str(Member.objects.get(email=email).organization_id)


def busy_day(chief: str, *, long: bool = False) -> dict[str, str]:
    """Rows in every state that the admin tells apart: their primary keys, by what they are called in these tests.

    ``chief`` is the user name of who looks at them; ``long`` makes every name as long as it may get.
    """
    name, domain = (people.LONG_NAME, people.LONG_DOMAIN) if long else ("Globex", "globex.example")
    tenant = organizations.create(actor=SYSTEM, name=f"{name} Ltd", slug=f"globex-{uuid4().hex[:6]}")
    rows = {
        who: members.create(tenant, email=f"{who}.{uuid4().hex[:4]}@{domain}", name=who.title(), actor=SYSTEM)
        for who in ("grace", "linus", "barbara", "alan", "edsger")
    }
    enrolled, locked, pending, bare, phone = rows.values()
    for one in (enrolled, locked):
        enrolment.migrate(one, secret=pyotp.random_base32(), recovery_codes=[], actor=SYSTEM)
    enrolment.create(pending, proof=None, actor=SYSTEM)
    Member.objects.filter(pk=phone.pk).update(mfa_phone_number="+12025550162", mfa_phone_verified=True)
    Guard.objects.filter(member=locked, kind=Guard.Kind.TOTP).update(locked_until=conf.now() + HOUR, failures=10)
    there: dict[str, Any] = {"place": "127.0.0.1:8000", "ip_address": "198.51.100.7", "user_agent": BROWSER}
    visitor, user = Actor("browser", enrolled.public_id, **there), get_user_model().objects.get(username=chief)
    visit = logins.begin_visit(enrolled, shown_at=conf.now(), minutes=60, actor=visitor)
    support.do(Act.UNLOCK, members.reload(enrolled), reason=REASON, actor=Actor("staff", str(user.pk), **there))
    return {
        "organization": str(tenant.pk),
        "session": str(visit.pk),
        "event": str(AuditEvent.objects.filter(member_id=enrolled.pk).latest("pk").pk),
        "waiting": _ask(enrolled, Act.RESET_MFA),
        "own": _ask(locked, Act.UNLOCK, asked_by=user),
        "declined": _ask(bare, Act.REQUIRE_ENROLMENT, state="declined", decided_by=user, decided_at=conf.now()),
        "out of date": _ask(bare, Act.REVOKE_SESSIONS, expires_at=conf.now()),
        **{who: str(member.pk) for who, member in rows.items()},
    }


def many_sessions(email: str) -> None:
    """More sessions, all over, than a list goes back."""
    member, long_ago = Member.objects.get(email=email), conf.now() - 365 * 24 * HOUR
    times = {"started_at": long_ago, "last_accessed_at": long_ago, "expires_at": long_ago + HOUR}
    Session.objects.bulk_create(
        Session(member=member, token_digest=uuid4().hex, sealed_token=b"", **times) for _ in range(MORE_THAN_LISTED)
    )


def _ask(member: Member, act: Act, **fields: Any) -> str:
    asked = {"asked_at": conf.now(), "expires_at": conf.now() + HOUR, "reason": REASON}
    return str(SupportRequest.objects.create(member=member, act=act.value, **(asked | fields)).pk)
