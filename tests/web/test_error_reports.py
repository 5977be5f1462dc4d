"""What is reported when something breaks has no secret in it (AA-08, AA-10): log, Django's error mail, Sentry.

Nothing is configured here: what a host gets who has read nothing. Whatever is broken quotes the texts that it got.
"""

import io
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import pyotp
import pytest
from django.contrib.auth.signals import user_logged_in
from django.db import connection
from django.db.models import QuerySet
from django.db.models.signals import post_save
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils.log import AdminEmailHandler
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter, get_exception_reporter_filter

from stytch_totp.core import codes, jwt, tokens, totp
from stytch_totp.models import AuditEvent, Organization, Session
from stytch_totp.scrubbing import ReporterFilter, SecretsFilter, scrub_event
from stytch_totp.signals import audit_event_recorded
from tests.api.helpers import (
    PASSWORD,
    RECOVER,
    TOTP,
    TOTP_AUTHENTICATE,
    TOTPS,
    USER_PASSWORDS,
    Page,
    complete,
    intermediate,
    make_person,
    make_user,
    pbkdf2,
    user_session,
)
from tests.clock import CLOCK
from tests.conftest import API
from tests.factories import code_of, wrong_code
from tests.races.test_sealed import forms
from tests.web import urls as web_urls
from tests.web.visitors import HTML, LOGIN, Visitor, log_in, password_only, person, verified
from tests.web.visitors import PASSWORD as SITE_PASSWORD

pytestmark = pytest.mark.django_db
TOKENS = ("session_token", "session_jwt", "intermediate_session_token")
SECRETS = ("secret", "qr_code", "recovery_code", "password", *TOKENS)


# What must be found nowhere


@dataclass
class Canaries:
    secrets: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    #: Secrets as the page spells them.
    grouped: set[str] = field(default_factory=set)

    def note(self, body: Any) -> Any:
        """Keep in mind what is secret in a call or in an answer."""
        if isinstance(body, dict):
            for name, value in body.items():
                if name in ("code", "totp_code") and value:
                    (self.codes if len(value) == 6 else self.secrets).add(value)
                elif name in SECRETS and isinstance(value, str) and value:
                    self.secrets.add(value)
                elif name == "recovery_codes":
                    self.secrets.update(value)
                else:
                    self.note(value)
        elif isinstance(body, list):
            for value in body:
                self.note(value)
        return body

    def found_in(self, text: str) -> set[str]:
        raw = text.encode()
        found = {secret for secret in self.secrets if any(form in raw for form in forms(secret))}
        found |= {secret for secret in self.grouped if secret in text}
        return found | {code for code in self.codes if re.search(rf"(?<![0-9a-f]){code}(?![0-9a-f])", text)}


# Sinks


class Mails(AdminEmailHandler):
    """Django's own, but for the sending."""

    def __init__(self) -> None:
        super().__init__(include_html=True)
        self.sent: list[str] = []

    def send_mail(self, subject: str, message: str, *args: Any, **options: Any) -> None:
        self.sent.append(f"{subject}\n{message}\n{options['html_message']}")


def serialized(value: Any, depth: int = 0) -> Any:
    """As sentry_sdk does it: containers opened to a depth, anything else by its repr."""
    if depth < 5 and isinstance(value, dict):
        return {str(name): serialized(inner, depth + 1) for name, inner in value.items()}
    if depth < 5 and isinstance(value, list | tuple):
        return [serialized(inner, depth + 1) for inner in value]
    if isinstance(value, QuerySet):
        return f"<{type(value).__name__}>"
    return value if value is None or isinstance(value, bool | int | float) else repr(value)


def frames_of(traceback: Any) -> Iterator[dict[str, Any]]:
    while traceback is not None:
        frame = traceback.tb_frame
        yield {
            "module": frame.f_globals.get("__name__"),
            "function": frame.f_code.co_name,
            "lineno": traceback.tb_lineno,
            "context_line": "secret = registration.reveal()",
            "vars": serialized(dict(frame.f_locals)),
        }
        traceback = traceback.tb_next


