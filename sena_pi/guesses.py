"""Answers that are begun while a person may still be speaking.

The silence that tells for certain that somebody has finished is the longest wait of a fast turn.
So at each pause an answer is begun; speech that goes on ends it, and the endpoint keeps it. Until
then nothing is spoken, and nothing is done that can't be taken back (`Guess.confirmed`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from sena_pi.attempt import Attempt, Stages
from sena_pi.audio import Utterance
from sena_pi.guess import Guess, Purse
from sena_pi.pauses import SpeechPaused
from sena_pi.stages import Exchange, Question


class Overhearer(Protocol):
    """Gets a question's sound while it is spoken, to understand it sooner."""

    def begin(self, turn: str) -> None:
        """The sound of `turn` follows; that of an earlier turn is forgotten. Returns at once."""

    def feed(self, turn: str, pcm: bytes) -> None:
        """The next piece, 16 kHz mono. Returns at once."""

    def cancel(self, turn: str) -> None:
        """The turn is over: what was heard is forgotten. Returns at once."""


class Guesses:
    """The `Listener` of one turn. Belongs to the event loop.

    Args:
        turn: its name.
        tasks: what is begun becomes a task of this group.
        stages: what it is made with.
        conversation: earlier exchanges, oldest first.
        overhearer: gets the sound as it comes.
        on_speech: called when somebody has spoken, at each pause and at the endpoint.

    Attributes:
        begun: how many answers were begun before the endpoint.
    """

    def __init__(
        self,
        turn: str,
        tasks: asyncio.TaskGroup,
        stages: Stages,
        conversation: Sequence[Exchange],
        overhearer: Overhearer | None,
        on_speech: Callable[[], None] = lambda: None,
    ) -> None:
        self.begun = 0
        self._turn = turn
        self._tasks = tasks
        self._stages = stages
        self._conversation = conversation
        self._overhearer = overhearer
        self._on_speech = on_speech
        self._purse = Purse(stages.mind.spending)
        self._attempt: Attempt | None = None
        if overhearer is not None:
            overhearer.begin(turn)

    @property
    def requests(self) -> int:
        """Requests of the cloud that were asked before the endpoint."""
        return self._purse.spent

    def audio(self, pcm: bytes) -> None:
        """As `Listener.audio`."""
        if self._overhearer is not None:
            self._overhearer.feed(self._turn, pcm)

    def paused(self, pause: SpeechPaused) -> None:
        """As `Listener.paused`: begin an answer."""
        self._on_speech()
        self.drop()
        self.begun += 1

        def tell(complete: bool) -> None:  # noqa: FBT001 - the one thing that is told
            self._stages.microphone.phrase(pause, complete=complete)

        self._attempt = self._begin(pause.utterance, Guess(self._purse, tell))

    def resumed(self, pcm: bytes) -> None:
        """As `Listener.resumed`: it was not the end."""
        self.drop()
        if self._overhearer is not None:
            # Who was asked for the words has stopped listening: again, from the beginning.
            self._overhearer.begin(self._turn)
            self._overhearer.feed(self._turn, pcm)

    def drop(self) -> None:
        """Give up what was begun last."""
        if self._attempt is not None:
            self._attempt.drop()
            self._attempt = None

    def settle(self, utterance: Utterance) -> tuple[Attempt, bool]:
        """The person has finished: the answer to keep, and whether it was begun on a guess."""
        self._on_speech()
        attempt, self._attempt = self._attempt, None
        if attempt is None or attempt.failed:
            return self._begin(utterance, Guess.certain()), False
        attempt.guess.confirm()
        return attempt, True

    def _begin(self, utterance: Utterance, guess: Guess) -> Attempt:
        question = Question(utterance, conversation=self._conversation)
        attempt = Attempt(question, guess, self._stages)
        attempt.start(self._tasks)
        return attempt
