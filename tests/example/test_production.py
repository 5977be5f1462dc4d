"""The example under a name of its own, as a site would be deployed."""

import json

import pytest

from tests.example.test_example import checkout, run, start

__all__ = ["checkout"]

PRODUCTION = {"ALLOWED_HOSTS": "app.example.org"}
SETTINGS = """
import json
from django.conf import settings
names = [
    "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SESSION_COOKIE_SECURE",
    "CSRF_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "X_FRAME_OPTIONS",
    "SECURE_CONTENT_TYPE_NOSNIFF", "SECURE_REFERRER_POLICY", "SECURE_PROXY_SSL_HEADER", "DEBUG",
]
print(json.dumps({name: getattr(settings, name) for name in names}))
"""


def test_dj01_the_deployment_check_has_nothing_to_say(checkout):
    done = start(checkout, "manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no issues" in done.stdout


def test_dj02_the_settings_of_a_site_that_strangers_reach(checkout):
    found = json.loads(run(checkout, "shell", "--no-imports", "-c", SETTINGS, **PRODUCTION))
    assert found == {
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31536000,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "X_FRAME_OPTIONS": "DENY",
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "SECURE_PROXY_SSL_HEADER": None,
        "DEBUG": False,
    }


@pytest.mark.parametrize(
    ("given", "secure"),
    [
        ({}, False),
        ({"ALLOWED_HOSTS": "127.0.0.1,testserver"}, False),
        ({"ALLOWED_HOSTS": "*"}, False),
        ({"ALLOWED_HOSTS": "app.example.org", "DEBUG": "true"}, False),
        ({"ALLOWED_HOSTS": "app.example.org", "HTTPS": "false"}, False),
        ({"HTTPS": "true"}, True),
    ],
)
def test_tls_is_asked_for_where_browsers_come_over_the_network(checkout, given, secure):
    assert json.loads(run(checkout, "shell", "--no-imports", "-c", SETTINGS, **given))["SECURE_SSL_REDIRECT"] is secure


SEND = """
from unittest.mock import patch
from django.core import mail

class Called(Exception):
    pass

def call(host, port, **options):
    raise Called(host, options["timeout"])

with patch("smtplib.SMTP", call):
    try:
        mail.EmailMessage("subject", "body", "from@example.org", ["to@example.org"]).send()
    except Called as called:
        print(*called.args)
"""


def test_a_mail_server_that_does_not_answer_keeps_no_visitor_waiting(checkout):
    asked = run(checkout, "shell", "--no-imports", "-c", SEND, **PRODUCTION, EMAIL_HOST="mail.example.org")
    assert asked == "mail.example.org 5\n"
