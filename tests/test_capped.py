"""The day's allowance, between the brain and the cloud."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sena_pi.allowance import Allowance
from sena_pi.audio import AudioChunk, AudioFormat
from sena_pi.capped import CappedModel, CappedVoice
from sena_pi.errors import AllowanceSpent
from sena_pi.stages import Question, Response

SECOND = AudioChunk(AudioFormat(100), bytes(200))


class OneSecondVoice:
    """Every sentence is one second of sound."""

    name = "one second"

    @asynccontextmanager
    async def synthesize(
        self, sentence: str, language: str = "en"
    ) -> AsyncIterator[AsyncIterator[AudioChunk]]:
        async def chunks() -> AsyncIterator[AudioChunk]:
            yield SECOND

        yield chunks()


class CountingModel:
    """Counts how often it was asked."""

    name = "counting"

    def __init__(self) -> None:
        self.asked = 0

    @asynccontextmanager
    async def respond(self, question: Question) -> AsyncIterator[Response]:
        self.asked += 1
        yield None  # type: ignore[misc]


def allowance(tmp_path: Path) -> Allowance:
    return Allowance(
        tmp_path / "allowance.json",
        requests_per_day=2,
        speech_seconds_per_day=2,
        now=lambda: datetime(2026, 11, 23, 12, tzinfo=UTC),
        monotonic=lambda: 0.0,
    )


def test_a_question_beyond_the_cap_is_never_asked(tmp_path: Path) -> None:
    """The third question of a day that allows two does not reach the model."""
    model = CountingModel()
    capped = CappedModel(model, allowance(tmp_path))

    async def ask() -> None:
        async with capped.respond(Question(text="hello")):
            pass

    asyncio.run(ask())
    asyncio.run(ask())
    with pytest.raises(AllowanceSpent, match="today's limit"):
        asyncio.run(ask())
    assert 2 == model.asked


def test_a_voice_beyond_the_cap_rests(tmp_path: Path) -> None:
    """After two seconds of a day that allows two, the next sentence is another voice's."""
    capped = CappedVoice(OneSecondVoice(), allowance(tmp_path))

    async def speak() -> list[AudioChunk]:
        async with capped.synthesize("Hello.") as chunks:
            return [chunk async for chunk in chunks]

    assert [[SECOND], [SECOND]] == [asyncio.run(speak()), asyncio.run(speak())]
    with pytest.raises(AllowanceSpent):
        asyncio.run(speak())
