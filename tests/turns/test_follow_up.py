"""Stories of listening on after an answer, without a wake word."""

from __future__ import annotations

import asyncio

import pytest

from sena_pi.answer import Answer
from sena_pi.errors import CloudUnreachable
from sena_pi.follow_up import FollowUps, FollowUpSettings, follow_ups
from sena_pi.phases import Phase
from sena_pi.report import Outcome, TurnReport
from sena_pi.settings import Conversation as Talk
from sena_pi.settings import Settings
from sena_pi.simulated.cloudless import ScriptedAnswer
from sena_pi.stages import Exchange, Header, Intent, Known
from tests.turns.bench import UTTERANCE, Bench, answered, tell, understands, until
from tests.turns.memory import FRANCE, StoryMemory

AT_ONCE = FollowUpSettings(echo_s=0.0)
"""Nothing echoes in a story, unless it is about that."""
NEVER_STILL = FollowUpSettings(echo_s=1000.0)


def asking(words: str, heard: str = "a question") -> ScriptedAnswer:
    """An answer that expects one, as its author says."""
    return ScriptedAnswer(words=(words,), header=Header(heard=heard, expects_reply=True))


async def window(bench: Bench, turn: int = 2) -> None:
    """A follow-up is listened for."""
    await until(lambda: bench.microphone.listens and len(bench.microphone.asked) == turn)


async def silence(bench: Bench) -> None:
    """Nobody says anything."""
    bench.microphone.hears(None)
    await bench.turn_ended()


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (answered("Paris is big."), 2.0),
        (asking("Do you want to know more."), 4.0),
        (answered("Which one do you mean?"), 4.0),
        (answered("你要哪一个？"), 4.0),  # noqa: RUF001
    ],
)
def test_after_an_answer_a_person_may_speak_on(answer: ScriptedAnswer, seconds: float) -> None:
    """From now on, and longer after a question, whoever knows that it is one."""

    async def story(bench: Bench) -> None:
        await bench.ask()
        await window(bench)
        assert ("2", "now") == bench.microphone.asked[-1]
        assert [None, seconds] == bench.microphone.no_speech_s
        await silence(bench)

    tell(story, cloud=[answer], follow_ups=AT_ONCE)


def test_what_is_asked_in_the_window_is_a_turn_like_any_other() -> None:
    """With the conversation so far, and a window of its own after it."""

    async def story(bench: Bench) -> None:
        await bench.ask()
        await window(bench)
        bench.microphone.hears(UTTERANCE)
        await window(bench, 3)
        await silence(bench)
        assert bench.cloud is not None
        assert [Exchange("first", "One.")] == list(bench.cloud.questions[1].conversation)

    bench = tell(
        story,
        cloud=[answered("One.", heard="first"), answered("Two.", heard="second")],
        follow_ups=AT_ONCE,
    )
    by = [(report.trigger, report.outcome) for report in bench.reports]
    expected = [
        ("jarvis", Outcome.ANSWERED),
        ("follow-up", Outcome.ANSWERED),
        ("follow-up", Outcome.NOTHING_HEARD),
    ]
    assert expected == by
    said = [Exchange("first", "One."), Exchange("second", "Two.")]
    assert said == list(bench.conversation.recent())


def test_a_window_in_which_nobody_speaks_ends_without_a_sign() -> None:
    """No failure, no request, no sound, not in the conversation; one line of report."""

    async def story(bench: Bench) -> None:
        await bench.ask()
        await window(bench)
        await silence(bench)
        assert bench.cloud is not None
        assert 1 == len(bench.cloud.questions)

    bench = tell(story, cloud=[answered("Paris.")], follow_ups=AT_ONCE)
    shown = [Phase.IDLE, Phase.LISTENING, Phase.THINKING, Phase.SPEAKING, Phase.LISTENING]
    assert [*shown, Phase.IDLE] == bench.light.shown
    last = bench.reports[-1]
    assert ("2", "follow-up", Outcome.NOTHING_HEARD) == (last.turn, last.trigger, last.outcome)
    assert ("", "", ()) == (last.heard, last.answered, last.problems)
    assert [Exchange("a question", "Paris.")] == list(bench.conversation.recent())


def test_the_window_opens_when_the_answer_has_been_heard() -> None:
    """Not when it has been made: nobody is listened to while something is played."""

    async def story(bench: Bench) -> None:
        bench.speaker.hold()
        await bench.ask()
        await bench.reached(Phase.SPEAKING)
        for _ in range(500):
            await asyncio.sleep(0)
        assert 1 == len(bench.microphone.asked)
        bench.speaker.advance(60)
        await window(bench)
        await silence(bench)

    tell(story, cloud=[answered("Paris.")], follow_ups=AT_ONCE)


