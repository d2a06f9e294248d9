"""What every VoiceActivityDetector does."""

from __future__ import annotations

import numpy as np
import pytest

from sena_pi.audio import FRAME_BYTES, Frame
from sena_pi.engines.silero import SileroVoiceActivityDetector
from sena_pi.stages import VoiceActivityDetector
from tests.recordings import recording
from tests.scripted_ears import LevelVoiceActivityDetector
from tests.speech import frames_of, pcm_of, quiet, say, speech_bounds

SENTENCE = "what is the weather like this morning"


@pytest.fixture(params=[LevelVoiceActivityDetector, SileroVoiceActivityDetector])
def detector(request: pytest.FixtureRequest) -> VoiceActivityDetector:
    return request.param()


def probabilities(detector: VoiceActivityDetector, pcm: bytes) -> list[float]:
    return [detector.probability(frame) for frame in frames_of(pcm)]


def test_a_probability_is_between_0_and_1(detector: VoiceActivityDetector) -> None:
    """Whatever the frame holds: speech, digital silence, full scale."""
    square = b"\xff\x7f\x00\x80" * (FRAME_BYTES // 4)
    sound = say(SENTENCE) + bytes(FRAME_BYTES * 4) + square * 4
    assert all(0 <= probability <= 1 for probability in probabilities(detector, sound))


def test_speech_is_told_from_a_quiet_room(detector: VoiceActivityDetector) -> None:
    """Most frames of a sentence are above a half; none of a quiet room."""
    sentence = say(SENTENCE)
    start, end = speech_bounds(sentence)
    spoken = probabilities(detector, sentence[start * 2 : end * 2])
    assert sum(probability > 0.5 for probability in spoken) > 0.7 * len(spoken)
    detector.reset()
    assert max(probabilities(detector, quiet(2))) < 0.5


def test_reset_forgets(detector: VoiceActivityDetector) -> None:
    """After a reset the same sound gives the same probabilities, whatever came before."""
    sound = quiet(0.2) + say("yes")
    first = probabilities(detector, sound)
    probabilities(detector, say(SENTENCE, "rms"))
    detector.reset()
    assert probabilities(detector, sound) == pytest.approx(first)


def test_positions_do_not_matter(detector: VoiceActivityDetector) -> None:
    """A frame is judged by its sound, not by where it is in the stream."""
    here = detector.probability(Frame(quiet(0.032), 0))
    detector.reset()
    assert detector.probability(Frame(quiet(0.032), 1_000_000)) == pytest.approx(here)


def test_silero_hears_a_real_voice() -> None:
    """A recording of a person is speech, a recording of a silent room is not."""
    silero = SileroVoiceActivityDetector()
    spoken = probabilities(silero, pcm_of(recording("speech/silero_speech.wav")))
    silero.reset()
    silent = probabilities(silero, pcm_of(recording("speech/silence.wav")))
    assert max(spoken) > 0.9
    assert max(silent) < 0.5


@pytest.mark.parametrize("noise", ["white", "clicks", "hum"])
def test_silero_is_not_taken_in_by_noise(noise: str) -> None:
    """Loud hiss, keyboard clicks and mains hum start no utterance."""
    random = np.random.default_rng(4)
    time_s = np.arange(16_000 * 3) / 16_000
    click = random.normal(0, 8000, 160) * np.exp(-np.arange(160) / 40)
    sound = {
        "white": random.normal(0, 2000, time_s.size),
        "clicks": np.tile(np.concatenate([click, np.zeros(4640)]), 10),
        "hum": 6000 * np.sin(2 * np.pi * 50 * time_s) + 2000 * np.sin(2 * np.pi * 150 * time_s),
    }[noise]
    heard = probabilities(SileroVoiceActivityDetector(), sound.astype("<i2").tobytes())
    assert max(heard) < 0.5
