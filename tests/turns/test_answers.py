"""Stories of turns that end in an answer, or in a reason for none."""

from __future__ import annotations

import pytest

from sena_pi.errors import (
    AllowanceSpent,
    CaptivePortal,
    ClockWrong,
    CloudBusy,
    CloudDeclined,
    CloudError,
    CloudFailed,
    CloudKeyRefused,
    CloudResting,
    CloudSilent,
    CloudUnreachable,
    SynthesisFailed,
    WorkerError,
)
from sena_pi.phases import Phase
from sena_pi.reasons import Reason
from sena_pi.report import Outcome, Source
from sena_pi.simulated.cloudless import Ending, ScriptedAnswer, ScriptedSynthesizer
from sena_pi.stages import Header, Intent
from tests.turns.bench import NOT_UNDERSTOOD, Bench, answered, tell, understands


def test_an_answer_is_spoken_sentence_by_sentence() -> None:
    """Deltas become sentences, each spoken by itself and in order."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert ["Paris is big.", "It lies on the Seine."] == bench.voice.sentences
        assert "Paris is big. It lies on the Seine." == report.answered
        assert (Outcome.ANSWERED, Source.CLOUD) == (report.outcome, report.source)

    tell(story, cloud=[answered("Paris is", " big. It lies on", " the Seine.")])


def test_the_light_follows_the_turn() -> None:
    """Listening, thinking, speaking, idle: in this order."""

    async def story(bench: Bench) -> None:
        await bench.answer_to_question()
        assert [
            Phase.IDLE,
            Phase.LISTENING,
            Phase.THINKING,
            Phase.SPEAKING,
            Phase.IDLE,
        ] == bench.light.shown

    tell(story, cloud=[answered("Hello there.")])


def test_the_times_are_in_the_order_of_the_turn() -> None:
    """Endpoint, transcript, first text, sentence, sound and audio, and end follow one another."""

    async def story(bench: Bench) -> None:
        ms = (await bench.answer_to_question()).ms
        named = ("endpoint", "transcript", "first_text", "first_sentence", "first_sound")
        assert [*named, "first_audio", "end"] == list(ms)
        assert sorted(ms.values()) == list(ms.values())
        assert ms["endpoint"] >= 700

    tell(story, cloud=[answered("Hello there.")])


def test_speaking_begins_before_the_answer_has_ended() -> None:
    """The first sentence is heard while the model still hangs on the second."""

    async def story(bench: Bench) -> None:
        await bench.ask()
        await bench.reached(Phase.SPEAKING)
        assert ["One sentence."] == bench.voice.sentences
        bench.assistant.press()
        await bench.reached(Phase.LISTENING)
        bench.microphone.hears(None)
        await bench.turn_ended()

    tell(
        story,
        cloud=[
            ScriptedAnswer(
                words=("One sentence. And", " then "),
                header=Header(heard="q"),
                ending=Ending.HANGS,
            )
        ],
    )


def test_silence_after_the_wake_word_ends_the_turn_quietly() -> None:
    """Nobody spoke: no model is asked, nothing is said."""

    async def story(bench: Bench) -> None:
        bench.wake()
        await bench.reached(Phase.LISTENING)
        bench.microphone.hears(None)
        report = await bench.turn_ended()
        assert (Outcome.NOTHING_HEARD, "") == (report.outcome, report.answered)
        assert [] == bench.voice.sentences

    tell(story)


def test_an_intent_is_answered_by_our_own_code_even_with_a_cloud() -> None:
    """The time never comes from a model."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert ("Own time.", Source.RULE) == (report.answered, report.source)

    cloud = ScriptedAnswer(words=("It is noon.",), header=Header("the time", intent=Intent.TIME))
    tell(story, cloud=[cloud])


def test_without_a_cloud_the_rules_answer() -> None:
    """No key: what the rules know is answered, and nobody else is asked."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert ("Own time.", Source.RULE) == (report.answered, report.source)

    tell(story, cloud=None, local=understands("what time is it", Intent.TIME))


def test_without_a_cloud_what_is_not_understood_is_said() -> None:
    """No key, no rule: the person is told."""

    async def story(bench: Bench) -> None:
        assert NOT_UNDERSTOOD == (await bench.answer_to_question()).answered

    tell(story, cloud=None)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (CloudUnreachable("no route"), Reason.OFFLINE),
        (CloudSilent("no answer"), Reason.SILENT),
        (CloudBusy("429", 3.0), Reason.QUOTA),
        (CloudKeyRefused("401"), Reason.KEY),
        (ClockWrong("not yet"), Reason.CLOCK),
        (CaptivePortal("html"), Reason.PORTAL),
        (CloudDeclined("SAFETY"), Reason.DECLINED),
        (CloudFailed("500"), Reason.TROUBLE),
        (CloudResting("rests", CloudBusy("429")), Reason.QUOTA),
    ],
)
def test_a_cloud_that_fails_is_explained(error: CloudError, told: Reason) -> None:
    """Every failure has a spoken reason of its own, which is no answer and not remembered."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert ((told,), "", None) == (report.told, report.answered, report.source)
        assert {"reason"} == {"reason", "first_audio"} & report.ms.keys()
        assert (0, []) == (len(bench.conversation.recent()), bench.voice.sentences)
        heard_s = sum(chunk.seconds for chunk in bench.speaker.heard)
        assert heard_s == sum(chunk.seconds for chunk in bench.clips.reason(told).sound) > 0
        assert type(error).__name__ in report.problems[0]

    tell(story, cloud=[ScriptedAnswer(ending=error, header_comes=False)])


