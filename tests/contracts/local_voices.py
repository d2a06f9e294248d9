"""Rigs of the voices on this machine, for the contract of `Synthesizer`."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sena_pi.audio import AudioFormat
from sena_pi.devices.voice import LocalVoice
from sena_pi.engines.espeak import Espeak
from sena_pi.errors import SynthesisFailed
from sena_pi.simulated.cloudless import SPEECH_FORMAT, Ending, ScriptedSynthesizer
from sena_pi.stages import Synthesizer
from sena_pi.voice_ladder import VoiceLadder
from sena_pi.voice_race import Race

if TYPE_CHECKING:
    from tests.contracts.synthesizers import Then

WORKER = Path(__file__).parents[1] / "scripted_voice_worker.py"


class _FileRig:
    """A rig whose other end reads what to do from a file."""

    voice: Synthesizer
    format: AudioFormat

    def __init__(self, script: Path) -> None:
        self._script = script
        self._write({})

    def _write(self, endings: dict[str, str]) -> None:
        self._script.write_text(json.dumps(endings))

    def will_speak(self, sentence: str, *, then: Then = "ends") -> None:
        """Script it."""
        self._write({sentence: then})

    def will_fail(self, sentence: str) -> None:
        """Script it."""
        self._write({sentence: "no sound"})


class LocalVoiceRig(_FileRig):
    """The voice worker: real process, channel and queue; only its engine is scripted."""

    def __init__(self, script: Path) -> None:
        super().__init__(script)
        self.voice: LocalVoice = LocalVoice(script, argv=(sys.executable, str(WORKER)))
        self.format = SPEECH_FORMAT

    async def idle(self) -> None:
        """The worker speaks one sentence after the other: the next is spoken when it is idle."""
        async with asyncio.timeout(10), self.voice.synthesize("Are you there?") as chunks:
            assert [chunk async for chunk in chunks]


class LadderRig(LocalVoiceRig):
    """A ladder with one rung: adds nothing, and takes nothing away."""

    def __init__(self, script: Path) -> None:
        super().__init__(script)
        self.local = self.voice
        self.voice = VoiceLadder([self.local])  # type: ignore[assignment]


class OvertakenRig(LocalVoiceRig):
    """A race that the local voice wins: the cloud voice is silent for ever."""

    def __init__(self, script: Path) -> None:
        super().__init__(script)
        self.local = self.voice
        self._cloud = ScriptedSynthesizer(sound_comes=False)
        self.voice = VoiceLadder([self._cloud, self.local], Race(patience_s=0))  # type: ignore[assignment]

    def will_speak(self, sentence: str, *, then: Then = "ends") -> None:
        """Script both."""
        super().will_speak(sentence, then=then)
        self._cloud.endings[sentence] = Ending.HANGS

    def will_fail(self, sentence: str) -> None:
        """Script both."""
        super().will_fail(sentence)
        self._cloud.endings[sentence] = SynthesisFailed("failed")

    async def idle(self) -> None:
        """The cloud voice is left at once; the worker is asked."""
        if self._cloud.open_sentences:
            raise TimeoutError
        async with asyncio.timeout(10), self.local.synthesize("Are you there?") as chunks:
            assert [chunk async for chunk in chunks]


class EspeakRig(_FileRig):
    """The real espeak-ng, behind a program that cuts its sound off as scripted."""

    format = AudioFormat(22_050)

    def __init__(self, script: Path) -> None:
        super().__init__(script)
        program = script.with_name("espeak")
        self._pid = script.with_name("pid")
        program.write_text(
            textwrap.dedent(f"""\
                #!{sys.executable}
                import json, os, pathlib, signal, subprocess, sys
                argv = ["espeak-ng", *sys.argv[1:]]
                if "--voices" in argv:
                    os.execvp("espeak-ng", argv)
                pathlib.Path({str(self._pid)!r}).write_text(str(os.getpid()))
                text = sys.stdin.read()
                then = json.load(open({str(script)!r})).get(text, "ends")
                wav = subprocess.run(argv, input=text.encode(), capture_output=True).stdout
                most = {{"ends": len(wav), "no sound": 0}}.get(then, 20_000)
                sys.stdout.buffer.write(wav[:most])
                sys.stdout.flush()
                if then == "hangs":
                    signal.pause()
                if then != "ends":
                    os.abort()
            """)
        )
        program.chmod(0o755)
        self.voice: Espeak = Espeak(program=str(program))

    async def idle(self) -> None:
        """Nothing to wait for: when a context is left, its process is gone and reaped."""
        if self._is_running():
            raise TimeoutError

    def _is_running(self) -> bool:
        return Path(f"/proc/{self._pid.read_text()}").exists()


@asynccontextmanager
async def local_voice_rig() -> AsyncIterator[LocalVoiceRig]:
    """The voice worker."""
    with tempfile.TemporaryDirectory() as folder:
        rig = LocalVoiceRig(Path(folder) / "script.json")
        async with _running(rig.voice):
            yield rig


@asynccontextmanager
async def ladder_rig() -> AsyncIterator[LadderRig]:
    """A ladder that stands on the voice worker."""
    with tempfile.TemporaryDirectory() as folder:
        rig = LadderRig(Path(folder) / "script.json")
        async with _running(rig.local):
            yield rig


@asynccontextmanager
async def overtaken_rig() -> AsyncIterator[OvertakenRig]:
    """A race, won by the voice worker."""
    with tempfile.TemporaryDirectory() as folder:
        rig = OvertakenRig(Path(folder) / "script.json")
        async with _running(rig.local):
            yield rig


@asynccontextmanager
async def espeak_rig() -> AsyncIterator[EspeakRig]:
    """espeak-ng."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    with tempfile.TemporaryDirectory() as folder:
        yield EspeakRig(Path(folder) / "script.json")


@asynccontextmanager
async def _running(voice: LocalVoice) -> AsyncIterator[None]:
    task = asyncio.create_task(voice.run(), name="voice worker")
    try:
        await voice.wait_ready()
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
