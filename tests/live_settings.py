"""The example's settings for servers under test: a clock that the test moves, and what the test asks for."""

import json
import os

from example_project.settings import *  # noqa: F403
from example_project.settings import DATABASES, STYTCH_TOTP

STYTCH_TOTP |= {"CLOCK": "tests.clock.shared", **json.loads(os.environ.get("STYTCH_TOTP_EXTRA", "{}"))}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# What a test kills is a process, never the machine: nothing need wait for the disk.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA synchronous = OFF"
if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    DATABASES["default"]["OPTIONS"]["options"] = "-c synchronous_commit=off"
DATABASES["default"]["ATOMIC_REQUESTS"] = os.environ.get("ATOMIC_REQUESTS") == "1"
