from typing import Any

from django.core.management.base import CommandError, CommandParser

from stytch_totp import errors
from stytch_totp.management.progress import SiteCommand, actor_of
from stytch_totp.models import Organization
from stytch_totp.operations import foresight, organizations
from stytch_totp.operations.foresight import Fate
from stytch_totp.operations.staff import LONGEST_REASON, SHORTEST_REASON, one_line


class Command(SiteCommand):
    help = (
        "Make an organization ask all its members for MFA. With --dry-run, tell who would be asked to enrol at the "
        "next login and who would be locked out, and exit 1 if anybody would be."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="id, slug or external id")
        parser.add_argument("--dry-run", action="store_true", help="tell what would come of it; change nothing")
        parser.add_argument("--names", action="store_true", help="name the members, a line each")
        parser.add_argument("--reason", default="", help=f"for the record, {SHORTEST_REASON} characters or more")

    def handle(self, *args: Any, **options: Any) -> None:
        reason = one_line(options["reason"])
        if not options["dry_run"] and not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
            raise CommandError(f"--reason is wanted, of {SHORTEST_REASON} to {LONGEST_REASON} characters.")
        try:
            organization = organizations.resolve(options["organization"])
        except errors.OrganizationNotFound:
            raise CommandError("There is no such organization.") from None
        locked_out = self._tell(organization, names=options["names"])
        if not options["dry_run"]:
            foresight.require_mfa(organization, reason=reason, actor=actor_of(__name__))
            self.stdout.write(f"{organization.slug} requires MFA now.")
        elif locked_out:
            raise CommandError(f"{locked_out} would be locked out. Nothing was changed.")

    def _tell(self, organization: Organization, *, names: bool) -> int:
        seen = foresight.foresee(organization)
        for fate in Fate:
            self.stdout.write(f"{seen.counts[fate]:8}  {fate.label}")
            if names and seen.counts[fate]:
                for member in foresight.people(organization, fate).iterator():
                    self.stdout.write(f"          {member.public_id} {member.email}")
        return seen.locked_out
