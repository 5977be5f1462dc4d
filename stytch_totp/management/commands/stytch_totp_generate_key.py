from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from stytch_totp.core.sealing import generate_key


class Command(BaseCommand):
    help = "Print a new keyring entry, kid:base64. Put it first in STYTCH_TOTP['KEYRING'] and keep the others."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kid", help="name of the key, for instance the date: 2026-11")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(generate_key(options["kid"]))
