"""What every voice promises (`sena_pi.stages.Synthesizer`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from sena_pi.audio import AudioChunk
from sena_pi.errors import CloudError, SynthesisFailed
from tests.contracts.synthesizers import RIGS, SynthesizerRig
from tests.gemini_server import SERVER

pytestmark = pytest.mark.anyio

SENTENCE = "Paris is the capital of France."


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=RIGS)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[SynthesizerRig]:
    async with RIGS[request.param]() as rig:
        yield rig


async def all_of(speech: AsyncIterator[AudioChunk]) -> list[AudioChunk]:
    return [chunk async for chunk in speech]


async def test_a_sentence_sounds_in_whole_samples_of_one_format(rig: SynthesizerRig):
    """The chunks hold sound, in whole samples, all in the voice's format."""
    rig.will_speak(SENTENCE)
    async with rig.voice.synthesize(SENTENCE) as speech:
        chunks = await all_of(speech)
    assert {rig.format} == {chunk.format for chunk in chunks}
    assert all(len(chunk.pcm) % chunk.format.frame_bytes == 0 for chunk in chunks)
    assert any(any(chunk.pcm) for chunk in chunks)
    assert sum(chunk.seconds for chunk in chunks) > 0.2


async def test_sound_comes_before_the_sentence_has_ended(rig: SynthesizerRig):
    """The first chunk is there while the rest is not."""
    rig.will_speak(SENTENCE, then="hangs")
    async with rig.voice.synthesize(SENTENCE) as speech:
        assert (await anext(speech)).samples > 0
    await rig.idle()


async def test_a_sentence_that_can_not_be_spoken_is_an_error(rig: SynthesizerRig):
    """No sound is an error and never an empty success."""
    rig.will_fail(SENTENCE)
    async with rig.voice.synthesize(SENTENCE) as speech:
        with pytest.raises((SynthesisFailed, CloudError)):
            await anext(speech)


async def test_a_sentence_that_breaks_off_is_an_error_after_its_sound(rig: SynthesizerRig):
    """What came is given, and then the caller learns that it was not all."""
    rig.will_speak(SENTENCE, then="fails")
    async with rig.voice.synthesize(SENTENCE) as speech:
        assert (await anext(speech)).samples > 0
        with pytest.raises((SynthesisFailed, CloudError)):
            await all_of(speech)


async def test_a_sentence_of_nothing_is_a_mistake(rig: SynthesizerRig):
    """Without words the caller is wrong."""
    with pytest.raises(ValueError, match="words"):
        rig.voice.synthesize("  ")


async def test_nothing_comes_after_the_context_is_left(rig: SynthesizerRig):
    """A reader that goes on after the context gets an error and does not wait for ever."""
    rig.will_speak(SENTENCE, then="hangs")
    async with rig.voice.synthesize(SENTENCE) as speech:
        pass
    async with asyncio.timeout(10):
        with pytest.raises((SynthesisFailed, CloudError)):
            await anext(speech)


@pytest.mark.parametrize("busy_with", ["nothing", "sound"])
async def test_a_cancelled_sentence_leaves_nothing_open(rig: SynthesizerRig, busy_with: str):
    """Cancelled while it waits for sound, or while it is busy with some."""
    rig.will_speak(SENTENCE, then="hangs")
    reached = asyncio.Event()

    async def speak() -> None:
        async with rig.voice.synthesize(SENTENCE) as speech:
            async for _ in speech:
                reached.set()
                if busy_with == "sound":
                    await asyncio.Event().wait()

    before = asyncio.all_tasks()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(speak())
        await reached.wait()
        task.cancel()
    assert task.cancelled()
    assert [] == [task for task in asyncio.all_tasks() - before if task.get_name() != SERVER]
    await rig.idle()


async def test_it_has_a_name_for_the_journal(rig: SynthesizerRig):
    """Engine and voice."""
    assert "/" in rig.voice.name
