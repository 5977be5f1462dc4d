"""The live settings and, by the environment's RACE, circumstances that a test asks for:

``options``               of the server's database connections
``no_select_for_update``  whoever locks rows by ``select_for_update`` fails
``failpoints``            a request dies where the file ``failpoint`` beside the clock says
``log``                   a file that gets everything that Django logs, every SQL statement included
"""

import json
import os
from typing import Any, NoReturn

from django.db.models import QuerySet

from tests.live_settings import *  # noqa: F403
from tests.live_settings import DATABASES
from tests.races import failpoints

_asked = json.loads(os.environ["RACE"])


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise AssertionError("select_for_update is not what correctness rests on")


DATABASES["default"]["OPTIONS"] |= _asked.get("options", {})
if _asked.get("no_select_for_update"):
    QuerySet.select_for_update = _refuse
if _asked.get("failpoints"):
    failpoints.install()
if "log" in _asked:
    DEBUG = True
    LOGGING = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"file": {"class": "logging.FileHandler", "filename": _asked["log"]}},
        "root": {"handlers": ["file"], "level": "DEBUG"},
        "loggers": {"django": {"handlers": [], "level": "DEBUG", "propagate": True}},
    }
