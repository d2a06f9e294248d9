"""A memory for stories."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sena_pi.stages import EndedTurn, Exchange, Header, Known

FRANCE = "what is the capital of france"
PARIS = Known(("Paris.", "It is big."), "en", "scripted/answers", "card", 2000.0)


class StoryMemory:
    """Knows by heart what it was told, and writes down what it is given."""

    def __init__(self, known: dict[str, Known] | None = None) -> None:
        self.known = known or {}
        self.asked: list[tuple[str, int]] = []
        self.turns: list[EndedTurn] = []
        self.forgotten = 0

    async def recall(self, asked: Header, conversation: Sequence[Exchange]) -> Known | None:
        await asyncio.sleep(0)
        self.asked.append((asked.heard, len(conversation)))
        return self.known.get(asked.heard)

    def turn_ended(self, turn: EndedTurn) -> None:
        self.turns.append(turn)

    async def forget_last(self) -> bool:
        self.forgotten += 1
        return True
