"""Stories of a cloud that keeps a person waiting.

Deadlines that must pass are short, and those that must not are far away: what is claimed is what
happens at each, never how long it takes.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sena_pi.phases import Phase
from sena_pi.reasons import Reason
from sena_pi.report import Outcome, Source
from sena_pi.simulated.cloudless import Ending, ScriptedAnswer, ScriptedSynthesizer
from sena_pi.stages import Header, Intent
from tests.turns.bench import NEVER, UTTERANCE, Bench, answered, tell, understands, until
from tests.turns.gated import GatedModel

SOON_S = 0.2
SILENT = ScriptedAnswer(ending=Ending.HANGS, header_comes=False)
IMPATIENT = replace(NEVER, answer_s=SOON_S, gap_s=SOON_S)
"""An answer must come at once; nobody keeps a person company before."""


def test_an_answer_that_stops_in_the_middle_counts_as_cut() -> None:
    """What was whole is spoken, then the loss; nobody waits for the rest."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert ("Whole one.", (Reason.CUT,)) == (report.answered, report.told)
        assert ("CloudSilent: nothing more of the answer came for 0.2 s",) == report.problems
        assert Outcome.ANSWERED == report.outcome

    words = ("Whole one. And then",)
    hanging = ScriptedAnswer(words=words, header=Header(heard="q"), ending=Ending.HANGS)
    tell(story, cloud=[hanging], deadlines=IMPATIENT)


def test_an_answer_that_stops_before_its_first_word_is_no_answer() -> None:
    """A header and then nothing: the rules are asked, and then the reason is spoken."""

    async def story(bench: Bench) -> None:
        assert (Reason.SILENT,) == (await bench.answer_to_question()).told

    hanging = ScriptedAnswer(header=Header(heard="q"), ending=Ending.HANGS)
    tell(story, cloud=[hanging], deadlines=IMPATIENT)


def test_an_answer_whose_first_sentence_never_ends_is_no_answer() -> None:
    """Every piece comes in time, and is no sentence: the first one must come in time, too."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert (Reason.SILENT,) == report.told
        assert ("CloudSilent: no answer began for 0.2 s",) == report.problems

    # Never waited for: only a look at the clock can tell that time is over.
    model = GatedModel()
    model.begin()
    for _ in range(200_000):
        model.words.put_nowait(" ")
    model.end()
    tell(with_cloud(model, story), deadlines=replace(NEVER, answer_s=SOON_S, gap_s=10.0))


def test_a_cloud_that_never_begins_is_followed_by_the_rules() -> None:
    """No sign in time: what the rules know is answered."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert ("Own time.", Source.RULE) == (report.answered, report.source)
        assert ("CloudSilent: no answer began for 0.2 s",) == report.problems

    local = understands("what time is it", Intent.TIME)
    tell(story, cloud=[SILENT], local=local, deadlines=IMPATIENT)


def test_a_cloud_that_never_begins_is_explained() -> None:
    """No sign in time, and no rule: the person is told why."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert ((Reason.SILENT,), None) == (report.told, report.source)

    tell(story, cloud=[SILENT], deadlines=IMPATIENT)


def test_the_time_that_speaking_takes_is_not_the_clouds() -> None:
    """An answer that waits for the speaker, longer than any deadline, is neither cut nor ended."""
    words = " ".join(f"This is sentence number {n}." for n in range(10, 40))
    short = replace(IMPATIENT, turn_s=SOON_S, filler_s=SOON_S)

    async def story(bench: Bench) -> None:
        bench.speaker.hold()
        await bench.ask()
        await bench.reached(Phase.SPEAKING)
        await passes(4 * SOON_S)
        bench.speaker.held = False
        bench.speaker.advance(60)
        report = await bench.turn_ended()
        assert (words, ()) == (report.answered, report.problems)

    pieces = tuple(f"{word} " for word in words.split())
    tell(story, cloud=[answered(*pieces)], deadlines=short)


# --- company -----------------------------------------------------------------------------------


def test_nobody_is_kept_company_who_is_answered_in_time() -> None:
    """No filler, no reason: they are dropped without a sound."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert ("Hello there.", ()) == (report.answered, report.told)
        assert ["Hello there."] == bench.voice.sentences
        assert {"filler", "reason"}.isdisjoint(report.ms)

    tell(story, cloud=[answered("Hello there.")])


