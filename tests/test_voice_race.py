"""Who speaks when the cloud voice is slow."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sena_pi.allowance import Allowance, Kind
from sena_pi.audio import AudioChunk, AudioFormat
from sena_pi.capped import CappedVoice
from sena_pi.errors import AllowanceSpent, CloudUnreachable, SynthesisFailed, WorkerError
from sena_pi.stages import Synthesizer
from sena_pi.voice_ladder import TurnVoice, VoiceLadder
from sena_pi.voice_race import Race

pytestmark = pytest.mark.anyio

RATE_HZ = 1000
END = None


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class PlayedVoice:
    """A voice that the test plays: seconds of sound, errors and the end, when it says so."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sentences: list[str] = []
        self.open = 0
        self.when_left: Exception | None = None
        self._given: dict[str, asyncio.Queue[float | Exception | None]] = {}

    def gives(self, sentence: str, *what: float | Exception | None) -> None:
        """Say a part of a sentence, now or as soon as it is asked to."""
        for item in what:
            self._given.setdefault(sentence, asyncio.Queue()).put_nowait(item)

    @contextlib.asynccontextmanager
    async def synthesize(
        self, sentence: str, language: str = "en"
    ) -> AsyncIterator[AsyncIterator[AudioChunk]]:
        self.sentences.append(sentence)
        given = self._given.setdefault(sentence, asyncio.Queue())
        self.open += 1
        try:
            await steps(3)
            async with aclosing(self._speak(given)) as chunks:
                yield chunks
        finally:
            self.open -= 1
            await steps(3)
            if self.when_left:
                raise self.when_left

    async def _speak(
        self, given: asyncio.Queue[float | Exception | None]
    ) -> AsyncIterator[AudioChunk]:
        while (item := await given.get()) is not None:
            if isinstance(item, Exception):
                raise item
            await steps(3)
            sound = f"{self.name[0]}.".encode() * round(item * RATE_HZ)
            yield AudioChunk(AudioFormat(RATE_HZ), sound)


