"""What a turn plays, and what of it was heard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from sena_pi.audio import AudioChunk
from sena_pi.clips import Clip
from sena_pi.phases import Phase
from sena_pi.playback import FILLER, Notice, Playback
from sena_pi.simulated.cloudless import tone
from tests.room import StoryLight, StorySpeaker

HALF_S = tone(0.5)
HIGH = tone(0.5, 880)


def tell(story: Callable[[Playback, StorySpeaker, StoryLight], Awaitable[None]]) -> None:
    """Run a story of a playback on a speaker that is advanced by the story."""

    async def main() -> None:
        speaker, light = StorySpeaker(time.monotonic_ns), StoryLight()
        speaker.hold()
        async with asyncio.timeout(10):
            await story(Playback(speaker, light), speaker, light)

    asyncio.run(main())


async def says(playback: Playback, *sounds: AudioChunk | str | Notice) -> None:
    for sound in sounds:
        await playback.play(sound)


def test_what_is_said_again_is_heard_once() -> None:
    """Only the sentence that was cut is in the next run, and in the end all that was said."""

    async def story(playback: Playback, speaker: StorySpeaker, _: StoryLight) -> None:
        await playback.begin()
        await says(playback, HALF_S, "One.", HIGH, "Two.")
        speaker.advance(0.7)
        await speaker.flush()
        assert "One." == playback.spoken
        await playback.begin()
        assert 0.5 == speaker.queued_s
        speaker.advance(0.5)
        assert ("One. Two.", [HALF_S, HIGH]) == (playback.spoken, speaker.heard)

    tell(story)


def test_a_sentence_that_is_still_being_made_goes_on_where_it_was() -> None:
    """Its first half is said again, and then the second."""

    async def story(playback: Playback, speaker: StorySpeaker, _: StoryLight) -> None:
        await playback.begin()
        await says(playback, HALF_S)
        speaker.advance(0.2)
        await speaker.flush()
        await playback.begin()
        await says(playback, HIGH, "One long sentence.")
        speaker.advance(1.0)
        assert "One long sentence." == playback.spoken
        assert [HALF_S, HIGH] == speaker.heard

    tell(story)


def test_a_filler_inside_a_sentence_does_not_lose_it() -> None:
    """A filler that comes when the first sound has just come is one, and the sentence is whole."""

    async def story(playback: Playback, speaker: StorySpeaker, _: StoryLight) -> None:
        filler = Notice(FILLER, Clip("Hm.", "en", sound=(HALF_S,)), ends=False)
        await playback.begin()
        await says(playback, tone(0.2), filler, tone(0.2), "One.")
        speaker.advance(0.9)
        assert "One." == playback.spoken

    tell(story)


def test_a_filler_that_is_said_again_is_no_answer() -> None:
    """The first sound of the answer is that of the answer, in whichever run."""

    async def story(playback: Playback, speaker: StorySpeaker, light: StoryLight) -> None:
        filler = Notice(FILLER, Clip("Hm.", "en", sound=(HALF_S,)), ends=False)
        await playback.begin()
        await says(playback, filler, HALF_S)
        speaker.advance(0.3)
        assert (True, False) == passed(playback)
        await speaker.flush()
        await playback.begin()
        speaker.advance(0.4)
        assert (True, False) == passed(playback)
        speaker.advance(0.4)
        assert (True, True) == passed(playback)
        assert Phase.SPEAKING == light.shown[-1]

    tell(story)


def passed(playback: Playback) -> tuple[bool, bool]:
    return playback.passed_ns(FILLER) is not None, playback.passed_ns("answer") is not None


def test_what_was_dropped_on_a_flush_was_not_said() -> None:
    """A sentence half of which the speaker took, and played, is none."""

    async def story(playback: Playback, speaker: StorySpeaker, _: StoryLight) -> None:
        await playback.begin()
        await says(playback, HALF_S)
        speaker.advance(0.5)
        await speaker.flush()
        await says(playback, HALF_S, "One long sentence.", HALF_S, "Two.")
        assert "" == playback.spoken

    tell(story)


def test_what_another_plays_is_not_said_by_this() -> None:
    """After its end, whatever the speaker tells."""

    async def story(playback: Playback, speaker: StorySpeaker, _: StoryLight) -> None:
        await playback.begin()
        await says(playback, HALF_S, "One.", HALF_S, "Two.")
        speaker.advance(0.5)
        await speaker.flush()
        playback.end()
        speaker.begin()
        await speaker.play(tone(1.0))
        speaker.advance(1.0)
        assert "One." == playback.spoken

    tell(story)


def test_the_light_speaks_again_though_nothing_is_said_again() -> None:
    """All that was made was heard, and more comes: whoever listened has left the light."""

    async def story(playback: Playback, speaker: StorySpeaker, light: StoryLight) -> None:
        await playback.begin()
        assert [] == light.shown
        await says(playback, HALF_S, "One.")
        speaker.advance(0.5)
        await speaker.flush()
        light.show(Phase.LISTENING)
        await playback.begin()
        assert (Phase.SPEAKING, 0.0) == (light.shown[-1], speaker.queued_s)

    tell(story)
