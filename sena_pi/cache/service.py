"""The cache beside the turns: a `Memory` of answers, and the voices' memory of what they said.

Look-ups run on a thread of their own and are given up after a quarter of a second: a card that
hangs costs that once, not at every question. Everything that writes or encodes runs on another
thread at low priority, after the turn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from sena_pi.audio import AudioFormat
from sena_pi.cache.entries import StoredAnswer, StoredSpeech
from sena_pi.cache.keys import AnswerKey, SpeechKey, context_digest
from sena_pi.cache.normalise import normal
from sena_pi.cache.policy import Bypass, forbidden, refused, speech_may_be_kept, stands_alone
from sena_pi.cache.refresh import Habit, Refresher, RefreshSettings
from sena_pi.cache.responses import ResponseCache
from sena_pi.cache.told import stats_event, stats_line
from sena_pi.errors import SenaError
from sena_pi.prompts import PROMPT_VERSION
from sena_pi.stages import EndedTurn, Exchange, Header, Known

T = TypeVar("T")

PATIENCE_S: Final = 0.25
"""Longest wait for a look-up; then the question is asked anew."""
MAINTAIN_EVERY_S: Final = 30.0
TELL_EVERY_S: Final = 3600.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence that a voice has spoken whole.

    Attributes:
        key: the sentence.
        format: of its sound.
        pcm: its sound, 16-bit.
    """

    key: SpeechKey
    format: AudioFormat
    pcm: bytes


@dataclass(frozen=True, slots=True)
class _Judged:
    """A new answer of the cloud.

    Attributes:
        key: where it belongs.
        answer: as it is kept, None when it must not be.
        reason: why it must not be.
    """

    key: AnswerKey
    answer: StoredAnswer | None
    reason: Bypass | None


