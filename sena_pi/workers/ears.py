"""The ears worker: `python -m sena_pi.workers.ears`, events on standard input and output.

Takes an utterance as any Wyoming server does, while it is spoken: `audio-start`, `audio-chunk`s
and `audio-stop` of a `turn`, answered by a `transcript` (`text`, empty when nothing was
understood; `lag_ms` since the audio ended). `sena-cancel` (`turn`) drops it, and so does the
`audio-start` of another. No settings.

The main thread decodes. Another only reads commands; pocketsphinx holds Python's lock, but for
no more than 100 ms of sound at a time.
"""

from __future__ import annotations

# Nothing but Python's own may be imported before standard output is out of reach.
from sena_pi.workers.stdio import claim_stdio

if __name__ == "__main__":
    _EVENTS_IN, _EVENTS_OUT = claim_stdio()

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from wyoming.event import Event

from sena_pi import journal, wire
from sena_pi.audio import MICROPHONE_FORMAT
from sena_pi.engines.sphinx import Hearing, SphinxEars
from sena_pi.errors import EngineUnavailable
from sena_pi.phrases import jsgf_grammar
from sena_pi.workers.channel import Channel

NICENESS = 5
"""Understanding may wait a moment; hearing may not."""
LONGEST_S = 10.0
"""No phrase is so long: such an utterance is not decoded further, and not understood."""

_LONGEST_BYTES = round(LONGEST_S * MICROPHONE_FORMAT.rate_hz) * MICROPHONE_FORMAT.frame_bytes
_PIECE_BYTES = 3200

_log = logging.getLogger(__name__)


class Listener(Protocol):
    """What the worker hears with; see `SphinxEars`."""

    def begin(self) -> None:
        """A new utterance; one that was not finished is dropped."""

    def feed(self, pcm: bytes) -> None:
        """The next sound of the utterance, 16 kHz mono."""

    def finish(self) -> Hearing:
        """The utterance is over: what was said?"""


@dataclass(eq=False, slots=True)
class _Job:
    """An utterance that is arriving."""

    turn: str
    waiting: bytearray = field(default_factory=bytearray)
    ended_s: float | None = None


class EarsWorker:
    """Understands one utterance at a time, the one begun last, until its commands end."""

    def __init__(self, listener: Listener, send: Callable[[Event], None]) -> None:
        self._listener = listener
        self._send = send
        self._changed = threading.Condition()
        self._job: _Job | None = None
        self._closing = False

    def run(self, commands: Iterable[Event]) -> None:
        """Serve commands until they end. Blocks."""
        self._send(Event(wire.READY, {"engine": "pocketsphinx", "language": "en"}))
        threading.Thread(target=self._read, args=(commands,), name="commands", daemon=True).start()
        while (job := self._next()) is not None:
            self._understand(job)

    # The commands' thread: waits for nothing else.

    def _read(self, commands: Iterable[Event]) -> None:
        try:
            for event in commands:
                with self._changed:
                    self._obey(event)
                    self._changed.notify()
        finally:
            with self._changed:
                self._closing = True
                self._job = None
                self._changed.notify()

    def _obey(self, event: Event) -> None:
        turn, job = str(event.data.get("turn", "")), self._job
        if event.type == wire.AUDIO_START:
            self._job = _Job(turn)
        elif job is None or job.turn != turn:
            # Left over from a turn that was cancelled or replaced.
            return
        elif event.type == wire.AUDIO_CHUNK:
            job.waiting += event.payload or b""
        elif event.type == wire.AUDIO_STOP:
            job.ended_s = time.monotonic()
        elif event.type == wire.CANCEL:
            self._job = None

    # The decoding thread: if it fails, so does the process.

    def _next(self) -> _Job | None:
        """The utterance that is arriving; waits for one; None at the end."""
        with self._changed:
            while self._job is None and not self._closing:
                self._changed.wait()
            return self._job

    def _understand(self, job: _Job) -> None:
        self._listener.begin()
        left_bytes = _LONGEST_BYTES
        while (pcm := self._next_piece(job)) is not None:
            left_bytes -= len(pcm)
            if left_bytes >= 0:
                self._listener.feed(pcm)
        if self._job is job:
            self._answer(job, self._listener.finish().text if left_bytes >= 0 else "")

    def _next_piece(self, job: _Job) -> bytes | None:
        """Sound to be decoded; waits for it; None when the utterance has ended or was dropped."""
        with self._changed:
            while self._job is job and not job.waiting and job.ended_s is None:
                self._changed.wait()
            if self._job is not job:
                return None
            piece = bytes(job.waiting[:_PIECE_BYTES])
            del job.waiting[: len(piece)]
            return piece or None

    def _answer(self, job: _Job, text: str) -> None:
        """Send unless dropped: once a cancel was read, nothing of its turn follows."""
        with self._changed:
            if self._job is not job or job.ended_s is None:
                return
            self._job = None
            lag_ms = round(1000 * (time.monotonic() - job.ended_s))
            data = {"turn": job.turn, "text": text, "language": "en", "lag_ms": lag_ms}
            self._send(Event(wire.TRANSCRIPT, data))


def main(events_in: int, events_out: int) -> int:
    """Run until the commands end; exit status 1 when the ears are unavailable."""
    os.nice(NICENESS)
    channel = Channel(events_in, events_out)
    commands = channel.events()
    first = next(commands, None)
    if first is None:
        return 0
    if first.type != wire.CONFIGURE:
        _log.error("the ears worker was sent %r before its settings", first.type)
        return 1
    try:
        ears = SphinxEars(jsgf_grammar())
    except EngineUnavailable as error:
        channel.send(Event(wire.ERROR, {"text": str(error)}))
        channel.close()
        return 1
    EarsWorker(ears, channel.send).run(commands)
    channel.close()
    return 0


if __name__ == "__main__":
    journal.set_up()
    sys.exit(main(_EVENTS_IN, _EVENTS_OUT))
