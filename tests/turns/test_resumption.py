"""Stories of answers that are interrupted by nobody, and go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from sena_pi.audio import AudioChunk
from sena_pi.errors import SynthesisFailed
from sena_pi.phases import Phase
from sena_pi.report import Outcome
from sena_pi.simulated.cloudless import (
    CHARACTERS_PER_S,
    Ending,
    ScriptedAnswer,
    ScriptedSynthesizer,
    tone,
)
from sena_pi.stages import Exchange, Header
from tests.turns.bench import UTTERANCE, Bench, answered, tell, until

FIRST, SECOND, THIRD = "This is the first one.", "Here comes the second.", "And a third at last."
ALL = f"{FIRST} {SECOND} {THIRD}"
FIRST_S = len(FIRST) / CHARACTERS_PER_S
FIRST_CHUNKS = 8


async def cut(bench: Bench, after_s: float = FIRST_S + 0.5) -> None:
    """Of three sentences the second is being heard when a wake word is."""
    bench.speaker.hold()
    await bench.ask()
    await bench.reached(Phase.SPEAKING)
    await plays(bench, after_s)
    bench.wake()
    await bench.reached(Phase.LISTENING)
    assert 1 == bench.speaker.flushes


async def plays(bench: Bench, until_s: float) -> None:
    """So much of this run is played, and what there was to do about it has been done."""
    while bench.speaker.played_s < until_s - 1e-6:
        bench.speaker.advance(min(0.1, until_s - bench.speaker.played_s))
        for _ in range(20):
            await asyncio.sleep(0)


async def to_its_end(bench: Bench) -> None:
    """Nothing interrupts it any more."""
    bench.speaker.held = False
    bench.speaker.advance(60)
    await bench.turn_ended()


def seconds(chunks: list[AudioChunk]) -> float:
    return round(sum(chunk.seconds for chunk in chunks), 3)


def test_an_interruption_by_noise_goes_on_with_the_sentence_that_was_cut() -> None:
    """From its beginning, and with the rest; what was heard before is not said again."""

    async def story(bench: Bench) -> None:
        await cut(bench)
        before = len(bench.speaker.heard)
        bench.microphone.hears(None)
        await bench.reached(Phase.SPEAKING)
        await to_its_end(bench)
        rest = [tone(len(one) / CHARACTERS_PER_S).pcm for one in (SECOND, THIRD)]
        assert b"".join(rest) == b"".join(chunk.pcm for chunk in bench.speaker.heard[before:])
        assert [FIRST, SECOND, THIRD] == bench.voice.sentences

    bench = tell(story, cloud=[answered(ALL)])
    nobody, whole = bench.reports
    assert ("2", Outcome.NOTHING_HEARD, 0) == (nobody.turn, nobody.outcome, nobody.resumed)
    assert ("1", Outcome.ANSWERED, 1) == (whole.turn, whole.outcome, whole.resumed)
    assert "resumed 1" in whole.journal_line()
    assert [Exchange("a question", ALL)] == list(bench.conversation.recent())


def test_no_more_is_made_of_an_answer_that_is_held_than_its_queues_take() -> None:
    """However long nobody speaks, and however much there would be to say: it waits, silent."""

    async def story(bench: Bench) -> None:
        await cut(bench)
        heard = len(bench.speaker.heard)
        bench.speaker.held = False
        for _ in range(3000):
            await asyncio.sleep(0)
        assert len(bench.voice.sentences) < 20
        assert (heard, Phase.LISTENING) == (len(bench.speaker.heard), bench.light.shown[-1])
        bench.microphone.hears(None)
        assert 100 * len(FIRST) + 99 == len((await bench.turn_ended()).answered)

    tell(story, cloud=[answered(" ".join([FIRST] * 100))])


@pytest.mark.parametrize("sign", ["pause", "endpoint"])
def test_somebody_who_speaks_ends_the_answer_for_good(sign: str) -> None:
    """At the first pause or at the endpoint: it is left, and reported before the next answer."""

    async def story(bench: Bench) -> None:
        await cut(bench)
        assert bench.cloud is not None
        assert 1 == bench.cloud.open_answers
        if sign == "pause":
            bench.microphone.pauses(UTTERANCE)
            await until(lambda: bench.cloud is not None and bench.cloud.open_answers == 1)
            await until(lambda: len(bench.reports) == 1)
        bench.speaker.held = False
        bench.microphone.hears(UTTERANCE)
        assert "Second answer." == (await bench.turn_ended()).answered

    hanging = ScriptedAnswer(words=(f"{ALL} ",), header=Header(heard="q"), ending=Ending.HANGS)
    bench = tell(story, cloud=[hanging, answered("Second answer.", heard="another")])
    first, second = bench.reports
    assert ("1", Outcome.INTERRUPTED, FIRST, 0) == (
        first.turn,
        first.outcome,
        first.answered,
        first.resumed,
    )
    assert ("2", Outcome.ANSWERED) == (second.turn, second.outcome)
    expected = [Exchange("q", FIRST), Exchange("another", "Second answer.")]
    assert expected == list(bench.conversation.recent())


def test_who_interrupts_is_understood_by_what_was_heard() -> None:
    """What was said of the answer that is held belongs to the next question's conversation."""

    async def story(bench: Bench) -> None:
        await cut(bench)
        bench.speaker.held = False
        bench.microphone.hears(UTTERANCE)
        await bench.turn_ended()
        assert bench.cloud is not None
        said = bench.cloud.questions[1].conversation
        assert [Exchange("a question", FIRST)] == list(said)

    tell(story, cloud=[answered(ALL), answered("Second answer.")])


