import base64
import hashlib

import pytest
from django.core.checks import Error, Warning, run_checks  # noqa: A004 - Django's name
from django.core.management import CommandError, call_command
from django.db import connections

SECRET_KEY = "a secret key of a site, of fifty characters or more"
ONE, TWO = (base64.b64encode(hashlib.sha256(name).digest()).decode() for name in (b"one", b"two"))


def found() -> list[str]:
    """The ids of our errors, as ``manage.py check`` finds them."""
    messages = [message for message in run_checks() if message.id and message.id.startswith("stytch_totp.")]
    assert all(isinstance(message, Error) for message in messages)
    return [message.id for message in messages]


def test_good_settings_are_silent():
    assert found() == []


BAD_KEYRINGS = [
    ("keyring_empty", []),
    ("keyring_not_a_list", f"k1:{ONE}"),
    ("keyring_not_text", [123]),
    ("keyring_no_colon", [ONE]),
    ("keyring_no_kid", [f":{ONE}"]),
    ("keyring_bad_kid", [f"my key:{ONE}"]),
    ("keyring_not_base64", ["k1:not base64 at all!"]),
    ("keyring_wrong_length", ["k1:" + base64.b64encode(b"0123456789abcdef").decode()]),
    ("keyring_not_random", ["k1:" + base64.b64encode(b"\x07" * 32).decode()]),
    ("keyring_repeated_kid", [f"k1:{ONE}", f"k1:{TWO}"]),
    ("keyring_repeated_key", [f"k1:{ONE}", f"k2:{ONE}"]),
    ("keyring_forbidden", ["k1:" + base64.b64encode(hashlib.sha256(SECRET_KEY.encode()).digest()).decode()]),
]


@pytest.mark.parametrize(("fault", "keyring"), BAD_KEYRINGS, ids=[fault for fault, _ in BAD_KEYRINGS])
def test_cr05_a_bad_keyring_is_an_error_of_its_own(configure, settings, fault, keyring):
    settings.SECRET_KEY = SECRET_KEY
    configure(KEYRING=keyring)
    assert found() == [f"stytch_totp.{fault}"]


def test_cr05_twelve_bad_keyrings_give_twelve_errors():
    assert len({fault for fault, _ in BAD_KEYRINGS}) == len(BAD_KEYRINGS) == 12


def test_cr05_the_check_stops_the_start(configure):
    configure(KEYRING=[])
    with pytest.raises(CommandError, match=r"stytch_totp\.keyring_empty"):
        call_command("check")


def test_without_any_settings_each_thing_that_is_missing_is_named(settings):
    del settings.STYTCH_TOTP
    assert found() == ["stytch_totp.project_id", "stytch_totp.no_secrets", "stytch_totp.keyring_empty"]


@pytest.mark.parametrize(
    ("entries", "faults"),
    [
        ({"LOCK_TRESHOLD": 3}, ["unknown_setting"]),
        ({"LOCK_THRESHOLD": 0}, ["out_of_range"]),
        ({"LOCK_THRESHOLD": 101}, ["out_of_range"]),
        ({"LOCK_MINUTES": 4}, ["out_of_range"]),
        ({"SIGNING_KEY_BITS": 1024}, ["out_of_range"]),
        ({"ROTATE_SESSION_TOKEN": "no"}, ["bad_type"]),
        ({"PROJECT_ID": "project-x"}, ["project_id"]),
        ({"SECRETS": []}, ["no_secrets"]),
        ({"SECRETS": ["short"]}, ["short_secret"]),
        ({"UNKNOWN": 1, "LOCK_THRESHOLD": 0}, ["unknown_setting", "out_of_range"]),
    ],
)
def test_rl22_dj01_a_bad_setting_is_an_error(configure, entries, faults):
    configure(**entries)
    assert found() == [f"stytch_totp.{fault}" for fault in faults]


def test_dj01_settings_that_are_no_dictionary_are_an_error(settings):
    settings.STYTCH_TOTP = ["PROJECT_ID"]
    assert found() == ["stytch_totp.not_a_dictionary"]


@pytest.mark.parametrize("fault", ["keyring_empty", "unknown_setting"])
def test_a_frequent_fault_comes_with_the_way_out(configure, fault):
    configure(**{"KEYRING": []} if fault == "keyring_empty" else {"LOCK_TRESHOLD": 3})
    (message,) = [message for message in run_checks() if message.id == f"stytch_totp.{fault}"]
    assert message.hint


def test_dj03_a_database_without_autocommit_is_an_error(monkeypatch):
    monkeypatch.setitem(connections["default"].settings_dict, "AUTOCOMMIT", False)
    assert found() == ["stytch_totp.autocommit_off"]


def test_cr13_an_error_quotes_no_key(configure):
    configure(KEYRING=[f"k1:{ONE}", f"k2:{ONE}"], SECRETS=["short-9f3b"])
    shown = "".join(str(message) for message in run_checks())
    assert "keyring_repeated_key" in shown
    assert ONE not in shown
    assert "short-9f3b" not in shown


# Pages of other origins


GONE = object()
CORS = {
    "the middleware": ("MIDDLEWARE", ["django.middleware.common.CommonMiddleware"]),
    "credentials": ("CORS_ALLOW_CREDENTIALS", False),
    "credentials, not said": ("CORS_ALLOW_CREDENTIALS", GONE),
    "a header": ("CORS_ALLOW_HEADERS", ["authorization", "content-type", "x-sdk-client"]),
    "headers, not said": ("CORS_ALLOW_HEADERS", GONE),
}


@pytest.fixture
def warned():
    return lambda: [message for message in run_checks() if message.id == "stytch_totp.cors_not_set_up"]


@pytest.mark.parametrize("lacks", CORS)
def test_ap07_pages_that_no_browser_would_let_call_are_a_warning(settings, configure, warned, lacks):
    name, value = CORS[lacks]
    if value is GONE:
        delattr(settings, name)
    else:
        setattr(settings, name, value)
    (message,) = warned()
    assert isinstance(message, Warning)
    assert message.hint
    configure(ALLOWED_ORIGINS=[])
    assert warned() == []


@pytest.mark.parametrize(
    "headers",
    [
        ["x-sdk-parent-host", "x-sdk-client", "authorization", "content-type", "x-own"],
        ("Authorization", "Content-Type", "X-SDK-Client", "X-SDK-Parent-Host"),
    ],
)
def test_cors_that_lets_pages_call_is_silent(settings, warned, headers):
    settings.CORS_ALLOW_HEADERS = headers
    assert warned() == []


@pytest.mark.parametrize("given", [["PROJECT_ID"], {"ALLOWED_ORIGINS": None}, {"ALLOWED_ORIGINS": 5}, None], ids=str)
def test_settings_that_are_no_settings_are_one_error_and_no_crash(settings, given):
    settings.STYTCH_TOTP = given
    assert "stytch_totp.cors_not_set_up" not in found()
    assert found()
