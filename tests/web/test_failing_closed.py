"""Whatever fails, nobody is let in; and sync or async makes no difference (MW-05)."""

import base64
import logging
from contextlib import suppress
from typing import Any
from unittest.mock import patch

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import OperationalError
from django.http import Http404
from django.test import AsyncClient, Client, RequestFactory

from stytch_totp import errors
from stytch_totp.models import Organization
from stytch_totp.web.middleware import MFAMiddleware
from tests.web.sites import RAN
from tests.web.visitors import (
    HTML,
    PASSWORD,
    STAFF,
    STATES,
    person,
    put_session,
    session_of,
    visitor,
)

pytestmark = [pytest.mark.usefixtures("more_views"), pytest.mark.sweep]


# Failing closed (MW-05)

CALLED = [
    "operations.users.memberships",
    "operations.sessions.of_visit",
    "operations.assurance.Assurance.refusal",
    "core.policy.gate",
    "core.factors.has_second",
    "core.factors.shown_at",
    "web.middleware.assess",
    "web.middleware.is_exempt",
    "web.middleware.is_admin",
    "web.middleware.answer",
    "web.middleware._guarded",
    "web.exemptions.is_admin",
    "web.visits.conf",
    "web.visits.now",
    "web.visits.has_second",
    "web.visits.factor",
    *(f"web.visits.Visit.{name}" for name in ("__init__", "remembered", "looked_up", "_choose", "_shown", "_primary")),
    *(f"web.visits.Visit.{name}" for name in ("_row", "_remember", "_note", "_stay", "_save")),
    *(f"web.challenges.{name}" for name in ("redirect_to", "private", "wants_page", "challenge", "envelope", "logout")),
]
RAISED = [
    *(RuntimeError, AttributeError, OperationalError, Http404),
    *(PermissionDenied, errors.ServiceUnavailable, errors.SessionNotFound),
]


@pytest.mark.parametrize("state", ["not_enrolled", "password_only", "not_chosen", "other_organization", "revoked"])
def test_mw05_nothing_that_fails_in_the_middleware_lets_anybody_through(
    acme: Organization, monkeypatch: Any, state: str
):
    made, asked = visitor(state, acme), 0
    kept, made.client.raise_request_exception = session_of(made), False
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    for name in CALLED:
        for raised in RAISED:
            for path, accept in (("/drf/", "application/json"), ("/inside/async/", HTML)):
                put_session(made, kept)
                with patch(f"stytch_totp.{name}", side_effect=raised):
                    answer = made.get(path, accept)
                assert RAN == [], (name, raised, path)
                assert answer.status_code >= 300, (name, raised, path)
                asked += 1
    print(f"{state}: {asked} failures")


def test_mw05_nothing_that_fails_lets_anybody_in_by_credentials(acme: Organization, monkeypatch: Any):
    made, client = person(acme, enrolled=True), Client(raise_request_exception=False)
    basic = base64.b64encode(f"{made.user.username}:{PASSWORD}".encode()).decode()
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    for name in CALLED:
        for raised in RAISED:
            with patch(f"stytch_totp.{name}", side_effect=raised):
                answer = client.get("/drf/", headers={"Authorization": f"Basic {basic}"})
            assert (answer.status_code >= 400, RAN) == (True, []), (name, raised)


def test_mw05_a_database_that_fails_is_answered_as_trouble_and_not_as_a_page(acme: Organization):
    made = visitor("unchecked", acme)
    made.client.raise_request_exception = False
    for name in ("operations.users.memberships", "operations.sessions.of_visit"):
        with patch(f"stytch_totp.{name}", side_effect=OperationalError):
            assert made.get("/inside/").status_code >= 500
            assert made.client.post("/inside/").status_code >= 500
    assert RAN == []
    assert made.led_to() == ""


def test_the_middleware_says_so_where_nobody_has_found_out_the_user():
    with pytest.raises(ImproperlyConfigured, match="AuthenticationMiddleware"):
        MFAMiddleware(lambda request: request)(RequestFactory().get("/"))


# Sync and async


@pytest.mark.parametrize("state", STATES)
def test_mw05_sync_and_async_answer_alike(acme: Organization, state: str):
    made, compared, clients = visitor(state, acme, **STAFF), 0, (Client(), AsyncClient())
    kept = session_of(made)
    for path in ("/inside/", "/inside/async/", "/open/async/", "/drf/", "/settings/", "/admin/", "/mfa/", "/spa/"):
        for verb, accept in (("get", HTML), ("get", "application/json"), ("post", HTML), ("delete", "*/*")):
            answers = []
            for client in clients:
                made.client = client
                put_session(made, kept)
                ask: Any = getattr(client, verb) if isinstance(client, Client) else async_to_sync(getattr(client, verb))
                answers.append(_said(ask(path, headers={"Accept": accept})))
            assert answers[0] == answers[1], (path, verb)
            compared += 1
    print(f"{state}: {compared} pairs")


def _said(answer: Any) -> tuple[Any, ...]:
    headers = ("Location", "WWW-Authenticate", "Cache-Control", "Content-Type", "Referrer-Policy", "Allow")
    kind = ""
    with suppress(ValueError):
        kind = answer.json().get("error_type", "")
    return answer.status_code, kind, *(answer.get(name) for name in headers)


def test_an_async_view_awaits_what_is_known_of_its_visitor(acme: Organization, globex: Organization):
    strong, free = visitor("verified", acme), visitor("not_enrolled", globex)
    assert strong.get("/inside/async/").content.decode() == f"inside {strong.user} acme True"
    assert free.get("/inside/async/").content.decode() == f"inside {free.user} globex False"
    assert Client().get("/open/async/").content == b"open False False False"
    assert visitor("password_only", acme).get("/open/async/").content == b"open False True True"
