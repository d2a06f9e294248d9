"""The ring: heard, repeated, quiet for a turn, and over when it is stopped."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sena_pi.audio import AudioChunk
from sena_pi.errors import SynthesisFailed, WorkerError
from sena_pi.simulated.cloudless import ScriptedSynthesizer
from sena_pi.timers.entries import Entry
from sena_pi.timers.ringing import Ringing, SwitchRinger
from sena_pi.timers.sound import SoundRinger, ring_sound
from tests.room import StorySpeaker
from tests.timers.clocks import StoryClocks, until

PASTA = Ringing(Entry.timer(1, 600, "pasta", StoryClocks()()), 0.0, 0.0)
TEA = Ringing(Entry.timer(2, 600, "tea", StoryClocks()()), 0.0, 0.0)


class Kitchen:
    """A ringer, its speaker, and whether a turn is going on."""

    def __init__(self, speak: Callable | None = None, speaker: StorySpeaker | None = None) -> None:
        self.speaker = speaker or StorySpeaker(time.monotonic_ns)
        self.is_idle = asyncio.Event()
        self.is_idle.set()
        self.ringer = SoundRinger(
            self.speaker,
            self._idle,
            speak=speak,
            announcement=lambda one: f"{one.entry.name} is done.",
            pause_s=0.0,
        )

    async def _idle(self) -> None:
        await self.is_idle.wait()

    def somebody_speaks(self) -> None:
        """What the assistant does at a wake word or a press, in its order."""
        self.is_idle.clear()
        self.ringer.turn_began()

    @property
    def seconds_heard(self) -> float:
        return sum(chunk.seconds for chunk in self.speaker.heard)


def tell(story: Callable[[Kitchen], Awaitable[None]], **kitchen: object) -> Kitchen:
    """Run a story; fails if it leaves a task behind."""

    async def main() -> Kitchen:
        it = Kitchen(**kitchen)  # type: ignore[arg-type]
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(it.ringer.run())
            await story(it)
            running.cancel()
        assert {asyncio.current_task()} == asyncio.all_tasks()
        return it

    return asyncio.run(main())


def test_a_ring_begins_softly_is_never_too_loud_and_begins_without_a_click():
    """Its loudest sample is what was asked for; it starts and ends near zero."""
    for level in (0.25, 0.85):
        samples = array("h", ring_sound(level).pcm)
        assert abs(max(map(abs, samples)) - level * 32767) < 2
        assert abs(samples[0]) < 30
        assert max(map(abs, samples[-240:])) < 0.05 * 32767 * level


def test_a_ring_is_repeated_and_grows():
    """Until it is silenced; each round louder than the one before."""

    async def story(kitchen: Kitchen) -> None:
        kitchen.ringer.ring([PASTA])
        one = ring_sound(0.25).seconds
        await until(lambda: kitchen.seconds_heard > 3.5 * one)

    heard = tell(story).speaker.heard
    rounds = len(list(ring_sound(0.25).pieces(0.1)))
    loud = [
        max(max(map(abs, array("h", chunk.pcm))) for chunk in heard[n * rounds : (n + 1) * rounds])
        for n in range(3)
    ]
    assert loud == sorted(set(loud))


def test_what_rings_is_said_once_each():
    """A second one that joins is said, too."""
    voice = ScriptedSynthesizer()

    async def story(kitchen: Kitchen) -> None:
        kitchen.ringer.ring([PASTA])
        await until(lambda: len(voice.sentences) == 1)
        kitchen.ringer.ring([PASTA, TEA])
        await until(lambda: len(voice.sentences) == 2)
        heard = len(kitchen.speaker.heard)
        await until(lambda: len(kitchen.speaker.heard) > heard + 60)

    tell(story, speak=voice.synthesize)
    assert ["pasta is done.", "tea is done."] == voice.sentences


def test_a_turn_silences_the_ring_at_once_and_it_goes_on_afterwards():
    """Flushed before the turn can begin its own sound; then it rings again."""

    async def story(kitchen: Kitchen) -> None:
        kitchen.speaker.hold()
        kitchen.ringer.ring([PASTA])
        await until(lambda: kitchen.speaker.queued_s > 0)
        kitchen.somebody_speaks()
        await asyncio.sleep(0)
        assert 1 == kitchen.speaker.flushes
        kitchen.speaker.begin()
        for _ in range(100):
            await asyncio.sleep(0)
        assert 0 == kitchen.speaker.queued_s, "the ring sounds in the turn's run"
        kitchen.is_idle.set()
        await until(lambda: kitchen.speaker.queued_s > 0)
        kitchen.ringer.silence()

    tell(story)


def test_stopped_while_a_turn_is_taken_it_does_not_ring_again():
    """Somebody says "stop": the turn ends, and all stays quiet."""

    async def story(kitchen: Kitchen) -> None:
        kitchen.ringer.ring([PASTA])
        await until(lambda: bool(kitchen.speaker.heard))
        kitchen.somebody_speaks()
        kitchen.ringer.silence()
        await asyncio.sleep(0)
        heard = len(kitchen.speaker.heard)
        kitchen.is_idle.set()
        for _ in range(100):
            await asyncio.sleep(0)
        assert heard == len(kitchen.speaker.heard)

    tell(story)


def test_due_during_a_turn_it_waits_for_the_end():
    """An answer is not talked into."""

    async def story(kitchen: Kitchen) -> None:
        kitchen.somebody_speaks()
        kitchen.ringer.ring([PASTA])
        for _ in range(100):
            await asyncio.sleep(0)
        assert [] == kitchen.speaker.heard
        kitchen.is_idle.set()
        await until(lambda: bool(kitchen.speaker.heard))

    tell(story)


class BrokenSpeaker(StorySpeaker):
    """A speaker whose worker is being replaced, for the first three rounds."""

    broken = 3

    async def play(self, chunk: AudioChunk) -> None:
        if self.broken:
            self.broken -= 1
            raise WorkerError("there is no speaker")
        await super().play(chunk)


def test_a_speaker_that_comes_back_rings():
    """Each round tries anew."""

    async def story(kitchen: Kitchen) -> None:
        kitchen.ringer.ring([PASTA])
        await until(lambda: bool(kitchen.speaker.heard))

    tell(story, speaker=BrokenSpeaker(time.monotonic_ns))


def test_a_voice_that_fails_leaves_the_ring():
    """It rings without words."""

    @asynccontextmanager
    async def speechless(sentence: str) -> AsyncIterator[AsyncIterator[AudioChunk]]:
        raise SynthesisFailed(sentence)
        yield

    async def story(kitchen: Kitchen) -> None:
        kitchen.ringer.ring([PASTA])
        await until(lambda: kitchen.seconds_heard > 2.5 * ring_sound(0.25).seconds)

    tell(story, speak=speechless)


def test_the_end_of_the_daemon_ends_the_ring():
    """Cancelled in the middle of a sound: flushed, nothing left running."""

    async def story(kitchen: Kitchen) -> None:
        kitchen.speaker.hold()
        kitchen.ringer.ring([PASTA])
        await until(lambda: kitchen.speaker.queued_s > 0)

    assert 1 == tell(story).speaker.flushes


def test_a_light_is_switched_with_the_ring():
    """On for any number of timers, off with silence."""
    states: list[bool] = []

    def switch(*, on: bool) -> None:
        states.append(on)

    light = SwitchRinger(switch)
    light.ring([PASTA])
    light.ring([PASTA, TEA])
    light.silence()
    assert [True, True, False] == states
