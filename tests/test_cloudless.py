"""The scripted model and voice, beyond what their contracts say."""

from __future__ import annotations

import pytest

from sena_pi.errors import CloudFailed
from sena_pi.simulated.cloudless import (
    CHARACTERS_PER_S,
    ScriptedAnswer,
    ScriptedLanguageModel,
    ScriptedSynthesizer,
    tone,
)
from sena_pi.stages import Question

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_what_is_not_scripted_fails():
    """A test that asks more than it scripted learns so."""
    model = ScriptedLanguageModel()
    async with model.respond(Question(text="hello")) as response:
        with pytest.raises(CloudFailed, match="scripted"):
            await response.header()


async def test_it_can_answer_by_a_rule():
    """Without a script for each question, a function answers; all questions are kept."""
    model = ScriptedLanguageModel(
        otherwise=lambda question: ScriptedAnswer((question.text.upper(),))
    )
    question = Question(text="hello")
    async with model.respond(question) as response:
        assert ["HELLO"] == [words async for words in response.deltas()]
    assert [question] == model.questions


async def test_a_longer_sentence_sounds_longer():
    """The tone is as long as the sentence would take."""
    voice, sentence = ScriptedSynthesizer(), "x" * round(2 * CHARACTERS_PER_S)
    async with voice.synthesize(sentence) as speech:
        assert [0.2] * 10 == [chunk.seconds async for chunk in speech]
    assert [sentence] == voice.sentences


def test_a_tone_is_not_silence():
    """So that a speaker that plays nothing is found out."""
    assert max(tone(0.1).pcm) > 0
