"""``handler400`` and its siblings for a host's URLconf: what fails before a view is found, in the API's envelope.

Paths outside the API get Django's own pages.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from stytch_totp import errors
from stytch_totp.envelope import envelope, new_request_id

API_PATHS = ("/v1/", "/sdk/v1/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _json(request, errors.BadRequest) or defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _json(request, errors.SessionAuthorization) or defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _json(request, errors.RouteNotFound) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest, **_: Any) -> HttpResponse:
    return _json(request, errors.InternalServerError) or defaults.server_error(request)


def _json(request: HttpRequest, error: type[errors.StytchError]) -> HttpResponse | None:
    if not request.path.startswith(API_PATHS):
        return None
    body = envelope(error(), new_request_id())
    return JsonResponse(body, status=error.status_code, headers={"Cache-Control": "no-store, private"})
