"""Stories of faults of the cloud, with the real client against a loopback server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from sena_pi.breaker import State
from sena_pi.clips import Clips
from sena_pi.deadlines import Deadlines
from sena_pi.reasons import Reason
from sena_pi.report import Source
from sena_pi.simulated.cloudless import ScriptedSynthesizer
from tests.faults import (
    ANSWER,
    FAULTS,
    WAITING,
    Brain,
    Fault,
    Place,
    audible_ms,
    brain,
    open_sockets,
)
from tests.gemini_replies import Gate, text_answer
from tests.room import StorySpeaker

SCALE = 0.02
Story = Callable[[Brain, Place], Awaitable[None]]


def tell(
    fault: Fault,
    story: Story,
    deadlines: Deadlines | None = None,
    speaker: StorySpeaker | None = None,
) -> None:
    """Run a story; fails if a task or a socket is left open after it."""

    async def main() -> None:
        clips = Clips()
        await clips.render(ScriptedSynthesizer())
        tasks, sockets = asyncio.all_tasks(), open_sockets()
        async with fault.place(SCALE) as place:
            voice = ScriptedSynthesizer()
            ours = deadlines or replace(fault.deadlines(SCALE), turn_s=600.0)
            if fault.waits:
                # Far enough from the others that a busy machine does not miss them all at once.
                ours = replace(ours, answer_s=0.5)
            plays = speaker or StorySpeaker(time.monotonic_ns)
            async with brain(place, ours, plays, voice, clips) as it:
                await story(it, place)
            assert 0 == voice.open_sentences
        assert (tasks, sockets) == (asyncio.all_tasks(), open_sockets())

    asyncio.run(main())


@pytest.mark.parametrize("name", FAULTS)
def test_whatever_the_cloud_does_a_person_hears_why(name: str) -> None:
    """A reason that fits, and nothing of it is remembered or taken for an answer."""
    fault = FAULTS[name]

    async def story(it: Brain, place: Place) -> None:
        report = await it.ask()
        assert report.told[-1] in fault.told
        assert set(report.told[:-1]) <= WAITING
        assert not fault.waits or WAITING <= set(report.told)
        assert audible_ms(report) is not None
        whole = "Whole one." if Reason.CUT in fault.told else ""
        assert whole == report.answered
        assert whole == "".join(said.spoken for said in it.conversation.recent())

    tell(fault, story)


@pytest.mark.parametrize("name", FAULTS)
def test_a_cloud_that_is_broken_is_not_stormed(name: str) -> None:
    """Ten questions one after the other: a few requests, and each question hears something."""
    fault = FAULTS[name]

    async def story(it: Brain, place: Place) -> None:
        for _ in range(10):
            report = await it.ask()
            assert report.told[-1] in fault.told
        assert 0 < place.reached() <= fault.requests
        if fault.requests < 10:
            assert State.CLOSED is not it.breaker.state
            assert "CloudResting" in report.problems[0]

    tell(fault, story)


@pytest.mark.parametrize("name", ["hang", "portal"])
def test_a_cloud_that_works_again_answers_again(name: str) -> None:
    """One bad question, and then a good one: nothing of the first is left over."""

    async def story(it: Brain, place: Place) -> None:
        await it.ask()
        place.reply(text_answer(ANSWER))
        report = await it.ask()
        assert (Source.CLOUD, "Paris.") == (report.source, report.answered)

    tell(FAULTS[name], story)


def test_a_late_answer_is_spoken_after_the_reason() -> None:
    """It comes after the reason, and before it is given up."""
    gate = Gate()

    async def story(it: Brain, place: Place) -> None:
        place.reply(text_answer(ANSWER).with_pause(0, gate))
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(it.ask())
            slow = it.stages.clips.reason(Reason.SLOW).sound[-1]
            while not any(chunk is slow for chunk in speaker.heard):
                await speaker.moved()
            gate.open()
        report = asking.result()
        assert (Source.CLOUD, "Paris.", ("filler", Reason.SLOW)) == (
            report.source,
            report.answered,
            report.told,
        )

    speaker = StorySpeaker(time.monotonic_ns)
    patient = replace(Deadlines(), filler_s=0.03, reason_s=0.06)
    tell(FAULTS["hang"], story, deadlines=patient, speaker=speaker)
