"""Who speaks when a voice fails."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable

import pytest

from sena_pi.audio import AudioChunk, AudioFormat
from sena_pi.errors import (
    AllowanceSpent,
    CloudBusy,
    CloudUnreachable,
    EngineUnavailable,
    SynthesisFailed,
    WorkerError,
)
from sena_pi.stages import Synthesizer
from sena_pi.voice_ladder import TurnVoice, VoiceLadder

FORMAT = AudioFormat(16_000)


class Voice:
    """A voice that says each sentence as its script tells: two chunks, where nothing is told.

    A script item is a number of chunks to give, or an error to raise instead of going on.
    """

    def __init__(
        self, name: str, *scripts: Iterable[int | Exception], broken: Exception | None = None
    ) -> None:
        self.name = name
        self.scripts = list(scripts)
        self.broken = broken
        self.sentences: list[str] = []
        self.open = 0

    @contextlib.asynccontextmanager
    async def synthesize(
        self, sentence: str, language: str = "en"
    ) -> AsyncIterator[AsyncIterator[AudioChunk]]:
        if self.broken:
            raise self.broken
        self.sentences.append(sentence)
        script = self.scripts.pop(0) if self.scripts else [2]
        self.open += 1
        try:
            yield self.speak(sentence, script)
        finally:
            self.open -= 1

    async def speak(
        self, sentence: str, script: Iterable[int | Exception]
    ) -> AsyncIterator[AudioChunk]:
        for item in script:
            # Some turns of the loop for a chunk, fewer for an error.
            for _ in range(1 if isinstance(item, Exception) else 5):
                await asyncio.sleep(0)
            if isinstance(item, Exception):
                raise item
            for _ in range(item):
                yield AudioChunk(FORMAT, f"{self.name}:{sentence};".ljust(16).encode())


async def heard(voice: Synthesizer | TurnVoice, sentence: str) -> list[str]:
    """Which voice said what, chunk by chunk."""
    async with voice.synthesize(sentence) as chunks:
        return [chunk.pcm.decode().strip("; ") async for chunk in chunks]


async def turn(voice: TurnVoice, *sentences: str) -> list[list[str]]:
    return [await heard(voice, sentence) for sentence in sentences]


def test_the_first_rung_speaks_when_it_can() -> None:
    """Lower rungs are not even asked."""
    cloud, piper = Voice("cloud"), Voice("piper")
    voice = VoiceLadder([cloud, piper]).for_turn()
    assert [["cloud:a"] * 2, ["cloud:b"] * 2] == asyncio.run(turn(voice, "a", "b"))
    assert ("cloud",) == voice.spoken_by
    assert voice.whole
    assert [] == piper.sentences


@pytest.mark.parametrize(
    "error",
    [
        SynthesisFailed("x"),
        CloudUnreachable("x"),
        CloudBusy("x", 3),
        EngineUnavailable("x"),
        WorkerError("x"),
        AllowanceSpent("x"),
    ],
)
@pytest.mark.parametrize("when", ["entering", "first chunk"])
def test_a_failure_before_the_first_sound_hands_the_sentence_down(
    error: Exception, when: str
) -> None:
    """The same sentence is spoken by the next rung, whole."""
    cloud = Voice("cloud", broken=error) if when == "entering" else Voice("cloud", [error])
    voice = VoiceLadder([cloud, Voice("piper")]).for_turn()
    assert [["piper:a"] * 2] == asyncio.run(turn(voice, "a"))
    assert ("piper",) == voice.spoken_by
    assert voice.whole
    assert 0 == cloud.open


def test_the_voice_never_changes_inside_a_sentence() -> None:
    """A sentence that broke off ends there; the next rung speaks from the next sentence."""
    cloud = Voice("cloud", [2], [1, CloudUnreachable("cut")])
    voice = VoiceLadder([cloud, Voice("piper")]).for_turn()
    expected = [["cloud:a"] * 2, ["cloud:b"], ["piper:c"] * 2]
    assert expected == asyncio.run(turn(voice, "a", "b", "c"))
    assert ("cloud", "piper") == voice.spoken_by
    assert not voice.whole


def test_alone_a_sentence_that_broke_off_is_an_error() -> None:
    """Without a turn to go on with, the caller is told."""
    voice = VoiceLadder([Voice("cloud", [1, CloudUnreachable("cut")]), Voice("piper")])
    with pytest.raises(CloudUnreachable, match="cut"):
        asyncio.run(heard(voice, "a"))


def test_a_turn_stays_on_the_lower_rung_and_the_next_turn_starts_at_the_top() -> None:
    """The voice does not flap."""
    cloud = Voice("cloud", [SynthesisFailed("once")])
    ladder = VoiceLadder([cloud, Voice("piper")])
    first, second = ladder.for_turn(), ladder.for_turn()
    assert [["piper:a"] * 2, ["piper:b"] * 2] == asyncio.run(turn(first, "a", "b"))
    assert [["cloud:c"] * 2] == asyncio.run(turn(second, "c"))
    assert "cloud, else piper" == ladder.name
    assert "piper" == first.name


def test_a_sentence_started_ahead_follows_the_turn_down() -> None:
    """What the failed voice has ready for the next sentence is not played after the other's."""

    async def both() -> list[str]:
        async with (
            voice.synthesize("a") as first,
            voice.synthesize("b") as second,
        ):
            return [chunk.pcm.decode().strip("; ") for s in (first, second) async for chunk in s]

    cloud = Voice("cloud", [SynthesisFailed("a only")])
    voice = VoiceLadder([cloud, Voice("piper")]).for_turn()
    assert ["piper:a"] * 2 + ["piper:b"] * 2 == asyncio.run(both())
    assert ["a", "b"] == cloud.sentences
    assert 0 == cloud.open


