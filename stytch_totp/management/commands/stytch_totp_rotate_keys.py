from typing import Any

from django.core.management.base import CommandError, CommandParser

from stytch_totp.management.progress import Progress, SiteCommand, actor_of, add_batch
from stytch_totp.operations import rotation


class Command(SiteCommand):
    help = (
        "Bring everything that is sealed under the first key of STYTCH_TOTP['KEYRING'], while the site goes on. "
        "Can be killed and run again. Exits 1 if anything is left under another key or doesn't open."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        looks = parser.add_mutually_exclusive_group()
        looks.add_argument("--dry-run", action="store_true", help="tell what would be moved; change nothing")
        looks.add_argument("--check", action="store_true", help="as --dry-run; exits 1 unless nothing is to be moved")
        add_batch(parser, rotation.BATCH)

    def handle(self, *args: Any, **options: Any) -> None:
        progress, batch = Progress(self.stderr), options["batch"]
        if options["dry_run"] or options["check"]:
            found = rotation.survey(batch=batch, tell=progress)
        else:
            found = rotation.rotate(actor_of(__name__), batch=batch, tell=progress)
        progress.finish()
        for place, rows in found.moved.items():
            self.stdout.write(f"{place.replace('_', ' ')}: {rows} moved")
        self.stdout.write(f"{found.rows} rows looked at, {found.left} to be moved to key {found.kid}")
        for one in found.named:
            self.stderr.write(one)
        if found.stuck or (found.left and not options["dry_run"]):
            raise CommandError("; ".join(_faults(found)) + ". Keep every key in the keyring.")


def _faults(found: rotation.Rotation) -> list[str]:
    said = {
        rotation.UNKNOWN_KEY: "under a key that the keyring doesn't have",
        rotation.TAMPERED: "altered or copied from elsewhere",
        rotation.UNSEALED: "audit chains with a wrong seal: see stytch_totp_verify_audit",
        rotation.WAITING: "recovery codes that can't be moved until their owners make new ones",
    }
    left = [f"{found.left} rows are left under another key"] if found.left else []
    return left + [f"{number} {said[reason]}" for reason, number in found.stuck.items()]
