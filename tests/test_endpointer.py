"""Where an utterance starts and ends."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from sena_pi.audio import FRAME_SAMPLES, MICROPHONE_FORMAT
from sena_pi.endpointer import (
    Endpoint,
    Endpointer,
    EndpointerSettings,
    EndpointReason,
    VoiceStarted,
)
from sena_pi.engines.silero import SileroVoiceActivityDetector
from tests.recordings import recording
from tests.scripted_ears import LevelVoiceActivityDetector
from tests.scripted_speech import loud, told
from tests.speech import frames_of, pcm_of, quiet, say, speech_bounds

RATE_HZ = MICROPHONE_FORMAT.rate_hz
FRAMES_A_SECOND = RATE_HZ / FRAME_SAMPLES


def follow(
    endpointer: Endpointer, probabilities: Sequence[float], pcm: bytes | None = None
) -> list[VoiceStarted | Endpoint]:
    """Where an endpointer finds the start and the end."""
    news = told(endpointer, probabilities, pcm)
    return [event for event in news if isinstance(event, VoiceStarted | Endpoint)]


def started(**settings: float) -> Endpointer:
    """An endpointer with the fixed rule."""
    return Endpointer(EndpointerSettings(adaptive=False, **settings), 0)


def test_nothing_said_ends_listening() -> None:
    """After `no_speech_s`, with the end of speech where listening began."""
    (end,) = follow(started(no_speech_s=1.0), [0.1] * 40)
    assert Endpoint(EndpointReason.NO_SPEECH, 0, 32 * FRAME_SAMPLES) == end


def test_limits_count_from_where_listening_started() -> None:
    """A stream has been running for long when a wake word is said."""
    endpointer = Endpointer(EndpointerSettings(no_speech_s=1.0), 1_000_000)
    frames = list(frames_of(quiet(2), 1_000_000))
    assert [None] * 31 == [endpointer.feed(frame, 0.1) for frame in frames[:31]]
    assert endpointer.feed(frames[31], 0.1) == Endpoint(
        EndpointReason.NO_SPEECH, 1_000_000, 1_000_000 + 32 * FRAME_SAMPLES
    )


def test_a_click_is_not_speech() -> None:
    """Two frames in a row are too few, however often they come."""
    (end,) = follow(started(no_speech_s=1.0), [0.9, 0.9, 0.1, 0.1] * 10)
    assert EndpointReason.NO_SPEECH is end.reason


def test_voice_starts_with_its_first_frame() -> None:
    """Said when the third comes."""
    (start,) = follow(started(), [0.1, 0.9, 0.9, 0.9])
    assert VoiceStarted(1 * FRAME_SAMPLES) == start


def test_voice_that_starts_at_the_limit_is_waited_for() -> None:
    """A person who begins to speak in the last moment is not cut off."""
    limit = 32
    probabilities = [0.1] * (limit - 1) + [0.9] * 3
    (start,) = follow(started(no_speech_s=1.0), probabilities)
    assert VoiceStarted((limit - 1) * FRAME_SAMPLES) == start


def test_silence_after_speech_ends_it() -> None:
    """`silence_s` after the last sound, within one frame."""
    pcm = quiet(0.32) + loud(0.64) + quiet(1.6)
    endpointer = started(silence_s=0.7)
    _, end = follow(endpointer, heard_by(LevelVoiceActivityDetector(), pcm), pcm)
    true_end = round(0.96 * RATE_HZ)
    assert EndpointReason.SILENCE is end.reason
    assert true_end == end.speech_end_sample
    assert 0.7 * RATE_HZ <= end.end_sample - true_end < 0.7 * RATE_HZ + FRAME_SAMPLES


def test_a_short_pause_does_not_end_it() -> None:
    """People breathe."""
    pcm = loud(0.64) + quiet(0.6) + loud(0.64) + quiet(1.28)
    _, end = follow(started(silence_s=0.7), heard_by(LevelVoiceActivityDetector(), pcm), pcm)
    assert round(1.88 * RATE_HZ) == pytest.approx(end.speech_end_sample, abs=FRAME_SAMPLES)


def test_speech_fades_below_the_level_it_starts_at() -> None:
    """Frames between the two probabilities keep it going, but do not start or resume it."""
    between = 0.4
    assert [] == follow(started(), [between] * 30)
    (start,) = follow(started(silence_s=0.3), [0.9] * 3 + [between] * 60)
    assert VoiceStarted(0) == start
    _, end = follow(started(silence_s=0.3), [0.9] * 3 + [0.1] * 3 + [between] * 60)
    assert EndpointReason.SILENCE is end.reason


def test_where_the_level_cannot_tell_the_detector_does() -> None:
    """A door falls shut as the person stops: the detector's end, less what it holds on for."""
    spoken, door = 20, 5
    pcm = loud((spoken + door) / FRAMES_A_SECOND) + quiet(1.6)
    probabilities = [0.9] * spoken + [0.02] * (len(list(frames_of(pcm))) - spoken)
    _, end = follow(started(), probabilities, pcm)
    assert spoken * FRAME_SAMPLES - Endpointer.DETECTOR_LAG_SAMPLES == end.speech_end_sample


