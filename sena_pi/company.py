"""While nothing comes of an answer, the person is told: by a filler, and then by a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sena_pi.attempt import Attempt
from sena_pi.clips import Clips
from sena_pi.deadlines import Deadlines
from sena_pi.playback import FILLER, Notice
from sena_pi.reasons import Reason


async def keep_company(
    attempt: Attempt, clips: Clips, deadlines: Deadlines, waited_s: Callable[[], float]
) -> None:
    """Put into the attempt's sounds what bridges its deadlines; ends when nothing is needed.

    Args:
        attempt: what is waited for.
        clips: what is said.
        deadlines: when.
        waited_s: seconds since the endpoint.
    """

    async def missed(event: asyncio.Event, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds - waited_s()):
                await event.wait()
        except TimeoutError:
            return not event.is_set()
        return False

    filled = False
    worded, sounded = attempt.answer.worded, attempt.sounded
    fills = deadlines.filler_s < deadlines.reason_s
    if fills and await missed(worded, deadlines.filler_s):
        filler = clips.filler()
        if filler.sound:  # to make it now would take longer than to wait
            await attempt.sounds.put(Notice(FILLER, filler, ends=False))
            filled = True
    if not await missed(sounded, deadlines.reason_s):
        return
    # A reason takes seconds to say, which an answer that is nearly there would have to wait.
    nearly_there = filled and worded.is_set()
    if nearly_there and not await missed(sounded, deadlines.reason_s + deadlines.grace_s):
        return
    notice = await attempt.notice(attempt.answer.trouble or Reason.SLOW, ends=False)
    if not sounded.is_set():
        await attempt.sounds.put(notice)
