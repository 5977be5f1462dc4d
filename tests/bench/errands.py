"""What support asks of its desk, and the situations in which the database has to look far for it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.urls import reverse
from django.utils.http import urlencode

from stytch_totp.models import Member, Organization, Session, StaffLimit, TOTPRegistration
from tests.admin.desk import act_of_organization, page_of, staff_member
from tests.bench.crowd import DAY, FIRST_TINY, FREQUENT_TAG, LARGEST, NAMES, NOW, RARE_TAG, YEAR, Size
from tests.factories import OrganizationFactory
from tests.web.visitors import UserFactory, Visitor

VIEWS = ("view_organization", "view_member", "view_session", "view_auditevent", "require_mfa_organization")
SMALL = 1000
_CHANGED = ", ".join(f"stytch_totp_{one}" for one in ("member", "guard", "totpregistration", "organization", "session"))


@dataclass(frozen=True)
class Errand:
    """A page to be asked for."""

    name: str
    path: str
    may_be_slow: bool = False


@dataclass(frozen=True)
class Situation:
    """How rows are made to lie before the errands, and put back after them."""

    name: str
    statements: list[str]
    paths: list[str]
    errands: list[Errand] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.errands.extend(Errand(f"{self.name}: {path}", f"/admin/stytch_totp/{path}") for path in self.paths)

    @contextmanager
    def arranged(self) -> Iterator[None]:
        with transaction.atomic(), connection.cursor() as cursor:
            for one in self.statements:
                cursor.execute(one)
            cursor.execute(f"ANALYZE {_CHANGED}")
            yield
            transaction.set_rollback(True)
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM {_CHANGED}")  # what was undone lies about


def staff() -> dict[str, Visitor]:
    """Who is at the desk."""
    for one in (UserFactory, OrganizationFactory):
        one.reset_sequence(time.time_ns() // 1000, force=True)  # a database that is kept has those of former runs
    return {
        "superuser": staff_member(superuser=True),
        "limited, with the largest": _limited(LARGEST, SMALL, FIRST_TINY + 1),
        "limited, small": _limited(SMALL, SMALL + 1, FIRST_TINY + 1),
    }


def _limited(*numbers: int) -> Visitor:
    made = staff_member(*VIEWS)
    limit = StaffLimit.objects.create(user=made.user)
    limit.organizations.set(_organization(number) for number in numbers)
    return made


def _organization(number: int) -> Organization:
    return Organization.objects.get(slug=f"organization-{number}")


def usual(size: Size) -> list[Errand]:
    """Every page, with every filter and every form of search."""
    return [*_members(), *_sessions(), *_events(), *_organizations()]


def _list(model: str) -> Callable[..., Errand]:
    def errand(name: str, **query: Any) -> Errand:
        return Errand(f"{model}s, {name}", f"{reverse(f'admin:stytch_totp_{model}_changelist')}?{urlencode(query)}")

    return errand


def _members() -> list[Errand]:
    errand = _list("member")
    words = [{"mfa": word} for word in ("active", "pending", "none")]
    words += [{"lock": "locked"}, {"policy": "REQUIRED_FOR_ALL"}, {"policy": "OPTIONAL"}]
    words += [
        {"mfa": "active", "lock": "locked"},
        {"mfa": "pending", "lock": "locked"},
        {"mfa": "none", "lock": "locked", "policy": "REQUIRED_FOR_ALL"},
        {"mfa": "pending", "policy": "OPTIONAL"},
    ]
    filtered = [errand(", ".join(map("=".join, one.items())), **one) for one in words]
    small, large = _sample(SMALL), _sample(LARGEST)
    searched = {
        "e-mail whole": small.email,
        "beginning, frequent": NAMES[3][:3],
        "beginning, long": large.email[:9],
        "id bare": small.pk,
        "id without dashes": small.pk.hex,
        "id public": small.public_id,
        "id of a TOTP": TOTPRegistration.objects.filter(member__organization=small.organization)[0].pk,
        "id of a session": Session.objects.filter(member__organization=large.organization)[0].pk,
        "id of the largest organization": large.organization_id,
        "id of a small organization": small.organization_id,
        "id of nothing": "00000000-0000-4000-8000-000000000000",
        "slug": small.organization.slug,
        "slug of the largest": large.organization.slug,
        "external id of a member": _sample(SMALL, external_id__isnull=False).external_id,
        "user name": Member.objects.filter(user__username__startswith="login1")[0].user.username,
        "nothing found": "zzz-nobody",
    }
    return [
        errand("first page"),
        errand("page 20", p=20),
        *filtered,
        errand("mfa=pending, page 20", mfa="pending", p=20),
        *(errand(f"search {name}", q=text) for name, text in searched.items()),
        errand("frequent beginning, filtered", q=NAMES[3][:3], mfa="pending", lock="locked"),
        errand("slug of the largest, filtered", q=large.organization.slug, mfa="none"),
        Errand("member page, small", page_of(small)),
        Errand("member page, largest", page_of(large)),
    ]


def _sample(number: int, **fields: Any) -> Member:
    rows = Member.objects.filter(organization=_organization(number), email_key__isnull=False, **fields)
    return rows.select_related("organization").order_by("created_at")[0]


def _sessions() -> list[Errand]:
    errand, small, large = _list("session"), _sample(SMALL), _sample(LARGEST)
    session = Session.objects.filter(member__organization=large.organization)[0]
    return [
        errand("first page"),
        errand("page 20", p=20),
        errand("live", live="yes"),
        errand("search id", q=session.pk),
        errand("search e-mail", q=small.email),
        errand("search beginning, frequent", q=NAMES[3][:3]),
        errand("search member id", q=small.public_id),
        errand("search slug of the largest", q=large.organization.slug),
        errand("search nothing found", q="zzz-nobody"),
        Errand("session page", reverse("admin:stytch_totp_session_change", args=[session.pk])),
    ]


def _events() -> list[Errand]:
    errand, small, large = _list("auditevent"), _sample(SMALL), _sample(LARGEST)
    searched = {
        "tag": FREQUENT_TAG,
        "e-mail": small.email,
        "beginning, frequent": NAMES[3][:3],
        "member id": small.public_id,
        "organization id, small": small.organization_id,
        "organization id, largest": large.organization_id,
        "slug, small": small.organization.slug,
        "slug, largest": large.organization.slug,
        "nothing found": "zzz-nobody",
    }
    return [
        errand("first page"),
        errand("page 20", p=20),
        errand("frequent tag", tag=FREQUENT_TAG),
        errand("rare tag", tag=RARE_TAG),
        errand("tag of nothing", tag="project:report:made"),
        *(errand(f"search {name}", q=text) for name, text in searched.items()),
        errand("tag and organization", tag="member:totp:refused", q=small.organization.slug),
    ]


def _organizations() -> list[Errand]:
    errand, large, small = _list("organization"), _organization(LARGEST), _organization(SMALL)
    searched = {
        "beginning": "organization-19",
        "id": large.public_id,
        "external id": large.external_id,
        "nothing": "zzz-nobody",
    }
    return [
        errand("first page"),
        errand("page 20", p=20),
        errand("policy", policy="REQUIRED_FOR_ALL"),
        *(errand(f"search {name}", q=text) for name, text in searched.items()),
        Errand("organization page", reverse("admin:stytch_totp_organization_change", args=[large.pk])),
        Errand("what-if page, small", act_of_organization(small)),
        Errand("what-if page, largest", act_of_organization(large), may_be_slow=True),
    ]


_ENROL_ALL_BUT_50 = f"""
INSERT INTO stytch_totp_totpregistration
    (id, member_id, state, sealed_secret, last_step, burnt_step, expires_at, created_at, verified_at)
