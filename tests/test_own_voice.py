"""Our own voice in our own microphone: it wakes nobody, and asks nothing; a person still does."""

from __future__ import annotations

import numpy as np
import pytest

from sena_pi import wire
from sena_pi.audio import FRAME_SAMPLES, Frame
from sena_pi.echo import EARLIEST_S, LATEST_S, echo_share, played_samples
from sena_pi.engines import porcupine
from sena_pi.own_voice import TAIL_S, OwnVoice
from sena_pi.simulated.echo import RoomEcho
from sena_pi.stages import Detection
from tests.echo_room import SPEAKER_HZ, EchoRoom, SmallSpeaker, at_peak
from tests.recordings import recording
from tests.speech import pcm_of, say

ANSWER = "Well, you could say jarvis, or jar of this, and then it goes on."
HEARD = 16_000


def noise(seed: int, samples: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 2000.0, samples)


def echoed(played: np.ndarray, delay_s: float, gain: float) -> np.ndarray:
    """What is heard of it so much later."""
    start = round((LATEST_S - delay_s) * 16_000)
    return gain * played[start : start + HEARD]


@pytest.mark.parametrize("delay_s", [EARLIEST_S + 0.01, 0.0, 0.1, 0.2, LATEST_S - 0.01])
@pytest.mark.parametrize("gain", [0.5, 0.03])
def test_an_echo_is_explained(delay_s: float, gain: float) -> None:
    """Whenever it comes, and however soft it is."""
    played = noise(1, played_samples(HEARD))
    assert echo_share(echoed(played, delay_s, gain), played) > 0.9


def test_what_was_not_played_is_not_explained() -> None:
    """Other sound; and of a mixture no more than its part, and what chance adds."""
    played = noise(1, played_samples(HEARD))
    other = noise(2, HEARD)
    assert echo_share(other, played) < 0.35
    both = other + echoed(played, 0.1, 1.0)
    assert 0.4 < echo_share(both, played) < 0.75


def test_an_echo_that_a_late_device_tore_is_still_explained() -> None:
    """Silence of 60 ms was put into the middle of it."""
    played = noise(1, played_samples(HEARD))
    whole = echoed(played, 0.1, 0.3)
    torn = np.concatenate([whole[:7000], np.zeros(960), whole[7000:-960]])
    assert echo_share(torn, played) > 0.7


def test_silence_is_nobodys_echo() -> None:
    """Nothing heard, or nothing played."""
    played = noise(1, played_samples(HEARD))
    assert 0.0 == echo_share(np.zeros(HEARD, np.int16), played)
    assert 0.0 == echo_share(noise(2, HEARD), np.zeros(len(played), np.int16))


@pytest.mark.parametrize(("db", "delay_s"), [(-6, 0.02), (-12, 0.08), (-20, 0.2), (-30, 0.14)])
@pytest.mark.parametrize("room_of", [RoomEcho, SmallSpeaker])
def test_an_answer_with_the_wake_word_wakes_nobody(
    db: float, delay_s: float, room_of: type[RoomEcho]
) -> None:
    """At any level: it is heard and known for our own."""
    room = EchoRoom(detector(), room_of(db, delay_s), OwnVoice())
    room.answer(at_peak(say(ANSWER, "rms"), 16_000))
    room.run(5.0)
    assert [] == room.events(wire.DETECTION)
    assert 1 <= int(str(room.ear.heartbeat()["own_words"]))


def test_without_the_comparison_it_would_wake() -> None:
    """The control: the same answer in the same room."""
    room = EchoRoom(detector(), RoomEcho(-12, 0.08), None)
    room.answer(at_peak(say(ANSWER, "rms"), 16_000))
    room.run(5.0)
    assert "jarvis" == room.events(wire.DETECTION)[0].data["name"]


@pytest.mark.parametrize("db", [-20, -30])
def test_a_person_is_heard_over_the_answer(db: float) -> None:
    """A real person who says the wake word while somebody else's voice comes from the speaker."""
    person = at_peak(pcm_of(recording("porcupine/porcupine.wav"))[2 * 32_000 :], 10_000)
    room = EchoRoom(detector("porcupine"), RoomEcho(db, 0.1), OwnVoice())
    talk = "Paris is the capital of France, and about two million people live there."
    room.answer(at_peak(say(talk, "slt"), 16_000))
    room.run(0.8)
    room.person(person)
    room.run(3.0)
    assert ["porcupine"] == [event.data["name"] for event in room.events(wire.DETECTION)]


def test_a_wake_word_in_silence_costs_nothing() -> None:
    """Nothing was played: nothing is compared, and the word counts."""
    own_voice = OwnVoice()
    for n in range(100):
        pcm = noise(n, FRAME_SAMPLES).astype(np.int16).tobytes()
        assert not own_voice.hear(Frame(pcm, n * FRAME_SAMPLES))
    assert not own_voice.sounds
    assert not own_voice.said(100 * FRAME_SAMPLES)


