"""For single views: a second factor whatever the policy, and one that was shown lately."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

from stytch_totp.conf import conf
from stytch_totp.exempt import mfa_exempt
from stytch_totp.web.challenges import answer

__all__ = ["MFARequiredMixin", "mfa_exempt", "mfa_required", "step_up"]

View = Callable[..., Any]


def mfa_required(view: View) -> View:
    """Show ``view`` only to who has shown a second factor in this session, whatever the organization's policy.

    Who has none yet is led to enrol one, who isn't logged in to log in.
    """
    return _guarded(view, lambda: {"demanded": True})


def step_up(max_age: int | None = None) -> Callable[[View], View]:
    """Show the view only to who has shown a second factor within ``max_age`` seconds; by default ``STEP_UP_MINUTES``.

    For what a stolen session must not do: ``@step_up()``, ``step_up(300)(PasswordChangeView.as_view())``. Raises
    ValueError for an age that no factor could have.
    """
    if max_age is not None and max_age < 1:
        raise ValueError("max_age is a number of seconds, 1 or more")

    def demand() -> dict[str, Any]:
        age = max_age or conf().step_up_minutes * 60
        return {"max_age": age} if age else {"demanded": True}

    return lambda view: _guarded(view, demand)


class MFARequiredMixin:
    """``mfa_required`` for a class-based view, or ``step_up`` with ``mfa_max_age`` in seconds.

    Stands first of the bases.
    """

    mfa_max_age: int | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        guard = mfa_required if self.mfa_max_age is None else step_up(self.mfa_max_age)
        view: Any = super().dispatch  # type: ignore[misc]

        async def awaited(*inner: Any, **named: Any) -> Any:
            return await view(*inner, **named)

        return guard(awaited if getattr(self, "view_is_async", False) else view)(request, *args, **kwargs)


def _guarded(view: View, demand: Callable[[], dict[str, Any]]) -> View:
    if iscoroutinefunction(view):

        @wraps(view)
        async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            refused = await sync_to_async(refuse)(request, **demand())
            return refused or await view(request, *args, **kwargs)

    else:

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return refuse(request, **demand()) or view(request, *args, **kwargs)

    return guarded


def refuse(request: HttpRequest, *, demanded: bool = False, max_age: int | None = None) -> HttpResponse | None:
    """The answer to a request that has shown too little, or None."""
    mfa = getattr(request, "mfa", None)
    if mfa is None:
        raise ImproperlyConfigured("request.mfa is MFAMiddleware's: add it to MIDDLEWARE")
    refusal = mfa.refusal(demanded=demanded, max_age=max_age)
    return None if refusal is None else answer(request, refusal)
