"""What every endpoint shares: who is let in, what is read, how it is answered."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cache, cached_property
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

from django.http import HttpRequest
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.viewsets import ViewSet

from stytch_totp import errors
from stytch_totp.api import exceptions
from stytch_totp.api.callers import BackEnd, MemberBehindBackEnd
from stytch_totp.api.parsers import StrictJSONParser
from stytch_totp.envelope import new_request_id
from stytch_totp.models import Organization
from stytch_totp.operations.audit import Actor
from stytch_totp.scrubbing import shield
from stytch_totp.whereabouts import whereabouts

#: What a member or a page may not write. An external id is what back ends find a tenant by: whoever took another's
#: would be found in its place.
BACK_ENDS_WRITE = {
    "trusted_metadata": errors.CannotUpdateTrustedMetadata,
    "organization_external_id": errors.SessionAuthorization,
}

Action = TypeVar("Action", bound=Callable[..., Response])


def reads(*shapes: type[Serializer[Any]]) -> Callable[[Action], Action]:
    """Says in what shapes an action reads its request, so that the OpenAPI document knows it, too."""

    def marked(action: Action) -> Action:
        action.shapes = shapes  # type: ignore[attr-defined]
        return action

    return marked


@cache
def _shared(shape: type[Serializer[Any]]) -> Serializer[Any]:
    """One instance for all requests: validation keeps no state, and building the fields takes longer than it."""
    return shape()


class JSONOnly(BaseContentNegotiation):
    """JSON in, JSON out, whatever the client says it would accept."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        declared = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == declared), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class StytchViewSet(ViewSet):
    """Answers in Stytch's envelope and leaves the host's REST_FRAMEWORK settings to the host."""

    #: The product that a dialect speaks for.
    kind: Organization.Kind | None = None
    #: Where Stytch documents the product's errors.
    product = ""
    #: What the product says instead of what operations raise, where it has a word of its own.
    words: Mapping[type[errors.StytchError], type[errors.StytchError]] = {}
    #: The actions that a back end may call on behalf of a member; each asks whether the member's roles permit it.
    by_members: Collection[str] = ()
    cache_control = "no-store, private"
    parser_classes = (StrictJSONParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = JSONOnly
    permission_classes = ()  # an authentication class lets in or raises; there is no third answer
    throttle_classes = ()
    versioning_class = None
    metadata_class = None

    @cached_property
    def request_id(self) -> str:
        return new_request_id()

    @property
    def caller(self) -> Any:
        """The back end, member or page that asks: one of ``api.callers``."""
        return self.request.user

    @property
    def actor(self) -> Actor:
        actor: Actor = self.caller.actor(self.request_id, self.kind)
        return replace(actor, **whereabouts(self.request))

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        shield(request)  # before anything can fail: a body has codes and passwords in it, and so has any local variable
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if isinstance(self.caller, MemberBehindBackEnd) and self.action not in self.by_members:
            raise errors.SessionAuthorization("This call isn't served on behalf of a member.")

    def read(self) -> dict[str, Any]:
        """The body, or on GET the query, in the shape that the action ``reads``. Raises its errors or BadRequest."""
        [data] = self.read_each()
        return data

    def read_each(self) -> list[dict[str, Any]]:
        """The same in each of several shapes, for what goes different ways."""
        given: Any = self.request.query_params.dict() if self.request.method in ("GET", "HEAD") else self.request.data
        heard = {name: value for name, value in given.items() if name not in self.caller.unheard}
        return [dict(_shared(shape).run_validation(heard)) for shape in getattr(self, self.action).shapes]

    def columns(self, data: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
        """A body as columns, by the ``names`` that differ. What only a back end may write is refused to others."""
        for name in () if self.caller.vouches else BACK_ENDS_WRITE.keys() & data.keys():
            raise BACK_ENDS_WRITE[name](f"{name} is the back end's to write.")
        return {names.get(name, name): value for name, value in data.items()}

    def answer(self, **fields: Any) -> Response:
        return Response({"status_code": 200, "request_id": self.request_id, **fields})

    def for_pages(self, **fields: Any) -> dict[str, Any]:
        """What the browser SDK's typings have beside the server API's answer."""
        return {} if isinstance(self.caller, BackEnd) else fields

    def get_exception_handler(self) -> Any:
        return exceptions.handle

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
        raise errors.RouteNotFound

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        # Secrets and tokens are in these answers: no cache between us and the caller may keep one.
        caching = self.cache_control if response.status_code == HTTPStatus.OK else StytchViewSet.cache_control
        response["Cache-Control"] = caching
        response["X-Content-Type-Options"] = "nosniff"
        if "no-store" in caching:
            response["Pragma"] = "no-cache"
        return response


class NotServed(StytchViewSet):
    """Everything below the API's root that is no endpoint: JSON, not Django's page."""

    authentication_classes = ()

    def refuse(self, request: Request, **kwargs: Any) -> NoReturn:
        raise errors.RouteNotFound