def test_a_cloud_that_fails_is_followed_by_the_rules() -> None:
    """Offline, the time is still told."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert ("Own time.", Source.RULE) == (report.answered, report.source)

    failing = ScriptedAnswer(ending=CloudUnreachable("no network"), header_comes=False)
    tell(story, cloud=[failing], local=understands("what time is it", Intent.TIME))


def test_an_answer_that_is_cut_keeps_its_whole_sentences() -> None:
    """What was whole is spoken, then the loss; half a sentence is not."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert ("Whole one.", (Reason.CUT,)) == (report.answered, report.told)

    cut = ScriptedAnswer(
        words=("Whole one. Half of", " the next"),
        header=Header(heard="q"),
        ending=CloudUnreachable("cut"),
    )
    tell(story, cloud=[cut])


def test_a_spent_allowance_is_spoken() -> None:
    """The day's cap is a reason of its own."""

    class Spent:
        name = "spent"

        def respond(self, _: object) -> object:
            raise AllowanceSpent("I've reached today's limit.")

    async def story(bench: Bench) -> None:
        object.__setattr__(bench.assistant._stages.mind, "cloud", Spent())
        assert (Reason.ALLOWANCE,) == (await bench.answer_to_question()).told

    tell(story)


def test_a_lost_microphone_ends_the_turn_and_not_the_assistant() -> None:
    """The audio worker dies while listening; the next wake word is answered."""

    async def story(bench: Bench) -> None:
        bench.wake()
        await bench.reached(Phase.LISTENING)
        bench.microphone.dies()
        report = await bench.turn_ended()
        assert (Outcome.FAILED, ("audio worker ended",)) == (report.outcome, report.problems)
        assert Outcome.ANSWERED == (await bench.answer_to_question()).outcome

    tell(story, cloud=[answered("Hello there.")])


def test_a_bug_in_a_turn_is_told_and_survived() -> None:
    """Whatever a turn trips over, the next one starts afresh."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert ("ExceptionGroup (a bug)",) == report.problems
        assert Outcome.ANSWERED == (await bench.answer_to_question()).outcome

    def breaks_once(_: object) -> ScriptedAnswer:
        if broken.pop():
            raise ZeroDivisionError
        return answered("Hello there.")

    broken = [False, True]
    tell(story, cloud=None, local=breaks_once)


def test_a_voice_that_dies_hands_its_sentence_down() -> None:
    """The sentence that killed the first voice is spoken by the second, and all are heard."""
    second = ScriptedSynthesizer()
    first = ScriptedSynthesizer({"Two is bad.": SynthesisFailed("died")}, sound_comes=False)

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert "One is good. Two is bad. Three is good." == report.answered
        assert ["Two is bad.", "Three is good."] == second.sentences

    tell(story, cloud=[answered("One is good. Two is bad. Three is good.")], voices=[first, second])


def test_the_ears_dying_is_survived() -> None:
    """Without a cloud and without ears the person still hears something."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert ("", (Reason.TROUBLE,)) == (report.answered, report.told)
        assert ("ears worker ended",) == report.problems

    def dies(_: object) -> ScriptedAnswer:
        raise WorkerError("ears worker ended")

    tell(story, cloud=None, local=dies)


def test_a_bug_is_a_failed_turn() -> None:
    """It is not told as an answer, the speaker is silenced, and the light shows it."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert (Outcome.FAILED, "") == (report.outcome, report.answered)
        assert 1 == bench.speaker.flushes
        assert [Phase.LISTENING, Phase.THINKING, Phase.ERROR, Phase.IDLE] == bench.light.shown[1:]

    def breaks(_: object) -> ScriptedAnswer:
        raise ZeroDivisionError

    tell(story, cloud=None, local=breaks)


def test_no_voice_gets_what_is_not_safe_to_speak() -> None:
    """Markup, phonemes and endless tokens of a model's answer reach no synthesiser."""

    async def story(bench: Bench) -> None:
        await bench.answer_to_question()
        assert ["Paris is big indeed.", "See the city."] == bench.voice.sentences

    words = ("**Paris** is", " [[big]] indeed. See [the", " city](http://example.org/).")
    tell(story, cloud=[answered(*words)])


@pytest.mark.parametrize("words", [("***",), ("",), (), ("**", " [[]]")])
def test_an_answer_without_a_word_is_explained(words: tuple[str, ...]) -> None:
    """Nothing that can be spoken: the person hears that, not silence."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert ("", (Reason.TROUBLE,)) == (report.answered, report.told)
        assert ("the answer held nothing that can be spoken",) == report.problems

    tell(story, cloud=[answered(*words)])


def test_a_turn_that_lost_its_last_voice_is_silenced() -> None:
    """What was queued of it is not played on under the next question."""
    voice = ScriptedSynthesizer({"Two is bad.": SynthesisFailed("died")}, sound_comes=False)

    async def story(bench: Bench) -> None:
        bench.speaker.hold()
        await bench.ask()
        report = await bench.turn_ended()
        assert (Outcome.FAILED, "", 1) == (report.outcome, report.answered, bench.speaker.flushes)
        assert [] == bench.speaker.heard

    tell(story, cloud=[answered("One is good. Two is bad.")], voices=[voice])
