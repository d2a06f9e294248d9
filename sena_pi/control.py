"""The control socket: commands ask the assistant that runs, one JSON line for another.

    {"request": "cache.show", "arguments": {"text": "..."}}    ->   {"answer": {...}}
                                                               or   {"problem": "a sentence"}

A Unix-domain socket of mode 0600, so only the user whose assistant it is, and root, can ask. A
connection is good for one request. A lock beside the socket says whether whoever made it lives: the
kernel drops it with the process, so a socket that a crash left behind is replaced, and one that is
in use never is.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import logging
import os
import socket
import stat
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sena_pi.errors import SenaError

SOCKET_NAME: Final = "control.sock"
LOCK_NAME: Final = "control.lock"

LONGEST_REQUEST: Final = 64 << 10
LONGEST_ANSWER: Final = 64 << 20
MOST_CLIENTS: Final = 4
DEADLINE_S: Final = 5.0
"""For the other side to take what is sent, and for a client to send its request."""
WORK_S: Final = 120.0
"""For the answer to be found."""

_log = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any]], Awaitable[Any]]
"""Answers a request's arguments with JSON values. A SenaError is told to who asked."""


class NobodyAnswers(SenaError):
    """No assistant has a socket here."""


class NotAllowed(SenaError):
    """The assistant that runs here is another user's."""


class RequestFailed(SenaError):
    """The assistant that runs did not do what it was asked to; says why."""


# --- who asks ---------------------------------------------------------------------------------


