"""Where an utterance starts and ends. Pure: time is counted in samples; nothing sleeps.

A voice activity detector knows *whether* there is speech, but it lets go two or three frames
after the last sound (+70 ms in the middle, -150 to +240 ms in noise). The level of the sound
knows *where* it stopped, once some of the silence after it has been heard. Both are used.

That the person has paused is told long before the endpoint is certain: whoever knows words may
use that time, and `hint` whether the phrase is complete.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from sena_pi.audio import FRAME_S, FRAME_SAMPLES, MICROPHONE_FORMAT, Frame
from sena_pi.patience import CAP_S, COMPLETE_S, ONSET_S, Foreground, Patience

PAUSED_AFTER_S = 0.25
"""After this much silence a pause is told, unless adaptive: then as `Foreground.pause_s` says."""
RELEASE_TAIL_FRAMES = 10
"""Longest wait for the end of a word after a button was let go: 0.32 s."""


class EndpointReason(StrEnum):
    """Why listening ended."""

    SILENCE = "silence"
    NO_SPEECH = "no-speech"
    TOO_LONG = "too-long"
    RELEASED = "released"
    """Whoever held the button while speaking has let it go."""


@dataclass(frozen=True, slots=True)
class EndpointerSettings:
    """How long to wait for what.

    Attributes:
        adaptive: wait for as much silence as what was heard so far calls for (`Patience`) or as
            those call for who know the words (`Endpointer.hint`), and don't take people in the
            background for the one who speaks (`Foreground`).
        silence_s: silence after speech that ends the utterance, unless adaptive; whatever is
            known of the words.
        no_speech_s: listening ends when no speech has started by then.
        longest_s: listening ends then in any case.
        speech_probability: from here on a frame starts, or resumes, speech.
        release_probability: below this a frame ends it (hysteresis).
        speech_starts_after_frames: this many frames in a row make speech of a noise.
    """

    adaptive: bool = True
    silence_s: float = 0.7
    no_speech_s: float = 4.0
    longest_s: float = 15.0
    speech_probability: float = 0.5
    release_probability: float = 0.35
    speech_starts_after_frames: int = 3

    def __post_init__(self) -> None:
        if min(self.silence_s, self.no_speech_s, self.longest_s) <= 0:
            raise ValueError("silence_s, no_speech_s and longest_s must be more than 0")
        if not 0 < self.release_probability <= self.speech_probability < 1:
            raise ValueError("0 < release_probability <= speech_probability < 1 is needed")
        if self.speech_starts_after_frames < 1:
            raise ValueError("speech_starts_after_frames must be 1 or more")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Settings from plain values, as `dataclasses.asdict` gives them; absent ones default.

        Raises:
            TypeError: an unknown name.
            ValueError: a value out of range.
        """
        return cls(**data)


@dataclass(frozen=True, slots=True)
class VoiceStarted:
    """Speech has started.

    Attributes:
        speech_start_sample: start of the first frame that held speech.
    """

    speech_start_sample: int


