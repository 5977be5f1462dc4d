from typing import Any

from django.core.management.base import CommandError, CommandParser

from stytch_totp.management.progress import SiteCommand, actor_of
from stytch_totp.operations import triggers


class Command(SiteCommand):
    help = (
        "Install database triggers that refuse to change or delete audit events, whoever asks; "
        "stytch_totp_purge lifts them for what it deletes. Run it after every migrate."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        one = parser.add_mutually_exclusive_group()
        one.add_argument("--remove", action="store_true", help="remove them")
        one.add_argument("--check", action="store_true", help="change nothing; exits 1 unless all of them stand")
        one.add_argument("--dry-run", action="store_true", help="tell which stand and which don't; change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["check"] or options["dry_run"]:
                self._look(failing=options["check"])
            elif options["remove"]:
                self._say(triggers.remove(actor_of(__name__)), "removed")
            else:
                self._say(triggers.install(actor_of(__name__)), "installed")
        except triggers.NoTriggers as vendor:
            raise CommandError(f"There are no such triggers for databases of the kind {vendor}.") from None
        except triggers.NotAllowed as refusal:
            raise CommandError(f"This database role may not make or remove triggers: {refusal}") from None

    def _look(self, *, failing: bool) -> None:
        missing = triggers.expected() - triggers.installed()
        for name in sorted(triggers.expected()):
            self.stdout.write(f"{name}: {'missing' if name in missing else 'stands'}")
        if missing and failing:
            raise CommandError("Audit events can be changed or deleted without a word.")

    def _say(self, changed: bool, what: str) -> None:
        self.stdout.write(f"Triggers {what}." if changed else f"Nothing to do: they were {what} before.")
