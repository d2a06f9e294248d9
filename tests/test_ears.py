"""The brain's end of the ears: what is overheard, what is sent anew, and who is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from zlib import crc32

import pytest

from sena_pi.audio import Utterance
from sena_pi.devices.ears import Ears
from sena_pi.errors import WorkerError

pytestmark = pytest.mark.anyio

COUNTING_WORKER = (sys.executable, str(Path(__file__).parent / "scripted_ears_worker.py"))
PCM = bytes(range(256)) * 125
OTHER_PCM = PCM[::-1]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def running(ears: Ears) -> AsyncIterator[Ears]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(ears.run())
        yield ears
        task.cancel()


@asynccontextmanager
async def listening(patience_s: float = 10.0) -> AsyncIterator[Ears]:
    """Ears whose worker counts the utterances and bytes it hears."""
    async with running(Ears(argv=COUNTING_WORKER, patience_s=patience_s)) as ears:
        ears.want()
        async with asyncio.timeout(20):
            await ears.ready.wait()
        yield ears


async def heard_by(ears: Ears, pcm: bytes) -> tuple[int, bool]:
    """How many utterances the worker has heard, and whether the last of them is this one."""
    transcript = await ears.transcribe(Utterance(pcm, 0))
    utterances, length, checksum = map(int, transcript.text.split())
    return utterances, (length, checksum) == (len(pcm), crc32(pcm))


def hand_on(ears: Ears, turn: str, pcm: bytes) -> None:
    ears.begin(turn)
    for start in range(0, len(pcm), 1024):
        ears.feed(turn, pcm[start : start + 1024])


async def test_no_process_runs_before_it_is_wanted():
    """With a cloud that answers, the memory is never spent."""
    async with running(Ears(argv=COUNTING_WORKER)) as ears:
        for _ in range(10):
            await asyncio.sleep(0)
        assert ears.supervisor.pid is None
        assert (1, True) == await heard_by(ears, PCM)
        assert ears.supervisor.pid is not None


async def test_who_is_in_a_hurry_can_wait_for_their_start():
    """Until they hear, or are known never to; not where nobody wants them."""
    async with asyncio.timeout(20):
        async with running(Ears(argv=COUNTING_WORKER)) as ears:
            await ears.started()
            assert not ears.ready.is_set()
            ears.want()
            await ears.started()
            assert ears.ready.is_set()
        async with running(Ears(argv=(sys.executable, "-c", "raise SystemExit(3)"))) as broken:
            broken.want()
            await broken.started()
            assert not broken.ready.is_set()


async def test_what_was_overheard_is_not_sent_again():
    """The worker hears one utterance, once."""
    async with listening() as ears:
        hand_on(ears, "7", PCM)
        assert (1, True) == await heard_by(ears, PCM)


async def test_an_overheard_turn_can_be_finished_by_name():
    """For whoever has no need of the sound itself."""
    async with listening() as ears:
        hand_on(ears, "7", PCM)
        assert f"1 {len(PCM)} {crc32(PCM)}" == (await ears.finish("7")).text


async def test_what_was_overheard_in_part_is_sent_whole():
    """The ears came too late for the beginning, or the turn is another one."""
    async with listening() as ears:
        hand_on(ears, "7", PCM[4096:])
        assert (await heard_by(ears, PCM))[1]


async def test_a_turn_that_is_over_is_forgotten():
    """Its sound is not taken for another's of the same length."""
    async with listening() as ears:
        hand_on(ears, "7", PCM)
        ears.cancel("7")
        with pytest.raises(WorkerError):
            await ears.finish("7")
        assert (await heard_by(ears, OTHER_PCM))[1]


async def test_a_turn_begun_before_the_worker_is_ready_is_sent_whole_later():
    """Overhearing never waits: what it misses is made up for."""
    async with running(Ears(argv=COUNTING_WORKER)) as ears:
        hand_on(ears, "7", PCM)
        assert (1, True) == await heard_by(ears, PCM)


async def test_a_worker_that_hangs_is_replaced():
    """Patience has an end; the next utterance is heard by another process."""
    async with listening(patience_s=0.3) as ears:
        pid = ears.supervisor.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(WorkerError, match="did not answer"):
            await ears.transcribe(Utterance(b"\0\0", 0))
        async with asyncio.timeout(20):
            await ears.ready.wait()
        assert pid != ears.supervisor.pid
        assert (1, True) == await heard_by(ears, PCM)


async def test_ears_that_can_not_start_are_an_error_at_once():
    """Nobody waits for what will not come; the reason is passed on."""
    async with running(Ears(argv=(sys.executable, "-c", "raise SystemExit(3)"))) as ears:
        with pytest.raises(WorkerError, match="status 3"):
            await ears.transcribe(Utterance(PCM, 0))


async def test_what_comes_too_late_for_a_turn_is_dropped():
    """A piece or a cancel of another turn changes nothing."""
    async with listening() as ears:
        hand_on(ears, "7", PCM)
        ears.feed("6", PCM)
        ears.cancel("6")
        assert f"1 {len(PCM)} {crc32(PCM)}" == (await ears.finish("7")).text
