"""What our own code says, and the language model made of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from sena_pi.audio import Utterance
from sena_pi.clock import ClockReading
from sena_pi.errors import WorkerError
from sena_pi.local_answers import (
    NOT_UNDERSTOOD,
    LocalAnswers,
    LocalModel,
    spoken_date,
    spoken_time,
)
from sena_pi.simulated.transcriber import ScriptedTranscriber
from sena_pi.stages import Cacheability, Exchange, Header, Intent, Question, Transcript

NOW = datetime(2026, 11, 23, 16, 40, tzinfo=timezone(timedelta(hours=1)))
SOUND = Utterance(b"\1\0" * 1600, 1600)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def answers(now: datetime = NOW, *, trusted: bool = True, cloud: bool = False) -> LocalAnswers:
    return LocalAnswers(lambda: ClockReading(now, trusted), cloud=cloud)


@pytest.mark.parametrize(
    ("hour", "minute", "said"),
    [
        (0, 0, "midnight"),
        (0, 5, "twelve oh five AM"),
        (0, 30, "twelve thirty AM"),
        (1, 0, "one AM"),
        (4, 9, "four oh nine AM"),
        (11, 59, "eleven fifty-nine AM"),
        (12, 0, "noon"),
        (12, 1, "twelve oh one PM"),
        (13, 10, "one ten PM"),
        (16, 40, "four forty PM"),
        (23, 20, "eleven twenty PM"),
    ],
)
def test_a_time_is_said_in_words(hour: int, minute: int, said: str):
    """No figures, which synthesisers misread; noon and midnight by name."""
    assert said == spoken_time(datetime(2026, 11, 23, hour, minute, 59, tzinfo=UTC))


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 11, 23), "Monday, November 23rd"),
        (date(2026, 12, 1), "Tuesday, December 1st"),
        (date(2027, 1, 2), "Saturday, January 2nd"),
        (date(2026, 2, 11), "Wednesday, February 11th"),
        (date(2026, 3, 12), "Thursday, March 12th"),
        (date(2026, 6, 13), "Saturday, June 13th"),
        (date(2028, 2, 29), "Tuesday, February 29th"),
        (date(2026, 5, 31), "Sunday, May 31st"),
    ],
)
def test_a_date_is_said_with_its_weekday(day: date, said: str):
    """In English, whatever the machine's language."""
    assert said == spoken_date(day)


def test_time_and_date_are_those_of_the_clock():
    """Local time as the clock gives it."""
    assert answers().answer(Intent.TIME).text == "It's four forty PM."
    assert answers().answer(Intent.DATE).text == "It's Monday, November 23rd."


def test_a_clock_that_is_not_set_is_not_believed():
    """A wrong time is worse than none; the person hears what helps."""
    for intent in (Intent.TIME, Intent.DATE):
        text = answers(trusted=False).answer(intent).text
        assert "don't know" in text
        assert "internet" in text


def test_the_last_answer_is_repeated_word_for_word():
    """What was really spoken, of the last exchange only."""
    conversation = [Exchange("who", "Bach."), Exchange("where", "In Leipzig.")]
    assert answers().answer(Intent.REPEAT, "", conversation).text == "In Leipzig."


@pytest.mark.parametrize("conversation", [(), (Exchange("stop", ""),)])
def test_repeating_without_an_answer_says_so(conversation: tuple[Exchange, ...]):
    """Nothing said so far, or only silence."""
    assert answers().answer(Intent.REPEAT, "", conversation).text == "I haven't said anything yet."


@pytest.mark.parametrize("intent", [Intent.VOLUME, Intent.MUTE])
def test_what_is_not_built_yet_is_said_honestly(intent: Intent):
    """Understood, and not pretended."""
    assert "I can't do that yet" in answers().answer(intent).text


def test_timers_belong_to_the_assistant_that_listens():
    """A command that ends after its answer could never ring."""
    assert "while I listen" in answers().answer(Intent.TIMER, "set a timer for a minute").text


def test_stop_is_answered_with_silence():
    """Whoever says stop wants quiet."""
    assert answers().answer(Intent.STOP).text == ""


