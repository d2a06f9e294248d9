"""A question that is spoken while the button is held."""

from __future__ import annotations

from sena_pi import wire
from sena_pi.audio import FRAME_SAMPLES
from sena_pi.endpointer import RELEASE_TAIL_FRAMES, Endpoint, Endpointer, EndpointReason
from sena_pi.endpointer import EndpointerSettings as Settings
from tests.scripted_speech import told
from tests.test_ear import SILENCE, SPEECH
from tests.test_ear import Bench as EarBench

SHORT = Settings(adaptive=False, silence_s=0.5, no_speech_s=1.0, longest_s=6.0)


def end_of(endpointer: Endpointer, probabilities: list[float]) -> Endpoint | None:
    ends = [event for event in told(endpointer, probabilities) if isinstance(event, Endpoint)]
    return ends[0] if ends else None


def test_no_silence_ends_it_while_it_is_held() -> None:
    """Neither before the first word nor between words; also in one that adapts."""
    for settings in (SHORT, Settings(longest_s=6.0)):
        endpointer = Endpointer(settings, 0)
        endpointer.hold(on=True)
        assert end_of(endpointer, [0.1] * 60 + [0.9] * 10 + [0.1] * 100) is None


def test_the_longest_question_is_cut_all_the_same() -> None:
    """Whoever leans on the button is not heard for ever."""
    endpointer = Endpointer(SHORT, 0)
    endpointer.hold(on=True)
    end = end_of(endpointer, [0.9] * 300)
    assert end is not None
    assert EndpointReason.TOO_LONG is end.reason


def test_letting_go_after_the_last_word_is_the_end() -> None:
    """With the next frame."""
    endpointer = Endpointer(SHORT, 0)
    endpointer.hold(on=True)
    assert end_of(endpointer, [0.9] * 20 + [0.1] * 2) is None
    endpointer.hold(on=False)
    end = end_of(endpointer, [0.1])
    assert end is not None
    assert EndpointReason.RELEASED is end.reason


def test_a_word_is_not_cut_by_letting_go_early() -> None:
    """Its end is waited for, but not for long."""
    endpointer = Endpointer(SHORT, 0)
    endpointer.hold(on=True)
    assert end_of(endpointer, [0.9] * 20) is None
    endpointer.hold(on=False)
    assert end_of(endpointer, [0.9] * (RELEASE_TAIL_FRAMES - 1)) is None
    end = end_of(endpointer, [0.9])
    assert end is not None
    assert EndpointReason.RELEASED is end.reason


def test_letting_go_without_a_word_is_nothing_heard() -> None:
    """At once: the person has changed their mind."""
    endpointer = Endpointer(SHORT, 0)
    endpointer.hold(on=True)
    assert end_of(endpointer, [0.1] * 50) is None
    endpointer.hold(on=False)
    end = end_of(endpointer, [0.1])
    assert end is not None
    assert EndpointReason.NO_SPEECH is end.reason
    assert 0 == end.speech_end_sample


def test_a_button_that_was_never_held_ends_nothing() -> None:
    """A release without a hold is somebody else's."""
    endpointer = Endpointer(SHORT, 0)
    endpointer.hold(on=False)
    end = end_of(endpointer, [0.9] * 20 + [0.1] * 60)
    assert end is not None
    assert EndpointReason.SILENCE is end.reason


def test_the_ear_obeys_the_hand_of_its_own_turn() -> None:
    """Held and let go; what concerns another turn, or nobody, is overlooked."""
    bench = EarBench()
    bench.hear([SILENCE] * 10)
    bench.ear.hold("7", on=True)  # nobody listens
    bench.ear.listen("7", "press")
    bench.ear.hold("6", on=False)
    bench.ear.hold("7", on=True)
    bench.hear([SPEECH] * 20 + [SILENCE] * 60)
    assert bench.ear.listening
    bench.ear.hold("6", on=False)
    bench.hear([SILENCE])
    assert bench.ear.listening
    bench.ear.hold("7", on=False)
    bench.hear([SILENCE])
    assert not bench.ear.listening
    (end,) = bench.of_type(wire.ENDPOINT)
    assert "released" == end.data["reason"]
    assert 0 == end.data["end_sample"] % FRAME_SAMPLES