@pytest.mark.parametrize("script", [[], [0]])
def test_a_voice_that_gives_no_sound_has_failed(script: list[int]) -> None:
    """Silence is no answer."""
    voice = VoiceLadder([Voice("mute", script), Voice("piper")])
    assert ["piper:a"] * 2 == asyncio.run(heard(voice, "a"))


def test_when_nobody_can_speak_every_reason_is_named() -> None:
    """The journal's reader learns what to mend."""
    voice = VoiceLadder(
        [
            Voice("cloud", [CloudUnreachable("no network")]),
            Voice("piper", broken=WorkerError("dead")),
        ]
    ).for_turn()
    message = "no voice could speak: cloud: no network; piper: dead"
    with pytest.raises(SynthesisFailed, match=message):
        asyncio.run(turn(voice, "a"))
    with pytest.raises(SynthesisFailed, match=message):
        asyncio.run(turn(voice, "b"))


def test_sound_that_comes_after_the_turn_went_down_is_dropped() -> None:
    """Two sentences wait for their first sound; one fails, so the other's comes too late."""

    async def both() -> list[list[str]]:
        return await asyncio.gather(heard(voice, "a"), heard(voice, "b"))

    cloud = Voice("cloud", [SynthesisFailed("a only")])
    voice = VoiceLadder([cloud, Voice("piper")]).for_turn()
    assert [["piper:a"] * 2, ["piper:b"] * 2] == asyncio.run(both())
    assert ("piper",) == voice.spoken_by


def test_each_failure_is_logged_once_without_the_words(caplog: pytest.LogCaptureFixture) -> None:
    """One line for a voice that is gone, though two sentences met it; nothing of what was said."""

    async def both() -> None:
        await asyncio.gather(heard(voice, "secret one"), heard(voice, "secret two"))

    gone = WorkerError("gone")
    voice = VoiceLadder([Voice("cloud", [gone], [gone]), Voice("piper")]).for_turn()
    with caplog.at_level(logging.INFO):
        asyncio.run(both())
    assert ["voice failed before a sentence: cloud: gone"] == caplog.messages


def test_leaving_early_stops_the_voice_that_speaks() -> None:
    """Cancelled in the middle: the rung's own context is left before the cancel goes on."""

    async def leave() -> int:
        task = asyncio.current_task()
        assert task is not None
        try:
            async with voice.synthesize("a") as chunks:
                await anext(chunks)
                assert 1 == cloud.open
                task.cancel()
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            return cloud.open
        raise AssertionError("it was not cancelled")

    cloud = Voice("cloud", [50])
    voice = VoiceLadder([cloud])
    assert 0 == asyncio.run(leave())


def test_nothing_comes_after_a_sentence_was_left() -> None:
    """Who goes on reading is told."""

    async def late() -> None:
        async with voice.synthesize("a") as chunks:
            pass
        await anext(chunks)

    voice = VoiceLadder([Voice("cloud")])
    with pytest.raises(SynthesisFailed, match="was left"):
        asyncio.run(late())


def test_a_sentence_needs_words() -> None:
    """An empty sentence is a mistake of the caller's."""
    with pytest.raises(ValueError, match="words"):
        VoiceLadder([Voice("cloud")]).for_turn().synthesize(" ")


def test_a_ladder_needs_a_rung() -> None:
    """An empty ladder is a mistake of the caller's."""
    with pytest.raises(ValueError, match="needs a rung"):
        VoiceLadder([])