class CacheService:
    """Belongs to the event loop. Nothing that a turn calls raises, or waits for the card's writes.

    Attributes:
        cache: None until it is open; for those who look at it, on a thread of their own.
        ready: set when it is open.
    """

    def __init__(
        self,
        opened: Callable[[], ResponseCache],
        *,
        model: str,
        encode: Callable[[bytes, AudioFormat], bytes],
        wake_words: Sequence[str] = (),
        lower_priority: Callable[[], object] = lambda: None,
        patience_s: float = PATIENCE_S,
        now: Callable[[], float | None] = lambda: None,
        on_day: Callable[[dict[str, Any]], None] = lambda _tally: None,
        refresher: Refresher | None = None,
    ) -> None:
        """`run` opens it.

        Args:
            opened: opens the cache; blocks for the card.
            model: engine and model whose answers these are.
            encode: makes Ogg/Opus of PCM; blocks.
            wake_words: phrases that may precede a question.
            lower_priority: called on the writing thread.
            patience_s: longest wait for a look-up.
            now: the wall clock; None while it can't be believed.
            on_day: gets the tally of each day that is over.
            refresher: learns what is asked; None: nothing is learned.
        """
        self.cache: ResponseCache | None = None
        self.ready = asyncio.Event()
        self._opened = opened
        self._model = model
        self._encode = encode
        self._wake_words = tuple(wake_words)
        self._now = now
        self._on_day = on_day
        self._patience_s = patience_s
        self._refresher = Refresher(RefreshSettings()) if refresher is None else refresher
        self._reader = ThreadPoolExecutor(1, "cache-read")
        self._writer = ThreadPoolExecutor(1, "cache-write", initializer=lower_priority)
        self._hanging: Future[Any] | None = None
        self._spoken: list[Spoken] = []
        self._last: AnswerKey | None = None

    # --- in a turn ----------------------------------------------------------------------------

    async def recall(self, asked: Header, conversation: Sequence[Exchange]) -> Known | None:
        """What was answered to this question before; as `Memory.recall`."""
        question = self._question(asked)
        reason = forbidden(question, asked.language)
        if reason is not None:
            self._bypassed(reason)
            return None
        keys = self._keys(question, asked.language, conversation)
        found = await self._look_up(lambda cache: cache.look_up(*keys))
        if found is None:
            return None
        key, answer, tier = found
        if not isinstance(key, AnswerKey) or not isinstance(answer, StoredAnswer):
            return None
        self._last = key
        self._learn(key, answer)
        sentences = tuple(answer.text.split("\n"))
        return Known(sentences, answer.language, answer.model, tier, answer.cost_ms)

    async def speech(self, key: SpeechKey, decode: Callable[[bytes], T]) -> T | None:
        """A sentence's sound, as `decode` makes it on the reading thread; None: there is none.

        Args:
            key: the sentence.
            decode: raises ValueError when the sound is damaged.
        """

        def decoded(cache: ResponseCache) -> T | None:
            stored = cache.get(key)
            try:
                return None if stored is None else decode(stored.sound)
            except (ValueError, OSError, SenaError) as error:
                _log.warning("a sentence in the cache can't be decoded: %s", error)
                return None

        return await self._look_up(decoded)

    def spoke(self, spoken: Spoken) -> None:
        """A voice has spoken this sentence whole; kept when its turn ends well. At once."""
        self._spoken.append(spoken)

    def turn_ended(self, turn: EndedTurn) -> None:
        """Keep of a turn what may be kept, after it; as `Memory.turn_ended`."""
        spoken, self._spoken = self._spoken, []
        judged = self._judged(turn) if turn.known is None and turn.model == self._model else None
        if judged is not None and judged.answer is not None:
            self._last = judged.key
            self._learn(judged.key, judged.answer)
        self._write(lambda cache: self._keep(cache, turn, judged, spoken))

    async def forget_last(self) -> bool:
        """The last answer was wrong: forget it; as `Memory.forget_last`."""
        key, self._last = self._last, None
        if key is None or self.cache is None:
            return False
        wrong = key
        self._refresher.forget(key)

        def forget(cache: ResponseCache) -> bool:
            try:
                return cache.forget_key(wrong)
            except OSError as error:
                _log.warning("an answer can't be deleted from the card: %s", error.strerror)
                return True

        # Behind what is still to be kept of it.
        return bool(await asyncio.wrap_future(self._write(forget)))

    # --- beside the turns ---------------------------------------------------------------------

    async def run(self) -> None:
        """Open the cache, write what is due, tell the journal; until cancelled."""
        loop = asyncio.get_running_loop()
        await asyncio.wrap_future(self._writer.submit(self._open))
        self.ready.set()
        told_s = loop.time()
        while True:
            await asyncio.sleep(MAINTAIN_EVERY_S)
            await asyncio.wrap_future(self._write(self._maintain))
            if loop.time() - told_s >= TELL_EVERY_S:
                told_s = loop.time()
                self.tell()

    def tell(self) -> None:
        """One line in the journal: what the cache did today."""
        self._write(_tell)

    async def settled(self) -> None:
        """Wait until all that was to be kept is kept."""
        await asyncio.wrap_future(self._writer.submit(lambda: None))

    async def ask(self, question: Callable[[ResponseCache], T]) -> T:
        """Do something with the cache, on the writing thread, after what is under way.

        Raises:
            RuntimeError: it is not open yet.
            Exception: what `question` raises.
        """
        cache = self.cache
        if cache is None:
            raise RuntimeError("the cache is not open yet")
        return await asyncio.get_running_loop().run_in_executor(self._writer, question, cache)

    @property
    def can_keep(self) -> bool:
        """Open, and in no trouble with its card."""
        hangs = self._hanging is not None and not self._hanging.done()
        return self.cache is not None and self.cache.trouble is None and not hangs

    def keep_refreshed(self, habit: Habit, turn: EndedTurn) -> bool:
        """Keep the new answer to a question that nobody waited for, if it may be kept. At once.

        It must answer the very same question: stand alone, in the same language.
        """
        judged = self._judged(turn)
        key, answer = judged.key, judged.answer
        if key != habit.key or answer is None:
            self._refresher.forget(habit.key)
            return False
        if not self._refresher.knows(key):
            return False  # forgotten meanwhile, by somebody who may have meant it
        self._refresher.refreshed(key, answer)

        def keep(cache: ResponseCache) -> None:
            cache.put(key, answer)
            self._maintain(cache)

        self._write(keep)
        return True

    def count_refresh(self, outcome: str) -> None:
        """Count what came of asking a question anew."""
        if self.cache is not None:
            self.cache.refreshed(outcome)

    def unlearn(self) -> None:
        """Forget what was learned of what is asked: somebody wants answers forgotten."""
        self._refresher.clear()

    async def aclose(self) -> None:
        """Write what is due, tell the journal, and close; waits for the card."""
        self._write(ResponseCache.flush)
        self.tell()
        await asyncio.wrap_future(self._write(ResponseCache.close))
        self.cache = None
        self._reader.shutdown(wait=False, cancel_futures=True)
        self._writer.shutdown(wait=False)

    def _open(self) -> None:
        # Here, not in the task that waits for it: one that is cancelled leaves an open cache.
        self.cache = self._opened()

    def _maintain(self, cache: ResponseCache) -> None:
        tally = cache.maintain()
        if tally is not None:
            self._on_day(tally.as_dict())

    async def _look_up(self, question: Callable[[ResponseCache], T | None]) -> T | None:
        cache = self.cache
        if cache is None:
            return None
        if self._hanging is not None and not self._hanging.done():
            cache.bypassed(Bypass.SLOW)
            return None
        looking = self._reader.submit(question, cache)
        try:
            async with asyncio.timeout(self._patience_s):
                return await asyncio.shield(asyncio.wrap_future(looking))
        except TimeoutError:
            self._hanging = looking
            _log.warning("the cache's card does not answer; asking the cloud")
            cache.bypassed(Bypass.SLOW)
            return None

    def _write(self, job: Callable[[ResponseCache], T]) -> Future[T | None]:
        def done() -> T | None:
            if self.cache is None:
                return None
            try:
                return job(self.cache)
            except Exception:  # noqa: BLE001 - see below
                # Nobody waits for most of these, and a bug here must not end an assistant that
                # can do without a cache.
                _log.exception("the cache failed (a bug)")
                return None

        return self._writer.submit(done)

    def _bypassed(self, reason: Bypass) -> None:
        if self.cache is not None:
            self.cache.bypassed(reason)

    def _keys(
        self, question: str, language: str, conversation: Sequence[Exchange]
    ) -> tuple[AnswerKey, AnswerKey]:
        alone = AnswerKey(question, language, self._model, PROMPT_VERSION)
        return replace(alone, context=context_digest(conversation)), alone

    def _question(self, header: Header) -> str:
        return normal(header.heard, header.language, self._wake_words)

    def _judged(self, turn: EndedTurn) -> _Judged:
        """Where a new answer is kept, if it may be."""
        header = turn.header
        question = self._question(header)
        in_context, alone = self._keys(question, header.language, turn.conversation)
        key = alone if stands_alone(question, header) else in_context
        reason = refused(question, header, " ".join(turn.sentences), complete=turn.whole)
        if reason is not None:
            return _Judged(key, None, reason)
        answer = StoredAnswer(
            question=header.heard,
            text="\n".join(turn.sentences),
            language=header.language,
            keep=header.cacheability,
            model=turn.model,
            cost_ms=turn.first_audio_ms or 0.0,
            kept_at=self._now(),
            alone=not key.context,
        )
        return _Judged(key, answer, None)

    def _learn(self, key: AnswerKey, answer: StoredAnswer) -> None:
        if self._refresher.enabled:
            self._refresher.asked(key, answer, self._now())

    def _keep(
        self,
        cache: ResponseCache,
        turn: EndedTurn,
        judged: _Judged | None,
        spoken: list[Spoken],
    ) -> None:
        """Keep of a turn what may be kept; `judged` where the cloud has answered it anew."""
        if turn.known is not None and turn.first_audio_ms is not None:
            cache.saved(turn.known.cost_ms - turn.first_audio_ms)
        if judged is not None and judged.answer is not None:
            cache.put(judged.key, judged.answer)
        elif judged is not None and judged.reason is not None:
            cache.bypassed(judged.reason)
        cloud = turn.known is not None or judged is not None
        kept = turn.whole and (judged is None or judged.answer is not None)
        if speech_may_be_kept(turn.header, kept=kept, cloud=cloud, whole=turn.whole):
            for one in spoken:
                self._keep_speech(cache, one)
        cache.turn_ended()
        self._maintain(cache)

    def _keep_speech(self, cache: ResponseCache, spoken: Spoken) -> None:
        key = spoken.key
        sound = self._encode(spoken.pcm, spoken.format)
        cache.put(key, StoredSpeech(key.sentence, key.language, key.voice, sound, self._now()))


def _tell(cache: ResponseCache) -> None:
    stats = cache.stats()
    _log.info("%s", stats_line(stats), extra=stats_event(stats))
