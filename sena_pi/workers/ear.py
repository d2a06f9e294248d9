"""What the audio worker does with each frame it hears. Owned by its capture thread."""

from __future__ import annotations

import math
import time
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from wyoming.event import Event

from sena_pi import wire
from sena_pi.audio import FRAME_BYTES, FRAME_S, MICROPHONE_FORMAT, SAMPLE_BYTES, Frame
from sena_pi.endpointer import (
    Endpoint,
    Endpointer,
    EndpointerSettings,
    News,
    Paused,
    Resumed,
    VoiceStarted,
)
from sena_pi.own_voice import OwnVoice
from sena_pi.stages import Detection, VoiceActivityDetector, WakeWordDetector
from sena_pi.workers.channel import Send

RING_S = 2.0
"""How long the worker remembers what it heard, so that nothing said while the brain makes up
its mind is lost."""
PRESS_PRE_ROLL_S = 0.3
"""How far before a button press audio may leave the worker."""
REFRACTORY_S = 1.0
"""How long after a wake word the same word is taken for its echo."""

_MOMENT = MICROPHONE_FORMAT.rate_hz // 100
_FULL_SCALE = 32768
_ZEROS = bytes(FRAME_BYTES)
_LOSS_WINDOW_S = 5.0


@dataclass(frozen=True, slots=True)
class _Remembered:
    frame: Frame
    ours: bool
    """It may hold nothing but the echo of what we play."""


@dataclass(slots=True)
class _Listening:
    turn: str
    start_sample: int
    endpointer: Endpointer


