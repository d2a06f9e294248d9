"""Stories of answers that are begun while the person may still be speaking."""

from __future__ import annotations

import asyncio

import pytest

from sena_pi.audio import Utterance
from sena_pi.errors import CloudUnreachable
from sena_pi.guess import Spending
from sena_pi.phases import Phase
from sena_pi.report import Outcome, Source
from sena_pi.simulated.cloudless import Ending, ScriptedAnswer
from sena_pi.stages import Header, Intent, Known, Question, Transcript
from tests.turns.bench import UTTERANCE, Bench, answered, tell, understands, until
from tests.turns.gated import GatedModel
from tests.turns.memory import FRANCE, StoryMemory

PART = Utterance(bytes(1600), 800)
PARIS = Known(("Paris.",), "en", "cloud/x", "memory", 1800.0)


class SlowTranscriber:
    """A `Transcriber` that understands this when it is told to."""

    def __init__(self, text: str, *, slow: bool = True) -> None:
        self.understands = asyncio.Event()
        self._text = text
        if not slow:
            self.understands.set()

    async def transcribe(self, _: Utterance) -> Transcript:
        await self.understands.wait()
        return Transcript(self._text)


async def pauses(bench: Bench, part: Utterance = PART) -> None:
    """Woken, and somebody has said something and stops."""
    bench.wake()
    await bench.reached(Phase.LISTENING)
    bench.microphone.pauses(part)


def asked(bench: Bench) -> list[Utterance | None]:
    assert bench.cloud is not None
    return [question.utterance for question in bench.cloud.questions]


def test_an_answer_is_begun_at_a_pause_and_kept_at_the_endpoint() -> None:
    """It is asked once, made into sound before the endpoint, and heard after it."""

    async def story(bench: Bench) -> None:
        await pauses(bench)
        await until(lambda: ["Hello there."] == bench.voice.sentences)
        assert ([], Phase.LISTENING) == (bench.speaker.heard, bench.light.shown[-1])
        bench.microphone.hears(UTTERANCE)
        report = await bench.turn_ended()
        assert ("Hello there.", Outcome.ANSWERED) == (report.answered, report.outcome)
        assert [PART] == asked(bench)
        assert (1, 0) == (report.guesses, report.wasted_requests)
        assert report.ms["guess"] < report.ms["first_audio"]

    tell(story, cloud=[answered("Hello there.")])


def test_speech_that_goes_on_ends_what_was_begun() -> None:
    """Nothing of it is heard; the whole question is asked, and what was wasted is told."""

    async def story(bench: Bench) -> None:
        await pauses(bench)
        await until(lambda: ["Wrong answer."] == bench.voice.sentences)
        bench.microphone.resumes()
        await until(lambda: bench.cloud is not None and not bench.cloud.open_answers)
        bench.microphone.hears(UTTERANCE)
        report = await bench.turn_ended()
        assert "Right answer." == report.answered
        assert [PART, UTTERANCE] == asked(bench)
        assert (1, 1) == (report.guesses, report.wasted_requests)
        assert "guess" not in report.ms

    tell(story, cloud=[answered("Wrong answer."), answered("Right answer.")])


def test_guesses_cost_no_more_than_they_may() -> None:
    """So many requests a turn; a pause after them asks nothing before the endpoint is certain."""

    async def story(bench: Bench) -> None:
        await pauses(bench)
        for number in range(1, 4):
            await until(lambda number=number: len(asked(bench)) == min(number, 2))
            bench.microphone.resumes()
            bench.microphone.pauses(PART)
        assert 2 == len(asked(bench))
        bench.microphone.hears(UTTERANCE)
        report = await bench.turn_ended()
        assert ("Third answer.", 3) == (report.answered, len(asked(bench)))
        assert (4, 2) == (report.guesses, report.wasted_requests)

    answers = [answered(f"{which} answer.") for which in ("First", "Second", "Third")]
    tell(story, cloud=answers, spending=Spending(requests=2))


def test_a_spent_allowance_is_kept_for_questions() -> None:
    """Nothing is asked on a guess that a question may need."""

    async def story(bench: Bench) -> None:
        await pauses(bench)
        await until(lambda: bench.microphone.listens)
        assert [] == asked(bench)
        bench.microphone.hears(UTTERANCE)
        assert "Hello there." == (await bench.turn_ended()).answered

    tell(story, cloud=[answered("Hello there.")], spending=Spending(affordable=lambda: False))


def test_silence_after_a_pause_that_was_no_speech_is_no_turn() -> None:
    """The endpointer decides; what was begun is dropped without a sound."""

    async def story(bench: Bench) -> None:
        await pauses(bench)
        await until(lambda: ["Hello there."] == bench.voice.sentences)
        bench.microphone.hears(None)
        report = await bench.turn_ended()
        assert (Outcome.NOTHING_HEARD, "", []) == (
            report.outcome,
            report.answered,
            bench.speaker.heard,
        )

    tell(story, cloud=[answered("Hello there.")])


def test_a_barge_in_ends_a_guess() -> None:
    """As it ends anything: the model is left, the next question is heard."""

    async def story(bench: Bench) -> None:
        await pauses(bench)
        await until(lambda: bench.cloud is not None and bench.cloud.open_answers == 1)
        bench.assistant.press()
        await until(lambda: bench.microphone.asked[-1:] == [("2", "press")])
        assert bench.cloud is not None
        assert 0 == bench.cloud.open_answers
        bench.microphone.hears(UTTERANCE)
        assert "Hello there." == (await bench.turn_ended()).answered

    hangs = ScriptedAnswer(ending=Ending.HANGS, header_comes=False)
    tell(story, cloud=[hangs, answered("Hello there.")])


