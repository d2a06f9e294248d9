"""Stories of turns that are interrupted."""

from __future__ import annotations

import asyncio

import pytest

from sena_pi.phases import Phase
from sena_pi.report import Outcome
from sena_pi.simulated.cloudless import CHARACTERS_PER_S, Ending, ScriptedAnswer
from sena_pi.stages import Header, Intent
from tests.turns.bench import UTTERANCE, Bench, answered, tell, until

LONG = "One two three four five six seven. " * 8
HANGING = ScriptedAnswer(words=(LONG,), header=Header(heard="q"), ending=Ending.HANGS)


async def speaking(bench: Bench) -> None:
    """A long answer is being heard, and its model has more to say."""
    bench.speaker.hold()
    await bench.ask()
    await bench.reached(Phase.SPEAKING)


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
        first_sentence_s = len("One two three four five six seven.") / CHARACTERS_PER_S
        while bench.speaker.played_s < first_sentence_s:
            bench.speaker.advance(0.1)
            await asyncio.sleep(0)
        bench.assistant.press()
        await bench.reached(Phase.LISTENING)
        assert "One two three four five six seven." == bench.reports[0].answered
        assert ["One two three four five six seven."] == [
            exchange.spoken for exchange in bench.conversation.recent()
        ]
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
        bench.microphone.hears(None)
        await bench.turn_ended()

    tell(story, cloud=[HANGING])
