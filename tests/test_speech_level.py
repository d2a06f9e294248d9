"""How loud somebody speaks, from the beginning of what they say."""

from __future__ import annotations

import math
from array import array

import pytest

from sena_pi.speech_level import LEAD_S, LOOK_S, SpeechLevel
from tests.speech import quiet

RATE_HZ = 16_000


def tone(seconds: float, level_db: float) -> bytes:
    """A tone of this level, in dB of mean square over one unit."""
    amplitude = math.sqrt(2 * 10 ** (level_db / 10))
    samples = (
        round(amplitude * math.sin(2 * math.pi * 400 * n / RATE_HZ))
        for n in range(round(seconds * RATE_HZ))
    )
    return array("h", samples).tobytes()


def heard(pcm: bytes) -> SpeechLevel:
    level = SpeechLevel()
    for start in range(0, len(pcm), 1024):
        level.add(pcm[start : start + 1024])
        if level.known:
            break
    return level


@pytest.mark.parametrize("level_db", [35.0, 50.0, 80.0])
def test_the_level_is_that_of_the_speech(level_db: float):
    """Not of the silence before it."""
    level = heard(quiet(1.0) + tone(1.0, level_db))
    assert level.speech_db is not None
    assert abs(level.speech_db - level_db) < 1.0


def test_the_level_is_known_soon_after_speech_begins():
    """Half a second of waiting, and no more."""
    level = heard(quiet(2.0) + tone(3.0, 60))
    assert level.known
    assert len(level.held) / 2 / RATE_HZ < LEAD_S + LOOK_S + 0.1


def test_long_silence_before_speech_is_dropped_and_speech_is_not():
    """What is held back begins shortly before the speech."""
    speech = tone(0.4, 60)
    level = heard(quiet(3.0) + speech)
    assert bytes(level.held).endswith(speech)
    assert len(level.held) - len(speech) <= (LEAD_S + 0.02) * 2 * RATE_HZ


@pytest.mark.parametrize("pcm", [b"", bytes(32_000), quiet(2.0)])
def test_silence_has_no_level(pcm: bytes):
    """Nothing, digital silence, and a quiet room."""
    level = heard(pcm)
    assert not level.known
    assert level.speech_db is None


def test_speech_without_a_silence_before_it_has_a_level():
    """The wake word and the question in one breath: syllables rise and fall."""
    syllables = b"".join(tone(0.15, 62) + tone(0.05, 30) for _ in range(5))
    level = heard(syllables)
    assert level.speech_db is not None
    assert abs(level.speech_db - 62) < 1.0
