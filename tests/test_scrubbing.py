"""What is taken for a secret and what is not (AA-10), and what becomes of log records (AA-08, AA-09) and of events."""

import copy
import io
import json
import logging
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pyotp
import pytest
from django.http import HttpRequest, QueryDict
from django.test import RequestFactory
from django.views.debug import ExceptionReporter
from hypothesis import given
from hypothesis import strategies as st

from stytch_totp.core import codes, qr, tokens, totp
from stytch_totp.core.ids import format_id
from stytch_totp.core.sealing import generate_key
from stytch_totp.scrubbing import (
    HIDDEN,
    SECRET_ENDINGS,
    SECRET_NAMES,
    ReporterFilter,
    SecretsFilter,
    hush,
    is_secret,
    one_line,
    scrub,
    scrub_event,
    stand_in,
    unquoted,
)

ROOT = Path(__file__).parent.parent
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZW1iZXIifQ.c2lnbmF0dXJl_-"
HASHES = (
    "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
    "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA",
    "pbkdf2_sha256$10$c2FsdA$aGFzaGhhc2g=",
    "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99",
)

SOMEBODY = UUID("0b9a3d5e-7c1f-4a26-9e38-5d4c2b1a0f67")


# Names


@pytest.mark.parametrize(
    "name",
    [
        *("code", "totp_code", "recovery_code", "recovery_codes", "secret", "secrets", "qr_code", "session_jwt", "jwt"),
        *("session_token", "intermediate_session_token", "password", "passwords", "new_password", "hash", "keyring"),
        *("Authorization", "COOKIE", "Set-Cookie", "csrf", "csrfmiddlewaretoken", "X-CSRFToken", "uri", "otpauth"),
        *("totp-code", "Recovery-Codes", "sessionToken", "recoveryCode", "SECRET_KEY", "STYTCH_TOTP", "client_secret"),
        *("HTTP_AUTHORIZATION", "HTTP_COOKIE", "X-Stytch-Member-Session", "HTTP_X_STYTCH_MEMBER_SESSIONJWT", b"cookie"),
    ],
)
def test_aa10_a_value_under_such_a_name_is_hidden_whatever_it_is(name):
    for value in ("123456", 123456, ["a"], {"a": 1}, b"x", object()):
        assert scrub({name: value}) == {name: HIDDEN}
        assert scrub([(name, value)]) == [(name, HIDDEN)]
    for value in (None, "", True, False):
        assert scrub({name: value}) == {name: value}


@pytest.mark.parametrize(
    "name",
    ["status_code", "error_code", "token_type", "codec", "secretary", "member_id", "password_id", "", 5, None, ()],
)
def test_a_name_that_is_none_of_these_hides_nothing(name):
    assert not is_secret(name)
    assert scrub({name: "value"}) == {name: "value"}


def test_the_page_lists_every_name():
    told = (ROOT / "docs" / "logging.md").read_text()
    assert [name for name in (*SECRET_NAMES, *SECRET_ENDINGS) if f"`{name}`" not in told] == []


# Forms

FORMS = {
    "otpauth": lambda: totp.provisioning_uri(pyotp.random_base32(), issuer="A", account="b@example.com"),
    "qr": lambda: qr.png_data_uri("otpauth://totp/x?secret=y"),
    "recovery code": lambda: codes.generate_set()[0],
    "capital recovery code": lambda: codes.generate_set()[1].upper(),  # noqa: PLW0108 - another each time
    "session token": tokens.generate,
    "jwt": lambda: JWT,
    "project secret": lambda: "secret-test-" + uuid4().hex,
    "live secret": lambda: "secret-live-" + uuid4().hex,
    "totp secret": totp.generate_secret,
    "migrated secret": lambda: pyotp.random_base32(52),
    "grouped secret": lambda: totp.grouped(totp.generate_secret()),
    "key": lambda: generate_key("k").partition(":")[2],
    "hash": lambda: HASHES[uuid4().int % len(HASHES)],
}
AROUND = [
    *(
        "{}",
        "a {} b",
        "'{}'",
        '"{}"',
        "({})",
        "[{}]",
        "<{}>",
        "x={}",
        "{}, {}",
        "a\n{}\nb",
        "{}.",
        "x:{}",
        "&a={}&b",
        "x%3D{}",
    ),
    *(r"'a\n{}\nb'", r"'\t{}'", '\\"{}\\"', "b'{}'"),
]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("form", FORMS)
def test_aa10_what_has_the_form_of_a_secret_is_hidden_in_any_text(form, around):
    for _ in range(1 if form == "qr" else 20):
        secret = FORMS[form]()
        if form == "key":
            around = around.replace("{}", "kid:{}")
        text = around.replace("{}", secret)
        assert secret not in scrub(text), text
        assert HIDDEN in scrub(text)
        assert secret.encode() not in scrub(text.encode())
        assert secret not in json.dumps(scrub({"a": {"b": [text]}}))


