"""Which origins django-cors-headers is told to answer; what it answers is tried through the API."""

import pytest
from corsheaders.signals import check_request_enabled
from django.apps import apps
from django.test import RequestFactory

from stytch_totp import cors

OURS = "https://app.example.org"


def allowed(path="/sdk/v1/b2b/totp", **headers):
    return cors.is_allowed(RequestFactory().get(path, headers=headers))


@pytest.mark.parametrize("path", ["/sdk/v1/", "/sdk/v1/b2b/totp", "/sdk/v1/no/such/route"])
def test_ap07_a_listed_origin_may_call_the_browser_api(path):
    assert allowed(path, Origin=OURS)


@pytest.mark.parametrize(
    "path", ["/v1/b2b/totp", "/", "/sdk/v1", "/sdk/v10/x", "/SDK/v1/x", "/x/sdk/v1/y", "//sdk/v1/x"]
)
def test_ap03_nothing_else_is_opened_by_it(path):
    assert not allowed(path, Origin=OURS)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "*",
        "",
        "http://app.example.org",
        "https://app.example.org/",
        "https://app.example.org:443",
        "https://app.example.org:8443",
        "https://app.example.org.",
        "https://APP.example.org",
        "HTTPS://app.example.org",
        "https://app.example.org.evil.example",
        "https://evil-app.example.org",
        "https://x.app.example.org",
        "https://example.org",
        "https://app.example.org@evil.example",
        "https://user@app.example.org",
        "https://app.example.org, https://evil.example",
        "https://evil.example, https://app.example.org",
        " https://app.example.org",
        "https://app-example.org",
        "https://app.example.org%2eevil.example",
        "https://app.ex\u0430mple.org",
        "https://app.example.org#",
        "https://app.example.org?",
        "https:app.example.org",
        "//app.example.org",
    ],
    ids=ascii,
)
def test_ap07_an_origin_is_compared_letter_by_letter(origin):
    assert not allowed(Origin=origin)


def test_without_an_origin_nothing_is_opened():
    assert not allowed()
    assert not allowed(Referer=OURS)
    assert not allowed(**{"X-SDK-Parent-Host": OURS})


def test_ap07_origins_are_the_settings_and_each_of_them(configure):
    configure(ALLOWED_ORIGINS=["https://a.example", "http://localhost:3000"])
    assert [allowed(Origin=one) for one in ("https://a.example", "http://localhost:3000", OURS)] == [True, True, False]
    configure(ALLOWED_ORIGINS=[])
    assert not allowed(Origin="https://a.example")


def test_the_site_answers_what_is_asked_of_it():
    request = RequestFactory().get("/sdk/v1/x", headers={"Origin": OURS})
    assert [answer for receiver, answer in check_request_enabled.send(None, request=request)] == [True]


@pytest.mark.parametrize("installed", [True, False])
def test_a_site_without_cors_headers_is_not_asked_for_it(monkeypatch, installed):
    assert check_request_enabled.disconnect(dispatch_uid="stytch_totp")
    monkeypatch.setattr(apps, "is_installed", lambda name: installed and name == "corsheaders")
    try:
        cors.connect()
        assert check_request_enabled.has_listeners() is installed
    finally:
        monkeypatch.undo()
        cors.connect()
