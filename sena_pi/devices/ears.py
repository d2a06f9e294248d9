"""The local ears: the ears worker as the brain holds it, a `Transcriber`."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from wyoming.event import Event

from sena_pi import wire
from sena_pi.audio import MICROPHONE_FORMAT, AudioChunk, Utterance
from sena_pi.devices.worker import Supervisor, WorkerSpec, worker_argv
from sena_pi.errors import WorkerError
from sena_pi.stages import Transcript

PATIENCE_S = 5.0
"""Longest wait for a transcript, once all of the utterance is there ..."""
PATIENCE_PER_SECOND = 4.0
"""... and so much more for each second of it: a Pi 3 is that much slower than speech."""
READY_TIMEOUT_S = 60.0
"""Its models are 50 MB, which a slow card gives in some seconds, beside all else at a start."""
_LONGEST_RESTART_DELAY_S = 300.0
_PIECE_BYTES = 6400


@dataclass(eq=False, slots=True)
class _Stream:
    """An utterance the worker is hearing."""

    turn: str
    transcript: asyncio.Future[Transcript]
    bytes_sent: int = 0


class Ears:
    """pocketsphinx in a process of its own, started when it is first wanted.

    One utterance at a time. One that is handed on while it is spoken (`begin`, `feed`) is nearly
    understood when it ends; `transcribe` knows it again, and sends any other whole. Belongs to
    the event loop; `run` must be running.

    Args:
        patience_s: longest wait for a transcript, and
        patience_per_second: so much more for each second of sound; then the worker is replaced.
        argv: the worker's command, where it is not the usual one.

    Attributes:
        ready: set while the worker can hear.
        supervisor: keeps the worker running.
    """

    def __init__(
        self,
        *,
        patience_s: float = PATIENCE_S,
        patience_per_second: float = PATIENCE_PER_SECOND,
        argv: Sequence[str] | None = None,
    ) -> None:
        self.ready = asyncio.Event()
        self.supervisor = Supervisor(
            WorkerSpec("ears", argv or worker_argv("ears"), ready_timeout_s=READY_TIMEOUT_S),
            self._handle,
            up=self._up,
            down=self._down,
        )
        self._patience_s = patience_s
        self._patience_per_second = patience_per_second
        self._wanted = asyncio.Event()
        self._settled = asyncio.Event()
        self._reason = "it is starting"
        self._started = False
        self._failed_starts = 0
        self._own_turns = itertools.count(1)
        self._stream: _Stream | None = None

    async def run(self) -> None:
        """Start the worker when it is wanted, and keep it running until cancelled."""
        await self._wanted.wait()
        try:
            await self.supervisor.run()
        finally:
            self._lost(WorkerError("the ears were stopped"))

    def want(self) -> None:
        """Start the worker now, so that the first question does not wait for it."""
        self._wanted.set()

    async def started(self) -> None:
        """Wait until the worker can hear, or is known not to; at once where nobody wants it yet."""
        if self._wanted.is_set():
            await self._settled.wait()

    def begin(self, turn: str) -> None:
        """The sound of `turn` follows; that of an earlier turn is dropped. Returns at once."""
        self.want()
        self._drop("another utterance began")
        if self.ready.is_set():
            self._stream = _Stream(turn, asyncio.get_running_loop().create_future())
            start = {**wire.format_data(MICROPHONE_FORMAT), "turn": turn}
            self.supervisor.post(Event(wire.AUDIO_START, start))

    def feed(self, turn: str, pcm: bytes) -> None:
        """The next piece of the turn, 16 kHz mono. Returns at once."""
        if self._stream is not None and self._stream.turn == turn:
            self._stream.bytes_sent += len(pcm)
            self.supervisor.post(wire.chunk_event(AudioChunk(MICROPHONE_FORMAT, pcm), turn))

    async def finish(self, turn: str) -> Transcript:
        """The turn's sound is complete: wait for its words; empty when not understood.

        Raises:
            WorkerError: the worker died or was too slow, or did not hear the turn from its
                beginning.
        """
        stream = self._stream
        if stream is None or stream.turn != turn:
            raise WorkerError("the ears did not hear all of the utterance")
        patience_s = self._patience(stream.bytes_sent)
        try:
            async with asyncio.timeout(patience_s):
                await self.supervisor.send(Event(wire.AUDIO_STOP, {"turn": turn}))
                return await stream.transcript
        except TimeoutError:
            late = WorkerError(f"the ears did not answer within {patience_s:.0f} s")
            # Not ready from now on: the next utterance waits for the next worker.
            self._lost(late)
            await self.supervisor.replace()
            raise late from None
        finally:
            self.cancel(turn)

    def cancel(self, turn: str) -> None:
        """What was heard of the turn is dropped. Returns at once. Idempotent."""
        if self._stream is not None and self._stream.turn == turn:
            self._drop("the turn was cancelled")

    async def transcribe(self, utterance: Utterance) -> Transcript:
        """The words of a whole utterance, as `Transcriber.transcribe`."""
        stream = self._stream
        if stream is not None and stream.bytes_sent == len(utterance.pcm):
            return await self.finish(stream.turn)
        await self._wait_ready()
        turn = f"ears-{next(self._own_turns)}"
        self.begin(turn)
        for start in range(0, len(utterance.pcm), _PIECE_BYTES):
            self.feed(turn, utterance.pcm[start : start + _PIECE_BYTES])
        return await self.finish(turn)

    def _patience(self, sound_bytes: int) -> float:
        seconds = sound_bytes / MICROPHONE_FORMAT.frame_bytes / MICROPHONE_FORMAT.rate_hz
        return self._patience_s + self._patience_per_second * seconds

    async def _wait_ready(self) -> None:
        """Wait for a worker that is starting; WorkerError when it can't."""
        self.want()
        try:
            async with asyncio.timeout(self._patience_s):
                await self._settled.wait()
        except TimeoutError:
            raise WorkerError("the ears are not ready yet") from None
        if not self.ready.is_set():
            raise WorkerError(self._reason)

    def _drop(self, reason: str) -> None:
        stream, self._stream = self._stream, None
        if stream is None or stream.transcript.done():
            return
        self.supervisor.post(Event(wire.CANCEL, {"turn": stream.turn}))
        stream.transcript.set_exception(WorkerError(reason))
        # Whoever waited for it has left or is told; nobody else needs to hear of it.
        stream.transcript.exception()

    # What the worker says.

    async def _handle(self, event: Event) -> None:
        stream = self._stream
        if event.type != wire.TRANSCRIPT or stream is None or stream.transcript.done():
            return
        if event.data["turn"] == stream.turn:
            stream.transcript.set_result(Transcript(event.data["text"]))

    async def _up(self, _ready: Event) -> None:
        self._started = True
        self._failed_starts = 0
        self.ready.set()
        self._settled.set()

    async def _down(self, error: WorkerError) -> None:
        if self._started:
            self._started = False
            self._lost(error)
            return
        # It can't even start: what is missing now is missing in a second too.
        self._reason = str(error)
        self._settled.set()
        self._failed_starts += 1
        await asyncio.sleep(min(2.0**self._failed_starts, _LONGEST_RESTART_DELAY_S))

    def _lost(self, error: WorkerError) -> None:
        self.ready.clear()
        self._settled.clear()
        stream, self._stream = self._stream, None
        if stream is not None and not stream.transcript.done():
            stream.transcript.set_exception(error)
            stream.transcript.exception()
