"""What the loopback server of `tests.gemini_server` can answer, whole or broken.

Where the shapes come from: the API reference (GenerateContentResponse, `google.rpc.Status` with
`RetryInfo`, `QuotaFailure` and `ErrorInfo`), error bodies in users' reports, and for sound the
speech guide ('audio/L16;codec=pcm;rate=24000', base64). Silence, resets and cuts are what networks
do.
"""

from __future__ import annotations

import asyncio
import base64
import concurrent.futures
import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Json = Any


class Gate:
    """Holds a reply until the test opens it, from any thread."""

    def __init__(self) -> None:
        self._opened: concurrent.futures.Future[None] = concurrent.futures.Future()

    def open(self) -> None:
        """Let the reply go on. Idempotent."""
        if not self._opened.done():
            self._opened.set_result(None)

    async def wait(self) -> None:
        """Wait until it is open."""
        await asyncio.wrap_future(self._opened)


class End(enum.Enum):
    """How a reply can end before its end."""

    SILENCE = "nothing more comes, and the connection stays open"
    RESET = "the connection is reset"
    CLOSE = "the connection is closed, the last chunk missing"
    HALF_CLOSE = "the server stops sending and goes on reading"


Step = bytes | float | Gate | End
"""A piece of the body, a pause in seconds, a gate, or an early end."""


@dataclass(frozen=True)
class Reply:
    """What is answered to one request.

    Attributes:
        steps: the body, in the order it is sent.
        before: what happens before the first byte.
        status: HTTP status.
        headers: beside those of the framing.
        content_type: of the body.
    """

    steps: tuple[Step, ...]
    before: tuple[Step, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "text/event-stream"

    def after(self, pieces: int, *then: Step) -> Reply:
        """The same reply, but something else happens after so many pieces."""
        return replace(self, steps=(*self.steps[: self._place(pieces)], *then))

    def with_pause(self, pieces: int, pause: Gate | float) -> Reply:
        """The same reply with a pause after so many pieces."""
        place = self._place(pieces)
        return replace(self, steps=(*self.steps[:place], pause, *self.steps[place:]))

    def _place(self, pieces: int) -> int:
        places = [n + 1 for n, step in enumerate(self.steps) if isinstance(step, bytes)]
        return places[pieces - 1] if pieces else 0


def answer_json(**fields: Json) -> str:
    """The text of an answer as it is asked for: in this order, and defaults in front left out."""
    whole: Json = {
        "heard": "what is the capital of France",
        "lang": "en",
        "local": "none",
        "say": "Paris is the capital of France.",
        "keep": "always",
        "alone": True,
        "asks": False,
    }
    whole |= fields
    for key, default in (("lang", "en"), ("local", "none")):
        if whole[key] == default:
            del whole[key]
    return json.dumps(whole, ensure_ascii=False)


def text_answer(*texts: str, gap_s: float = 0.0, finish: str = "STOP") -> Reply:
    """An answer in text, in these pieces; `finish` "" leaves the reason out."""
    return _answer([{"text": text} for text in texts], gap_s, finish)


def sound_answer(
    *sounds: bytes,
    mime_type: str = "audio/L16;codec=pcm;rate=24000",
    gap_s: float = 0.0,
    finish: str = "STOP",
) -> Reply:
    """An answer in sound, in these pieces."""
    data = [base64.b64encode(sound).decode() for sound in sounds]
    parts = [{"inlineData": {"mimeType": mime_type, "data": piece}} for piece in data]
    return _answer(parts, gap_s, finish)


def blocked_answer(reason: str = "SAFETY") -> Reply:
    """The question was not answered at all."""
    return Reply((event({"promptFeedback": {"blockReason": reason}}),))


def event(value: Json) -> bytes:
    """One event of a stream."""
    return b"data: " + json.dumps(value).encode() + b"\r\n\r\n"


def error_event(code: int, status: str = "UNAVAILABLE") -> bytes:
    """An error in the middle of a stream."""
    return event({"error": {"code": code, "message": "The model is overloaded.", "status": status}})


def error_reply(
    code: int,
    status: str,
    message: str = "Something is wrong.",
    details: list[Json] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """A refusal, as `google.rpc.Status`."""
    error: Json = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = details
    body = json.dumps({"error": error}).encode()
    return Reply((body,), (), code, headers or {}, "application/json; charset=UTF-8")


def quota_spent(retry_after_s: float | None = 37, *, of_today: bool = False) -> Reply:
    """Over quota."""
    quota = f"GenerateRequestsPer{'Day' if of_today else 'Minute'}PerProjectPerModel-FreeTier"
    info = "type.googleapis.com/google.rpc."
    details: list[Json] = [{"@type": info + "QuotaFailure", "violations": [{"quotaId": quota}]}]
    if retry_after_s is not None:
        details.append({"@type": info + "RetryInfo", "retryDelay": f"{retry_after_s:g}s"})
    message = "You exceeded your current quota, please check your plan and billing details."
    return error_reply(429, "RESOURCE_EXHAUSTED", message, details)


def silence() -> Reply:
    """Not even a first byte."""
    return Reply((), before=(End.SILENCE,))


def _answer(parts: list[Json], gap_s: float, finish: str) -> Reply:
    steps: list[Step] = []
    for place, part in enumerate(parts):
        candidate: Json = {"content": {"parts": [part], "role": "model"}, "index": 0}
        if finish and place == len(parts) - 1:
            candidate["finishReason"] = finish
        if gap_s and steps:
            steps.append(gap_s)
        steps.append(event({"candidates": [candidate], "modelVersion": "loopback"}))
    if finish and not parts:
        steps.append(event({"candidates": [{"finishReason": finish, "index": 0}]}))
    return Reply(tuple(steps))
