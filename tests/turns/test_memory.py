"""Stories of questions that were answered before."""

from __future__ import annotations

from sena_pi.errors import CloudUnreachable
from sena_pi.phases import Phase
from sena_pi.report import Outcome, Source
from sena_pi.simulated.cloudless import Ending, ScriptedAnswer
from sena_pi.simulated.transcriber import ScriptedTranscriber
from sena_pi.stages import Cacheability, Header, Intent
from tests.turns.bench import UTTERANCE, Bench, answered, tell
from tests.turns.memory import FRANCE, PARIS, StoryMemory


def test_a_known_answer_is_spoken_and_the_cloud_s_is_cut_off() -> None:
    """The stream ends when what was heard is known; no word of it is spoken."""
    memory = StoryMemory({FRANCE: PARIS})

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert (Outcome.ANSWERED, Source.CACHE, "card") == (
            report.outcome,
            report.source,
            report.tier,
        )
        assert ["Paris.", "It is big."] == bench.voice.sentences
        assert FRANCE == report.heard

    tell(story, cloud=[answered("Lyon. Or not.", heard=FRANCE)], memory=memory)
    assert memory.turns[0].known is PARIS
    assert memory.turns[0].whole


def test_a_known_answer_does_not_wait_for_the_rest_of_the_header() -> None:
    """Whatever the cloud does after it has said what was heard is not waited for."""
    memory = StoryMemory({FRANCE: PARIS})

    async def story(bench: Bench) -> None:
        assert Source.CACHE is (await bench.answer_to_question()).source

    hangs = ScriptedAnswer(header=Header(heard=FRANCE), ending=Ending.HANGS)
    tell(story, cloud=[hangs], memory=memory)


def test_with_ears_of_our_own_a_known_answer_needs_no_request() -> None:
    """What was said is known on the device: the cloud is not asked."""
    ears = ScriptedTranscriber({UTTERANCE.pcm: FRANCE})

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert (Source.CACHE, "Paris. It is big.") == (report.source, report.answered)
        assert bench.cloud is not None
        assert [] == bench.cloud.questions

    tell(story, memory=StoryMemory({FRANCE: PARIS}), transcriber=ears)


def test_with_ears_of_our_own_an_unknown_question_goes_to_the_cloud() -> None:
    """One look-up by what was understood here, one by what the cloud has heard."""
    ears = ScriptedTranscriber({UTTERANCE.pcm: "what is a capital"})
    memory = StoryMemory({FRANCE: PARIS})

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert (Source.CACHE, FRANCE) == (report.source, report.heard)

    tell(story, cloud=[answered("Lyon.", heard=FRANCE)], memory=memory, transcriber=ears)
    assert ["what is a capital", FRANCE] == [heard for heard, _ in memory.asked]


def test_a_memory_is_told_what_an_answer_was_and_what_it_took() -> None:
    """Its sentences as they were spoken, what is known of it, and the time to the first sound."""
    memory = StoryMemory()
    header = Header(heard=FRANCE, cacheability=Cacheability.EVERGREEN, stands_alone=True)

    async def story(bench: Bench) -> None:
        await bench.answer_to_question()
        await bench.answer_to_question()

    cloud = [ScriptedAnswer(("Paris. It is", " big."), header)] * 2
    tell(story, cloud=cloud, memory=memory)
    first, second = memory.turns
    assert (("Paris.", "It is big."), header, True) == (first.sentences, first.header, first.whole)
    assert first.first_audio_ms is not None
    assert [0, 1] == [len(turn.conversation) for turn in (first, second)]


def test_an_answer_that_broke_off_is_not_whole() -> None:
    """The apology at its end is no part of it, and it must not be kept."""
    memory = StoryMemory()

    async def story(bench: Bench) -> None:
        await bench.answer_to_question()

    cut = ScriptedAnswer(("Paris. And",), Header(heard=FRANCE), CloudUnreachable("cut"))
    tell(story, cloud=[cut], memory=memory)
    assert (False, ("Paris.",)) == (memory.turns[0].whole, memory.turns[0].sentences)


def test_an_answer_that_was_interrupted_is_not_whole() -> None:
    """Who pressed the button did not want it."""
    memory = StoryMemory()

    async def story(bench: Bench) -> None:
        await bench.ask()
        await bench.reached(Phase.SPEAKING)
        bench.assistant.press()
        await bench.reached(Phase.LISTENING)
        bench.microphone.hears(None)
        await bench.turn_ended()

    hangs = ScriptedAnswer(("One sentence. And",), Header(heard=FRANCE), Ending.HANGS)
    tell(story, cloud=[hangs], memory=memory)
    assert [False, False] == [turn.whole for turn in memory.turns]


def test_that_s_wrong_forgets_the_last_answer() -> None:
    """Whoever understood it."""
    memory = StoryMemory()

    async def story(bench: Bench) -> None:
        report = await bench.answer_to_question()
        assert (Source.RULE, "Own wrong.") == (report.source, report.answered)

    wrong = ScriptedAnswer(header=Header(heard="that's wrong", intent=Intent.WRONG))
    tell(story, cloud=[wrong], memory=memory)
    assert 1 == memory.forgotten
