"""What the example does when Django starts."""

from typing import Any

from django.apps import AppConfig, apps
from django.db import connections
from django.db.models.signals import pre_migrate


def turn_write_ahead_log_on(*, using: str, **_: Any) -> None:
    """Let readers of an SQLite file go on while one writes. The file keeps it, so once is enough.

    Not at each connection: of processes that meet a new file at once, all but one would be told that it is locked.
    """
    connection = connections[using]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode=WAL")


class ExampleConfig(AppConfig):
    name = "example_project"

    def ready(self) -> None:
        pre_migrate.connect(turn_write_ahead_log_on, sender=apps.get_app_config("stytch_totp"))
