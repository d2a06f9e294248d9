"""The speaker: sound on its way through the audio worker, and how much of it was played."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

from wyoming.event import Event

from sena_pi import wire
from sena_pi.audio import AudioChunk, AudioFormat
from sena_pi.devices.worker import Supervisor
from sena_pi.errors import WorkerError
from sena_pi.resampling import Resampler
from sena_pi.stages import Mark

LONGEST_UNPLAYED_S = 1.0
"""Sound kept in the worker: enough to bridge a busy moment, little enough to take back."""
STUCK_AFTER_S = 3.0
"""A speaker whose position has not moved for so long is stuck; its worker is replaced."""
FLUSH_TIMEOUT_S = 0.5
PIECE_S = 0.1
"""Longest piece handed to the worker at a time."""


class WorkerSpeaker:
    """A `Speaker`.

    Attributes:
        first_sample_ns: monotonic time when the first sample of this run was with the device,
            None until then.
        ready: set while there is a speaker.
        flushed_s: monotonic time when the worker last said that it is silent.
    """

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._runs = itertools.count(1)
        self._run: str | None = None
        self._rate_hz: int | None = None
        self._resampler: Resampler | None = None
        self._flushing: str | None = None
        self._run_rate_hz = 0
        self._announced = False
        self._sent = 0
        self._played = 0
        self._done = False
        self._marks: list[tuple[float, Mark]] = []
        self._given_s = 0.0
        self._error: WorkerError | None = None
        self._moved = asyncio.Event()
        self._flushed = asyncio.Event()
        self.first_sample_ns: int | None = None
        self.ready = asyncio.Event()
        self.flushed_s = 0.0

    @property
    def queued_s(self) -> float:
        """Seconds of sound of this run handed over so far."""
        return self._sent / self._run_rate_hz if self._run_rate_hz else 0.0

    @property
    def played_s(self) -> float:
        """Seconds of sound of this run that were played so far, as last told (every 0.1 s)."""
        return self._played / self._run_rate_hz if self._run_rate_hz else 0.0

    def begin(self) -> None:
        """Begin a run of sound, as `Speaker.begin`."""
        self._run = str(next(self._runs))
        self._announced = False
        self._sent = self._played = 0
        self._done = False
        self._marks = []
        self._given_s = 0.0
        self._error = None
        self._resampler = None
        self.first_sample_ns = None

    def mark(self) -> Mark:
        """A mark behind what was handed over so far, as `Speaker.mark`."""
        mark = Mark()
        # Not what was sent: a resampler keeps back some of what it was given.
        self._marks.append((self._given_s, mark))
        return mark

    async def play(self, chunk: AudioChunk) -> None:
        """Queue a chunk, as `Speaker.play`."""
        rate_hz = await self._rate()
        if self._resampler is not None and self._resampler.source != chunk.format:
            await self._send(self._resampler.rest(), rate_hz)
            self._resampler = None
        if self._resampler is None:
            self._resampler = Resampler(chunk.format, rate_hz)
        self._given_s += chunk.seconds
        await self._send(self._resampler.convert(chunk.pcm), rate_hz)

    async def drain(self) -> None:
        """Wait until all was played, as `Speaker.drain`. Does nothing when nothing was queued."""
        if self._error is not None:
            raise self._error
        if self._run is not None and self._announced:
            resampler, self._resampler = self._resampler, None
            if resampler is not None:
                await self._send(resampler.rest(), self._run_rate_hz)
            await self._supervisor.send(Event(wire.AUDIO_STOP, {"turn": self._run}))
            run = self._run
            while not self._done and self._run == run:
                await self._progress()
        self._run = None

    async def flush(self) -> None:
        """Silence now, as `Speaker.flush`; returns when the worker says that it is silent."""
        self._flushing, self._run = self._run, None
        self._resampler = None
        self._moved.set()
        if self._rate_hz is None:
            return  # No speaker, no sound.
        self._flushed.clear()
        try:
            await self._supervisor.send(Event(wire.FLUSH, {}))
            async with asyncio.timeout(FLUSH_TIMEOUT_S):
                await self._flushed.wait()
        except WorkerError:
            return  # Gone, and silent with it.
        except TimeoutError:
            # Sound that can't be stopped is worse than a moment without any.
            await self._supervisor.replace()

    # What the worker tells; called by `Audio` on the loop.

    def opened(self, rate_hz: int) -> None:
        """The worker has opened the speaker."""
        self._rate_hz = rate_hz
        self.ready.set()

    def lost(self, error: WorkerError) -> None:
        """The worker is gone; who waits is told."""
        self._rate_hz = None
        self.ready.clear()
        if self._run is not None and self._announced:
            self._error = error
        self._moved.set()
        self._flushed.set()

    def handle(self, event: Event) -> None:
        """A report of the worker; those of earlier runs are ignored."""
        data: dict[str, Any] = event.data
        if event.type == wire.FLUSHED:
            if data["turn"] is not None and data["turn"] == self._flushing:
                self._played = max(self._played, data["samples"])
            self.flushed_s = time.monotonic()
            self._flushed.set()
            return
        if data["turn"] != self._run:
            return
        if event.type == wire.PLAYING:
            self.first_sample_ns = data["monotonic_ns"]
            self._pass_marks(1, data)
        else:
            self._played = data["samples"]
            self._done = data["done"]
            self._pass_marks(self._played, data)
        self._moved.set()

    def _pass_marks(self, played: int, data: dict[str, Any]) -> None:
        """So many samples were played when this was told, the last of them without a pause."""
        for place_s, mark in self._marks:
            place = round(place_s * self._run_rate_hz)
            if mark.passed_ns is None and played > place:
                since_s = (played - place - 1) / self._run_rate_hz
                mark.passed_ns = data["monotonic_ns"] - round(since_s * 1e9)

    async def _send(self, pcm: bytes, rate_hz: int) -> None:
        run = self._run
        if run is None:
            return
        longest = int(LONGEST_UNPLAYED_S * rate_hz)
        audio_format = AudioFormat(rate_hz)
        piece_bytes = int(PIECE_S * rate_hz) * audio_format.frame_bytes
        for start in range(0, len(pcm), piece_bytes):
            piece = AudioChunk(audio_format, pcm[start : start + piece_bytes])
            while self._run == run and self._unplayed + piece.samples > longest:
                await self._progress()
            if run != self._run:
                return
            if not self._announced:
                self._announced = True
                self._run_rate_hz = rate_hz
                start_data = {**wire.format_data(audio_format), "turn": run}
                await self._supervisor.send(Event(wire.AUDIO_START, start_data))
            self._sent += piece.samples
            await self._supervisor.send(wire.chunk_event(piece, run))

    async def _rate(self) -> int:
        """The speaker's rate; waits a moment for a worker that is being replaced.

        Raises:
            WorkerError: sound of this run is lost, or there is no speaker.
        """
        if self._error is not None:
            raise self._error
        try:
            async with asyncio.timeout(STUCK_AFTER_S):
                await self.ready.wait()
        except TimeoutError:
            raise WorkerError("there is no speaker") from None
        assert self._rate_hz is not None  # noqa: S101 - ready says so
        return self._rate_hz

    @property
    def _unplayed(self) -> int:
        return self._sent - self._played

    @property
    def _state(self) -> tuple[str | None, int, bool]:
        return self._run, self._played, self._done

    async def _progress(self) -> None:
        """Wait for the next report.

        Raises:
            WorkerError: the worker is gone, or the speaker is stuck.
        """
        if self._error is not None:
            raise self._error
        before = self._state
        self._moved.clear()
        try:
            async with asyncio.timeout(STUCK_AFTER_S):
                while self._state == before and self._error is None:
                    await self._moved.wait()
                    self._moved.clear()
        except TimeoutError:
            await self._supervisor.replace()
            raise WorkerError(f"the speaker did not play for {STUCK_AFTER_S:g} s") from None
        if self._error is not None:
            raise self._error