def test_aa10_credentials_of_a_header_are_hidden():
    for text in ("Basic dXNlcjpwYXNz", "basic  YTpi1234", "BEARER abc.DEF-123", "'HTTP': 'Bearer 0123456789'"):
        assert re.search(r"(?i)(basic|bearer) +\[hidden\]", scrub(text)), text
    assert scrub("Authorization: Token abc\r\nHost: x") == f"Authorization: {HIDDEN}\r\nHost: x"
    assert scrub("Cookie: a=b; sessionid=c") == f"Cookie: {HIDDEN}"


PAIRS = [
    *("code=123456&next=/", "{'code': '123456', 'a': 1}", 'b\'{"code":"123456"}\'', r"{\"code\": \"123456\"}"),
    *(
        "code: 123456",
        "<QueryDict: {'code': ['123456']}>",
        "Input(code='123456', a=1)",
        "totp_code=123456",
        "code%3D123456",
    ),
    *('x {"otp" : "123456"', "recovery_codes=['123456', 'abc']", "password: 123456", 'password="a \\" 123456"'),
    *(
        "X-Stytch-Member-Session: 123456",
        "'HTTP_X_STYTCH_MEMBER_SESSION': '123456'",
        "session_jwt = 123456",
        "code='123456",
    ),
]


@pytest.mark.parametrize("text", PAIRS)
def test_aa10_what_stands_behind_such_a_name_in_text_is_hidden(text):
    assert "123456" not in scrub(text)
    assert "123456" not in scrub(text.encode()).decode()
    assert scrub(scrub(text)) == scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        *(format_id(kind, SOMEBODY, "test") for kind in ("member", "user", "totp", "jwk", "session", "request-id")),
        *(str(SOMEBODY), str(SOMEBODY).upper(), SOMEBODY.hex, SOMEBODY.hex * 2),
        *(
            "status code: 404",
            "The code: wrong",
            "secret: see the manual",
            "token: expired",
            "password=None",
            "code=''",
        ),
        *(
            "HTTP Basic authentication failed",
            "a bearer of news",
            "2026-01-30T12:00:00Z",
            "127.0.0.1:8000",
            "ada@example.com",
        ),
        *(
            "test_aa04_a_name_of_a_function_of_44_letters",
            "POST /v1/b2b/recovery_codes/recover HTTP/1.1",
            "port 543210",
        ),
        *(
            "SELECT id FROM stytch_totp_guard WHERE member_id = %s",
            "acme-corp",
            "a-b-c",
            '{"a": [1, 2.5, null]}',
            "{",
            "[]",
        ),
        *("organization-test-" + str(SOMEBODY) + "/members/member-live-" + str(SOMEBODY), "AUTHENTICATION_BACKENDS"),
    ],
)
def test_what_is_no_secret_survives(text):
    assert scrub(text) == text
    assert scrub(text.encode()) == text.encode()


def test_the_projects_own_secrets_are_known_whatever_their_form(configure):
    configure(SECRETS=["no form at all, but long enough"])
    assert scrub("said: no form at all, but long enough!") == f"said: {HIDDEN}!"


# Values


@dataclass
class Enrolled:
    member: str
    code: str
    token: str = field(default="t", repr=False)


def test_a_copy_is_made_and_the_argument_stays_as_it_is():
    given = {"a": [{"code": "123456"}, ("x", b"y", {1, 2})], "n": [1, 2.5, True, None, Decimal(3)], 5: {"hash": "z"}}
    before = copy.deepcopy(given)
    assert scrub(given) == {
        "a": [{"code": HIDDEN}, ("x", b"y", {1, 2})],
        "n": [1, 2.5, True, None, Decimal(3)],
        5: {"hash": HIDDEN},
    }
    assert given == before


