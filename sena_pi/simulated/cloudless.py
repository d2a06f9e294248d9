"""A language model and a voice that do as they are told, for tests and for work without a key.

They keep the promises of `sena_pi.stages` as the real ones do: nothing comes before its context is
entered or after it is left, words are given once, and each can be cancelled at any await.
"""

from __future__ import annotations

import asyncio
import functools
import math
from array import array
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from sena_pi.audio import AudioChunk, AudioFormat
from sena_pi.errors import CloudError, CloudFailed, SenaError
from sena_pi.stages import Header, Question

T = TypeVar("T")

SPEECH_FORMAT: Final = AudioFormat(rate_hz=24_000)
CHARACTERS_PER_S: Final = 15.0
_TONE_HZ: Final = 440.0
_CHUNK_S: Final = 0.2


class Ending(Enum):
    """What comes after the scripted part."""

    WHOLE = "the end, as it was meant"
    HANGS = "nothing, for ever"


@dataclass(frozen=True, slots=True)
class ScriptedAnswer:
    """What is answered to one question.

    Attributes:
        words: the words, as the pieces they arrive in.
        header: the header, all of it known when the words have ended.
        ending: what comes after the words; an error is raised there.
        header_comes: False: not even the header comes; `ending` happens first.
    """

    words: tuple[str, ...] = ()
    header: Header = field(default_factory=Header)
    ending: Ending | CloudError = Ending.WHOLE
    header_comes: bool = True


class ScriptedLanguageModel:
    """A `LanguageModel` that gives the scripted answers, one after the other.

    Args:
        answers: for the first questions.
        otherwise: answers further questions; without it they fail.

    Attributes:
        questions: all that was asked.
        asked: set with the first of them.
        open_answers: contexts that are entered and not left.
    """

    name = "scripted/answers"

    def __init__(
        self,
        answers: Iterable[ScriptedAnswer] = (),
        *,
        otherwise: Callable[[Question], ScriptedAnswer] | None = None,
    ) -> None:
        self.questions: list[Question] = []
        self.asked = asyncio.Event()
        self.open_answers = 0
        self._answers = deque(answers)
        self._otherwise = otherwise

    def will_answer(self, answer: ScriptedAnswer) -> None:
        """Add an answer to the script."""
        self._answers.append(answer)

    def respond(self, question: Question) -> ScriptedResponse:
        """Answer by the script."""
        if question.utterance is None and not question.text.strip():
            raise ValueError("a question needs an utterance or a text")
        self.questions.append(question)
        self.asked.set()
        if self._answers:
            answer = self._answers.popleft()
        elif self._otherwise is not None:
            answer = self._otherwise(question)
        else:
            missing = CloudFailed("no answer is scripted")
            answer = ScriptedAnswer(ending=missing, header_comes=False)
        return ScriptedResponse(self, answer)


class ScriptedResponse:
    """A `Response` that follows its script, and the context in which it does."""

    def __init__(self, model: ScriptedLanguageModel, answer: ScriptedAnswer) -> None:
        self._model = model
        self._answer = answer
        self._words = deque(answer.words)
        self._open = False
        self._complete = False

    async def __aenter__(self) -> Self:
        self._open = True
        self._model.open_answers += 1
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open = False
        self._model.open_answers -= 1

    async def asked(self) -> Header:
        """What was heard and its language, or the ending if that is scripted to come first."""
        return replace(await self._opening(), intent=None)

    async def header(self) -> Header:
        """What stands in front of the words, or the ending if that is scripted to come first.

        When the words have ended as they were meant to: all of the header.
        """
        opening = await self._opening()
        return self._answer.header if self._complete else opening

    def deltas(self) -> AsyncIterator[str]:
        """The words, each given once."""
        return _Pieces(self._next_words)

    @property
    def complete(self) -> bool:
        """All words were given, and the script ends whole."""
        return self._complete

    async def _opening(self) -> Header:
        await self._arrival()
        if not self._answer.header_comes:
            await _end(self._answer.ending)
        header = self._answer.header
        return Header(heard=header.heard, language=header.language, intent=header.intent)

    async def _next_words(self) -> str | None:
        await self._arrival()
        if self._words:
            return self._words.popleft()
        await _end(self._answer.ending)
        self._complete = True
        return None

    async def _arrival(self) -> None:
        await asyncio.sleep(0)
        if not self._open:
            raise CloudFailed("the answer was given up")


