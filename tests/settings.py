"""The example's settings with fixed keys, a clock that stands still and a hasher that is quick."""

from example_project.settings import *  # noqa: F403
from example_project.settings import DATABASES

SECRET_KEY = "tests-only-" + "s" * 40
ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    DATABASES["default"]["OPTIONS"]["options"] = "-c synchronous_commit=off"  # no test outlives its machine
STYTCH_TOTP = {
    "PROJECT_ID": "project-test-11111111-1111-4111-8111-111111111111",
    "PROJECT_NAME": "Example",
    "SECRETS": ["secret-test-of-the-test-suite-0123456789"],
    "PUBLIC_TOKENS": ["public-token-test-22222222-2222-4222-8222-222222222222"],
    "ALLOWED_ORIGINS": ["https://app.example.org"],
    "KEYRING": ["tests:3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs="],
    "CLOCK": "tests.clock.CLOCK",
}
