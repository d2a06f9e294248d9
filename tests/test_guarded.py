"""A cloud model and a cloud voice behind their breakers, and the key they are asked with."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sena_pi.audio import Utterance
from sena_pi.breaker import Breaker, State
from sena_pi.credential import GeminiKey
from sena_pi.engines.gemini import Gemini, GeminiSettings
from sena_pi.engines.gemini_model import GeminiModel
from sena_pi.errors import (
    CloudError,
    CloudKeyRefused,
    CloudResting,
    CloudUnreachable,
    SynthesisFailed,
)
from sena_pi.guarded import Guard, GuardedModel, GuardedVoice
from sena_pi.keys import Key, KeyStore, Secret
from sena_pi.overhearing import OverhearsWhileResting
from sena_pi.simulated.cloudless import (
    Ending,
    ScriptedAnswer,
    ScriptedLanguageModel,
    ScriptedSynthesizer,
)
from sena_pi.stages import Header, Question
from tests.gemini_replies import answer_json, text_answer
from tests.gemini_server import GeminiServer

QUESTION = Question(utterance=Utterance(bytes(3200), 1600))
ANSWER = ScriptedAnswer(("Hello.",), Header(heard="q"))
DOWN = ScriptedAnswer(ending=CloudUnreachable("no route"), header_comes=False)
CUT = ScriptedAnswer(("Hello.",), Header(heard="q"), CloudUnreachable("cut"))


async def ask(model: GuardedModel) -> str:
    """The words of an answer."""
    async with model.respond(QUESTION) as response:
        await response.header()
        return "".join([words async for words in response.deltas()])


async def speak(voice: GuardedVoice) -> float:
    """Seconds of sound of a sentence."""
    async with voice.synthesize("Hello there.") as chunks:
        return sum([chunk.seconds async for chunk in chunks])


@pytest.mark.parametrize("answer", [DOWN, CUT])
def test_a_model_that_keeps_failing_is_not_asked(answer: ScriptedAnswer) -> None:
    """Before its answer, or in the middle of it: the fourth question is not asked."""
    cloud = ScriptedLanguageModel([answer] * 3 + [ANSWER])
    model = GuardedModel(cloud, Guard(Breaker("cloud")))

    async def main() -> None:
        for _ in range(3):
            with pytest.raises(CloudUnreachable):
                await ask(model)
        with pytest.raises(CloudResting):
            await ask(model)

    asyncio.run(main())
    assert (3, 0) == (len(cloud.questions), cloud.open_answers)


def test_a_model_that_is_given_up_on_has_failed() -> None:
    """Whoever waits decides how long: its error in the context is the model's failure."""
    breaker = Breaker("cloud")
    cloud = ScriptedLanguageModel([ANSWER] * 3)
    model = GuardedModel(cloud, Guard(breaker))

    async def give_up() -> None:
        with pytest.raises(CloudError):
            async with model.respond(QUESTION):
                raise CloudUnreachable("nobody waits any longer")

    async def main() -> None:
        for _ in range(3):
            await give_up()

    asyncio.run(main())
    assert State.OPEN is breaker.state


def test_a_question_that_is_interrupted_counts_as_nothing() -> None:
    """Three interrupted ones are no outage, and none keeps the next one from being asked."""
    breaker = Breaker("cloud")
    hangs = ScriptedAnswer(ending=Ending.HANGS, header_comes=False)
    model = GuardedModel(ScriptedLanguageModel([hangs] * 3 + [ANSWER]), Guard(breaker))

    async def main() -> None:
        for _ in range(3):
            asking = asyncio.ensure_future(ask(model))
            await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait({asking})
        assert "Hello." == await ask(model)

    asyncio.run(main())
    assert State.CLOSED is breaker.state


@pytest.mark.parametrize("sounds", [True, False])
def test_a_voice_that_keeps_failing_rests(sounds: bool) -> None:  # noqa: FBT001 - a parameter
    """Before its first sound every time: it rests; inside its sentences half of the time, too."""
    breaker = Breaker("cloud")
    cloud = ScriptedSynthesizer({"Hello there.": CloudUnreachable("cut")}, sound_comes=sounds)
    voice = GuardedVoice(cloud, Guard(breaker))

    async def main() -> None:
        for _ in range(5 if sounds else 3):
            assert State.CLOSED is breaker.state
            with pytest.raises(CloudUnreachable):
                await speak(voice)
        with pytest.raises(CloudResting):
            await speak(voice)

    asyncio.run(main())
    assert 0 == cloud.open_sentences


def test_a_sentence_that_a_voice_can_t_speak_is_no_outage() -> None:
    """The voice refused the sentence, not its service."""
    breaker = Breaker("cloud")
    endings = {"Hello there.": SynthesisFailed("refused")}
    voice = GuardedVoice(ScriptedSynthesizer(endings, sound_comes=False), Guard(breaker))

    async def main() -> None:
        for _ in range(6):
            with pytest.raises(SynthesisFailed):
                await speak(voice)

    asyncio.run(main())
    assert State.CLOSED is breaker.state


def test_a_refused_key_is_not_asked_with_until_its_file_changes(tmp_path: Path) -> None:
    """One request with the wrong key, however often one asks; the new key is used by itself."""
    keys = KeyStore(tmp_path)
    keys.save("gemini", "wrong-key")

    async def main() -> None:
        async with GeminiServer() as server:
            gemini = Gemini("wrong-key", GeminiSettings(base_url=server.url))
            credential = GeminiKey(keys, gemini, Key("gemini", Secret("wrong-key"), "a file"))
            model = GuardedModel(GeminiModel(gemini), Guard(Breaker("answers"), credential))
            other = Guard(Breaker("voice"), credential)
            with pytest.raises(CloudKeyRefused):
                await ask(model)
            (await other.attempt()).failed(CloudKeyRefused("401"))
            for _ in range(5):
                with pytest.raises(CloudResting):
                    await ask(model)
            assert 1 == len(server.requests)
            keys.remove("gemini")
            with pytest.raises(CloudResting):
                await ask(model)
            keys.save("gemini", server.key)
            server.will_answer(text_answer(answer_json(say="Paris.")))
            assert "Paris." == await ask(model)
            # Whoever shares the key is told of it, too.
            await other.attempt()
            await gemini.aclose()

    asyncio.run(main())


class Ears:
    """Writes down which turns it was to hear."""

    def __init__(self) -> None:
        self.turns: list[str] = []

    def begin(self, turn: str) -> None:
        self.turns.append(turn)

    def feed(self, turn: str, pcm: bytes) -> None:
        pass

    def cancel(self, turn: str) -> None:
        pass


def test_the_ears_listen_along_only_where_the_cloud_may_not_answer() -> None:
    """Without a cloud always; with one, from the moment that it rests."""
    ears, breaker = Ears(), Breaker("cloud")
    OverhearsWhileResting(ears, None).begin("no cloud")
    overhearer = OverhearsWhileResting(ears, breaker)
    overhearer.begin("works")
    breaker.attempt().failed(CloudKeyRefused("401"))
    overhearer.begin("rests")
    assert ["no cloud", "rests"] == ears.turns