@pytest.mark.parametrize("intent", [Intent.TIMER, Intent.VOLUME, Intent.MUTE, Intent.FORGET])
def test_nothing_is_changed_on_a_guess(intent: Intent) -> None:
    """A timer is not set by half a sentence: only what is certain is done."""

    async def story(bench: Bench) -> None:
        await pauses(bench)
        await until(lambda: bench.local.open_answers == 1)
        bench.microphone.resumes()
        bench.microphone.pauses(UTTERANCE)
        await until(lambda: len(bench.local.questions) == 2)
        assert [] == bench.answers.given
        bench.microphone.hears(UTTERANCE)
        await bench.turn_ended()
        assert [(intent, "whole")] == bench.answers.given

    def understood(question: Question) -> ScriptedAnswer:
        heard = "whole" if question.utterance == UTTERANCE else "half"
        return understands(heard, intent)(question)

    tell(story, cloud=None, local=understood)


def test_a_command_that_is_understood_needs_no_longer_silence() -> None:
    """The microphone is told that the phrase is complete, for the pause it was said before."""

    async def story(bench: Bench) -> None:
        await pauses(bench)
        await until(lambda: bool(bench.microphone.phrases))
        assert [(1, True)] == bench.microphone.phrases
        bench.microphone.hears(PART)
        assert "Own time." == (await bench.turn_ended()).answered

    tell(story, cloud=None, local=understands("what time is it", Intent.TIME))


@pytest.mark.parametrize("here", [True, False])
def test_a_question_that_was_asked_before_is_a_whole_one(*, here: bool) -> None:
    """Whoever has understood it, the device or the cloud."""

    async def story(bench: Bench) -> None:
        await pauses(bench)
        await until(lambda: bool(bench.microphone.phrases))
        assert [(1, True)] == bench.microphone.phrases
        bench.microphone.hears(PART)
        report = await bench.turn_ended()
        assert (Source.CACHE, "Paris.") == (report.source, report.answered)
        assert (0 if here else 1) == len(asked(bench))

    tell(
        story,
        cloud=[answered("Lyon.", heard=FRANCE)],
        memory=StoryMemory({FRANCE: PARIS}),
        transcriber=SlowTranscriber(FRANCE, slow=False) if here else None,
    )


@pytest.mark.parametrize("here", [True, False])
def test_words_that_something_must_follow_are_waited_for(*, here: bool) -> None:
    """As after an article: "what is the" is no question."""

    async def story(bench: Bench) -> None:
        await pauses(bench)
        await until(lambda: bool(bench.microphone.phrases))
        assert {(1, False)} == set(bench.microphone.phrases)
        bench.microphone.resumes()
        bench.microphone.hears(UTTERANCE)
        await bench.turn_ended()

    words = "what is the"
    tell(
        story,
        cloud=[answered("What?", heard=words), answered("Paris.", heard=FRANCE)],
        transcriber=SlowTranscriber(words, slow=False) if here else None,
    )


def test_what_is_known_of_the_words_before_is_not_told_of_those_that_follow() -> None:
    """Who goes on is not cut off by what was complete before: the hint names its pause."""
    gated = GatedModel()

    async def story(bench: Bench) -> None:
        object.__setattr__(bench.assistant._stages.mind, "cloud", gated)
        await pauses(bench)
        await until(lambda: gated.open_answers == 1)
        bench.microphone.resumes()
        gated.begin(Header(heard=FRANCE))
        bench.microphone.pauses(UTTERANCE)
        await until(lambda: bool(bench.microphone.phrases))
        assert [(2, True)] == bench.microphone.phrases
        bench.microphone.hears(UTTERANCE)
        await bench.turn_ended()

    tell(story, memory=StoryMemory({FRANCE: PARIS}))


def test_a_transcriber_that_is_slow_does_not_hold_up_the_cloud() -> None:
    """Beside one another: the first that knows answers, and the other is left."""

    async def story(bench: Bench) -> None:
        assert "From the cloud." == (await bench.answer_to_question()).answered

    tell(story, cloud=[answered("From the cloud.")], transcriber=SlowTranscriber(FRANCE))


def test_a_transcriber_that_knows_later_than_the_cloud_is_asked_still_answers() -> None:
    """The request that is under way is given up."""
    slow = SlowTranscriber(FRANCE)

    async def story(bench: Bench) -> None:
        await bench.ask()
        assert bench.cloud is not None
        await bench.cloud.asked.wait()
        slow.understands.set()
        report = await bench.turn_ended()
        assert (Source.CACHE, "Paris.") == (report.source, report.answered)

    hangs = ScriptedAnswer(ending=Ending.HANGS, header_comes=False)
    tell(story, cloud=[hangs], memory=StoryMemory({FRANCE: PARIS}), transcriber=slow)


def test_a_cloud_that_fails_first_waits_for_what_the_device_knows() -> None:
    """An answer that was remembered is better than a reason for none."""
    slow = SlowTranscriber(FRANCE)

    async def story(bench: Bench) -> None:
        await bench.ask()
        assert bench.cloud is not None
        await bench.cloud.asked.wait()
        slow.understands.set()
        assert "Paris." == (await bench.turn_ended()).answered

    fails = ScriptedAnswer(ending=CloudUnreachable("no network"), header_comes=False)
    tell(story, cloud=[fails], memory=StoryMemory({FRANCE: PARIS}), transcriber=slow)