@dataclass(frozen=True, slots=True)
class Paused:
    """The person has stopped, perhaps for good.

    Attributes:
        speech_end_sample: just after the last sound, as far as is known by now (within 0.1 s).
        end_sample: just after the frame that told it.
    """

    speech_end_sample: int
    end_sample: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """The person goes on: what was `Paused` was no end.

    Attributes:
        speech_start_sample: start of the frame that told it.
    """

    speech_start_sample: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Listening is over.

    Attributes:
        reason: why.
        speech_end_sample: just after the last sound of speech; where listening started if
            there was none.
        end_sample: just after the frame that decided it.
    """

    reason: EndpointReason
    speech_end_sample: int
    end_sample: int


News = VoiceStarted | Paused | Resumed | Endpoint
"""In this order: VoiceStarted, (Paused, Resumed)*, Paused, Endpoint. An Endpoint may come before
any of them, since nobody speaks, or for too long; nothing comes after it."""


class Endpointer:
    """Follows one utterance, frame by frame, until it ends. Not thread-safe: one owner."""

    DETECTOR_LAG_SAMPLES = 768
    """How long the detector holds on; what is taken off where the level can't tell."""

    def __init__(self, settings: EndpointerSettings, start_sample: int) -> None:
        """Start listening.

        Args:
            settings: how long to wait for what.
            start_sample: stream position that the limits are counted from.
        """
        self._settings = settings
        self._start_sample = start_sample
        self._run = 0
        self._started = False
        self._voiced = False
        self._vad_end = start_sample
        self._hovering = 0
        self._levels = _Levels()
        self._patience = Patience()
        self._foreground = Foreground()
        self._pause: Paused | None = None
        self._complete: bool | None = None
        self._endpoint: Endpoint | None = None
        self._held = False
        self._released = False
        self._tail_frames = RELEASE_TAIL_FRAMES

    def feed(self, frame: Frame, probability: float) -> News | None:
        """Take the next frame and its speech probability; what it decided, if anything.

        After an Endpoint, every further call returns that same Endpoint.
        """
        if self._endpoint is not None:
            return self._endpoint
        self._foreground.add(self._levels.add(frame))
        step = self._speaking if self._started else self._waiting
        event = step(frame, probability)
        if self._released:
            event = self._let_go(frame) or event
        if not isinstance(event, Endpoint) and self._listened(frame) >= _samples(
            self._settings.longest_s
        ):
            end = frame.end_sample if self._voiced else self._speech_end()
            event = Endpoint(EndpointReason.TOO_LONG, end, frame.end_sample)
        if isinstance(event, Endpoint):
            self._endpoint = event
        return event

    def hint(self, paused_sample: int, *, complete: bool) -> None:
        """Somebody knows the words said before a pause.

        Complete: `COMPLETE_S` of silence is the endpoint, since people add to whole phrases, too.
        Not complete: `CAP_S` of silence is waited for. The last hint counts. Forgotten when
        speech resumes; does nothing unless adaptive.

        Args:
            paused_sample: `end_sample` of that `Paused`. A hint on another pause than the present
                one comes too late, and is dropped.
            complete: the words are a whole phrase.
        """
        if self._pause is not None and self._pause.end_sample == paused_sample:
            self._complete = complete

    def hold(self, *, on: bool) -> None:
        """A button is held while speaking: no silence is the end. Let go: the end is now.

        A word that is still being spoken is waited for, for a moment.
        """
        self._released = self._held and not on
        self._held = on

    def _let_go(self, frame: Frame) -> Endpoint | None:
        self._tail_frames -= 1
        if self._tail_frames > 0 and (self._voiced if self._started else self._run):
            return None
        if not self._started:
            return Endpoint(EndpointReason.NO_SPEECH, self._start_sample, frame.end_sample)
        end = frame.end_sample if self._voiced else self._speech_end()
        return Endpoint(EndpointReason.RELEASED, end, frame.end_sample)

    def _waiting(self, frame: Frame, probability: float) -> VoiceStarted | Endpoint | None:
        if probability < self._settings.speech_probability:
            self._run = 0
            if not self._held and self._listened(frame) >= _samples(self._settings.no_speech_s):
                return Endpoint(EndpointReason.NO_SPEECH, self._start_sample, frame.end_sample)
            return None
        self._run += 1
        if self._run < self._settings.speech_starts_after_frames:
            return None
        self._started = self._voiced = True
        self._vad_end = frame.end_sample
        self._patience.spoke(self._run * FRAME_S)
        return VoiceStarted(frame.end_sample - self._run * FRAME_SAMPLES)

    def _speaking(self, frame: Frame, probability: float) -> Paused | Resumed | Endpoint | None:
        settings = self._settings
        threshold = settings.release_probability if self._voiced else settings.speech_probability
        heard = probability >= threshold
        if heard:
            self._foreground.spoke()
        self._voiced = heard and not (settings.adaptive and self._foreground.faint)
        if self._voiced:
            return self._spoken(frame)
        self._hovering += heard
        return self._silent(frame)

    def _spoken(self, frame: Frame) -> Resumed | None:
        self._patience.spoke(FRAME_S, _seconds(frame.start_sample - self._vad_end))
        self._vad_end = frame.end_sample
        self._hovering = 0
        self._complete = None
        if self._pause is None:
            return None
        self._pause = None
        return Resumed(frame.start_sample)

    def _silent(self, frame: Frame) -> Paused | Endpoint | None:
        speech_end = self._speech_end()
        silence = frame.end_sample - speech_end
        if silence >= _samples(self._wanted_s(frame)):
            return Endpoint(EndpointReason.SILENCE, speech_end, frame.end_sample)
        if self._pause is None and silence >= _samples(self._told_after_s()):
            self._pause = Paused(speech_end, frame.end_sample)
            return self._pause
        return None

    def _wanted_s(self, frame: Frame) -> float:
        """How much silence ends the utterance, as things are."""
        if self._held:
            return self._settings.longest_s
        if not self._settings.adaptive:
            return self._settings.silence_s
        if self._complete is not None:
            wanted_s = COMPLETE_S if self._complete else CAP_S
        else:
            frames = (frame.end_sample - self._vad_end) // FRAME_SAMPLES
            wanted_s = self._patience.silence_s(self._hovering / frames)
        if self._foreground.rising:
            wanted_s += ONSET_S
        return min(wanted_s, CAP_S)

    def _told_after_s(self) -> float:
        return self._foreground.pause_s if self._settings.adaptive else PAUSED_AFTER_S

    def _speech_end(self) -> int:
        exact = self._levels.sound_end(self._vad_end)
        return self._vad_end - self.DETECTOR_LAG_SAMPLES if exact is None else exact

    def _listened(self, frame: Frame) -> int:
        return frame.end_sample - self._start_sample