def test_dataclasses_and_forms_are_opened_and_other_objects_are_not():
    opaque = object()
    assert scrub(Enrolled("m", "123456")) == {"member": "m", "code": HIDDEN}
    assert scrub(QueryDict("code=1&code=2&next=/")) == {"code": HIDDEN, "next": ["/"]}
    assert scrub([opaque, Enrolled]) == [opaque, Enrolled]


def test_json_in_text_is_scrubbed_by_its_names():
    text = json.dumps({"code": {"deep": [1]}, "kept": "\u00e9", "inner": json.dumps({"totp_code": "123456"})})
    found = json.loads(scrub(text))
    assert (found["code"], found["kept"], json.loads(found["inner"])) == (HIDDEN, "\u00e9", {"totp_code": HIDDEN})


def test_depth_and_number_are_bounded():
    deep: dict = {"code": "123456"}
    for _ in range(10_000):
        deep = {"a": deep}
    cycle: list = ["x"]
    cycle += [cycle, cycle, cycle]
    assert "123456" not in repr(scrub(deep))
    assert HIDDEN in repr(scrub(cycle))
    assert scrub(["x"] * 1_000_000)[-1] == HIDDEN
    assert len(scrub({number: number for number in range(1_000_000)})) <= 100_000
    assert scrub("[" * 60_000) == "[" * 60_000


def test_it_never_raises():
    class Broken(dict):
        def items(self):
            raise ValueError

    class BrokenText(str):
        __slots__ = ()

        def __getitem__(self, index):
            raise ValueError

    for broken in (Broken(a=1), [Broken(a=1)], BrokenText("x"), HttpRequest()):
        scrub(broken)
    assert scrub(Broken(a=1)) == HIDDEN


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text() | st.binary(), st.lists))
def test_whatever_it_is_given_it_returns_its_like(value):
    assert type(scrub(value)) is type(value)
    assert scrub(scrub(value)) == scrub(value)


