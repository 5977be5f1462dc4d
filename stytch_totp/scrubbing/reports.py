"""Reports of errors: Django's pages and mails, and the events of error trackers."""

from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

from stytch_totp.scrubbing.forms import HIDDEN, hide_codes, is_secret
from stytch_totp.scrubbing.values import hide, scrub

_PACKAGE = __name__.partition(".")[0]
#: What a tracker's frame says of the source, which tells no value.
_SOURCE = ("context_line", "pre_context", "post_context")


class ReporterFilter(SafeExceptionReporterFilter):
    """Django's reports without any value of a local variable, a form field or a cookie, and without our settings.

    Which of a hundred locals holds a secret is nothing to be guessed: type, place and source lines are left. It holds
    under DEBUG, too, since such pages are copied into tickets. Our own views use it by themselves; name it in
    ``DEFAULT_EXCEPTION_REPORTER_FILTER`` for all of a site's.
    """

    cleansed_substitute = HIDDEN

    def is_active(self, request: HttpRequest | None) -> bool:  # noqa: ARG002 - whatever is asked for
        return True

    def cleanse_setting(self, key: str | int, value: Any) -> Any:
        """Of settings and of ``request.META``."""
        if is_secret(key):
            return hide(value)
        cleansed = super().cleanse_setting(key, value)
        return scrub(cleansed) if isinstance(cleansed, str | bytes) else cleansed

    def get_safe_cookies(self, request: HttpRequest | None) -> dict[str, Any]:
        return dict.fromkeys(getattr(request, "COOKIES", ()), HIDDEN)

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return dict.fromkeys(request.POST, HIDDEN) if request is not None else {}

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> Any:  # noqa: ARG002
        return dict.fromkeys(tb_frame.f_locals, HIDDEN).items()


def shield(request: HttpRequest) -> None:
    """Have whatever goes wrong with ``request`` from here on reported by our filter, whatever the host's settings."""
    request.exception_reporter_filter = ReporterFilter()


def shield_own(request: HttpRequest, view: Callable[..., Any]) -> None:
    """The same, if the resolved ``view`` is one of ours: a host's own pages keep the host's filter."""
    if _is_ours(getattr(view, "__module__", "")):
        shield(request)


def scrub_event(event: dict[str, Any], hint: Any = None) -> dict[str, Any]:  # noqa: ARG001 - a tracker hands it over
    """An event as it may leave: Sentry's ``before_send``, ``before_send_transaction`` and ``before_breadcrumb``.

    Of a stack that runs through this package no local variable's value is left, as in ``ReporterFilter``.
    """
    scrubbed: dict[str, Any] = scrub(event)
    if not isinstance(scrubbed, dict):
        return {}
    for (holder, frames), (_, before) in zip(_stacks(scrubbed), _stacks(event), strict=False):
        ours = any(_is_ours(frame.get("module")) for frame in frames)
        if ours and isinstance(holder.get("value"), str):
            holder["value"] = hide_codes(holder["value"])
        for frame, original in zip(frames, before, strict=False):
            frame.update({name: original[name] for name in _SOURCE if name in original})
            if ours and frame.get("vars"):
                frame["vars"] = dict.fromkeys(frame["vars"], HIDDEN)
    return scrubbed


def _is_ours(module: object) -> bool:
    return str(module).partition(".")[0] == _PACKAGE


def _stacks(event: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """What has a stack trace, an exception say, and the trace's frames."""
    holders: list[Any] = [event]
    for name in ("exception", "threads"):
        listed = event.get(name)
        values = listed.get("values") if isinstance(listed, dict) else listed
        holders += values if isinstance(values, list | tuple) else ()
    for holder in holders:
        trace = holder.get("stacktrace") if isinstance(holder, dict) else None
        frames = trace.get("frames") if isinstance(trace, dict) else None
        if isinstance(frames, list | tuple):
            yield holder, [frame for frame in frames if isinstance(frame, dict)]
