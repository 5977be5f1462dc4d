"""Recovery codes: ``ckss-2skx-ebow``, ten to a set, 62 bits each, every one good for one use."""

import re
import secrets
import string
from collections.abc import Sequence

ALPHABET = string.ascii_lowercase + string.digits
GROUPS, GROUP_LENGTH = 3, 4
LONGEST = 64  # as typed, separators included
SET_SIZE = 10
#: Fewer different characters than this is a pattern: one random code in a thousand million has so few.
MINIMUM_VARIETY = 4

_SEPARATORS = re.compile(r"[ -]")
_OWN = re.compile(rf"[a-z0-9]{{{GROUPS * GROUP_LENGTH}}}")
_FOREIGN = re.compile(r"[a-z0-9]{8,32}")


def generate_set() -> list[str]:
    """Ten different codes in their canonical form."""
    found: set[str] = set()
    while len(found) < SET_SIZE:
        found.add("-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS)))
    return sorted(found)


def canonical(text: object, *, foreign: bool = False) -> str | None:
    """The one form of a code in which it is charged, looked up and spent, or None if ``text`` is no code.

    People type what they see, so blanks, dashes and ASCII capitals are forgiven, once, here: were there a
    second place, a spelling that only one of them forgives would be a second use of the code. ``foreign``
    also admits codes of 8 to 32 letters and digits that another provider made.
    """
    if not isinstance(text, str) or not text.isascii() or len(text) > LONGEST:
        return None
    bare = _SEPARATORS.sub("", text).lower()
    if _OWN.fullmatch(bare):
        return "-".join(bare[i : i + GROUP_LENGTH] for i in range(0, len(bare), GROUP_LENGTH))
    return bare if foreign and _FOREIGN.fullmatch(bare) else None


def check_import(codes: Sequence[object], *, foreign: bool = False) -> list[str]:
    """The canonical forms of a set that another provider made.

    Raises ValueError for more than ten codes, for a repeated one and for one that is malformed or guessable.
    """
    found = [canonical(code, foreign=foreign) for code in codes]
    if len(found) > SET_SIZE or len(set(found)) != len(found):
        raise ValueError("at most ten recovery codes, each different")
    accepted = [code for code in found if code is not None and len(set(code) - {"-"}) >= MINIMUM_VARIETY]
    if len(accepted) != len(found):
        raise ValueError("a recovery code is malformed or guessable")
    return accepted
