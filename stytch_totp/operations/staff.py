"""Who of the site's staff may do what to whom (AA-02, AA-04, TE-10)."""

import copy
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models, transaction
from django.db.models import QuerySet

from stytch_totp import conf, errors
from stytch_totp.models import Member, Organization, StaffLimit
from stytch_totp.operations.audit import Actor, Tag, record
from stytch_totp.operations.profiles import email_key

STEP_UP_SECONDS = 600
SHORTEST_REASON, LONGEST_REASON = 10, 500
Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True)
class Staff:
    """A member of staff at work. ``verified_at``: when they last showed a second factor, in seconds; 0 if never."""

    user: Any
    verified_at: int
    actor: Actor

    def check_may(self, permission: str, organization: Organization, member: Member | None, reason: str) -> None:
        """Whether they may do what the ``permission`` is for. A refusal is put on record.

        Raises SupportForbidden, SupportOfOneself, SupportOfHigherRole, StepUpRequired or SupportReasonTooShort.
        """
        refusal = self.refusal(permission, organization, member) or self._unready(reason)
        if refusal is not None:
            self.deny(refusal, permission, organization, member)
            raise refusal

    def deny(
        self, refusal: errors.StytchError, permission: str, organization: Organization, member: Member | None
    ) -> None:
        """Put on record what they tried and may not."""
        details = {"permission": permission, "why": refusal.error_type}
        with transaction.atomic():
            record(Tag.SUPPORT_DENIED, self.actor, member=member, organization=organization, **details)

    def refusal(
        self, permission: str, organization: Organization, member: Member | None = None
    ) -> errors.StytchError | None:
        """Why they may not, however fresh their factor and good their reason; None if they may."""
        seen = "stytch_totp.view_organization" if member is None else "stytch_totp.view_member"
        permitted = self.user.is_active and self.user.is_staff and self.user.has_perms([seen, permission])
        if not permitted or not reaches(self.user, organization):
            return errors.SupportForbidden()
        if member is not None and _is_member(self.user, member):
            return errors.SupportOfOneself()  # who took over a staff session can't take the second factor off it
        if member is not None and _outranks(member, self.user):
            return errors.SupportOfHigherRole()
        return None

    def _unready(self, reason: str) -> errors.StytchError | None:
        if self.verified_at < conf.now() - STEP_UP_SECONDS:
            return errors.StepUpRequired(max_age=STEP_UP_SECONDS)
        return None if len(reason.strip()) >= SHORTEST_REASON else errors.SupportReasonTooShort()


def one_line(reason: str) -> str:
    """A reason as it goes on record: one line of what can be seen, whatever was pasted."""
    return "".join(one for one in " ".join(reason.split()) if one.isprintable())


def reaches(user: AbstractBaseUser, organization: Organization) -> bool:
    """Whether the organization is one that the member of staff sees."""
    return within(user, Organization.objects.filter(pk=organization.pk), "pk").exists()


def within(user: AbstractBaseUser, rows: QuerySet[Row], path: str) -> QuerySet[Row]:
    """Those of ``rows`` whose organization, which ``path`` leads to, the member of staff may see."""
    limits = limits_of(user)
    return rows if limits is None else rows.filter(**{f"{path}__in": list(limits)})


def limits_of(user: Any) -> set[UUID] | None:
    """The organizations that somebody is limited to; None for who sees all of them, as superusers do."""
    if user.is_superuser:
        return None
    limit = StaffLimit.objects.filter(user=user.pk).first()
    return None if limit is None else set(limit.organizations.values_list("pk", flat=True))


def is_same(user: Any, other: Any) -> bool:
    """Whether two users are one, or have one address: then they may well be."""
    return bool(user.pk == other.pk or (_address(user) and _address(user) == _address(other)))


def _is_member(user: Any, member: Member) -> bool:
    return member.user_id == user.pk or bool(_address(user) and _address(user) == member.email_key)


def _address(user: Any) -> str:
    return email_key(getattr(user, user.get_email_field_name(), "") or "")


def _outranks(member: Member, user: Any) -> bool:
    """Whether the member is staff who may do something, or see somebody, that the user may not.

    Also of an account that is switched off: with its second factor taken off it waits to be switched on.
    """
    other: Any = member.user
    if other is None or user.is_superuser or not (other.is_staff or other.is_superuser):
        return False
    mine, theirs = limits_of(user), limits_of(other)
    wider = mine is not None and (theirs is None or bool(theirs - mine))
    return other.is_superuser or wider or bool(_permissions(other) - user.get_all_permissions())


def _permissions(user: Any) -> set[str]:
    """What somebody may do, or could if the account were switched on."""
    awake = copy.copy(user)
    awake.is_active = True
    found: set[str] = awake.get_all_permissions()
    return found
