"""What every language model promises (`sena_pi.stages.LanguageModel`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from sena_pi.audio import Utterance
from sena_pi.errors import CloudError
from sena_pi.stages import Cacheability, Exchange, Header, Intent, Question, Response
from tests.contracts.language_models import RIGS, LanguageModelRig
from tests.gemini_server import SERVER

pytestmark = pytest.mark.anyio

QUESTION = Question(utterance=Utterance(pcm=bytes(32_000), speech_end_sample=8_000))
OPENING = Header("how big is the moon", "fr")
"""What stands in front of the words."""
HEADER = replace(
    OPENING, cacheability=Cacheability.EVERGREEN, stands_alone=True, expects_reply=True
)
"""All of it."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=RIGS)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[LanguageModelRig]:
    async with RIGS[request.param]() as rig:
        yield rig


async def words_of(response: Response) -> list[str]:
    return [words async for words in response.deltas()]


async def test_an_answer_is_its_opening_its_words_and_the_rest(rig: LanguageModelRig):
    """Each arrives as it was sent, and the answer is complete."""
    rig.will_answer(HEADER, "A quarter ", "of the earth.")
    async with rig.model.respond(QUESTION) as response:
        assert OPENING == await response.header()
        assert not response.complete
        assert ["A quarter ", "of the earth."] == await words_of(response)
        assert response.complete
        assert HEADER == await response.header()


async def test_the_question_can_be_asked_for_first(rig: LanguageModelRig):
    """Whoever has asked for it gets the rest as well; of the answer it tells nothing."""
    header = replace(HEADER, intent=Intent.HELP)
    rig.will_answer(header, "Yes.")
    async with rig.model.respond(QUESTION) as response:
        assert OPENING == await response.asked()
        assert replace(OPENING, intent=Intent.HELP) == await response.header()
        assert ["Yes."] == await words_of(response)
        assert OPENING == await response.asked()
        assert header == await response.header()


async def test_a_typed_question_is_answered_as_a_spoken_one(rig: LanguageModelRig):
    """Text does instead of sound, and earlier exchanges may come with either."""
    rig.will_answer(HEADER, "Yes.")
    typed = Question(text=HEADER.heard, conversation=[Exchange("hello", "Good day.")])
    async with rig.model.respond(typed) as response:
        assert OPENING == await response.header()
        assert ["Yes."] == await words_of(response)
        assert HEADER == await response.header()


async def test_a_question_of_nothing_is_a_mistake(rig: LanguageModelRig):
    """Neither sound nor text: the caller is wrong."""
    with pytest.raises(ValueError, match="needs"):
        rig.model.respond(Question(text=" "))


async def test_what_the_device_does_itself_needs_no_words(rig: LanguageModelRig):
    """An answer may be an intent alone; it is complete."""
    header = Header("what time is it", intent=Intent.TIME)
    rig.will_answer(header)
    async with rig.model.respond(QUESTION) as response:
        assert header == await response.header()
        assert [] == await words_of(response)
        assert response.complete


async def test_the_header_can_be_asked_for_again(rig: LanguageModelRig):
    """Asking twice gives the same: what stands in front of the words, and all of it after them."""
    rig.will_answer(HEADER, "Yes.", " No.")
    async with rig.model.respond(QUESTION) as response:
        assert OPENING == await response.header() == await response.header()
        words = response.deltas()
        await anext(words)
        assert OPENING == await response.header()
        assert [" No."] == [delta async for delta in words]
        assert HEADER == await response.header() == await response.header()


async def test_words_come_before_the_answer_has_ended(rig: LanguageModelRig):
    """The first words are there while the rest is not."""
    rig.will_answer(HEADER, "One,", " two,", then="hangs")
    async with rig.model.respond(QUESTION) as response:
        await response.header()
        words = response.deltas()
        assert ["One,", " two,"] == [await anext(words), await anext(words)]


async def test_a_refusal_is_a_cloud_error_at_the_header(rig: LanguageModelRig):
    """When no answer will come, waiting for the question or the header says so, each time."""
    rig.will_refuse()
    async with rig.model.respond(QUESTION) as response:
        for _ in range(2):
            with pytest.raises(CloudError):
                await response.asked()
            with pytest.raises(CloudError):
                await response.header()
        assert not response.complete


async def test_a_cut_answer_gives_what_came_and_then_an_error(rig: LanguageModelRig):
    """What came before the cut is good; the answer is not complete, its header safe."""
    rig.will_answer(HEADER, "One,", " two,", then="is cut")
    async with rig.model.respond(QUESTION) as response:
        assert OPENING == await response.header()
        words = response.deltas()
        assert ["One,", " two,"] == [await anext(words), await anext(words)]
        with pytest.raises(CloudError):
            await anext(words)
        assert not response.complete
        assert OPENING == await response.header()


async def test_leaving_the_context_early_ends_the_answer(rig: LanguageModelRig):
    """After the context nothing of the answer is open, whatever was still to come."""
    rig.will_answer(HEADER, "One,", then="hangs")
    async with rig.model.respond(QUESTION) as response:
        await response.header()
        await anext(response.deltas())
    await rig.idle()


async def test_nothing_comes_after_the_context_is_left(rig: LanguageModelRig):
    """A reader that goes on after the context gets an error and does not wait for ever."""
    rig.will_hang()
    async with rig.model.respond(QUESTION) as response:
        pass
    with pytest.raises(CloudError):
        async with asyncio.timeout(10):
            await response.header()


async def test_errors_of_the_consumer_pass_through_unchanged(rig: LanguageModelRig):
    """An error raised inside the context leaves it as it is, and the answer is ended."""
    rig.will_answer(HEADER, "One,", then="hangs")

    async def fail() -> None:
        async with rig.model.respond(QUESTION) as response:
            await response.header()
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await fail()
    await rig.idle()


@pytest.mark.parametrize("waits_for", ["header", "words", "itself"])
async def test_a_cancelled_answer_leaves_nothing_open(rig: LanguageModelRig, waits_for: str):
    """Cancelled while it waits for the header or for words, or while it is busy with them."""
    if waits_for == "header":
        rig.will_hang()
    else:
        rig.will_answer(HEADER, "One,", then="hangs")
    reached = asyncio.Event()

    async def turn() -> None:
        async with rig.model.respond(QUESTION) as response:
            if waits_for == "header":
                reached.set()
            await response.header()
            async for _ in response.deltas():
                reached.set()
                if waits_for == "itself":
                    await asyncio.Event().wait()

    before = asyncio.all_tasks()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(turn())
        await reached.wait()
        task.cancel()
    assert task.cancelled()
    assert [] == [task for task in asyncio.all_tasks() - before if task.get_name() != SERVER]
    await rig.idle()


async def test_two_answers_arrive_at_once_and_do_not_mix(rig: LanguageModelRig):
    """Answers are independent of each other."""
    rig.will_answer(Header("first"), "One.")
    rig.will_answer(Header("second"), "Two.")
    async with rig.model.respond(QUESTION) as first:
        heard_first = (await first.header()).heard
        async with rig.model.respond(QUESTION) as second:
            assert {"first": "One.", "second": "Two."} == {
                heard_first: "".join(await words_of(first)),
                (await second.header()).heard: "".join(await words_of(second)),
            }


async def test_it_has_a_name_for_the_journal(rig: LanguageModelRig):
    """Engine and model."""
    assert "/" in rig.model.name
