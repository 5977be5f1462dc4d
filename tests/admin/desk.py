"""Members of staff at their desk, and what they do there."""

import hashlib
from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from stytch_totp.models import AuditEvent, Member, Organization, StaffLimit
from stytch_totp.operations.audit import Actor
from stytch_totp.operations.staff import Staff
from tests.clock import CLOCK
from tests.factories import OrganizationFactory
from tests.web.visitors import STAFF, UserFactory, Visitor, log_in, person, verify

REASON = "Ticket 4711: called from the number that we know"
ACTS = ("unlock", "reset_mfa", "revoke_sessions", "require_enrolment")
VIEWS = ("view_member", "view_organization", "view_session", "view_auditevent", "view_supportrequest")
ALL = (*VIEWS, *(f"{act}_member" for act in ACTS), "require_mfa_organization")


def staff_member(*permissions: str, superuser: bool = False, stale: bool = False) -> Visitor:
    """Somebody of the support team, logged in, who has just shown a second factor, unless it is ``stale``.

    ``permissions`` are code names: ``view_member``.
    """
    made = person(OrganizationFactory.create(), enrolled=True, **(STAFF if superuser else {"is_staff": True}))
    grant(made, permissions)
    log_in(made.client, made.user)
    if not stale:
        verify(made.client, made.secret)
    return made


def colleague(*permissions: str, **fields: Any) -> Any:
    """A user of the support team who needs no browser."""
    user = UserFactory.create(**{"is_staff": True, **fields})
    grant(Visitor(user=user), permissions)
    return user


def at_work(user: Any, *, age: int = 0) -> Staff:
    """The user as operations get them, ``age`` seconds after they showed a second factor."""
    actor = Actor("staff", str(user.pk), "request-id-test-tests", "testserver")
    return Staff(User.objects.get(pk=user.pk), int(CLOCK()) - age, actor)


def grant(visitor: Visitor, permissions: Iterable[str]) -> None:
    wanted = list(permissions)
    found = list(Permission.objects.filter(content_type__app_label="stytch_totp", codename__in=wanted))
    assert len(found) == len(set(wanted)), wanted
    visitor.user.user_permissions.set(found)


def limit(user: Any, *organizations: Organization) -> StaffLimit:
    """Let the user see these organizations and no other."""
    made, _ = StaffLimit.objects.get_or_create(user=user)
    made.organizations.set(organizations)
    return made


def page_of(member: Member) -> str:
    return reverse("admin:stytch_totp_member_change", args=[member.pk])


def row_page(model: str, key: Any) -> str:
    return reverse(f"admin:stytch_totp_{model}_change", args=[key])


def list_page(model: str) -> str:
    return reverse(f"admin:stytch_totp_{model}_changelist")


def act_of(member: Member, act: str) -> str:
    return reverse(f"admin:stytch_totp_member_{act}", args=[member.pk])


def act_of_organization(organization: Organization) -> str:
    return reverse("admin:stytch_totp_organization_require_mfa", args=[organization.pk])


def decision_of(request: Any, decision: str) -> str:
    return reverse(f"admin:stytch_totp_supportrequest_{decision}", args=[request.pk])


def do(visitor: Visitor, url: str, reason: str = REASON) -> Any:
    return visitor.client.post(url, {"reason": reason})


# What there is


def rows_of(*models: Any) -> dict[str, list[Any]]:
    """Every column of every row of these tables."""
    return {
        model.__name__: sorted((tuple(map(repr, row)) for row in model._base_manager.values_list()), key=repr)
        for model in models
    }


def app_models() -> list[Any]:
    """Every table of this app, those between two others, too, and the admin's own log."""
    return [*apps.get_app_config("stytch_totp").get_models(include_auto_created=True), LogEntry]


def row_hashes() -> dict[str, str]:
    """A digest of each table."""
    return {name: hashlib.sha256(repr(rows).encode()).hexdigest() for name, rows in rows_of(*app_models()).items()}


def trail(*, tag: str = "") -> list[tuple[str, str]]:
    """Tag and reason of each event, oldest first; of one ``tag`` if it is given."""
    events = AuditEvent.objects.order_by("pk").values_list("tag", "reason")
    return list(events.filter(tag=tag) if tag else events)
