from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Ran:
    """What a command said, and how it exited: 0, or the code and the message of its failure."""

    def __init__(self, *arguments: str, stderr: StringIO | None = None, **options: Any) -> None:
        out, err = StringIO(), stderr or StringIO()
        self.code, self.failure = 0, ""
        try:
            call_command(*arguments, stdout=out, stderr=err, **options)
        except CommandError as error:
            self.code, self.failure = error.returncode, str(error)
        self.out, self.err = out.getvalue(), err.getvalue()

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@pytest.fixture
def run() -> type[Ran]:
    return Ran


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()
