"""What is said about timers, and that each sentence is done once, rightly or not at all."""

from __future__ import annotations

import errno
from datetime import datetime
from pathlib import Path

import pytest

from sena_pi.local_answers import LocalAnswers, LocalModel
from sena_pi.sentences import SentenceSplitter
from sena_pi.simulated.transcriber import ScriptedTranscriber
from sena_pi.speakable import speakable
from sena_pi.stages import Header, Intent, Question
from sena_pi.thinking import Answer, Mind
from sena_pi.timers import prose
from sena_pi.timers.answers import TimerAnswers
from sena_pi.timers.entries import Entry
from sena_pi.timers.ringing import Ringing
from sena_pi.timers.service import MOST, Timers
from sena_pi.timers.store import TimerStore
from tests.timers.clocks import BERLIN, StoryClocks, StoryRinger


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Person:
    """Somebody who talks to the timers."""

    def __init__(self, folder: Path, clocks: StoryClocks | None = None) -> None:
        self.clocks = clocks or StoryClocks()
        self.ringer = StoryRinger()
        self.timers = Timers(TimerStore(folder / "timers.json"), [self.ringer], now=self.clocks)
        self.answers = TimerAnswers(self.timers, ["hey jarvis"])

    def says(self, text: str) -> str:
        """What is answered."""
        return self.answers.answer(text)

    def waits(self, seconds: float) -> None:
        self.clocks.passes(seconds)
        self.timers.look()


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def test_a_timer_is_set_asked_for_and_cancelled(person: Person):
    """With its name; what is left is told to the second in its last ten minutes."""
    assert "Okay, your pasta timer is set for twelve minutes." == person.says(
        "Hey Jarvis, set a pasta timer for 12 minutes"
    )
    person.waits(65)
    assert "The pasta timer has eleven minutes left." == person.says("how long is left?")
    person.waits(240)
    assert "The pasta timer has six minutes and fifty-five seconds left." == person.says(
        "how much time is left on the pasta timer"
    )
    assert "Okay, the pasta timer is cancelled." == person.says("cancel the timer")
    assert "There are no timers." == person.says("what timers do I have")


def test_an_alarm_is_confirmed_with_its_day_and_half_of_the_day(person: Person):
    """Whoever was misunderstood hears it at once."""
    assert "Okay, I'll wake you at seven AM tomorrow." == person.says("wake me at seven")
    assert "Okay, your alarm is set for six thirty AM tomorrow." == person.says(
        "set an alarm for 6:30 tomorrow"
    )
    assert "Okay, your gym alarm is set for seven PM today." == person.says(
        "set an alarm for seven called gym"
    )
    assert "Okay, your alarm is set for eight AM on Friday, November 27th." == person.says(
        "set an alarm for friday at 8"
    )
    assert "There's an alarm called gym for seven PM today." == person.says(
        "when is the gym alarm?"
    )
    assert "Okay, the alarm for seven AM tomorrow is cancelled." == person.says(
        "cancel the 7 am alarm"
    )
    assert 3 == len(person.timers.shown())


def test_a_clock_that_is_not_set_takes_timers_but_no_alarms(tmp_path: Path):
    """The person hears what helps, and what works meanwhile."""
    person = Person(tmp_path, StoryClocks(trusted=False))
    text = person.says("wake me at seven")
    assert "don't know the time" in text
    assert "internet" in text
    assert "timer" in text
    assert [] == person.timers.shown()
    assert "Okay" in person.says("set a timer for ten minutes")


def test_one_of_several_is_not_guessed(person: Person):
    """Which one is asked, with what to call each; names, lengths and "all" are understood."""
    person.says("set a pasta timer for ten minutes")
    person.says("set a timer for five minutes")
    person.says("set a timer for 20 minutes")
    text = person.says("cancel the timer")
    for name in ("the five minute timer", "the pasta timer", "the twenty minute timer"):
        assert name in text
    assert 3 == len(person.timers.shown())
    assert "There's no such timer." == person.says("cancel the tea timer")
    assert "Okay, the twenty minute timer is cancelled." == person.says(
        "cancel the twenty minute timer"
    )
    assert "Okay, all 2 are cancelled." == person.says("cancel all timers")
    assert [] == person.timers.shown()


@pytest.mark.parametrize("text", ["stop", "stop the timer", "cancel the pasta timer", "stop it"])
def test_what_rings_is_stopped_without_a_word(person: Person, text: str):
    """And only that: the one that still runs goes on."""
    person.says("set a pasta timer for one minute")
    person.says("set a timer for ten minutes")
    person.waits(60)
    assert person.ringer.rings
    assert "" == person.says(text)
    assert not person.ringer.rings
    assert 1 == len(person.timers.shown())


def test_another_one_can_be_cancelled_while_one_rings(person: Person):
    """Its name tells it apart."""
    person.says("set a pasta timer for one minute")
    person.says("set a tea timer for ten minutes")
    person.waits(60)
    assert "Okay, the tea timer is cancelled." == person.says("cancel the tea timer")
    assert person.ringer.rings


@pytest.mark.parametrize("text", ["cancel that", "stop", "delete it"])
def test_a_bare_stop_cancels_nothing(person: Person, text: str):
    """It stops what rings; a timer that runs is not what was meant for sure."""
    person.says("set a timer for ten minutes")
    person.says(text)
    assert 1 == len(person.timers.shown())