def test_while_the_room_still_sounds_nobody_is_listened_to() -> None:
    """The echo of an answer is not its next question."""

    async def story(bench: Bench) -> None:
        await bench.ask()
        await until(lambda: len(bench.reports) == 1)
        for _ in range(500):
            await asyncio.sleep(0)
        assert 1 == len(bench.microphone.asked)

    tell(story, cloud=[answered("Paris.")], follow_ups=NEVER_STILL)


@pytest.mark.parametrize("settings", [AT_ONCE, NEVER_STILL])
@pytest.mark.parametrize("how", ["press", "wake"])
def test_who_calls_in_the_window_starts_a_turn_of_their_own(
    how: str, settings: FollowUpSettings
) -> None:
    """As ever: from the wake word or the press on, with all the time there is."""

    async def story(bench: Bench) -> None:
        await bench.ask()
        await until(lambda: len(bench.reports) == 1)
        if settings is AT_ONCE:
            await window(bench)
        bench.assistant.press() if how == "press" else bench.wake()
        since = "press" if how == "press" else "detection"
        await until(lambda: bench.microphone.asked[-1][1] == since and not bench.assistant.asked)
        await until(lambda: bench.microphone.listens)
        assert bench.microphone.no_speech_s[-1] is None
        await silence(bench)

    tell(story, cloud=[answered("Paris.")], follow_ups=settings)


def test_without_the_setting_nobody_is_listened_to() -> None:
    """One turn, and the assistant is idle."""

    async def story(bench: Bench) -> None:
        await bench.answer_to_question()
        assert 1 == len(bench.microphone.asked)

    tell(story, cloud=[asking("What else?")])


def test_the_settings_say_whether_and_how_long() -> None:
    """Switched off there are none; else their seconds."""
    assert follow_ups(Settings(conversation=Talk(follow_up=False))) is None
    chosen = follow_ups(Settings(conversation=Talk(follow_up_s=1.0, follow_up_question_s=3.0)))
    assert chosen is not None
    assert (1.0, 3.0) == (chosen.settings.statement_s, chosen.settings.question_s)


def only_cloud(answer: ScriptedAnswer) -> dict[str, object]:
    return {"cloud": [answer]}


def only_rules(heard: str, intent: Intent) -> dict[str, object]:
    return {"cloud": None, "local": understands(heard, intent)}


WORDS = ("Whole one. And then",)
CUT = ScriptedAnswer(WORDS, Header(heard="q"), CloudUnreachable("lost"))


@pytest.mark.parametrize(
    "bench",
    [
        only_rules("goodbye", Intent.GOODBYE),
        only_rules("stop", Intent.STOP),
        only_rules("what time is it", Intent.TIME),
        only_cloud(CUT),
        only_cloud(ScriptedAnswer(ending=CloudUnreachable("no network"), header_comes=False)),
    ],
    ids=["goodbye", "stop", "time", "cut", "no-answer"],
)
def test_nobody_is_listened_to_after_what_is_no_conversation(bench: dict[str, object]) -> None:
    """A goodbye, a stop, what our own code says, and an answer that failed."""

    async def story(bench: Bench) -> None:
        await bench.answer_to_question()
        assert 1 == len(bench.microphone.asked)

    tell(story, follow_ups=AT_ONCE, **bench)


def test_a_goodbye_is_one_however_it_is_put() -> None:
    """A question that says goodbye asks for nothing; in a conversation it does."""
    report = TurnReport("1", "jarvis", Outcome.ANSWERED, answered="See you tomorrow?")
    assert FollowUps().after(report, Answer(complete=True)) is not None
    assert FollowUps().after(report, Answer(complete=True, ends_conversation=True)) is None


def test_after_a_remembered_answer_a_person_may_speak_on() -> None:
    """Wherever it came from, it was an answer."""

    async def story(bench: Bench) -> None:
        await bench.ask()
        await window(bench)
        assert 4.0 == bench.microphone.no_speech_s[-1]
        await silence(bench)

    known = Known(("Paris.", "Do you want more?"), "en", "cloud/x", "memory", 1.0)
    tell(
        story,
        cloud=[answered("", heard=FRANCE)],
        memory=StoryMemory({FRANCE: known}),
        follow_ups=AT_ONCE,
    )


