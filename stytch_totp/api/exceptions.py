"""Errors meet HTTP here, and only here."""

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions as drf
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.core.sealing import SealError

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


def translate(exception: Exception) -> errors.StytchError:
    """The refusal that an exception amounts to. What nobody foresaw is logged and lets nobody in."""
    if isinstance(exception, errors.StytchError):
        return exception
    if isinstance(exception, drf.ValidationError):
        return errors.BadRequest(_explain(exception.detail))
    for known, translation in _TRANSLATIONS:
        if isinstance(exception, known):
            return translation()
    # An IntegrityError that no operation foresaw is a row that went while another was hung on it.
    if isinstance(exception, OperationalError | InterfaceError | IntegrityError):
        logger.warning("The database refused: %s", type(exception).__name__)
        return errors.ServiceUnavailable()
    if isinstance(exception, SealError):
        logger.error("A sealed value did not open: %s", type(exception).__name__)
        return errors.ServiceUnavailable()
    logger.error("Unexpected %s", type(exception).__name__, exc_info=exception)
    return errors.InternalServerError()


def envelope(error: errors.StytchError, request_id: str, *, product: str = "") -> dict[str, Any]:
    """The body of contract 0.4. ``product`` is ``b2b/`` for the B2B API."""
    body = {
        "status_code": error.status_code,
        "request_id": request_id,
        "error_type": error.error_type,
        "error_message": str(error),
        "error_url": f"https://stytch.com/docs/{product}api/errors/{error.status_code}#{error.error_type}",
    }
    return body | ({"error_details": error.details} if error.details else {})


def handle(exception: Exception, context: dict[str, Any]) -> Response:
    """The exception handler of our views.

    Unlike DRF's it marks no transaction for rollback: with the failed request a failure count would go, and with
    the failure count the budget.
    """
    view = context["view"]
    error = translate(exception)
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
