"""Who has MFA, organization by organization."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q

from stytch_totp import conf
from stytch_totp.models import Guard, Member, Organization, RecoveryCode, TOTPRegistration
from stytch_totp.operations.audit import Actor, Tag, record

_ACTIVE, _PENDING = TOTPRegistration.State.ACTIVE, TOTPRegistration.State.PENDING


@dataclass(frozen=True)
class Line:
    """One organization. Each of its ``members``, deleted ones left out, is enrolled, pending or without."""

    organization_id: str
    slug: str
    policy: str
    members: int
    #: Those who have an active TOTP.
    enrolled: int
    #: Those who have begun one that they can still confirm.
    pending: int
    without: int
    #: Those who are locked now, for whichever kind of secret.
    locked: int
    #: Those of the enrolled who have no recovery code left.
    without_codes: int


def report(actor: Actor, *, organization: Organization | None = None) -> list[Line]:
    """A line for every organization, or for one, by slug; it is on record that it was made."""
    rows = Organization.objects.order_by("slug")
    if organization is not None:
        rows = rows.filter(pk=organization.pk)
    lines = list(_lines(rows, {} if organization is None else {"organization": organization.pk}))
    with transaction.atomic():
        record(Tag.REPORT_MADE, actor, organizations=len(lines))
    return lines


def _lines(organizations: Any, whose: Mapping[str, Any]) -> Iterator[Line]:
    counted = {row.pop("organization"): row for row in _counts(whose)}
    nobody = dict.fromkeys(("members", "enrolled", "pending", "locked", "without_codes"), 0)
    for one in organizations:
        counts = counted.get(one.pk, nobody)
        without = counts["members"] - counts["enrolled"] - counts["pending"]
        yield Line(one.public_id, one.slug, one.mfa_policy, without=without, **counts)


def _counts(whose: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Of every organization that has members, in one statement."""
    now, mine = conf.now(), {"member": OuterRef("pk")}
    spare = RecoveryCode.objects.filter(registration__member=OuterRef("pk"), registration__state=_ACTIVE, used_at=None)
    people = Member.objects.exclude(status=Member.Status.DELETED).filter(**whose)
    described = people.alias(
        active=Exists(TOTPRegistration.objects.filter(state=_ACTIVE, **mine)),
        begun=Exists(TOTPRegistration.objects.filter(state=_PENDING, expires_at__gt=now, **mine)),
        shut=Exists(Guard.objects.filter(locked_until__gt=now, **mine)),
        spare=Exists(spare),
    )
    grouped: Any = described.values("organization").annotate(
        members=Count("pk"),
        enrolled=Count("pk", filter=Q(active=True)),
        pending=Count("pk", filter=Q(active=False, begun=True)),
        locked=Count("pk", filter=Q(shut=True)),
        without_codes=Count("pk", filter=Q(active=True, spare=False)),
    )
    return iter(grouped.order_by())