SELECT gen_random_uuid(), id, 'active', '', -1, -1, {NOW}, {NOW}, {NOW} FROM stytch_totp_member AS m
WHERE NOT EXISTS (SELECT FROM stytch_totp_totpregistration WHERE member_id = m.id AND state = 'active')
ORDER BY created_at OFFSET 50"""
_NOTE_ACTIVE = """
UPDATE stytch_totp_member AS m SET has_active_totp = true WHERE NOT has_active_totp
AND EXISTS (SELECT FROM stytch_totp_totpregistration WHERE member_id = m.id AND state = 'active')"""
_LOCK_THE_OLDEST = f"""
UPDATE stytch_totp_guard SET locked_until = {NOW + 900} WHERE kind = 'totp' AND member_id IN
    (SELECT id FROM stytch_totp_member ORDER BY created_at LIMIT 300000)"""
_UNLOCK = "UPDATE stytch_totp_guard SET locked_until = 0 WHERE locked_until > 0"
_EXPIRE = "UPDATE stytch_totp_totpregistration SET expires_at = 0 WHERE state = 'pending'"
_CONFIRM = "DELETE FROM stytch_totp_totpregistration WHERE state = 'pending'"
_NO_POLICY = "UPDATE stytch_totp_organization SET mfa_policy = 'OPTIONAL'"
_POLICY = "UPDATE stytch_totp_organization SET mfa_policy = 'REQUIRED_FOR_ALL' WHERE "
_TINY = f"created_at > {NOW - 4 * YEAR + FIRST_TINY * 3600} AND created_at < {NOW}"
_OF_LARGEST = f"organization_id = (SELECT id FROM stytch_totp_organization WHERE slug = 'organization-{LARGEST}')"
_LONG_AGO = f"UPDATE stytch_totp_member SET created_at = created_at - {10 * YEAR} WHERE "
_PENDING, _NONE, _LOCKED = "member/?mfa=pending", "member/?mfa=none", "member/?lock=locked"
_REQUIRED = "member/?policy=REQUIRED_FOR_ALL"
RARE = [
    Situation("pending ones expired", [_EXPIRE], [_PENDING]),
    Situation("none pending", [_CONFIRM], [_PENDING]),
    Situation("50 not enrolled, the oldest", [_ENROL_ALL_BUT_50, _NOTE_ACTIVE], [_NONE]),
    Situation("nobody locked", [_UNLOCK], [_LOCKED, f"{_LOCKED}&mfa=pending"]),
    Situation("300,000 locked, the oldest", [_LOCK_THE_OLDEST], [_LOCKED, f"{_LOCKED}&mfa=none"]),
    Situation("no organization requires", [_NO_POLICY], [_REQUIRED]),
    Situation("tiny ones require", [_NO_POLICY, _POLICY + _TINY], [_REQUIRED]),
    Situation("largest requires", [_NO_POLICY, f"{_POLICY} slug = 'organization-{LARGEST}'"], [_REQUIRED]),
    Situation(
        "largest is the oldest",
        [_LONG_AGO + _OF_LARGEST],
        ["member/", "member/?p=20", _PENDING, f"member/?q=organization-{LARGEST}"],
    ),
    Situation(
        "largest, the oldest, requires",
        [_LONG_AGO + _OF_LARGEST, _NO_POLICY, f"{_POLICY} slug = 'organization-{LARGEST}'"],
        [_REQUIRED],
    ),
    Situation("a frequent beginning of the oldest", [_LONG_AGO + "email_key LIKE 'car%'"], ["member/?q=car"]),
    Situation(
        "no session of the crowd lives",
        [f"UPDATE stytch_totp_session SET expires_at = {NOW - DAY} WHERE sealed_token = ''"],
        ["session/?live=yes"],
    ),
]
