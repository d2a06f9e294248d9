"""A cache that is filled as the appliance fills it, but quickly: typed questions, no ears.

The appliance's own parts think, speak and remember: its mind asks a cloud without delays, its voice
ladder makes the sound, and its cache keeps of both what its rules allow. Only the microphone, the
speaker and their waiting are left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from sena_pi.answer import Answer
from sena_pi.bench.conversation.loopback import Loopback
from sena_pi.bench.conversation.profiles import Steady
from sena_pi.bench.conversation.script import CONVERSATION, Turn
from sena_pi.bench.conversation.ways import Home, own_folders
from sena_pi.parts import Parts, make_parts
from sena_pi.reasons import Reason
from sena_pi.stages import EndedTurn, Question

AT_ONCE = Steady("at once", 0.0, 1e6, 0.0, 1e4)
"""A cloud nobody waits for."""


def quick_cloud(speech_length: float) -> Loopback:
    """A cloud that answers at once; `speech_length` as `Loopback`."""
    return Loopback(AT_ONCE, CONVERSATION[0], speech_length=speech_length)


async def remember(home: Home, cloud: Loopback, turns: Sequence[Turn]) -> None:
    """Ask each question, each without a conversation before it, and keep what may be kept.

    Args:
        home: what the parts are made with; the cache is in its folder.
        cloud: what is asked; serving.
        turns: questions, and the answers to them.
    """
    with own_folders(home.folder):
        async with AsyncExitStack() as closing:
            parts = await make_parts(home.settings, home.keys, closing, remembers=True)
            assert parts.cache is not None
            async with asyncio.TaskGroup() as tasks:
                keeping = tasks.create_task(parts.cache.run())
                await parts.cache.ready.wait()
                for turn in turns:
                    cloud.turn = turn
                    await _asked(turn.question, parts)
                await parts.cache.settled()
                keeping.cancel()


async def _asked(text: str, parts: Parts) -> None:
    voice = parts.voice.for_turn()
    answer = Answer()

    async def say(sentence: str) -> None:
        async with voice.synthesize(sentence, answer.header.language) as chunks:
            async for _ in chunks:
                pass

    async def tell(reason: Reason) -> None:
        raise AssertionError(f"no answer to {text!r}: {reason}, {answer.problems}")

    await parts.mind.answer(Question(text=text), answer, say, tell)
    assert parts.cache is not None
    parts.cache.turn_ended(
        EndedTurn(
            header=answer.header,
            conversation=(),
            sentences=tuple(answer.sentences),
            model=answer.model,
            known=answer.known,
            whole=answer.complete and voice.whole,
            first_audio_ms=None,
        )
    )
