"""Log lines with fields, for systemd's journal; plain lines on standard error elsewhere.

    _log.info("cache today: ...", extra=event("cache_stats", hits=12))

is a line of prose in `journalctl -u sena`, and is found and taken apart by
`journalctl -u sena SENA_EVENT=cache_stats -o json`.

The journal's native protocol is one datagram; what python-systemd adds to it is a C extension that
has to be compiled. What a person said is in no line: a traceback tells where and which kind of
error, never an error's own words, for those may quote what was being worked on.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import struct
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TextIO

from sena_pi.errors import SenaError

SOCKET: Final = Path("/run/systemd/journal/socket")
IDENTIFIER: Final = "sena"

_LONGEST_BYTES: Final = 32 << 10
"""Of one field: far below what a datagram takes."""
_FIELDS: Final = "sena_fields"
_PRIORITIES: Final = (
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (logging.INFO, 6),
)
_DEBUG: Final = 7
# Third parties tell what they send and where; the journal is not for that.
_TALKATIVE: Final = ("httpx2", "httpcore2", "google_genai")

Value = str | int | float | bool | None


def event(name: str, **fields: Value) -> dict[str, Any]:
    """Fields of a log line, as its `extra`: SENA_EVENT, and SENA_ and the name of each in capitals.

    Args:
        name: what happened ("turn").
        fields: None leaves one out. Never what a person said.
    """
    given = {"EVENT": name, **{key.upper(): value for key, value in fields.items()}}
    return {_FIELDS: {f"SENA_{key}": value for key, value in given.items() if value is not None}}


def set_up(level: int = logging.INFO, *, environ: Mapping[str, str] = os.environ) -> None:
    """Log to the journal where standard error is the journal, and else to standard error."""
    handler = JournalHandler() if _stderr_is_journal(environ) else plain_handler(sys.stderr)
    logging.basicConfig(level=level, handlers=[handler])
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    sys.excepthook = _tell_uncaught


def plain_handler(out: TextIO) -> logging.Handler:
    """Lines without fields, for a terminal."""
    handler = logging.StreamHandler(out)
    handler.setFormatter(PrivateFormatter())
    return handler


class PrivateFormatter(logging.Formatter):
    """The message, and of an exception its kind and place."""

    def __init__(self) -> None:
        super().__init__("%(message)s")

    def formatException(self, ei: Any) -> str:  # noqa: N802, ANN401 - its name and type in logging
        """Where an exception came from, without its words."""
        return "\n".join(private_traceback(ei[1])) if ei[1] is not None else ""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - its name in logging
        """The message; asyncio adds the text of a task's exception in further lines."""
        text = super().formatMessage(record)
        return text.split("\n", 1)[0] if record.name == "asyncio" else text


def private_traceback(error: BaseException) -> Iterator[str]:
    """Lines that tell where an exception came from, its cause first."""
    if error.__cause__ is not None:
        yield from private_traceback(error.__cause__)
        yield "which led to:"
    elif error.__context__ is not None and not error.__suppress_context__:
        yield from private_traceback(error.__context__)
        yield "and while that was handled:"
    yield from "".join(traceback.format_tb(error.__traceback__)).splitlines()
    yield _named(error)
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from (f"| {line}" for line in private_traceback(one))


def _named(error: BaseException) -> str:
    kind = type(error).__qualname__
    if isinstance(error, SenaError):  # written for the journal
        return f"{kind}: {error}"
    if isinstance(error, OSError) and error.strerror:
        return f"{kind}: {error.strerror}"
    return kind


class JournalHandler(logging.Handler):
    """Sends records to the journal, fields included. Never blocks and never raises.

    What the journal does not take at once is dropped, and counted in the next line that it takes.
    Where it is gone, lines go to standard error.

    Args:
        address: the journal's socket.
    """

    def __init__(self, address: Path = SOCKET) -> None:
        super().__init__()
        self.setFormatter(PrivateFormatter())
        self._address = str(address)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.settimeout(0)
        self._fallback = plain_handler(sys.stderr)
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        try:
            self._socket.sendto(self._datagram(record), self._address)
            self._dropped = 0
        except BlockingIOError:
            self._dropped += 1
        except OSError:
            self._fallback.handle(record)
        except Exception:  # noqa: BLE001 - as every handler: a log line must not end anything
            self.handleError(record)

    def close(self) -> None:
        """Close the socket. Idempotent."""
        self._socket.close()
        super().close()

    def _datagram(self, record: logging.LogRecord) -> bytes:
        fields: dict[str, Any] = {
            "MESSAGE": self.format(record),
            "PRIORITY": _priority(record.levelno),
            "SYSLOG_IDENTIFIER": IDENTIFIER,
            "SENA_LOGGER": record.name,
            "CODE_FILE": record.pathname,
            "CODE_LINE": record.lineno,
            "CODE_FUNC": record.funcName,
            **getattr(record, _FIELDS, {}),
        }
        if self._dropped:
            fields["SENA_DROPPED"] = self._dropped
        return b"".join(_encoded(name, value) for name, value in fields.items())


def _encoded(name: str, value: Value) -> bytes:
    data = str(value).encode(errors="replace")[:_LONGEST_BYTES]
    if b"\n" not in data:
        return b"%s=%s\n" % (name.encode(), data)
    return b"%s\n%s%s\n" % (name.encode(), struct.pack("<Q", len(data)), data)


def _priority(level: int) -> int:
    return next((priority for least, priority in _PRIORITIES if level >= least), _DEBUG)


def _stderr_is_journal(environ: Mapping[str, str]) -> bool:
    """Systemd says which file the journal is: it may have been redirected since."""
    with contextlib.suppress(OSError, ValueError):
        device, inode = map(int, environ.get("JOURNAL_STREAM", "").split(":"))
        status = os.fstat(sys.stderr.fileno())
        return (device, inode) == (status.st_dev, status.st_ino)
    return False


def _tell_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger(__name__).critical("ended by a bug", exc_info=(kind, error, trace))
