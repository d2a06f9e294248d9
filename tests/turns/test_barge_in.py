"""Stories of turns that are interrupted."""

from __future__ import annotations

import asyncio

import pytest

from sena_pi.follow_up import FollowUpSettings
from sena_pi.phases import Phase
from sena_pi.report import Outcome
from sena_pi.simulated.cloudless import CHARACTERS_PER_S, Ending, ScriptedAnswer
from sena_pi.stages import Header, Intent
from tests.turns.bench import UTTERANCE, Bench, answered, tell, until

FIRST = "One two three four five six seven."
LONG = f"{FIRST} " * 8
HANGING = ScriptedAnswer(words=(LONG,), header=Header(heard="q"), ending=Ending.HANGS)


async def speaking(bench: Bench) -> None:
    """A long answer is being heard, and its model has more to say."""
    bench.speaker.hold()
    await bench.ask()
    await bench.reached(Phase.SPEAKING)


async def plays_first_sentence(bench: Bench) -> None:
    while bench.speaker.played_s < len(FIRST) / CHARACTERS_PER_S:
        bench.speaker.advance(0.1)
        await asyncio.sleep(0)


def stop(bench: Bench, how: str) -> None:
    """By the button, or by the word."""
    if how == "stop":
        assert bench.assistant.stop()
    else:
        bench.assistant.stopped()


def left_open(bench: Bench) -> tuple[int, int]:
    """Answers and sentences that are under way."""
    assert bench.cloud is not None
    return bench.cloud.open_answers, bench.voice.open_sentences


@pytest.mark.parametrize("how", ["press", "wake"])
def test_barge_in_silences_and_listens(how: str) -> None:
    """Both ways: the speaker is flushed, and the next question heard and answered."""

    async def story(bench: Bench) -> None:
        await speaking(bench)
        bench.assistant.press() if how == "press" else bench.wake()
        await bench.reached(Phase.LISTENING)
        assert 1 == bench.speaker.flushes
        since = "press" if how == "press" else "detection"
        assert ("2", since) == bench.microphone.asked[-1]
        bench.speaker.held = False
        bench.microphone.hears(UTTERANCE)
        report = await bench.turn_ended()
        assert "Second answer." == report.answered

    bench = tell(story, cloud=[HANGING, answered("Second answer.")])
    assert [Outcome.INTERRUPTED, Outcome.ANSWERED] == [r.outcome for r in bench.reports]


def test_a_press_leaves_the_answer_at_once() -> None:
    """Whoever presses means it: before the next question is heard, nothing is under way."""

    async def story(bench: Bench) -> None:
        await speaking(bench)
        assert (1, 0) < left_open(bench)
        bench.assistant.press()
        await bench.reached(Phase.LISTENING)
        assert (0, 0) == left_open(bench)
        bench.microphone.hears(None)
        assert Outcome.NOTHING_HEARD == (await bench.turn_ended()).outcome

    bench = tell(story, cloud=[HANGING])
    assert [] == bench.speaker.heard


def test_only_what_was_heard_is_remembered() -> None:
    """After an interruption the conversation holds the sentences that were played."""

    async def story(bench: Bench) -> None:
        await speaking(bench)
        await plays_first_sentence(bench)
        bench.assistant.press()
        await bench.reached(Phase.LISTENING)
        assert FIRST == bench.reports[0].answered
        assert [FIRST] == [exchange.spoken for exchange in bench.conversation.recent()]
        bench.microphone.hears(None)
        await bench.turn_ended()

    tell(story, cloud=[HANGING])


def test_a_press_while_listening_starts_over() -> None:
    """The first listening is given up, the second one is heard."""

    async def story(bench: Bench) -> None:
        bench.wake()
        await bench.reached(Phase.LISTENING)
        bench.assistant.press()
        await until(lambda: len(bench.microphone.asked) == 2)
        assert ["1"] == bench.microphone.given_up
        bench.microphone.hears(None)
        await bench.turn_ended()

    tell(story)


def test_a_press_while_thinking_cancels_the_question() -> None:
    """A model that has not begun to answer is left at once."""

    async def story(bench: Bench) -> None:
        await bench.ask()
        await bench.reached(Phase.THINKING)
        bench.assistant.press()
        await bench.reached(Phase.LISTENING)
        assert bench.cloud is not None
        assert 0 == bench.cloud.open_answers
        bench.microphone.hears(None)
        await bench.turn_ended()

    tell(story, cloud=[ScriptedAnswer(ending=Ending.HANGS, header_comes=False)])


def test_a_storm_of_presses_is_one_turn_at_a_time() -> None:
    """Fifty presses leave one turn that listens, and every turn before it closed."""

    async def story(bench: Bench) -> None:
        for _ in range(50):
            bench.assistant.press()
            await asyncio.sleep(0)
        await bench.reached(Phase.LISTENING)
        await until(lambda: bench.microphone.listens and not bench.assistant.asked)
        bench.microphone.hears(None)
        await bench.turn_ended()

    tell(story)


@pytest.mark.parametrize("awaits", range(0, 120, 3))
def test_a_turn_can_be_cancelled_at_any_await(awaits: int) -> None:
    """Interrupted after any number of steps, nothing is left open and the next turn works."""

    async def story(bench: Bench) -> None:
        await bench.ask()
        for _ in range(awaits):
            await asyncio.sleep(0)
        bench.assistant.press()
        await until(lambda: bench.microphone.asked[-1:] == [("2", "press")])
        bench.microphone.hears(UTTERANCE)
        assert "Second answer." == (await bench.turn_ended()).answered

    tell(story, cloud=None, local=lambda _: answered("Second answer."))