def test_who_waits_hears_a_filler_once_and_then_the_answer() -> None:
    """The filler is no answer: not its first sound, not remembered, and the light still thinks."""

    async def story(bench: Bench) -> None:
        await bench.ask()
        await told(bench, 1)
        assert Phase.THINKING is bench.light.shown[-1]
        model.begin()
        model.words.put_nowait("Hello there.")
        model.end()
        report = await bench.turn_ended()
        assert (("filler",), "Hello there.") == (report.told, report.answered)
        assert "told filler" in report.journal_line()
        assert report.ms["filler"] < report.ms["first_audio"]
        assert ["Hello there."] == [said.spoken for said in bench.conversation.recent()]

    model = GatedModel()
    tell(with_cloud(model, story), deadlines=replace(NEVER, filler_s=SOON_S))


def test_who_waits_longer_hears_that_it_is_slow_and_then_the_late_answer() -> None:
    """A filler, a reason, and the answer all the same, in this order."""

    async def story(bench: Bench) -> None:
        await bench.ask()
        await told(bench, 2)
        model.begin()
        model.words.put_nowait("Hello there.")
        model.end()
        report = await bench.turn_ended()
        assert ("filler", Reason.SLOW) == report.told
        assert ("Hello there.", Source.CLOUD, ()) == (
            report.answered,
            report.source,
            report.problems,
        )
        moments = [report.ms[name] for name in ("filler", "reason", "first_audio")]
        assert sorted(moments) == moments

    model = GatedModel()
    slow = replace(NEVER, filler_s=SOON_S, reason_s=2 * SOON_S)
    tell(with_cloud(model, story), deadlines=slow)


def test_words_without_a_sound_are_explained_too() -> None:
    """The answer is there and the voice gives no sound: no filler any more, but a reason."""
    voice = ScriptedSynthesizer({"Hello there.": Ending.HANGS}, sound_comes=False)

    async def story(bench: Bench) -> None:
        await bench.ask()
        await told(bench, 1)
        bench.assistant.press()
        await bench.reached(Phase.LISTENING)
        bench.microphone.hears(None)
        await bench.turn_ended()
        assert (Reason.SLOW,) == bench.reports[0].told

    soon = replace(NEVER, filler_s=SOON_S, reason_s=2 * SOON_S)
    tell(story, cloud=[answered("Hello there.")], voices=[voice], deadlines=soon)


def test_no_reason_is_begun_when_an_answer_is_nearly_there() -> None:
    """After a filler, words that only need to be spoken are waited for: a reason takes seconds."""
    voice = ScriptedSynthesizer()
    voice.gates["Hello there."] = gate = asyncio.Event()

    async def story(bench: Bench) -> None:
        await bench.ask()
        await told(bench, 1)
        model.begin()
        model.words.put_nowait("Hello there.")
        model.end()
        await passes(2 * SOON_S)
        gate.set()
        report = await bench.turn_ended()
        assert (("filler",), "Hello there.") == (report.told, report.answered)

    model = GatedModel()
    slow = replace(NEVER, filler_s=SOON_S, reason_s=2 * SOON_S)
    tell(with_cloud(model, story), voices=[voice], deadlines=slow)


def test_a_voice_that_gives_no_sound_for_longer_is_explained() -> None:
    """Being nearly there has its time, too."""
    voice = ScriptedSynthesizer({"Hello there.": Ending.HANGS}, sound_comes=False)

    async def story(bench: Bench) -> None:
        await bench.ask()
        await told(bench, 1)
        model.begin()
        model.words.put_nowait("Hello there.")
        await told(bench, 2)
        bench.assistant.press()
        await bench.reached(Phase.LISTENING)
        bench.microphone.hears(None)
        await bench.turn_ended()
        assert ("filler", Reason.SLOW) == bench.reports[0].told

    model = GatedModel()
    slow = replace(NEVER, filler_s=SOON_S, reason_s=2 * SOON_S, grace_s=SOON_S)
    tell(with_cloud(model, story), voices=[voice], deadlines=slow)


