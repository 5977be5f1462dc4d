"""The example's site, with the views beside it that tests need. Each writes down that its body ran."""

from typing import Any

from django.contrib.auth import alogin, get_user_model, login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.authentication import BaseAuthentication, BasicAuthentication, SessionAuthentication
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from example_project import urls
from stytch_totp.api.bearers import SessionJWTAuthentication, SessionTokenAuthentication
from tests.web.sites import RAN

BACKEND = "django.contrib.auth.backends.ModelBackend"


def _found(request: Any) -> Any:
    return get_user_model().objects.get(username=request.GET["as"])


def inside(request: HttpRequest) -> HttpResponse:
    RAN.append(str(request.user))
    return HttpResponse(f"inside {request.user}")


async def ainside(request: Any) -> HttpResponse:
    mfa = await request.amfa()
    RAN.append(str(mfa.user))
    return HttpResponse(f"inside {mfa.user} {mfa.organization.slug} {mfa.verified}")


@login_not_required
async def aopen(request: Any) -> HttpResponse:
    mfa = await request.amfa()
    return HttpResponse(f"open {mfa.verified} {mfa.required} {mfa.user is not None}")


def enter(request: HttpRequest) -> HttpResponse:
    """Logs somebody in and goes on, as a sign-up does, or a link in a mail."""
    login(request, _found(request), BACKEND)
    return HttpResponse("entered")


@login_not_required
def enter_openly(request: HttpRequest) -> HttpResponse:
    return enter(request)


async def aenter(request: HttpRequest) -> HttpResponse:
    await alogin(request, await get_user_model().objects.aget(username=request.GET["as"]), BACKEND)
    return HttpResponse("entered")


def become(request: HttpRequest) -> HttpResponse:
    """Takes somebody else for its user, behind the middleware's back."""
    request.user = _found(request)
    return inside(request)


def quietly_become(request: HttpRequest) -> HttpResponse:
    """The same, and whatever is raised is kept from everybody."""
    try:
        return become(request)
    except Exception:  # noqa: BLE001 - as frameworks do
        return HttpResponse("secret of " + request.GET["as"])


class TokenAuthentication(BaseAuthentication):
    """As rest_framework.authtoken's, with the user name for a token."""

    def authenticate(self, request: Request) -> tuple[Any, str] | None:
        scheme, _, name = request.headers.get("Authorization", "").partition(" ")
        return (get_user_model().objects.get(username=name), name) if scheme == "Token" else None


class Inside(APIView):
    authentication_classes = [
        SessionTokenAuthentication,
        SessionJWTAuthentication,
        TokenAuthentication,
        BasicAuthentication,
        SessionAuthentication,
    ]
    permission_classes = ()

    def get(self, request: Request) -> Response:
        name = str(request.user)
        RAN.append(name)
        return Response({"inside": name})


class InsideSet(ViewSet):
    authentication_classes = Inside.authentication_classes
    permission_classes = ()

    def list(self, request: Request) -> Response:
        return Inside().get(request)


@api_view(["GET"])
def inside_function(request: Request) -> Response:
    return Inside().get(request)


handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
urlpatterns = [
    path("again/login/", LoginView.as_view(redirect_authenticated_user=True)),
    path("again/reset/<uidb64>/<token>/", PasswordResetConfirmView.as_view(post_reset_login=True)),
    path("inside/", inside),
    path("inside/async/", ainside),
    path("open/async/", aopen),
    path("enter/", enter_openly),
    path("enter/guarded/", enter),
    path("enter/guarded/async/", aenter),
    path("become/", become),
    path("become/quietly/", quietly_become),
    path("drf/", Inside.as_view()),
    path("drf/set/", InsideSet.as_view({"get": "list"})),
    path("drf/function/", inside_function),
    *urls.urlpatterns,
]
