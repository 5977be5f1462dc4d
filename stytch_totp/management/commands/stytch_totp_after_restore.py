from typing import Any

from django.core.management.base import CommandError, CommandParser

from stytch_totp.management.progress import Progress, SiteCommand, actor_of, add_batch
from stytch_totp.operations import restore


class Command(SiteCommand):
    help = (
        "After a backup was restored and before anybody is let in: end all sessions and logins, delete all recovery "
        "codes, and let no TOTP code of the past be shown. Can be killed and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="tell what would be ended; change nothing")
        parser.add_argument("--yes", action="store_true", help="don't ask")
        add_batch(parser, restore.BATCH)

    def handle(self, *args: Any, **options: Any) -> None:
        progress, batch = Progress(self.stderr), options["batch"]
        if options["dry_run"]:
            done, what = restore.survey(batch=batch, tell=progress), "to end"
        else:
            if not options["yes"]:
                self._ask()
            done, what = restore.end_revived(actor_of(__name__), batch=batch, tell=progress), "ended"
        progress.finish()
        for name, rows in done.items():
            self.stdout.write(f"{name.replace('_', ' ')}: {rows} {what}")

    def _ask(self) -> None:
        self.stdout.write(
            "Everybody will be logged out, and every recovery code deleted. Type yes to go on: ", ending=""
        )
        self.stdout.flush()
        try:
            answer = input()
        except EOFError:
            answer = ""
        if answer.strip() != "yes":
            raise CommandError("Nothing was changed.")
