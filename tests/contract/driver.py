"""The official SDKs, every answer checked: Python's, called plainly or through its ``_async`` twins, and Node's."""

import inspect
import json
import subprocess
from collections.abc import AsyncIterable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import unquote, urlsplit

import pydantic
import pytest
from stytch.core.client_base import ClientBase
from stytch.core.response_base import StytchError, StytchErrorDetails

from tests.contract import openapi

#: What a module of tests over an SDK is marked with: what the SDK does with its libraries is not ours to fix.
SDK_TESTS = [
    pytest.mark.live,
    pytest.mark.filterwarnings("ignore:The `dict` method is deprecated"),  # of its own models
    pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning"),  # of aiohttp
]
NODE = Path(__file__).parent / "node"
Run = Callable[[Coroutine[Any, Any, Any]], Any]
Ask = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Exchange:
    """A call that an SDK made, its path as it was sent."""

    method: str
    path: str
    query: str
    status: int
    body: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {unquote(self.path)}"


class Driver:
    """``driver.totps.create(...)`` calls ``totps.create`` of an SDK and returns when that is answered.

    So one test tells one story whichever SDK it is told through. ``exchanges`` has all that was sent to the API
    and came back; an answer that doesn't fit the API raises Misfit out of the call.
    """

    run: Run | None = None

    def __init__(self, client: ClientBase) -> None:
        self.client = client
        self.exchanges: list[Exchange] = []

    def __getattr__(self, name: str) -> "_Named":
        return _Named(self, (name,))

    def call(self, path: tuple[str, ...], *args: Any, **options: Any) -> Any:
        raise NotImplementedError

    def note(self, method: str, url: str, status: int, content_type: str, body: Any) -> None:
        place = urlsplit(url)
        self.exchanges.append(Exchange(method, place.path, place.query, status, body))
        openapi.check(method, place.path, status, content_type, body)


@dataclass(frozen=True)
class _Named:
    """A resource or a method of an SDK, by the names that lead to it."""

    driver: Driver
    path: tuple[str, ...]

    def __getattr__(self, name: str) -> "_Named":
        return _Named(self.driver, (*self.path, name))

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self.driver.call(self.path, *args, **options)


class PythonDriver(Driver):
    """Python's SDK; with ``run``, its ``_async`` methods in that event loop."""

    def __init__(self, client: ClientBase, run: Run | None = None) -> None:
        super().__init__(client)
        self.run = run
        self._watch(client.async_client if run else client.sync_client)

    def call(self, path: tuple[str, ...], *args: Any, **options: Any) -> Any:
        *way, name = path
        answer = getattr(reduce(getattr, way, self.client), name + "_async" if self.run else name)(*args, **options)
        if self.run:
            return self.run(_all(answer) if inspect.isasyncgen(answer) else answer)
        return list(answer) if inspect.isgenerator(answer) else answer

    def _watch(self, http: Any) -> None:
        """Look at what the SDK's HTTP client reads, before the SDK makes anything of it."""
        read = http._response_from_request

        def watched(response: Any) -> Any:
            answer = read(response)
            self._note(response.request.method, response.url, response.status_code, response.headers, answer)
            return answer

        async def watched_async(response: Any) -> Any:
            answer = await read(response)
            self._note(response.method, response.request_info.url, response.status, response.headers, answer)
            return answer

        http._response_from_request = watched_async if self.run else watched

    def _note(self, method: str, url: Any, status: int, headers: Any, answer: Any) -> None:
        self.note(method, str(url), status, headers.get("Content-Type", ""), answer.json)


async def _all(pages: AsyncIterable[Any]) -> list[Any]:
    return [page async for page in pages]


class ClientError(Exception):
    """What Node's SDK raises of itself, without the API's word. ``code`` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NodeDriver(Driver):
    """Node's SDK, called with the arguments of Python's; what it returns is read into the models of Python's.

    Node's own SDK checks nothing of an answer. ``client`` is the client of Python's SDK that it is likened to.
    """

    def __init__(self, client: ClientBase, ask: Ask, product: str, config: dict[str, str]) -> None:
        super().__init__(client)
        self._ask, self._place = ask, {"product": product, "config": config}

    def call(self, path: tuple[str, ...], *args: Any, **options: Any) -> Any:
        like = reduce(getattr, path, self.client)
        parameters = inspect.signature(like).parameters
        given = inspect.signature(like).bind(*args, **options).arguments
        data = {name: value for name, value in given.items() if value is not None or _required(parameters[name])}
        returned = get_type_hints(like)["return"]
        authorization = data.pop("method_options", None)
        try:
            result = self.ask(path, data, authorization)
        except ClientError as error:
            if error.code in ("jwt_invalid", "jwt_too_old") and returned == returned | None:
                return None  # as Python's says it
            raise
        if isinstance(result, list):
            return result
        return pydantic.TypeAdapter(returned).validate_python({"status_code": 200, "request_id": ""} | result)

    def ask(self, path: tuple[str, ...], data: Any, options: Any = None) -> Any:
        """What a method of Node's SDK returns for just this."""
        outcome = self._ask({**self._place, "path": path, "data": data, "options": options})
        for exchange in outcome["exchanges"]:
            self.note(**exchange)
        if "error" not in outcome:
            return outcome["result"]
        error = outcome["error"]
        raised, message = error.pop("raised"), error.pop("message")
        if raised == "StytchError":
            raise StytchError(StytchErrorDetails(**error, original_json=error))
        if raised == "ClientError":
            raise ClientError(error["code"], message)
        raise AssertionError(f"{raised}: {message}")


def _required(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty


@contextmanager
def node() -> Iterator[Ask]:
    """Node's SDK in a process of its own, installed if need be."""
    if not (NODE / "node_modules" / "stytch").is_dir():
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=NODE, check=True)
    pipe = subprocess.PIPE
    with subprocess.Popen(["node", "driver.js"], cwd=NODE, stdin=pipe, stdout=pipe, encoding="utf-8") as process:

        def ask(question: dict[str, Any]) -> dict[str, Any]:
            process.stdin.write(json.dumps(question, default=_plain) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            assert line, "node ended; what it said is among the captured output"
            return json.loads(line)

        yield ask


def _plain(model: pydantic.BaseModel) -> Any:
    return model.model_dump(mode="json", exclude_none=True)


def refusal(call: Callable[..., Any], *args: Any, **options: Any) -> StytchErrorDetails:
    """What an SDK raises for a call that is refused."""
    with pytest.raises(StytchError) as raised:
        call(*args, **options)
    return raised.value.details


def refused(call: Callable[..., Any], *args: Any, **options: Any) -> tuple[int, str | None]:
    """Status and ``error_type`` of a call that is refused."""
    details = refusal(call, *args, **options)
    return details.status_code, details.error_type
