"""What a refused request is answered: a visitor is sent where the refusal can be lifted, a program is told."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from stytch_totp import errors
from stytch_totp.envelope import challenge, envelope, new_request_id
from stytch_totp.operations.assurance import NOBODY
from stytch_totp.web.words import say

Response = TypeVar("Response", bound=HttpResponseBase)
NEXT = "next"
_PAGES: Mapping[type[errors.StytchError], str] = {
    errors.MFARequired: "stytch_totp:verify",
    errors.StepUpRequired: "stytch_totp:verify",
    errors.MFAEnrollmentRequired: "stytch_totp:enrol",
    errors.OrganizationNotChosen: "stytch_totp:switch",
}
#: The session that the visit had was revoked, or the member is gone: what is left is to log in again.
_ENDED = (errors.SessionNotFound, errors.UserUnauthenticated)


def answer(request: HttpRequest, error: errors.StytchError) -> HttpResponse:
    """The response to a request that may not reach its view."""
    return answer_visitor(request, error) if wants_page(request) else answer_program(request, error)


def answer_visitor(request: HttpRequest, error: errors.StytchError) -> HttpResponse:
    """Lead a visitor to where the refusal can be lifted, and on to where they were going; else say what is wrong."""
    _log_out_if_ended(request, error)
    if isinstance(error, _ENDED):
        return private(redirect_to_login(request.get_full_path()))
    if type(error) in _PAGES:
        return private(redirect_to(_PAGES[type(error)], request.get_full_path()))
    told = {
        "words": say(error),
        # Whoever failed to answer once isn't asked again.
        "mfa": NOBODY if isinstance(error, errors.ServiceUnavailable) else request.mfa,  # type: ignore[attr-defined]
        "several": isinstance(error, errors.OtherFactorRequired),
    }
    return private(render(request, "stytch_totp/refused.html", told, status=error.status_code))


def answer_program(request: HttpRequest, error: errors.StytchError) -> HttpResponse:
    """Tell a script what is wrong, what would lift it, and where."""
    _log_out_if_ended(request, error)
    if isinstance(error, _ENDED):
        error = errors.UserUnauthenticated()
    if type(error) in _PAGES:
        error.details["url"] = reverse(_PAGES[type(error)])
    response = JsonResponse(envelope(error, new_request_id()), status=error.status_code)
    response["WWW-Authenticate"] = challenge(error)
    return private(response)


def wants_page(request: HttpRequest) -> bool:
    """Whether a person navigates: a script that fetches gets JSON, though it accepts anything."""
    navigates = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    preferred = request.get_preferred_type(["text/html", "application/json"])
    return request.method in ("GET", "HEAD") and navigates and preferred == "text/html"


def redirect_to(page: str, following: str) -> HttpResponseRedirect:
    """To one of our pages, which leads on to ``following``."""
    query = "?" + urlencode({NEXT: following}) if following else ""
    return HttpResponseRedirect(reverse(page) + query)


def next_of(request: HttpRequest) -> str:
    """Where the visitor wanted to go: a place on this site, or "" (MW-06)."""
    wanted = request.POST.get(NEXT) or request.GET.get(NEXT, "")
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else ""


def uncached(view: Callable[..., Response]) -> Callable[..., Response]:
    """A view whose every answer is ``private``, also that of a decorator below this one."""

    @wraps(view)
    def kept_private(*args: Any, **kwargs: Any) -> Response:
        return private(view(*args, **kwargs))

    return kept_private


def private(response: Response) -> Response:
    """Keep an answer that depends on who asks, or that shows a secret, out of every cache (AP-08)."""
    response["Cache-Control"] = "no-store, private"
    response["Pragma"] = "no-cache"
    response["Referrer-Policy"] = "same-origin"
    return response


def _log_out_if_ended(request: HttpRequest, error: errors.StytchError) -> None:
    if isinstance(error, errors.SessionNotFound):
        logout(request)
