"""``MFAMiddleware``: every view owes its organization's policy, unless the view itself says that it doesn't.

It judges the view that was resolved and not the path, so that no spelling of an address leads around it (MW-01).
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache, partial
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from stytch_totp import errors
from stytch_totp.conf import conf
from stytch_totp.envelope import UNAVAILABLE, unavailable
from stytch_totp.operations.assurance import NOBODY, Assurance
from stytch_totp.scrubbing import shield_own
from stytch_totp.web.challenges import answer, answer_program
from stytch_totp.web.exemptions import is_admin, is_exempt
from stytch_totp.web.visits import Visit, assess

_SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
_REDIRECTS = (301, 302, 303, 307, 308)
GetResponse = Callable[[HttpRequest], Any]


class MFAMiddleware:
    """Attaches ``request.mfa`` and lets nobody through to a guarded view who owes a second factor.

    ``request.mfa`` is an ``operations.assurance.Assurance`` that is found out when it is first asked; in an async view
    ``await request.amfa()`` where its ``member`` or ``organization`` is wanted. Stands behind AuthenticationMiddleware.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        if not hasattr(request, "user"):
            raise ImproperlyConfigured("MFAMiddleware stands behind AuthenticationMiddleware in MIDDLEWARE")
        request.mfa = _lazy(request)  # type: ignore[attr-defined]
        request.amfa = partial(_load, request)  # type: ignore[attr-defined]
        if self.is_async:
            return self._acall(request)
        response: HttpResponse = self.get_response(request)
        return _belated(request, response) or response

    async def _acall(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = await self.get_response(request)
        return await sync_to_async(_belated)(request, response) or response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        shield_own(request, view)
        if is_exempt(request, view, kwargs):
            return None
        try:
            return self._judge(request)
        except UNAVAILABLE as failure:
            return answer_program(request, unavailable(failure))

    def _judge(self, request: Any) -> HttpResponse | None:
        if request.mfa.user is not request.user:  # asked before another middleware let the user in
            request.mfa = _lazy(request)
        of_admin = is_admin(request) and request.user.is_authenticated
        if of_admin and request.method not in _SAFE:
            # Who was let go a second ago would make themselves another account.
            request.mfa = Visit(request, request.user).looked_up()
        demanded = of_admin and conf().admin_requires_mfa
        refusal = request.mfa.refusal(demanded=demanded)
        if refusal is not None:
            return answer(request, refusal)
        if not isinstance(request, _Guarded):
            request.mfa_came_as = _login(request)
            kind: Any = type(request)
            request.__class__ = _guarded(kind)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A member who was taken for granted is gone when the view asks for it."""
        return answer(request, exception) if isinstance(exception, errors.VisitEnded) else None


async def _load(request: HttpRequest) -> Assurance:
    """``request.mfa`` with all that it would ask the database for."""

    def load() -> Assurance:
        mfa: Assurance = request.mfa  # type: ignore[attr-defined]
        _ = mfa.organization
        return mfa

    return await sync_to_async(load)()


class _Guarded:
    """A request on its way through a guarded view: whoever is made its user meanwhile owes a second factor, too.

    Django REST framework's token and basic authentication let somebody in behind the middleware's back, when the view
    is running already; so may anything else that sets ``request.user`` (MW-03). It is stopped there and then, but for
    Django's ``login``, which must be finished: what its view answers is judged when it has.
    """

    @property
    def user(self) -> Any:
        return self.__dict__["user"]

    @user.setter
    def user(self, user: Any) -> None:
        self.__dict__["user"] = user
        request: Any = self
        if not getattr(user, "is_authenticated", False):
            request.mfa = NOBODY
            return
        if request.mfa.user is not user:  # else who let them in says what was shown: api/bearers.py
            request.mfa = _lazy(request)
            if Visit(request, user).is_of_session and _login(request) != request.mfa_came_as:
                request.mfa_entered = True
                return
        request.mfa_refusal = request.mfa.refusal()
        if request.mfa_refusal is not None:
            raise PermissionDenied


@cache
def _guarded(kind: Any) -> type[HttpRequest]:
    return type(f"Guarded{kind.__name__}", (_Guarded, kind), {})


def _login(request: Any) -> tuple[Any, ...]:
    """Whose session it is: Django's ``login`` changes some of it, even for a user who is logged in already."""
    session = request.session
    return session.get(SESSION_KEY), session.get(HASH_SESSION_KEY), session.session_key


def _lazy(request: HttpRequest) -> Any:
    return SimpleLazyObject(partial(assess, request))


def _belated(request: Any, response: HttpResponse) -> HttpResponse | None:
    """What takes the response's place where somebody came in while the view ran.

    Who was refused is, whatever a framework made of the exception. Who logged in and owes a factor may be led on, to
    where the middleware asks for it, but isn't shown a page: a view that logs in and goes on would serve it for ever.
    """
    if getattr(request, "mfa_refusal", None) is not None:
        return answer_program(request, request.mfa_refusal)
    leads_on = response.status_code in _REDIRECTS and response.has_header("Location")
    if getattr(request, "mfa_entered", False) and not leads_on:
        refusal = request.mfa.refusal()
        return None if refusal is None else answer(request, refusal)
    return None
