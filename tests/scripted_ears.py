"""Ears that hear what they are told to: fakes that obey the rules of the real ones."""

from __future__ import annotations

from array import array
from collections.abc import Mapping

from sena_pi.audio import FRAME_BYTES, Frame
from sena_pi.errors import EngineUnavailable
from sena_pi.stages import Detection


class ScriptedWakeWordDetector:
    """Hears words at the stream positions of a script, whatever the sound.

    Attributes:
        closed: `close` was called.
    """

    def __init__(
        self, script: Mapping[int, str], engine: str = "scripted", words: tuple[str, ...] = ()
    ) -> None:
        self.engine = engine
        self.words = words or tuple(dict.fromkeys(script.values()))
        self.closed = False
        self._script = script

    def process(self, frame: Frame) -> Detection | None:
        assert not self.closed, "process() after close()"
        assert len(frame.pcm) == FRAME_BYTES
        for at, word in self._script.items():
            if frame.start_sample < at <= frame.end_sample:
                return Detection(word, self.engine, frame.end_sample)
        return None

    def close(self) -> None:
        self.closed = True


class ScriptedEngine:
    """A wake word engine that knows some words and fails when told to.

    Attributes:
        sensitivities: what the last detector was asked for.
    """

    def __init__(
        self,
        name: str,
        words: tuple[str, ...],
        fails_with: EngineUnavailable | None = None,
        problems: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.words = words
        self.default_words = words[:1]
        self.problems = problems
        self.sensitivities: Mapping[str, float] = {}
        self._fails_with = fails_with

    def detector(self, sensitivities: Mapping[str, float]) -> ScriptedWakeWordDetector:
        if self._fails_with is not None:
            raise self._fails_with
        self.sensitivities = sensitivities
        return ScriptedWakeWordDetector({}, self.name, tuple(sensitivities))


class LevelVoiceActivityDetector:
    """Takes what is loud for speech; holds on for two frames, as real ones do."""

    LOUD = 500
    HELD_FRAMES = 2

    def __init__(self) -> None:
        self._held = 0

    def probability(self, frame: Frame) -> float:
        if max(array("h", frame.pcm)) > self.LOUD:
            self._held = self.HELD_FRAMES
            return 0.95
        self._held = max(0, self._held - 1)
        return 0.6 if self._held else 0.02

    def reset(self) -> None:
        self._held = 0
