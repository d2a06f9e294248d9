"""What the assistant says of itself, and its sound."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sena_pi.audio import AudioChunk, AudioFormat
from sena_pi.clips import Clips
from sena_pi.errors import SynthesisFailed
from sena_pi.languages import FOLDER, catalogue
from sena_pi.reasons import Reason
from sena_pi.simulated.cloudless import ScriptedSynthesizer
from sena_pi.speakable import speakable
from sena_pi.stages import Synthesizer

LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.toml"))
LONGEST_FILLER = 20
LONGEST_REASON = 120


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_short_texts_that_can_be_spoken(language: str) -> None:
    """All reasons, each with words of its own; nothing that a voice would stumble over."""
    texts = catalogue(language)
    assert language == texts.language
    assert set(Reason) == set(texts.reasons)
    assert len(Reason) == len(set(texts.reasons.values()))
    for text in [*texts.fillers, *texts.reasons.values()]:
        assert text == speakable(text)
        assert len(text) <= (LONGEST_FILLER if text in texts.fillers else LONGEST_REASON)


@pytest.mark.parametrize(
    ("asked", "found"), [("de-AT", "de"), ("de", "de"), ("xx", "en"), ("", "en"), ("en-US", "en")]
)
def test_a_language_without_a_file_takes_its_relative_s_or_english(asked: str, found: str) -> None:
    """A region's, then the language's, then English."""
    assert found == catalogue(asked).language


def test_a_file_of_a_region_comes_first(tmp_path: Path) -> None:
    """Portuguese in Brazil is not that of Portugal."""
    english = (FOLDER / "en.toml").read_text()
    for name in ("pt", "pt-BR"):
        (tmp_path / f"{name}.toml").write_text(english)
    assert "pt-BR" == catalogue("pt-BR", tmp_path).language


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", r"fillers must .*\[reasons\] is missing"),
        ("fillers = []\n[reasons]\n", "fillers must be a list of texts"),
        ("fillers = [1]\n[reasons]\n", "fillers must be a list of texts"),
        ('fillers = ["Well."]\n[reasons]\n', r"reasons\.offline must be a text"),
        ('fillers = ["Well."]\n[reasons]\nlove = "all"\n', r"reasons\.love is unknown"),
        ('fillers = ["Well."]\nwords = 1\n[reasons]\n', "words is unknown"),
        ("fillers = [", "Invalid"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """With its name and every problem."""
    (tmp_path / "en.toml").write_text(text)
    with pytest.raises(ValueError, match=rf"(?s)en\.toml: .*{problem}"):
        catalogue("en", tmp_path)


class Voice(ScriptedSynthesizer):
    """A voice with a name of its own."""

    def __init__(self, name: str, *mute: str) -> None:
        super().__init__({text: SynthesisFailed("no") for text in mute}, sound_comes=False)
        self.name = name  # type: ignore[misc]


def rendered(clips: Clips, *voices: Synthesizer) -> Clips:
    async def main() -> None:
        for voice in voices:
            await clips.render(voice)

    asyncio.run(main())
    return clips


def test_every_clip_is_made_ahead_once() -> None:
    """All texts, by the voice that is there; for the same voice nothing is made again."""
    voice = Voice("piper")
    clips = rendered(Clips(), voice, voice)
    texts = catalogue()
    assert sorted([*texts.fillers, *texts.reasons.values()]) == sorted(voice.sentences)
    for clip in [clips.filler(), *map(clips.reason, Reason)]:
        assert ("piper", True) == (clip.voice, bool(clip.sound))


def test_another_voice_makes_them_anew_and_keeps_what_it_can_t_say() -> None:
    """The better voice replaces the first one's clips, sentence by sentence."""
    offline = catalogue().reasons[Reason.OFFLINE]
    clips = rendered(Clips(), Voice("espeak"), Voice("piper", offline))
    assert "espeak" == clips.reason(Reason.OFFLINE).voice
    assert "piper" == clips.reason(Reason.KEY).voice


def test_a_voice_that_failed_may_try_again() -> None:
    """One that was not ready the first time is asked again, and tells when all is made."""
    everything = [*catalogue().fillers, *catalogue().reasons.values()]
    clips = rendered(Clips(), Voice("piper", *everything))
    assert () == clips.reason(Reason.KEY).sound
    assert "piper" == rendered(clips, Voice("piper")).reason(Reason.KEY).voice
    assert not asyncio.run(Clips().render(Voice("piper", *everything)))
    assert asyncio.run(clips.render(Voice("espeak")))


def test_clips_are_made_without_the_silence_around_them() -> None:
    """An answer may wait behind one; and a voice that gave only silence has said nothing."""

    class Slow(ScriptedSynthesizer):
        name = "slow"

        @asynccontextmanager
        async def synthesize(
            self, sentence: str, language: str = "en"
        ) -> AsyncIterator[AsyncIterator[AudioChunk]]:
            async def chunks() -> AsyncIterator[AudioChunk]:
                audible = b"" if sentence in catalogue().fillers else b"\x00\x10" * 24_000
                for pcm in (bytes(48_000), audible, bytes(24_000)):
                    yield AudioChunk(AudioFormat(24_000), pcm)

            yield chunks()

    clips = Clips()
    assert not asyncio.run(clips.render(Slow()))
    assert 1.0 == pytest.approx(sum(chunk.seconds for chunk in clips.reason(Reason.KEY).sound))
    assert () == clips.filler().sound


def test_fillers_take_turns() -> None:
    """Who waits twice does not hear the same twice."""
    clips = Clips()
    fillers = catalogue().fillers
    assert [*fillers, fillers[0]] == [clips.filler().text for _ in range(len(fillers) + 1)]
