"""A loopback server that speaks the wire format of the Gemini API, for tests with the real client.

It answers `POST /{v1,v1beta}/models/M:streamGenerateContent?alt=sse` with events of the form
`data: {json}` in a chunked response, and `GET .../models/M` with the model's description. It obeys
the service's rules (`tests.gemini_rules`) and the test's script, and records each request and when
the client closed the connection.

    async with GeminiServer() as server:
        server.will_answer(text_answer(answer_json(say="Hello."), gap_s=0.01))
        ... a client with base_url=server.url and key=server.key ...
        assert server.requests[0].text == "hello"

`tests.gemini_replies` holds what can be answered.

Tests that run a program of their own use `GeminiServerThread`, which does the same in a thread.

Where paths, headers and framing come from: google-genai 3.4.0 (`_api_client.py`, `models.py`) and
the API reference.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import http
import json
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests import gemini_rules as rules
from tests.gemini_replies import End, Gate, Reply, Step, error_reply

Json = Any
SERVER = "loopback server"
"""Name of the server's own tasks, for tests that look for forgotten ones."""


@dataclass
class Request:
    """A request that was received.

    Attributes:
        method: HTTP method.
        path: without the query.
        query: the query's fields.
        headers: names in lower case.
        body: the JSON, with keys in camelCase.
        received_s: monotonic time when it was complete.
        sent_pieces: pieces of the reply that were sent.
        sent_whole: the reply was sent to its end.
        closed: monotonic time when its connection was seen closed; a future for any thread.
    """

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Json
    received_s: float = field(default_factory=time.monotonic)
    sent_pieces: int = 0
    sent_whole: bool = False
    closed: concurrent.futures.Future[float] = field(default_factory=concurrent.futures.Future)

    @property
    def model(self) -> str:
        """The model asked."""
        return self.path.split("/")[-1].split(":")[0]

    @property
    def config(self) -> Json:
        """The generation config."""
        return self.body.get("generationConfig", {})

    @property
    def turns(self) -> list[tuple[str, str]]:
        """Role and text of each turn; the text of sound is ""."""
        return [
            (turn.get("role", ""), "".join(part.get("text", "") for part in turn["parts"]))
            for turn in self.body["contents"]
        ]

    @property
    def text(self) -> str:
        """The text of the last turn."""
        return self.turns[-1][1]

    @property
    def sound(self) -> bytes | None:
        """The sound in the last turn, if there is any."""
        parts = self.body["contents"][-1]["parts"]
        return next((rules.sound(part) for part in parts if "inlineData" in part), None)

    async def closing(self) -> float:
        """Wait, for 10 s at most, until the connection is seen closed; the monotonic time."""
        async with asyncio.timeout(10):
            return await asyncio.shield(asyncio.wrap_future(self.closed))


Script = Callable[[Request], Reply]


class GeminiServer:
    """The server. An async context manager; runs on the loop that enters it.

    Args:
        key: the only key it takes.
        answer: replies to questions for which the test scripted nothing.
        speak: the same for sentences to be spoken.
        tls: with a certificate, to be spoken to by https.

    Attributes:
        url: where it is, once it runs.
        requests: all that were received, in order.
        connections: how many were opened so far.
    """

    def __init__(
        self,
        *,
        key: str = "loopback-key",
        answer: Script | None = None,
        speak: Script | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.key = key
        self.requests: list[Request] = []
        self.url = ""
        self.connections = 0
        self._always = {False: answer, True: speak}
        self._replies: dict[bool, deque[Reply]] = {False: deque(), True: deque()}
        self._tls = tls
        self._connected: set[asyncio.Transport] = set()
        self._nobody = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def will_answer(self, *replies: Reply) -> None:
        """Script the next replies to questions. Safe from any thread."""
        self._replies[False].extend(replies)

    def will_speak(self, *replies: Reply) -> None:
        """Script the next replies to sentences to be spoken. Safe from any thread."""
        self._replies[True].extend(replies)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self), "127.0.0.1", 0, ssl=self._tls
        )
        scheme = "https" if self._tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for transport in list(self._connected):
            transport.abort()
        await self.deserted()

    async def deserted(self) -> None:
        """Wait, for 10 s at most, until no connection is open."""
        async with asyncio.timeout(10):
            while self._connected:
                self._nobody.clear()
                await self._nobody.wait()

    def _start(self, coroutine: Any) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine, name=SERVER)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _reply_to(self, request: Request) -> Reply:
        """The reply by the rules, and where they allow it, by the script."""
        try:
            rules.check_key(request.headers.get("x-goog-api-key"), self.key)
            model = self._model(request)
            if request.method == "GET":
                description = json.dumps({"name": f"models/{request.model}"}).encode()
                return Reply((description,), content_type="application/json")
            rules.check_deadline(request.headers.get("x-server-timeout"))
            rules.check_body(request.model, model, request.body)
        except rules.Refused as error:
            return error_reply(error.code, error.status, error.message, error.details)
        if self._replies[model.speaks]:
            return self._replies[model.speaks].popleft()
        always = self._always[model.speaks]
        if always is None:
            return error_reply(500, "INTERNAL", "The test scripted no reply.")
        return always(request)

    def _model(self, request: Request) -> rules.Model:
        _, version, kind, rest = [*request.path.split("/"), "", "", ""][:4]
        name, _, action = rest.partition(":")
        asks = request.method == "POST" and action == "streamGenerateContent"
        describes = request.method == "GET" and not action
        if version not in {"v1", "v1beta"} or kind != "models" or not (asks or describes):
            raise rules.Refused(404, "NOT_FOUND", "Requested entity was not found.")
        if asks and request.query.get("alt") != ["sse"]:
            raise rules.Refused(400, "INVALID_ARGUMENT", "This server streams events only.")
        if name not in rules.MODELS:
            raise rules.Refused(404, "NOT_FOUND", f"models/{name} is not found for this version.")
        return rules.MODELS[name]


