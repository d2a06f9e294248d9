"""A cloud on this machine: speaks Gemini's wire format, for the requests of this benchmark only.

It answers with the turn that is being asked, at the pace of a profile: `streamGenerateContent` of a
model as text, of a voice as 24 kHz sound, each in events of a chunked response; and a model's
description.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import math
from array import array
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sena_pi.bench.conversation.profiles import CHARACTERS_PER_S, Profile, answer_times
from sena_pi.bench.conversation.script import Turn

KEY: Final = "loopback-key"
SOUND_HZ: Final = 24_000
PIECE_S: Final = 0.1
"""Length of a piece of sound."""
SHORTEST_SOUND_S: Final = 0.3
_TONE_HZ: Final = 240.0
_REASONS: Final = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"}

_Timed = list[tuple[float, dict[str, Any]]]
"""Parts of a response, each with its time after the request."""


@dataclass(slots=True)
class Counts:
    """Requests that came.

    Attributes:
        questions: for an answer.
        speech: for the sound of a text.
        others: for anything else.
    """

    questions: int = 0
    speech: int = 0
    others: int = 0


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    key: str
    body: dict[str, Any]


class Loopback:
    """The server; `serving` runs it. Belongs to the event loop.

    Attributes:
        url: where it is.
        turn: the turn that is being asked; whoever asks sets it.
        plain: answers as the prototype's cloud did, without a header's cost.
        counts: what was asked so far; may be replaced.
    """

    def __init__(self, profile: Profile, turn: Turn, *, speech_length: float = 1.0) -> None:
        """Run it by `serving`.

        Args:
            profile: its pace.
            turn: the first to be asked.
            speech_length: of sound, as a share of what speaking would take; its pace stays.
        """
        self.url = ""
        self.turn = turn
        self.plain = False
        self.counts = Counts()
        self._profile = profile
        self._speech_length = speech_length

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answer requests while the context lasts."""
        async with asyncio.TaskGroup() as tasks:
            connections: set[asyncio.Task[None]] = set()

            def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = tasks.create_task(self._serve(reader, writer))
                connections.add(task)
                task.add_done_callback(connections.discard)

            server = await asyncio.start_server(connected, "127.0.0.1", 0)
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            try:
                yield
            finally:
                server.close()
                for task in connections:
                    task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: requests one after the other, until the client leaves."""
        try:
            while True:
                await self._reply(await _request(reader), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _reply(self, request: _Request, writer: asyncio.StreamWriter) -> None:
        began_s = asyncio.get_running_loop().time()
        model, _, action = request.path.split("?")[0].rpartition("/")[2].partition(":")
        if request.key != KEY:
            await _send(writer, 403, _refusal(403, "PERMISSION_DENIED"))
        elif request.method == "GET" and not action:
            self.counts.others += 1
            await _send(writer, 200, {"name": f"models/{model}"})
        elif request.method == "POST" and action == "streamGenerateContent":
            await self._stream(self._parts(request.body), began_s, model, writer)
        else:
            await _send(writer, 404, _refusal(404, "NOT_FOUND"))

    def _parts(self, body: dict[str, Any]) -> _Timed:
        if body.get("generationConfig", {}).get("responseModalities") == ["AUDIO"]:
            self.counts.speech += 1
            return self._spoken(body["contents"][-1]["parts"][-1]["text"])
        self.counts.questions += 1
        times = answer_times(self._profile, self.turn, plain=self.plain)
        return [(at_s, {"text": piece}) for at_s, piece in times]

    def _spoken(self, text: str) -> _Timed:
        span = self._profile.speech(self.turn, text)
        sound_s = max(SHORTEST_SOUND_S, self._speech_length * len(text) / CHARACTERS_PER_S)
        pieces = list(tone(sound_s))
        gap_s = (span.last_s - span.first_s) / max(1, len(pieces) - 1)
        mime_type = f"audio/L16;codec=pcm;rate={SOUND_HZ}"
        return [
            (
                span.first_s + number * gap_s,
                {"inlineData": {"mimeType": mime_type, "data": base64.b64encode(piece).decode()}},
            )
            for number, piece in enumerate(pieces)
        ]

    async def _stream(
        self, parts: _Timed, began_s: float, model: str, writer: asyncio.StreamWriter
    ) -> None:
        """Each part in its time; times count from the request, so that none adds up to another."""
        loop = asyncio.get_running_loop()
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked"
        for number, (at_s, part) in enumerate(parts):
            await asyncio.sleep(began_s + at_s - loop.time())
            if number == 0:
                writer.write(f"{head}\r\n\r\n".encode())
            candidate: dict[str, Any] = {"content": {"role": "model", "parts": [part]}, "index": 0}
            if number == len(parts) - 1:
                candidate["finishReason"] = "STOP"
            data = json.dumps({"candidates": [candidate], "modelVersion": model})
            event = f"data: {data}\r\n\r\n".encode()
            writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()


def tone(seconds: float) -> Iterator[bytes]:
    """A soft tone as pieces of 16-bit samples at `SOUND_HZ`."""
    count = round(seconds * SOUND_HZ)
    step = round(PIECE_S * SOUND_HZ)
    per_sample = 2 * math.pi * _TONE_HZ / SOUND_HZ
    for start in range(0, count, step):
        end = min(count, start + step)
        yield array(
            "h", (round(6000 * math.sin(n * per_sample)) for n in range(start, end))
        ).tobytes()


async def _request(reader: asyncio.StreamReader) -> _Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, path, _ = first.split(" ")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    key = headers.get("x-goog-api-key", "")
    return _Request(method, path, key, json.loads(body or b"{}"))


async def _send(writer: asyncio.StreamWriter, status: int, value: dict[str, Any]) -> None:
    body = json.dumps(value).encode()
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()


def _refusal(code: int, status: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "This server is a benchmark's.", "status": status}}
