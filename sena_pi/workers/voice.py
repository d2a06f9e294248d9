"""The voice worker: `python -m sena_pi.workers.voice`, events on standard input and output.

A process of its own because plain text can kill Piper's phonemiser, and because a sentence
being synthesised can't be waited for. The main thread speaks, one sentence after the other.
Another only reads commands, so that a sentence can be cancelled while it is synthesised. The
channel's writer owns the way out.

It takes `synthesize` (`text`, `turn`), answered by `audio-start`, `audio-chunk`s and
`audio-stop`, or by `error`; `sena-cancel` (`turn`), not answered; `describe` and `ping`, as any
Wyoming server does. Settings: `model`, `threads`, `length_scale`, `speaker`.
"""

from __future__ import annotations

# Nothing but Python's own may be imported before standard output is out of reach.
from sena_pi.workers.stdio import claim_stdio

if __name__ == "__main__":
    _EVENTS_IN, _EVENTS_OUT = claim_stdio()

import contextlib
import logging
import os
import resource
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wyoming.event import Event
from wyoming.ping import Ping, Pong

from sena_pi import journal, wire
from sena_pi.audio import AudioChunk, AudioFormat
from sena_pi.errors import EngineUnavailable, SynthesisFailed
from sena_pi.workers.channel import Channel

PIECE_S = 0.1
"""Longest chunk sent: a speaker takes them one by one and can be silenced between two."""
NICENESS = 5
"""Hearing comes first: speech is synthesised faster than it is spoken anyway."""
MEMORY_LIMIT_BYTES = 1536 * 1024 * 1024
"""Address space; a medium voice needs a third of it."""
OOM_SCORE = 500
"""Where memory runs out the kernel ends this process first: it is large, and there are others that
speak."""

_log = logging.getLogger(__name__)


class Synthesis(Protocol):
    """One sentence about to be spoken."""

    def chunks(self) -> Iterator[AudioChunk]:
        """Its sound; blocks.

        Raises:
            SynthesisFailed: it can't be spoken, or was cancelled.
        """

    def cancel(self) -> None:
        """End it, from any thread."""


class VoiceEngine(Protocol):
    """What the worker speaks with."""

    @property
    def format(self) -> AudioFormat:
        """Format of the sound."""

    @property
    def language(self) -> str:
        """Language spoken ("en")."""

    def synthesis(self, sentence: str) -> Synthesis:
        """A sentence to be spoken by the speaking thread; any thread may ask for it."""


@dataclass(eq=False, slots=True)
class _Job:
    turn: str
    synthesis: Synthesis
    cancelled: bool = False


class VoiceWorker:
    """Speaks the sentences it is told to, in order, until its commands end."""

    def __init__(self, name: str, engine: VoiceEngine, send: Callable[[Event], None]) -> None:
        self._name = name
        self._engine = engine
        self._send = send
        self._changed = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._speaking: _Job | None = None
        self._closing = False

    def run(self, commands: Iterable[Event]) -> None:
        """Speak until the commands have ended and nothing waits. Blocks."""
        rate_hz = self._engine.format.rate_hz
        ready = {"voice": self._name, "rate": rate_hz, "language": self._engine.language}
        self._send(Event(wire.READY, ready))
        threading.Thread(target=self._read, args=(commands,), name="commands", daemon=True).start()
        while (job := self._next()) is not None:
            try:
                self._speak(job)
            except SynthesisFailed as error:
                self._send_of(job, Event(wire.ERROR, {"turn": job.turn, "text": str(error)}))

    # The commands' thread: waits for nothing else.

    def _read(self, commands: Iterable[Event]) -> None:
        try:
            for event in commands:
                self._obey(event)
        finally:
            with self._changed:
                self._closing = True
                self._changed.notify()

    def _obey(self, event: Event) -> None:
        turn = str(event.data.get("turn", ""))
        if event.type == wire.SYNTHESIZE:
            job = _Job(turn, self._engine.synthesis(str(event.data["text"])))
            with self._changed:
                self._waiting.append(job)
                self._changed.notify()
        elif event.type == wire.CANCEL:
            self._cancel(turn)
        elif Ping.is_type(event.type):
            self._send(Pong(text=Ping.from_event(event).text).event())
        elif event.type == "describe":
            self._send(self._info())
        else:
            _log.warning("the voice worker does not know the event %r", event.type)

    def _cancel(self, turn: str) -> None:
        with self._changed:
            self._waiting = deque(job for job in self._waiting if job.turn != turn)
            if self._speaking is not None and self._speaking.turn == turn:
                self._speaking.cancelled = True
                self._speaking.synthesis.cancel()

    def _info(self) -> Event:
        """What any Wyoming server tells of itself (`wyoming.info` needs Python's old audioop)."""
        maker = {"name": "Piper", "url": "https://github.com/OHF-Voice/piper1-gpl"}
        about = {"attribution": maker, "installed": True, "description": "Piper", "version": None}
        voice = {**about, "name": self._name, "languages": [self._engine.language]}
        return Event("info", {"tts": [{**about, "name": "piper", "voices": [voice]}]})

    # The speaking thread: if it fails, so does the process.

    def _next(self) -> _Job | None:
        with self._changed:
            self._speaking = None
            while not self._waiting and not self._closing:
                self._changed.wait()
            self._speaking = self._waiting.popleft() if self._waiting else None
            return self._speaking

    def _speak(self, job: _Job) -> None:
        started = False
        for chunk in job.synthesis.chunks():
            for piece in chunk.pieces(PIECE_S):
                if not started:
                    started = True
                    about = {**wire.format_data(piece.format), "turn": job.turn}
                    self._send_of(job, Event(wire.AUDIO_START, about))
                self._send_of(job, wire.chunk_event(piece, job.turn))
        if not started:
            raise SynthesisFailed("the voice gave no sound")
        self._send_of(job, Event(wire.AUDIO_STOP, {"turn": job.turn}))

    def _send_of(self, job: _Job, event: Event) -> None:
        """Send unless cancelled: once a cancel was read, nothing of its turn follows."""
        with self._changed:
            if not job.cancelled:
                self._send(event)


def limit_self() -> None:
    """Be a good neighbour: lower priority, no core dumps on the card, bounded memory."""
    os.nice(NICENESS)
    _go_first()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))


def _go_first() -> None:
    # A sandbox may hide it; then the bound on memory is all there is.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE), encoding="ascii")


def main(events_in: int, events_out: int) -> int:
    """Run until the commands end; exit status 1 when the voice is unavailable."""
    limit_self()
    channel = Channel(events_in, events_out)
    commands = channel.events()
    first = next(commands, None)
    if first is None:
        return 0
    if first.type != wire.CONFIGURE:
        _log.error("the voice worker was sent %r before its settings", first.type)
        return 1
    # Heavy libraries, loaded within the limits.
    from sena_pi.engines.piper import PiperEngine

    model = Path(first.data["model"])
    try:
        engine = PiperEngine(
            model,
            threads=first.data.get("threads", 1),
            length_scale=first.data.get("length_scale", 1.0),
            speaker=first.data.get("speaker"),
        )
    except EngineUnavailable as error:
        channel.send(Event(wire.ERROR, {"text": str(error)}))
        channel.close()
        return 1
    VoiceWorker(f"piper/{model.stem}", engine, channel.send).run(commands)
    channel.close()
    return 0


if __name__ == "__main__":
    journal.set_up()
    sys.exit(main(_EVENTS_IN, _EVENTS_OUT))