def event_of(record: logging.LogRecord, body: Any) -> dict[str, Any]:
    request, exceptions = getattr(record, "request", None), []
    exception = record.exc_info[1] if record.exc_info else None
    while exception is not None:
        frames = list(frames_of(exception.__traceback__))
        told = {"type": type(exception).__name__, "value": str(exception), "stacktrace": {"frames": frames}}
        exceptions.append(told)
        exception = exception.__cause__ or exception.__context__
    environ = {k: v for k, v in request.META.items() if isinstance(v, str)} if request is not None else {}
    return {
        "level": "error",
        "logentry": {"message": str(record.msg), "params": [str(one) for one in record.args or ()]},
        "exception": {"values": exceptions},
        "request": {
            "data": body,
            "cookies": dict(getattr(request, "COOKIES", {})),
            "headers": dict(getattr(request, "headers", {})),
            "env": environ,
        },
        "extra": {"body": json.dumps(body)},
        "breadcrumbs": {"values": [{"category": "http", "message": f"body: {body}", "data": {"body": repr(body)}}]},
    }


class Sinks(logging.Handler):
    """Root and our own logger at DEBUG with everything that somebody may have put there."""

    def __init__(self) -> None:
        super().__init__()
        self.mails, self.lines, self.reports, self.events = Mails(), list[str](), list[str](), list[str]()
        self.body: Any = None

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter("%(levelname)s %(name)s %(message)s").format(record))
        record.exc_text = None
        if record.levelno < logging.ERROR:
            return
        self.mails.handle(record)
        if record.exc_info:
            for is_email in (False, True):
                report = ExceptionReporter(getattr(record, "request", None), *record.exc_info, is_email=is_email)
                self.reports += [report.get_traceback_text(), report.get_traceback_html()]
            self.events.append(repr(scrub_event(event_of(record, self.body))))

    @property
    def all(self) -> list[str]:
        return [*self.mails.sent, *self.lines, *self.reports, *self.events]


