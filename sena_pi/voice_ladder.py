"""Who speaks: the best voice that can, and no other for the rest of the turn.

A voice that fails before the first sound of a sentence is replaced at once: the next rung speaks
that sentence. One that fails inside a sentence is not repeated by another: the sentence ends
there, and the next rung speaks from the next sentence on. So a voice never changes inside a
sentence, and within a turn only ever downwards.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from sena_pi.audio import AudioChunk
from sena_pi.errors import (
    AllowanceSpent,
    CloudError,
    EngineUnavailable,
    SynthesisFailed,
    WorkerError,
)
from sena_pi.stages import Synthesizer

_log = logging.getLogger(__name__)

_FAILURES = (SynthesisFailed, CloudError, EngineUnavailable, WorkerError, AllowanceSpent)


class VoiceLadder:
    """A Synthesizer of several, best first; each turn starts again at the top."""

    def __init__(self, rungs: Sequence[Synthesizer]) -> None:
        if not rungs:
            raise ValueError("a voice ladder needs a rung")
        self._rungs = tuple(rungs)

    @property
    def name(self) -> str:
        """The voices from the top, for the journal."""
        return ", else ".join(rung.name for rung in self._rungs)

    def for_turn(self) -> TurnVoice:
        """The ladder for one turn: a rung that failed is not tried again in it."""
        return TurnVoice(self._rungs)

    def synthesize(
        self, sentence: str, language: str = "en"
    ) -> AbstractAsyncContextManager[AsyncIterator[AudioChunk]]:
        """Speak one sentence, as a turn of its own; see `Synthesizer.synthesize`."""
        return _speaking(_Descent(self._rungs), sentence, language, quiet=False)


class TurnVoice:
    """Speaks the sentences of one turn; several may be under way at once."""

    def __init__(self, rungs: Sequence[Synthesizer]) -> None:
        self._descent = _Descent(tuple(rungs))

    @property
    def name(self) -> str:
        """The voice that speaks the next sentence, for the journal."""
        return self._descent.name

    @property
    def spoken_by(self) -> tuple[str, ...]:
        """Names of the voices that were heard, in order."""
        return tuple(self._descent.spoken_by)

    @property
    def whole(self) -> bool:
        """False once a sentence broke off: what was heard is then not the whole answer."""
        return self._descent.whole

    def synthesize(
        self, sentence: str, language: str = "en"
    ) -> AbstractAsyncContextManager[AsyncIterator[AudioChunk]]:
        """Speak one safe sentence.

        As `Synthesizer.synthesize`, but a sentence that breaks off just ends, and `whole` tells:
        the turn goes on with the next one. The iterator raises:
            SynthesisFailed: no rung could speak; every reason is named.
        """
        return _speaking(self._descent, sentence, language, quiet=True)


@dataclass
class _Descent:
    """How far down the ladder a turn is, and what was heard on the way."""

    rungs: tuple[Synthesizer, ...]
    rung: int = 0
    spoken_by: list[str] = field(default_factory=list)
    whole: bool = True
    reasons: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.rungs[min(self.rung, len(self.rungs) - 1)].name

    def failed(self, rung: int, reason: object, *, sounded: bool) -> None:
        """A rung failed: the turn goes on below it. Each failure is logged once."""
        if sounded:
            self.whole = False
        if rung < self.rung:
            return
        failure = f"{self.rungs[rung].name}: {reason}"
        self.rung = rung + 1
        self.reasons.append(failure)
        _log.warning("voice failed %s a sentence: %s", "inside" if sounded else "before", failure)

    def heard(self, rung: int) -> None:
        """The first sound of a sentence came from this rung."""
        name = self.rungs[rung].name
        if self.spoken_by[-1:] != [name]:
            self.spoken_by.append(name)


def _speaking(
    descent: _Descent, sentence: str, language: str, *, quiet: bool
) -> AbstractAsyncContextManager[AsyncIterator[AudioChunk]]:
    if not sentence.strip():
        raise ValueError("a sentence needs words")

    @asynccontextmanager
    async def speaking() -> AsyncIterator[AsyncIterator[AudioChunk]]:
        spoken = _Sentence(descent, sentence, language, quiet=quiet)
        try:
            await spoken.open()
            yield spoken
        finally:
            await spoken.leave()

    return speaking()


class _Sentence:
    """One sentence on its way down the ladder: the iterator of its chunks."""

    def __init__(self, descent: _Descent, sentence: str, language: str, *, quiet: bool) -> None:
        self._descent = descent
        self._quiet = quiet
        self._left = False
        self._sentence = sentence
        self._language = language
        self._rung = -1
        self._sounded = False
        self._chunks: AsyncIterator[AudioChunk] | None = None
        self._stack = AsyncExitStack()

    def __aiter__(self) -> AsyncIterator[AudioChunk]:
        return self

    async def __anext__(self) -> AudioChunk:
        descent = self._descent
        while True:
            if self._left:
                raise SynthesisFailed("the sentence was left")
            if not self._sounded and self._rung < descent.rung:
                # This rung failed, here or in another sentence of the turn.
                await self.open()
            if self._chunks is None:
                raise SynthesisFailed(f"no voice could speak: {'; '.join(descent.reasons)}")
            try:
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                if self._sounded:
                    raise
                descent.failed(self._rung, "it gave no sound", sounded=False)
            except _FAILURES as error:
                descent.failed(self._rung, error, sounded=self._sounded)
                if self._sounded and self._quiet:
                    raise StopAsyncIteration from None
                if self._sounded:
                    raise
            else:
                if self._sounded:
                    return chunk
                if chunk.samples and self._rung == descent.rung:
                    self._sounded = True
                    descent.heard(self._rung)
                    return chunk

    async def open(self) -> None:
        """Start the highest rung that the turn still has and that can be started."""
        descent = self._descent
        await self._close()
        while descent.rung < len(descent.rungs):
            self._rung = descent.rung
            speaking = descent.rungs[self._rung].synthesize(self._sentence, self._language)
            try:
                self._chunks = await self._stack.enter_async_context(speaking)
            except _FAILURES as error:
                descent.failed(self._rung, error, sounded=False)
            else:
                return
        self._rung = len(descent.rungs)

    async def leave(self) -> None:
        """Stop the rung that speaks; nothing more comes."""
        self._left = True
        await self._close()

    async def _close(self) -> None:
        self._chunks = None
        await self._stack.aclose()
