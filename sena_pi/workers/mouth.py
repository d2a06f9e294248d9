"""What the audio worker plays. Filled from its reading thread, owned by its playback thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from wyoming.event import Event

from sena_pi import wire
from sena_pi.audio import SAMPLE_BYTES
from sena_pi.gain import Gain
from sena_pi.sound import PlaybackStream
from sena_pi.workers.channel import Send

BLOCK_S = 0.01
"""Sound handed to the device at a time."""
REPORT_EVERY_S = 0.1
"""How often the played position is told."""
TAIL_S = 0.1
"""Silence played after the last sample, before the stream is stopped: sound servers hold more
than the device admits to, and a stop would cut it off."""
LONGEST_UNPLAYED_S = 10.0
"""The brain keeps one second here; ten times that is a fault, and is dropped."""


def nobody(_pcm: bytes, _rate_hz: int) -> None:
    """Who does not want to know what is said."""


class Mouth:
    """One turn's sound at a time: started, fed, ended, or flushed. Between turns, chimes.

    `begin`, `feed`, `end`, `flush` and `chime` may be called from any thread and return at once.
    `step` belongs to the thread that owns the stream; it does what can be done without waiting.
    """

    def __init__(
        self,
        send: Send,
        *,
        gain: float = 1.0,
        on_speech: Callable[[bytes, int], None] = nobody,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Make a mouth.

        Args:
            send: takes the events.
            gain: all that is played is multiplied by this, 0 to 1.
            on_speech: told of all samples of turns, and the silence between and after them, when
                they are handed to the speaker, and their rate; not of chimes.
            monotonic_ns: the clock of the events.
        """
        self._send = send
        self._gain = Gain(gain)
        self._on_speech = on_speech
        self._monotonic_ns = monotonic_ns
        self._changed = threading.Condition()
        self._turn: str | None = None
        self._pcm: deque[bytes] = deque()
        self._chime = b""
        self._unplayed_bytes = 0
        self._ended = False
        self._flush_asked = False
        self._flushed_turn: str | None = None
        self._news = False
        # Owned by `step`:
        self._started = False
        self._playing = False
        self._written = 0
        self._silence = 0
        self._reported_ns = 0

    def begin(self, turn: str) -> None:
        """Sound of `turn` follows; what is left of another turn is dropped."""
        with self._changed:
            self._drop()
            self._turn, self._ended = turn, False
            self._written = 0
            self._playing = False
            self._notify()

    def feed(self, turn: str, pcm: bytes) -> None:
        """Queue samples; dropped when `turn` is not the one that was begun last."""
        with self._changed:
            if (
                not pcm
                or turn != self._turn
                or self._unplayed_bytes > LONGEST_UNPLAYED_S * 2 * 48_000
            ):
                return
            self._pcm.append(pcm)
            self._unplayed_bytes += len(pcm)
            self._notify()

    def end(self, turn: str) -> None:
        """No more sound of `turn` comes: report when the last sample has been played."""
        with self._changed:
            if turn == self._turn:
                self._ended = True
                self._notify()

    def flush(self) -> None:
        """Silence now: `step` stops the stream, and drops all that is queued."""
        with self._changed:
            if self._turn is not None:
                self._flushed_turn = self._turn
            self._drop()
            self._chime = b""
            self._flush_asked = True
            self._notify()

    def chime(self, pcm: bytes) -> None:
        """Play this short sound now; dropped while a turn sounds, or another chime does.

        A turn that begins meanwhile is heard after it.
        """
        with self._changed:
            if self._turn is None and not self._chime:
                self._chime = pcm
                self._notify()

    def set_gain(self, gain: float) -> None:
        """From the next block on all that is played is multiplied by this, 0 to 1."""
        self._gain.set(gain)

    @property
    def busy(self) -> bool:
        """Sound is queued, playing or expected, or the stream is not stopped yet."""
        return self._turn is not None or self._started or bool(self._chime)

    def wait(self, timeout_s: float) -> None:
        """Until something changes, at most `timeout_s`; for the thread that calls `step`."""
        with self._changed:
            if not self._news:
                self._changed.wait(timeout_s)
            self._news = False

    def step(self, stream: PlaybackStream) -> None:
        """Do what can be done now.

        Raises:
            DeviceLost: the speaker went away.
        """
        with self._changed:
            if self._flush_asked:
                self._silence_now(stream)
            if self._chime:
                self._write_chime(stream)
            if self._turn is not None:
                self._write(stream)
                self._report(stream, self._turn)
            if self._started:
                self._fill(stream)

    def _write(self, stream: PlaybackStream) -> None:
        block = int(BLOCK_S * stream.rate_hz)
        while self._pcm and not self._chime:
            stream.start()
            self._started = True
            writable = stream.writable()
            if writable < min(block, len(self._pcm[0]) // SAMPLE_BYTES):
                return
            pcm = self._take(min(writable, block) * SAMPLE_BYTES)
            pcm = self._gain.applied(pcm)
            stream.write(pcm)
            self._on_speech(pcm, stream.rate_hz)
            self._written += len(pcm) // SAMPLE_BYTES
            self._silence = 0
            if not self._playing:
                self._playing = True
                self._reported_ns = self._monotonic_ns()
                data = {"turn": self._turn, "monotonic_ns": self._reported_ns}
                self._send(Event(wire.PLAYING, data))

    def _write_chime(self, stream: PlaybackStream) -> None:
        stream.start()
        self._started = True
        size = min(stream.writable(), len(self._chime) // SAMPLE_BYTES) * SAMPLE_BYTES
        stream.write(self._chime[:size])
        self._chime = self._chime[size:]
        self._silence = 0

    def _fill(self, stream: PlaybackStream) -> None:
        """Silence where no sound is there to play: an empty device clicks and complains."""
        if self._turn is None and self._silence >= TAIL_S * stream.rate_hz:
            stream.stop()
            self._started = False
            return
        block = int(BLOCK_S * stream.rate_hz)
        nothing = not self._pcm and not self._chime
        if nothing and stream.queued() < block <= stream.writable():
            silence = bytes(block * SAMPLE_BYTES)
            stream.write(silence)
            self._on_speech(silence, stream.rate_hz)
            self._silence += block

    def _take(self, size: int) -> bytes:
        pcm = self._pcm.popleft()
        if len(pcm) > size:
            self._pcm.appendleft(pcm[size:])
            pcm = pcm[:size]
        self._unplayed_bytes -= len(pcm)
        return pcm

    def _played(self, stream: PlaybackStream) -> int:
        return max(0, self._written - max(0, stream.queued() - self._silence))

    def _report(self, stream: PlaybackStream, turn: str) -> None:
        now_ns = self._monotonic_ns()
        played = self._played(stream)
        done = self._ended and not self._pcm and played == self._written
        if not done and (not self._playing or now_ns - self._reported_ns < REPORT_EVERY_S * 1e9):
            return
        self._reported_ns = now_ns
        data = {"turn": turn, "samples": played, "monotonic_ns": now_ns, "done": done}
        self._send(Event(wire.PLAYED, data))
        if done:
            self._drop()

    def _silence_now(self, stream: PlaybackStream) -> None:
        played = self._played(stream) if self._playing else 0
        stream.stop()
        self._flush_asked = False
        self._playing = self._started = False
        self._send(Event(wire.FLUSHED, {"turn": self._flushed_turn, "samples": played}))
        self._flushed_turn = None

    def _notify(self) -> None:
        self._news = True
        self._changed.notify()

    def _drop(self) -> None:
        self._turn = None
        self._pcm.clear()
        self._unplayed_bytes = 0
