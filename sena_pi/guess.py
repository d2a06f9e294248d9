"""An answer that is begun on the guess that the person has finished, and what that may cost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spending:
    """What may be spent on guesses.

    Attributes:
        requests: of the cloud, in a turn, before it is certain that the person has finished.
        affordable: asked before each of them; False: the day's allowance is needed for questions.
    """

    requests: int = 5
    affordable: Callable[[], bool] = lambda: True


class Purse:
    """What one turn has left for guesses.

    Attributes:
        spent: requests that were asked on a guess.
    """

    def __init__(self, spending: Spending) -> None:
        self.spent = 0
        self._spending = spending

    def spend(self) -> bool:
        """Take a request from it; False when there is none left."""
        if self.spent >= self._spending.requests or not self._spending.affordable():
            return False
        self.spent += 1
        return True


class Guess:
    """Whether the person has finished, as the one who answers must know it.

    Args:
        purse: pays for asking the cloud before that is certain; None: nothing does.
        tell: told what the words say of it, as `Microphone.phrase`.

    Attributes:
        asked: the cloud was asked before it was certain.
    """

    def __init__(
        self, purse: Purse | None = None, tell: Callable[[bool], None] | None = None
    ) -> None:
        self.asked = False
        self._purse = purse
        self._tell = tell
        self._certain = asyncio.Event()

    @classmethod
    def certain(cls) -> Guess:
        """The person has finished."""
        guess = cls()
        guess.confirm()
        return guess

    def confirm(self) -> None:
        """The person has finished, as was guessed."""
        self._certain.set()

    async def confirmed(self) -> None:
        """Wait until it is certain: before anything is done that can't be taken back."""
        await self._certain.wait()

    async def leave_to_ask(self) -> bool:
        """Wait until the cloud may be asked: at once, as long as a guess may cost something.

        Returns:
            True.
        """
        if self._purse is not None and not self._certain.is_set():
            self.asked = self._purse.spend()
        if not self.asked:
            await self.confirmed()
        return True

    def phrase(self, *, complete: bool) -> None:
        """The words are known: they are a whole phrase, or something must follow."""
        if self._tell is not None and not self._certain.is_set():
            self._tell(complete)
