"""What our own code answers: words for each intent, and a `LanguageModel` made of rules."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol

from sena_pi.clock import Clock, system_clock
from sena_pi.durations import number_words
from sena_pi.phrases import understand
from sena_pi.stages import (
    Cacheability,
    Exchange,
    Header,
    Intent,
    Question,
    Response,
    Transcriber,
)

NOT_UNDERSTOOD: Final = "Sorry, I didn't get that."

_NOT_YET: Final = "Sorry, I can't do that yet."
_NOT_LISTENING: Final = "I can only set timers while I listen. Please say it to me."
_CLOCK_NOT_SET: Final = "My clock is set as soon as I'm connected to the internet."

# Not from strftime: its names change with the machine's language.
_DAYS: Final = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_MONTHS: Final = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


@dataclass(frozen=True, slots=True)
class Spoken:
    """An answer in words.

    Attributes:
        text: what to say; empty: silence is the answer.
        ends_conversation: nothing of what was said before counts any more.
    """

    text: str
    ends_conversation: bool = False


class TimerDeeds(Protocol):
    """Timers and alarms, as they are asked for."""

    def answer(self, heard: str) -> str:
        """Do what was heard, once for each call, and say so; instant."""

    def stop_ringing(self) -> bool:
        """Silence what rings; did anything?"""


class ControlDeeds(Protocol):
    """Volume and microphone, as they are asked for."""

    def volume(self, heard: str) -> str:
        """Do what was heard, once for each call, and say so; returns when it is on the card."""

    def mute(self) -> str:
        """Close the microphone and say so; returns when that is on the card."""


class LocalAnswers:
    """Answers an intent, whoever understood it. None of the answers may be cached.

    Some answers are deeds: `answer` is called once for each question, and only when it is certain
    that the person has finished.
    """

    def __init__(
        self,
        clock: Clock = system_clock,
        *,
        cloud: bool = False,
        timers: TimerDeeds | None = None,
        controls: ControlDeeds | None = None,
    ) -> None:
        """Uses `clock` for time and date; `cloud`: other questions are answered elsewhere.

        Without `timers` none can be set, without `controls` nothing is louder or muted: they
        belong to the assistant that runs.
        """
        self._clock = clock
        self._cloud = cloud
        self._timers = timers
        self._controls = controls

    def answer(
        self, intent: Intent, heard: str = "", conversation: Sequence[Exchange] = ()
    ) -> Spoken:
        """The answer to an intent.

        Args:
            intent: what is wanted.
            heard: the question, which a greeting or a farewell takes up; may be empty.
            conversation: earlier exchanges, oldest first; `REPEAT` says the last one again.
        """
        match intent:
            case Intent.TIME:
                return Spoken(self._time())
            case Intent.DATE:
                return Spoken(self._date())
            case Intent.GREETING:
                return Spoken(_greeting(heard))
            case Intent.THANKS:
                return Spoken("You're welcome.")
            case Intent.GOODBYE:
                return Spoken(_farewell(heard), ends_conversation=True)
            case Intent.HELP:
                return Spoken(self._help())
            case Intent.REPEAT:
                last = conversation[-1].spoken if conversation else ""
                return Spoken(last or "I haven't said anything yet.")
            case Intent.STOP:
                # Whoever says stop wants silence, not a sentence about it.
                if self._timers is not None:
                    self._timers.stop_ringing()
                return Spoken("", ends_conversation=True)
            case Intent.FORGET:
                return Spoken("Okay, I've forgotten our conversation.", ends_conversation=True)
            case Intent.WRONG:
                return Spoken("Okay, I won't give that answer again.")
            case Intent.TIMER if self._timers is not None:
                return Spoken(self._timers.answer(heard))
            case Intent.VOLUME if self._controls is not None:
                return Spoken(self._controls.volume(heard))
            case Intent.MUTE if self._controls is not None:
                return Spoken(self._controls.mute(), ends_conversation=True)
            case Intent.TIMER:
                return Spoken(_NOT_LISTENING)
            case Intent.VOLUME | Intent.MUTE:
                return Spoken(_NOT_YET)

    def _time(self) -> str:
        reading = self._clock()
        if not reading.trusted:
            return f"I don't know the time yet. {_CLOCK_NOT_SET}"
        return f"It's {spoken_time(reading.now)}."

    def _date(self) -> str:
        reading = self._clock()
        if not reading.trusted:
            return f"I don't know the date yet. {_CLOCK_NOT_SET}"
        return f"It's {spoken_date(reading.now)}."

    def _help(self) -> str:
        timers = ", set timers and alarms," if self._timers is not None else ""
        if self._cloud:
            return (
                f"You can ask me anything. I can tell the time and the date{timers} and repeat my"
                " last answer. Say stop, and I'm quiet."
            )
        return (
            f"I can tell you the time and the date{timers} and repeat my last answer. For other"
            " questions I need the internet and a Gemini key."
        )


class RuleResponse:
    """A `Response` made of rules. `header` waits for the ears where there is only sound."""

    def __init__(
        self,
        question: Question,
        transcriber: Transcriber,
        answers: LocalAnswers,
        wake_words: Sequence[str],
    ) -> None:
        self._question = question
        self._transcriber = transcriber
        self._answers = answers
        self._wake_words = wake_words
        self._header: Header | None = None
        self.complete = False

    async def asked(self) -> Header:
        """As `header`: all of it is known at once.

        Raises:
            WorkerError: the ears died.
        """
        return await self.header()

    async def header(self) -> Header:
        """What was understood; no `heard` and no `intent` when nothing was.

        Raises:
            WorkerError: the ears died.
        """
        if self._header is None:
            heard = self._question.text
            if not heard and self._question.utterance is not None:
                heard = (await self._transcriber.transcribe(self._question.utterance)).text
            understood = understand(heard, self._wake_words)
            if understood is None:
                self._header = Header()
            else:
                self._header = Header(
                    heard=heard, intent=understood.intent, cacheability=Cacheability.NEVER
                )
        return self._header

    async def deltas(self) -> AsyncIterator[str]:
        """The answer, or that the question was not understood."""
        header = await self.header()
        text = NOT_UNDERSTOOD
        if header.intent is not None:
            # Not before it is wanted: to answer may be to do something.
            conversation = self._question.conversation
            text = self._answers.answer(header.intent, header.heard, conversation).text
        if text:
            yield text
        self.complete = True


class LocalModel:
    """A `LanguageModel` that answers what our own code can, and says so when it can't.

    A question with text is matched as text; one with sound alone goes to the transcriber.
    """

    name = "rules"

    def __init__(
        self,
        transcriber: Transcriber,
        answers: LocalAnswers,
        wake_words: Iterable[str] = (),
    ) -> None:
        self._transcriber = transcriber
        self._answers = answers
        self._wake_words = tuple(wake_words)

    @asynccontextmanager
    async def respond(self, question: Question) -> AsyncIterator[Response]:
        """Start answering. Nothing runs outside the caller's awaits."""
        yield RuleResponse(question, self._transcriber, self._answers, self._wake_words)


def spoken_time(time: datetime) -> str:
    """A time of day as people say it: "four oh five PM", "noon"."""
    # In words, because synthesisers read 4:05 as "four zero five".
    if time.minute == 0 and time.hour in (0, 12):
        return "noon" if time.hour else "midnight"
    half = "PM" if time.hour >= 12 else "AM"
    hour = number_words(time.hour % 12 or 12)
    if time.minute == 0:
        return f"{hour} {half}"
    oh = "oh " if time.minute < 10 else ""
    return f"{hour} {oh}{number_words(time.minute)} {half}"


def spoken_date(day: date) -> str:
    """A date as people say it: "Monday, November 23rd"."""
    teen = 11 <= day.day <= 13
    ending = "th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    return f"{_DAYS[day.weekday()]}, {_MONTHS[day.month - 1]} {day.day}{ending}"


def _greeting(heard: str) -> str:
    for part in ("morning", "afternoon", "evening"):
        if part in heard.casefold():
            return f"Good {part}!"
    return "Hello! It's good to hear you."


def _farewell(heard: str) -> str:
    return "Good night." if "night" in heard.casefold() else "Goodbye."