def test_goodbye_forgets_the_conversation() -> None:
    """After goodbye nothing of what was said is sent along."""

    async def story(bench: Bench) -> None:
        await bench.answer_to_question()
        assert 1 == len(bench.conversation.recent())
        await bench.answer_to_question()
        assert 0 == len(bench.conversation.recent())

    goodbye = ScriptedAnswer(header=Header(heard="goodbye", intent=Intent.GOODBYE))
    tell(story, cloud=[answered("Hello there."), goodbye])


def test_the_speaker_is_silenced_before_the_turn_is_given_up() -> None:
    """The order to be silent goes out first: giving a turn up may take a moment."""

    async def story(bench: Bench) -> None:
        await speaking(bench)
        cancelled: list[int] = []
        bench.speaker.on_flush = lambda: cancelled.extend(
            task.cancelling() for task in asyncio.all_tasks() if task.get_name() == "turn 1"
        )
        bench.assistant.press()
        await bench.reached(Phase.LISTENING)
        assert [0] == cancelled
        bench.microphone.hears(None)
        await bench.turn_ended()

    tell(story, cloud=[HANGING])


@pytest.mark.parametrize("how", ["press", "wake"])
def test_what_is_done_on_idle_is_told_of_a_turn_at_once(how: str) -> None:
    """Before anything of the turn has run; of one that interrupts another, too."""

    async def story(bench: Bench) -> None:
        await speaking(bench)
        assert 1 == bench.triggers
        bench.assistant.press() if how == "press" else bench.wake()
        assert 2 == bench.triggers
        await bench.reached(Phase.LISTENING)
        bench.speaker.held = False
        bench.microphone.hears(UTTERANCE)
        await bench.turn_ended()

    tell(story, cloud=[HANGING, answered("Second answer.")])


@pytest.mark.parametrize("how", ["stop", "stop word"])
def test_who_says_stop_is_left_alone(how: str) -> None:
    """Silence, and nobody is listened to; what was heard is still known."""

    async def story(bench: Bench) -> None:
        await speaking(bench)
        await plays_first_sentence(bench)
        stop(bench, how)
        report = await bench.turn_ended()
        assert (Outcome.INTERRUPTED, 1) == (report.outcome, bench.speaker.flushes)
        assert ["1"] == [turn for turn, _ in bench.microphone.asked]
        assert [FIRST] == [exchange.spoken for exchange in bench.conversation.recent()]

    tell(story, cloud=[HANGING], follow_ups=FollowUpSettings(echo_s=0))


@pytest.mark.parametrize("how", ["stop", "stop word"])
def test_stop_while_it_is_listened_over_an_answer_ends_both(how: str) -> None:
    """Hey Sena, stop: the answer does not go on."""

    async def story(bench: Bench) -> None:
        await speaking(bench)
        bench.wake()
        await bench.reached(Phase.LISTENING)
        stop(bench, how)
        await bench.turn_ended()
        assert left_open(bench) == (0, 0)

    bench = tell(story, cloud=[HANGING])
    assert [Outcome.INTERRUPTED] * 2 == [report.outcome for report in bench.reports]


def test_stop_tells_whether_there_was_anything_to_stop() -> None:
    """Listening and speaking is; idle and the sign of a failure is not."""

    async def story(bench: Bench) -> None:
        assert not bench.assistant.stop()
        bench.wake()
        assert bench.assistant.stop()
        await bench.assistant.idle()
        assert not bench.assistant.stop()
        bench.wake()
        await bench.reached(Phase.LISTENING)
        assert bench.assistant.stop()
        await bench.turn_ended()
        bench.wake()
        await bench.reached(Phase.LISTENING)
        bench.microphone.dies()
        await bench.reached(Phase.ERROR)
        assert not bench.assistant.stop()
        await bench.turn_ended()

    tell(story)


def test_a_stop_word_while_nothing_sounds_does_nothing() -> None:
    """While a question is asked it is a word of it; told twice it is one."""

    async def story(bench: Bench) -> None:
        bench.assistant.stopped()
        bench.wake()
        await bench.reached(Phase.LISTENING)
        bench.assistant.stopped()
        bench.speaker.hold()
        bench.microphone.hears(UTTERANCE)
        await bench.reached(Phase.SPEAKING)
        bench.assistant.stopped()
        bench.assistant.stopped()
        assert Outcome.INTERRUPTED == (await bench.turn_ended()).outcome
        bench.assistant.stopped()
        assert 1 == bench.speaker.flushes

    tell(story, cloud=[HANGING])


def test_a_press_comes_before_a_stop_word() -> None:
    """Whoever has asked for more is listened to, however late the word is told."""

    async def story(bench: Bench) -> None:
        await speaking(bench)
        bench.assistant.press()
        bench.assistant.stopped()
        await until(lambda: bench.microphone.asked[-1:] == [("2", "press")])
        bench.microphone.hears(None)
        await bench.turn_ended()

    tell(story, cloud=[HANGING])


def test_the_last_of_stop_and_press_counts() -> None:
    """A press that is stopped before it has begun is none; a stop before a press neither."""

    async def story(bench: Bench) -> None:
        await speaking(bench)
        bench.assistant.press()
        bench.assistant.stop()
        assert Outcome.INTERRUPTED == (await bench.turn_ended()).outcome
        await bench.ask()
        await bench.reached(Phase.SPEAKING)
        bench.assistant.stop()
        bench.assistant.press()
        await until(lambda: bench.microphone.asked[-1:] == [("3", "press")])
        bench.microphone.hears(None)
        await bench.turn_ended()

    tell(story, cloud=[HANGING, HANGING])