def test_a_press_while_it_is_listened_means_it() -> None:
    """The button ends what is held; nothing goes on after it."""

    async def story(bench: Bench) -> None:
        await cut(bench)
        bench.assistant.press()
        await until(lambda: bench.microphone.asked[-1:] == [("3", "press")])
        bench.microphone.hears(None)
        await bench.turn_ended()

    bench = tell(story, cloud=[answered(ALL)])
    assert [("1", 0), ("2", 0), ("3", 0)] == sorted((r.turn, r.resumed) for r in bench.reports)
    assert [Exchange("a question", FIRST)] == list(bench.conversation.recent())


def test_who_calls_twice_is_no_noise() -> None:
    """A second wake word while it is listened: the answer does not go on."""

    async def story(bench: Bench) -> None:
        await cut(bench)
        bench.wake()
        await until(lambda: bench.microphone.asked[-1:] == [("3", "detection")])
        bench.microphone.hears(None)
        report = await bench.turn_ended()
        assert ("3", Outcome.NOTHING_HEARD) == (report.turn, report.outcome)

    bench = tell(story, cloud=[answered(ALL)])
    assert 0 == sum(report.resumed for report in bench.reports)


def test_an_answer_can_be_cut_again_and_again() -> None:
    """Also while it is taken up again: each sentence is heard to its end once."""

    async def story(bench: Bench) -> None:
        await cut(bench)
        for time in range(3):
            bench.microphone.hears(None)
            await bench.reached(Phase.SPEAKING)
            await plays(bench, 0.3)
            bench.wake()
            await until(lambda time=time: len(bench.microphone.asked) == time + 3)
        bench.microphone.hears(None)
        await bench.reached(Phase.SPEAKING)
        await to_its_end(bench)

    bench = tell(story, cloud=[answered(ALL)])
    assert (ALL, 4) == (bench.reports[-1].answered, bench.reports[-1].resumed)
    assert [Exchange("a question", ALL)] == list(bench.conversation.recent())


def test_the_last_sentence_is_said_again_though_all_of_it_was_made() -> None:
    """Cut while nothing more comes, and only the end is still to be heard."""

    async def story(bench: Bench) -> None:
        await cut(bench, after_s=0.9)
        bench.microphone.hears(None)
        await bench.reached(Phase.SPEAKING)
        await to_its_end(bench)
        assert round(FIRST_S, 3) == seconds(bench.speaker.heard[-FIRST_CHUNKS:])

    bench = tell(story, cloud=[answered(FIRST)])
    assert (FIRST, 1) == (bench.reports[-1].answered, bench.reports[-1].resumed)


def test_a_model_that_is_slow_does_not_hold_up_what_was_cut() -> None:
    """The sentence is said again while the next one is still being thought of."""

    async def story(bench: Bench) -> None:
        await cut(bench, after_s=0.2)
        bench.microphone.hears(None)
        await bench.reached(Phase.SPEAKING)
        bench.speaker.held = False
        bench.speaker.advance(60)
        await until(lambda: len(bench.speaker.heard) == 1 + FIRST_CHUNKS)
        bench.assistant.press()
        await until(lambda: bench.microphone.asked[-1:] == [("3", "press")])
        bench.microphone.hears(None)
        await bench.turn_ended()

    words = (f"{FIRST} And",)
    hanging = ScriptedAnswer(words=words, header=Header(heard="q"), ending=Ending.HANGS)
    tell(story, cloud=[hanging])


def test_a_microphone_that_is_lost_ends_both() -> None:
    """The listening has failed, and the speaker has gone with it: nothing goes on."""

    async def story(bench: Bench) -> None:
        await cut(bench)
        bench.microphone.dies()
        await bench.reached(Phase.ERROR)
        await bench.turn_ended()

    bench = tell(story, cloud=[answered(ALL)])
    expected = [("1", Outcome.INTERRUPTED), ("2", Outcome.FAILED)]
    assert expected == sorted((report.turn, report.outcome) for report in bench.reports)


