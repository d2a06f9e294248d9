"""The brain's side of the sound path: whatever the audio worker does, no turn hangs or lies."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from wyoming.event import Event

from sena_pi import wire
from sena_pi.audio import AudioChunk, AudioFormat, Utterance
from sena_pi.devices.audio import Audio, AudioListeners
from sena_pi.errors import WorkerError
from sena_pi.pauses import SpeechPaused
from sena_pi.resampling import Resampler
from sena_pi.stages import WakeEvent
from tests import scripted_audio_worker
from tests.listening import Notes

BOUND_S = 15.0
"""No figure, only an end."""
RATE_HZ = 48_000
HEARS = {"capturing": True, "frames": 5}
TELLS = [
    (wire.SPEAKER, {"device": "a speaker", "rate_hz": RATE_HZ}),
    (wire.MICROPHONE, {"device": "a microphone"}),
    (wire.HEARTBEAT, HEARS),
]


def sound(seconds: float, rate_hz: int = RATE_HZ) -> AudioChunk:
    return AudioChunk(AudioFormat(rate_hz), b"\x00\x20\x00\xe0" * round(seconds * rate_hz / 2))


GRACE_S = 0.5
"""A tenth of the usual one."""


class Rig:
    """The brain's audio, and a worker that does what the story says."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.obeyed: list[dict[str, Any]] = []
        self.hearing: list[bool] = []
        self.woken: list[WakeEvent] = []
        self._news = asyncio.Event()
        self.notes = Notes(self._news.set)
        self.audio = Audio(
            {"tells": TELLS, **settings},
            AudioListeners(
                detection=lambda wake: self._keep(self.woken, wake),
                hearing=lambda on: self._keep(self.hearing, on),
                spoken=lambda data: self._keep(self.obeyed, data),
            ),
            silence_timeout_s=10 * BOUND_S,
            grace_s=GRACE_S,
            argv=(sys.executable, str(Path(scripted_audio_worker.__file__))),
        )
        self.speaker = self.audio.speaker

    def _keep(self, log: list[Any], news: object) -> None:
        log.append(news)
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(BOUND_S):
            while not condition():
                await self._news.wait()
                self._news.clear()

    async def tell(self, event_type: str, payload: bytes = b"", **data: object) -> None:
        """The worker tells this, and the brain has taken it."""
        told = len(self.received("tell"))
        await self.post(event_type, payload, **data)
        await self.until(lambda: len(self.received("tell")) > told)

    async def post(self, event_type: str, payload: bytes = b"", **data: object) -> None:
        """The worker is about to tell this."""
        event = Event("tell", {"type": event_type, "data": data}, payload)
        await self.audio.supervisor.send(event)

    def received(self, event_type: str) -> list[dict[str, Any]]:
        """Data of all that reached a worker."""
        return [got["data"] for got in self.obeyed if got["obeyed"] == event_type]

    async def reached(self, event_type: str) -> None:
        """Wait until a worker has got such an event."""
        await self.until(lambda: bool(self.received(event_type)))

    @property
    def samples(self) -> int:
        """Samples that reached a worker."""
        sizes = [got["bytes"] for got in self.obeyed if got["obeyed"] == wire.AUDIO_CHUNK]
        return sum(sizes) // 2

    def kill(self) -> None:
        """The worker is dead, and the brain does not know yet."""
        pid = self.audio.supervisor.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):  # the loop was faster
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    async def replaced(self) -> None:
        """Wait until the first worker's successor works; there was no third."""
        await self.until(lambda: self.hearing == [True, False, True])
        assert 1 == self.audio.supervisor.replacements

    async def plays_anew(self) -> None:
        """A new run reaches a worker and is played whole."""
        before = self.samples
        self.speaker.begin()
        await self.speaker.play(sound(0.1))
        await self.until(lambda: self.samples == before + 0.1 * RATE_HZ)
        turn = self.received(wire.AUDIO_START)[-1]["turn"]
        draining = asyncio.ensure_future(self.speaker.drain())
        # A worker says that all is played after it was told that this was all.
        await self.until(lambda: turn in [data["turn"] for data in self.received(wire.AUDIO_STOP)])
        await self.tell(wire.PLAYED, turn=turn, samples=4800, done=True)
        async with asyncio.timeout(BOUND_S):
            await draining
        assert 0.1 == self.speaker.played_s


