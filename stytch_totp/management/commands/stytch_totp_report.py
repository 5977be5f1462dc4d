import csv
from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import Any

from django.core.management.base import CommandError, CommandParser

from stytch_totp import errors
from stytch_totp.management.progress import SiteCommand, actor_of
from stytch_totp.operations import organizations, reports

#: By which a spreadsheet takes the text of a cell for a formula to run.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Command(SiteCommand):
    help = "Print who has MFA, organization by organization: a table, or CSV for a spreadsheet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="ID|SLUG", help="this organization alone")
        parser.add_argument("--csv", action="store_true", help="comma separated, one header line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            one = organizations.resolve(options["organization"]) if options["organization"] else None
        except errors.OrganizationNotFound:
            raise CommandError("There is no such organization.") from None
        lines = reports.report(actor_of(__name__), organization=one)
        heads = [field.name for field in fields(reports.Line)]
        rows = [heads, *([str(cell) for cell in astuple(line)] for line in lines)]
        if options["csv"]:
            csv.writer(self.stdout, lineterminator="\n").writerows([_defused(cell) for cell in row] for row in rows)
        else:
            self.stdout.write("\n".join(_aligned(rows)))


def _defused(cell: str) -> str:
    """Text, whatever it begins with: a slug is somebody's choice, and a spreadsheet would run it (CSV injection)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if cell.isdigit() else cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
