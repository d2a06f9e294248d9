"""Saying something that nobody asked for, without being in anybody's way."""

from __future__ import annotations

import asyncio
from typing import Protocol

from sena_pi.clips import Clip
from sena_pi.errors import SenaError
from sena_pi.stages import Speaker


class TakesTurns(Protocol):
    """Somebody who takes turns, such as an `Assistant`."""

    async def idle(self) -> None:
        """Wait until no turn is going on and none has been asked for."""

    async def called(self) -> None:
        """Wait until a turn is asked for, from now on."""


async def announce(clip: Clip, speaker: Speaker, assistant: TakesTurns) -> bool:
    """Play a clip when nobody talks to us; True when it was heard to its end.

    A turn that begins meanwhile silences it at once. Without a speaker nothing is heard.
    """
    await assistant.idle()
    async with asyncio.TaskGroup() as tasks:
        saying = tasks.create_task(_say(clip, speaker))
        called = tasks.create_task(assistant.called())
        await asyncio.wait({saying, called}, return_when=asyncio.FIRST_COMPLETED)
        if not saying.done():
            saying.cancel()
            await speaker.flush()
        called.cancel()
    return not saying.cancelled() and saying.result()


async def _say(clip: Clip, speaker: Speaker) -> bool:
    speaker.begin()
    try:
        for chunk in clip.sound:
            await speaker.play(chunk)
        await speaker.drain()
    except SenaError:
        return False
    return bool(clip.sound)
