"""A room in which the speaker is heard by the microphone, on a clock of its own.

The real mouth, ear, detectors and comparison of both; only devices and time are simulated, so a
minute passes in a second or two and every run is the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soxr
from wyoming.event import Event

from sena_pi import wire
from sena_pi.audio import FRAME_SAMPLES, MICROPHONE_FORMAT, wav_bytes
from sena_pi.endpointer import EndpointerSettings
from sena_pi.engines.silero import SileroVoiceActivityDetector
from sena_pi.own_voice import OwnVoice
from sena_pi.simulated.echo import RoomEcho
from sena_pi.simulated.sound import SimulatedCapture, SimulatedPlayback
from sena_pi.stages import VoiceActivityDetector, WakeWordDetector
from sena_pi.workers.ear import Ear
from sena_pi.workers.mouth import Mouth, nobody

STEP_S = 0.004
SPEAKER_HZ = SimulatedPlayback.rate_hz
PIECE_S = 0.1


class SmallSpeaker(RoomEcho):
    """An echo from a small overdriven speaker, heard in a room with a fan."""

    OVERDRIVEN_AT = 12_000.0
    FAN = 8.0

    def __init__(self, level_db: float, delay_s: float) -> None:
        super().__init__(level_db, delay_s)
        self._random = np.random.default_rng(7)

    def played(self, pcm: bytes, rate_hz: int, at_s: float) -> None:
        samples = np.frombuffer(pcm, np.int16) / self.OVERDRIVEN_AT
        clipped = (np.tanh(samples) * self.OVERDRIVEN_AT).astype(np.int16)
        super().played(clipped.tobytes(), rate_hz, at_s)

    def mixed(self, pcm: bytes, at_s: float) -> bytes:
        samples = np.frombuffer(super().mixed(pcm, at_s), np.int16)
        noise = self._random.normal(0.0, self.FAN, len(samples))
        return np.clip(samples + noise, -32768, 32767).astype(np.int16).tobytes()


@dataclass(slots=True)
class EchoRoom:
    """One room. `answer`, `press` and `person` are what happens in it; `run` lets time pass.

    Attributes:
        detector: for the wake words.
        echo: the way from the speaker to the microphone.
        own_voice: None: nobody minds the echo, the control.
        on_done: called when an answer has been played.
        sent: what the worker told.
    """

    detector: WakeWordDetector | None
    echo: RoomEcho
    own_voice: OwnVoice | None
    stop_words: WakeWordDetector | None = None
    voice_activity: VoiceActivityDetector = field(default_factory=SileroVoiceActivityDetector)
    chime: bytes = b""
    on_done: Callable[[], None] = lambda: None
    sent: list[Event] = field(default_factory=list)
    now_s: float = 1000.0
    speaker: SimulatedPlayback = field(init=False)
    microphone: SimulatedCapture = field(init=False)
    mouth: Mouth = field(init=False)
    ear: Ear = field(init=False)
    _unsaid: bytes = field(init=False, default=b"")
    _turns: int = field(init=False, default=0)
    _next_s: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        def now_s() -> float:
            return self.now_s

        def now_ns() -> int:
            return round(self.now_s * 1e9)

        self.speaker = SimulatedPlayback(echo=self.echo, monotonic=now_s)
        self.microphone = SimulatedCapture(lambda _spoken: None, echo=self.echo, monotonic=now_s)
        on_speech = self.own_voice.played if self.own_voice else nobody
        self.mouth = Mouth(self._tell, on_speech=on_speech, monotonic_ns=now_ns)
        self.ear = Ear(
            self.detector,
            self.voice_activity,
            EndpointerSettings(),
            self._tell,
            own_voice=self.own_voice,
            stop_words=self.stop_words,
            on_wake=lambda: self.mouth.chime(self.chime),
            monotonic_ns=now_ns,
        )

    def answer(self, pcm: bytes) -> None:
        """The assistant begins to say this (16 kHz)."""
        samples = np.frombuffer(pcm, np.int16)
        self._unsaid = soxr.resample(samples, MICROPHONE_FORMAT.rate_hz, SPEAKER_HZ).tobytes()
        self._turns += 1
        self.mouth.begin(str(self._turns))

    def press(self) -> None:
        """Somebody presses the button: silence, and listening."""
        self.interrupt("press")

    def interrupt(self, since: str) -> None:
        """What the brain does on a press or a wake word."""
        self._unsaid = b""
        self.mouth.flush()
        self.ear.listen(f"after {self._turns}", since)

    def person(self, pcm: bytes) -> None:
        """A person begins to say this (16 kHz)."""
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            Path(file.name).write_bytes(wav_bytes(pcm, MICROPHONE_FORMAT))
            self.microphone.speak(file.name)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds / STEP_S)):
            self._hand_over()
            self.mouth.step(self.speaker)
            while self.microphone.available() >= FRAME_SAMPLES:
                self.ear.feed(self.microphone.read(FRAME_SAMPLES))
            self.now_s += STEP_S

    def events(self, event_type: str) -> list[Event]:
        """All events of a type, in order."""
        return [event for event in self.sent if event.type == event_type]

    def _hand_over(self) -> None:
        """As the brain does: a piece at a time, a little ahead of the speaker."""
        if self._unsaid and self.now_s >= self._next_s:
            size = 2 * round(PIECE_S * SPEAKER_HZ)
            self.mouth.feed(str(self._turns), self._unsaid[:size])
            self._unsaid = self._unsaid[size:]
            self._next_s = max(self.now_s, self._next_s) + PIECE_S * 0.98
            if not self._unsaid:
                self.mouth.end(str(self._turns))

    def _tell(self, event: Event) -> None:
        self.sent.append(event)
        if event.type == wire.PLAYED and event.data["done"]:
            self.on_done()


def at_peak(pcm: bytes, peak: int) -> bytes:
    """The same sound, as loud as this."""
    samples = np.frombuffer(pcm, np.int16).astype(float)
    return bytes((samples * (peak / np.abs(samples).max())).astype(np.int16).tobytes())