def tell(story: Callable[[Rig], Awaitable[None]], **settings: object) -> None:
    """Run a story beside a worker that hears and plays."""

    async def main() -> None:
        rig = Rig(settings)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(rig.audio.run())
            try:
                await rig.until(lambda: rig.hearing == [True])
                async with asyncio.timeout(2 * BOUND_S):
                    await story(rig)
            finally:
                running.cancel()

    asyncio.run(main())


# --- the speaker ------------------------------------------------------------------------------


def test_a_flush_that_is_not_confirmed_is_bounded_and_replaces_the_worker() -> None:
    """Sound that can't be stopped is stopped with its process."""

    async def story(rig: Rig) -> None:
        rig.speaker.begin()
        await rig.speaker.play(sound(0.3))
        await rig.speaker.flush()
        await rig.replaced()
        await rig.plays_anew()

    tell(story)


def test_a_flush_ends_when_the_worker_is_silent() -> None:
    """It waits for the worker's word, and replaces nobody who gave it."""

    async def story(rig: Rig) -> None:
        rig.speaker.begin()
        await rig.speaker.play(sound(0.3))
        flushing = asyncio.ensure_future(rig.speaker.flush())
        await rig.reached(wire.FLUSH)
        assert not flushing.done()
        await rig.tell(wire.FLUSHED, turn="1", samples=4800)
        await flushing
        assert 0.1 == rig.speaker.played_s
        assert 0 == rig.audio.supervisor.replacements
        assert [True] == rig.hearing

    tell(story)


def test_a_flushed_run_takes_no_more_sound() -> None:
    """What a cancelled turn still had in hand reaches no worker."""

    async def story(rig: Rig) -> None:
        rig.speaker.begin()
        await rig.speaker.play(sound(0.1))
        flushing = asyncio.ensure_future(rig.speaker.flush())
        await rig.reached(wire.FLUSH)
        await rig.tell(wire.FLUSHED, turn="1", samples=0)
        await flushing
        await rig.speaker.play(sound(0.1))
        await rig.tell(wire.HEARTBEAT, **HEARS)
        assert 4800 == rig.samples

    tell(story)


