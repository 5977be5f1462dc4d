"""What the commands that do something to one member share."""

from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from stytch_totp import errors
from stytch_totp.management.progress import SiteCommand, actor_of
from stytch_totp.models import Member
from stytch_totp.operations import support
from stytch_totp.operations.lookup import find_member
from stytch_totp.operations.staff import LONGEST_REASON, SHORTEST_REASON, one_line
from stytch_totp.operations.support import Act


class MemberCommand(SiteCommand):
    """``<command> MEMBER --reason "…"``: does an act of support; exits 1 if there is no such member or several."""

    act: ClassVar[Act]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("member", help="id, e-mail address or external id")
        parser.add_argument(
            "--organization", default="", help="id, slug or external id, where several have such a member"
        )
        parser.add_argument("--reason", required=True, help=f"for the record, {SHORTEST_REASON} characters or more")
        parser.add_argument("--dry-run", action="store_true", help="tell whom it would be done to; change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        reason = one_line(options["reason"])
        if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
            raise CommandError(f"The reason has {SHORTEST_REASON} to {LONGEST_REASON} characters.")
        member = self._find(options["member"], options["organization"])
        name = f"{member.public_id} ({member.email})"
        if options["dry_run"]:
            self.stdout.write(f"{self.act.label}: {name}; nothing was changed")
            return
        support.do(self.act, member, reason=reason, actor=actor_of(type(self).__module__))
        self.stdout.write(f"{self.act.label}: {name}: done")

    def _find(self, text: str, organization: str) -> Member:
        try:
            return find_member(text, organization)
        except errors.MemberNotFound:
            raise CommandError("There is no such member.") from None
        except errors.OrganizationNotFound:
            raise CommandError("There is no such organization.") from None
        except Member.MultipleObjectsReturned:
            raise CommandError("Several members have this name; give the id, or --organization.") from None
