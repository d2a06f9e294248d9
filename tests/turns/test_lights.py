"""Stories of what the light shows between turns."""

from __future__ import annotations

import pytest

from sena_pi.phases import Phase
from tests.turns.bench import Bench, answered, tell, until


async def failed(bench: Bench) -> None:
    """A turn has failed, and the light says so."""
    bench.wake()
    await bench.reached(Phase.LISTENING)
    bench.microphone.dies()
    await bench.reached(Phase.ERROR)


def test_a_failure_is_shown_before_the_assistant_is_idle() -> None:
    """Nothing is said when the microphone is lost: the light must."""

    async def story(bench: Bench) -> None:
        await failed(bench)
        await bench.turn_ended()
        assert [Phase.IDLE, Phase.LISTENING, Phase.ERROR, Phase.IDLE] == bench.light.shown

    tell(story)


def test_a_failure_does_not_keep_the_next_question_waiting() -> None:
    """A press while the failure is shown is answered at once."""

    async def story(bench: Bench) -> None:
        await failed(bench)
        bench.assistant.press()
        # A few rounds of the loop: the time for which a failure is shown would be a million.
        await until(lambda: bench.microphone.listens)
        assert Phase.LISTENING == bench.light.shown[-1]
        bench.microphone.hears(None)
        await bench.turn_ended()

    tell(story)


def test_an_answer_is_no_failure() -> None:
    """The light goes back to idle, not to the colour of failures."""

    async def story(bench: Bench) -> None:
        await bench.answer_to_question()
        assert Phase.ERROR not in bench.light.shown

    tell(story, cloud=[answered("Hello there.")])


def test_until_a_microphone_is_known_the_light_says_starting() -> None:
    """Before the first frame nobody should speak."""

    async def story(bench: Bench) -> None:
        assert [Phase.STARTING] == bench.light.shown
        bench.assistant.hearing(on=True)
        assert [Phase.STARTING, Phase.IDLE] == bench.light.shown

    tell(story, hearing=None)


def test_a_lost_microphone_is_shown_while_idle() -> None:
    """Deaf as long as no frames come, and idle again with the first."""

    async def story(bench: Bench) -> None:
        assert [Phase.DEAF] == bench.light.shown
        bench.assistant.hearing(on=True)
        bench.assistant.hearing(on=False)
        bench.assistant.hearing(on=True)
        assert [Phase.DEAF, Phase.IDLE, Phase.DEAF, Phase.IDLE] == bench.light.shown

    tell(story, hearing=False)


@pytest.mark.parametrize(("on", "then"), [(False, Phase.DEAF), (True, Phase.IDLE)])
def test_a_turn_that_goes_on_is_shown_first(on: bool, then: Phase) -> None:  # noqa: FBT001
    """A microphone that comes or goes does not repaint a turn; afterwards it is shown."""

    async def story(bench: Bench) -> None:
        bench.wake()
        await bench.reached(Phase.LISTENING)
        bench.assistant.hearing(on=on)
        assert Phase.LISTENING == bench.light.shown[-1]
        bench.microphone.hears(None)
        await bench.turn_ended()
        assert then == bench.light.shown[-1]

    tell(story, hearing=not on)
