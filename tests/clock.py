"""The clock that tests set. In this process it is an object; servers under test read a file."""

import os
import time
from pathlib import Path


class Clock:
    """Stands still until it is moved. Starts at the beginning of a TOTP step, far from its ends."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += seconds


CLOCK = Clock()


def shared() -> float:
    """The clock of a server under test: the time in the file CLOCK_FILE names, or the real one."""
    file = os.environ.get("CLOCK_FILE")
    return float(Path(file).read_text()) if file else time.time()