def test_play_waits_while_a_second_is_unplayed() -> None:
    """No more than a second is in the worker's hands; the rest follows what was played."""

    async def story(rig: Rig) -> None:
        rig.speaker.begin()
        playing = asyncio.ensure_future(rig.speaker.play(sound(1.5)))
        await rig.until(lambda: rig.samples == RATE_HZ)
        await rig.tell(wire.HEARTBEAT, **HEARS)
        assert (RATE_HZ, False) == (rig.samples, playing.done())
        await rig.tell(wire.PLAYED, turn="1", samples=RATE_HZ // 2, done=False)
        await playing
        await rig.until(lambda: rig.samples == 1.5 * RATE_HZ)
        assert (1.5, 0.5) == (rig.speaker.queued_s, rig.speaker.played_s)

    tell(story)


@pytest.mark.parametrize("end", ["drain", "flush"])
def test_no_resampler_is_kept_between_runs(end: str) -> None:
    """Its memory is the library's own: what still holds one when Python ends is a leak."""

    async def story(rig: Rig) -> None:
        rig.speaker.begin()
        await rig.speaker.play(sound(0.1, RATE_HZ // 2))
        assert 1 == resamplers()
        if end == "drain":
            await rig.tell(wire.PLAYED, turn="1", samples=RATE_HZ, done=True)
            await rig.speaker.drain()
        else:
            flushing = asyncio.ensure_future(rig.speaker.flush())
            await rig.reached(wire.FLUSH)
            await rig.tell(wire.FLUSHED, turn="1", samples=0)
            await flushing
        assert 0 == resamplers()

    def resamplers() -> int:
        gc.collect()
        return sum(isinstance(each, Resampler) for each in gc.get_objects())

    tell(story)


def test_a_stuck_speaker_is_an_error_and_its_worker_is_replaced() -> None:
    """A speaker that never plays fails the turn in bounded time; the next turn is heard."""

    async def story(rig: Rig) -> None:
        rig.speaker.begin()
        await rig.speaker.play(sound(0.3))
        with pytest.raises(WorkerError, match="did not play"):
            await rig.speaker.drain()
        await rig.replaced()
        await rig.plays_anew()

    tell(story)


async def _plays(rig: Rig) -> None:
    await rig.speaker.play(sound(3.0))


async def _drains(rig: Rig) -> None:
    await rig.speaker.play(sound(0.3))
    await rig.speaker.drain()


@pytest.mark.parametrize(
    ("doing", "until"), [(_plays, wire.AUDIO_CHUNK), (_drains, wire.AUDIO_STOP)]
)
def test_a_death_under_a_sounding_turn_is_told_to_it(
    doing: Callable[[Rig], Awaitable[None]], until: str
) -> None:
    """Whether it waits to play or for the end: an error, and the next turn is heard."""

    async def story(rig: Rig) -> None:
        rig.speaker.begin()
        sounding = asyncio.ensure_future(doing(rig))
        await rig.reached(until)
        await rig.tell(wire.PLAYED, turn="1", samples=2400, done=False)
        rig.kill()
        with pytest.raises(WorkerError, match="ended"):
            await sounding
        assert 0.05 == rig.speaker.played_s
        await rig.replaced()
        await rig.plays_anew()

    tell(story)


@pytest.mark.parametrize("then", ["play", "drain"])
def test_a_run_whose_sound_was_lost_does_not_go_on(then: str) -> None:
    """After the worker was replaced the run fails; what was heard of it is still known."""

    async def story(rig: Rig) -> None:
        rig.speaker.begin()
        await rig.speaker.play(sound(0.3))
        await rig.until(lambda: rig.samples == 0.3 * RATE_HZ)
        await rig.tell(wire.PLAYED, turn="1", samples=4800, done=False)
        rig.kill()
        await rig.replaced()
        with pytest.raises(WorkerError, match="ended"):
            await (rig.speaker.play(sound(0.1)) if then == "play" else rig.speaker.drain())
        assert (0.3, 0.1) == (rig.speaker.queued_s, rig.speaker.played_s)
        await rig.plays_anew()
        # The new worker was told nothing of the run that it never had.
        assert ["2"] == [data["turn"] for data in rig.received(wire.AUDIO_STOP)]

    tell(story)


def test_a_death_while_flushing_ends_the_flush() -> None:
    """A dead worker is silent: nobody waits for its word, and its successor is left alone."""

    async def story(rig: Rig) -> None:
        rig.speaker.begin()
        await rig.speaker.play(sound(0.3))
        flushing = asyncio.ensure_future(rig.speaker.flush())
        await rig.reached(wire.FLUSH)
        rig.kill()
        await flushing
        # Over at the death, not when the patience was: its successor is not there yet.
        assert [True, False] == rig.hearing
        await rig.replaced()
        await rig.plays_anew()

    tell(story)


def test_a_flush_after_a_death_that_is_not_known_yet_is_no_error() -> None:
    """The order can't be given to who has just died: gone, and silent with it."""

    async def story(rig: Rig) -> None:
        rig.speaker.begin()
        await rig.speaker.play(sound(0.3))
        rig.kill()
        # The first order after a death is lost without a word; the second one is refused.
        await rig.audio.supervisor.send(Event("tell", {}))
        with pytest.raises(WorkerError):
            await rig.audio.supervisor.send(Event("tell", {}))
        await rig.speaker.flush()
        await rig.replaced()

    tell(story)


@pytest.mark.parametrize("when", ["while it is replaced", "afterwards"])
def test_a_death_while_thinking_costs_nothing(when: str) -> None:
    """Nothing of the run was sent: the next worker plays all of it, and no old error is raised."""

    async def story(rig: Rig) -> None:
        rig.speaker.begin()
        rig.kill()
        await rig.until(lambda: rig.hearing == [True, False])
        if when == "afterwards":
            await rig.replaced()
        await rig.speaker.play(sound(0.3))
        draining = asyncio.ensure_future(rig.speaker.drain())
        await rig.reached(wire.AUDIO_STOP)
        await rig.tell(wire.PLAYED, turn="1", samples=14_400, done=True)
        await draining
        assert (14_400, 0.3) == (rig.samples, rig.speaker.played_s)

    tell(story)


def test_each_run_begins_afresh() -> None:
    """What was told of the run before neither counts for, nor ends, the next one."""

    async def story(rig: Rig) -> None:
        rig.speaker.begin()
        await rig.speaker.play(sound(0.3))
        await rig.tell(wire.PLAYING, turn="1", monotonic_ns=7)
        await rig.tell(wire.PLAYED, turn="1", samples=14_400, done=True)
        await rig.speaker.drain()
        rig.speaker.begin()
        assert (0.0, 0.0, None) == (
            rig.speaker.queued_s,
            rig.speaker.played_s,
            rig.speaker.first_sample_ns,
        )
        await rig.speaker.play(sound(0.3))
        draining = asyncio.ensure_future(rig.speaker.drain())
        await rig.until(lambda: len(rig.received(wire.AUDIO_STOP)) == 2)
        assert not draining.done()
        await rig.tell(wire.PLAYED, turn="2", samples=14_400, done=True)
        await draining

    tell(story)


def test_reports_of_an_earlier_run_are_ignored() -> None:
    """What is told of a run that is over neither starts, counts nor ends this one."""

    async def story(rig: Rig) -> None:
        rig.speaker.begin()
        await rig.speaker.play(sound(0.3))
        rig.speaker.begin()
        await rig.speaker.play(sound(0.3))
        draining = asyncio.ensure_future(rig.speaker.drain())
        await rig.reached(wire.AUDIO_STOP)
        await rig.tell(wire.PLAYING, turn="1", monotonic_ns=7)
        await rig.tell(wire.PLAYED, turn="1", samples=4800, done=True)
        assert (0.0, None) == (rig.speaker.played_s, rig.speaker.first_sample_ns)
        assert not draining.done()
        await rig.tell(wire.PLAYING, turn="2", monotonic_ns=8)
        await rig.tell(wire.PLAYED, turn="2", samples=14_400, done=True)
        await draining
        assert (0.3, 8) == (rig.speaker.played_s, rig.speaker.first_sample_ns)

    tell(story)


def test_a_flush_of_another_turn_counts_no_samples() -> None:
    """What was heard of another run is not taken for what was heard of this one."""

    async def story(rig: Rig) -> None:
        rig.speaker.begin()
        await rig.speaker.play(sound(0.3))
        await rig.tell(wire.PLAYED, turn="1", samples=4800, done=False)
        flushing = asyncio.ensure_future(rig.speaker.flush())
        await rig.reached(wire.FLUSH)
        await rig.tell(wire.FLUSHED, turn="0", samples=14_400)
        await flushing
        assert 0.1 == rig.speaker.played_s

    tell(story)


def test_a_flush_of_no_turn_counts_no_samples() -> None:
    """A flush when nothing sounds leaves what was heard of the last run as it was."""

    async def story(rig: Rig) -> None:
        rig.speaker.begin()
        await rig.plays_anew()
        flushing = asyncio.ensure_future(rig.speaker.flush())
        await rig.reached(wire.FLUSH)
        await rig.tell(wire.FLUSHED, turn=None, samples=14_400)
        await flushing
        assert 0.1 == rig.speaker.played_s

    tell(story)


def test_nothing_is_lost_at_a_change_of_voice() -> None:
    """Two voices of different rates come out whole: the first one's last samples too."""

    async def story(rig: Rig) -> None:
        rig.speaker.begin()
        await rig.speaker.play(sound(0.2, 24_000))
        await rig.speaker.play(sound(0.2, 22_050))
        draining = asyncio.ensure_future(rig.speaker.drain())
        await rig.reached(wire.AUDIO_STOP)
        await rig.tell(wire.PLAYED, turn="1", samples=rig.samples, done=True)
        await draining
        assert abs(0.4 * RATE_HZ - rig.samples) <= 2

    tell(story)


# --- the microphone ---------------------------------------------------------------------------


def endpoint(turn: str, **more: object) -> dict[str, Any]:
    """What a worker tells at the end of half a second of speech and as much silence."""
    return {
        "turn": turn,
        "reason": "silence",
        "start_sample": 16_000,
        "speech_end_sample": 24_000,
        "end_sample": 32_000,
        "monotonic_ns": 10**12,
        **more,
    }


async def listening(rig: Rig, turn: str) -> asyncio.Future[Any]:
    """A hearing that has reached the worker."""
    hearing = asyncio.ensure_future(rig.audio.hear(turn, "press", rig.notes))
    await rig.reached(wire.LISTEN)
    return hearing


def test_what_is_heard_is_the_turns_own() -> None:
    """Audio and endpoints of another turn are neither heard nor an end."""

    async def story(rig: Rig) -> None:
        hearing = await listening(rig, "2")
        await rig.tell(wire.AUDIO_CHUNK, b"other", turn="1")
        await rig.tell(wire.ENDPOINT, **endpoint("1", reason="no-speech"))
        assert not hearing.done()
        await rig.tell(wire.AUDIO_CHUNK, b"own", turn="2")
        await rig.tell(wire.ENDPOINT, **endpoint("2"))
        heard = await hearing
        assert (b"own", 8_000) == (heard.utterance.pcm, heard.utterance.speech_end_sample)
        assert (10**12 - 5 * 10**8, 10**12) == (heard.speech_end_ns, heard.endpoint_ns)
        assert [] == rig.received(wire.STOP_LISTENING)

    tell(story)


@pytest.mark.parametrize(
    "then",
    [
        (wire.ENDPOINT, endpoint("1", reason="too-long")),
        (wire.HEARTBEAT, {"capturing": False, "frames": 5}),
    ],
)
def test_what_comes_with_an_endpoint_does_not_change_it(then: tuple[str, dict[str, Any]]) -> None:
    """Heard is heard, though the turn has had no time yet to look."""

    async def story(rig: Rig) -> None:
        hearing = await listening(rig, "1")
        together = wire.encode(Event(wire.ENDPOINT, endpoint("1"))) + wire.encode(Event(*then))
        await rig.audio.supervisor.send(Event("write", {}, together))
        assert "silence" == (await hearing).reason

    tell(story)


def pause(turn: str) -> dict[str, Any]:
    """What a worker tells of a pause after half a second of speech."""
    return {
        "turn": turn,
        "start_sample": 16_000,
        "speech_end_sample": 24_000,
        "end_sample": 28_000,
        "monotonic_ns": 10**12,
    }


def test_a_pause_brings_what_was_said_before_it() -> None:
    """And what is said after it is told too, in order; the hearing goes on."""

    async def story(rig: Rig) -> None:
        hearing = await listening(rig, "1")
        await rig.tell(wire.AUDIO_CHUNK, b"first", turn="1")
        await rig.tell(wire.SPEECH_PAUSED, **pause("1"))
        await rig.tell(wire.AUDIO_CHUNK, b", then", turn="1")
        await rig.tell(wire.SPEECH_RESUMED, turn="1", sample=30_000)
        expected = [
            SpeechPaused("1", Utterance(b"first", 8_000), 24_000, 28_000),
            b"first, then",
        ]
        assert expected == rig.notes.pauses
        await rig.tell(wire.ENDPOINT, **endpoint("1"))
        assert b"first, then" == (await hearing).utterance.pcm

    tell(story)


def test_no_pause_is_told_of_what_is_not_heard() -> None:
    """Of another turn, or with or after the endpoint, however late the turn looks."""

    async def story(rig: Rig) -> None:
        await rig.tell(wire.SPEECH_PAUSED, **pause("1"))
        hearing = await listening(rig, "2")
        await rig.tell(wire.SPEECH_PAUSED, **pause("1"))
        await rig.tell(wire.SPEECH_RESUMED, turn="1", sample=30_000)
        late = [
            Event(wire.ENDPOINT, endpoint("2")),
            Event(wire.SPEECH_PAUSED, pause("2")),
            Event(wire.SPEECH_RESUMED, {"turn": "2", "sample": 30_000}),
        ]
        await rig.audio.supervisor.send(Event("write", {}, b"".join(map(wire.encode, late))))
        await hearing
        await rig.tell(wire.SPEECH_PAUSED, **pause("2"))
        assert [] == rig.notes.pauses

    tell(story)


def test_what_is_known_of_the_words_reaches_the_worker() -> None:
    """With the pause it is about; not when the hearing is over."""

    async def story(rig: Rig) -> None:
        hearing = await listening(rig, "1")
        await rig.tell(wire.SPEECH_PAUSED, **pause("1"))
        rig.audio.phrase(rig.notes.pauses[0], complete=False)
        await rig.reached(wire.PHRASE)
        expected = [{"turn": "1", "end_sample": 28_000, "complete": False}]
        assert expected == rig.received(wire.PHRASE)
        await rig.tell(wire.ENDPOINT, **endpoint("1"))
        await hearing
        rig.audio.phrase(rig.notes.pauses[0], complete=True)
        await rig.tell(wire.MICROPHONE, device="a microphone")
        assert expected == rig.received(wire.PHRASE)

    tell(story)


def test_silence_is_no_utterance() -> None:
    """Nobody spoke: there is nothing to be sent anywhere."""

    async def story(rig: Rig) -> None:
        hearing = await listening(rig, "1")
        await rig.tell(wire.AUDIO_CHUNK, b"room", turn="1")
        await rig.tell(wire.ENDPOINT, **endpoint("1", reason="no-speech"))
        assert (None, "no-speech") == ((await hearing).utterance, hearing.result().reason)

    tell(story)


def test_the_worker_is_told_how_long_to_wait_for_the_first_word() -> None:
    """Where it is not what the settings say."""

    async def story(rig: Rig) -> None:
        for turn, no_speech_s in (("1", 2.0), ("2", None)):
            hearing = rig.audio.hear(turn, "now", rig.notes, no_speech_s=no_speech_s)
            waiting = asyncio.ensure_future(hearing)
            await rig.until(lambda turn=turn: len(rig.received(wire.LISTEN)) == int(turn))
            await rig.tell(wire.ENDPOINT, **endpoint(turn))
            await waiting
        order = {"turn": "1", "since": "now", "no_speech_s": 2.0}
        assert [order, {"turn": "2", "since": "now"}] == rig.received(wire.LISTEN)

    tell(story)


def test_one_turn_listens_at_a_time() -> None:
    """A second hearing is refused at once, and does not disturb the first."""

    async def story(rig: Rig) -> None:
        hearing = await listening(rig, "1")
        with pytest.raises(WorkerError, match="turn 1 is still listening"):
            await rig.audio.hear("2", "press")
        await rig.tell(wire.ENDPOINT, **endpoint("1"))
        assert "silence" == (await hearing).reason
        assert ["1"] == [data["turn"] for data in rig.received(wire.LISTEN)]
        assert [] == rig.received(wire.STOP_LISTENING)

    tell(story)


@pytest.mark.parametrize(
    "deaf", [{"capturing": False, "frames": 5}, {"capturing": True, "frames": 0}]
)
def test_a_deaf_microphone_is_not_asked(deaf: dict[str, object]) -> None:
    """Without frames a hearing fails at once, and nothing listens when they come back."""

    async def story(rig: Rig) -> None:
        await rig.tell(wire.HEARTBEAT, **deaf)
        with pytest.raises(WorkerError, match="no microphone"):
            await rig.audio.hear("1", "press")
        await rig.tell(wire.HEARTBEAT, **HEARS)
        assert [True, False, True] == rig.hearing
        assert [] == rig.received(wire.LISTEN)

    tell(story)


def test_a_microphone_that_ceases_fails_who_listens() -> None:
    """Nobody waits for the end of what can't be heard any more."""

    async def story(rig: Rig) -> None:
        hearing = await listening(rig, "1")
        await rig.tell(wire.HEARTBEAT, capturing=False, frames=5)
        with pytest.raises(WorkerError, match="microphone is lost"):
            await hearing
        assert 0 == rig.audio.supervisor.replacements

    tell(story)


def test_a_death_while_listening_is_told_and_the_next_turn_hears() -> None:
    """The turn fails at once; the next worker listens for the next one."""

    async def story(rig: Rig) -> None:
        hearing = await listening(rig, "1")
        rig.kill()
        with pytest.raises(WorkerError, match="ended"):
            await hearing
        assert (None, False) == (rig.audio.health.microphone, rig.audio.health.capturing)
        await rig.replaced()
        again = asyncio.ensure_future(rig.audio.hear("2", "press"))
        await rig.until(lambda: len(rig.received(wire.LISTEN)) == 2)
        await rig.tell(wire.ENDPOINT, **endpoint("2"))
        assert "silence" == (await again).reason

    tell(story)


def test_an_endpoint_that_never_comes_is_not_waited_for() -> None:
    """A worker that does not end the longest question is replaced, and the turn fails."""

    async def story(rig: Rig) -> None:
        hearing = await listening(rig, "1")
        with pytest.raises(WorkerError, match="no endpoint"):
            await hearing
        await rig.replaced()

    tell(story, listening={"longest_s": 0.1})


def test_a_listening_that_is_given_up_is_stopped_in_the_worker() -> None:
    """Cancelled: the microphone's process is told to send nothing any more."""

    async def story(rig: Rig) -> None:
        hearing = await listening(rig, "7")
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
        await rig.reached(wire.STOP_LISTENING)
        assert [{"turn": "7"}] == rig.received(wire.STOP_LISTENING)

    tell(story)


# --- the process ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        b"no json\n",
        b"[" * 60_000 + b"\n",
        b"\xff\xfe\n",
        b"[1, 2]\n",
        b"null\n",
        b'{"data": {}}\n',
        b'{"type": "detection"}\n',
        b'{"type": "sena-heartbeat", "data": {"frames": 1}}\n',
        b'{"type": "sena-played", "data": [1]}\n',
        b'{"type": "sena-endpoint", "data": {"turn": "1"}}\n',
        b'{"type": "x", "data_length": 6}\n[1, 2]',
        b'{"type": "x", "payload_length": "6"}\n',
    ],
)
def test_what_is_no_event_replaces_the_worker(line: bytes) -> None:
    """A worker that can't speak is replaced; whoever listens is told, and the brain goes on."""

    async def story(rig: Rig) -> None:
        hearing = await listening(rig, "1")
        await rig.audio.supervisor.send(Event("write", {}, line))
        with pytest.raises(WorkerError):
            await hearing
        await rig.replaced()
        await rig.tell(wire.DETECTION, name="jarvis", engine="scripted", monotonic_ns=3)
        assert [WakeEvent("jarvis", "scripted", 3)] == rig.woken

    tell(story)


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b'{"type": "sena-heart',
        b'{"type": "audio-chunk", "data_length": 100}\n{"turn"',
        b'{"type": "audio-chunk", "payload_length": 1000}\n\x00\x10',
    ],
)
def test_a_worker_that_ends_within_an_event_is_replaced(words: bytes) -> None:
    """Half an event is no event, and no error of the brain's."""

    async def story(rig: Rig) -> None:
        await rig.audio.supervisor.send(Event("last words", {}, words))
        await rig.replaced()

    tell(story)


def test_keys_of_our_environment_are_not_the_workers_business(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What reads untrusted sound has no key to lose; the rest of the environment is there."""
    secrets = [
        "GEMINI_API_KEY",
        "PICOVOICE_ACCESS_KEY",
        "SOME_TOKEN",
        "SOME_SECRET",
        "some_password",
        "GOOGLE_APPLICATION_CREDENTIALS",
    ]
    for name in secrets:
        monkeypatch.setenv(name, "hush")
    monkeypatch.setenv("SENA_TEST_PLAIN", "plain")

    async def story(rig: Rig) -> None:
        environment = rig.audio.health.ready["environment"]
        assert [] == [name for name in secrets if name in environment]
        assert "SENA_TEST_PLAIN" in environment

    tell(story)
