"""Every seam of the appliance: what the brain asks of the world, and nothing more.

Each Protocol has at least two implementations, and one contract suite in `tests/contracts`
that all of them pass. Methods marked *async* run on the brain's event loop and may be
cancelled at any await; after a cancel the implementation holds no socket, task or sound.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from sena_pi.audio import AudioChunk, Frame, Utterance
from sena_pi.pauses import Listener, SpeechPaused
from sena_pi.phases import Phase

# --- hearing, inside the audio worker: blocking, called from its capture thread --------------


@dataclass(frozen=True, slots=True)
class Detection:
    """A wake word was heard.

    Attributes:
        word: the configured word, in lower case with spaces ("hey jarvis").
        engine: the engine that heard it ("porcupine", "porcupine 1.9", "microwakeword").
        end_sample: stream position just after the frame that completed it.
        late_s: how long before `end_sample` the word itself may have been over: an engine needs
            a moment to tell, and people don't pause for it.
    """

    word: str
    engine: str
    end_sample: int
    late_s: float = 0.0


class WakeWordDetector(Protocol):
    """Listens for wake words, frame by frame. Not thread-safe: one owner."""

    @property
    def engine(self) -> str:
        """Name of the engine, as in `Detection.engine`."""

    @property
    def words(self) -> tuple[str, ...]:
        """The words listened for, in lower case with spaces."""

    def process(self, frame: Frame) -> Detection | None:
        """Take the next frame (well under 32 ms); a Detection when a word was completed in it."""

    def close(self) -> None:
        """Free the engine. Idempotent; `process` must not be called afterwards."""


class VoiceActivityDetector(Protocol):
    """Tells speech from the rest, frame by frame. Not thread-safe: one owner."""

    def probability(self, frame: Frame) -> float:
        """Probability, 0 to 1, that this frame holds speech."""

    def reset(self) -> None:
        """Forget what was heard: the next frame starts a new utterance."""


# --- hearing, as the brain has it -------------------------------------------------------------

Since = Literal["detection", "press", "now"]
"""From where on audio is asked for: the last wake word, shortly before a button press, or now."""


@dataclass(frozen=True, slots=True)
class WakeEvent:
    """A wake word was heard.

    Attributes:
        word: the word.
        engine: what heard it.
        monotonic_ns: when it was heard.
    """

    word: str
    engine: str
    monotonic_ns: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of listening.

    Attributes:
        utterance: what was said; None when nobody spoke.
        reason: why listening ended ("silence", "no-speech", "too-long").
        speech_end_ns: monotonic time when speech ended.
        endpoint_ns: monotonic time when that was certain.
        speech_end_sample: stream position where speech ended.
    """

    utterance: Utterance | None
    reason: str
    speech_end_ns: int
    endpoint_ns: int
    speech_end_sample: int


class Microphone(Protocol):
    """Gives what is said, and only while it is asked to."""

    async def hear(
        self, turn: str, since: Since, listener: Listener, *, no_speech_s: float | None = None
    ) -> Heard:
        """Listen until the endpoint; `listener` is told what is being said meanwhile.

        `no_speech_s`: how long the first word is waited for, None as in the settings.
        Cancelled: no audio leaves the microphone's process any more. Bounded by the endpointer.

        Raises:
            WorkerError: the process is gone, or went while listening.
        """

    def phrase(self, pause: SpeechPaused, *, complete: bool) -> None:
        """What was said before a pause is a whole phrase, or is not: wait no longer, or long.

        Returns at once; does nothing when speech has resumed, or nobody listens any more.
        """


# --- understanding and answering, on the brain's loop ----------------------------------------


class Intent(StrEnum):
    """What our own code answers, whoever understood the question."""

    TIME = "time"
    DATE = "date"
    GREETING = "greeting"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    HELP = "help"
    REPEAT = "repeat"
    STOP = "stop"
    VOLUME = "volume"
    MUTE = "mute"
    TIMER = "timer"
    FORGET = "forget"
    WRONG = "wrong"


class Cacheability(StrEnum):
    """How long an answer stays true, as its author judges it."""

    EVERGREEN = "evergreen"
    HOURS = "hours"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard, as text. Empty text: nothing was understood."""

    text: str


class Transcriber(Protocol):
    """Turns an utterance into text on the device."""

    async def transcribe(self, utterance: Utterance) -> Transcript:
        """The words, or an empty text when they are not understood.

        Raises:
            WorkerError: the process that listens died; it is being replaced.
        """


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and what was really spoken in answer to it."""

    heard: str
    spoken: str


