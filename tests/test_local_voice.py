"""The local voice as the brain holds it: the real worker process, a voice that is a tone."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sena_pi.audio import AudioChunk
from sena_pi.devices.voice import LocalVoice
from sena_pi.engines.espeak import Espeak
from sena_pi.errors import EngineUnavailable, SynthesisFailed
from sena_pi.voice_ladder import VoiceLadder
from tests.tone_voice import tone_hz, write_tone_voice

pytestmark = pytest.mark.anyio

KILLER = "s'" * 75
SHORT = "Yes."
ENDLESS = "This one never ends."
ENDLESS_ABOVE_IDS = 36


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A voice that is a 440 Hz tone, and never finishes a long sentence."""
    folder = tmp_path_factory.mktemp("voices")
    return write_tone_voice(folder, "tone", endless_above_ids=ENDLESS_ABOVE_IDS)


@asynccontextmanager
async def running(model: Path, patience_s: float = 60) -> AsyncIterator[LocalVoice]:
    """A voice whose worker is ready."""
    voice = LocalVoice(model, patience_s=patience_s)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(voice.run())
        await is_ready(voice)
        yield voice
        task.cancel()


async def is_ready(voice: LocalVoice) -> None:
    async with asyncio.timeout(30):
        await voice.wait_ready()


async def heard(voice: LocalVoice | VoiceLadder, sentence: str) -> list[AudioChunk]:
    async with asyncio.timeout(30), voice.synthesize(sentence) as chunks:
        return [chunk async for chunk in chunks]


async def test_the_brain_hears_the_worker_speak(model: Path) -> None:
    """The sound of the sentence, in chunks of at most a tenth of a second."""
    async with running(model) as voice:
        chunks = await heard(voice, SHORT)
        assert 440 == pytest.approx(tone_hz(chunks), abs=3)
        assert max(chunk.seconds for chunk in chunks) <= 0.1
        assert "piper/tone" == voice.name


async def test_the_worker_limits_itself(model: Path) -> None:
    """Lower priority, no core dumps, bounded memory: and it speaks none the less."""
    async with running(model) as voice:
        pid = voice.supervisor.pid
        assert pid is not None
        assert 5 <= os.getpriority(os.PRIO_PROCESS, pid) - os.getpriority(os.PRIO_PROCESS, 0)
        assert (0, 0) == resource.prlimit(pid, resource.RLIMIT_CORE)
        assert resource.RLIM_INFINITY != resource.prlimit(pid, resource.RLIMIT_AS)[0]
        assert await heard(voice, SHORT)


async def test_a_sentence_that_was_left_is_ended_and_the_next_is_spoken(model: Path) -> None:
    """Barge-in: the model's work on an endless sentence stops; the same worker goes on."""
    async with running(model) as voice:
        pid = voice.supervisor.pid
        async with voice.synthesize(ENDLESS):
            pass
        assert await heard(voice, SHORT)
        assert pid == voice.supervisor.pid


async def test_several_sentences_may_be_under_way(model: Path) -> None:
    """Each gets its own sound, in whatever order it is listened to."""
    async with (
        running(model) as voice,
        voice.synthesize("Yes.") as first,
        voice.synthesize("Oh yes.") as second,
    ):
        longer = [chunk async for chunk in second]
        shorter = [chunk async for chunk in first]
        assert sum(c.seconds for c in longer) > sum(c.seconds for c in shorter) > 0


async def test_the_death_of_the_worker_fails_what_it_had_and_it_is_replaced(model: Path) -> None:
    """Every pending sentence is handed back at once; a new worker speaks later ones."""
    async with (
        running(model) as voice,
        voice.synthesize(ENDLESS) as first,
        voice.synthesize(SHORT) as second,
    ):
        pid = voice.supervisor.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        for chunks in (first, second):
            with pytest.raises(SynthesisFailed, match="voice worker ended"):
                await anext(chunks)
        await is_ready(voice)
        assert pid != voice.supervisor.pid
        assert await heard(voice, SHORT)


