"""Errors meet HTTP here, and only here."""

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404
from rest_framework import exceptions as drf
from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.envelope import UNAVAILABLE, envelope, unavailable
from stytch_totp.scrubbing import hush

logger = logging.getLogger("stytch_totp")

_TRANSLATIONS: tuple[tuple[type[Exception], type[errors.StytchError]], ...] = (
    (Http404, errors.RouteNotFound),
    (drf.NotFound, errors.RouteNotFound),
    (drf.MethodNotAllowed, errors.RouteNotFound),
    (drf.UnsupportedMediaType, errors.UnsupportedMediaType),
    (drf.NotAuthenticated, errors.UnauthorizedCredentials),
    (drf.AuthenticationFailed, errors.UnauthorizedCredentials),
    (RequestDataTooBig, errors.PayloadTooLarge),
    (SuspiciousOperation, errors.BadRequest),
)


def translate(exception: Exception, request: Request) -> errors.StytchError:
    """The refusal that an exception amounts to. What nobody foresaw is logged and lets nobody in."""
    if isinstance(exception, errors.StytchError):
        return exception
    if isinstance(exception, drf.ValidationError):
        return errors.BadRequest(_explain(exception.detail))
    for known, translation in _TRANSLATIONS:
        if isinstance(exception, known):
            return translation()
    if isinstance(exception, UNAVAILABLE):
        return unavailable(exception)
    # Its words may quote a code or a password. The request goes along for its filter, which a mail of the error uses:
    # without one Django shows the locals of every frame.
    http_request = request._request  # noqa: SLF001
    hush(exception, {**request.headers, "body": getattr(request, "_full_data", None)})  # as far as it was read
    logger.error("Unexpected %s", type(exception).__name__, exc_info=exception, extra={"request": http_request})
    return errors.InternalServerError()


def handle(exception: Exception, context: dict[str, Any]) -> Response:
    """The exception handler of our views.

    Unlike DRF's it marks no transaction for rollback: with the failed request a failure count would go, and with
    the failure count the budget.
    """
    view = context["view"]
    error = translate(exception, context["request"])
    if type(error) in view.words:
        error = view.words[type(error)](retry_after=error.retry_after)
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else None
    body = envelope(error, view.request_id, product=view.product)
    return Response(body, status=error.status_code, headers=headers)


def _explain(detail: Any, name: str = "") -> str:
    """The first complaint of a serializer, with the field's name."""
    if isinstance(detail, dict):
        field, inner = next(iter(detail.items()))
        return _explain(inner, f"{name}.{field}" if name else str(field))
    if isinstance(detail, list):
        return _explain(detail[0], name)
    return f"{name}: {detail}" if name else str(detail)
