"""Somebody who does one random thing after the other to a database of their own, until they are killed.

``python -m tests.races.operator SEED FIRST LAST`` does the operations FIRST to LAST, each with a request id of its own,
and prints a line before each (``begin 7``) and one after it: ``done 7``, or ``undone 7`` of one that was rolled back.
"""

import random
import sys
from collections.abc import Callable

import django

from tests.clock import CLOCK


def main(seed: int, first: int, last: int) -> None:
    django.setup()
    from tests.races.operations import OPERATIONS, TRANSACTIONAL, Undone, undone

    for number in range(first, last + 1):
        CLOCK.at = 1_800_000_000.0 + 60 * number
        draw = random.Random(f"{seed}:{number}")
        sys.stdout.write(f"begin {number}\n")
        sys.stdout.flush()
        if draw.random() < 0.15:
            operation: Callable[..., None] = undone(draw.choice(TRANSACTIONAL))
            said = "undone"
        else:
            operation, said = draw.choice(OPERATIONS), "done"
        try:
            operation(draw, number)
        except Undone:
            assert said == "undone"
        sys.stdout.write(f"{said} {number} {operation.__name__}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