def test_an_answer_that_fails_while_it_is_held_leaves_the_question_alone() -> None:
    """The speaker is another's: it is not silenced for what nobody hears."""
    gate = asyncio.Event()

    async def story(bench: Bench) -> None:
        bench.voice.endings[SECOND] = SynthesisFailed("died")
        bench.voice.sound_comes = False
        bench.voice.gates[SECOND] = gate
        await cut(bench, after_s=0.2)
        gate.set()
        await until(lambda: len(bench.reports) == 1)
        bench.speaker.held = False
        bench.microphone.hears(UTTERANCE)
        assert "Second answer." == (await bench.turn_ended()).answered
        assert 1 == bench.speaker.flushes

    bench = tell(story, cloud=[answered(ALL), answered("Second answer.")])
    assert [Outcome.FAILED, Outcome.ANSWERED] == [report.outcome for report in bench.reports]


def test_before_the_answer_is_heard_a_wake_word_ends_the_question() -> None:
    """There is no sentence to go on with: it is asked anew, or not at all."""

    async def story(bench: Bench) -> None:
        await bench.ask()
        await bench.reached(Phase.THINKING)
        bench.wake()
        await bench.reached(Phase.LISTENING)
        assert bench.cloud is not None
        assert 0 == bench.cloud.open_answers
        bench.microphone.hears(None)
        await bench.turn_ended()

    tell(story, cloud=[ScriptedAnswer(ending=Ending.HANGS, header_comes=False)])


@pytest.mark.parametrize("awaits", range(0, 60, 3))
@pytest.mark.parametrize("then", ["press", "stop", "speech", "end"])
def test_what_is_held_can_be_ended_at_any_await(awaits: int, then: str) -> None:
    """While it is held and while it is taken up again, nothing is left open, told once."""

    async def story(bench: Bench) -> None:
        await cut(bench)
        bench.microphone.hears(None if awaits % 2 else UTTERANCE)
        for _ in range(awaits):
            await asyncio.sleep(0)
        if then == "end":
            return
        if then == "press":
            bench.assistant.press()
            await until(lambda: bench.microphone.asked[-1:] == [("3", "press")])
        elif then == "speech":
            bench.wake()
            await until(lambda: bench.microphone.asked[-1:] == [("3", "detection")])
        else:
            bench.assistant.stop()
        bench.speaker.held = False
        if then != "stop":
            bench.microphone.hears(UTTERANCE)
        await bench.turn_ended()

    second, third = answered(ALL, heard="second"), answered(ALL, heard="third")
    bench = tell(story, cloud=[answered(ALL), second, third])
    turns = [report.turn for report in bench.reports]
    assert sorted(set(turns)) == sorted(turns)


def test_a_press_before_it_is_listened_comes_first() -> None:
    """A wake word, and a press while the speaker is being silenced: nothing is held."""

    async def story(bench: Bench) -> None:
        bench.speaker.hold()
        await bench.ask()
        await bench.reached(Phase.SPEAKING)
        bench.speaker.on_flush = bench.assistant.press
        bench.wake()
        await until(lambda: bench.microphone.asked[-1:] == [("2", "press")])
        assert (0, 0) == (bench.voice.open_sentences, len(bench.speaker.heard))
        assert [Outcome.INTERRUPTED] == [report.outcome for report in bench.reports]
        bench.microphone.hears(None)
        report = await bench.turn_ended()
        assert ("2", Outcome.NOTHING_HEARD) == (report.turn, report.outcome)

    tell(story, cloud=[answered(ALL)])


class SlowToLeave(ScriptedSynthesizer):
    """A voice that takes a while to give a sentence up."""

    def synthesize(self, sentence: str, language: str = "en") -> Any:
        return self._slowly(super().synthesize(sentence, language))

    @asynccontextmanager
    async def _slowly(
        self, speech: AbstractAsyncContextManager[AsyncIterator[AudioChunk]]
    ) -> AsyncIterator[AsyncIterator[AudioChunk]]:
        async with speech as chunks:
            try:
                yield chunks
            finally:
                task = asyncio.current_task()
                for _ in range(3000 if task and task.cancelling() else 0):
                    await asyncio.sleep(0)


def test_what_was_interrupted_is_told_first_however_long_it_takes_to_end() -> None:
    """And stands first in the conversation."""
    voice = SlowToLeave()

    async def story(bench: Bench) -> None:
        await cut(bench)
        bench.speaker.held = False
        bench.microphone.hears(UTTERANCE)
        await bench.turn_ended()
        said = ["a question", "another"]
        assert said == [exchange.heard for exchange in bench.conversation.recent()]

    long = answered(" ".join([ALL] * 10))
    bench = tell(story, cloud=[long, answered("Second.", heard="another")], voices=[voice])
    assert ["1", "2"] == [report.turn for report in bench.reports]


def test_what_is_cut_by_the_end_of_the_service_is_told() -> None:
    """The turn that listens and the answer that is held: a line for each."""

    async def story(bench: Bench) -> None:
        await cut(bench)

    bench = tell(story, cloud=[answered(ALL)])
    expected = [("1", Outcome.INTERRUPTED), ("2", Outcome.INTERRUPTED)]
    assert expected == [(report.turn, report.outcome) for report in bench.reports]
    assert [FIRST] == [exchange.spoken for exchange in bench.conversation.recent()]