MEGABYTE = 1 << 20
HOSTILE = [
    *(
        "x",
        "eyJ",
        "eyJa.",
        "abcd-",
        "A",
        "AAAA ",
        "password=[",
        'password="',
        'password="\\',
        "[",
        "code",
        "basic ",
        " ",
    ),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN ",
        "code='token=\"",
        "$2b$",
        ":",
        "%3D",
        "Authorization:",
        "aB",
        "123456 ",
    ),
    *("session_token=", "code=(", "-", '{"a":', "otpauth://", "\\n", "\n", "\x1b", "data:image/png;base64,", "code= "),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_is_linear_in_a_megabyte_of_anything(piece):
    """A quadratic expression would take an hour."""
    text = piece * (MEGABYTE // len(piece))
    before = time.perf_counter()
    scrub(text)
    one_line(text)
    took = time.perf_counter() - before
    assert took < 60


def test_text_that_is_too_long_is_cut_between_words():
    secret = tokens.generate()
    text = "word " * (MEGABYTE // 5) + secret + " more"
    found = scrub(text)
    assert len(found) <= MEGABYTE + len(HIDDEN) + 1
    assert found.endswith(HIDDEN)
    assert secret[:10] not in found
    assert scrub(secret + "x" * MEGABYTE) == f" {HIDDEN}"


# Exceptions


CODE, CANARY = "123456", "canary"  # the lines of source that a traceback shows don't say them


def chained() -> Exception:
    error = ValueError("wrong password: hunter22", ["ckss-2skx-ebow"], b"raw", 5)
    error.__cause__ = raised(KeyError(f"code {CODE}"))
    error.__cause__.__context__ = error  # a cycle
    return error


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    """``error`` with a traceback, in which a local variable says too much."""
    said = f"{CANARY}-local"
    try:
        throw(error, cause)
    except type(error):
        return error
    raise AssertionError(said)


def throw(error: Exception, cause: Exception | None) -> None:
    raise error from cause


def test_an_exception_that_leaves_us_quotes_nothing_that_it_was_given():
    error = chained()
    hush(error, {"body": {"password": "hunter22", "code": 123456}, "next": "password"})
    assert error.args == (f"wrong password: {HIDDEN}", [HIDDEN], HIDDEN, 5)
    assert error.__cause__.args == (f"code {HIDDEN}",)
    assert str(ValueError(*error.args[:1])) == f"wrong password: {HIDDEN}"


def test_given_lists_count_and_short_or_unnamed_values_do_not():
    error = ValueError("foreigncode1 in abc and /next/")
    hush(error, QueryDict("recovery_codes=foreigncode1&code=abc&next=/next/"))
    assert error.args == (f"{HIDDEN} in abc and /next/",)


def test_djangos_report_of_a_character_that_fails_quotes_no_text_around_it():
    try:
        "hunt\ud800".encode()
    except UnicodeEncodeError as error:
        hush(error)
        report = ExceptionReporter(None, type(error), error, error.__traceback__)
        report.filter = ReporterFilter()
    shown = report.get_traceback_data()
    assert "hunt" not in shown["unicode_hint"]
    assert shown["unicode_hint"]


def test_a_stand_in_has_name_module_traceback_and_chain_and_leaves_the_exception_alone():
    error = chained()
    made = stand_in(error)
    assert (type(made).__name__, type(made).__module__) == ("ValueError", "builtins")
    assert (str(made.__cause__), made.__suppress_context__) == (f"'code {HIDDEN}'", True)
    assert made.__cause__.__traceback__ is error.__cause__.__traceback__
    assert error.args[0] == "wrong password: hunter22"

    class Mute(Exception):
        def __str__(self):
            raise ValueError

    assert str(stand_in(Mute())) == HIDDEN
    assert str(stand_in(Mute.__base__())) == ""


def test_what_is_shown_and_never_quoted():
    shown = unquoted(["a", "b"])
    assert (shown, repr(shown), "".join(shown)) == (["a", "b"], f"[{HIDDEN}, {HIDDEN}]", "ab")
    assert unquoted(None) is None


# Records


@pytest.fixture
def log():
    """Logs through the filter; what was written and what a handler saw."""
    seen: list[logging.LogRecord] = []

    class Handler(logging.StreamHandler):
        def emit(self, record):
            seen.append(record)
            super().emit(record)

    handler = Handler(io.StringIO())
    handler.addFilter(SecretsFilter())
    logger = logging.Logger("tests")  # noqa: LOG001 - nobody else hears it
    logger.addHandler(handler)

    def write(message, *arguments, **options):
        handler.stream.seek(0)
        handler.stream.truncate()
        logger.error(message, *arguments, **options)
        return handler.stream.getvalue().removesuffix("\n"), seen[-1]

    return write


def test_message_and_arguments_stay_apart_where_there_is_nothing_to_hide(log):
    written, record = log("%d of %5.1f %s %r", 3, 2.5, "a", ["b"])
    assert written == "3 of   2.5 a ['b']"
    assert (record.msg, record.args) == ("%d of %5.1f %s %r", (3, 2.5, "a", ["b"]))
    assert log("%(a)d", {"a": 1})[1].args == {"a": 1}
    assert log("100 %")[0] == "100 %"


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("code=%s", ("123456",)),
        ("code=%d", (123456,)),
        ("%s=%s", ("code", "123456")),
        ("body %s", ({"code": "123456"},)),
        ("%(code)s", ({"code": "123456"},)),
        ("body %r", (Enrolled("m", "123456"),)),
        ("code=123456", ()),
        (Enrolled("m", "123456"), ()),
        ("%d", ("code=123456",)),  # doesn't fit: logging says so
        ("code=123456 %d", ("x",)),
        ("%s", (ValueError("code=123456"),)),
    ],
)
def test_aa08_neither_message_nor_arguments_tell_a_secret(log, message, arguments, capsys):
    written, record = log(message, *arguments)
    assert "123456" not in written
    assert "123456" not in capsys.readouterr().err
    assert "123456" not in str(record.msg)


def test_aa08_extra_attributes_are_scrubbed_and_objects_are_left(log):
    request = RequestFactory().get("/")
    extra = {
        "body": {"code": "123456"},
        "totp_code": 123456,
        "note": "code=123456\n",
        "request": request,
        "status_code": 5,
    }
    _, record = log("x", extra={**extra, "session_token": "abc"})
    assert (record.body, record.note) == ({"code": HIDDEN}, f"code={HIDDEN}\\n")
    assert (record.session_token, record.request, record.status_code) == (HIDDEN, request, 5)
    assert record.totp_code == HIDDEN


