"""A transcriber that knows sounds by heart, for tests and for work without a microphone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from sena_pi.audio import Utterance
from sena_pi.errors import WorkerError
from sena_pi.stages import Transcript


class ScriptedTranscriber:
    """A `Transcriber` that understands the sounds of its script, and no other.

    Attributes:
        heard: the utterances it was given, oldest first.
    """

    def __init__(self, script: Mapping[bytes, str] | None = None) -> None:
        """`script`: the words by their samples."""
        self.heard: list[Utterance] = []
        self._script = dict(script or {})
        self._changed = asyncio.Condition()
        self._hesitates = False
        self._deaths = 0

    def learn(self, pcm: bytes, text: str) -> None:
        """From now on these samples say `text`."""
        self._script[pcm] = text

    async def hesitate(self, *, on: bool) -> None:
        """Whether transcripts are to wait from now on."""
        async with self._changed:
            self._hesitates = on
            self._changed.notify_all()

    async def die(self) -> None:
        """Fail whoever waits, as the death of a worker does; the next one is served."""
        async with self._changed:
            self._deaths += 1
            self._hesitates = False
            self._changed.notify_all()

    async def transcribe(self, utterance: Utterance) -> Transcript:
        """The words of the script, as `Transcriber.transcribe`."""
        self.heard.append(utterance)
        deaths = self._deaths
        async with self._changed:
            await self._changed.wait_for(lambda: not self._hesitates or self._deaths > deaths)
        if self._deaths > deaths:
            raise WorkerError("the scripted ears died")
        return Transcript(self._script.get(utterance.pcm, ""))
