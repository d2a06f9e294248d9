"""Stories of turns in which the cloud's voice is slow, and a local one may take over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sena_pi.errors import CloudUnreachable
from sena_pi.phases import Phase
from sena_pi.report import Outcome
from sena_pi.simulated.cloudless import Ending, ScriptedSynthesizer
from sena_pi.voice_race import Race
from tests.turns.bench import Bench, answered, tell, until

FIRST, SECOND = "Paris is big.", "It lies on the Seine."
ANSWER = answered(f"{FIRST} {SECOND}")
IMPATIENT = Race(patience_s=0.0)
PATIENT = Race(patience_s=60.0)
"""Only one of the two voices ever sounds in these stories, so how long this is decides nothing."""


class Voices:
    """The cloud's voice and the local one."""

    def __init__(self) -> None:
        self.cloud = ScriptedSynthesizer(name="cloud/tone")
        self.local = ScriptedSynthesizer(name="local/tone", tone_hz=880)

    def tell(
        self, story: Callable[[Bench], Awaitable[None]], answers: int = 1, race: Race = IMPATIENT
    ) -> Bench:
        """Run a story; no sentence is left open."""
        bench = tell(story, cloud=[ANSWER] * answers, voices=[self.cloud, self.local], race=race)
        assert (0, 0) == (self.cloud.open_sentences, self.local.open_sentences)
        return bench

    def silent(self, *sentences: str) -> None:
        """The cloud's voice never begins these."""
        for sentence in sentences:
            self.cloud.gates[sentence] = asyncio.Event()


def test_a_cloud_voice_that_hangs_is_overtaken_and_the_answer_is_heard_whole() -> None:
    """The turn is answered, by the local voice alone."""
    voices = Voices()

    async def story(bench: Bench) -> None:
        voices.silent(FIRST)
        report = await bench.answer_to_question()
        assert Outcome.ANSWERED == report.outcome
        assert f"{FIRST} {SECOND}" == report.answered
        assert "local/tone" == report.voice
        assert ([FIRST], [FIRST, SECOND]) == (voices.cloud.sentences, voices.local.sentences)

    voices.tell(story)


def test_a_cloud_voice_that_hangs_in_its_second_sentence_hands_on_the_rest() -> None:
    """The first sentence is the cloud's, and the voice changes between sentences only."""
    voices = Voices()

    async def story(bench: Bench) -> None:
        voices.silent(SECOND)
        report = await bench.answer_to_question()
        assert "cloud/tone, local/tone" == report.voice
        assert f"{FIRST} {SECOND}" == report.answered

    # The local voice is asked for the first sentence too, should the machine be slow: it hangs.
    voices.local.endings[FIRST] = Ending.HANGS
    voices.local.sound_comes = False
    voices.tell(story)


def test_a_cloud_voice_that_breaks_off_is_followed_by_the_local_one() -> None:
    """The sentence ends there; the next one is local."""
    voices = Voices()
    voices.cloud.endings[FIRST] = CloudUnreachable("cut")

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert "cloud/tone, local/tone" == report.voice
        assert ([FIRST], [SECOND]) == (voices.cloud.sentences, voices.local.sentences)

    voices.tell(story, race=PATIENT)


def test_after_two_lost_turns_the_third_does_not_ask_the_cloud() -> None:
    """It rests."""
    voices = Voices()

    async def story(bench: Bench) -> None:
        voices.silent(FIRST)
        for _ in range(3):
            assert "local/tone" == (await bench.answer_to_question()).voice
        assert [FIRST, FIRST] == voices.cloud.sentences

    voices.tell(story, answers=3)


def test_a_press_during_a_race_leaves_both_voices() -> None:
    """Neither has begun; the next turn works."""
    voices = Voices()

    async def story(bench: Bench) -> None:
        voices.silent(FIRST)
        voices.local.gates[FIRST] = asyncio.Event()
        await bench.ask()
        await until(lambda: voices.local.open_sentences > 0)
        bench.assistant.press()
        await bench.reached(Phase.LISTENING)
        assert (0, 0) == (voices.cloud.open_sentences, voices.local.open_sentences)
        voices.local.gates[FIRST].set()
        bench.microphone.hears(None)
        await bench.turn_ended()
        assert "local/tone" == (await bench.answer_to_question()).voice

    voices.tell(story, answers=2)
