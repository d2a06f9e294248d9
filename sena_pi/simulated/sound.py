"""A sound system without sound cards: a microphone that plays recordings, a speaker that records.

It obeys the rules of the real one: frames come at their pace (unless asked to hurry), a speaker
takes no more than it can hold, and what is flushed is not heard.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sena_pi.audio import (
    FRAME_SAMPLES,
    MICROPHONE_FORMAT,
    SAMPLE_BYTES,
    AudioFormat,
    read_wav,
    wav_bytes,
)
from sena_pi.resampling import Resampler
from sena_pi.simulated.echo import RoomEcho
from sena_pi.sound import LONGEST_QUEUE_S, DeviceLost, SoundDevice

PLAYBACK_FORMAT = AudioFormat(rate_hz=48_000)
_RATE_HZ = MICROPHONE_FORMAT.rate_hz
_SPEECH_FLOOR = 0.02
"""Part of a recording's peak above which its last sound counts as speech."""
_NOISE = array("h", [1, -1] * FRAME_SAMPLES).tobytes()
"""What a silent room gives: a microphone that delivers exact zeros is a dead one."""

Monotonic = Callable[[], float]


@dataclass(frozen=True, slots=True)
class SpokenRecording:
    """A recording that somebody speaks, or has spoken, into the simulated microphone.

    Attributes:
        path: the WAV file.
        speech_end_sample: stream position where speech truly ends in it.
        done: its last sample has been read.
    """

    path: str
    speech_end_sample: int
    done: bool


@dataclass(slots=True)
class _Recording:
    path: str
    pcm: bytes
    position: int = 0
    speech_end_sample: int = 0


