"""Pauses, told before the endpoint is certain, and hints from whoever knows the words."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

import pytest

from sena_pi.audio import FRAME_SAMPLES, Frame
from sena_pi.endpointer import (
    Endpoint,
    Endpointer,
    EndpointerSettings,
    EndpointReason,
    Paused,
    Resumed,
    VoiceStarted,
)
from tests.scripted_speech import script, told
from tests.speech import frames_of, quiet

PAUSE_FRAMES = 7
"""First frame of silence after which 0.25 s of it are certain, the detector's lag counted in."""


def fixed() -> Endpointer:
    """An endpointer that waits for 0.7 s, which are 22 frames."""
    return Endpointer(EndpointerSettings(adaptive=False, silence_s=0.7), 0)


def test_a_pause_is_told_long_before_the_endpoint() -> None:
    """After a quarter of a second of silence, once; the endpoint comes when it did."""
    _, pause, end = told(fixed(), *script(20, 40))
    expected = Paused(20 * FRAME_SAMPLES - 768, (20 + PAUSE_FRAMES) * FRAME_SAMPLES)
    assert expected == pause
    assert Endpoint(EndpointReason.SILENCE, 20 * FRAME_SAMPLES, 42 * FRAME_SAMPLES) == end


def test_speech_that_goes_on_is_told() -> None:
    """With its first frame, and the next pause is another."""
    news = told(fixed(), *script(20, 10, 5, 40))[1:]
    assert [Paused, Resumed, Paused, Endpoint] == [type(event) for event in news]
    assert Resumed(30 * FRAME_SAMPLES) == news[1]
    assert news[2].end_sample == (35 + PAUSE_FRAMES) * FRAME_SAMPLES


def test_a_breath_is_no_pause() -> None:
    """What is shorter than a quarter of a second is not told, nor its end."""
    news = told(fixed(), *script(20, PAUSE_FRAMES - 1, 20, 40))
    assert [VoiceStarted, Paused, Endpoint] == [type(event) for event in news]


@pytest.mark.parametrize("adaptive", [True, False])
def test_news_comes_in_order(*, adaptive: bool) -> None:
    """Start, (pause, resumption)*, pause, endpoint, and nothing else, whatever is heard."""
    dice = random.Random(4)
    letters = {VoiceStarted: "v", Paused: "p", Resumed: "r", Endpoint: "e"}
    stories = set()
    for _ in range(200):
        lengths = [dice.randint(1, 40) for _ in range(16)]
        endpointer = Endpointer(EndpointerSettings(adaptive=adaptive, longest_s=6), 0)
        news = told(endpointer, *script(*lengths))
        stories.add("".join(letters[type(event)] for event in news))
    assert [] == [story for story in stories if not re.fullmatch("(v(pr)*p?)?e", story)]
    assert any("prp" in story for story in stories)


# --- what the brain knows of the words --------------------------------------------------------


def hinted(hints: Mapping[int, bool], *frames: int, **settings: object) -> Endpoint:
    """The endpoint where, before a frame of the script, a hint is given on the last pause."""
    endpointer = Endpointer(EndpointerSettings(**settings), 0)
    probabilities, pcm = script(*frames)
    paused_sample = -1
    for at, (frame, probability) in enumerate(zip(frames_of(pcm), probabilities, strict=True)):
        if at in hints:
            endpointer.hint(paused_sample, complete=hints[at])
        event = endpointer.feed(frame, probability)
        if isinstance(event, Paused):
            paused_sample = event.end_sample
        if isinstance(event, Endpoint):
            return event
    raise AssertionError("no endpoint")


def test_a_complete_phrase_is_waited_for_shortly() -> None:
    """Something may follow that was not needed: 0.42 s."""
    end = hinted({26: True}, 20, 60)
    assert Endpoint(EndpointReason.SILENCE, 20 * FRAME_SAMPLES, 34 * FRAME_SAMPLES) == end


def test_a_hint_that_comes_after_that_ends_at_once() -> None:
    """With the next frame of silence."""
    end = hinted({40: True}, 20, 60)
    assert Endpoint(EndpointReason.SILENCE, 20 * FRAME_SAMPLES, 41 * FRAME_SAMPLES) == end


def test_a_phrase_that_is_not_complete_is_waited_for() -> None:
    """A second and a half, not longer."""
    end = hinted({60: False}, 50, 60)
    assert EndpointReason.SILENCE is end.reason
    assert (50 + 47) * FRAME_SAMPLES == end.end_sample


@pytest.mark.parametrize("complete", [True, False])
def test_a_fixed_silence_is_fixed(*, complete: bool) -> None:
    """Whatever is known of the words."""
    end = hinted({30: complete}, 50, 60, adaptive=False)
    assert (50 + 22) * FRAME_SAMPLES == end.end_sample


def test_the_last_hint_counts() -> None:
    """The cloud may know better than the ears."""
    end = hinted({30: False, 65: True}, 20, 60)
    assert 66 * FRAME_SAMPLES == end.end_sample


def test_a_hint_is_forgotten_when_speech_resumes() -> None:
    """What was not complete may be so with what follows."""
    end = hinted({28: False}, 20, 11, 40, 60)
    assert (20 + 11 + 40 + 29) * FRAME_SAMPLES == end.end_sample


def test_a_hint_before_any_pause_is_on_none() -> None:
    """It changes nothing."""
    end = hinted({30: False}, 50, 60)
    assert (50 + 29) * FRAME_SAMPLES == end.end_sample


def test_a_hint_that_comes_too_late_is_dropped() -> None:
    """It was on the pause before this one."""
    endpointer = Endpointer(EndpointerSettings(), 0)
    probabilities, pcm = script(20, 10, 20, 40)
    _, first, _, second = told(endpointer, probabilities[:66], pcm[: 66 * FRAME_SAMPLES * 2])
    endpointer.hint(first.end_sample, complete=True)
    later = [Frame(f.pcm, 66 * FRAME_SAMPLES + f.start_sample) for f in frames_of(quiet(0.5))]
    assert endpointer.feed(later[0], 0.05) is None
    endpointer.hint(second.end_sample, complete=True)
    assert EndpointReason.SILENCE is endpointer.feed(later[1], 0.05).reason


def test_a_hint_does_not_end_speech() -> None:
    """A person who goes on as the hint comes is listened to."""
    end = hinted({31: True}, 20, 11, 50, 40)
    assert 81 * FRAME_SAMPLES == end.speech_end_sample
