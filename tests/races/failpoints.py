"""Deaths between the charge and the comparison, in a server under test: the file ``failpoint`` says which."""

import os
import signal
from pathlib import Path
from typing import Any

from stytch_totp.core import totp


def install() -> None:
    compare = totp.matching_step

    def matching_step(*arguments: Any, **named: Any) -> int | None:
        file = Path(os.environ["CLOCK_FILE"]).with_name("failpoint")
        wanted = file.read_text() if file.exists() else ""
        if wanted == "raise":
            raise RuntimeError("a fault after the charge")
        if wanted == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        return compare(*arguments, **named)

    totp.matching_step = matching_step
