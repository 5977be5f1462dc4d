"""A process beside a server under test that reaches its database: the tests' own is another one.

``python -m tests.races.desk`` takes one JSON object a line, ``{"do": <function of arrange.py>, "with": {...}}``,
and answers each with a line; ``Desk`` is the other end.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import django

from tests.live import WITHOUT_MAIL


class Desk:
    """``desk.logins(member_id=..., count=64)`` runs the function of that name in ``arrange.py``."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.races.desk"],
            env=environment | WITHOUT_MAIL,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(**arguments: Any) -> Any:
            assert self.process.stdin
            assert self.process.stdout
            self.process.stdin.write(json.dumps({"do": name, "with": arguments}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
            assert line, f"the desk failed at {name}"
            return json.loads(line)

        return ask

    def close(self) -> None:
        self.process.communicate(timeout=30)


def _serve() -> None:
    django.setup()
    arrange = import_module("tests.races.arrange")  # models only now
    for line in sys.stdin:
        asked = json.loads(line)
        answer = getattr(arrange, asked["do"])(**asked["with"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
