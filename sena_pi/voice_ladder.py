"""Who speaks: the best voice that can, and no other for the rest of the turn.

A voice that fails before the first sound of a sentence is replaced at once: the next rung speaks
that sentence. One that fails inside a sentence is not repeated by another: the sentence ends
there, and the next rung speaks from the next sentence on. So a voice never changes inside a
sentence, and within a turn only ever downwards.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from sena_pi.audio import AudioChunk
from sena_pi.errors import SynthesisFailed
from sena_pi.stages import Synthesizer
from sena_pi.voice_race import (
    CLOUD,
    LOCAL,
    VOICE_FAILURES,
    CloudRest,
    Later,
    Race,
    SentenceRace,
    loop_later,
)

_log = logging.getLogger(__name__)


class VoiceLadder:
    """A Synthesizer of several, best first; each turn starts again at the top.

    Args:
        rungs: the voices.
        race: the first rung is a cloud voice, the second a local one that races it; None: every
            rung is waited for until it fails.
        now: monotonic seconds, for the rest of a cloud voice that is too slow.
        later: the timer of the race.
    """

    def __init__(
        self,
        rungs: Sequence[Synthesizer],
        race: Race | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        later: Later = loop_later,
    ) -> None:
        if not rungs:
            raise ValueError("a voice ladder needs a rung")
        self._rungs = tuple(rungs)
        self._track: _Track | None = None
        if race is not None and race.enabled and len(self._rungs) > LOCAL:
            self._track = _Track(race, CloudRest(race, now), later)

    @property
    def name(self) -> str:
        """The voices from the top, for the journal."""
        return ", else ".join(rung.name for rung in self._rungs)

    def for_turn(self) -> TurnVoice:
        """The ladder for one turn: a rung that failed is not tried again in it."""
        return TurnVoice(_Descent.of(self._rungs, self._track))

    def synthesize(
        self, sentence: str, language: str = "en"
    ) -> AbstractAsyncContextManager[AsyncIterator[AudioChunk]]:
        """Speak one sentence, as a turn of its own; see `Synthesizer.synthesize`."""
        descent = _Descent.of(self._rungs, self._track)
        return _speaking(descent, sentence, language, quiet=False)


class TurnVoice:
    """Speaks the sentences of one turn; several may be under way at once."""

    def __init__(self, descent: _Descent) -> None:
        self._descent = descent

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


@dataclass(frozen=True, slots=True)
class _Track:
    """What a race needs: its rules, what outlives a turn, and its timer."""

    race: Race
    rest: CloudRest
    later: Later


@dataclass(eq=False)
class _Descent:
    """How far down the ladder a turn is, and what was heard on the way.

    Attributes:
        out: rungs that don't speak any more in this turn.
        overtaken: the cloud voice was too slow in this turn.
    """

    rungs: tuple[Synthesizer, ...]
    track: _Track | None = None
    out: set[int] = field(default_factory=set)
    spoken_by: list[str] = field(default_factory=list)
    whole: bool = True
    overtaken: bool = False
    reasons: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, rungs: tuple[Synthesizer, ...], track: _Track | None) -> _Descent:
        """A turn's own, from the top: that is the local voice while the cloud voice rests."""
        descent = cls(rungs, track)
        if track is not None and track.rest.resting:
            descent.out.add(CLOUD)
            descent.reasons.append(f"{rungs[CLOUD].name}: it was too slow, and rests")
        return descent

    @property
    def rung(self) -> int:
        """The highest rung that still speaks; one past the last when none does."""
        return next(n for n in range(len(self.rungs) + 1) if n not in self.out)

    @property
    def name(self) -> str:
        return self.rungs[min(self.rung, len(self.rungs) - 1)].name

    @property
    def raced(self) -> _Track | None:
        """How the next sentence is raced for, None when it is not."""
        return None if {CLOUD, LOCAL} & self.out else self.track

    def failed(self, rung: int, reason: object, *, sounded: bool) -> None:
        """A rung failed: the turn goes on below it. Each failure is logged once."""
        if sounded:
            self.whole = False
        if rung in self.out:
            return
        failure = f"{self.rungs[rung].name}: {reason}"
        self.out.add(rung)
        self.reasons.append(failure)
        _log.warning("voice failed %s a sentence: %s", "inside" if sounded else "before", failure)

    def won(self, rung: int, track: _Track, *, late: bool) -> None:
        """A race was decided. Where the local voice won, it speaks for the rest of the turn."""
        if rung == CLOUD:
            if CLOUD not in self.out:
                track.rest.won(self)
            return
        cloud, local = self.rungs[CLOUD].name, self.rungs[LOCAL].name
        if CLOUD not in self.out:
            self.out.add(CLOUD)
            self.reasons.append(f"{cloud}: it was too slow")
            _log.warning("voice too slow: %s; %s speaks in this turn", cloud, local)
        if late and not self.overtaken:
            self.overtaken = True
            if track.rest.lost(self):
                _log.warning("voice rests for %g s: %s", track.race.rest_s, cloud)

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
        self._rung = -1  # the highest that may still speak this sentence
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
            except VOICE_FAILURES as error:
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
            try:
                self._chunks = await self._stack.enter_async_context(self._start())
            except VOICE_FAILURES as error:
                descent.failed(self._rung, error, sounded=False)
            else:
                return
        self._rung = len(descent.rungs)

    def _start(self) -> AbstractAsyncContextManager[AsyncIterator[AudioChunk]]:
        rungs, track = self._descent.rungs, self._descent.raced
        if track is None:
            return rungs[self._rung].synthesize(self._sentence, self._language)
        cloud, local = (
            partial(rungs[rung].synthesize, self._sentence, self._language)
            for rung in (CLOUD, LOCAL)
        )
        return SentenceRace((cloud, local), track.race, self, track.later)

    # What the race tells, while it is under way.

    def voice_failed(self, voice: int, reason: object) -> None:
        """A voice dropped out; the other may go on."""
        self._descent.failed(voice, reason, sounded=False)
        if voice == CLOUD:
            self._rung = LOCAL

    def race_won(self, voice: int, *, late: bool) -> None:
        """The race is decided."""
        self._rung = voice
        track = self._descent.track
        assert track is not None  # noqa: S101 - nothing else races
        self._descent.won(voice, track, late=late)

    async def leave(self) -> None:
        """Stop the rung that speaks; nothing more comes."""
        self._left = True
        await self._close()

    async def _close(self) -> None:
        self._chunks = None
        await self._stack.aclose()
