from example_project.settings import *  # noqa: F403
from example_project.settings import DATABASES, STYTCH_TOTP

# Connecting is not what is measured, and would flatter every ratio.
DATABASES["default"] |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": False}
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "tests.bench.scene"
STYTCH_TOTP |= {"CLOCK": "tests.clock.CLOCK"}
