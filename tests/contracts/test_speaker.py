"""What every `Speaker` keeps: the stories' one, and the audio worker on simulated sound."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from sena_pi.audio import AudioChunk, AudioFormat
from sena_pi.devices.audio import Audio, AudioListeners
from sena_pi.stages import Speaker
from tests.room import StorySpeaker

CHUNK = AudioChunk(AudioFormat(24_000), b"\x00\x10" * 4_800)
"""0.2 s."""

BOUND_S = 30.0


@dataclass
class Rig:
    """A speaker that plays at its pace."""

    speaker: Speaker


@contextlib.asynccontextmanager
async def story_speaker() -> AsyncIterator[Rig]:
    speaker = StorySpeaker(time.monotonic_ns)
    speaker.hold()

    async def play() -> None:
        while True:
            await asyncio.sleep(0)
            speaker.advance(0.005)

    async with asyncio.TaskGroup() as tasks:
        playing = tasks.create_task(play())
        yield Rig(speaker)
        playing.cancel()


@contextlib.asynccontextmanager
async def worker_speaker() -> AsyncIterator[Rig]:
    audio = Audio({"simulate": {}}, AudioListeners())
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(audio.run())
        async with asyncio.timeout(BOUND_S):
            await audio.speaker.ready.wait()
        yield Rig(audio.speaker)
        running.cancel()


RIGS = [story_speaker, worker_speaker]
Story = Callable[[Speaker], Awaitable[None]]


@pytest.fixture(params=RIGS, ids=lambda rig: rig.__name__)
def tell(request: pytest.FixtureRequest) -> Callable[[Story], None]:
    """Run a story with each speaker."""

    def run(story: Story) -> None:
        async def main() -> None:
            async with request.param() as rig, asyncio.timeout(BOUND_S):
                await story(rig.speaker)

        asyncio.run(main())

    return run


def test_drain_waits_until_all_was_played(tell: Callable[[Story], None]) -> None:
    """After drain, played is what was queued."""

    async def story(speaker: Speaker) -> None:
        speaker.begin()
        for _ in range(4):
            await speaker.play(CHUNK)
        await speaker.drain()
        assert 0.8 == pytest.approx(speaker.queued_s, abs=0.01)
        assert speaker.queued_s == pytest.approx(speaker.played_s, abs=0.01)

    tell(story)


def test_at_most_a_second_waits(tell: Callable[[Story], None]) -> None:
    """However much is played, at most a second of it is ahead of the speaker."""

    async def story(speaker: Speaker) -> None:
        ahead = []
        speaker.begin()
        for _ in range(10):
            await speaker.play(CHUNK)
            ahead.append(speaker.queued_s - speaker.played_s)
        assert 0.5 < max(ahead) <= 1.21
        await speaker.flush()

    tell(story)


def test_the_first_sample_is_told(tell: Callable[[Story], None]) -> None:
    """None before there was any sound, then one moment that does not change."""

    async def story(speaker: Speaker) -> None:
        speaker.begin()
        assert speaker.first_sample_ns is None
        await speaker.play(CHUNK)
        await speaker.drain()
        assert speaker.first_sample_ns is not None
        assert speaker.first_sample_ns <= time.monotonic_ns()

    tell(story)


def test_a_mark_tells_when_what_comes_behind_it_is_heard(tell: Callable[[Story], None]) -> None:
    """One before the first sound, one between two, one that nothing comes behind."""

    async def story(speaker: Speaker) -> None:
        speaker.begin()
        first = speaker.mark()
        await speaker.play(CHUNK)
        second = speaker.mark()
        assert second.passed_ns is None
        await speaker.play(CHUNK)
        last = speaker.mark()
        await speaker.drain()
        assert first.passed_ns == speaker.first_sample_ns is not None
        assert second.passed_ns is not None
        assert first.passed_ns < second.passed_ns < time.monotonic_ns()
        assert last.passed_ns is None

    tell(story)


def test_after_a_flush_sound_is_dropped_until_begun_anew(tell: Callable[[Story], None]) -> None:
    """A task of a flushed turn that has not noticed can't be heard."""

    async def story(speaker: Speaker) -> None:
        speaker.begin()
        for _ in range(4):
            await speaker.play(CHUNK)
        await speaker.flush()
        heard_s = speaker.played_s
        await speaker.play(CHUNK)
        await speaker.drain()
        assert heard_s == pytest.approx(speaker.played_s, abs=0.01)
        speaker.begin()
        await speaker.play(CHUNK)
        await speaker.drain()
        assert 0.2 == pytest.approx(speaker.played_s, abs=0.01)

    tell(story)


def test_a_flush_frees_who_waits(tell: Callable[[Story], None]) -> None:
    """A play or drain that waits for the speaker returns when it is flushed."""

    async def story(speaker: Speaker) -> None:
        async def speak() -> None:
            speaker.begin()
            for _ in range(20):
                await speaker.play(CHUNK)
            await speaker.drain()

        speaking = asyncio.ensure_future(speak())
        while speaker.played_s == 0:
            await asyncio.wait({speaking}, timeout=0.01)
        await speaker.flush()
        await speaking

    tell(story)


def test_nothing_to_drain_returns_at_once(tell: Callable[[Story], None]) -> None:
    """A turn without a sound ends too."""

    async def story(speaker: Speaker) -> None:
        speaker.begin()
        await speaker.drain()
        await speaker.flush()
        assert 0 == speaker.queued_s

    tell(story)
