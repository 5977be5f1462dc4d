"""The API as an OpenAPI document. It needs the extra ``openapi``: drf-spectacular.

What is asked comes from the URL table and from what each action ``reads``. What is answered is Stytch's, and described
by Stytch's SDKs and documentation; here it is the envelope that all answers share.
"""

import inspect
from functools import cache
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
    OpenApiViewExtension,
)
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.serializers import Serializer

from stytch_totp import __version__
from stytch_totp.api.authentication import MEMBER_SESSION_HEADERS, PARENT_HOST, PublicTokenAuthentication
from stytch_totp.api.renderers import EnvelopeRenderer
from stytch_totp.api.views import NotServed, StytchViewSet
from stytch_totp.exempt import mfa_exempt

TEXT = {"type": "string"}
ANSWER = {
    "type": "object",
    "description": "The fields that Stytch's API answers here, beside these two.",
    "properties": {"status_code": {"type": "integer", "enum": [200]}, "request_id": TEXT},
    "required": ["status_code", "request_id"],
    "additionalProperties": {},
}
ERROR = {
    "type": "object",
    "properties": {
        "status_code": {"type": "integer"},
        "request_id": TEXT,
        "error_type": TEXT,
        "error_message": TEXT,
        "error_url": {"type": "string", "format": "uri"},
        "error_details": {"type": "object", "additionalProperties": {}},
    },
    "required": ["status_code", "request_id", "error_type", "error_message", "error_url"],
    "additionalProperties": False,
}


class StytchSchema(AutoSchema):
    """An operation of our views, whatever schema class the host's settings name."""

    view: Any

    def is_excluded(self) -> bool:
        return isinstance(self.view, NotServed)

    def get_description(self) -> str:  # type: ignore[override]
        return inspect.cleandoc(getattr(self.view, self.view.action).__doc__ or "")

    def get_operation_id(self) -> str:
        words = self.path.replace("{", "").replace("}", "").split("/")
        return "_".join([self.method.lower(), *filter(None, words)])

    def get_tags(self) -> list[str]:
        return ["b2b" if "b2b" in self.path.split("/") else "consumer"]

    def get_serializer_name(self, serializer: Serializer[Any], direction: str) -> str:
        """Both products have an ``AuthenticateInput``, and more than one: the module tells them apart."""
        return ".".join([*type(serializer).__module__.split(".")[2:], type(serializer).__name__])

    def get_request_serializer(self) -> Serializer[Any] | None:
        shapes = getattr(getattr(self.view, self.view.action), "shapes", ())
        return _together(shapes)() if shapes else None

    def get_override_parameters(self) -> list[Any]:
        query = self.get_request_serializer() if self.method == "GET" else None
        return [*([query] if query else []), *self._headers()]

    def get_response_serializers(self) -> Any:
        answer = self._component("Answer", ANSWER)
        if EnvelopeRenderer in self.view.renderer_classes:
            answer = {"type": "object", "properties": {"data": answer}, "required": ["data"]}
        return {
            200: OpenApiResponse(answer, "Done."),
            "default": OpenApiResponse(self._component("Error", ERROR), "Refused, with Stytch's ``error_type``."),
        }

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False  # an object is what every answer is

    def _headers(self) -> list[OpenApiParameter]:
        if PublicTokenAuthentication in self.view.authentication_classes:
            text = "The page's origin, as the browser SDK names it beside ``Origin``."
            return [OpenApiParameter(PARENT_HOST, str, "header", description=text)]
        on_behalf = MEMBER_SESSION_HEADERS.values() if self.view.action in self.view.by_members else ()
        text = "The session of the member on whose behalf the call is made; its roles decide."
        return [OpenApiParameter(header, str, "header", description=text) for header in on_behalf]

    def _component(self, name: str, schema: dict[str, Any]) -> dict[str, Any]:
        component = ResolvedComponent(name, ResolvedComponent.SCHEMA, schema, name)
        self.registry.register_on_missing(component)
        return dict(component.ref)


@cache
def _together(shapes: tuple[type[Serializer[Any]], ...]) -> type[Serializer[Any]]:
    """One shape with the fields of all."""
    if len(shapes) == 1:
        return shapes[0]
    return type("".join(shape.__name__ for shape in shapes), shapes, {"__module__": shapes[0].__module__})


class _Views(OpenApiViewExtension):
    target_class = "stytch_totp.api.views.StytchViewSet"
    match_subclasses = True

    def view_replacement(self) -> type[StytchViewSet]:
        return type(self.target.__name__, (self.target,), {"schema": StytchSchema()})


class _Fields(OpenApiSerializerFieldExtension):
    target_class = "stytch_totp.api.inputs.StrictField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return dict(self.target.schema)


class _BackEnds(OpenApiAuthenticationExtension):
    target_class = "stytch_totp.api.authentication.ProjectAuthentication"
    name = "project"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "basic", "description": "Project id and secret."}


class _Pages(OpenApiAuthenticationExtension):
    target_class = "stytch_totp.api.authentication.PublicTokenAuthentication"
    name = "page"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        text = "A public token, and the session token or, where there is none, the public token again."
        return {"type": "http", "scheme": "basic", "description": text}


@cache
def document() -> dict[str, Any]:
    """The endpoints of ``stytch_totp.api.urls``, below no prefix. Made once a process."""
    generator = SchemaGenerator(urlconf="stytch_totp.api.urls")
    return {
        "openapi": "3.0.3",
        "info": {"title": "stytch_totp", "version": __version__, "description": "Stytch's API, hosted by this site."},
        "paths": generator.parse(None, public=True),
        "components": generator.registry.build({}),
    }


@mfa_exempt
@login_not_required
@require_safe
def openapi(_request: HttpRequest) -> JsonResponse:
    """The document as a page for everybody: there is nothing in it that isn't public."""
    return JsonResponse(document())