class Stopwatch:
    """The race's timer and clock, which the test holds."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._alarms: list[_Alarm] = []

    def later(self, delay_s: float, call: Callable[[], None]) -> _Alarm:
        alarm = _Alarm(self.now_s + delay_s, call)
        self._alarms.append(alarm)
        return alarm

    async def passes(self, seconds: float) -> None:
        """Let this much time pass, and what follows from it happen."""
        await settled()
        self.goes_off(seconds)
        await settled()

    def goes_off(self, seconds: float) -> None:
        """Let this much time pass."""
        self.now_s += seconds
        for alarm in [a for a in self._alarms if a.due_s <= self.now_s and not a.over]:
            alarm.over = True
            alarm.call()

    @property
    def pending(self) -> int:
        """Alarms that may still go off."""
        return sum(not alarm.over for alarm in self._alarms)


class _Alarm:
    def __init__(self, due_s: float, call: Callable[[], None]) -> None:
        self.due_s = due_s
        self.call = call
        self.over = False

    def cancel(self) -> None:
        self.over = True


class Track:
    """A ladder of three voices the test plays; the first two race."""

    def __init__(self, race: Race | None = Race()) -> None:  # noqa: B008 - frozen
        self.cloud, self.local, self.last = map(PlayedVoice, ("cloud", "local", "espeak"))
        self.watch = Stopwatch()
        self.ladder = VoiceLadder(
            [self.cloud, self.local, self.last],
            race,
            now=lambda: self.watch.now_s,
            later=self.watch.later,
        )

    @property
    def asked(self) -> list[list[str]]:
        return [voice.sentences for voice in (self.cloud, self.local, self.last)]

    @property
    def open(self) -> list[int]:
        return [voice.open for voice in (self.cloud, self.local, self.last)]

    async def lose(self, turn: TurnVoice, sentence: str) -> None:
        """The cloud voice is silent, and the local one speaks."""
        self.local.gives(sentence, 0.5, END)
        async with speaking(turn, sentence) as heard:
            await self.watch.passes(0.4)
        assert ["l"] == voices(await heard)

    async def win(self, turn: TurnVoice, sentence: str) -> None:
        """The cloud voice is there in time."""
        self.cloud.gives(sentence, 0.5, END)
        async with speaking(turn, sentence) as heard:
            pass
        assert ["c"] == voices(await heard)


async def steps(count: int) -> None:
    """Some turns of the loop, as things take that wait for something."""
    for _ in range(count):
        await asyncio.sleep(0)


async def settled() -> None:
    """Let everything happen that can."""
    await steps(100)


@contextlib.asynccontextmanager
async def speaking(
    voice: Synthesizer | TurnVoice, sentence: str
) -> AsyncIterator[asyncio.Task[list[AudioChunk]]]:
    """Speak a sentence beside the body; the body's end waits for the sentence's."""

    async def speak() -> list[AudioChunk]:
        async with voice.synthesize(sentence) as chunks:
            return [chunk async for chunk in chunks]

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(speak())
        await settled()
        yield task


def voices(chunks: list[AudioChunk]) -> list[str]:
    """Initials of the voices that were heard, in order."""
    return sorted({chr(chunk.pcm[0]) for chunk in chunks if chunk.pcm})


def lengths(chunks: list[AudioChunk]) -> list[float]:
    return [chunk.seconds for chunk in chunks]


async def test_a_cloud_voice_that_sounds_in_time_is_not_raced() -> None:
    """Its first sound is passed on at once, and the local voice is not even asked."""
    it = Track()
    async with it.ladder.for_turn().synthesize("a") as chunks:
        it.cloud.gives("a", 0.01)
        assert 0.01 == (await anext(chunks)).seconds
        await it.watch.passes(60)
        it.cloud.gives("a", 0.3, END)
        assert [0.3] == lengths([chunk async for chunk in chunks])
    assert [["a"], [], []] == it.asked


async def test_the_local_voice_starts_when_the_cloud_voice_is_silent_for_its_time() -> None:
    """Not before; and then both speak the same sentence."""
    it = Track()
    async with it.ladder.for_turn().synthesize("a"):
        await it.watch.passes(0.39)
        assert [["a"], [], []] == it.asked
        await it.watch.passes(0.01)
        assert [["a"], ["a"], []] == it.asked
        assert [1, 1, 0] == it.open
    assert [0, 0, 0] == it.open


async def test_the_first_to_give_enough_sound_wins_and_the_loser_is_left_at_once() -> None:
    """Nothing that the winner gave is lost, nothing that the loser gave is heard."""
    it = Track()
    async with speaking(it.ladder.for_turn(), "a") as heard:
        await it.watch.passes(0.4)
        it.cloud.gives("a", 0.1)
        it.local.gives("a", 0.08, 0.07, 0.04)
        await settled()
        assert [1, 1, 0] == it.open
        it.local.gives("a", 0.02)
        await settled()
        assert [0, 1, 0] == it.open
        it.local.gives("a", 0.5, END)
    assert [0.08, 0.07, 0.04, 0.02, 0.5] == lengths(await heard)
    assert ["l"] == voices(await heard)


async def test_a_slow_cloud_voice_may_still_win() -> None:
    """The local voice was started and has not given enough: it is left."""
    it = Track()
    turn = it.ladder.for_turn()
    async with speaking(turn, "a") as heard:
        await it.watch.passes(0.4)
        it.local.gives("a", 0.1)
        it.cloud.gives("a", 0.3)
        await settled()
        assert [1, 0, 0] == it.open
        it.cloud.gives("a", 0.1, END)
    assert [0.3, 0.1] == lengths(await heard)
    assert ("cloud",) == turn.spoken_by
    assert turn.whole


async def test_a_short_sentence_wins_when_it_is_whole() -> None:
    """A "No" has no 0.2 s of sound."""
    it = Track()
    async with speaking(it.ladder.for_turn(), "a") as heard:
        await it.watch.passes(0.4)
        it.local.gives("a", 0.1, END)
    assert [0.1] == lengths(await heard)
    assert [0, 0, 0] == it.open


async def test_a_sentence_that_is_remembered_always_wins() -> None:
    """It sounds at once, whatever its first piece holds."""
    it = Track()
    it.cloud.gives("a", 0.02, 0.02, END)
    async with speaking(it.ladder, "a") as heard:
        pass
    assert [0.02, 0.02] == lengths(await heard)
    assert [["a"], [], []] == it.asked
    assert 0 == it.watch.pending


async def test_once_overtaken_the_rest_of_the_turn_is_local() -> None:
    """The next turn begins with the cloud voice again."""
    it = Track()
    turn = it.ladder.for_turn()
    await it.win(turn, "a")
    await it.lose(turn, "b")
    it.local.gives("c", 0.1, END)
    async with speaking(turn, "c") as heard:
        pass
    assert ["l"] == voices(await heard)
    assert [["a", "b"], ["b", "c"], []] == it.asked
    assert ("cloud", "local") == turn.spoken_by
    assert turn.whole
    await it.win(it.ladder.for_turn(), "d")


@pytest.mark.parametrize("when_s", [0.1, 0.4])
async def test_a_cloud_voice_that_fails_before_its_sound_hands_over(when_s: float) -> None:
    """At once when it is alone; in a race the other just goes on. What it gave is not heard."""
    it = Track()
    turn = it.ladder.for_turn()
    async with speaking(turn, "a") as heard:
        await it.watch.passes(when_s)
        if when_s == 0.4:
            it.cloud.gives("a", 0.1)
        it.cloud.gives("a", CloudUnreachable("cut"))
        await settled()
        assert [0, 1, 0] == it.open
        it.local.gives("a", 0.05, 0.2, END)
    assert [0.05, 0.2] == lengths(await heard)
    assert [["a"], ["a"], []] == it.asked
    assert ("local",) == turn.spoken_by
    assert turn.whole


async def test_a_local_voice_that_fails_leaves_the_cloud_voice_its_time() -> None:
    """Without a rival its first sound is passed on; further sentences are not raced."""
    it = Track()
    turn = it.ladder.for_turn()
    async with turn.synthesize("a") as chunks:
        await it.watch.passes(0.4)
        it.local.gives("a", 0.1, SynthesisFailed("it speaks en, not ko"))
        await settled()
        it.cloud.gives("a", 0.01)
        assert 0.01 == (await anext(chunks)).seconds
    async with turn.synthesize("b"):
        await it.watch.passes(60)
    assert [["a", "b"], ["a"], []] == it.asked


@pytest.mark.parametrize("first", ["cloud", "local"])
async def test_when_both_fail_the_next_rung_speaks(first: str) -> None:
    """The sentence is spoken whole: nothing of it was heard."""
    it = Track()
    turn = it.ladder.for_turn()
    order = [it.cloud, it.local] if first == "cloud" else [it.local, it.cloud]
    async with speaking(turn, "a") as heard:
        await it.watch.passes(0.4)
        for voice in order:
            voice.gives("a", WorkerError("gone"))
            await settled()
        it.last.gives("a", 0.3, END)
    assert ["e"] == voices(await heard)
    assert turn.whole
    assert [0, 0, 0] == it.open


async def test_when_nobody_can_speak_every_reason_is_named() -> None:
    """The journal's reader learns what to mend."""
    it = Track()
    it.cloud.gives("a", AllowanceSpent("spent"))
    it.local.gives("a", END)
    it.last.gives("a", SynthesisFailed("broken"))
    reasons = "cloud: spent; local: it gave no sound; espeak: broken"
    async with it.ladder.synthesize("a") as chunks:
        with pytest.raises(SynthesisFailed, match=reasons):
            await anext(chunks)