@dataclass(frozen=True, slots=True)
class Header:
    """What is known about an answer: before its first word, only as far as the voice needs it.

    Attributes:
        heard: the question as text; empty when not understood.
        language: BCP 47 tag of the answer.
        intent: set when our own code must answer instead of the model.
        cacheability: how long the answer stays true.
        stands_alone: the question means the same in any conversation.
        expects_reply: the answer ends in a question to the person.
    """

    heard: str = ""
    language: str = "en"
    intent: Intent | None = None
    cacheability: Cacheability = Cacheability.NEVER
    stands_alone: bool = False
    expects_reply: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: an utterance, or its text where that is known.

    Attributes:
        utterance: the sound, None for a typed question.
        text: the words, empty until they are known.
        conversation: earlier exchanges, oldest first.
    """

    utterance: Utterance | None = None
    text: str = ""
    conversation: Sequence[Exchange] = field(default=())


class Response(Protocol):
    """An answer that is arriving."""

    async def asked(self) -> Header:
        """Wait until the question and its language are known; the rest may have its defaults.

        Raises:
            CloudError: the answer will not come.
        """

    async def header(self) -> Header:
        """Wait for what is known before the first word; after the last: all of it.

        A broken header gives defaults, never an error.

        Raises:
            CloudError: the answer will not come.
        """

    def deltas(self) -> AsyncIterator[str]:
        """The words to speak, as they arrive; may be iterated once, after `header`.

        Raises:
            CloudError: the answer was cut; what came before it is good.
        """

    @property
    def complete(self) -> bool:
        """True once the answer has ended as its author meant it to."""


@dataclass(frozen=True, slots=True)
class Known:
    """An answer that was given before.

    Attributes:
        sentences: the answer, sentence by sentence, as it was spoken.
        language: its BCP 47 tag.
        model: engine and model that gave it.
        tier: where it was kept ("memory", "card").
        cost_ms: what it took then, from the endpoint to the first sound.
    """

    sentences: tuple[str, ...]
    language: str
    model: str
    tier: str
    cost_ms: float


@dataclass(frozen=True, slots=True)
class EndedTurn:
    """What a memory must know of a turn that is over.

    Attributes:
        header: what is known of the answer.
        conversation: what was said before the question, oldest first.
        sentences: the answer, as it was given to the voice.
        model: what answered; empty: nothing did.
        known: the answer as it was remembered, None when it was not.
        whole: it ended as its author meant it to, and was heard to its end.
        first_audio_ms: from the endpoint to the answer's first sound; None: there was none.
    """

    header: Header
    conversation: Sequence[Exchange]
    sentences: tuple[str, ...]
    model: str
    known: Known | None
    whole: bool
    first_audio_ms: float | None


class Memory(Protocol):
    """Remembers answers. Nothing here raises, or waits for long."""

    async def recall(self, asked: Header, conversation: Sequence[Exchange]) -> Known | None:
        """What was answered to this question, where the same answer is right again."""

    def turn_ended(self, turn: EndedTurn) -> None:
        """A turn is over: keep of it what may be kept. Returns at once."""

    async def forget_last(self) -> bool:
        """The last answer was wrong: forget it; was there one?"""


class LanguageModel(Protocol):
    """Answers questions."""

    @property
    def name(self) -> str:
        """Engine and model, for the journal ("gemini/gemini-3.5-flash-lite")."""

    def respond(self, question: Question) -> AbstractAsyncContextManager[Response]:
        """Start answering; leaving the context cancels what is still arriving at once."""


class Synthesizer(Protocol):
    """Speaks sentences."""

    @property
    def name(self) -> str:
        """Engine and voice, for the journal ("piper/en_US-amy-medium")."""

    def synthesize(
        self, sentence: str, language: str = "en"
    ) -> AbstractAsyncContextManager[AsyncIterator[AudioChunk]]:
        """Start speaking one safe sentence (see `sena_pi.speakable`); chunks as they come.

        Leaving the context cancels the rest. The iterator raises:
            SynthesisFailed: this voice can't speak this sentence, or its process died.
            CloudError: a cloud voice failed.
        """


# --- sounding and showing ---------------------------------------------------------------------


@dataclass(slots=True)
class Mark:
    """A place in a run of sound.

    Attributes:
        passed_ns: monotonic time when the first sample behind it was with the device; None until
            then.
    """

    passed_ns: int | None = None


class Speaker(Protocol):
    """Plays sound; at most one second of it waits unplayed outside the brain.

    One run of sound at a time: from `begin` to `drain` or `flush`. After either, sound is dropped
    until somebody begins anew: so a turn that was flushed can't be heard any more, even where its
    tasks have not noticed yet.
    """

    def begin(self) -> None:
        """Begin a run of sound. Returns at once; nothing is heard yet."""

    @property
    def queued_s(self) -> float:
        """Seconds of sound of this run handed over so far."""

    @property
    def played_s(self) -> float:
        """Seconds of sound of this run that were played so far, a tenth of a second late."""

    @property
    def first_sample_ns(self) -> int | None:
        """Monotonic time when this run's first sample was with the device; None until then."""

    def mark(self) -> Mark:
        """A mark behind all that was handed over so far, before what comes next."""

    async def play(self, chunk: AudioChunk) -> None:
        """Queue a chunk; waits while a second or more is unplayed.

        Raises:
            WorkerError: the speaker's process is gone.
        """

    async def drain(self) -> None:
        """Wait until all that was queued has been played.

        Raises:
            WorkerError: the speaker's process is gone.
        """

    async def flush(self) -> None:
        """Silence now: drop all that is unplayed."""


class StatusLight(Protocol):
    """Shows a person what the assistant is doing."""

    def show(self, phase: Phase) -> None:
        """Show this phase from now on. Returns at once and never raises."""