async def test_text_that_kills_the_worker_costs_two_workers_at_most(model: Path) -> None:
    """Sent past the sanitiser, it kills; after the second time it is refused unsent."""
    async with running(model) as voice:
        for _ in range(2):
            with pytest.raises(SynthesisFailed, match="voice worker ended"):
                await heard(voice, KILLER)
            await is_ready(voice)
        pid = voice.supervisor.pid
        with pytest.raises(SynthesisFailed, match="died of this sentence 2 times"):
            await heard(voice, KILLER)
        assert await heard(voice, SHORT)
        assert pid == voice.supervisor.pid
        assert 2 == voice.supervisor.replacements


async def test_a_worker_that_gives_no_sound_is_replaced(model: Path) -> None:
    """Silent beyond patience, though it still reads: the sentence fails, a new worker speaks."""
    async with running(model, patience_s=0.2) as voice:
        with pytest.raises(SynthesisFailed, match="no sound for"):
            await heard(voice, ENDLESS)
        await is_ready(voice)
        assert 1 == voice.supervisor.replacements


async def test_a_worker_that_is_stopped_is_replaced(model: Path) -> None:
    """SIGSTOP: it takes the sentence into its pipe and never answers."""
    async with running(model, patience_s=0.2) as voice:
        pid = voice.supervisor.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(SynthesisFailed, match="no sound for"):
            await heard(voice, SHORT)
        await is_ready(voice)
        assert pid != voice.supervisor.pid


async def test_another_language_is_left_to_another_voice(model: Path) -> None:
    """An English voice does not read Korean aloud."""
    async with running(model) as voice:
        with pytest.raises(SynthesisFailed, match="speaks en, not ko"):
            async with voice.synthesize("안녕하세요.", "ko-KR"):
                pass
        async with voice.synthesize(SHORT, "en-GB") as chunks:
            assert (await anext(chunks)).samples


async def test_without_its_model_the_voice_fails_at_once_and_the_journal_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No worker is ready: nobody waits for one, and it is not started again and again."""
    voice = LocalVoice(tmp_path / "en_US-z-low.onnx")
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(voice.run())
        with pytest.raises(SynthesisFailed, match="not ready: it is starting"):
            await heard(voice, SHORT)
        with pytest.raises(EngineUnavailable, match="sena voice install en_US-z-low"):
            await is_ready(voice)
        with pytest.raises(SynthesisFailed, match="sena voice install en_US-z-low"):
            await heard(voice, SHORT)
        task.cancel()
    assert "sena voice install en_US-z-low" in caplog.text


async def test_a_stopped_voice_fails_what_it_had(model: Path) -> None:
    """At shutdown nobody is left waiting for sound."""
    voice = LocalVoice(model)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(voice.run())
        await is_ready(voice)
        async with voice.synthesize(ENDLESS) as chunks:
            task.cancel()
            with pytest.raises(SynthesisFailed, match="stopped"):
                await anext(chunks)


# --- the acceptance: the next rung speaks -----------------------------------------------------


@pytest.mark.parametrize("death", ["killed", "killer text"])
async def test_when_the_worker_dies_on_a_sentence_the_next_rung_speaks_it(
    model: Path, death: str
) -> None:
    """The worker dies of the text, or is killed with it in hand: espeak-ng speaks, then Piper."""
    sentence = ENDLESS if death == "killed" else "It is " + KILLER
    async with running(model) as voice:
        ladder = VoiceLadder([voice, Espeak()])
        turn = ladder.for_turn()
        pid = voice.supervisor.pid
        assert pid is not None
        async with asyncio.timeout(30), turn.synthesize(sentence) as chunks:
            if death == "killed":
                os.kill(pid, signal.SIGKILL)
            spoken = [chunk async for chunk in chunks]
        assert any(any(chunk.pcm) for chunk in spoken)
        assert "espeak-ng" == turn.spoken_by[0].split("/")[0]
        assert turn.whole
        await is_ready(voice)
        assert 440 == pytest.approx(tone_hz(await heard(ladder, SHORT)), abs=3)