@pytest.fixture
def sinks(monkeypatch) -> Iterator[Sinks]:
    made, loggers = Sinks(), [logging.getLogger(name) for name in ("", "stytch_totp")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(made)
        logger.setLevel(logging.DEBUG)
    yield made
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(made)
        logger.setLevel(level)


@pytest.fixture
def canaries(monkeypatch, settings: Any) -> Canaries:
    """With the project's secrets, and with everything that is made while the test runs."""
    made = Canaries({*settings.STYTCH_TOTP["SECRETS"], *settings.STYTCH_TOTP["KEYRING"], settings.SECRET_KEY})
    for module, name in ((totp, "generate_secret"), (codes, "generate_set"), (tokens, "generate"), (jwt, "mint")):
        monkeypatch.setattr(module, name, _noting(made, name, getattr(module, name)))
    return made


def _noting(canaries: Canaries, name: str, make: Callable[..., Any]) -> Callable[..., Any]:
    def noted(*arguments: Any, **named: Any) -> Any:
        made = make(*arguments, **named)
        canaries.secrets.update([made] if isinstance(made, str) else made)
        if name == "generate_secret":
            canaries.grouped.add(totp.grouped(made))
        return made

    return noted


# Calls with a secret in them


@dataclass
class Call:
    """What is asked when something breaks, and what must be found nowhere then."""

    ask: Callable[[], Any]
    body: dict[str, Any]


def call(api: API, canaries: Canaries, path: str, body: dict[str, Any]) -> Call:
    return Call(lambda: api("POST", path, canaries.note(body)), body)


def of_member(api: API, canaries: Canaries, path: str, *, by_page: bool = False, **fields: Any) -> Call:
    """A member's second step. ``code`` and ``recovery_code`` are the right ones unless given."""
    member = make_person(api)
    canaries.secrets |= {member.secret, *member.codes, api.authorization.partition(" ")[2]}
    body = {**member.ids, "intermediate_session_token": intermediate(api, member)}
    if path == RECOVER:
        body["recovery_code"] = member.codes[0]
    elif path == TOTP_AUTHENTICATE:
        body["code"] = code_of(member.secret)
    return call(Page() if by_page else api, canaries, path, {**body, **fields})


def stepping_up(api: API, canaries: Canaries) -> Call:
    """A back end in the name of a session by its JWT."""
    member = make_person(api)
    session = canaries.note(complete(api, member))
    return call(
        api,
        canaries,
        TOTP_AUTHENTICATE,
        {**member.ids, "code": code_of(member.secret), "session_jwt": session["session_jwt"]},
    )


def enrolling(api: API, canaries: Canaries, *, by_page: bool = False) -> Call:
    member = make_person(api, totp=False)
    body = {**member.ids, "intermediate_session_token": intermediate(api, member)}
    return call(Page() if by_page else api, canaries, TOTP, body)


def migrating(api: API, canaries: Canaries) -> Call:
    member = make_person(api, totp=False)
    body = {**member.ids, "secret": pyotp.random_base32(), "recovery_codes": ["wxyz-1234-abcd", "0mig-rat3-dcde"]}
    return call(api, canaries, f"{TOTP}/migrate", body)


def migrating_password(api: API, canaries: Canaries) -> Call:
    member = make_person(api, totp=False)
    hashed = pbkdf2(PASSWORD)
    canaries.secrets.add(hashed["hash"])
    whose = {"organization_id": member.organization_id, "email_address": member.email}
    return call(api, canaries, "/v1/b2b/passwords/migrate", {**whose, **hashed})


def of_user(api: API, canaries: Canaries, path: str, *, by_page: bool = False) -> Call:
    user = make_user(api)
    canaries.secrets |= {user.secret, *user.codes}
    session = canaries.note(user_session(api, user))
    code = {"recovery_code": user.codes[0]} if path.endswith("recover") else {"totp_code": code_of(user.secret)}
    if not by_page:
        return call(api, canaries, path, {"user_id": user.user_id, **code, "session_token": session["session_token"]})
    return call(Page(session["session_token"]), canaries, f"/sdk{path}", code)


def logging_in(api: API, canaries: Canaries, *, by_page: bool = False) -> Call:
    user = make_user(api)
    body = {"email": user.email, "password": PASSWORD, "session_duration_minutes": 60}
    caller, root = (Page(), "/sdk") if by_page else (api, "")
    return call(caller, canaries, f"{root}{USER_PASSWORDS}/authenticate", body)


def at_page(canaries: Canaries, path: str, *, made: Visitor | None = None, **fields: str) -> Call:
    """A form of the site that is sent with a code in it."""
    organization = Organization.objects.create(name="Acme", slug="acme", created_at=0, updated_at=0)
    visitor = made or password_only(organization)
    canaries.secrets |= {visitor.secret, *visitor.codes} - {""}
    visitor.client.raise_request_exception = False
    visitor.get(path)
    CLOCK.advance(30)
    body = fields or {"code": visitor.codes[0] if "recover" in path else code_of(visitor.secret)}
    canaries.note(body)
    canaries.secrets.add(visitor.client.cookies["sessionid"].value)
    return Call(lambda: visitor.client.post(path, body, headers={"Accept": HTML}), body)


def seeing(canaries: Canaries, path: str, state: Callable[..., Visitor]) -> Call:
    """A page that shows secrets."""
    organization = Organization.objects.create(name="Acme", slug="acme", created_at=0, updated_at=0)
    visitor = state(organization)
    canaries.secrets |= {visitor.secret, *visitor.codes} - {""}
    visitor.client.raise_request_exception = False
    canaries.secrets.add(visitor.client.cookies["sessionid"].value)
    return Call(lambda: visitor.get(path), {})


def unenrolled(organization: Organization) -> Visitor:
    made = person(organization)
    log_in(made.client, made.user)
    return made


SDK_AUTHENTICATE, SDK_RECOVER, SDK_TOTP = (f"/sdk{one}" for one in (TOTP_AUTHENTICATE, RECOVER, TOTP))
#: Where it breaks, in which file that is called, and by which request.
SITES: dict[str, tuple[str, str, Callable[[API, Canaries], Call]]] = {
    "compare": ("core.totp.matching_step", "verification.py", lambda a, c: of_member(a, c, TOTP_AUTHENTICATE)),
    "compare for a page": (
        "core.totp.matching_step",
        "verification.py",
        lambda a, c: of_member(a, c, SDK_AUTHENTICATE, by_page=True, code="123456"),
    ),
    "open": ("core.sealing.Keyring.open", "registration.py", lambda a, c: of_user(a, c, f"{TOTPS}/authenticate")),
    "draw up": ("operations.grants.draft", "verification.py", lambda a, c: of_member(a, c, TOTP_AUTHENTICATE)),
    "draw up for a user": (
        "operations.grants.draft",
        "recovery.py",
        lambda a, c: of_user(a, c, f"{TOTPS}/recover", by_page=True),
    ),
    "sign": ("operations.signing.mint", "grants.py", stepping_up),
    "sign for a page": (
        "operations.signing.sign",
        "signing.py",
        lambda a, c: of_user(a, c, f"{TOTPS}/authenticate", by_page=True),
    ),
    "settle": ("operations.attempts.settle", "recovery.py", lambda a, c: of_member(a, c, RECOVER)),
    "canonical": ("core.codes.canonical", "recovery.py", lambda a, c: of_member(a, c, RECOVER)),
    "draw": ("core.qr.png_data_uri", "enrolment.py", enrolling),
    "insert": ("operations.enrolment._insert", "enrolment.py", enrolling),
    "check": ("core.codes.check_import", "enrolment.py", migrating),
    "seal": ("core.sealing.Keyring.seal", "registration.py", migrating),
    "parse": ("api.parsers.parse_object", "parsers.py", lambda a, c: of_member(a, c, TOTP_AUTHENTICATE)),
    "authenticate": ("api.authentication._is_secret", "authentication.py", logging_in),
    "log in": ("operations.passwords._check", "passwords.py", logging_in),
    "answer": ("api.views.StytchViewSet.answer", "totp.py", enrolling),
    "import a hash": ("operations.hashes.encode", "passwords.py", migrating_password),
    "render": ("api.views.JSONRenderer.render", "response.py", enrolling),
    "verify at the site": ("core.totp.matching_step", "verification.py", lambda _, c: at_page(c, "/mfa/verify/")),
    "recover at the site": ("core.codes.canonical", "recovery.py", lambda _, c: at_page(c, "/mfa/recover/")),
    "clean": ("core.totp.is_code", "forms.py", lambda _, c: at_page(c, "/mfa/verify/")),
    "enrol at the site": ("core.totp.grouped", "views.py", lambda _, c: seeing(c, "/mfa/enrol/", unenrolled)),
    "show": ("web.views.Codes.page", "views.py", lambda _, c: seeing(c, "/mfa/codes/", verified)),
    "middleware": ("web.middleware.is_exempt", "middleware.py", lambda _, c: at_page(c, "/mfa/verify/")),
    "guards": ("operations.assurance.Assurance.refusal", "pages.py", lambda _, c: at_page(c, "/mfa/verify/")),
}


OUT_OF_REACH = ("api.views.JSONRenderer.render", "web.middleware.is_exempt")


def quoting(*arguments: Any, **named: Any) -> Any:
    """Fails, and says what it was given: texts, and texts in lists."""
    texts = [one for one in (*arguments, *named.values()) if isinstance(one, str | list | dict | tuple)]
    raise RuntimeError(f"broken: {texts}", *texts)


def fail(*_: Any, **__: Any) -> Any:
    raise RuntimeError("broken")


def broken(target: str) -> Any:
    # What Django does after our view has returned raises exceptions that we don't see: only these may not quote.
    return patch(f"stytch_totp.{target}", fail if target in OUT_OF_REACH else quoting)


def told(canaries: Canaries, texts: Iterable[str]) -> set[str]:
    """The canaries that stand anywhere."""
    return {one for text in texts for one in canaries.found_in(text)}


@pytest.fixture(params=[False, True], ids=["", "DEBUG"])
def debug(request, settings: Any) -> bool:
    """Whether Django's own error pages are shown."""
    settings.DEBUG = request.param
    return bool(request.param)


@pytest.mark.parametrize("site", SITES)
def test_aa08_aa10_no_report_of_a_failure_tells_a_secret(
    api: API, sinks: Sinks, canaries: Canaries, debug: bool, site: str
):
    target, place, arrange = SITES[site]
    made = arrange(api, canaries)
    sinks.body = made.body
    with broken(target):
        answer = made.ask()
    _reported(sinks, canaries, answer, place)


def _reported(sinks: Sinks, canaries: Canaries, answer: Any, place: str) -> None:
    """What broke and where, and nothing else."""
    assert answer.status_code == 500
    assert told(canaries, [*sinks.all, answer.content.decode()]) == set()
    assert len(sinks.reports) >= 4
    assert len(sinks.mails.sent) >= 1
    for report in sinks.reports:
        assert "RuntimeError" in report
        assert place in report
    for event in sinks.events:
        assert "RuntimeError" in event
        assert place.removesuffix(".py") in event
    assert len(canaries.secrets) > 3


@pytest.fixture
def api_alone(settings: Any) -> None:
    """A host that serves the API and none of our pages."""
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if "MFAMiddleware" not in one]


