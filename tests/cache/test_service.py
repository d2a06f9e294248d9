"""The cache beside the turns: what is recalled, kept, and not waited for."""

from __future__ import annotations

import asyncio
import threading
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sena_pi.audio import AudioChunk, AudioFormat
from sena_pi.cache.card import CardSettings
from sena_pi.cache.entries import Stored
from sena_pi.cache.keys import AnswerKey, SpeechKey
from sena_pi.cache.responses import CacheSettings, ResponseCache
from sena_pi.cache.service import CacheService, Spoken
from sena_pi.cache.store import StoreSettings, Tier
from sena_pi.cache.voice import CachedVoice
from sena_pi.engines import opus
from sena_pi.errors import SynthesisFailed
from sena_pi.simulated.cloudless import ScriptedSynthesizer
from sena_pi.stages import (
    Cacheability,
    EndedTurn,
    Exchange,
    Header,
    Intent,
    Known,
    Synthesizer,
)
from sena_pi.voice_ladder import VoiceLadder
from sena_pi.voice_race import Race

NOON = 1_790_000_000.0
MODEL = "scripted/answers"
FORMAT = AudioFormat(rate_hz=24_000)
FRANCE = Header(
    heard="What is the capital of France?",
    cacheability=Cacheability.EVERGREEN,
    stands_alone=True,
)
SETTINGS = CacheSettings(StoreSettings(CardSettings(4 << 20, segment_bytes=64 << 10)))
TURN = EndedTurn(FRANCE, (), ("Paris.", "It is big."), MODEL, None, whole=True, first_audio_ms=1800)
SAID = (Exchange("how are you", "Fine."),)


