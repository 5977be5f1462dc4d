"""The official SDK, called the plain way or through its ``_async`` twins, with every answer checked."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from stytch import B2BClient
from stytch.core.response_base import StytchError, StytchErrorDetails

from tests.contract import openapi

#: What a module of tests over the SDK is marked with: what the SDK does with its libraries is not ours to fix.
SDK_TESTS = [
    pytest.mark.live,
    pytest.mark.filterwarnings("ignore:The `dict` method is deprecated"),  # of its own models
    pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning"),  # of aiohttp
]
Run = Callable[[Coroutine[Any, Any, Any]], Any]


@dataclass(frozen=True)
class Exchange:
    """A call that the SDK made, its path as it was sent."""

    method: str
    path: str
    query: str
    status: int
    body: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {unquote(self.path)}"


class Driver:
    """``driver.totps.create(...)`` calls ``totps.create``, or ``totps.create_async`` in the event loop of ``run``.

    A call returns when it is answered, so that one test tells one story both ways. ``exchanges`` has all that
    was sent to the API and came back; an answer that doesn't fit the API raises Misfit out of the call.
    """

    def __init__(self, client: B2BClient, run: Run | None = None) -> None:
        self.client, self.run = client, run
        self.exchanges: list[Exchange] = []
        self._watch(client.async_client if run else client.sync_client)

    def __getattr__(self, name: str) -> "_Resource":
        return _Resource(getattr(self.client, name), self.run)

    def _watch(self, http: Any) -> None:
        """Look at what the SDK's HTTP client reads, before the SDK makes anything of it."""
        read = http._response_from_request

        def watched(response: Any) -> Any:
            answer = read(response)
            self._note(response.request.method, str(response.url), response.status_code, response.headers, answer.json)
            return answer

        async def watched_async(response: Any) -> Any:
            answer = await read(response)
            self._note(response.method, str(response.request_info.url), response.status, response.headers, answer.json)
            return answer

        http._response_from_request = watched_async if self.run else watched

    def _note(self, method: str, url: str, status: int, headers: Any, body: Any) -> None:
        place = urlsplit(url)
        self.exchanges.append(Exchange(method, place.path, place.query, status, body))
        openapi.check(method, place.path, status, headers.get("Content-Type", ""), body)


class _Resource:
    def __init__(self, inner: Any, run: Run | None) -> None:
        self.inner, self.run = inner, run

    def __getattr__(self, name: str) -> "_Resource":
        is_method = self.run and callable(getattr(self.inner, name))
        return _Resource(getattr(self.inner, name + "_async" if is_method else name), self.run)

    def __call__(self, *args: Any, **options: Any) -> Any:
        answer = self.inner(*args, **options)
        return self.run(answer) if self.run else answer


def refusal(call: Callable[..., Any], *args: Any, **options: Any) -> StytchErrorDetails:
    """What the SDK raises for a call that is refused."""
    with pytest.raises(StytchError) as raised:
        call(*args, **options)
    return raised.value.details


def refused(call: Callable[..., Any], *args: Any, **options: Any) -> tuple[int, str | None]:
    """Status and ``error_type`` of a call that is refused."""
    details = refusal(call, *args, **options)
    return details.status_code, details.error_type