@pytest.mark.parametrize("site", ["compare", "parse", "authenticate", "draw", "draw up for a user"])
def test_aa10_nor_does_one_of_a_host_without_our_middleware(
    api: API, sinks: Sinks, canaries: Canaries, api_alone: None, site: str
):
    target, place, arrange = SITES[site]
    made = arrange(api, canaries)
    with broken(target):
        answer = made.ask()
    _reported(sinks, canaries, answer, place)


@pytest.mark.parametrize(
    ("guard", "site"),
    [
        ("api.views.shield", "compare"),
        ("api.exceptions.hush", "log in"),
        ("web.pages.hush", "recover at the site"),
        ("web.pages.hush", "clean"),
        ("web.middleware.shield_own", "middleware"),
        ("scrubbing.reports.ReporterFilter.get_post_parameters", "middleware"),
        ("scrubbing.reports.ReporterFilter.get_traceback_frame_variables", "verify at the site"),
    ],
)
def test_the_search_finds_what_a_missing_guard_lets_through(
    sinks: Sinks, canaries: Canaries, request: Any, guard: str, site: str
):
    """The search above finds nothing: here is what it would have found."""
    target, _, arrange = SITES[site]
    if guard.startswith("api."):
        request.getfixturevalue("api_alone")
    made = arrange(API(), canaries)
    lacking: Any = lambda *_, **__: None  # noqa: E731
    if "ReporterFilter" in guard:
        lacking = getattr(SafeExceptionReporterFilter, guard.rpartition(".")[2])
    with broken(target), patch(f"stytch_totp.{guard}", lacking):
        made.ask()
    assert told(canaries, sinks.all)


