"""Stytch's browser SDK in a page, driven from Python, and what the page sent, got and said."""

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.contract.driver import SDK_TESTS

if TYPE_CHECKING:  # a run without these tests needs no Playwright
    from playwright.sync_api import ConsoleMessage, Request, Response
    from playwright.sync_api import Page as Tab

#: What a module of these tests is marked with.
BROWSER_TESTS = [*SDK_TESTS, pytest.mark.browser]
HERE = Path(__file__).parent
IST = "stytch_intermediate_session_token"
SESSION, JWT = "stytch_session", "stytch_session_jwt"
CLIENTS = {
    "b2b": ["@stytch/vanilla-js/b2b/headless", "StytchB2BClient"],
    "consumer": ["@stytch/vanilla-js/headless", "StytchClient"],
}

START = """async ([module, name, publicToken, options]) => {
    const sdk = await import(module);
    window.stytch = new sdk[name](publicToken, options);
}"""
CALL = """async ([path, values]) => {
    const names = path.split(".");
    const method = names.pop();
    const owner = names.reduce((object, name) => object[name], window.stytch);
    try {
        return { value: await owner[method](...values) };
    } catch (error) {
        return { error: { ...error, name: error.name, message: error.message } };
    }
}"""


@contextmanager
def serve_pages() -> Iterator[str]:
    """The origin of a server that has ``page.html`` and the npm packages."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(HERE))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


class Typings:
    """The SDK's typings, read by the TypeScript compiler in ``typings.mjs``."""

    def __init__(self) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(["node", "typings.mjs"], cwd=HERE, text=True, **pipes)

    def close(self) -> None:
        self.process.communicate()

    def check(self, client: str, call: str, value: Any) -> None:
        """Raises AssertionError with what keeps ``value`` from being what the call promises."""
        self.process.stdin.write(json.dumps({"client": client, "call": call, "value": value}) + "\n")
        self.process.stdin.flush()
        complaints = json.loads(self.process.stdout.readline())
        reasons = [f"{line:.200}" for complaint in complaints for line in complaint.splitlines()]
        assert not reasons, "\n".join([f"stytch.{call} returned {value!s:.200}", *reasons])


class Refused(Exception):
    """What the SDK threw, with the fields of its error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error)
        self.name = error["name"]
        self.answer = error.get("status_code"), error.get("error_type")


def refused(call: Callable[..., Any], *args: Any, **options: Any) -> tuple[int, str]:
    """Status and ``error_type`` of the StytchAPIError that a call throws."""
    with pytest.raises(Refused) as raised:
        call(*args, **options)
    assert raised.value.name == "StytchAPIError", raised.value
    return raised.value.answer


class Page:
    """``page.totp.create(expiration_minutes=60)`` is ``stytch.totp.create({expiration_minutes: 60})`` in the page.

    A call returns what the SDK does, and raises Refused for what it throws; every value has the type that the SDK's
    typings promise.
    """

    def __init__(self, tab: "Tab", client: str, *, origin: str, api: str, public_token: str, typings: Typings) -> None:
        self.tab, self.client, self.origin, self.api, self.public_token = tab, client, origin, api, public_token
        self.typings = typings
        self.requests: list[Request] = []
        self.responses: list[Response] = []
        self.console: list[ConsoleMessage] = []
        # Wrapped, since Playwright leaves a mark on a handler, which a built-in method doesn't take.
        tab.on("request", partial(self.requests.append))
        tab.on("response", partial(self.responses.append))
        tab.on("console", partial(self.console.append))

    def visit(self, origin: str) -> None:
        """Go to the same page of another origin."""
        self.origin = origin
        self.start()

    def start(self) -> None:
        """Open the page, or come back to it, and construct the client."""
        self.tab.goto(f"{self.origin}/page.html")
        options = {"endpoints": {"testAPIURL": self.api, "liveAPIURL": self.api}}
        self.tab.evaluate(START, [*CLIENTS[self.client], self.public_token, options])

    def settle(self) -> None:
        """Wait for the report that a client sends 0.8 s after its construction, the last that it does unasked."""
        if not any(_is_report(response) for response in self.responses):
            self.tab.wait_for_event("response", _is_report)

    def __getattr__(self, name: str) -> "_Member":
        return _Member(self, name)

    def call(self, path: str, *values: Any) -> Any:
        outcome = self.tab.evaluate(CALL, [path, values])
        if "error" in outcome:
            raise Refused(outcome["error"])
        value = outcome.get("value")
        if value is not None:
            self.typings.check(self.client, path, value)
        return value

    @property
    def cookies(self) -> dict[str, str]:
        """The page's cookies, which are all the SDK's."""
        return {cookie["name"]: cookie["value"] for cookie in self.tab.context.cookies(self.origin)}

    def sent(self, *, unasked: bool = False, **names: str) -> list[str]:
        """The requests that the calls made, in appendix A's spelling: ``sent(O=organization_id, M=member_id)``.

        ``unasked`` are those that a client makes when it is constructed.
        """
        lines = [self._line(request) for request in self.requests if request.url.startswith(self.api)]
        for name, value in names.items():
            lines = [line.replace(value, name) for line in lines]
        return [line for line in lines if ("/projects/" in line or "/events" in line) == unasked]

    def _line(self, request: "Request") -> str:
        authorization = request.headers.get("authorization", "Basic ").removeprefix("Basic ")
        public_token, _, token = base64.b64decode(authorization).decode().partition(":")
        assert public_token in ("", self.public_token)
        who = {"": "no auth", self.public_token: "pub:pub"}.get(token, "pub:sess")
        body = json.loads(request.post_data or "null")
        if isinstance(body, dict) and "intermediate_session_token" in body:
            body["intermediate_session_token"] = "<IST>"
        spelled = "" if body is None else " " + json.dumps(body, separators=(",", ":"))
        return f"{request.method} {urlsplit(request.url).path} {who}{spelled}"

    def check_manners(self) -> None:
        """What holds of every answer that a page on an allowed origin gets, errors included (contract 3.4)."""
        for response in self.responses:
            if response.url.startswith(self.api):
                asked, headers = response.request.all_headers(), response.all_headers()
                assert response.status == 200 or response.status >= 400, response.url
                assert headers["content-type"].partition(";")[0] == "application/json", response.url
                assert headers["access-control-allow-origin"] == asked["origin"], response.url
                assert headers["access-control-allow-credentials"] == "true", response.url
                assert "origin" in headers["vary"].lower(), response.url
                assert "set-cookie" not in headers, response.url


def _is_report(response: "Response") -> bool:
    return response.url.endswith("/sdk/v1/events")


class _Member:
    """A part of the client: a function, or an object of functions."""

    def __init__(self, page: Page, path: str) -> None:
        self.page, self.path = page, path

    def __getattr__(self, name: str) -> "_Member":
        return _Member(self.page, f"{self.path}.{name}")

    def __call__(self, *values: Any, **options: Any) -> Any:
        return self.page.call(self.path, *values, *([options] if options else []))
