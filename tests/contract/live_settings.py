"""The live servers' settings with a password hasher that is quick: every login of these tests takes a password."""

from tests.live_settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
