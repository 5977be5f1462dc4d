"""The mark on a view that owes no second factor: it shows nothing of anybody's, or judges by itself."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction


def mfa_exempt(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view that everybody is let through to, whatever they owe. Where else the given one is mounted it is guarded."""
    if iscoroutinefunction(view):

        @wraps(view)
        async def exempt(*args: Any, **kwargs: Any) -> Any:
            return await view(*args, **kwargs)

    else:

        @wraps(view)
        def exempt(*args: Any, **kwargs: Any) -> Any:
            return view(*args, **kwargs)

    exempt.mfa_exempt = True  # type: ignore[attr-defined]
    return exempt