class _Levels:
    """Peak levels of the last three seconds, in blocks of 8 ms.

    The numbers were tuned on eight synthetic voices saying eight phrases, clean and in 30 to
    5 dB of white noise: there the end found is 6 to 55 ms off on average, and not biased.
    """

    KEPT_FRAMES = 96
    BLOCK_SAMPLES = 128
    SEARCH_BACK_FRAMES = 3
    SEARCH_AHEAD_FRAMES = 4
    FLOOR_FRAMES = 6
    ABOVE_FLOOR = 1.5
    BELOW_PEAK = 0.01

    def __init__(self) -> None:
        self._frames: deque[tuple[int, ...]] = deque(maxlen=self.KEPT_FRAMES)
        self._end_sample = 0
        self._peak = 0

    def add(self, frame: Frame) -> int:
        """Take the next frame; the sum of its samples without their signs."""
        samples = array("h", frame.pcm)
        starts = range(0, FRAME_SAMPLES, self.BLOCK_SAMPLES)
        blocks = (samples[at : at + self.BLOCK_SAMPLES] for at in starts)
        peaks = tuple(max(max(block), -min(block)) for block in blocks)
        self._frames.append(peaks)
        self._peak = max(self._peak, *peaks)
        self._end_sample = frame.end_sample
        return sum(map(abs, samples))

    def sound_end(self, around: int) -> int | None:
        """Just after the last loud block near `around`.

        Loud is above the silence that follows, and above 1 % of the loudest peak.

        Returns:
            None while too little of that silence has been heard, or when all of it is loud.
        """
        frames = list(self._frames)
        at = len(frames) - (self._end_sample - around) // FRAME_SAMPLES
        first, last = max(0, at - self.SEARCH_BACK_FRAMES), at + self.SEARCH_AHEAD_FRAMES
        after = sorted(max(peaks) for peaks in frames[last:])
        if len(after) < self.FLOOR_FRAMES:
            return None
        floor = after[len(after) // 2]
        loud = max(self.ABOVE_FLOOR * floor, self.BELOW_PEAK * self._peak)
        near = [peak for peaks in frames[first:last] for peak in peaks]
        quiet_blocks = 0
        while quiet_blocks < len(near) and near[-1 - quiet_blocks] <= loud:
            quiet_blocks += 1
        if quiet_blocks == 0:
            return None
        searched_to = self._end_sample - len(after) * FRAME_SAMPLES
        return searched_to - quiet_blocks * self.BLOCK_SAMPLES


def _samples(seconds: float) -> int:
    return round(seconds * MICROPHONE_FORMAT.rate_hz)


def _seconds(samples: int) -> float:
    return samples / MICROPHONE_FORMAT.rate_hz