@pytest.mark.parametrize("winner", ["cloud", "local"])
async def test_a_winner_that_fails_inside_the_sentence_ends_it_there(winner: str) -> None:
    """The other does not repeat it; the turn goes on below the voice that failed."""
    it = Track()
    turn = it.ladder.for_turn()
    speaker, below = (it.cloud, it.local) if winner == "cloud" else (it.local, it.last)
    async with speaking(turn, "a") as heard:
        await it.watch.passes(0.4)
        speaker.gives("a", 0.2, CloudUnreachable("cut"))
    assert [0.2] == lengths(await heard)
    assert not turn.whole
    below.gives("b", 0.1, END)
    async with speaking(turn, "b") as heard:
        pass
    assert [below.name[0]] == voices(await heard)


async def test_alone_a_sentence_that_breaks_off_is_an_error() -> None:
    """Without a turn to go on with, the caller is told."""
    it = Track()
    it.cloud.gives("a", 0.2, CloudUnreachable("cut"))
    async with it.ladder.synthesize("a") as chunks:
        await anext(chunks)
        with pytest.raises(CloudUnreachable, match="cut"):
            await anext(chunks)


async def test_after_two_lost_turns_the_cloud_voice_rests(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """For a minute the local voice starts at once; then the cloud voice is asked again."""
    it = Track()
    with caplog.at_level(logging.INFO):
        await it.lose(it.ladder.for_turn(), "a")
        await it.lose(it.ladder.for_turn(), "b")
    too_slow = "voice too slow: cloud; local speaks in this turn"
    assert [too_slow, too_slow, "voice rests for 60 s: cloud"] == caplog.messages
    it.watch.now_s += 59.9
    it.local.gives("c", 0.1, END)
    async with speaking(it.ladder.for_turn(), "c") as heard:
        pass
    assert ["l"] == voices(await heard)
    assert ["a", "b"] == it.cloud.sentences
    it.watch.now_s += 0.1
    await it.win(it.ladder.for_turn(), "d")
    await it.lose(it.ladder.for_turn(), "e")
    await it.win(it.ladder.for_turn(), "f")


async def test_a_turn_that_the_cloud_voice_won_makes_good_the_loss_before_it() -> None:
    """But not a turn whose later sentence it lost."""
    it = Track()
    await it.lose(it.ladder.for_turn(), "a")
    await it.win(it.ladder.for_turn(), "b")
    await it.lose(it.ladder.for_turn(), "c")
    turn = it.ladder.for_turn()
    await it.win(turn, "d")
    await it.lose(turn, "e")
    it.local.gives("f", 0.1, END)
    async with speaking(it.ladder.for_turn(), "f") as heard:
        pass
    assert ["l"] == voices(await heard)


async def test_a_turn_is_lost_once() -> None:
    """Two sentences under way: one is overtaken, and the other follows it down."""
    it = Track()
    turn = it.ladder.for_turn()
    async with speaking(turn, "a") as first, speaking(turn, "b") as second:
        await it.watch.passes(0.4)
        for sentence in ("a", "b"):
            it.local.gives(sentence, 0.3, END)
    assert [["l"], ["l"]] == [voices(await heard) for heard in (first, second)]
    await it.win(it.ladder.for_turn(), "c")


async def test_what_an_overtaken_cloud_voice_has_ready_is_not_heard() -> None:
    """The second sentence came from the cloud in time; the first did not, and it goes before."""
    it = Track()
    turn = it.ladder.for_turn()
    async with turn.synthesize("a") as first, turn.synthesize("b") as second:
        it.cloud.gives("b", 0.3, END)
        await it.watch.passes(0.4)
        it.local.gives("a", 0.3, END)
        it.local.gives("b", 0.3, END)
        async with asyncio.timeout(10):
            heard = [chunk for chunks in (first, second) async for chunk in chunks]
    assert ["l"] == voices(heard)
    assert [0.3, 0.3] == lengths(heard)


async def test_a_sentence_won_after_the_turn_was_lost_makes_nothing_good() -> None:
    """The cloud voice comes first in the second sentence, when the turn is local already."""
    it = Track()
    turn = it.ladder.for_turn()
    async with speaking(turn, "a"), speaking(turn, "b") as second:
        await it.watch.passes(0.4)
        it.local.gives("a", 0.3, END)
        await settled()
        it.cloud.gives("b", 0.3, END)
        await settled()
        it.local.gives("b", 0.3, END)
    assert ["l"] == voices(await second)
    await it.lose(it.ladder.for_turn(), "c")
    it.local.gives("d", 0.3, END)
    async with speaking(it.ladder.for_turn(), "d") as heard:
        pass
    assert ["l"] == voices(await heard)


async def test_a_loser_that_breaks_when_it_is_left_disturbs_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It has lost already: that is no failure of its own."""
    it = Track()
    it.local.when_left = WorkerError("gone while it was told")
    async with speaking(it.ladder.for_turn(), "a") as heard:
        await it.watch.passes(0.4)
        it.cloud.gives("a", 0.3, END)
    assert ["c"] == voices(await heard)
    assert [] == caplog.messages


async def test_a_sentence_read_late_is_begun_once() -> None:
    """The cloud voice failed before anybody read; the local one is under way already."""
    it = Track()
    async with it.ladder.for_turn().synthesize("a") as chunks:
        it.cloud.gives("a", CloudUnreachable("cut"))
        await settled()
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            first = tasks.create_task(anext(chunks))  # type: ignore[arg-type]
            await settled()
            it.local.gives("a", 0.3)
        assert 0.3 == first.result().seconds
    assert [["a"], ["a"], []] == it.asked


async def test_a_failure_is_no_loss() -> None:
    """A cloud voice that fails at once keeps nobody waiting, and is asked in the next turn."""
    it = Track()
    for sentence in ("a", "b", "c"):
        it.cloud.gives(sentence, CloudUnreachable("cut"))
        it.local.gives(sentence, 0.3, END)
        async with speaking(it.ladder.for_turn(), sentence) as heard:
            pass
        assert ["l"] == voices(await heard)
    assert ["a", "b", "c"] == it.cloud.sentences


@pytest.mark.parametrize("race", [None, Race(enabled=False)])
async def test_without_a_race_the_cloud_voice_is_waited_for(race: Race | None) -> None:
    """As long as it takes."""
    it = Track(race)
    async with speaking(it.ladder.for_turn(), "a") as heard:
        await it.watch.passes(60)
        it.cloud.gives("a", 0.3, END)
    assert ["c"] == voices(await heard)
    assert [["a"], [], []] == it.asked


async def test_a_single_voice_has_nobody_to_race() -> None:
    """It speaks."""
    voice = PlayedVoice("only")
    voice.gives("a", 0.1, END)
    async with speaking(VoiceLadder([voice], Race()), "a") as heard:
        pass
    assert ["o"] == voices(await heard)


def allowance_of(folder: Path, speech_s: int) -> Allowance:
    return Allowance(
        folder / "allowance.json",
        requests_per_day=1,
        speech_seconds_per_day=speech_s,
        now=lambda: datetime(2026, 11, 23, 12, tzinfo=UTC),
        monotonic=lambda: 0.0,
    )


async def test_the_sound_of_a_loser_is_paid_for_as_it_came(tmp_path: Path) -> None:
    """The cloud made it, heard or not."""
    it = Track()
    allowance = allowance_of(tmp_path, speech_s=1)
    ladder = VoiceLadder(
        [CappedVoice(it.cloud, allowance), it.local], Race(winning_s=2.0), later=it.watch.later
    )
    async with speaking(ladder.for_turn(), "a") as heard:
        await it.watch.passes(0.4)
        it.cloud.gives("a", 0.5, 0.49)
        await settled()
        assert not allowance.spent(Kind.SPEECH)
        it.cloud.gives("a", 0.02)
        await settled()
        it.local.gives("a", 2.0, END)
    assert ["l"] == voices(await heard)
    assert allowance.spent(Kind.SPEECH)


async def test_a_mistake_in_a_voice_is_not_hidden() -> None:
    """It ends the sentence as what it is, and nobody waits for a sound."""
    it = Track()
    it.cloud.gives("a", ZeroDivisionError("a mistake"))
    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.timeout(10), it.ladder.for_turn().synthesize("a") as chunks:
            await anext(chunks)
    assert raised.group_contains(ZeroDivisionError)
    assert [0, 0, 0] == it.open


CUT = CloudUnreachable("cut")
Event = tuple[str, float | Exception | None]
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["cloud", "local"]), st.sampled_from([0.0, 0.05, 0.15, 0.3, CUT, END])
    )
    | st.just(("time", 0.4)),
    max_size=12,
)


async def played(events: list[Event]) -> tuple[TurnVoice, list[AudioChunk]]:
    """Play a race; in the end all voices are told to end, and everything must be over."""
    it = Track()
    it.last.gives("a", 0.3, END)
    turn = it.ladder.for_turn()
    players = {"cloud": it.cloud, "local": it.local}
    async with speaking(turn, "a") as heard:
        for who, what in [*events, ("cloud", END), ("local", END)]:
            if who == "time":
                await it.watch.passes(0.4)
            else:
                players[who].gives("a", what)
            await settled()
    assert [0, 0, 0] == it.open
    assert 0 == it.watch.pending
    return turn, await heard


@given(events=EVENTS)
def test_whatever_comes_in_whatever_order_one_voice_is_heard_with_all_it_gave(
    events: list[Event],
) -> None:
    """Never a mix, never a gap; and only a voice that broke off leaves the sentence unwhole."""
    turn, heard = asyncio.run(played(events))
    (winner,) = turn.spoken_by
    script = [what for who, what in [*events, (winner, END)] if who == winner]
    last = next(n for n, what in enumerate(script) if what is END or what is CUT)
    assert voices(heard) == [winner[0]]
    if winner != "espeak":
        assert sum(script[:last]) == pytest.approx(sum(lengths(heard)))  # type: ignore[arg-type]
        assert turn.whole == (script[last] is END)


# --- cancelling ---------------------------------------------------------------------------------

Story = Callable[[Track], Coroutine[Any, Any, None]]


async def overtime(it: Track) -> None:
    await steps(10)
    it.watch.goes_off(0.4)
    await steps(10)


async def the_cloud_wins(it: Track) -> None:
    it.cloud.gives("a", 0.1, 0.1, 0.1, END)


async def the_local_voice_wins(it: Track) -> None:
    await overtime(it)
    it.cloud.gives("a", 0.1)
    it.local.gives("a", 0.1, 0.1, 0.1, END)


async def both_fail(it: Track) -> None:
    await overtime(it)
    it.local.gives("a", 0.1, SynthesisFailed("no"))
    it.cloud.gives("a", 0.1, SynthesisFailed("no"))
    it.last.gives("a", 0.1, 0.1, END)


async def the_cloud_wins_late(it: Track) -> None:
    await overtime(it)
    it.local.gives("a", 0.1)
    it.cloud.gives("a", 0.1, 0.1, 0.1, 0.1, END)


STORIES = [the_cloud_wins, the_local_voice_wins, both_fail, the_cloud_wins_late]


async def cancelled_after(count: int, story: Story, allowance: Allowance) -> bool:
    """Cancel a sentence after so many turns of the loop; False when it was over by then."""
    it = Track()
    capped = [CappedVoice(it.cloud, allowance), it.local, it.last]
    ladder = VoiceLadder(capped, Race(), later=it.watch.later)

    async def speak() -> None:
        async with ladder.for_turn().synthesize("a") as chunks:
            async for _ in chunks:
                await steps(5)

    async with asyncio.TaskGroup() as tasks:
        playing = tasks.create_task(story(it))
        speech = tasks.create_task(speak())
        await steps(count)
        speech.cancel()
        await asyncio.wait([speech])
        playing.cancel()
        assert [0, 0, 0] == it.open
        assert 0 == it.watch.pending
        assert {asyncio.current_task(), playing} >= asyncio.all_tasks()
    return speech.cancelled()


def test_a_cancelled_sentence_leaves_nothing_wherever_it_is(tmp_path: Path) -> None:
    """Cancelled at each turn of the loop, 200 of them: no task, no voice and no alarm is left."""
    allowance = allowance_of(tmp_path, speech_s=1000)
    cancelled = 0
    for story in STORIES:
        count = 0
        while asyncio.run(cancelled_after(count, story, allowance)):
            count += 1
        cancelled += count
    assert cancelled >= 200
