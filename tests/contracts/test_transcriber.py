"""What everything that understands speech on the device promises (`stages.Transcriber`)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import pytest

from sena_pi.audio import Utterance
from sena_pi.devices.ears import Ears
from sena_pi.errors import WorkerError
from sena_pi.simulated.transcriber import ScriptedTranscriber
from sena_pi.stages import Transcriber, Transcript
from tests.speech import quiet, say

pytestmark = pytest.mark.anyio

PHRASE, OTHER_PHRASE = "what time is it", "thank you very much"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def spoken(text: str) -> Utterance:
    """Somebody says it in a quiet room."""
    pcm = quiet(0.3) + say(text) + quiet(0.8)
    return Utterance(pcm, len(pcm) // 2)


class Rig(Protocol):
    """A transcriber, and power over what is behind it."""

    transcriber: Transcriber

    async def hesitate(self, *, on: bool) -> None:
        """It gives no transcript while this is on."""

    async def die(self) -> None:
        """What listens dies."""


class ScriptedRig:
    """The scripted ears know the two phrases by heart."""

    def __init__(self) -> None:
        script = {spoken(phrase).pcm: phrase for phrase in (PHRASE, OTHER_PHRASE)}
        self.transcriber = ScriptedTranscriber(script)
        self.hesitate = self.transcriber.hesitate
        self.die = self.transcriber.die


class WorkerRig:
    """The real worker process; it hesitates while it is stopped."""

    def __init__(self, ears: Ears) -> None:
        self.transcriber = ears

    async def hesitate(self, *, on: bool) -> None:
        self._signal(signal.SIGSTOP if on else signal.SIGCONT)

    async def die(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        pid = self.transcriber.supervisor.pid
        assert pid is not None
        os.kill(pid, number)


@asynccontextmanager
async def scripted() -> AsyncIterator[Rig]:
    yield ScriptedRig()


@asynccontextmanager
async def worker() -> AsyncIterator[Rig]:
    ears = Ears()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(ears.run())
        ears.want()
        async with asyncio.timeout(20):
            await ears.ready.wait()
        yield WorkerRig(ears)
        running.cancel()


@pytest.fixture(params=[scripted, worker], ids=lambda rig: rig.__name__)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with request.param() as rig:
        yield rig


async def fails(transcriber: Transcriber, utterance: Utterance) -> bool:
    try:
        await transcriber.transcribe(utterance)
    except WorkerError:
        return True
    return False


async def test_what_is_said_is_heard(rig: Rig):
    """The words, in lower case; one utterance after the other."""
    for phrase in (PHRASE, OTHER_PHRASE):
        assert Transcript(phrase) == await rig.transcriber.transcribe(spoken(phrase))


@pytest.mark.parametrize("text", ["what is the capital of france", "alexa"])
async def test_what_is_not_understood_is_an_empty_text(rig: Rig, text: str):
    """Never a guess, never an error."""
    assert Transcript("") == await rig.transcriber.transcribe(spoken(text))


@pytest.mark.parametrize("pcm", [b"", quiet(2.0), bytes(64_000)])
async def test_silence_is_an_empty_text(rig: Rig, pcm: bytes):
    """No sound at all, a quiet room, and zeros."""
    assert Transcript("") == await rig.transcriber.transcribe(Utterance(pcm, 0))


async def test_a_cancelled_utterance_leaves_nothing_behind(rig: Rig):
    """The next one is understood, and is not answered with the words of the first."""
    await rig.hesitate(on=True)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(rig.transcriber.transcribe(spoken(PHRASE)))
        for _ in range(10):
            await asyncio.sleep(0)
        first.cancel()
    await rig.hesitate(on=False)
    assert Transcript(OTHER_PHRASE) == await rig.transcriber.transcribe(spoken(OTHER_PHRASE))


async def test_a_death_while_listening_is_an_error_and_the_next_one_is_heard(rig: Rig):
    """Whoever waits is told at once; a replacement hears the next utterance."""
    await rig.hesitate(on=True)
    async with asyncio.TaskGroup() as tasks:
        told = tasks.create_task(fails(rig.transcriber, spoken(PHRASE)))
        for _ in range(10):
            await asyncio.sleep(0)
        await rig.die()
    assert told.result()
    assert Transcript(PHRASE) == await rig.transcriber.transcribe(spoken(PHRASE))
