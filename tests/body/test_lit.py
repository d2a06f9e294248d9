"""No sound leaves the device while its light can't be lit."""

from __future__ import annotations

import asyncio

import pytest

from sena_pi.audio import Utterance
from sena_pi.body.lit import LitModel
from sena_pi.errors import LightOut
from sena_pi.reasons import Reason, reason_for
from sena_pi.simulated.cloudless import ScriptedAnswer, ScriptedLanguageModel
from sena_pi.stages import Question

SOUND = Question(Utterance(bytes(320), 160))
TEXT = Question(text="what is the capital of france")


async def asked(model: LitModel, question: Question) -> str:
    async with model.respond(question) as response:
        return "".join([delta async for delta in response.deltas()])


def test_a_light_that_is_lit_lets_sound_through() -> None:
    """And the model is what it was."""
    cloud = ScriptedLanguageModel([ScriptedAnswer(words=("Paris.",))])
    model = LitModel(cloud, lambda: True)
    assert "Paris." == asyncio.run(asked(model, SOUND))
    assert cloud.name == model.name


def test_a_light_that_is_out_keeps_sound_here() -> None:
    """The cloud is not even asked; the person hears why."""
    cloud = ScriptedLanguageModel([ScriptedAnswer(words=("Paris.",))])
    with pytest.raises(LightOut) as raised:
        asyncio.run(asked(LitModel(cloud, lambda: False), SOUND))
    assert [] == cloud.questions
    assert Reason.LIGHT is reason_for(raised.value)


def test_what_is_typed_may_go() -> None:
    """Nobody was overheard."""
    cloud = ScriptedLanguageModel([ScriptedAnswer(words=("Paris.",))])
    assert "Paris." == asyncio.run(asked(LitModel(cloud, lambda: False), TEXT))


def test_each_question_asks_the_light_anew() -> None:
    """A ring that is back is trusted again."""
    lit = [False, True]
    cloud = ScriptedLanguageModel([ScriptedAnswer(words=("Paris.",))])
    model = LitModel(cloud, lambda: lit.pop(0))
    with pytest.raises(LightOut):
        asyncio.run(asked(model, SOUND))
    assert "Paris." == asyncio.run(asked(model, SOUND))