class _Connection(asyncio.Protocol):
    """One connection: requests one after the other, and the moment it is closed."""

    def __init__(self, server: GeminiServer) -> None:
        self._server = server
        self._received = b""
        self._requests: list[Request] = []
        self._replying: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections += 1
        self._server._connected.add(transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, ends, rest = self._received.partition(b"\r\n\r\n")
        if not ends:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in _pairs(lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._received = rest[length:]
        method, target, _ = first.split(" ")
        url = urlsplit(target)
        body = rules.camel(json.loads(rest[:length] or b"{}"))
        request = Request(method, url.path, parse_qs(url.query), headers, body)
        self._requests.append(request)
        self._server.requests.append(request)
        self._replying = self._server._start(self._reply(request))

    def eof_received(self) -> bool:
        self._see_closed()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._server._connected.discard(self._transport)
        self._server._nobody.set()
        self._see_closed()

    def _see_closed(self) -> None:
        now = time.monotonic()
        for request in self._requests:
            if not request.closed.done():
                request.closed.set_result(now)
        if self._replying is not None:
            self._replying.cancel()

    async def _reply(self, request: Request) -> None:
        reply = self._server._reply_to(request)
        for step in reply.before:
            await self._do(step, request)
        reason = http.HTTPStatus(reply.status).phrase
        head = {
            "Content-Type": reply.content_type,
            "Transfer-Encoding": "chunked",
            **reply.headers,
        }
        lines = [f"HTTP/1.1 {reply.status} {reason}", *(f"{k}: {v}" for k, v in head.items())]
        self._transport.write("\r\n".join([*lines, "", ""]).encode())
        for step in reply.steps:
            await self._do(step, request)
        request.sent_whole = True
        self._transport.write(b"0\r\n\r\n")

    async def _do(self, step: Step, request: Request) -> None:
        match step:
            case bytes():
                request.sent_pieces += 1
                self._transport.write(f"{len(step):x}\r\n".encode() + step + b"\r\n")
                await asyncio.sleep(0)  # each piece leaves on its own
            case float():
                await asyncio.sleep(step)
            case Gate():
                await step.wait()
            case _:
                await self._end(step)

    async def _end(self, how: End) -> None:
        if how is End.RESET:
            connection: socket.socket = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        elif how is End.CLOSE:
            self._transport.close()
        elif how is End.HALF_CLOSE:
            self._transport.write_eof()
        await asyncio.Event().wait()


def _pairs(lines: list[str]) -> Iterator[tuple[str, str, str]]:
    for line in lines:
        yield line.partition(":")


class GeminiServerThread:
    """The same server in a thread, for tests that run programs of their own.

    A context manager; `server` is the `GeminiServer`, whose `url`, `requests`, `will_answer` and
    `will_speak` may be used from outside.
    """

    def __init__(self, server: GeminiServer | None = None) -> None:
        self.server = server or GeminiServer()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> GeminiServer:
        self._thread.start()
        assert self._ready.wait(10)
        return self.server

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        with contextlib.suppress(asyncio.CancelledError):
            async with self.server:
                self._ready.set()
                await self._done.wait()
