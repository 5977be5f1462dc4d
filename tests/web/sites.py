"""What tests put into a site to see how far a request comes."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

#: What stands for a parameter of a path.
VALUE = "1"
#: A path for each pattern that is a regular expression, by the name of its group.
SPELLED = {"app_label": "auth/", "url": "nonsense/", "": "v1/nonsense"}


def addresses(resolver: Any = None, prefix: str = "", route: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every URL pattern of the site: its route, a path that leads there, its view."""
    for one in (resolver or get_resolver()).url_patterns:
        path, whole = prefix + _spelled(one.pattern), route + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from addresses(one, path, whole)
        elif isinstance(one, URLPattern):
            yield whole, "/" + path, one.callback


def _spelled(pattern: Any) -> str:
    if not isinstance(pattern, RoutePattern):
        return SPELLED["".join(pattern.regex.groupindex)]
    words = str(pattern)
    for name, converter in pattern.converters.items():
        kind = next(k for k in (f"<{name}>", f"<str:{name}>", f"<path:{name}>", f"<int:{name}>") if k in words)
        words = words.replace(kind, converter.to_url(VALUE))
    return words


class _Middleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)


class Turnstile(_Middleware):
    """Last in MIDDLEWARE: answers for every view that the others let through, so that none need be called."""

    PASSED = 299

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse:
        return HttpResponse(status=self.PASSED)


class Watcher(_Middleware):
    """Last in MIDDLEWARE: writes down the views that the others let through."""

    seen: ClassVar[list[Any]] = []

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        self.seen.append(view)


#: Who stands there was let into the body of a guarded view.
RAN: list[str] = []


class NamedUser(_Middleware):
    """A gateway of the host's: whoever the header names is the user."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        _take_named(request)
        return self.get_response(request)


class NamedUserOfView(_Middleware):
    """The same, once the view is known."""

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        _take_named(request)


class Reader(_Middleware):
    """Asks what is known of the visitor, to write it into a log, say."""

    def __call__(self, request: Any) -> HttpResponse:
        _ = request.mfa.verified
        return self.get_response(request)


def _take_named(request: HttpRequest) -> None:
    if "X-User" in request.headers:
        request.user = get_user_model().objects.get(username=request.headers["X-User"])