def test_aa10_a_report_without_a_request_would_show_the_locals_of_every_frame(
    api: API, sinks: Sinks, canaries: Canaries
):
    """What the request in the record is for: Django's default filter shows them."""
    made = of_member(api, canaries, TOTP_AUTHENTICATE)
    seen: list[logging.LogRecord] = []
    with broken("core.totp.matching_step"), patch.object(Mails, "emit", lambda _, record: seen.append(record)):
        made.ask()
    record = next(one for one in seen if one.name == "stytch_totp")
    assert type(record.request).__name__ == "WSGIRequest"
    assert told(canaries, [ExceptionReporter(None, *record.exc_info).get_traceback_html()])


# Receivers


def _fail(**_: Any) -> None:
    raise RuntimeError("broken receiver")


def test_aa10_a_receiver_that_fails_inside_an_operation(api: API, sinks: Sinks, canaries: Canaries):
    made = of_member(api, canaries, TOTP_AUTHENTICATE)
    sinks.body = made.body
    post_save.connect(_fail, sender=Session)
    try:
        assert made.ask().status_code == 500
    finally:
        post_save.disconnect(_fail, sender=Session)
    assert told(canaries, sinks.all) == set()
    assert all("broken receiver" in report and "grants.py" in report for report in sinks.reports)


@pytest.mark.django_db(transaction=True)
def test_aa10_a_receiver_of_our_own_signal_fails(api: API, sinks: Sinks, canaries: Canaries):
    made = of_member(api, canaries, TOTP_AUTHENTICATE)
    audit_event_recorded.connect(_fail, sender=AuditEvent)
    try:
        assert made.ask().status_code == 200
    finally:
        audit_event_recorded.disconnect(_fail, sender=AuditEvent)
    assert told(canaries, sinks.all) == set()
    assert all("broken receiver" in report for report in sinks.reports)
    assert sinks.reports


def test_aa10_a_receiver_that_fails_at_the_hosts_login(acme: Organization, sinks: Sinks, canaries: Canaries):
    made = person(acme, enrolled=True)
    canaries.secrets |= {made.secret, *made.codes, SITE_PASSWORD}
    made.client.raise_request_exception = False
    user_logged_in.connect(_fail)
    try:
        answer = made.client.post(LOGIN, {"username": made.user.username, "password": SITE_PASSWORD})
    finally:
        user_logged_in.disconnect(_fail)
    assert answer.status_code == 500
    assert sinks.reports
    assert told(canaries, sinks.all) == set()


