"""The gate before a recogniser: what passes, and how loud it is."""

from __future__ import annotations

import math
from array import array

import pytest

from sena_pi.speech_gate import LEAD_S, LOOK_S, RESUME_S, TAIL_S, SpeechGate
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


def passed(gate: SpeechGate, pcm: bytes) -> bytes:
    """What passes of an utterance that arrives in pieces as a microphone gives them."""
    pieces = [gate.take(pcm[start : start + 1024]) for start in range(0, len(pcm), 1024)]
    return b"".join([*pieces, gate.end()])


def seconds(pcm: bytes) -> float:
    return len(pcm) / 2 / RATE_HZ


@pytest.mark.parametrize("level_db", [35.0, 50.0, 80.0])
def test_the_level_is_that_of_the_speech(level_db: float):
    """Not of the silence around it."""
    gate = SpeechGate()
    passed(gate, quiet(1.0) + tone(1.0, level_db) + quiet(1.0))
    assert gate.speech_db is not None
    assert abs(gate.speech_db - level_db) < 1.0


def test_speech_passes_whole_with_a_little_silence_around_it():
    """Nothing of it is lost, and of the silence no more than the lead and the tail."""
    speech = tone(1.0, 60)
    sound = passed(SpeechGate(), quiet(3.0) + speech + quiet(3.0))
    assert speech in sound
    assert abs(seconds(sound) - (LEAD_S + 1.0 + TAIL_S)) < 0.05


def test_a_long_pause_is_shortened_and_the_words_after_it_begin_whole():
    """What comes just before they grow loud passes too."""
    first, second, soft = tone(0.8, 60), tone(0.8, 60), tone(RESUME_S - 0.02, 12)
    sound = passed(SpeechGate(), quiet(0.5) + first + quiet(2.0) + soft + second + quiet(1.0))
    assert first in sound
    assert soft + second in sound
    assert seconds(sound) < 0.8 + 0.8 + LEAD_S + 2 * TAIL_S + RESUME_S + 0.05


def test_a_short_pause_passes_as_it_is():
    """Between two words nothing is cut."""
    phrase = tone(0.5, 60) + quiet(0.25) + tone(0.5, 60)
    assert phrase in passed(SpeechGate(), quiet(0.5) + phrase + quiet(0.5))


def test_sound_passes_while_it_arrives():
    """From half a second after speech begins, everything at once."""
    gate = SpeechGate()
    held = quiet(1.0) + tone(LOOK_S - 0.05, 60)
    assert b"" == gate.take(held)
    assert gate.speech_db is None
    assert seconds(gate.take(tone(0.2, 60))) > LOOK_S
    assert abs(seconds(gate.take(tone(0.2, 60))) - 0.2) < 0.02


def test_a_word_shorter_than_the_look_passes_at_the_end():
    """The end of the utterance opens the gate too."""
    word = tone(0.2, 60)
    gate = SpeechGate()
    assert b"" == gate.take(quiet(0.5) + word + quiet(0.2))
    assert word in gate.end()
    assert gate.speech_db is not None


@pytest.mark.parametrize("pcm", [b"", b"\0", bytes(32_000), quiet(2.0)])
def test_of_silence_nothing_passes(pcm: bytes):
    """No sound, half a sample, digital silence, and a quiet room."""
    gate = SpeechGate()
    assert b"" == passed(gate, pcm)
    assert gate.speech_db is None


def test_speech_without_a_silence_before_it_passes():
    """The wake word and the question in one breath: syllables rise and fall."""
    syllables = b"".join(tone(0.15, 62) + tone(0.05, 30) for _ in range(5))
    gate = SpeechGate()
    assert syllables == passed(gate, syllables)
    assert gate.speech_db is not None
    assert abs(gate.speech_db - 62) < 1.0