def test_aa08_an_exception_is_scrubbed_in_every_format(log):
    error = raised(ValueError(f"code={CODE}\nCRITICAL forged"), chained())
    written, record = log("failed", exc_info=error)
    assert error.args == (f"code={CODE}\nCRITICAL forged",)
    for text in (written, logging.Formatter().formatException(record.exc_info)):
        assert CODE not in text
        assert "hunter22" not in text
        assert "ValueError: code=[hidden]" in text
        assert "in raised" in text
        assert not [line for line in text.splitlines() if line.startswith("CRITICAL")]
    assert record.exc_info[2] is error.__traceback__


def test_aa08_what_another_handler_has_formatted_before_is_scrubbed_too():
    record = logging.makeLogRecord({"msg": "x", "exc_text": "ValueError: code=123456", "stack_info": "code=123456"})
    record.exc_info = (None, None, None)
    assert SecretsFilter().filter(record)
    assert (record.exc_text, record.stack_info) == (f"ValueError: code={HIDDEN}", f"code={HIDDEN}")


FORGING = [
    "\r\n",
    "\n",
    "\r",
    "\x1b[31m",
    "\u202e",
    "\u2066",
    "\u2028",
    "\u2029",
    "\x85",
    "\x00",
    "\x0b",
    "\x0c",
    "\ufeff",
    "\x9b",
]


@pytest.mark.parametrize("forging", FORGING)
def test_aa09_one_event_is_one_line(log, forging):
    name = f"Mallory{forging}ERROR forged"
    for message, arguments in (("%s", (name,)), (name, ()), ("%s", ([name],)), ("%(n)s", ({"n": name},))):
        written, _ = log(message, *arguments)
        assert len(written.splitlines()) == 1
        assert not set(forging) & set(written) - set("[31m")
        assert "ERROR forged" in written


def test_aa09_letters_of_any_script_stay():
    for text in (
        "J\u00fcrgen",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f468\u200d\U0001f469",
        "a\tb",
        "\u6f22\u5b57",
    ):
        assert one_line(text) == text


# Sentry


def event():
    secret, token, code = pyotp.random_base32(), tokens.generate(), codes.generate_set()[0]
    frames = [
        {
            "module": "django.core.handlers.base",
            "function": "f",
            "vars": {"request": "<WSGIRequest>", "given": "'123456'"},
        },
        {
            "module": "stytch_totp.operations.verification",
            "function": "authenticate",
            "pre_context": ["    secret = registration.reveal()"],
            "context_line": "    step = totp.matching_step(secret, code=str(code))",
            "vars": {"secret": repr(b"\x01\x02raw"), "code": "'123456'", "n": "5"},
        },
    ]
    return {
        "event_id": uuid4().hex,
        "level": "error",
        "contexts": {"trace": {"trace_id": uuid4().hex, "span_id": "b0e6f15b45c36b12", "status_code": 500}},
        "exception": {"values": [{"type": "ValueError", "value": "not 123456", "stacktrace": {"frames": frames}}]},
        "threads": [
            {"id": 1, "stacktrace": {"frames": [{"module": "host.views", "vars": {"password": "'x1'", "n": "6"}}]}}
        ],
        "request": {
            "url": "https://example.org/v1/b2b/totp/authenticate",
            "data": {"code": "123456", "member_id": "m"},
            "cookies": {"sessionid": "x1"},
            "headers": [
                ["Authorization", "Basic " + "YTpiYzEyMw=="],
                ["X-Stytch-Member-Session", token],
                ["Host", "x"],
            ],
            "query_string": "session_token=x1&next=/",
            "env": {"HTTP_COOKIE": "sessionid=x1", "REMOTE_ADDR": "::1"},
        },
        "breadcrumbs": {
            "values": [{"category": "http", "message": f"sent {code}", "data": {"body": {"secret": "x1"}}}]
        },
        "extra": {"sys.argv": ["manage.py"], "body": json.dumps({"totp_code": "123456"}), "raw": f"{secret} {token}"},
        "tags": [["code", "x1"]],
        "spans": [{"op": "db", "description": "SELECT 1", "data": {"recovery_codes": [code]}}],
    }


