"""The local voice: the voice worker as the brain holds it, a `Synthesizer`."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from wyoming.event import Event

from sena_pi import wire
from sena_pi.audio import AudioChunk
from sena_pi.devices.worker import Supervisor, WorkerSpec, worker_argv
from sena_pi.errors import EngineUnavailable, SynthesisFailed, WorkerError

PATIENCE_S = 8.0
"""Longest wait for a sign of life from a worker that has something to say."""
PATIENCE_PER_CHARACTER_S = 0.05
"""More of it for a long sentence: Piper gives no sound before the whole of it is made."""
MOST_DEATHS = 2
"""A sentence that was being spoken at so many deaths of the worker is not sent again."""
_FINGERPRINTS = 32
_LONGEST_RESTART_DELAY_S = 300.0

_log = logging.getLogger(__name__)


_Item = AudioChunk | SynthesisFailed | None


@dataclass(eq=False, slots=True)
class _Sentence:
    """A sentence the worker has, and what came of it: chunks, then None or an error."""

    turn: str
    fingerprint: bytes
    patience_s: float
    sent_s: float
    items: asyncio.Queue[_Item] = field(default_factory=asyncio.Queue)


class _Chunks:
    """The chunks of a sentence, as they come; after the last, nothing is waited for."""

    def __init__(self, next_item: Callable[[], Awaitable[_Item]]) -> None:
        self._next_item = next_item
        self._last: SynthesisFailed | StopAsyncIteration | None = None

    def __aiter__(self) -> AsyncIterator[AudioChunk]:
        return self

    async def __anext__(self) -> AudioChunk:
        if self._last is None:
            item = await self._next_item()
            if isinstance(item, AudioChunk):
                return item
            self._last = item or StopAsyncIteration()
        raise self._last


class LocalVoice:
    """Piper in a process of its own. Belongs to the event loop; `run` must be running.

    Sentences may be queued: the worker speaks them in order, and sound that was made ahead waits
    here. When the worker dies, all of them fail at once, and the next rung speaks them: a person
    does not wait for the replacement.

    Args:
        model: path of the voice's `.onnx` file.
        threads: processor cores a sentence may use.
        length_scale: how much longer than the voice's own each sound is; 0.5 is twice as fast.
        speaker: number of the speaker in a voice that has several.
        patience_s: longest silence of a worker that has a sentence to speak, before it is
            replaced; long sentences get more.
        ready_timeout_s: longest time to load the voice.
        argv: the worker's command, where it is not the usual one.

    Attributes:
        ready: set while the worker can speak.
        supervisor: keeps the worker running.
    """

    def __init__(
        self,
        model: Path,
        *,
        threads: int = 1,
        length_scale: float = 1.0,
        speaker: int | None = None,
        patience_s: float = PATIENCE_S,
        ready_timeout_s: float = 30.0,
        argv: Sequence[str] | None = None,
    ) -> None:
        settings: dict[str, object] = {
            "model": str(model),
            "threads": threads,
            "length_scale": length_scale,
            "speaker": speaker,
        }
        self.ready = asyncio.Event()
        self._settled = asyncio.Event()
        self._started = False
        self._reason = "it is starting"
        self.supervisor = Supervisor(
            WorkerSpec(
                name="voice",
                argv=argv or worker_argv("voice"),
                settings=settings,
                ready_timeout_s=ready_timeout_s,
            ),
            self._handle,
            up=self._up,
            down=self._down,
        )
        self._name = f"piper/{model.stem}"
        self._language = ""
        self._patience_s = patience_s
        self._turns = itertools.count(1)
        self._pending: dict[str, _Sentence] = {}
        self._progress_s = 0.0
        self._failed_starts = 0
        self._deaths: dict[bytes, int] = {}

    @property
    def name(self) -> str:
        """Engine and voice, for the journal."""
        return self._name

    async def run(self) -> None:
        """Keep the worker running until cancelled."""
        try:
            await self.supervisor.run()
        finally:
            self._fail_all("the voice worker was stopped")

    async def wait_ready(self) -> None:
        """Wait until the worker can speak, or has failed to start.

        Raises:
            EngineUnavailable: it has failed; the message says what to do. It is tried again, ever
                more rarely.
        """
        await self._settled.wait()
        if not self.ready.is_set():
            raise EngineUnavailable(self._reason)

    def synthesize(
        self, sentence: str, language: str = "en"
    ) -> AbstractAsyncContextManager[AsyncIterator[AudioChunk]]:
        """Speak one safe sentence; see `Synthesizer.synthesize`.

        Entering raises SynthesisFailed where it is certain that this voice can't: no worker is
        ready, the worker has died of this sentence before, or it is in another language.
        """
        if not sentence.strip():
            raise ValueError("a sentence needs words")
        return self._speaking(sentence, language)

    @asynccontextmanager
    async def _speaking(self, text: str, language: str) -> AsyncIterator[AsyncIterator[AudioChunk]]:
        sentence = self._accept(text, language)
        about = {"text": text, "turn": sentence.turn}
        try:
            try:
                await self.supervisor.send(Event(wire.SYNTHESIZE, about))
            except WorkerError as error:
                raise SynthesisFailed(str(error)) from error
            yield _Chunks(partial(self._next, sentence))
        finally:
            if self._pending.pop(sentence.turn, None) is not None:
                self.supervisor.post(Event(wire.CANCEL, {"turn": sentence.turn}))
                sentence.items.put_nowait(SynthesisFailed("the sentence was left"))

    def _accept(self, text: str, language: str) -> _Sentence:
        """Take a sentence on, if this voice can speak it."""
        if not self.ready.is_set():
            raise SynthesisFailed(f"not ready: {self._reason}")
        family = language.partition("-")[0].lower()
        if family not in ("", "und", self._language):
            raise SynthesisFailed(f"it speaks {self._language}, not {family}")
        sentence = _Sentence(
            turn=str(next(self._turns)),
            fingerprint=hashlib.sha256(text.encode(errors="replace")).digest(),
            patience_s=self._patience_s + PATIENCE_PER_CHARACTER_S * len(text),
            sent_s=time.monotonic(),
        )
        if self._deaths.get(sentence.fingerprint, 0) >= MOST_DEATHS:
            raise SynthesisFailed(f"the voice worker died of this sentence {MOST_DEATHS} times")
        self._pending[sentence.turn] = sentence
        return sentence

    async def _next(self, sentence: _Sentence) -> _Item:
        """What comes next of this sentence; a worker that is silent for too long is replaced."""
        while sentence.items.empty():
            silent_since_s = max(sentence.sent_s, self._progress_s)
            left_s = silent_since_s + sentence.patience_s - time.monotonic()
            if left_s > 0:
                try:
                    async with asyncio.timeout(left_s):
                        return await sentence.items.get()
                except TimeoutError:
                    continue
            self._set_ready(on=False)
            failure = SynthesisFailed(f"no sound for {sentence.patience_s:.0f} s")
            sentence.items.put_nowait(failure)
            await self.supervisor.replace()
        return sentence.items.get_nowait()

    # What the worker says, in order.

    async def _handle(self, event: Event) -> None:
        self._progress_s = time.monotonic()
        turn = event.data.get("turn", "")
        sentence = self._pending.get(turn)
        if sentence is None:
            return
        if event.type == wire.AUDIO_CHUNK:
            sentence.items.put_nowait(wire.chunk_of(event))
        elif event.type == wire.AUDIO_STOP:
            del self._pending[turn]
            sentence.items.put_nowait(None)
        elif event.type == wire.ERROR:
            del self._pending[turn]
            sentence.items.put_nowait(SynthesisFailed(event.data.get("text", "failed")))

    async def _up(self, ready: Event) -> None:
        self._started = True
        self._failed_starts = 0
        self._language = ready.data["language"]
        self._set_ready(on=True)

    async def _down(self, error: WorkerError) -> None:
        self._reason = str(error)
        if not self._started:
            # It can't even start: a voice that is missing now is missing in a second too.
            self._settled.set()
            self._failed_starts += 1
            await asyncio.sleep(min(2.0**self._failed_starts, _LONGEST_RESTART_DELAY_S))
            return
        self._started = False
        if self._pending:
            # Sentences are spoken in order: it died of the oldest.
            deadly = next(iter(self._pending.values())).fingerprint
            self._deaths[deadly] = self._deaths.pop(deadly, 0) + 1
            if len(self._deaths) > _FINGERPRINTS:
                del self._deaths[next(iter(self._deaths))]
        self._fail_all(str(error))

    def _set_ready(self, *, on: bool) -> None:
        for event in (self.ready, self._settled):
            event.set() if on else event.clear()

    def _fail_all(self, reason: str) -> None:
        self._set_ready(on=False)
        for sentence in self._pending.values():
            sentence.items.put_nowait(SynthesisFailed(reason))
        self._pending.clear()
