"""Guarded views that log somebody in themselves: the login is finished, and nothing is shown to who owes a factor."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import api_view, authentication_classes
from rest_framework.response import Response

from stytch_totp.models import Organization
from tests.web import urls
from tests.web.sites import RAN
from tests.web.visitors import visitor

pytestmark = pytest.mark.usefixtures("more_views")


def change_password(request: HttpRequest) -> HttpResponse:
    """As a host's own view may: the password is set, and the same user logged in again."""
    request.user.set_password("another long password")
    request.user.save()
    login(request, get_user_model().objects.get(pk=request.user.pk), urls.BACKEND)
    return HttpResponse("changed")


def create(request: HttpRequest) -> HttpResponse:
    """As a resource does that answers with what it made and where it is."""
    login(request, get_user_model().objects.get(username=request.GET["as"]), urls.BACKEND)
    return HttpResponse("made", status=201, headers={"Location": "/made/"})


class Machine:
    """Whom a key of the host's stands for: no Django user."""

    is_authenticated, pk = True, "machine-1"


class KeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Any) -> tuple[Machine, None]:
        return Machine(), None


@api_view(["GET"])
@authentication_classes([KeyAuthentication])
def serve_machines(request: Any) -> Response:
    return Response("served")


urlpatterns = [
    path("change/", change_password),
    path("create/", create),
    path("machines/", serve_machines),
    *urls.urlpatterns,
]


@pytest.fixture(autouse=True)
def _here(settings: Any, more_views: None) -> None:
    settings.ROOT_URLCONF = __name__


def test_a_login_of_the_same_user_with_a_new_password_is_finished_and_owes_the_factor(acme: Organization):
    made = visitor("verified", acme)
    response = made.get("/change/")
    assert (response.status_code, response["Location"].partition("?")[0]) == (302, "/mfa/verify/")
    made.user.refresh_from_db()
    assert made.user.check_password("another long password")
    assert made.client.session["stytch_totp"]["logged_in_at"]
    assert made.led_to("/inside/").startswith("/mfa/verify/")


def test_what_was_made_is_not_shown_to_whom_its_view_has_logged_in(acme: Organization):
    made, other = visitor("verified", acme), visitor("verified", acme)
    response = other.get(f"/create/?as={made.user.username}")
    assert response.status_code == 302
    assert b"made" not in response.content
    assert RAN == []


@pytest.mark.django_db
@pytest.mark.parametrize(("required", "status"), [(False, 200), (True, 403)])
def test_a_machine_that_is_no_user_owes_what_users_of_no_organization_owe(
    open_to_strangers, configure, required, status
):
    configure(USERS_REQUIRE_MFA=required)
    assert Client().get("/machines/").status_code == status