# Whose filter


def _host_view(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(type(get_exception_reporter_filter(request)).__name__)


urlpatterns = [path("host/", _host_view), *web_urls.urlpatterns]
handler500 = web_urls.handler500


def test_a_hosts_own_page_keeps_the_hosts_filter(acme: Organization, settings: Any):
    settings.ROOT_URLCONF = __name__
    made = verified(acme)
    with pytest.raises(RuntimeError, match=SafeExceptionReporterFilter.__name__):
        made.get("/host/")


@pytest.mark.parametrize("path_of_ours", ["/mfa/", "/mfa/verify/", "/v1/users/x", "/v1/nothing", "/sdk/v1/b2b/totp"])
def test_every_route_of_ours_has_our_filter_before_its_view_runs(acme: Organization, path_of_ours: str):
    made, seen = verified(acme), []

    def look(request: HttpRequest, *_: Any) -> bool:
        seen.append(get_exception_reporter_filter(request))
        return True

    with patch("stytch_totp.web.middleware.is_exempt", look):
        made.get(path_of_ours)
    assert [type(one) for one in seen] == [ReporterFilter]


# The whole story at DEBUG


def tell_api(api: API, ask: Callable[..., Any], member: Any) -> None:
    """Enrol, fail, verify, recover, show, rotate, extend, remove, as a member."""
    totp_of = ask("POST", TOTP, {**member.ids, "intermediate_session_token": intermediate(api, member)})
    secret = totp_of["secret"]
    first = {**member.ids, "intermediate_session_token": intermediate(api, member)}
    ask("POST", TOTP_AUTHENTICATE, {**first, "code": wrong_code(secret)}, status=401)
    spent = code_of(secret)
    done = ask("POST", TOTP_AUTHENTICATE, {**first, "code": spent})
    ask("POST", TOTP_AUTHENTICATE, {**member.ids, "code": spent, "session_token": done["session_token"]}, 401)
    second = {**member.ids, "intermediate_session_token": intermediate(api, member)}
    ask("POST", RECOVER, {**second, "recovery_code": "zzzz-zzzz-zzzz"}, status=401)
    ask("POST", RECOVER, {**second, "recovery_code": totp_of["recovery_codes"][0].upper()})
    ask("GET", f"/v1/b2b/recovery_codes/{member.organization_id}/{member.member_id}")
    ask("POST", "/v1/b2b/recovery_codes/rotate", member.ids)
    session = ask("POST", "/v1/b2b/sessions/authenticate", {"session_jwt": done["session_jwt"]})
    ask("POST", "/v1/b2b/sessions/revoke", {"session_token": session["session_token"]})
    ask("DELETE", f"{member.member_path}/totp")


def test_aa08_at_debug_no_logger_tells_a_secret_of_the_api(api: API, sinks: Sinks, canaries: Canaries, debug_sql: None):
    def ask(method: str, where: str, body: Any = None, status: int = 200) -> Any:
        answer = api(method, where, canaries.note(body))
        assert answer.status_code == status, answer.content
        CLOCK.advance(30 * (status != 401))
        return canaries.note(answer.json())

    canaries.secrets |= {PASSWORD, api.authorization.partition(" ")[2]}
    tell_api(api, ask, make_person(api, totp=False))
    user = make_user(api)
    session = canaries.note(user_session(api, user))
    shown = ask("POST", f"{TOTPS}/recovery_codes", {"user_id": user.user_id})
    code = canaries.note(shown)["totps"][0]["recovery_codes"][0]
    ask("POST", f"{TOTPS}/recover", {"user_id": user.user_id, "recovery_code": code})
    page = Page(session["session_token"])
    for body in ({"totp_code": code_of(user.secret)}, {"totp_code": "000000"}):
        page("POST", f"/sdk{TOTPS}/authenticate", canaries.note(body))
    _found_nothing(sinks, canaries)


def test_aa08_at_debug_no_logger_tells_a_secret_of_the_pages(
    acme: Organization, sinks: Sinks, canaries: Canaries, debug_sql: None
):
    made = unenrolled(acme)
    form = made.get("/mfa/enrol/").content.decode()
    secret = re.search(r"secret=([A-Z2-7]{32})", form)[1]
    for path_of, codes_of in (("enrol", code_of), ("verify", wrong_code), ("verify", code_of), ("enrol", code_of)):
        CLOCK.advance(30)
        made.client.post(f"/mfa/{path_of}/", canaries.note({"code": codes_of(secret)}))
        made.get(f"/mfa/{path_of}/")
    page = made.get("/mfa/codes/").content.decode()
    shown = re.findall(r"<code>([a-z0-9-]{14})</code>", page)
    canaries.secrets |= {secret, *shown}
    assert len(shown) == 10
    for code in ("zzzz-zzzz-zzzz", shown[0], shown[0]):
        made.client.post("/mfa/recover/", {"code": code})
        made.get("/mfa/recover/")
    CLOCK.advance(30)
    made.client.post("/mfa/verify/", canaries.note({"code": code_of(secret)}))
    for path_of in ("", "codes/", "codes/download/", "remove/", "organizations/", "log-in-again/"):
        made.get(f"/mfa/{path_of}")
    made.client.post("/mfa/codes/")
    # Django's own session key is a parameter of Django's own statements: no canary of ours.
    assert any("django.template" in line and "'codes': [[hidden], " in line for line in sinks.lines)
    _found_nothing(sinks, canaries)


def _found_nothing(sinks: Sinks, canaries: Canaries) -> None:
    assert sum("stytch_totp_guard" in line for line in sinks.lines) > 5
    assert len(canaries.secrets) > 20
    assert len(canaries.codes) > 1
    size = sum(map(len, sinks.lines)) / 1e6
    print(f"{size:.1f} MB searched for {len(canaries.secrets)} secrets and {len(canaries.codes)} codes")
    assert told(canaries, sinks.lines) == set()


@pytest.fixture
def debug_sql() -> Iterator[None]:
    """Django tells everything that it can: each statement with its parameters, each variable that a template lacks."""
    django = logging.getLogger("django")
    level = django.level
    django.setLevel(logging.DEBUG)
    with CaptureQueriesContext(connection):
        yield
    django.setLevel(level)


# Log injection


FORGED = "Mallory\r\n2026-01-01 CRITICAL root: all is lost\x1b[2J\u202e\u2028\x85\x00"


def test_aa09_an_event_is_one_line_whatever_names_and_agents_say(api: API, caplog: Any):
    """What a host logs of a request, by the filter that is shipped."""
    filtered, stream = logging.StreamHandler(io.StringIO()), io.StringIO()
    filtered.setStream(stream)
    filtered.addFilter(SecretsFilter())
    logger = logging.getLogger("host")
    logger.addHandler(filtered)
    request = RequestFactory().get("/", headers={"User-Agent": FORGED})
    logged = 0
    for message, *arguments in (
        ("agent %s", request.headers["User-Agent"]),
        ("agent %r and %d", FORGED, 5),
        (f"agent {FORGED}",),
        ("%(agent)s", {"agent": FORGED}),
        ("%s", [FORGED]),
        ("%s", ValueError(FORGED)),
    ):
        logger.warning(message, *arguments, extra={"agent": FORGED})
        logged += 1
    logger.removeHandler(filtered)
    written = stream.getvalue()
    assert len(written.splitlines()) == written.count("\n") == logged
    assert not set(written) & set("\r\x1b\u202e\u2028\x85\x00")
    assert written.count("Mallory") == logged


def test_aa09_our_own_loggers_write_one_line_an_event(api: API, sinks: Sinks):
    person_of = make_person(api, totp=False, name="Mallory \u202e", external_id="mallory")
    for where in (f"/v1/nothing%0d%0aforged%1b[2J{person_of.member_id}", "/v1/%0aforged"):
        api("GET", where, **{"User-Agent": "forged agent"})
    with broken("operations.organizations.resolve"):
        api("GET", "/v1/b2b/organizations/forged%0aCRITICAL")
    forged = [line for line in sinks.lines if "forged" in line and "Traceback" not in line]
    assert forged
    assert all(len(line.splitlines()) == 1 and "\x1b" not in line for line in forged)
