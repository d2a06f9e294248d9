"""The ear: wake words on every frame, audio out only while listening."""

from __future__ import annotations

from collections.abc import Iterable

from wyoming.event import Event

from sena_pi import wire
from sena_pi.audio import FRAME_BYTES, FRAME_SAMPLES, Frame
from sena_pi.endpointer import EndpointerSettings
from sena_pi.stages import Detection
from sena_pi.workers.ear import Ear

SILENCE = b"\x01\x00\xff\xff" * (FRAME_BYTES // 4)
SPEECH = b"\x00\x20\x00\xe0" * (FRAME_BYTES // 4)
WAKE = b"\x00\x30\x00\xd0" * (FRAME_BYTES // 4)
OTHER_WAKE = b"\x00\x31\x00\xcf" * (FRAME_BYTES // 4)


class WakesOn:
    """A detector that wakes on two exact frames, `late_s` after their words."""

    engine = "scripted"
    words = ("sena", "computer")
    late_s = 0.0

    def process(self, frame: Frame) -> Detection | None:
        word = {WAKE: "sena", OTHER_WAKE: "computer"}.get(frame.pcm)
        return Detection(word, self.engine, frame.end_sample, self.late_s) if word else None

    def close(self) -> None: ...


class LoudIsSpeech:
    """A voice activity detector that takes the loud frame for speech; counts its calls.

    Attributes:
        since_reset: how many frames it had heard at each reset since the one before.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.since_reset: list[int] = []

    def probability(self, frame: Frame) -> float:
        self.calls += 1
        return 0.9 if frame.pcm in {SPEECH, WAKE} else 0.05

    def reset(self) -> None:
        self.since_reset.append(self.calls - sum(self.since_reset))


class Bench:
    """An ear whose events are kept, on a clock that moves with the frames."""

    def __init__(self) -> None:
        self.sent: list[Event] = []
        self.now_ns = 0
        self.voice_activity = LoudIsSpeech()
        self.detector = WakesOn()
        self.ear = Ear(
            self.detector,
            self.voice_activity,
            EndpointerSettings(),
            self.sent.append,
            monotonic_ns=lambda: self.now_ns,
        )

    def hear(self, frames: Iterable[bytes]) -> None:
        for pcm in frames:
            self.now_ns += 32_000_000
            self.ear.feed(pcm)

    def of_type(self, event_type: str) -> list[Event]:
        return [event for event in self.sent if event.type == event_type]

    def audio(self) -> bytes:
        return b"".join(event.payload or b"" for event in self.of_type(wire.AUDIO_CHUNK))


def test_no_audio_leaves_before_it_is_asked_for() -> None:
    """Hours of speech and a wake word send a detection and not one sample."""
    bench = Bench()
    bench.hear([SPEECH] * 200 + [WAKE] + [SPEECH] * 200)
    assert [wire.DETECTION] == [event.type for event in bench.sent]


def test_voice_activity_rests_while_idle() -> None:
    """The costly detector runs only while listening."""
    bench = Bench()
    bench.hear([SPEECH] * 50)
    assert bench.voice_activity.calls == 0


def test_audio_starts_at_the_detection_and_misses_nothing() -> None:
    """What was said while the brain made up its mind comes first; nothing from before does."""
    bench = Bench()
    bench.hear([SPEECH] * 20 + [WAKE])
    bench.hear([SPEECH] * 10)
    bench.ear.listen("1", "detection")
    bench.hear([SPEECH] * 5)
    chunks = bench.of_type(wire.AUDIO_CHUNK)
    starts = [event.data["sample"] for event in chunks]
    assert [(21 + n) * FRAME_SAMPLES for n in range(15)] == starts
    assert WAKE not in bench.audio()


def test_a_question_starts_at_the_pause_after_the_word() -> None:
    """An engine that needs 0.2 s to tell does not cost the question's beginning."""
    bench = Bench()
    bench.detector.late_s = 0.25
    bench.hear([SPEECH] * 20 + [SILENCE] + [SPEECH] * 4 + [WAKE] + [SPEECH] * 2)
    bench.ear.listen("1", "detection")
    pause = range(20 * FRAME_SAMPLES, 21 * FRAME_SAMPLES)
    first = bench.of_type(wire.AUDIO_CHUNK)[0]
    assert first.data["sample"] in pause
    assert 21 * FRAME_SAMPLES - first.data["sample"] == len(first.payload or b"") // 2
    assert bench.of_type(wire.AUDIO_START)[0].data["sample"] == first.data["sample"]


def test_no_more_of_the_word_leaves_than_may_be_question() -> None:
    """However quiet it was earlier, audio goes back no further than the engine can be late."""
    bench = Bench()
    bench.detector.late_s = 0.1
    bench.hear([SILENCE] * 20 + [SPEECH] * 20 + [WAKE])
    bench.ear.listen("1", "detection")
    first = bench.of_type(wire.AUDIO_CHUNK)[0].data["sample"]
    assert 41 * FRAME_SAMPLES - 0.1 * 16_000 <= first <= 41 * FRAME_SAMPLES


def test_a_press_brings_no_more_than_its_pre_roll() -> None:
    """A press sends 0.3 s from before it, never the whole ring."""
    bench = Bench()
    bench.hear([WAKE] + [SPEECH] * 60)
    bench.ear.listen("1", "press")
    assert 0.3 * 16_000 == len(bench.audio()) / 2


def test_a_late_answer_gets_what_the_ring_still_holds() -> None:
    """A brain that is three seconds late gets the last two, not an error."""
    bench = Bench()
    bench.hear([WAKE] + [SPEECH] * 94)
    bench.ear.listen("1", "detection")
    assert 63 == len(bench.of_type(wire.AUDIO_CHUNK))


def test_audio_ends_at_the_endpoint() -> None:
    """After the endpoint nothing leaves, and it says where speech truly ended."""
    bench = Bench()
    bench.hear([WAKE])
    bench.ear.listen("7", "detection")
    bench.hear([SPEECH] * 20 + [SILENCE] * 50)
    (endpoint,) = bench.of_type(wire.ENDPOINT)
    sent = len(bench.sent)
    bench.hear([SPEECH] * 10)
    assert "7" == endpoint.data["turn"]
    assert "silence" == endpoint.data["reason"]
    assert abs(endpoint.data["speech_end_sample"] - 21 * FRAME_SAMPLES) <= FRAME_SAMPLES
    assert endpoint.data["start_sample"] == FRAME_SAMPLES
    assert sent == len(bench.sent)


def test_stop_listening_stops_at_once() -> None:
    """A turn that was given up gets no further audio and no endpoint."""
    bench = Bench()
    bench.hear([WAKE])
    bench.ear.listen("1", "detection")
    bench.hear([SPEECH] * 3)
    bench.ear.stop_listening()
    sent = len(bench.sent)
    bench.hear([SPEECH] * 10 + [SILENCE] * 60)
    assert sent == len(bench.sent)


def test_a_wake_word_while_listening_is_told() -> None:
    """The brain hears of a second wake word, and can begin again from it."""
    bench = Bench()
    bench.hear([WAKE])
    bench.ear.listen("1", "detection")
    bench.hear([SPEECH] * 40 + [WAKE] + [SPEECH] * 2)
    bench.ear.listen("2", "detection")
    assert 2 == len(bench.of_type(wire.DETECTION))
    second = [e for e in bench.of_type(wire.AUDIO_CHUNK) if e.data["turn"] == "2"]
    assert 42 * FRAME_SAMPLES == second[0].data["sample"]


def test_an_echo_of_the_wake_word_is_not_a_second_one() -> None:
    """A word is not heard twice within a second."""
    bench = Bench()
    bench.hear([WAKE, SPEECH, WAKE] + [SPEECH] * 40 + [WAKE])
    assert 2 == len(bench.of_type(wire.DETECTION))


def test_heartbeat_tells_a_dead_microphone_from_a_quiet_one() -> None:
    """Exact zeros are counted in seconds; a quiet room is not zeros."""
    bench = Bench()
    bench.hear([bytes(FRAME_BYTES)] * 100)
    dead = bench.ear.heartbeat()
    bench.hear([SILENCE])
    quiet = bench.ear.heartbeat()
    assert (3.2, None) == (dead["zeros_s"], dead["peak_dbfs"])
    assert (0.0, -90.3) == (quiet["zeros_s"], quiet["peak_dbfs"])


def test_heartbeat_counts_frames_that_never_came() -> None:
    """Five seconds with half of the frames missing are counted, and so is the longest gap."""
    bench = Bench()
    bench.hear([SILENCE])
    for _ in range(80):
        bench.now_ns += 32_000_000
        bench.hear([SILENCE])
    health = bench.ear.heartbeat()
    assert 70 <= int(str(health["lost_frames"])) <= 85
    assert 64.0 == health["longest_gap_ms"]


def test_each_listening_starts_afresh() -> None:
    """What was heard of an earlier question does not colour the first frames of the next."""
    bench = Bench()
    bench.hear([WAKE])
    bench.ear.listen("1", "detection")
    bench.hear([SPEECH] * 7)
    bench.hear([WAKE])
    bench.ear.listen("2", "detection")
    assert [0, 8] == bench.voice_activity.since_reset


def test_an_endpoint_in_what_is_remembered_ends_the_listening() -> None:
    """A brain that is late gets the question up to its endpoint, and nothing from after it."""
    bench = Bench()
    bench.hear([WAKE] + [SPEECH] * 10 + [SILENCE] * 50)
    bench.ear.listen("1", "detection")
    assert wire.ENDPOINT == bench.sent[-1].type
    assert not bench.ear.listening
    assert 10 + 41 == len(bench.of_type(wire.AUDIO_CHUNK))


def test_another_word_is_not_an_echo() -> None:
    """Two different words within a second are two detections."""
    bench = Bench()
    bench.hear([WAKE] + [SPEECH] * 5 + [OTHER_WAKE])
    assert ["sena", "computer"] == [e.data["name"] for e in bench.of_type(wire.DETECTION)]


LISTENING_NEWS = {
    wire.VOICE_STARTED,
    wire.SPEECH_PAUSED,
    wire.SPEECH_RESUMED,
    wire.ENDPOINT,
}


def news(bench: Bench) -> list[Event]:
    return [event for event in bench.sent if event.type in LISTENING_NEWS]


def paused(bench: Bench) -> Event:
    """Listening since a press, to somebody who has just paused."""
    bench.hear([SILENCE] * 20)
    bench.ear.listen("7", "press")
    bench.hear([SPEECH] * 20 + [SILENCE] * 10)
    return bench.of_type(wire.SPEECH_PAUSED)[-1]


def test_a_pause_is_told_before_the_endpoint() -> None:
    """With positions that its audio and the endpoint share, while audio goes on to leave."""
    bench = Bench()
    pause = paused(bench)
    sent_to = bench.of_type(wire.AUDIO_CHUNK)[-1].data["sample"] + FRAME_SAMPLES
    assert "7" == pause.data["turn"]
    assert 42 * FRAME_SAMPLES == pause.data["end_sample"]
    assert 42 * 32_000_000 == pause.data["monotonic_ns"]
    assert 50 * FRAME_SAMPLES == sent_to
    bench.hear([SILENCE] * 50)
    (endpoint,) = bench.of_type(wire.ENDPOINT)
    assert pause.data["start_sample"] == endpoint.data["start_sample"]
    assert abs(pause.data["speech_end_sample"] - endpoint.data["speech_end_sample"]) <= 1600


def test_news_of_a_question_comes_in_order() -> None:
    """Started, paused, resumed, paused, endpoint; nothing comes after it."""
    bench = Bench()
    paused(bench)
    bench.hear([SPEECH] * 5 + [SILENCE] * 60 + [SPEECH] * 20 + [SILENCE] * 60)
    expected = [
        wire.VOICE_STARTED,
        wire.SPEECH_PAUSED,
        wire.SPEECH_RESUMED,
        wire.SPEECH_PAUSED,
        wire.ENDPOINT,
    ]
    assert expected == [event.type for event in news(bench)]
    assert 50 * FRAME_SAMPLES == news(bench)[2].data["sample"]


def test_no_pause_is_told_of_a_turn_that_was_given_up() -> None:
    """Nor does anything else leave."""
    bench = Bench()
    bench.hear([SILENCE] * 20)
    bench.ear.listen("7", "press")
    bench.hear([SPEECH] * 20 + [SILENCE])
    bench.ear.stop_listening()
    bench.hear([SILENCE] * 60)
    assert [wire.VOICE_STARTED] == [event.type for event in news(bench)]


def test_a_complete_phrase_ends_the_listening() -> None:
    """Before an unknown one would."""
    bench = Bench()
    pause = paused(bench)
    bench.ear.phrase("7", pause.data["end_sample"], complete=True)
    bench.hear([SILENCE] * 4)
    assert not bench.ear.listening
    assert 54 * FRAME_SAMPLES == bench.of_type(wire.ENDPOINT)[0].data["end_sample"]


def test_words_of_another_turn_are_no_hint() -> None:
    """Nor are words that come when nobody is listened to."""
    bench = Bench()
    pause = paused(bench)
    bench.ear.phrase("6", pause.data["end_sample"], complete=True)
    bench.hear([SILENCE] * 4)
    assert bench.ear.listening
    bench.ear.stop_listening()
    bench.ear.phrase("7", pause.data["end_sample"], complete=True)
    assert [] == bench.of_type(wire.ENDPOINT)


def test_listening_from_now_on_takes_nothing_from_before() -> None:
    """Not what was just played, which may have been our own voice."""
    bench = Bench()
    bench.hear([WAKE] + [SPEECH] * 30)
    bench.ear.listen("1", "now")
    bench.hear([SPEECH] * 5)
    chunks = bench.of_type(wire.AUDIO_CHUNK)
    assert [(31 + n) * FRAME_SAMPLES for n in range(5)] == [e.data["sample"] for e in chunks]


def test_each_listening_may_have_its_own_patience() -> None:
    """How long the first word is waited for; the next listening has the settings' again."""
    bench = Bench()
    bench.ear.listen("1", "now", 0.32)
    bench.hear([SILENCE] * 12)
    (endpoint,) = bench.of_type(wire.ENDPOINT)
    assert ("no-speech", 10 * FRAME_SAMPLES) == (
        endpoint.data["reason"],
        endpoint.data["end_sample"],
    )
    bench.ear.listen("2", "now")
    bench.hear([SILENCE] * 12)
    assert bench.ear.listening
