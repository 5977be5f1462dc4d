"""What would become of an organization's members if it asked all of them for MFA; and asking it."""

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Value, When
from django.utils.translation import gettext_lazy as _

from stytch_totp import conf, errors
from stytch_totp.core import policy
from stytch_totp.models import Guard, Member, Organization, RecoveryCode, TOTPRegistration
from stytch_totp.operations import attempts, organizations
from stytch_totp.operations.audit import Actor, Tag, record
from stytch_totp.operations.staff import Staff

PERMISSION = "stytch_totp.require_mfa_organization"


class Fate(models.TextChoices):
    """What a member's next login would meet."""

    READY = "ready", _("Has a TOTP: asked for a code")
    ASKED = "asked", _("Has none: asked to enrol")
    LOCKED = "locked", _("Locked out until the lock of their codes ends")
    PHONE = "phone", _("Locked out: has a verified phone alone, whose codes can't be asked for here")
    RESTRICTED = "restricted", _("Locked out: the organization's allowed methods leave out TOTP")

    @property
    def locks_out(self) -> bool:
        return self in (Fate.LOCKED, Fate.PHONE, Fate.RESTRICTED)


@dataclass(frozen=True)
class Foresight:
    """How many members would meet what."""

    organization: Organization
    counts: dict[Fate, int]

    @property
    def asked(self) -> int:
        return self.counts[Fate.ASKED]

    @property
    def locked_out(self) -> int:
        return sum(count for fate, count in self.counts.items() if fate.locks_out)


def foresee(organization: Organization) -> Foresight:
    """Count every living member of the organization once, in one statement. Changes nothing."""
    rows: Any = people(organization).order_by()
    counted = dict(rows.values_list("fate").annotate(Count("pk")))
    return Foresight(organization, {fate: counted.get(fate.value, 0) for fate in Fate})


def people(organization: Organization, fate: Fate | None = None) -> QuerySet[Member]:
    """The living members with their ``fate``, by e-mail address; those of one fate alone if it is given."""
    locked = Guard.objects.filter(member=OuterRef("pk"), locked_until__gt=conf.now())
    codes = RecoveryCode.objects.filter(
        registration__member=OuterRef("pk"), registration__state=TOTPRegistration.State.ACTIVE, used_at=None
    )
    # A recovery code lets them in all the same: it has a budget of its own.
    recovers = Exists(codes) & ~Exists(locked.filter(kind=Guard.Kind.RECOVERY))
    restricted = Q(is_breakglass=False) if not _admits_totp(organization) else Q(pk__in=[])
    found = organization.members.exclude(status=Member.Status.DELETED).annotate(
        fate=Case(
            When(restricted, then=Value(Fate.RESTRICTED.value)),
            When(Exists(locked.filter(kind=Guard.Kind.TOTP)) & ~recovers, then=Value(Fate.LOCKED.value)),
            When(has_active_totp=True, then=Value(Fate.READY.value)),
            When(mfa_phone_verified=True, then=Value(Fate.PHONE.value)),
            default=Value(Fate.ASKED.value),
            output_field=models.CharField(),
        )
    )
    return (found if fate is None else found.filter(fate=fate.value)).order_by("email_key", "pk")


def _admits_totp(organization: Organization) -> bool:
    rule, allowed = organization.mfa_methods, organization.allowed_mfa_methods
    return policy.method_allowed(policy.TOTP, rule=rule, allowed=allowed, breakglass=False)


def require_mfa(organization: Organization, *, reason: str, actor: Actor) -> None:
    """Ask every member for MFA from their next login or page on. Raises OrganizationNotFound, also for the directory
    of Users: what they are asked for is for USERS_REQUIRE_MFA to say.
    """
    if organization.kind != Organization.Kind.TENANT:
        raise errors.OrganizationNotFound

    def work() -> None:
        organizations.lock(organization)
        Organization.objects.filter(pk=organization.pk).update(
            mfa_policy=Organization.MFAPolicy.REQUIRED_FOR_ALL, updated_at=conf.now()
        )
        record(Tag.MFA_REQUIRED, actor, organization=organization, reason=reason)

    attempts.settle(work)


def require_mfa_as(staff: Staff, organization: Organization, *, reason: str) -> None:
    """The same, as a member of staff. Raises as ``Staff.check_may`` does."""
    staff.check_may(PERMISSION, organization, None, reason)
    require_mfa(organization, reason=reason.strip(), actor=staff.actor)
