"""The voices that the contract is run on; add one by adding its rig to `RIGS`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal, Protocol

from sena_pi.audio import AudioFormat
from sena_pi.engines.gemini import Gemini, GeminiSettings
from sena_pi.engines.gemini_voice import GeminiVoice
from sena_pi.errors import SynthesisFailed
from sena_pi.simulated.cloudless import SPEECH_FORMAT, Ending, ScriptedSynthesizer, tone
from sena_pi.stages import Synthesizer
from sena_pi.voice_ladder import VoiceLadder
from sena_pi.voice_race import Race
from tests.contracts.local_voices import espeak_rig, ladder_rig, local_voice_rig, overtaken_rig
from tests.gemini_replies import End, sound_answer
from tests.gemini_server import GeminiServer

Then = Literal["ends", "fails", "hangs"]


class SynthesizerRig(Protocol):
    """A voice, and the other end of it in the test's hands.

    Attributes:
        voice: the voice.
        format: of its sound.
    """

    voice: Synthesizer
    format: AudioFormat

    def will_speak(self, sentence: str, *, then: Then = "ends") -> None:
        """Spoken next, the sentence sounds, and after some of the sound this happens."""

    def will_fail(self, sentence: str) -> None:
        """Spoken next, the sentence fails before any sound comes."""

    async def idle(self) -> None:
        """Wait, within a wide bound, until nothing of any sentence is left open.

        Raises:
            TimeoutError: something still is.
        """


class ScriptedRig:
    """The voice that speaks in tones."""

    def __init__(self) -> None:
        self.voice = ScriptedSynthesizer()
        self.format = SPEECH_FORMAT

    def will_speak(self, sentence: str, *, then: Then = "ends") -> None:
        """Script it."""
        failed = SynthesisFailed("failed")
        endings = {"ends": Ending.WHOLE, "fails": failed, "hangs": Ending.HANGS}
        self.voice.endings[sentence] = endings[then]

    def will_fail(self, sentence: str) -> None:
        """Script it."""
        self.voice.sound_comes = False
        self.voice.endings[sentence] = SynthesisFailed("failed")

    async def idle(self) -> None:
        """Nothing to wait for: contexts are left at once."""
        if self.voice.open_sentences:
            raise TimeoutError


class GeminiRig:
    """Gemini's voice, with the real client, against the loopback server."""

    def __init__(self, server: GeminiServer, voice: GeminiVoice) -> None:
        self.voice: Synthesizer = voice
        self.format = SPEECH_FORMAT
        self._server = server

    def will_speak(self, sentence: str, *, then: Then = "ends") -> None:
        """Script it, a second of sound in pieces that cut samples in half."""
        pcm = tone(1.0).pcm
        reply = sound_answer(pcm[:4801], pcm[4801:20_000], pcm[20_000:])
        early = {"fails": End.RESET, "hangs": End.SILENCE}
        self._server.will_speak(reply if then == "ends" else reply.after(2, early[then]))

    def will_fail(self, sentence: str) -> None:
        """Script it: the real one ends like this at times."""
        self._server.will_speak(sound_answer(finish="OTHER"))

    async def idle(self) -> None:
        """Wait until the server has seen every unfinished sentence's connection close."""
        for request in self._server.requests:
            if not request.sent_whole:
                await request.closing()


class AheadRig(GeminiRig):
    """A race that the cloud voice wins: it is given all the time it needs."""

    def __init__(self, server: GeminiServer, voice: GeminiVoice) -> None:
        super().__init__(server, voice)
        self._local = ScriptedSynthesizer(sound_comes=False)
        self.voice: Synthesizer = VoiceLadder([voice, self._local], Race(patience_s=60))

    def will_fail(self, sentence: str) -> None:
        """Script both."""
        super().will_fail(sentence)
        self._local.endings[sentence] = SynthesisFailed("failed")

    async def idle(self) -> None:
        """Both."""
        await super().idle()
        if self._local.open_sentences:
            raise TimeoutError


@asynccontextmanager
async def scripted_rig() -> AsyncIterator[SynthesizerRig]:
    """The voice that speaks in tones."""
    yield ScriptedRig()


@asynccontextmanager
async def gemini_rig(
    make: Callable[[GeminiServer, GeminiVoice], GeminiRig] = GeminiRig,
) -> AsyncIterator[SynthesizerRig]:
    """Gemini's voice."""
    async with GeminiServer() as server:
        gemini = Gemini(server.key, GeminiSettings(base_url=server.url, read_timeout_s=60))
        try:
            yield make(server, GeminiVoice(gemini))
        finally:
            await gemini.aclose()


RIGS: dict[str, Callable[[], AbstractAsyncContextManager[SynthesizerRig]]] = {
    "scripted": scripted_rig,
    "gemini": gemini_rig,
    "local voice": local_voice_rig,
    "espeak-ng": espeak_rig,
    "ladder": ladder_rig,
    "race, the cloud voice ahead": lambda: gemini_rig(AheadRig),
    "race, the cloud voice overtaken": overtaken_rig,
}