@pytest.mark.parametrize(
    "text",
    [
        "set a timer",
        "set a timer for ten",
        "wake me up",
        "wake me every day at seven",
        "remind me to call mum in ten minutes",
        "set an alarm for four tomorrow",
        "set an alarm for seven am today",
        "set a timer for two days",
        "set a timer for thirty hours",
        "add a minute to the timer",
        "mumble",
    ],
)
def test_what_is_not_clear_sets_nothing_and_is_asked_back(person: Person, text: str):
    """Every answer tells what to say instead, and none is a confirmation."""
    answer = person.says(text)
    assert answer
    assert "Okay" not in answer
    assert [] == person.timers.shown()


def test_there_is_an_end_to_how_many_can_be_set(person: Person):
    """A television that talks of timers can't fill the card."""
    for _ in range(MOST):
        person.says("set a timer for ten minutes")
    assert "already" in person.says("set a timer for ten minutes")
    assert "already" in person.says("wake me at seven")
    assert MOST == len(person.timers.shown())


def test_what_was_missed_is_told_with_the_next_answer_and_once(tmp_path: Path):
    """Whatever is asked of the timers next."""
    person = Person(tmp_path)
    person.says("set a pasta timer for ten minutes")
    person.timers._store.save(person.timers._kept())
    person.clocks.power_cut(7200)
    again = Person(tmp_path, person.clocks)
    again.timers.look()
    assert again.says("how long is left").endswith(
        "The pasta timer was due while I was switched off."
    )
    assert "There are no timers or alarms." == again.says("how long is left")


def test_a_card_that_refuses_is_told(tmp_path: Path):
    """From the second answer on: the first is given before the card was tried."""
    person = Person(tmp_path)
    person.says("set a timer for ten minutes")
    person.timers._tell_saved(person.timers._kept(), OSError(errno.EROFS, "read-only"))
    assert "power cut" in person.says("set a timer for five minutes")


def test_every_sentence_can_be_spoken(person: Person):
    """Nothing is left out or changed on the way to the voice, and nothing is read as figures."""
    texts = [prose.asked_back(why) for why in (*prose._ASKED_BACK, *prose._UNSURE)]
    texts += [
        person.says(text)
        for text in (
            "set a timer for 1 hour 20 minutes 5 seconds",
            "set an alarm for 18:05",
            "what timers do I have",
            "what alarms are set",
            "cancel the timer",
        )
    ]
    entry = Entry.timer(9, 5400, "", person.clocks())
    texts += [prose.rings(Ringing(entry, 0.0, late_s)) for late_s in (0.0, 300.0)]
    for text in texts:
        splitter = SentenceSplitter()
        sentences = [*splitter.feed(text), *splitter.flush()]
        assert text == " ".join(filter(None, map(speakable, sentences)))
        assert not any(character.isdigit() for character in text.replace("23rd", ""))


@pytest.mark.parametrize(
    ("kind", "name", "late_s", "said"),
    [
        ("timer", "", 0, "Your timer of ten minutes is done."),
        ("timer", "pasta", 3, "Your pasta timer is done."),
        (
            "timer",
            "pasta",
            290,
            "Your pasta timer was due five minutes ago, while I was switched off.",
        ),
        ("alarm", "", 0, "This is your alarm."),
        ("alarm", "school", 0, "This is your school alarm."),
    ],
)
def test_what_is_said_beside_the_ring(kind: str, name: str, late_s: float, said: str):
    """Which one it is, and how late where that matters."""
    clocks = StoryClocks()
    entry = (
        Entry.timer(1, 600, name, clocks())
        if kind == "timer"
        else Entry.alarm(1, datetime(2026, 11, 24, 7, tzinfo=BERLIN), name)
    )
    assert said == prose.rings(Ringing(entry, 0.0, late_s))


class CloudThatHears:
    """A language model that hears a question and leaves it to our own code."""

    name = "scripted"

    def __init__(self, heard: str) -> None:
        self._rules = LocalModel(ScriptedTranscriber(), LocalAnswers())
        self._heard = heard

    def respond(self, question: Question):
        return self._rules.respond(Question(text=self._heard))


@pytest.mark.anyio
@pytest.mark.parametrize("cloud", [True, False])
async def test_a_question_sets_one_timer_whoever_heard_it(person: Person, *, cloud: bool):
    """The cloud's words and the device's own go through the same parser, once."""
    answers = LocalAnswers(timers=person.answers)
    local = LocalModel(ScriptedTranscriber(), answers, ["hey jarvis"])
    heard = "Set an egg timer for six minutes."
    mind = Mind(CloudThatHears(heard) if cloud else None, local, answers)
    answer = Answer()
    spoken: list[str] = []

    async def say(sentence: str) -> None:
        spoken.append(sentence)

    async def tell(reason: object) -> None:
        raise AssertionError(reason)

    question = Question(text="" if cloud else heard)
    await mind.answer(question, answer, say, tell)
    assert ["Okay, your egg timer is set for six minutes."] == [" ".join(spoken)]
    assert ["egg"] == [one.entry.name for one in person.timers.shown()]


@pytest.mark.anyio
async def test_to_understand_a_question_does_nothing(person: Person):
    """A guess at what is being said may be given up: only the answer is a deed."""
    model = LocalModel(ScriptedTranscriber(), LocalAnswers(timers=person.answers))
    async with model.respond(Question(text="set a timer for ten minutes")) as response:
        assert Intent.TIMER is (await response.header()).intent
        assert Header().heard != (await response.asked()).heard
    assert [] == person.timers.shown()


def test_stop_silences_what_rings(person: Person):
    """The word alone, as the ears understand it without a network."""
    person.says("set a timer for one minute")
    person.waits(60)
    assert "" == LocalAnswers(timers=person.answers).answer(Intent.STOP, "stop").text
    assert not person.ringer.rings