def ask(folder: Path, request: str, arguments: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
    """What the assistant that runs answers; blocks for `WORK_S` at most, and some seconds.

    Args:
        folder: where its socket is.
        request: such as "cache.stats".
        arguments: JSON values.

    Raises:
        NobodyAnswers: none runs.
        NotAllowed: it is another user's.
        RequestFailed: it refuses, or does not answer.
    """
    line = json.dumps({"request": request, "arguments": dict(arguments or {})}).encode() + b"\n"
    if len(line) > LONGEST_REQUEST:
        raise RequestFailed(f"a request of {len(line)} bytes is too long")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(DEADLINE_S)
        _connect(connection, folder / SOCKET_NAME)
        try:
            # One that has no room for us answers without reading.
            with contextlib.suppress(ConnectionError):
                connection.sendall(line)
            data = _received_line(connection)
        except OSError as error:
            raise RequestFailed(
                "the sena that runs does not answer; see its journal, or restart it"
            ) from error
    return _unpacked(data)


def _connect(connection: socket.socket, path: Path) -> None:
    try:
        connection.connect(str(path))
    except PermissionError as error:
        raise NotAllowed(
            f"the sena that runs here is another user's ({path}); ask as that user, or with sudo"
        ) from error
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
        raise NobodyAnswers("sena is not running") from error
    except OSError as error:
        if error.errno is None:  # a path that is too long for a socket: nobody can have it
            raise NobodyAnswers(f"no socket can be at {path}") from error
        raise RequestFailed(
            f"the sena that runs takes no requests now: {error.strerror}; try again"
        ) from error


def _received_line(connection: socket.socket) -> bytes:
    ends = time.monotonic() + WORK_S + DEADLINE_S
    data = bytearray()
    while not data.endswith(b"\n") and len(data) <= LONGEST_ANSWER:
        connection.settimeout(max(0.001, ends - time.monotonic()))
        piece = connection.recv(1 << 16)
        if not piece:
            break
        data += piece
    return bytes(data)


def _unpacked(data: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        answer = json.loads(data) if data.endswith(b"\n") else None
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not answer.keys() & {"answer", "problem"}:
        raise RequestFailed("the sena that runs ended before it had answered; try again")
    if "problem" in answer:
        raise RequestFailed(str(answer["problem"]))
    return answer["answer"]


# --- who answers ------------------------------------------------------------------------------


async def serve(
    folder: Path, handlers: Mapping[str, Handler], *, deadline_s: float = DEADLINE_S
) -> None:
    """Answer requests until cancelled; at once over, with a line in the journal, without a socket.

    Args:
        folder: where the socket shall be; made if only it is missing.
        handlers: by the name of the request.
        deadline_s: for a client to send its request, and again to take its answer.
    """
    with contextlib.ExitStack() as closing:
        try:
            listening = closing.enter_context(_bound_socket(folder))
        except OSError as error:
            _log.warning(
                "no control socket in %s: %s; commands can't ask this process",
                folder,
                error.strerror or error,
            )
            return
        await _serve_on(listening, handlers, deadline_s)


@contextlib.contextmanager
def _bound_socket(folder: Path) -> Iterator[socket.socket]:
    """A socket that is nobody else's; its file is removed at the end.

    Raises:
        OSError: there can be none.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    _check_owned(folder)
    path = folder / SOCKET_NAME
    with _locked(folder / LOCK_NAME), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bound:
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISSOCK(path.lstat().st_mode):
                raise FileExistsError(errno.EEXIST, f"{path} is no socket")
            path.unlink()
        bound.bind(str(path))
        try:
            # Nobody can connect before it listens, so it never was open to others.
            path.chmod(0o600)
            yield bound
        finally:
            with contextlib.suppress(OSError):
                path.unlink()


def _check_owned(folder: Path) -> None:
    status = folder.stat()
    if status.st_uid not in (os.geteuid(), 0) or status.st_mode & 0o022:
        raise PermissionError(errno.EPERM, "others may write to this folder")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(errno.EADDRINUSE, "another sena runs and has it") from None
        yield
    finally:
        os.close(descriptor)


async def _serve_on(
    listening: socket.socket, handlers: Mapping[str, Handler], deadline_s: float
) -> None:
    async with asyncio.TaskGroup() as visits:
        here: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if len(here) >= MOST_CLIENTS or not server.is_serving():
                writer.write(_packed({"problem": "sena answers others now; try again"}))
                writer.close()
                return
            visit = visits.create_task(
                _visit(reader, writer, handlers, deadline_s), name="control client"
            )
            here.add(visit)
            visit.add_done_callback(here.discard)

        server = await asyncio.start_unix_server(
            connected,
            sock=listening,
            limit=LONGEST_REQUEST,
            backlog=2 * MOST_CLIENTS,
            start_serving=False,  # not before `connected` knows it
        )
        try:
            await server.start_serving()
            await asyncio.get_running_loop().create_future()
        finally:
            server.close()


async def _visit(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    handlers: Mapping[str, Handler],
    deadline_s: float,
) -> None:
    """Answer a client; whatever it does is its own affair."""
    try:
        answer = _packed(await _answer(reader, handlers, deadline_s))
        async with asyncio.timeout(deadline_s):
            writer.write(answer)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
    except (OSError, TimeoutError):
        # It left, or does not read: nobody is there who could be told.
        pass
    finally:
        writer.transport.abort()


async def _answer(
    reader: asyncio.StreamReader, handlers: Mapping[str, Handler], deadline_s: float
) -> dict[str, Any]:
    try:
        async with asyncio.timeout(deadline_s):
            line = await reader.readline()
    except TimeoutError:
        return {"problem": f"no request came within {deadline_s:g} s"}
    except ValueError:
        return {"problem": f"a request may have {LONGEST_REQUEST} bytes"}
    try:
        request = json.loads(line)
        name, arguments = request["request"], request.get("arguments", {})
    except (ValueError, RecursionError, TypeError, LookupError, AttributeError):
        return {"problem": 'a request is a line such as {"request": "cache.stats"}'}
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return {"problem": "a request's name is a text, its arguments are an object"}
    handler = handlers.get(name)
    if handler is None:
        return {"problem": f"the sena that runs does not know {name!r}; restart it if it is older"}
    return await _handled(name, handler, arguments)


async def _handled(name: str, handler: Handler, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        async with asyncio.timeout(WORK_S):
            return {"answer": await handler(arguments)}
    except SenaError as error:
        return {"problem": str(error)}
    except TimeoutError:
        return {"problem": f"it took longer than {WORK_S:.0f} s; the card may be hanging"}
    except Exception as error:  # noqa: BLE001 - a bug here must not end an assistant
        # Where, not what: the error's own text may hold what a person asked.
        where = "".join(traceback.format_tb(error.__traceback__))
        _log.error("%s failed (a bug): %s\n%s", name, type(error).__name__, where)
        return {"problem": f"{name} failed; that is a bug, and the journal says where"}


def _packed(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer).encode() + b"\n"