def test_the_longest_utterance_is_cut() -> None:
    """While the person speaks on, the end is where it was cut."""
    _, end = follow(started(longest_s=2.0), [0.9] * 70)
    limit = 63 * FRAME_SAMPLES
    assert Endpoint(EndpointReason.TOO_LONG, limit, limit) == end


def test_the_longest_utterance_cut_in_a_pause_ends_before_it() -> None:
    """What is sent on does not grow by a silence."""
    pcm = loud(1.6) + quiet(1.6)
    endpointer = started(longest_s=2.24, silence_s=1.0)
    _, end = follow(endpointer, heard_by(LevelVoiceActivityDetector(), pcm), pcm)
    assert EndpointReason.TOO_LONG is end.reason
    assert round(1.6 * RATE_HZ) == end.speech_end_sample


def test_an_endpoint_is_final() -> None:
    """Whatever comes after it."""
    endpointer = started(no_speech_s=0.5)
    (end,) = follow(endpointer, [0.1] * 20)
    late = list(frames_of(loud(1)))
    assert [end] * 31 == [endpointer.feed(frame, 0.9) for frame in late]


def test_settings_travel_as_json() -> None:
    """From the brain's process to the worker's."""
    settings = EndpointerSettings(silence_s=0.9, speech_starts_after_frames=2)
    assert settings == EndpointerSettings.from_dict(
        json.loads(json.dumps(dataclasses.asdict(settings)))
    )


@pytest.mark.parametrize(
    "wrong",
    [{"silence_s": 0}, {"longest_s": -1}, {"release_probability": 0.9}, {"speech_probability": 1}],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    """Where they enter."""
    with pytest.raises(ValueError, match=r"must be|is needed"):
        EndpointerSettings.from_dict(wrong)


# --- with the real detector -------------------------------------------------------------------


def heard_by(
    detector: SileroVoiceActivityDetector | LevelVoiceActivityDetector, pcm: bytes
) -> list[float]:
    return [detector.probability(frame) for frame in frames_of(pcm)]


def listen(pcm: bytes, **settings: float) -> list[VoiceStarted | Endpoint]:
    return follow(started(**settings), heard_by(SileroVoiceActivityDetector(), pcm), pcm)


def noise(pcm: bytes, level: float) -> bytes:
    samples = np.frombuffer(pcm, dtype="<i2")
    noisy = samples + np.random.default_rng(1).normal(0, level, samples.size)
    return bytes(noisy.round().clip(-32768, 32767).astype("<i2").tobytes())


PHRASES = ("what time is it", "stop", "set a timer for ten minutes", "thanks", "yes")
VOICES = (
    ("slt", "flite"), ("rms", "flite"), ("awb", "flite"), ("kal16", "flite"),
    ("en-us", "espeak-ng"), ("en-us+f3", "espeak-ng"),
)  # fmt: skip


def errors_ms(spoken: Iterable[tuple[str, str, str]], noise_level: float) -> list[float]:
    """How far the end that is found is from the last sound above 1 % of the peak."""
    errors = []
    for phrase, voice, engine in spoken:
        speech = say(phrase, voice, engine)
        peak = max(memoryview(speech).cast("h"))
        pcm = quiet(0.5) + speech + quiet(1.5)
        _, end = listen(noise(pcm, noise_level))
        assert EndpointReason.SILENCE is end.reason
        true_end = speech_bounds(pcm, peak // 100)[1]
        errors.append((end.speech_end_sample - true_end) / RATE_HZ * 1000)
    return errors


EVERYTHING = [(phrase, *voice) for phrase in PHRASES for voice in VOICES]


def test_the_end_of_clean_speech_is_found_exactly() -> None:
    """Within 60 ms for every phrase of every voice, within 15 ms on average."""
    errors = errors_ms(EVERYTHING, noise_level=0)
    assert max(map(abs, errors)) <= 60
    assert sum(map(abs, errors)) / len(errors) <= 15


def test_the_end_of_speech_in_noise_is_found_nearly() -> None:
    """A fan in the room (about 20 dB below the voice): within 60 ms on average."""
    errors = errors_ms(EVERYTHING, noise_level=250)
    assert max(map(abs, errors)) <= 250
    assert sum(map(abs, errors)) / len(errors) <= 60


def test_real_speech_is_followed_to_its_end() -> None:
    """A person reading: five seconds with pauses between words, one utterance."""
    pcm = pcm_of(recording("speech/leopard_test.wav")) + noise(bytes(RATE_HZ * 2), 15)
    start, end = listen(pcm)
    assert 0.55 * RATE_HZ == pytest.approx(start.speech_start_sample, abs=0.1 * RATE_HZ)
    assert EndpointReason.SILENCE is end.reason
    assert 5.45 * RATE_HZ == pytest.approx(end.speech_end_sample, abs=0.1 * RATE_HZ)


def test_a_silent_room_is_no_speech() -> None:
    """Nor is a loud hiss."""
    room = pcm_of(recording("speech/silence.wav")) * 5
    for pcm in (room, noise(bytes(RATE_HZ * 10), 2000)):
        (end,) = listen(pcm)
        assert EndpointReason.NO_SPEECH is end.reason
