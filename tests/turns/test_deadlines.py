"""Stories of a cloud that keeps a person waiting."""

from __future__ import annotations

import asyncio

from sena_pi.apologies import CUT
from sena_pi.phases import Phase
from sena_pi.report import Outcome, Source
from sena_pi.simulated.cloudless import Ending, ScriptedAnswer
from sena_pi.stages import Header, Intent
from tests.turns.bench import Bench, answered, tell, understands

PATIENCE_S = 0.05
SILENT = ScriptedAnswer(ending=Ending.HANGS, header_comes=False)


def test_an_answer_that_stops_in_the_middle_counts_as_cut() -> None:
    """What was whole is spoken, then the loss; nobody waits for the rest."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert f"Whole one. {CUT}" == report.answered
        assert ("CloudUnreachable: nothing more of the answer came for 0.05 s",) == report.problems
        assert Outcome.ANSWERED == report.outcome

    words = ("Whole one. And then",)
    hanging = ScriptedAnswer(words=words, header=Header(heard="q"), ending=Ending.HANGS)
    tell(story, cloud=[hanging], patience_s=PATIENCE_S)


def test_an_answer_that_stops_before_its_first_word_is_no_answer() -> None:
    """A header and then nothing: the rules are asked, and then the reason is spoken."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert "I can't reach the internet right now." == report.answered

    hanging = ScriptedAnswer(header=Header(heard="q"), ending=Ending.HANGS)
    tell(story, cloud=[hanging], patience_s=PATIENCE_S)


def test_a_cloud_that_never_begins_is_followed_by_the_rules() -> None:
    """No sign in time: what the rules know is answered."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert ("Own time.", Source.RULE) == (report.answered, report.source)
        assert ("CloudUnreachable: no answer began for 0.05 s",) == report.problems

    local = understands("what time is it", Intent.TIME)
    tell(story, cloud=[SILENT], local=local, patience_s=PATIENCE_S)


def test_a_cloud_that_never_begins_is_explained() -> None:
    """No sign in time, and no rule: the person is told why."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert ("I can't reach the internet right now.", None) == (report.answered, report.source)

    tell(story, cloud=[SILENT], patience_s=PATIENCE_S)


def test_the_time_that_speaking_takes_is_not_the_clouds() -> None:
    """An answer that waits for the speaker, longer than any gap may be, is not cut."""
    words = " ".join(f"This is sentence number {n}." for n in range(10, 40))

    async def story(bench: Bench) -> None:
        bench.speaker.hold()
        await bench.ask()
        await bench.reached(Phase.SPEAKING)
        never = asyncio.get_running_loop().create_future()
        await asyncio.wait({never}, timeout=4 * PATIENCE_S)
        bench.speaker.held = False
        bench.speaker.advance(60)
        report = await bench.turn_ended()
        assert (words, ()) == (report.answered, report.problems)

    pieces = tuple(f"{word} " for word in words.split())
    tell(story, cloud=[answered(*pieces)], patience_s=PATIENCE_S)