def listening_after(own_voice: OwnVoice | None, *, press_at_s: float | None) -> str:
    """Why a listening ended that began after an answer, or with a press in it."""
    room = EchoRoom(None, RoomEcho(-6, 0.2), own_voice)
    room.on_done = lambda: room.ear.listen("follow-up", "now")
    room.answer(at_peak(say(ANSWER, "slt"), 16_000))
    if press_at_s is not None:
        room.run(press_at_s)
        room.press()
    room.run(9.0)
    (endpoint,) = room.events(wire.ENDPOINT)
    return str(endpoint.data["reason"])


@pytest.mark.parametrize("press_at_s", [None, 1.5])
def test_the_end_of_an_answer_is_no_question(press_at_s: float | None) -> None:
    """Its echo is still in the room when listening begins; nobody has said anything."""
    assert "no-speech" == listening_after(OwnVoice(), press_at_s=press_at_s)


def test_without_the_comparison_the_end_of_an_answer_is_a_question() -> None:
    """The control."""
    assert "silence" == listening_after(None, press_at_s=1.5)


def test_a_question_right_after_a_press_is_heard() -> None:
    """Silence the answer and ask at once: the question has an endpoint of its own."""
    room = EchoRoom(None, RoomEcho(-20, 0.1), OwnVoice())
    room.answer(at_peak(say(ANSWER, "slt"), 16_000))
    room.run(2.0)
    room.press()
    room.run(0.1)
    room.person(at_peak(say("stop", "rms"), 10_000))
    room.run(4.0)
    assert ["silence"] == [event.data["reason"] for event in room.events(wire.ENDPOINT)]


@pytest.mark.parametrize("db", [-30, -90])
def test_a_command_said_at_once_after_the_wake_word_is_heard(db: float) -> None:
    """Over a short ring, in one breath: that loud voice was no measure of our echo."""
    room = EchoRoom(detector(), RoomEcho(db, 0.1), OwnVoice())
    room.answer(at_peak(say("Your timer is set.", "slt"), 16_000))
    room.run(2.5)
    room.answer(at_peak(say(ANSWER, "slt"), 16_000))
    room.run(0.3)
    room.person(at_peak(say("hey jarvis, stop", "slt"), 16_000))
    for _ in range(100):
        if not room.events(wire.DETECTION):
            room.run(0.02)
    room.interrupt("detection")
    room.run(5.0)
    assert ["silence"] == [event.data["reason"] for event in room.events(wire.ENDPOINT)]


class HearsLoud:
    """A stop word: any frame that is loud enough."""

    engine = "scripted"
    words = ("stop",)

    def __init__(self) -> None:
        self.frames = 0

    def process(self, frame: Frame) -> Detection | None:
        self.frames += 1
        loud = int(np.abs(np.frombuffer(frame.pcm, np.int16).astype(int)).max()) > 4000
        return Detection("stop", self.engine, frame.end_sample) if loud else None

    def close(self) -> None: ...


def test_a_stop_word_is_listened_for_only_while_we_speak() -> None:
    """Before an answer and after its echo the detector rests."""
    stop_words = HearsLoud()
    room = EchoRoom(None, RoomEcho(-20, 0.1), OwnVoice(), stop_words=stop_words)
    room.person(at_peak(say("stop", "rms"), 10_000))
    room.run(1.5)
    assert 0 == stop_words.frames
    room.answer(at_peak(say("stop", "slt"), 16_000))
    room.run(4.0)
    heard = stop_words.frames * FRAME_SAMPLES / 16_000
    assert TAIL_S < heard < 1.0 + TAIL_S + 0.3
    assert [] == room.events(wire.STOP_WORD)


def test_our_own_stop_ends_nothing_and_a_persons_does() -> None:
    """The same sound, from the speaker and from a person over another answer."""
    own = EchoRoom(None, RoomEcho(-6, 0.1), OwnVoice(), stop_words=HearsLoud())
    own.answer(at_peak(say("stop stop stop", "rms"), 16_000))
    own.run(3.0)
    assert [] == own.events(wire.STOP_WORD)
    assert 1 <= int(str(own.ear.heartbeat()["own_words"]))
    person = EchoRoom(None, RoomEcho(-20, 0.1), OwnVoice(), stop_words=HearsLoud())
    person.answer(at_peak(say(ANSWER, "slt"), 16_000))
    person.run(1.0)
    person.person(at_peak(say("stop", "rms"), 12_000))
    person.run(1.5)
    assert "stop" == person.events(wire.STOP_WORD)[0].data["name"]


def test_a_mouth_that_nobody_hears_fills_no_memory() -> None:
    """Without a microphone what is played is forgotten after two seconds."""
    own_voice = OwnVoice()
    for _ in range(1000):
        own_voice.played(bytes(960), SPEAKER_HZ)
    assert not own_voice.hear(Frame(bytes(2 * FRAME_SAMPLES), 0))
    assert not own_voice.sounds


def detector(word: str = "jarvis") -> porcupine.PorcupineDetector:
    """Of the engine that hears the most words."""
    return porcupine.load_keyless().detector({word: 0.5})
