"""What became of a turn: its outcome and its times, for the journal and for `--json`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

FOLLOW_UP: Final = "follow-up"
"""What a turn is triggered by that nobody asked for: somebody may have more to say."""


class Outcome(StrEnum):
    """How a turn ended."""

    ANSWERED = "answered"
    NOTHING_HEARD = "nothing-heard"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class Source(StrEnum):
    """Where an answer came from."""

    CLOUD = "cloud"
    CACHE = "cache"
    RULE = "rule"


@dataclass(slots=True)
class Timeline:
    """Moments of one turn, in monotonic nanoseconds; None: did not happen.

    Attributes:
        speech_end: a person stopped speaking.
        guess: the answer that was kept was begun; None: not before the endpoint.
        endpoint: it was certain that the person had stopped.
        transcript: the question was known as text.
        lookup: it was known whether the answer is in the cache.
        first_text: the first words of the answer were known.
        first_sentence: so was as much of it as is spoken at once.
        first_sound: the first sound of that came from the voice.
        filler: the first sample of a filler was with the speaker.
        reason: that of the first reason for no answer, or none yet.
        first_audio: that of the answer itself.
        end: the turn was over.
    """

    speech_end: int | None = None
    guess: int | None = None
    endpoint: int | None = None
    transcript: int | None = None
    lookup: int | None = None
    first_text: int | None = None
    first_sentence: int | None = None
    first_sound: int | None = None
    filler: int | None = None
    reason: int | None = None
    first_audio: int | None = None
    end: int | None = None

    def milliseconds(self) -> dict[str, float]:
        """Each moment after the end of speech, in ms, as far as it happened."""
        if self.speech_end is None:
            return {}
        return {
            name: round((moment - self.speech_end) / 1e6, 1)
            for name, moment in asdict(self).items()
            if name != "speech_end" and moment is not None
        }


@dataclass(frozen=True, slots=True)
class TurnReport:
    """One turn, as it went.

    Attributes:
        turn: its id.
        trigger: the wake word, "press" or "follow-up".
        outcome: how it ended.
        heard: the question; empty when not understood.
        answered: what was really spoken of the answer.
        told: what was spoken beside it, in order: "filler", and reasons by their names.
        source: where the answer came from, None when there was none.
        tier: where a cached answer was ("memory", "card"); empty when it came from elsewhere.
        model: engine and model that answered.
        voice: engine and voice that spoke the answer, in order if they changed, or else what was
            spoken beside it.
        ms: times after the end of speech, as far as they happened; see `Timeline`.
        problems: what went wrong on the way, for the journal; never what was said.
        speech_end_sample: where speech ended in the microphone's stream.
        guesses: answers that were begun before the person had finished for certain.
        wasted_requests: of the cloud, for those that were not kept.
        resumed: how often it was interrupted by nobody, and went on.
    """

    turn: str
    trigger: str
    outcome: Outcome
    heard: str = ""
    answered: str = ""
    told: tuple[str, ...] = ()
    source: Source | None = None
    tier: str = ""
    model: str = ""
    voice: str = ""
    ms: dict[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    speech_end_sample: int | None = None
    guesses: int = 0
    wasted_requests: int = 0
    resumed: int = 0

    @property
    def unnoticed(self) -> bool:
        """Nobody asked for it, and nobody said anything: nothing has happened."""
        return self.trigger == FOLLOW_UP and self.outcome is Outcome.NOTHING_HEARD

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def shifted(self, later_ms: float) -> TurnReport:
        """The same report with speech ending `later_ms` earlier than was thought."""
        return replace(
            self, ms={name: round(value + later_ms, 1) for name, value in self.ms.items()}
        )

    def journal_line(self) -> str:
        """One line without a word of what was said."""
        parts = [f"turn {self.turn}", f"by {self.trigger}", str(self.outcome)]
        if self.source is not None:
            where = f"{self.source} in {self.tier}" if self.tier else str(self.source)
            parts.append(f"source {where} ({self.model})")
        if self.voice:
            parts.append(f"voice {self.voice}")
        parts += [f"told {name}" for name in self.told]
        parts += [f"{name} {value:.0f} ms" for name, value in self.ms.items()]
        if self.wasted_requests:
            parts.append(f"wasted requests {self.wasted_requests}")
        if self.resumed:
            parts.append(f"resumed {self.resumed}")
        parts += [f"problem: {problem}" for problem in self.problems]
        return ", ".join(parts)