def pcm(seconds: float) -> bytes:
    return array("h", (8000 * (n // 50 % 2) for n in range(int(seconds * 24_000)))).tobytes()


class SlowCache(ResponseCache):
    """A cache whose card hangs while it is told to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, SETTINGS, now=lambda: NOON)
        self.answers = threading.Event()
        self.answers.set()
        self.looked_up = 0

    def look_up(
        self, *keys: AnswerKey | SpeechKey
    ) -> tuple[AnswerKey | SpeechKey, Stored, Tier] | None:
        self.looked_up += 1
        self.answers.wait(20)
        return super().look_up(*keys)


class Shelf:
    """A running service and its cache."""

    def __init__(self, folder: Path, patience_s: float) -> None:
        self.cache = SlowCache(folder)
        self.service = CacheService(
            lambda: self.cache,
            model=MODEL,
            encode=opus.encode,
            wake_words=["hey sena"],
            patience_s=patience_s,
            now=lambda: NOON,
        )

    async def recalled(self, heard: str, said: tuple[Exchange, ...] = ()) -> Known | None:
        return await self.service.recall(Header(heard=heard), said)

    async def kept(self, turn: EndedTurn) -> None:
        self.service.turn_ended(turn)
        await self.service.settled()


def tell(
    folder: Path, story: Callable[[Shelf], Awaitable[None]], *, patience_s: float = 20.0
) -> None:
    """Run a story with a cache that is open; nobody is impatient, unless told to be."""

    @asynccontextmanager
    async def running() -> AsyncIterator[Shelf]:
        shelf = Shelf(folder / "cache", patience_s)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(shelf.service.run())
            await shelf.service.ready.wait()
            try:
                yield shelf
            finally:
                shelf.cache.answers.set()
                task.cancel()
                await shelf.service.aclose()

    async def main() -> None:
        async with running() as shelf:
            await story(shelf)

    asyncio.run(main())


def test_what_was_answered_is_recalled_however_it_is_asked(tmp_path: Path) -> None:
    """Sentence by sentence, with what it took then."""

    async def story(shelf: Shelf) -> None:
        await shelf.kept(TURN)
        known = await shelf.recalled("hey sena, what's the capital of France")
        assert Known(("Paris.", "It is big."), "en", MODEL, "memory", 1800.0) == known
        assert known == await shelf.recalled("what is the capital of france?", SAID)

    tell(tmp_path, story)


def test_what_needs_its_conversation_is_recalled_in_the_same_one_only(tmp_path: Path) -> None:
    """The same words after other words are another question."""

    async def story(shelf: Shelf) -> None:
        await shelf.kept(replace(TURN, header=replace(FRANCE, heard="how old is he")))
        assert await shelf.recalled("how old is he") is not None
        assert await shelf.recalled("how old is he", SAID) is None

    tell(tmp_path, story)


@pytest.mark.parametrize(
    "turn",
    [
        replace(TURN, whole=False),
        replace(TURN, header=replace(FRANCE, cacheability=Cacheability.NEVER)),
        replace(TURN, header=replace(FRANCE, intent=Intent.TIME)),
        replace(TURN, header=replace(FRANCE, heard="what is the weather in paris")),
        replace(TURN, model="rules"),
        replace(TURN, model="", sentences=("I can't reach the internet right now.",)),
        replace(TURN, sentences=("I'm sorry, I can't do that.",)),
    ],
)
def test_what_may_not_be_kept_is_not(tmp_path: Path, turn: EndedTurn) -> None:
    """Neither its words nor its sound."""

    async def story(shelf: Shelf) -> None:
        shelf.service.spoke(Spoken(SpeechKey("Paris.", "en", "v"), FORMAT, pcm(0.2)))
        await shelf.kept(turn)
        assert await shelf.recalled(turn.header.heard) is None
        assert [] == list(shelf.cache.entries())

    tell(tmp_path, story)


def test_time_saved_is_what_the_same_answer_took_before_less_what_it_took_now(
    tmp_path: Path,
) -> None:
    """Measured on this device, never a constant."""

    async def story(shelf: Shelf) -> None:
        await shelf.kept(TURN)
        known = await shelf.recalled(FRANCE.heard)
        await shelf.kept(replace(TURN, known=known, first_audio_ms=300.0))
        assert 1500.0 == shelf.cache.stats()["total"]["saved_ms"]

    tell(tmp_path, story)


def test_a_wrong_answer_is_forgotten(tmp_path: Path) -> None:
    """The last one that was given, new or remembered; and once."""

    async def story(shelf: Shelf) -> None:
        await shelf.kept(TURN)
        assert await shelf.service.forget_last()
        assert await shelf.recalled(FRANCE.heard) is None
        assert not await shelf.service.forget_last()
        await shelf.kept(TURN)
        await shelf.recalled(FRANCE.heard)
        assert await shelf.service.forget_last()
        assert [] == list(shelf.cache.entries())

    tell(tmp_path, story)


def test_a_card_that_hangs_is_waited_for_once(tmp_path: Path) -> None:
    """And not at every question; when it answers again it is asked again."""

    async def story(shelf: Shelf) -> None:
        await shelf.kept(TURN)
        shelf.cache.answers.clear()
        assert await shelf.recalled(FRANCE.heard) is None
        assert await shelf.recalled(FRANCE.heard) is None
        assert 1 == shelf.cache.looked_up
        assert {"slow": 2} == shelf.cache.stats()["total"]["bypasses"]
        shelf.cache.answers.set()
        assert shelf.service._hanging is not None
        await asyncio.wrap_future(shelf.service._hanging)
        assert await shelf.recalled(FRANCE.heard) is not None

    tell(tmp_path, story, patience_s=1.0)


def test_a_cache_that_is_not_open_yet_knows_nothing(tmp_path: Path) -> None:
    """Nobody waits for it, and what is said meanwhile is not an error."""

    async def main() -> None:
        service = CacheService(lambda: SlowCache(tmp_path), model=MODEL, encode=opus.encode)
        assert await service.recall(FRANCE, ()) is None
        service.turn_ended(TURN)
        assert not await service.forget_last()
        service.tell()
        await service.aclose()

    asyncio.run(main())


# --- the voices -------------------------------------------------------------------------------


async def spoken(voice: Synthesizer, sentence: str) -> list[AudioChunk]:
    async with voice.synthesize(sentence) as chunks:
        return [chunk async for chunk in chunks]


def test_a_sentence_is_spoken_by_the_voice_once(tmp_path: Path) -> None:
    """Then it comes from the cache, as long as it was and in the same format."""

    async def story(shelf: Shelf) -> None:
        voice = ScriptedSynthesizer()
        cached = CachedVoice(voice, shelf.service, opus.decode)
        first = await spoken(cached, "It is big.")
        await shelf.kept(TURN)
        again = await spoken(cached, "It is big.")
        assert ["It is big."] == voice.sentences
        assert voice.name == cached.name
        assert sum(one.samples for one in first) == sum(one.samples for one in again)
        assert {one.format for one in first} == {one.format for one in again}

    tell(tmp_path, story)


def test_a_sentence_from_the_cache_is_not_raced(tmp_path: Path) -> None:
    """It is there before the local voice's time comes, also while the cloud's voice is silent."""

    async def story(shelf: Shelf) -> None:
        cloud, local = ScriptedSynthesizer(name="cloud/tone"), ScriptedSynthesizer()
        cached = CachedVoice(cloud, shelf.service, opus.decode)
        first = await spoken(cached, "It is big.")
        await shelf.kept(TURN)
        cloud.gates["It is big."] = asyncio.Event()
        ladder = VoiceLadder([cached, local], Race(patience_s=10))
        again = await spoken(ladder, "It is big.")
        assert sum(one.samples for one in first) == sum(one.samples for one in again)
        assert (["It is big."], []) == (cloud.sentences, local.sentences)

    tell(tmp_path, story)


def test_a_sentence_of_a_turn_that_did_not_end_well_is_not_kept(tmp_path: Path) -> None:
    """It was whole, and yet nobody knows whether it was wanted."""

    async def story(shelf: Shelf) -> None:
        voice = ScriptedSynthesizer()
        cached = CachedVoice(voice, shelf.service, opus.decode)
        await spoken(cached, "It is big.")
        await shelf.kept(replace(TURN, whole=False))
        await spoken(cached, "It is big.")
        assert 2 == len(voice.sentences)

    tell(tmp_path, story)


def test_a_sentence_that_broke_off_is_not_kept(tmp_path: Path) -> None:
    """Only the voice's own end is an end."""

    async def story(shelf: Shelf) -> None:
        voice = ScriptedSynthesizer({"It is big.": SynthesisFailed("dead")})
        cached = CachedVoice(voice, shelf.service, opus.decode)
        with pytest.raises(SynthesisFailed):
            await spoken(cached, "It is big.")
        await shelf.kept(TURN)
        assert ["StoredAnswer"] == [type(one.entry).__name__ for one in shelf.cache.entries()]

    tell(tmp_path, story)


def test_damaged_sound_is_spoken_anew(tmp_path: Path) -> None:
    """Before its first sound it is known to be damaged, and nobody notices."""

    async def story(shelf: Shelf) -> None:
        voice = ScriptedSynthesizer()
        await spoken(CachedVoice(voice, shelf.service, opus.decode), "It is big.")
        await shelf.kept(TURN)

        def damaged(_: bytes) -> Iterator[AudioChunk]:
            raise ValueError("damaged")

        assert await spoken(CachedVoice(voice, shelf.service, damaged), "It is big.")
        assert 2 == len(voice.sentences)

    tell(tmp_path, story)


def test_sound_that_breaks_off_fails_as_a_voice_does(tmp_path: Path) -> None:
    """The turn goes on with its next sentence."""

    async def story(shelf: Shelf) -> None:
        voice = ScriptedSynthesizer()
        await spoken(CachedVoice(voice, shelf.service, opus.decode), "It is big.")
        await shelf.kept(TURN)

        def breaks_off(data: bytes) -> Iterator[AudioChunk]:
            yield next(opus.decode(data))
            raise ValueError("damaged")

        with pytest.raises(SynthesisFailed):
            await spoken(CachedVoice(voice, shelf.service, breaks_off), "It is big.")

    tell(tmp_path, story)
