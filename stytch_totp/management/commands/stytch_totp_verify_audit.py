import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from stytch_totp import conf, errors
from stytch_totp.management.progress import Progress, SiteCommand, actor_of
from stytch_totp.operations import trail


class Command(SiteCommand):
    help = (
        "Read the audit trail from end to end. Prints where each organization's chain ends, as "
        "ORGANIZATION:LENGTH:HEAD: keep those lines where no database writer gets at them, for --expect later. "
        "Exits 1 if anything was removed, changed or inserted, with each fault on a line of stderr."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="ID|SLUG", help="of this organization alone")
        parser.add_argument(
            "--expect",
            action="append",
            default=[],
            metavar="ORGANIZATION:LENGTH:HEAD",
            help="prove that this former end is still in its chain; may be given more than once",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = options["organization"]
        try:
            key = trail.identify(organization) if organization else None
            expected = [trail.parse_anchor(one) for one in options["expect"]]
        except errors.OrganizationNotFound:
            raise CommandError("There is no such organization.", returncode=2) from None
        except ValueError:
            raise CommandError("--expect takes ORGANIZATION:LENGTH:HEAD, as it was printed.", returncode=2) from None
        if key and not trail.is_on_record(key):
            raise CommandError("Nothing is on record of this organization, not even that it was made.", returncode=2)
        progress = Progress(self.stderr)
        found = trail.verify(actor_of(__name__), organization=key, expected=expected, tell=progress)
        progress.finish()
        self.stdout.write(_as_json(found) if options["json"] else _as_lines(found))
        for fault in found.faults:
            self.stderr.write(str(fault))
        if found.faults:
            raise CommandError(f"{len(found.faults)} faults in the audit trail.")


def _as_lines(found: trail.Verified) -> str:
    return "\n".join([*map(str, found.anchors), f"{found.events} events in {len(found.anchors)} chains"])


def _as_json(found: trail.Verified) -> str:
    return json.dumps(
        {"events": found.events, "chains": _described(found.anchors), "faults": _described(found.faults)}, indent=2
    )


def _described(found: Sequence[trail.Anchor | trail.Fault]) -> list[dict[str, Any]]:
    return [asdict(one) | {"organization": conf.public_id("organization", one.organization)} for one in found]