def test_a_reason_is_told_once() -> None:
    """The rules are still listening when the reason is due; they don't understand, and that's it.

    The reason is that of the failure, not that the cloud is slow.
    """
    ears = GatedModel()

    async def story(bench: Bench) -> None:
        await bench.ask()
        await told(bench, 1)
        ears.begin(Header())
        report = await bench.turn_ended()
        assert (Reason.TROUBLE,) == report.told

    soon = replace(NEVER, reason_s=SOON_S)
    tell(with_local(ears, story), cloud=(), deadlines=soon)


@pytest.mark.parametrize("words", ["", "Whole one. And"], ids=["silent", "trickling"])
def test_a_turn_has_an_end(words: str) -> None:
    """Whatever it waits for, after its time it ends with a reason, and the next one works."""

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert (Reason.TOO_LONG,) == report.told
        assert words.removesuffix(" And") == report.answered
        assert ("the turn took longer than 0.1 s",) == report.problems
        assert "Hello there." == (await bench.answer_to_question()).answered

    comes = bool(words)
    hanging = ScriptedAnswer((words,), Header(heard="q"), Ending.HANGS, header_comes=comes)
    short = replace(NEVER, turn_s=0.1, filler_s=SOON_S if words else 100.0)
    tell(story, cloud=[hanging, answered("Hello there.")], deadlines=short)


def test_without_clips_a_reason_is_spoken_by_the_turn_s_own_voice() -> None:
    """Asked before any clip was made: no filler, and the reason all the same."""

    async def story(bench: Bench) -> None:
        bench.clips.__init__()  # type: ignore[misc]
        report = await bench.answer_to_question()
        text = bench.clips.reason(Reason.SILENT).text
        assert ((Reason.SILENT,), [text]) == (report.told, bench.voice.sentences)

    soon = replace(IMPATIENT, filler_s=SOON_S / 2)
    tell(story, cloud=[SILENT], deadlines=soon)


@pytest.mark.parametrize("awaits", range(0, 60, 2))
def test_company_can_be_cancelled_at_any_await(awaits: int) -> None:
    """Interrupted while a filler and a reason are due or heard: nothing is left, the next works."""

    async def story(bench: Bench) -> None:
        await bench.ask()
        for _ in range(awaits):
            await asyncio.sleep(0)
        bench.assistant.press()
        await until(lambda: bench.microphone.asked[-1:] == [("2", "press")])
        bench.microphone.hears(UTTERANCE)
        assert "Hello there." == (await bench.turn_ended()).answered

    now = replace(NEVER, filler_s=0.0, reason_s=1e-9)
    tell(story, cloud=None, local=lambda _: answered("Hello there."), deadlines=now)


# --- helpers -----------------------------------------------------------------------------------


def with_cloud(model: GatedModel, story):
    """The same story with this cloud."""

    async def told_so(bench: Bench) -> None:
        object.__setattr__(bench.assistant._stages.mind, "cloud", model)
        await story(bench)

    return told_so


def with_local(model: GatedModel, story):
    """The same story with these rules."""

    async def told_so(bench: Bench) -> None:
        object.__setattr__(bench.assistant._stages.mind, "local", model)
        await story(bench)

    return told_so


async def told(bench: Bench, notices: int) -> None:
    """Wait until so many fillers and reasons have been heard."""
    texts = bench.clips._clips.values()
    async with asyncio.timeout(10):
        while True:
            heard = set(map(id, bench.speaker.heard))
            if notices == sum(heard.issuperset(map(id, clip.sound)) for clip in texts):
                return
            await bench.speaker.moved()


async def passes(seconds: float) -> None:
    never = asyncio.get_running_loop().create_future()
    await asyncio.wait({never}, timeout=seconds)
