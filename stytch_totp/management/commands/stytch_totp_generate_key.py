from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from stytch_totp.core.sealing import KeyringError, generate_key


class Command(BaseCommand):
    help = "Print a new keyring entry, kid:base64. Put it first in STYTCH_TOTP['KEYRING'] and keep the others."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kid", help="name of the key, for instance the date: 2026-11")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(generate_key(options["kid"]))
        except KeyringError as error:
            raise CommandError(str(error)) from None