def test_only_stop_goodbye_and_forget_end_the_conversation():
    """After these, nothing that was said before counts; after all others it does."""
    ending = {intent for intent in Intent if answers().answer(intent).ends_conversation}
    assert {Intent.STOP, Intent.GOODBYE, Intent.FORGET} == ending


@pytest.mark.parametrize(
    ("intent", "heard", "said"),
    [
        (Intent.GREETING, "Good morning!", "Good morning!"),
        (Intent.GREETING, "good evening", "Good evening!"),
        (Intent.GOODBYE, "good night", "Good night."),
        (Intent.GOODBYE, "bye bye", "Goodbye."),
    ],
)
def test_greetings_and_farewells_are_returned_in_kind(intent: Intent, heard: str, said: str):
    """What was heard decides the form."""
    assert said == answers().answer(intent, heard).text


def test_help_promises_only_what_can_be_done():
    """Everything may be asked only where something answers everything."""
    assert "anything" in answers(cloud=True).answer(Intent.HELP).text
    assert "anything" not in answers(cloud=False).answer(Intent.HELP).text


@pytest.mark.parametrize("cloud", [True, False])
@pytest.mark.parametrize("intent", Intent)
def test_no_answer_holds_a_wake_word(intent: Intent, *, cloud: bool):
    """The assistant must not wake itself."""
    text = answers(cloud=cloud).answer(intent, "hello").text.casefold()
    words = ("sena", "jarvis", "mycroft", "nabu", "alexa", "computer", "porcupine")
    assert [] == [word for word in words if word in text]


async def whole(model: LocalModel, question: Question) -> tuple[Header, str, bool]:
    async with model.respond(question) as response:
        header = await response.header()
        text = "".join([delta async for delta in response.deltas()])
        return header, text, response.complete


@pytest.mark.anyio
async def test_sound_is_transcribed_and_answered():
    """The header tells what was heard and meant; the answer may never be cached."""
    model = LocalModel(ScriptedTranscriber({SOUND.pcm: "what time is it"}), answers())
    header = Header(heard="what time is it", intent=Intent.TIME, cacheability=Cacheability.NEVER)
    assert (header, "It's four forty PM.", True) == await whole(model, Question(utterance=SOUND))


@pytest.mark.anyio
async def test_text_is_matched_without_listening():
    """A question known as text does not trouble the ears, even where its sound is there."""
    ears = ScriptedTranscriber({SOUND.pcm: "goodbye"})
    model = LocalModel(ears, answers(), wake_words=["hey jarvis"])
    question = Question(utterance=SOUND, text="Hey Jarvis, what day is it?")
    header, text, _ = await whole(model, question)
    assert Intent.DATE is header.intent
    assert text == "It's Monday, November 23rd."
    assert [] == ears.heard


@pytest.mark.anyio
@pytest.mark.parametrize(
    "question",
    [
        Question(utterance=SOUND),
        Question(text="what time is it in Tokyo"),
        Question(),
    ],
)
async def test_what_is_not_understood_is_told_apart(question: Question):
    """No intent and nothing heard, so that somebody else can be asked; and a sentence for it."""
    model = LocalModel(ScriptedTranscriber(), answers())
    assert (Header(), NOT_UNDERSTOOD, True) == await whole(model, question)


@pytest.mark.anyio
async def test_silence_is_an_answer_too():
    """Stop: understood, complete, and without a word."""
    header, text, complete = await whole(
        LocalModel(ScriptedTranscriber(), answers()), Question(text="stop")
    )
    assert (Intent.STOP, "", True) == (header.intent, text, complete)


@pytest.mark.anyio
async def test_the_death_of_the_ears_is_passed_on():
    """It is the turn that decides what to do then."""

    class DeadEars:
        async def transcribe(self, utterance: Utterance) -> Transcript:
            raise WorkerError("died")

    with pytest.raises(WorkerError):
        await whole(LocalModel(DeadEars(), answers()), Question(utterance=SOUND))


@pytest.mark.anyio
async def test_the_sound_is_heard_once():
    """However often the header is asked for."""
    ears = ScriptedTranscriber({SOUND.pcm: "thank you"})
    async with LocalModel(ears, answers()).respond(Question(utterance=SOUND)) as response:
        assert await response.header() is await response.header()
        assert ["You're welcome."] == [delta async for delta in response.deltas()]
    assert [SOUND] == ears.heard
