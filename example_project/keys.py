"""The example's keys, made on first use and kept in ``.env`` beside ``manage.py``, out of git.

Your own site takes them from wherever it keeps secrets; only the names matter.
"""

import os
import secrets
import tempfile
from pathlib import Path
from uuid import uuid4

from stytch_totp.core.sealing import generate_key

NEEDED = {
    "SECRET_KEY",
    "STYTCH_TOTP_PROJECT_ID",
    "STYTCH_TOTP_SECRETS",
    "STYTCH_TOTP_PUBLIC_TOKENS",
    "STYTCH_TOTP_KEYRING",
}


def ensure(env_file: Path) -> None:
    """Write ``env_file`` unless it is there or not needed. Of processes that start at once, one writes it, whole."""
    if env_file.exists() or os.environ.keys() >= NEEDED:
        return
    descriptor, draft = tempfile.mkstemp(dir=env_file.parent, prefix=".env.")  # readable by its owner alone
    try:
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{name}={value}\n" for name, value in _fresh().items())
        os.link(draft, env_file)
    except FileExistsError:
        pass
    finally:
        Path(draft).unlink()


def _fresh() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "STYTCH_TOTP_PROJECT_ID": f"project-test-{uuid4()}",
        "STYTCH_TOTP_SECRETS": f"secret-test-{secrets.token_urlsafe(32)}",
        "STYTCH_TOTP_PUBLIC_TOKENS": f"public-token-test-{uuid4()}",
        "STYTCH_TOTP_KEYRING": generate_key("demo"),
    }
