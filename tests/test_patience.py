"""The adaptive rule: how much silence ends an utterance, by what was heard so far."""

from __future__ import annotations

import math
import statistics
import struct
from collections.abc import Sequence

import pytest

from sena_pi.audio import FRAME_S, FRAME_SAMPLES, MICROPHONE_FORMAT
from sena_pi.endpointer import (
    Endpoint,
    Endpointer,
    EndpointerSettings,
    EndpointReason,
    VoiceStarted,
)
from sena_pi.engines.silero import SileroVoiceActivityDetector
from sena_pi.patience import CAP_S, Patience
from tests.endpointing_corpus import in_noise, utterances
from tests.scripted_speech import loud, script, told
from tests.speech import frames_of, quiet


@pytest.mark.parametrize(
    ("frames", "silent_frames"),
    [
        ((20,), 41),  # 0.64 s of speech: 1.3 s
        ((38,), 37),  # 1.22 s: 1.16 s
        ((50,), 29),  # 1.6 s: 0.9 s
        ((20, 32, 40), 32),  # after a pause of 1.02 s no less than that
        ((20, 5, 15), 35),  # the silence of a consonant is speech: 1.28 s
        ((20, 10, 15), 39),  # a pause is not: 1.12 s
    ],
)
def test_the_silence_waited_for_depends_on_what_was_said(
    frames: Sequence[int], silent_frames: int
) -> None:
    """Long after a word, short after a sentence, never shorter than a pause before."""
    end = told(Endpointer(EndpointerSettings(), 0), *script(*frames, 60))[-1]
    spoken = sum(frames) * FRAME_SAMPLES
    expected = Endpoint(EndpointReason.SILENCE, spoken, spoken + silent_frames * FRAME_SAMPLES)
    assert expected == end


def test_no_silence_longer_than_the_cap_is_waited_for() -> None:
    """Whatever pauses there were."""
    patience = Patience()
    patience.spoke(0.5)
    patience.spoke(0.5, silence_s=9.0)
    assert CAP_S == patience.silence_s(hovering=1.0)


def behind(frames: int, level: int = 0x0333) -> bytes:
    """Somebody talking behind; unless said, 20 dB below `loud`."""
    return struct.pack("<hh", level, -level) * (frames * FRAME_SAMPLES // 2)


def test_people_behind_do_not_keep_it_listening() -> None:
    """The detector takes them for speech; they are no louder than the room was before."""
    pcm = behind(10) + loud(50 * FRAME_S) + behind(60)
    probabilities = [0.05] * 10 + [0.9] * 110
    end = told(Endpointer(EndpointerSettings(), 0), probabilities, pcm)[-1]
    expected = Endpoint(EndpointReason.SILENCE, 60 * FRAME_SAMPLES, 98 * FRAME_SAMPLES)
    assert expected == end
    fixed = Endpointer(EndpointerSettings(adaptive=False), 0)
    assert [VoiceStarted] == [type(event) for event in told(fixed, probabilities, pcm)]


@pytest.mark.parametrize(
    ("room", "after", "silent_frames"),
    [
        (quiet(10 * FRAME_S), quiet(20 * FRAME_S), 2),  # nothing is to be heard any more
        (quiet(10 * FRAME_S), behind(20, 0x0020), 3),  # it fades: 0.14 s, with the detector's lag
        (behind(10, 0x0199), behind(20, 0x0199), 4),  # 20 times as loud as the room: 0.17 s
        (behind(10, 0x0444), behind(20, 0x0444), 7),  # 7.5 times: 0.25 s
    ],
)
def test_a_pause_is_told_sooner_where_it_is_quiet(
    room: bytes, after: bytes, silent_frames: int
) -> None:
    """Noise hides soft sounds inside of words."""
    pcm = room + loud(30 * FRAME_S) + after
    probabilities = [0.05] * 10 + [0.9] * 30 + [0.05] * 20
    _, pause = told(Endpointer(EndpointerSettings(), 0), probabilities, pcm)
    assert (40 + silent_frames) * FRAME_SAMPLES == pause.end_sample


def test_a_pause_after_one_short_sound_is_not_told_sooner() -> None:
    """How loud the person speaks is not known by then."""
    _, pause, _ = told(Endpointer(EndpointerSettings(), 0), *script(6, 60))
    assert (6 + 7) * FRAME_SAMPLES == pause.end_sample


@pytest.mark.parametrize(("loud_frames", "waited_frames"), [(1, 30), (2, 31), (9, 32)])
def test_a_sound_at_the_last_moment_is_given_time(loud_frames: int, waited_frames: int) -> None:
    """The detector may come to take it for speech: a tenth of a second, no more."""
    pcm = quiet(10 * FRAME_S) + loud(50 * FRAME_S) + quiet(28 * FRAME_S)
    pcm += loud(loud_frames * FRAME_S) + quiet(20 * FRAME_S)
    probabilities = [0.05] * 10 + [0.9] * 50 + [0.05] * (48 + loud_frames)
    end = told(Endpointer(EndpointerSettings(), 0), probabilities, pcm)[-1]
    expected = Endpoint(
        EndpointReason.SILENCE, 60 * FRAME_SAMPLES, (60 + waited_frames) * FRAME_SAMPLES
    )
    assert expected == end


def test_a_word_said_softly_is_speech() -> None:
    """20 dB below the others, in a quiet room."""
    pcm = quiet(10 * FRAME_S) + loud(50 * FRAME_S) + behind(20)
    pcm += quiet(60 * FRAME_S)
    probabilities = [0.05] * 10 + [0.9] * 70 + [0.05] * 60
    end = told(Endpointer(EndpointerSettings(), 0), probabilities, pcm)[-1]
    assert 80 * FRAME_SAMPLES == end.speech_end_sample


# --- with the real detector -------------------------------------------------------------------


def corpus_delays_s(noise: str, snr_db: float | None) -> tuple[list[float], list[float]]:
    """From the true end to the endpoint, by the fixed rule and by the adaptive one.

    Infinite when none came within three seconds.
    """
    delays_s: tuple[list[float], list[float]] = ([], [])
    for said in utterances("held back", every=10):
        pcm, true_end = in_noise(said, noise, snr_db, tail_s=3.0)
        detector = SileroVoiceActivityDetector()
        probabilities = [detector.probability(frame) for frame in frames_of(pcm)]
        for adaptive, delays in enumerate(delays_s):
            endpointer = Endpointer(EndpointerSettings(adaptive=bool(adaptive)), 0)
            end = told(endpointer, probabilities, pcm)[-1]
            late = (end.end_sample - true_end) if isinstance(end, Endpoint) else math.inf
            delays.append(late / MICROPHONE_FORMAT.rate_hz)
    return delays_s


def test_the_adaptive_rule_cuts_off_less() -> None:
    """Than 0.7 s of silence, over utterances most of which have pauses inside."""
    fixed_s, adaptive_s = corpus_delays_s("clean", None)
    assert sum(delay_s < 0 for delay_s in adaptive_s) < sum(delay_s < 0 for delay_s in fixed_s)
    assert statistics.median(adaptive_s) <= 1.1
    assert max(adaptive_s) <= CAP_S + 0.1


def test_an_utterance_ends_though_people_talk_behind() -> None:
    """Eight of them, 10 dB below: the fixed rule listens on to most, the adaptive one to few."""
    fixed_s, adaptive_s = corpus_delays_s("babble", 10)
    assert sum(map(math.isinf, adaptive_s)) <= len(adaptive_s) // 3
    assert sum(map(math.isinf, fixed_s)) >= len(fixed_s) // 2
