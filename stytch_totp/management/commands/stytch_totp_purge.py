from typing import Any

from django.core.management.base import CommandError, CommandParser

from stytch_totp.management.progress import Progress, SiteCommand, actor_of, add_batch
from stytch_totp.operations import purge
from stytch_totp.operations.triggers import NotAllowed


class Command(SiteCommand):
    help = (
        "Delete pending TOTPs a day after they expired, sessions and logins that ended longer ago than "
        "STYTCH_TOTP['SESSION_RETENTION_DAYS'], retired signing keys that nothing asks for any more, and audit events "
        "older than STYTCH_TOTP['AUDIT_RETENTION_DAYS']. Run it every day; it can be killed and run again. "
        "Exits 1 if a chain of audit events was tampered with and therefore left alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="tell what would be deleted; change nothing")
        add_batch(parser, purge.BATCH)

    def handle(self, *args: Any, **options: Any) -> None:
        progress, dry_run = Progress(self.stderr), options["dry_run"]
        try:
            done = purge.purge(actor_of(__name__), batch=options["batch"], dry_run=dry_run, tell=progress)
        except NotAllowed as refusal:
            raise CommandError(
                f"Triggers keep the audit trail, and this database role may not lift them: {refusal}. "
                "Run the purge as the role that owns the table."
            ) from None
        finally:
            progress.finish()
        for what, rows in done.rows.items():
            self.stdout.write(f"{what.replace('_', ' ')}: {rows} {'to delete' if dry_run else 'deleted'}")
        if done.faults:
            raise CommandError("\n".join(["Left alone, since they were tampered with:", *done.faults]))
