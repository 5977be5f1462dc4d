"""Django users, and the members that stand for them in organizations."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Exists, OuterRef

from stytch_totp import conf, errors
from stytch_totp.models import Member, Organization, TOTPRegistration
from stytch_totp.operations import logins, members, organizations
from stytch_totp.operations.audit import SYSTEM

LONGEST_NAME = 255


@dataclass(frozen=True)
class Membership:
    """A user's member in one organization, and whether it has a verified TOTP."""

    member: Member
    enrolled: bool

    @property
    def mfa_required(self) -> bool:
        """Whether the site asks for a second factor: of Members as the API does, of Users as the settings say, or
        support did.
        """
        if self.member.is_consumer:
            return conf.conf().users_require_mfa or self.enrolled or self.member.mfa_enrolled
        return logins.mfa_required(self.member)


def memberships(user: AbstractBaseUser) -> list[Membership]:
    """The user's living members with their organizations, oldest first, in one statement.

    What else a token may stand for, a machine say, has none.
    """
    if not isinstance(user, get_user_model()):
        return []
    active = TOTPRegistration.objects.filter(member=OuterRef("pk"), state=TOTPRegistration.State.ACTIVE)
    rows: Any = Member.objects.select_related("organization").filter(user=user.pk)
    found = rows.exclude(status=Member.Status.DELETED).annotate(has_totp=Exists(active)).order_by("created_at", "pk")
    return [Membership(row, row.has_totp) for row in found]


def find_member(key: UUID) -> Member:
    """Raises VisitEnded for one who is gone since the visit was looked up."""
    found = Member.objects.select_related("organization").filter(pk=key).first()
    if found is None:
        raise errors.VisitEnded
    return found


def sync_user(
    user: AbstractBaseUser, organization: Organization | None = None, *, email_verified: bool = False
) -> Member:
    """The member that stands for a Django user in ``organization``, or among the Users who belong to none.

    Made at the first call; brought up to date with the user's e-mail address and name at each further one, so call it
    after a sign-up and after a change of address. Nothing else in this package makes members of users, but the page
    that enrols a user without one.

    ``email_verified`` is your word that the address is the user's, which holds until it changes: who could claim a
    colleague's would be found by it.
    Among Users an address that is malformed or another's is left out. Raises InvalidEmail and DuplicateMemberEmail for
    a tenant's.
    """
    directory = organization or organizations.consumer()
    wanted = _described(user) | {"email_verified": email_verified}
    known = _stands_for(user, directory)
    if known and known.email == wanted["email"]:
        wanted["email_verified"] = email_verified or known.email_verified  # the word was given before
    try:
        return _write(directory, known, user, wanted)
    except (errors.InvalidEmail, errors.DuplicateMemberEmail, errors.DuplicateMemberExternalID):
        known = known or _stands_for(user, directory)  # another request may have made it at the same moment
        if organization is not None and not (known and known.email == wanted["email"]):
            raise
    # The word for an address is none for the one that stays in its place.
    kept = (
        {"email": known.email, "email_verified": known.email_verified}
        if known
        else {"email": "", "email_verified": False}
    )
    return _write(directory, known, user, wanted | kept)


def _described(user: AbstractBaseUser) -> dict[str, Any]:
    full_name = getattr(user, "get_full_name", str)()
    return {"email": getattr(user, user.get_email_field_name(), "") or "", "name": full_name[:LONGEST_NAME]}


def _stands_for(user: AbstractBaseUser, directory: Organization) -> Member | None:
    return Member.objects.select_related("organization").filter(organization=directory, user=user.pk).first()


def _write(directory: Organization, known: Member | None, user: AbstractBaseUser, wanted: dict[str, Any]) -> Member:
    if known is None:
        return members.create(directory, user_id=user.pk, actor=SYSTEM, **wanted)
    if all(getattr(known, name) == value for name, value in wanted.items()):
        return known
    return members.update(known, actor=SYSTEM, **wanted)
