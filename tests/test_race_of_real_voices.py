"""The race with the real client and the real worker process: what a loser leaves behind."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sena_pi.audio import AudioChunk
from sena_pi.devices.voice import LocalVoice
from sena_pi.engines.gemini import Gemini, GeminiSettings
from sena_pi.engines.gemini_voice import GeminiVoice
from sena_pi.simulated.cloudless import ScriptedSynthesizer, tone
from sena_pi.stages import Synthesizer
from sena_pi.voice_ladder import VoiceLadder
from sena_pi.voice_race import Race
from tests.gemini_replies import End, Gate, Reply, silence, sound_answer
from tests.gemini_server import GeminiServer, Request

pytestmark = pytest.mark.anyio

SENTENCE = "Paris is the capital of France."
WORKER = Path(__file__).parent / "scripted_voice_worker.py"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """What the worker's engine does: it hangs after half a second of the sentence."""
    path = tmp_path / "script.json"
    path.write_text(json.dumps({SENTENCE: "hangs"}))
    return path


@asynccontextmanager
async def cloud(server: GeminiServer) -> AsyncIterator[GeminiVoice]:
    """Gemini's voice."""
    gemini = Gemini(server.key, GeminiSettings(base_url=server.url, read_timeout_s=60))
    try:
        yield GeminiVoice(gemini)
    finally:
        await gemini.aclose()


@asynccontextmanager
async def worker(script: Path) -> AsyncIterator[LocalVoice]:
    """The voice worker, its engine scripted."""
    voice = LocalVoice(script, argv=(sys.executable, str(WORKER)))
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(voice.run())
        await voice.wait_ready()
        yield voice
        running.cancel()


class Watched:
    """A voice that tells when it has given some sound."""

    def __init__(self, voice: Synthesizer) -> None:
        self.name = voice.name
        self.sounded = asyncio.Event()
        self._voice = voice

    @asynccontextmanager
    async def synthesize(
        self, sentence: str, language: str = "en"
    ) -> AsyncIterator[AsyncIterator[AudioChunk]]:
        async def watched() -> AsyncIterator[AudioChunk]:
            async for chunk in chunks:
                self.sounded.set()
                yield chunk

        async with self._voice.synthesize(sentence, language) as chunks:
            yield watched()


async def heard(voice: Synthesizer, sentence: str) -> list[AudioChunk]:
    async with voice.synthesize(sentence) as chunks:
        return [chunk async for chunk in chunks]


@pytest.mark.parametrize(
    "reply",
    [
        silence(),
        sound_answer(tone(1.0).pcm).after(0, End.SILENCE),
    ],
    ids=["no header", "no sound"],
)
async def test_a_lost_request_is_closed_while_the_winner_speaks(reply: Reply) -> None:
    """The server sees it go before the sentence is over."""
    local = ScriptedSynthesizer()
    local.gates[SENTENCE] = asyncio.Event()

    def speak(_: Request) -> Reply:
        # The request has arrived: now it may lose.
        local.gates[SENTENCE].set()
        return reply

    async with GeminiServer(speak=speak) as server, cloud(server) as voice:
        ladder = VoiceLadder([voice, local], Race(patience_s=0))
        async with ladder.synthesize(SENTENCE) as chunks:
            await anext(chunks)
            (request,) = server.requests
            await request.closing()
        assert [SENTENCE] == local.sentences
        assert 0 == local.open_sentences


async def test_a_lost_sentence_does_not_keep_the_worker_busy(script: Path) -> None:
    """It hangs in the middle of the sentence; the next one is spoken."""
    async with (
        GeminiServer() as server,
        cloud(server) as voice,
        worker(script) as local,
    ):
        gate = Gate()
        server.will_speak(sound_answer(tone(1.0).pcm).with_pause(0, gate))
        watched = Watched(local)
        turn = VoiceLadder([voice, watched], Race(patience_s=0, winning_s=0.9)).for_turn()
        async with asyncio.TaskGroup() as tasks, turn.synthesize(SENTENCE) as chunks:
            first = tasks.create_task(anext(chunks))  # type: ignore[arg-type]
            await watched.sounded.wait()
            gate.open()
            assert (await first).samples == tone(1.0).samples
            assert await heard(local, "Are you there?")
        assert (voice.name,) == turn.spoken_by
