"""The envelope that Stytch's browser SDK takes its answers out of."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from rest_framework.renderers import JSONRenderer


class EnvelopeRenderer(JSONRenderer):
    """``{"data": …}`` around a success; an error goes bare (contract 3.3)."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        if (renderer_context or {})["response"].status_code == HTTPStatus.OK:
            # The SDK keeps ``__user`` for itself and hands ``user`` to the page (contract 3.8).
            twice = {"__user": data["user"]} if "user" in data else {}
            data = {"data": {**data, **twice}}
        return super().render(data, accepted_media_type, renderer_context)