class Ear:
    """Wake word on each frame; audio out only while listening.

    Audio leaves from the end of the wake word on, or from `PRESS_PRE_ROLL_S` before a press: what
    was said before either stays in the ring, and the ring stays in this process.

    A wake word that is the echo of our own answer is none, and that echo is no speech of a person:
    it can't begin or prolong a question.
    """

    def __init__(
        self,
        detector: WakeWordDetector | None,
        voice_activity: VoiceActivityDetector,
        endpointing: EndpointerSettings,
        send: Send,
        *,
        own_voice: OwnVoice | None = None,
        stop_words: WakeWordDetector | None = None,
        on_wake: Callable[[], None] = lambda: None,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Make an ear.

        Args:
            detector: for the wake words; None: there is only the button.
            voice_activity: tells speech, while listening.
            endpointing: when a question has ended.
            send: takes the events.
            own_voice: what is played; None: the speaker can't be heard here, or nobody minds.
            stop_words: for the words that end an answer; heard only while `own_voice` sounds.
            on_wake: called at once when a wake word is told; must return at once.
            monotonic_ns: the clock of the events.
        """
        self._detector = detector
        self._own_voice = own_voice
        self._stop_words = stop_words
        self._on_wake = on_wake
        self._voice_activity = voice_activity
        self._endpointing = endpointing
        self._send = send
        self._monotonic_ns = monotonic_ns
        self._ring: deque[_Remembered] = deque(maxlen=math.ceil(RING_S / FRAME_S))
        self._next_sample = 0
        self._detection: Detection | None = None
        self._listening: _Listening | None = None
        self._health = _Health(monotonic_ns)
        self._own_words = 0

    @property
    def listening(self) -> bool:
        """Audio is leaving the worker."""
        return self._listening is not None

    def feed(self, pcm: bytes) -> None:
        """Take the next frame, `FRAME_BYTES` long; sends what follows from it."""
        frame = Frame(pcm, self._next_sample)
        self._next_sample = frame.end_sample
        ours = self._own_voice is not None and self._own_voice.hear(frame)
        heard = _Remembered(frame, ours)
        self._ring.append(heard)
        self._health.heard(pcm)
        self._detect(frame)
        self._detect_stop(frame)
        if self._listening is not None:
            self._listen_to(heard, self._listening)

    def listen(self, turn: str, since: str, no_speech_s: float | None = None) -> None:
        """Send audio to `turn` until its endpoint, `since` the "detection", a "press" or "now".

        `no_speech_s` is how long to wait for the first word, None as in the settings.
        """
        if since == "detection" and self._detection is not None:
            start_sample = self._question_start(self._detection)
        elif since == "now":
            start_sample = self._next_sample
        else:
            start_sample = self._next_sample - int(PRESS_PRE_ROLL_S * MICROPHONE_FORMAT.rate_hz)
        ring = [heard for heard in self._ring if heard.frame.end_sample > start_sample]
        first_sample = ring[0].frame.start_sample if ring else self._next_sample
        start_sample = max(start_sample, first_sample)
        self._voice_activity.reset()
        endpointing = self._endpointing
        if no_speech_s is not None:
            endpointing = replace(endpointing, no_speech_s=no_speech_s)
        endpointer = Endpointer(endpointing, start_sample)
        listening = self._listening = _Listening(turn, start_sample, endpointer)
        start = {**wire.format_data(MICROPHONE_FORMAT), "turn": turn, "sample": start_sample}
        self._send(Event(wire.AUDIO_START, start))
        for heard in ring:
            if self._listening is listening:
                self._listen_to(heard, listening)

    def stop_listening(self) -> None:
        """No audio leaves any more. Does nothing when not listening."""
        self._listening = None

    def phrase(self, turn: str, paused_sample: int, *, complete: bool) -> None:
        """The brain knows the words `turn` said before a pause; dropped when it comes too late."""
        if self._listening is not None and self._listening.turn == turn:
            self._listening.endpointer.hint(paused_sample, complete=complete)

    def hold(self, turn: str, *, on: bool) -> None:
        """A button is held while `turn` is spoken, or was let go; see `Endpointer.hold`."""
        if self._listening is not None and self._listening.turn == turn:
            self._listening.endpointer.hold(on=on)

    def heartbeat(self) -> dict[str, object]:
        """What a healthy ear can say of itself since the last heartbeat."""
        own = {"listening": self.listening, "own_words": self._own_words}
        return {**own, **self._health.report()}

    def _detect(self, frame: Frame) -> None:
        detection = self._detector.process(frame) if self._detector else None
        if detection is None:
            return
        refractory = int(REFRACTORY_S * MICROPHONE_FORMAT.rate_hz)
        last = self._detection
        echo = last is not None and detection.word == last.word
        if echo and last is not None and detection.end_sample - last.end_sample < refractory:
            return
        if self._is_own(detection):
            return
        self._detection = detection
        self._send(Event(wire.DETECTION, self._detection_data(detection)))
        self._on_wake()

    def _detect_stop(self, frame: Frame) -> None:
        """A stop word ends what is being said, so nobody listens for it while nothing is."""
        if self._stop_words is None or self._own_voice is None or not self._own_voice.sounds:
            return
        detection = self._stop_words.process(frame)
        if detection is not None and not self._is_own(detection):
            self._send(Event(wire.STOP_WORD, self._detection_data(detection)))

    def _is_own(self, detection: Detection) -> bool:
        if self._own_voice is None:
            return False
        if not self._own_voice.said(detection.end_sample):
            self._own_voice.overheard(detection.end_sample)
            return False
        self._own_words += 1
        return True

    def _detection_data(self, detection: Detection) -> dict[str, object]:
        return {
            "name": detection.word,
            "engine": detection.engine,
            "sample": detection.end_sample,
            "monotonic_ns": self._monotonic_ns(),
        }

    def _question_start(self, detection: Detection) -> int:
        """The quietest moment in which the word may have ended: the breath before the question.

        A fixed step back would keep the end of a word that was told late, or cut the beginning of
        a question that followed at once.
        """
        earliest = detection.end_sample - int(detection.late_s * MICROPHONE_FORMAT.rate_hz)
        samples = array("h")
        first_sample: int | None = None
        for frame in (heard.frame for heard in self._ring):
            if earliest < frame.end_sample <= detection.end_sample:
                first_sample = frame.start_sample if first_sample is None else first_sample
                samples.frombytes(frame.pcm)
        del samples[: max(0, earliest - (first_sample or 0))]
        if len(samples) < 3 * _MOMENT:
            return detection.end_sample
        loudness = [
            sum(map(abs, samples[at : at + _MOMENT]))
            for at in range(0, len(samples) - _MOMENT + 1, _MOMENT)
        ]
        # A moment counts with its neighbours: one calm instant inside a sound is no pause.
        around = [sum(loudness[max(0, n - 1) : n + 2]) for n in range(1, len(loudness) - 1)]
        quietest = around.index(min(around)) + 1
        return detection.end_sample - len(samples) + (quietest + 1) * _MOMENT

    def _listen_to(self, heard: _Remembered, listening: _Listening) -> None:
        frame = heard.frame
        before = max(0, listening.start_sample - frame.start_sample) * SAMPLE_BYTES
        if before:
            frame = Frame(bytes(before) + frame.pcm[before:], frame.start_sample)
        data = {
            **wire.format_data(MICROPHONE_FORMAT),
            "turn": listening.turn,
            "sample": frame.start_sample + before // SAMPLE_BYTES,
        }
        self._send(Event(wire.AUDIO_CHUNK, data, frame.pcm[before:]))
        probability = self._voice_activity.probability(frame)
        news = listening.endpointer.feed(frame, 0.0 if heard.ours else probability)
        if news is not None:
            self._tell(news, listening)

    def _tell(self, news: News, listening: _Listening) -> None:
        turn = {"turn": listening.turn}
        match news:
            case VoiceStarted():
                data = {**turn, "sample": news.speech_start_sample}
                self._send(Event(wire.VOICE_STARTED, data))
            case Paused():
                self._send(Event(wire.SPEECH_PAUSED, self._end_data(news, listening)))
            case Resumed():
                data = {**turn, "sample": news.speech_start_sample}
                self._send(Event(wire.SPEECH_RESUMED, data))
            case Endpoint():
                self._listening = None
                data = {**self._end_data(news, listening), "reason": str(news.reason)}
                self._send(Event(wire.ENDPOINT, data))

    def _end_data(self, end: Paused | Endpoint, listening: _Listening) -> dict[str, object]:
        return {
            "turn": listening.turn,
            "start_sample": listening.start_sample,
            "speech_end_sample": end.speech_end_sample,
            "end_sample": end.end_sample,
            "monotonic_ns": self._monotonic_ns(),
        }


class _Health:
    """Counts that tell a live microphone from a dead one."""

    def __init__(self, monotonic_ns: Callable[[], int]) -> None:
        self._monotonic_ns = monotonic_ns
        self._frames = 0
        self._lost_frames = 0
        self._zero_frames = 0
        self._peak = 0
        self._last_ns: int | None = None
        self._longest_gap_ns = 0
        self._window_ns = 0
        self._window_frames = 0

    def heard(self, pcm: bytes) -> None:
        now_ns = self._monotonic_ns()
        self._frames += 1
        if pcm == _ZEROS:
            self._zero_frames += 1
        else:
            self._zero_frames = 0
            samples = array("h", pcm)
            self._peak = max(self._peak, max(samples), -min(samples))
        if self._last_ns is None:
            self._window_ns, self._window_frames = now_ns, self._frames
        else:
            self._longest_gap_ns = max(self._longest_gap_ns, now_ns - self._last_ns)
        self._last_ns = now_ns
        self._count_losses(now_ns)

    def _count_losses(self, now_ns: int) -> None:
        # In short windows: over hours the sound card's clock drifts from ours.
        elapsed_s = (now_ns - self._window_ns) / 1e9
        if elapsed_s < _LOSS_WINDOW_S:
            return
        missing = int(elapsed_s / FRAME_S) - (self._frames - self._window_frames)
        self._lost_frames += max(0, missing - 1)
        self._window_ns, self._window_frames = now_ns, self._frames

    def report(self) -> dict[str, object]:
        peak = self._peak / _FULL_SCALE
        data: dict[str, object] = {
            "frames": self._frames,
            "lost_frames": self._lost_frames,
            "longest_gap_ms": round(self._longest_gap_ns / 1e6, 1),
            "peak_dbfs": round(20 * math.log10(peak), 1) if peak else None,
            "zeros_s": round(self._zero_frames * FRAME_S, 2),
        }
        self._peak = 0
        self._longest_gap_ns = 0
        return data