class SimulatedCapture:
    """A microphone in a silent room, where somebody speaks WAV files; a `CaptureStream`.

    `speak` and `hurry` may be called from any thread.
    """

    device = "simulated microphone"

    def __init__(
        self,
        on_spoken: Callable[[SpokenRecording], None],
        *,
        echo: RoomEcho | None = None,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._echo = echo
        self._on_spoken = on_spoken
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._recordings: deque[_Recording] = deque()
        self._last_s = monotonic()
        self._ready = 0
        self._position = 0
        self._hurry = False

    def speak(self, path: str) -> None:
        """Queue a WAV file to be spoken; `on_spoken` hears of its start and its end.

        Raises:
            ValueError: not a 16-bit PCM WAV file; the message names it.
            OSError: it can't be read.
        """
        pcm = load_recording(Path(path))
        with self._lock:
            self._recordings.append(_Recording(path, pcm))

    def hurry(self, *, on: bool) -> None:
        """Deliver frames as fast as they are read, or at their own pace."""
        with self._lock:
            self._hurry = on
            self._last_s = self._monotonic()

    def available(self) -> int:
        """Samples that can be read now, as `CaptureStream.available`."""
        with self._lock:
            if self._hurry:
                return FRAME_SAMPLES
            now_s = self._monotonic()
            samples = int((now_s - self._last_s) * _RATE_HZ)
            self._last_s += samples / _RATE_HZ
            self._ready = min(self._ready + samples, _RATE_HZ)
            return self._ready

    def read(self, samples: int) -> bytes:
        """Read samples that are available, as `CaptureStream.read`."""
        size = samples * SAMPLE_BYTES
        pcm = b""
        news: list[SpokenRecording] = []
        with self._lock:
            at_s = self._last_s - self._ready / _RATE_HZ
            self._ready = max(0, self._ready - samples)
            if self._recordings:
                recording = self._recordings[0]
                if recording.position == 0:
                    end = self._position + end_of_speech(recording.pcm)
                    recording.speech_end_sample = end
                    news.append(SpokenRecording(recording.path, end, done=False))
                pcm = recording.pcm[recording.position : recording.position + size]
                recording.position += len(pcm)
                if recording.position >= len(recording.pcm):
                    self._recordings.popleft()
                    news.append(
                        SpokenRecording(recording.path, recording.speech_end_sample, done=True)
                    )
            self._position += samples
        for spoken in news:
            self._on_spoken(spoken)
        pcm += _NOISE[: size - len(pcm)]
        return pcm if self._echo is None else self._echo.mixed(pcm, at_s)

    def close(self) -> None:
        """Nothing to give back."""


class SimulatedPlayback:
    """A speaker that keeps what it played; a `PlaybackStream`.

    Attributes:
        played: all samples that were heard, in order.
    """

    device = "simulated speaker"
    rate_hz = PLAYBACK_FORMAT.rate_hz

    def __init__(
        self,
        record_to: Path | None = None,
        *,
        hurry: bool = False,
        echo: RoomEcho | None = None,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._echo = echo
        self._record_to = record_to
        self._hurry = hurry
        self._monotonic = monotonic
        self._written = bytearray()
        self._empty_at_s = 0.0
        self._started = False

    @property
    def played(self) -> bytes:
        """What was heard so far, the silence between sounds of a started stream included."""
        return bytes(self._written)

    def queued(self) -> int:
        """Samples written and not yet played, as `PlaybackStream.queued`."""
        if self._hurry or not self._started:
            return 0
        return max(0, round((self._empty_at_s - self._monotonic()) * self.rate_hz))

    def writable(self) -> int:
        """Samples that can be written now, as `PlaybackStream.writable`."""
        return max(0, int(LONGEST_QUEUE_S * self.rate_hz) - self.queued())

    def write(self, pcm: bytes) -> None:
        """Hand over samples, as `PlaybackStream.write`."""
        samples = len(pcm) // SAMPLE_BYTES
        if samples > self.writable():
            raise ValueError(f"{samples} samples written where {self.writable()} fit")
        now_s = self._monotonic()
        start_s = max(self._empty_at_s, now_s)
        if self._echo is not None:
            self._echo.played(pcm, self.rate_hz, start_s)
        self._empty_at_s = start_s + samples / self.rate_hz
        self._written += pcm

    def start(self) -> None:
        """Begin to play, as `PlaybackStream.start`."""
        self._started = True

    def stop(self) -> None:
        """Silence now, as `PlaybackStream.stop`."""
        if not self._started:
            return
        dropped = self.queued() * SAMPLE_BYTES
        if dropped:
            del self._written[-dropped:]
        if self._echo is not None:
            self._echo.silenced(self._monotonic())
        self._empty_at_s = 0.0
        self._started = False
        if self._record_to is not None:
            self._record_to.write_bytes(wav_bytes(bytes(self._written), PLAYBACK_FORMAT))

    def close(self) -> None:
        """Stop, and leave the recording whole."""
        self.stop()


class SimulatedSound:
    """One simulated microphone and one simulated speaker; a `SoundSystem`.

    They hear nothing of each other without an `echo`, which keeps real time: with it, nobody must
    hurry.
    """

    def __init__(
        self,
        on_spoken: Callable[[SpokenRecording], None] = lambda _spoken: None,
        *,
        record_to: Path | None = None,
        hurry: bool = False,
        echo: RoomEcho | None = None,
    ) -> None:
        self.capture = SimulatedCapture(on_spoken, echo=echo)
        self.playback = SimulatedPlayback(record_to, hurry=hurry, echo=echo)

    def devices(self) -> list[SoundDevice]:
        """Both devices, as `SoundSystem.devices`."""
        return [
            SoundDevice(self.capture.device, inputs=1, outputs=0),
            SoundDevice(self.playback.device, inputs=0, outputs=1),
        ]

    def open_capture(self, device: str) -> SimulatedCapture:
        """The microphone, as `SoundSystem.open_capture`."""
        _check(device, self.capture.device)
        return self.capture

    def open_playback(self, device: str) -> SimulatedPlayback:
        """The speaker, as `SoundSystem.open_playback`."""
        _check(device, self.playback.device)
        return self.playback

    def stale(self) -> bool:
        """Never: nothing comes or goes here."""
        return False

    def close(self) -> None:
        """Leave the recording whole."""
        self.playback.close()


def load_recording(path: Path) -> bytes:
    """A WAV file as 16 kHz mono samples: first channel, resampled when needed.

    Raises:
        ValueError: not a 16-bit PCM WAV file; the message names it.
        OSError: it can't be read.
    """
    try:
        chunk = read_wav(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    resampler = Resampler(chunk.format, _RATE_HZ)
    return resampler.convert(chunk.pcm) + resampler.rest()


def end_of_speech(pcm: bytes) -> int:
    """Samples up to the last 10 ms that stand out: where speech truly ends.

    Standing out: above a fiftieth of the peak, and three times above the recording's own quiet.
    """
    samples = array("h", pcm)
    window = _RATE_HZ // 100
    peaks = [
        max(max(part), -min(part))
        for part in (samples[start : start + window] for start in range(0, len(samples), window))
    ]
    if not peaks:
        return 0
    quiet = sorted(peaks)[len(peaks) // 10]
    floor = max(max(peaks) * _SPEECH_FLOOR, 3 * quiet if quiet < max(peaks) / 3 else 0)
    last = max((index for index, peak in enumerate(peaks) if peak > floor), default=len(peaks) - 1)
    return min(len(samples), (last + 1) * window)


def _check(wanted: str, device: str) -> None:
    if wanted and wanted != device:
        raise DeviceLost(f"no device is called {wanted!r}; there is: {device}")
