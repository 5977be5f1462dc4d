"""What fails outside a view: in the envelope below the API's root, and Django's own page elsewhere."""

import json

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client, RequestFactory

from stytch_totp.api import handlers

CASES = [
    (handlers.bad_request, [ValueError()], 400, "bad_request"),
    (handlers.permission_denied, [PermissionDenied()], 403, "session_authorization_error"),
    (handlers.page_not_found, [Http404()], 404, "route_not_found"),
    (handlers.server_error, [], 500, "internal_server_error"),
]


@pytest.mark.parametrize(("handler", "arguments", "status", "error_type"), CASES)
@pytest.mark.parametrize("path", ["/v1/b2b/totp", "/sdk/v1/b2b/totp"])
def test_below_the_root_of_the_api_the_envelope_answers(handler, arguments, status, error_type, path):
    response = handler(RequestFactory().get(path), *arguments)
    body = json.loads(response.content)
    assert (response.status_code, body["status_code"], body["error_type"]) == (status, status, error_type)
    assert response["Cache-Control"] == "no-store, private"


@pytest.mark.parametrize(("handler", "arguments", "status", "error_type"), CASES)
def test_elsewhere_django_answers(handler, arguments, status, error_type):
    response = handler(RequestFactory().get("/v1elsewhere"), *arguments)
    assert response.status_code == status
    assert b"<html" in response.content.lower()


def test_a_host_that_is_not_ours_is_told_so_in_json():
    response = Client(raise_request_exception=False).get("/v1/b2b/sessions", headers={"Host": "elsewhere.example"})
    assert response.status_code == 400
    assert response.json()["error_type"] == "bad_request"
