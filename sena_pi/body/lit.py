"""No sound leaves the device while its light can't be lit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sena_pi.errors import LightOut
from sena_pi.stages import LanguageModel, Question, Response


class LitModel:
    """A `LanguageModel` elsewhere that gets sound only while people can see that they are heard.

    What is known as text, because somebody typed it or it was understood on the device, may go.
    """

    def __init__(self, model: LanguageModel, trusted: Callable[[], bool]) -> None:
        """`trusted` tells whether the light is lit, or none is wanted."""
        self._model = model
        self._trusted = trusted

    @property
    def name(self) -> str:
        """Engine and model, as `LanguageModel.name`."""
        return self._model.name

    @asynccontextmanager
    async def respond(self, question: Question) -> AsyncIterator[Response]:
        """Start answering, as `LanguageModel.respond`.

        Raises:
            LightOut: the light is out, and the question holds sound; nothing was sent.
        """
        if question.utterance is not None and not self._trusted():
            raise LightOut("the light can't be lit, so no sound is sent away")
        async with self._model.respond(question) as response:
            yield response
