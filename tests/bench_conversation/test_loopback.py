"""The loopback cloud, asked by the real client."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sena_pi.audio import Utterance
from sena_pi.bench.conversation.loopback import KEY, Loopback, tone
from sena_pi.bench.conversation.profiles import Steady
from sena_pi.bench.conversation.script import CONVERSATION
from sena_pi.engines.gemini import Gemini, GeminiSettings
from sena_pi.engines.gemini_model import GeminiModel
from sena_pi.engines.gemini_voice import GeminiVoice
from sena_pi.errors import CloudKeyRefused
from sena_pi.stages import Cacheability, Intent, Question

HELLO, PYTHON = CONVERSATION[:2]
QUICK = Steady("quick", 0.01, 10_000, 0.01, 1000)
SLOW = Steady("slow", 0.01, 0.1, 600, 1)
"""Nothing but its first token comes in the time of a test."""
SOUND = Question(Utterance(bytes(3200), 1600))


async def asking(gemini: Gemini) -> tuple[str, str, Intent | None]:
    async with GeminiModel(gemini).respond(SOUND) as response:
        header = await response.header()
        words = "".join([delta async for delta in response.deltas()])
        assert response.complete
        return header.heard, words, header.intent


def with_cloud(story, profile=QUICK, *, key: str = KEY, **options):
    async def told():
        loopback = Loopback(profile, PYTHON, **options)
        async with loopback.serving():
            gemini = Gemini(key, GeminiSettings(base_url=loopback.url))
            try:
                async with asyncio.timeout(20):
                    return await story(loopback, gemini)
            finally:
                await gemini.aclose()

    return asyncio.run(told())


def test_the_turn_that_is_asked_is_answered_word_for_word() -> None:
    """With the header of our prompt; each request is counted."""

    async def story(loopback: Loopback, gemini: Gemini) -> None:
        assert (PYTHON.question, PYTHON.words, None) == await asking(gemini)
        loopback.turn = HELLO
        assert (HELLO.question, "", Intent.GREETING) == await asking(gemini)
        loopback.plain = True
        assert (HELLO.question, HELLO.words, None) == await asking(gemini)
        await gemini.connect()
        counts = loopback.counts
        assert (3, 0, 1) == (counts.questions, counts.speech, counts.others)

    with_cloud(story)


def test_an_answer_may_be_kept_as_the_script_says() -> None:
    """By its header, which is whole behind the words."""

    async def story(_: Loopback, gemini: Gemini) -> None:
        async with GeminiModel(gemini).respond(SOUND) as response:
            assert [delta async for delta in response.deltas()]
            header = await response.header()
        assert (Cacheability.EVERGREEN, True) == (header.cacheability, header.stands_alone)

    with_cloud(story)


@pytest.mark.parametrize(("share", "expected_s"), [(1.0, 4.0), (0.25, 1.0), (0.001, 0.3)])
def test_speech_is_as_long_as_its_text_takes_or_a_share_of_that(
    share: float, expected_s: float
) -> None:
    """Fifteen characters a second; never so short that it can't be heard."""

    async def story(loopback: Loopback, gemini: Gemini) -> None:
        async with GeminiVoice(gemini).synthesize("a" * 60) as chunks:
            seconds = sum([chunk.seconds async for chunk in chunks])
        assert pytest.approx(expected_s) == seconds
        assert 1 == loopback.counts.speech

    with_cloud(story, speech_length=share)


def test_a_tone_is_one_tone_however_it_is_cut() -> None:
    """Its pieces fit, and none is empty."""
    pieces = list(tone(0.25))
    assert [4800, 4800, 2400] == [len(piece) for piece in pieces]
    assert max(abs(a) for a in memoryview(b"".join(pieces)).cast("h")) <= 6000


def test_another_key_is_refused() -> None:
    """As Gemini does."""

    async def story(loopback: Loopback, gemini: Gemini) -> None:
        with pytest.raises(CloudKeyRefused):
            await asking(gemini)
        assert 0 == loopback.counts.questions

    with_cloud(story, key="another-key")


def test_a_client_that_leaves_and_a_server_that_ends_leave_nothing_behind() -> None:
    """Answers are given up in their middle; the next one is served, and all tasks end."""

    async def told() -> None:
        before = asyncio.all_tasks()
        loopback = Loopback(SLOW, PYTHON)
        loopback.plain = True  # the header comes with the first token
        async with loopback.serving():
            gemini = Gemini(KEY, GeminiSettings(base_url=loopback.url))
            for _ in range(2):
                async with asyncio.timeout(20), GeminiModel(gemini).respond(SOUND) as response:
                    assert PYTHON.question == (await response.header()).heard
            assert 2 == loopback.counts.questions
            await gemini.aclose()
        assert before == asyncio.all_tasks()

    asyncio.run(told())


def test_the_package_does_not_know_the_tests() -> None:
    """It is installed without them."""
    package = Path(__file__).parents[2] / "sena_pi" / "bench" / "conversation"
    assert [] == [path.name for path in package.glob("*.py") if "from tests" in path.read_text()]
