"""What the README says of the code is true of the code."""

import re
from dataclasses import fields
from pathlib import Path

from django.urls import get_resolver

from stytch_totp.api.urls import ENDPOINTS
from stytch_totp.conf import Conf

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def settings_table():
    for one in fields(Conf):
        default = "the system's" if one.name == "clock" else f"`{one.default!r}`".replace("()", "[]").replace("'", '"')
        limits = "{at_least} to {at_most}. ".format(**one.metadata) if one.metadata["at_most"] else ""
        yield f"| `{one.name.upper()}` | {default} | {limits}{one.metadata['sentence']} |"


def test_the_settings_table_is_the_dataclass():
    assert "\n".join(settings_table()) in README


def test_the_endpoint_tables_are_the_table_of_endpoints():
    rows = re.findall(r"^\| ([A-Z, ]+) \| `(/[^`]+)`", README, re.MULTILINE)
    told = {(method, path) for methods, path in rows for method in methods.split(", ")}
    served = {
        (method.upper(), re.sub(r"<str:(\w+)>", r"{\1}", f"/{root}/{endpoint.route}"))
        for endpoint in ENDPOINTS
        for root in endpoint.roots
        for method in endpoint.actions
    }
    assert told == served


def test_the_files_that_a_request_travels_through_exist():
    travelled = re.findall(r"`((?:api|core|models|operations)/[\w/]+\.py)`", README)
    assert len(travelled) > 10
    assert [path for path in travelled if not (ROOT / "stytch_totp" / path).exists()] == []


def test_everything_below_the_root_of_the_api_is_answered_by_it():
    for path in ("/v1/", "/v1/nothing", "/v1/b2b/totp/", "/sdk/v1/", "/sdk/v1/b2b/totp/migrate"):
        assert get_resolver().resolve(path).func.cls.__name__ == "NotServed"
