"""What an exception says: its words may quote what was typed, or what was about to be answered."""

from collections.abc import Iterator, Mapping
from typing import Any

from stytch_totp.core.codes import GROUP_LENGTH
from stytch_totp.scrubbing.forms import HIDDEN, hide_codes, is_secret
from stytch_totp.scrubbing.values import CONTAINERS, MOST_DEPTH, one_line, pairs, scrub


def hush(exception: BaseException, given: Any = None) -> None:
    """Take secrets out of the words of an exception that leaves our code, and of those that led to it.

    ``given`` is what the request brought: what stands there under a secret's name is one, whatever its form.
    """
    values = sorted(_secrets(given, MOST_DEPTH), key=len, reverse=True)
    for one in _chain(exception):
        one.args = tuple(_hushed(argument, values) for argument in one.args)
        if isinstance(one, UnicodeError):
            one.args = (HIDDEN,) * 5  # Django's report quotes the text around the character that it failed at


def stand_in(exception: BaseException) -> BaseException:
    """An exception of the same name and traceback in scrubbed words, for a log: the one in flight stays as it is."""
    twins = {id(one): _twin(one) for one in _chain(exception)}
    for one in _chain(exception):
        twin = twins[id(one)]
        twin.__cause__, twin.__context__ = twins.get(id(one.__cause__)), twins.get(id(one.__context__))
        twin.__suppress_context__ = one.__suppress_context__
    return twins[id(exception)]


def _chain(exception: BaseException) -> Iterator[BaseException]:
    """The exception and those that it came from, each once."""
    waiting: list[BaseException | None] = [exception]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__]


def _twin(exception: BaseException) -> BaseException:
    kind = type(exception)
    try:
        words = one_line(_hushed(str(exception), []))
    except Exception:  # noqa: BLE001 - an exception that can't say what it is
        words = HIDDEN
    named = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    twin: BaseException = type(kind.__name__, (Exception,), named)(*([words] if words else []))
    return twin.with_traceback(exception.__traceback__)


def _hushed(argument: Any, values: list[str]) -> Any:
    if isinstance(argument, str):
        for value in values:
            argument = argument.replace(value, HIDDEN)
        return hide_codes(scrub(argument))
    if isinstance(argument, CONTAINERS):
        return scrub(argument)
    return HIDDEN if isinstance(argument, bytes) else argument


def _secrets(given: Any, depth: int, *, named: bool = False) -> Iterator[str]:
    """Every text in ``given`` under a secret's name that is long enough to be told from chance."""
    if isinstance(given, Mapping) and depth:
        for name, value in pairs(given):
            yield from _secrets(value, depth - 1, named=named or is_secret(name))
    elif isinstance(given, list | tuple) and depth:
        for value in given:
            yield from _secrets(value, depth - 1, named=named)
    elif named and isinstance(given, str) and len(given) >= GROUP_LENGTH:
        yield given
