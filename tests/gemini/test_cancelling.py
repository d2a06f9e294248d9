"""A cancelled turn leaves nothing open, whenever it is cancelled."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sena_pi.engines.gemini import Gemini
from sena_pi.engines.gemini_model import GeminiModel
from tests.gemini.asking import ANSWER, SPOKEN, TYPED
from tests.gemini_replies import End, Reply, silence, text_answer
from tests.gemini_server import SERVER, GeminiServer

pytestmark = pytest.mark.anyio


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_cancelled_turn_closes_the_socket_while_its_consumer_is_busy(
    server: GeminiServer, gemini: Gemini
):
    """The server sees the connection close though nobody was reading from it."""
    server.will_answer(text_answer(ANSWER, finish="").after(1, End.SILENCE))
    busy = asyncio.Event()

    async def turn() -> None:
        async with GeminiModel(gemini).respond(TYPED) as response:
            await response.header()
            async for _ in response.deltas():
                busy.set()
                await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(turn())
        await busy.wait()
        task.cancel()
    await server.requests[0].closing()
    await server.deserted()


@pytest.mark.parametrize("reply", [text_answer(ANSWER, finish="").after(1, End.SILENCE), silence()])
@pytest.mark.parametrize("cancels", [1, 2])
async def test_a_turn_can_be_cancelled_at_every_await(
    server: GeminiServer, gemini: Gemini, reply: Reply, cancels: int
):
    """After so many steps of the loop, once or twice: no task, socket or descriptor is left."""
    await gemini.connect()

    async def turn() -> None:
        async with GeminiModel(gemini).respond(SPOKEN) as response:
            await response.header()
            async for _ in response.deltas():
                await asyncio.sleep(0)

    before, descriptors = asyncio.all_tasks(), open_descriptors()
    for steps in range(40):  # the words are there after 15
        server.will_answer(reply)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(turn())
            for _ in range(steps):
                await asyncio.sleep(0)
            for _ in range(cancels):
                task.cancel()
                await asyncio.sleep(0)
        assert task.cancelled()
        assert [] == [task for task in asyncio.all_tasks() - before if task.get_name() != SERVER]
    await gemini.aclose()
    await server.deserted()
    assert open_descriptors() <= descriptors