def test_after_an_interruption_nobody_is_listened_to_twice() -> None:
    """A press in the middle of an answer, and then silence: the turn is over, and no window."""

    async def story(bench: Bench) -> None:
        bench.speaker.hold()
        await bench.ask()
        await bench.reached(Phase.SPEAKING)
        bench.assistant.press()
        await window(bench)
        await silence(bench)
        assert ["detection", "press"] == [since for _, since in bench.microphone.asked]

    tell(story, cloud=[asking("Paris is big. Do you want more?")], follow_ups=AT_ONCE)


def test_an_answer_that_was_interrupted_by_nobody_has_its_window_at_its_end() -> None:
    """Once, when the rest has been heard."""

    async def story(bench: Bench) -> None:
        bench.speaker.hold()
        await bench.ask()
        await bench.reached(Phase.SPEAKING)
        bench.wake()
        await window(bench)
        bench.speaker.held = False
        bench.microphone.hears(None)
        await window(bench, 3)
        assert ("3", "now") == bench.microphone.asked[-1]
        await silence(bench)

    bench = tell(story, cloud=[asking("Do you want more?")], follow_ups=AT_ONCE)
    assert ["2", "1", "3"] == [report.turn for report in bench.reports]


@pytest.mark.parametrize(
    ("heard", "windows"),
    [("", AT_ONCE.most_in_vain), ("blah", AT_ONCE.longest_chain)],
)
def test_a_television_is_not_talked_to_for_ever(heard: str, windows: int) -> None:
    """A few follow-ups without words, or many with them, and it takes a wake word again."""

    async def story(bench: Bench) -> None:
        bench.wake()
        for turn in range(1, 2 + windows):
            await window(bench, turn)
            bench.microphone.hears(UTTERANCE)
        await bench.turn_ended()
        assert 1 + windows == len(bench.microphone.asked)
        bench.wake()
        await window(bench, 2 + windows)
        bench.microphone.hears(UTTERANCE)
        await window(bench, 3 + windows)
        await silence(bench)

    answers = [asking("What did you say?", heard) for _ in range(2 + windows)]
    tell(story, cloud=answers, follow_ups=AT_ONCE)


def test_words_between_make_a_television_a_person() -> None:
    """What was not understood counts only in a row."""

    async def story(bench: Bench) -> None:
        bench.wake()
        for turn in range(1, 6):
            await window(bench, turn)
            bench.microphone.hears(UTTERANCE)
        await window(bench, 6)
        await silence(bench)

    heard = ["words", "", "words", "", "words"]
    tell(story, cloud=[asking("What?", one) for one in heard], follow_ups=AT_ONCE)


def test_a_microphone_that_is_lost_is_not_asked_for_more() -> None:
    """An answer that was heard to its end is no failure."""

    async def story(bench: Bench) -> None:
        bench.speaker.hold()
        await bench.ask()
        await bench.reached(Phase.SPEAKING)
        bench.assistant.hearing(on=False)
        bench.speaker.held = False
        bench.speaker.advance(60)
        assert Outcome.ANSWERED == (await bench.turn_ended()).outcome
        assert Phase.ERROR not in bench.light.shown

    tell(story, cloud=[answered("Paris.")], follow_ups=AT_ONCE)


@pytest.mark.parametrize("settings", [AT_ONCE, NEVER_STILL])
def test_the_window_can_be_closed(settings: FollowUpSettings) -> None:
    """By the button's stop; before it has opened, too."""

    async def story(bench: Bench) -> None:
        await bench.ask()
        await until(lambda: len(bench.reports) == 1)
        if settings is AT_ONCE:
            await window(bench)
        assert bench.assistant.stop()
        await bench.turn_ended()
        assert not bench.microphone.listens

    tell(story, cloud=[answered("Paris.")], follow_ups=settings)


@pytest.mark.parametrize("awaits", range(0, 90, 3))
def test_a_call_at_any_await_around_the_window_is_heard(awaits: int) -> None:
    """A press as the answer ends, before, in or after the window: nothing is left open."""

    async def story(bench: Bench) -> None:
        await bench.ask()
        for _ in range(awaits):
            await asyncio.sleep(0)
        bench.assistant.press()
        await until(lambda: bench.microphone.asked[-1][1] == "press" and bench.microphone.listens)
        bench.microphone.hears(UTTERANCE)
        await until(lambda: bench.reports[-1].trigger == "press")
        assert "One answer." == bench.reports[-1].answered

    tell(story, cloud=[answered("One answer.")] * 2, follow_ups=AT_ONCE)