def test_aa10_an_event_leaves_without_secrets_and_with_all_that_helps():
    given = event()
    before = copy.deepcopy(given)
    sent = scrub_event(given, {"exc_info": None})
    assert given == before
    text = repr(sent)
    for secret in (
        "123456",
        "x1'",
        "raw",
        "YTpi",
        *given["extra"]["raw"].split(),
        given["spans"][0]["data"]["recovery_codes"][0],
    ):
        assert secret not in text.replace("'raw'", ""), secret
    stack = sent["exception"]["values"][0]
    assert (stack["type"], stack["value"]) == ("ValueError", f"not {HIDDEN}")
    assert [set(frame["vars"].values()) for frame in stack["stacktrace"]["frames"]] == [{HIDDEN}, {HIDDEN}]
    assert stack["stacktrace"]["frames"][1]["context_line"] == "    step = totp.matching_step(secret, code=str(code))"
    assert sent["threads"][0]["stacktrace"]["frames"][0]["vars"] == {"password": HIDDEN, "n": "6"}
    assert sent["request"]["data"]["member_id"] == "m"
    assert sent["request"]["query_string"] == f"session_token={HIDDEN}&next=/"
    for name in ("event_id", "level", "contexts"):
        assert sent[name] == given[name]


@pytest.mark.parametrize(
    "odd",
    [{}, {"exception": None}, {"exception": 5, "threads": "x"}, {"exception": {"values": [None, {"stacktrace": 5}]}}],
)
def test_an_odd_event_is_no_error(odd):
    assert scrub_event(odd) == odd


def test_an_event_that_can_not_be_read_does_not_leave():
    class Broken(dict):
        def items(self):
            raise ValueError

    assert scrub_event(Broken(a="123456")) == {}


def test_aa10_a_breadcrumb_leaves_without_secrets():
    crumb = {"type": "log", "message": "code=123456", "data": {"token": "x"}}
    assert scrub_event(crumb) == {"type": "log", "message": f"code={HIDDEN}", "data": {"token": HIDDEN}}


# Django's reports


def test_aa10_the_filter_serves_a_whole_site(settings):
    settings.DEFAULT_EXCEPTION_REPORTER_FILTER = "stytch_totp.scrubbing.ReporterFilter"
    settings.DEBUG = True
    request = RequestFactory().post(
        "/x/", {"any": f"{CANARY}-posted"}, headers={"X-Stytch-Member-Session": f"{CANARY}-header"}
    )
    request.COOKIES["any"] = f"{CANARY}-cookie"
    error = raised(ValueError("a message"))
    assert ReporterFilter().is_active(request)
    settings.HOSTS_OWN = {"PASSWORD": f"{CANARY}-setting", "URL": f"https://x/?token={CANARY}-url"}
    from django.views.debug import get_default_exception_reporter_filter

    get_default_exception_reporter_filter.cache_clear()
    try:
        for asked in (request, None):
            report = ExceptionReporter(asked, type(error), error, error.__traceback__)
            for text in (report.get_traceback_text(), report.get_traceback_html()):
                assert re.findall(rf"{CANARY}-\w+", text) == []
                assert settings.STYTCH_TOTP["SECRETS"][0] not in text
                assert settings.STYTCH_TOTP["KEYRING"][0] not in text
                assert "ValueError" in text
    finally:
        get_default_exception_reporter_filter.cache_clear()


# Wiring


def documented(language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / "logging.md").read_text(), re.DOTALL)


def test_the_settings_of_the_page_work_before_any_app_is_loaded():
    logging_setting = next(block for block in documented("python") if "LOGGING" in block)
    program = f"""
import django, logging
APPS = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework", "stytch_totp"]
from django.conf import settings
{logging_setting}
settings.configure(LOGGING=LOGGING, INSTALLED_APPS=APPS, STYTCH_TOTP={{}}, SECRET_KEY="x" * 50)
django.setup()
logging.getLogger("host").error("code=%s\\nforged", "123456")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (done.stdout + done.stderr).strip().endswith(f"code={HIDDEN}\\nforged")


def test_a_log_may_begin_before_the_settings_end():
    program = "from stytch_totp.scrubbing import scrub; print(scrub('code=123456 a'))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == f"code={HIDDEN} a\n", done.stderr