class ScriptedSynthesizer:
    """A `Synthesizer` that speaks each sentence as a tone, as long as the sentence would be.

    Args:
        endings: the attribute.
        sound_comes: False: endings come instead of the sound, too.
        name: the voice's.
        tone_hz: its pitch.

    Attributes:
        sentences: all that it was asked to speak.
        endings: what comes after the sound of a sentence instead of its end.
        gates: a sentence's sound waits until its gate is set, as a slow voice's would.
        open_sentences: contexts that are entered and not left.
    """

    def __init__(
        self,
        endings: dict[str, Ending | SenaError] | None = None,
        *,
        sound_comes: bool = True,
        name: str = "scripted/tone",
        tone_hz: float = _TONE_HZ,
    ) -> None:
        self.name = name
        self.sentences: list[str] = []
        self.endings = endings or {}
        self.gates: dict[str, asyncio.Event] = {}
        self.sound_comes = sound_comes
        self.open_sentences = 0
        self._tone_hz = tone_hz

    def synthesize(self, sentence: str, language: str = "en") -> ScriptedSpeech:  # noqa: ARG002
        """Speak the sentence in tones."""
        if not sentence.strip():
            raise ValueError("a sentence needs words")
        self.sentences.append(sentence)
        ending = self.endings.get(sentence, Ending.WHOLE)
        cut_short = ending is not Ending.WHOLE and not self.sound_comes
        seconds = 0.0 if cut_short else len(sentence) / CHARACTERS_PER_S
        gate = self.gates.get(sentence)
        return ScriptedSpeech(self, tone(seconds, self._tone_hz), ending, gate)


class ScriptedSpeech:
    """The tones of one sentence, and the context in which they arrive."""

    def __init__(
        self,
        voice: ScriptedSynthesizer,
        sound: AudioChunk,
        ending: Ending | SenaError,
        gate: asyncio.Event | None,
    ) -> None:
        self._voice = voice
        self._chunks = deque(_pieces_of(sound))
        self._ending = ending
        self._gate = gate
        self._open = False

    async def __aenter__(self) -> AsyncIterator[AudioChunk]:
        self._open = True
        self._voice.open_sentences += 1
        return _Pieces(self._next_chunk)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open = False
        self._voice.open_sentences -= 1

    async def _next_chunk(self) -> AudioChunk | None:
        await asyncio.sleep(0)
        if self._gate is not None:
            await self._gate.wait()
        if not self._open:
            raise CloudFailed("the sentence was given up")
        if self._chunks:
            return self._chunks.popleft()
        await _end(self._ending)
        return None


class _Pieces(Generic[T]):
    """What `take` gives, until it gives None."""

    def __init__(self, take: Callable[[], Awaitable[T | None]]) -> None:
        self._take = take

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        piece = await self._take()
        if piece is None:
            raise StopAsyncIteration
        return piece


async def _end(ending: Ending | SenaError) -> None:
    if isinstance(ending, SenaError):
        raise ending
    if ending is Ending.HANGS:
        await asyncio.get_running_loop().create_future()


def _pieces_of(sound: AudioChunk) -> Iterator[AudioChunk]:
    size = round(_CHUNK_S * sound.format.rate_hz) * sound.format.frame_bytes
    for start in range(0, len(sound.pcm), size):
        yield AudioChunk(sound.format, sound.pcm[start : start + size])


@functools.lru_cache(maxsize=128)
def tone(seconds: float, pitch_hz: float = _TONE_HZ) -> AudioChunk:
    """A quiet tone of this length. Made once: a second of it takes as long as a whole turn."""
    step = 2 * math.pi * pitch_hz / SPEECH_FORMAT.rate_hz
    count = round(seconds * SPEECH_FORMAT.rate_hz)
    samples = array("h", (round(4000 * math.sin(step * n)) for n in range(count)))
    return AudioChunk(SPEECH_FORMAT, samples.tobytes())
