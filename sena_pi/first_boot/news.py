"""What came of the file on the card, as the assistant shows and says it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

from sena_pi.announce import TakesTurns, announce
from sena_pi.clips import Clip
from sena_pi.first_boot.status import Status
from sena_pi.stages import Speaker

AGAIN_S: Final = 15.0
"""When it could not be said: the clips may not be spoken yet, or there is no speaker."""

_log = logging.getLogger(__name__)


class AttentionLight(Protocol):
    """A light that can ask for a person, such as `Light`."""

    def attention(self, *, on: bool) -> None:
        """Whether a person should see to something, though all goes on."""


async def tell_news(
    status: Status,
    light: AttentionLight,
    clip: Callable[[], Clip],
    speaker: Speaker,
    assistant: TakesTurns,
) -> None:
    """Show it as long as this device runs, and say it once; nothing where nothing is wrong."""
    if not status.wrong:
        return
    for problem in status.problems:
        _log.warning("%s", problem)
    light.attention(on=True)
    while True:
        if await announce(clip(), speaker, assistant):
            return
        await asyncio.sleep(AGAIN_S)
