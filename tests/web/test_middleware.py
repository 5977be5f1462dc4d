"""What the guard costs, how long it trusts what it was told, and what it says."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import re_path
from django.views.static import serve

from stytch_totp.models import Organization, Session, TOTPRegistration
from stytch_totp.operations import organizations
from tests.clock import Clock
from tests.factories import ACTOR, OrganizationFactory, code_of
from tests.web import urls
from tests.web.sites import RAN
from tests.web.visitors import (
    HTML,
    STAFF,
    Visitor,
    join,
    log_in,
    person,
    put_session,
    session_of,
    visitor,
)

pytestmark = pytest.mark.usefixtures("more_views")


# Cost


def _statements(made: Visitor, path: str = "/inside/") -> list[str]:
    with CaptureQueriesContext(connection) as seen:
        assert made.get(path).status_code == 200
    return [one["sql"] for one in seen.captured_queries]


@pytest.mark.parametrize("path", ["/inside/", "/drf/function/"])
def test_a_verified_request_costs_no_statement_more_than_the_site_does_by_itself(
    settings: Any, acme: Organization, path: str
):
    made = visitor("verified", acme)
    guarded = _statements(made, path)
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if not one.endswith("MFAMiddleware")]
    kept, made.client = session_of(made), Client()
    put_session(made, kept)
    assert len(_statements(made, path)) == len(guarded) == 2  # Django's session and its user


def test_a_visitor_of_a_lenient_organization_costs_one_statement_more(globex: Organization):
    made = person(globex)
    log_in(made.client, made.user)
    made.get("/inside/")  # the session learns which member it is
    assert len(_statements(made)) == 3


def test_a_user_without_a_membership_costs_one_statement_more(db: None):
    made = person()
    log_in(made.client, made.user)
    assert len(_statements(made)) == 3


def test_the_database_is_asked_again_after_recheck_seconds_and_then_not(acme: Organization, clock: Clock):
    made = visitor("verified", acme)
    clock.advance(29)
    assert len(_statements(made)) == 2
    clock.advance(1)
    asked = [one.split()[0] for one in _statements(made)]
    assert asked.count("SELECT") == 4  # beside Django's two: the memberships and the session behind the visit
    assert len(_statements(made)) == 2
    clock.advance(-10)
    assert len(_statements(made)) > 2  # a clock that was set back vouches for nothing


def test_the_visit_asks_for_the_factor_again_when_its_session_has_run_out(
    configure: Any, acme: Organization, clock: Clock
):
    configure(BROWSER_SESSION_MINUTES=60)
    made = visitor("verified", acme)
    clock.advance(3599)
    assert made.led_to() == ""
    clock.advance(31)
    assert made.led_to() == "/mfa/verify/"


# What is said, and what is kept


@pytest.mark.parametrize(
    ("method", "headers", "page"),
    [
        ("GET", {"Accept": HTML}, True),
        ("HEAD", {"Accept": HTML}, True),
        ("GET", {"Accept": "text/html"}, True),
        ("GET", {"Accept": HTML, "Sec-Fetch-Mode": "navigate"}, True),
        ("GET", {"Accept": HTML, "Sec-Fetch-Mode": "cors"}, False),
        ("GET", {"Accept": HTML, "Sec-Fetch-Mode": "same-origin"}, False),
        ("GET", {"Accept": "*/*", "Sec-Fetch-Mode": "cors"}, False),
        ("GET", {"Accept": "application/json"}, False),
        ("GET", {"Accept": "application/json, text/html;q=0.9"}, False),
        ("GET", {"Accept": "application/json, text/plain, */*"}, False),
        ("GET", {"Accept": "text/html, application/json;q=0.9"}, True),
        ("GET", {"Accept": "image/png"}, False),
        ("POST", {"Accept": HTML}, False),
        ("POST", {"Accept": HTML, "Sec-Fetch-Mode": "navigate"}, False),
        ("PUT", {"Accept": HTML}, False),
        ("DELETE", {"Accept": HTML}, False),
        ("OPTIONS", {"Accept": HTML}, False),
    ],
)
def test_a_person_is_led_and_a_program_is_told(acme: Organization, method: str, headers: dict[str, str], page: bool):
    made = visitor("password_only", acme)
    answer = made.client.generic(method, "/inside/?a=b&c=d", headers=headers)
    if page:
        assert answer["Location"] == "/mfa/verify/?next=%2Finside%2F%3Fa%3Db%26c%3Dd"
    else:
        body = answer.json()
        assert (answer.status_code, body["error_type"]) == (403, "mfa_required")
        assert body["error_details"] == {"url": "/mfa/verify/"}
        assert body["request_id"].startswith("request-id-test-")
        assert answer["WWW-Authenticate"] == (
            'Bearer error="insufficient_user_authentication", '
            'error_description="This needs a second factor; show one.", '
            'acr_values="http://schemas.openid.net/pape/policies/2007/06/multi-factor"'
        )


def test_dj11_nothing_secret_lies_in_a_django_session(acme: Organization):
    made = visitor("not_enrolled", acme)
    given = made.get("/mfa/enrol/").context["made"].secret
    pending = json.dumps(session_of(made))
    code = code_of(given)
    made.client.post("/mfa/enrol/", {"code": code})
    codes = made.get("/mfa/codes/").context["codes"]
    row = Session.objects.get(member=made.member)
    active = TOTPRegistration.objects.get(member=made.member)
    secrets = [given, active.reveal().hex(), code, *codes, row.reveal(), row.token_digest]
    kept = pending + json.dumps(session_of(made))
    assert len(codes) == 10
    assert [one for one in map(str, secrets) if one.lower() in kept.lower()] == []


# Which organization


def _of_host(request: Any) -> str | None:
    name, _, rest = request.get_host().partition(".")
    return name if rest else None


def test_a_mark_is_good_for_the_organization_of_its_host_alone(settings: Any, configure: Any, acme: Organization):
    settings.ALLOWED_HOSTS = [".testserver"]
    configure(ORGANIZATION_RESOLVER=_of_host)
    hooli = OrganizationFactory.create(name="Hooli", slug="hooli", mfa_policy="REQUIRED_FOR_ALL")
    made = person(acme, enrolled=True)
    secrets = {"acme.testserver": made.secret, "hooli.testserver": join(made, hooli, enrolled=True).secret}
    log_in(made.client, made.user)
    for host, secret in secrets.items():
        assert made.get("/inside/", HTTP_HOST=host)["Location"] == "/mfa/verify/?next=%2Finside%2F"
        made.client.post("/mfa/verify/", {"code": code_of(secret)}, HTTP_HOST=host)
        assert made.get("/inside/", HTTP_HOST=host).status_code == 200
    for host in secrets:
        with CaptureQueriesContext(connection) as seen:
            assert made.get("/inside/", HTTP_HOST=host).status_code == 200
        assert len(seen) == 2


def test_who_is_no_member_of_the_hosts_organization_is_told_so(
    settings: Any, configure: Any, acme: Organization, globex: Organization
):
    settings.ALLOWED_HOSTS = [".testserver"]
    configure(ORGANIZATION_RESOLVER=_of_host)
    made = visitor("verified", acme)
    for host in ("globex.testserver", "nowhere.testserver"):
        page = made.get("/inside/", HTTP_HOST=host)
        assert (page.status_code, RAN) == (403, [])
        assert "You aren&#x27;t a member of this organization." in page.content.decode()
        told = made.get("/inside/", "application/json", HTTP_HOST=host)
        assert (told.status_code, told.json()["error_type"], told["WWW-Authenticate"]) == (
            403,
            "not_a_member",
            "Bearer",
        )
    assert made.get("/inside/", HTTP_HOST="acme.testserver").status_code == 200


# The admin, files


@pytest.mark.parametrize(
    ("asked", "policy", "place"),
    [(True, "OPTIONAL", "/mfa/enrol/"), (False, "OPTIONAL", ""), (False, "REQUIRED_FOR_ALL", "/mfa/enrol/")],
)
def test_the_admin_asks_everybody_unless_told_otherwise(
    configure: Any, globex: Organization, asked: bool, policy: str, place: str
):
    configure(ADMIN_REQUIRES_MFA=asked)
    organizations.update(globex, actor=ACTOR, mfa_policy=policy)
    made = visitor("not_enrolled", globex, **STAFF)
    assert made.led_to("/admin/auth/user/") == place
    assert made.led_to("/admin/jsi18n/") == ""


def test_static_files_are_open_and_uploads_are_not(settings: Any, tmp_path: Any, acme: Organization):
    settings.STATIC_ROOT, settings.MEDIA_ROOT = str(tmp_path / "static"), tmp_path / "media"
    for root in ("static", "media"):
        (tmp_path / root).mkdir()
        (tmp_path / root / "file.txt").write_text(root)
    settings.ROOT_URLCONF = (
        *urls.urlpatterns,
        re_path(r"^files/(?P<path>.*)$", serve, {"document_root": tmp_path / "static"}),
        re_path(r"^uploads/(?P<path>.*)$", serve, {"document_root": settings.MEDIA_ROOT}),
        re_path(r"^all/(?P<path>.*)$", serve, {"document_root": tmp_path}),
    )
    made = visitor("password_only", acme)
    assert b"".join(made.get("/files/file.txt").streaming_content) == b"static"
    for path in ("/uploads/file.txt", "/all/static/file.txt", "/all/media/file.txt"):
        assert made.led_to(path) == "/mfa/verify/"
    made.client.raise_request_exception = False
    assert made.get("/files/../media/file.txt").status_code in (400, 404)
