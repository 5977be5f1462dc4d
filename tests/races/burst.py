"""Clients that ask at the same instant: a connection each, opened beforehand, one barrier for all."""

import base64
import http.client
import json
import os
import statistics
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.live import ORIGIN, PROJECT_ID, SECRET

ROUNDS = int(os.environ.get("STYTCH_TOTP_RACE_ROUNDS", "2"))
FEW = max(1, ROUNDS // 2)  # of what is a variant of another race
CLIENTS = 64
NO_ANSWER = 0
_PATIENCE = 120  # seconds
_CSRF = "c" * 32


@dataclass(frozen=True)
class Call:
    path: str
    body: dict[str, Any] = field(default_factory=dict)
    method: str = "POST"
    user: str = PROJECT_ID
    password: str = SECRET

    @property
    def headers(self) -> dict[str, str]:
        credentials = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        origin = {"Origin": ORIGIN} if self.path.startswith("/sdk/") else {}
        return {"Authorization": f"Basic {credentials}", "Content-Type": "application/json", **origin}

    @property
    def payload(self) -> str | None:
        return json.dumps(self.body) if self.body else None


@dataclass(frozen=True)
class Submission(Call):
    """A form of the site's, sent by a visitor's browser. Accepted, it leads on: 302."""

    session_key: str = ""

    @property
    def headers(self) -> dict[str, str]:
        cookies = f"sessionid={self.session_key}; csrftoken={_CSRF}"
        return {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}

    @property
    def payload(self) -> str:
        return urlencode(self.body | {"csrfmiddlewaretoken": _CSRF})


@dataclass(frozen=True)
class Answer:
    """``status`` is NO_ANSWER when the connection broke instead. ``body`` is without the envelope that pages get."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]
    seconds: float

    @property
    def accepted(self) -> bool:
        """An API says so by 200; a page leads on, and by 200 shows the form again."""
        return self.status == (200 if self.headers.get("Content-Type") == "application/json" else 302)

    @property
    def error(self) -> str:
        return str(self.body.get("error_type", ""))


def burst(url: str, calls: Sequence[Call]) -> list[Answer]:
    """The answers to ``calls``, in their order, all sent at once."""
    barrier, answers = threading.Barrier(len(calls)), [_BROKEN] * len(calls)

    def client(place: int) -> None:
        connection = _connect(url)
        barrier.wait(_PATIENCE)
        answers[place] = _exchange(connection, calls[place])

    threads = [threading.Thread(target=client, args=[place]) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def one(url: str, call: Call) -> Answer:
    return _exchange(_connect(url), call)


def hang_up(url: str, call: Call) -> None:
    """Send ``call`` and go away without waiting for the answer."""
    connection = _connect(url)
    connection.request(call.method, call.path, call.payload, call.headers)
    connection.close()


def statuses(answers: Sequence[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def succeeded(answers: Sequence[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.accepted]


def reasons(answers: Sequence[Answer]) -> set[tuple[int, str]]:
    """Every kind of refusal among ``answers``."""
    return {(answer.status, answer.error) for answer in answers if answer.status != 200}


@dataclass
class Figures:
    """What a test counted over its rounds, as one line."""

    name: str
    rounds: int = 0
    successes: list[int] = field(default_factory=list)
    evaluated: list[int] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    noted: Counter[int] = field(default_factory=Counter)

    said: str = ""

    def say(self, figures: str) -> None:
        self.said = figures

    def note(self, status: int) -> None:
        """Count one answer of a test that isn't about time."""
        self.noted[status] += 1

    def add(self, answers: Sequence[Answer], *, evaluated: int | None = None) -> None:
        self.rounds += 1
        self.successes.append(len(succeeded(answers)))
        self.answers += answers
        if evaluated is not None:
            self.evaluated.append(evaluated)

    def __str__(self) -> str:
        if self.said:
            return f"{self.name}: {self.said}"
        if self.noted:
            parts = [f"{status}: {number}" for status, number in sorted(self.noted.items())]
            return f"{self.name}: runs {self.noted.total()}, " + ", ".join(parts)
        counted, taken = (
            statuses(self.answers),
            sorted(1000 * answer.seconds for answer in self.answers) or [0.0],
        )
        failed = sum(number for status, number in counted.items() if status >= 500 or status == NO_ANSWER)
        parts = [
            f"rounds {self.rounds}",
            f"requests {len(self.answers)}",
            f"successes per round {_range(self.successes)}",
            f"compared per round {_range(self.evaluated)}" if self.evaluated else "",
            *(f"{status}: {counted[status]}" for status in (400, 401, 404, 429)),
            f"5xx or none: {failed}",
            f"p50 {statistics.median(taken):.0f} ms",
            f"p99 {taken[min(len(taken) - 1, int(len(taken) * 0.99))]:.0f} ms",
        ]
        return f"{self.name}: " + ", ".join(filter(None, parts))


def _range(numbers: Sequence[int]) -> str:
    return f"{min(numbers)}-{max(numbers)}" if numbers else "none"


_BROKEN = Answer(NO_ANSWER, {}, {}, 0.0)


def _connect(url: str) -> http.client.HTTPConnection:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=_PATIENCE)
    connection.connect()
    return connection


def _exchange(connection: http.client.HTTPConnection, call: Call) -> Answer:
    started = time.perf_counter()
    try:
        connection.request(call.method, call.path, call.payload, call.headers)
        response = connection.getresponse()
        text = response.read()
    except (http.client.HTTPException, ConnectionError):
        return _BROKEN
    finally:
        connection.close()
    seconds = time.perf_counter() - started
    headers = dict(response.headers.items())
    said = json.loads(text) if headers["Content-Type"].startswith("application/json") else {}
    return Answer(response.status, said.get("data", said), headers, seconds)
