"""Log records, scrubbed and one line each (CWE-117, CWE-532)."""

import logging
from typing import Any

from stytch_totp.scrubbing.exceptions import stand_in
from stytch_totp.scrubbing.forms import is_secret
from stytch_totp.scrubbing.values import CONTAINERS, TEXT, hide, scrub

#: What every record has, beside what whoever logs adds as ``extra``.
_OWN = frozenset(logging.makeLogRecord({}).__dict__)


class SecretsFilter(logging.Filter):
    """Scrubs a record and makes one line of its message. Belongs on handlers: a logger's filters don't see what comes
    from the loggers below it.

    Message and arguments stay apart where nothing is to be hidden in both together, so that ``%d`` works and trackers
    can group by message. An exception is replaced by its ``stand_in``; its traceback keeps the lines that Python makes.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.args = _arguments(record.args)
        try:
            told = record.getMessage()
        except Exception:  # noqa: BLE001 - logging itself will say that the arguments don't fit
            record.msg = scrub(str(record.msg), flat=True)
        else:
            plain = scrub(told, flat=True)
            if plain != told:
                record.msg, record.args = plain, None
        for name, value in record.__dict__.items():
            if name not in _OWN and is_secret(name):
                record.__dict__[name] = hide(value)
            elif name not in _OWN and isinstance(value, (*TEXT, *CONTAINERS)):
                record.__dict__[name] = scrub(value, flat=True)
        _exception(record)
        return True


def _arguments(arguments: Any) -> Any:
    if isinstance(arguments, tuple):
        return tuple(scrub(one, flat=True) if isinstance(one, (*TEXT, *CONTAINERS)) else one for one in arguments)
    return scrub(arguments, flat=True)


def _exception(record: logging.LogRecord) -> None:
    if record.exc_info and record.exc_info[1] is not None:
        shown = stand_in(record.exc_info[1])
        record.exc_info = (type(shown), shown, record.exc_info[2])
        # Whatever a handler before this one has kept here for the next.
        record.exc_text = logging.Formatter().formatException(record.exc_info)
    elif record.exc_text:
        record.exc_text = scrub(record.exc_text)
    if record.stack_info:
        record.stack_info = scrub(record.stack_info)
