from typing import Any

from django.core.management.base import CommandParser

from stytch_totp import conf
from stytch_totp.management.progress import SiteCommand, actor_of
from stytch_totp.operations import signing


class Command(SiteCommand):
    help = (
        "Let a new key sign session JWTs. The former one stays published until stytch_totp_purge finds that nothing "
        "asks for it any more, so no JWT is refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="tell which keys there are; change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            for key in signing.known_keys():
                state = "signs" if key.current else "is retired"
                self.stdout.write(f"{conf.public_id('jwk', key.pk)} {state}")
            return
        made = signing.rotate(actor_of(__name__))
        said = f"{conf.public_id('jwk', made.pk)} signs from now on." if made else "Another rotation was quicker."
        self.stdout.write(said)
