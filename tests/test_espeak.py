"""espeak-ng, one process a sentence: the real program."""

from __future__ import annotations

import asyncio
import resource
import shutil
import signal
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from sena_pi.audio import AudioChunk, AudioFormat
from sena_pi.engines.espeak import Espeak
from sena_pi.errors import EngineUnavailable, SynthesisFailed

pytestmark = pytest.mark.anyio

Program = Callable[[str], str]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _installed() -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Writes a program that knows the voices of espeak-ng and then does what it is told to."""

    def write(body: str) -> str:
        path = tmp_path / "espeak"
        path.write_text(
            f"#!{sys.executable}\nimport os, resource, signal, sys\n"
            'if "--voices" in sys.argv: os.execvp("espeak-ng", sys.argv)\n' + textwrap.dedent(body)
        )
        path.chmod(0o755)
        return str(path)

    return write


async def heard(voice: Espeak, sentence: str, language: str = "en") -> list[AudioChunk]:
    async with asyncio.timeout(30), voice.synthesize(sentence, language) as chunks:
        return [chunk async for chunk in chunks]


def seconds(chunks: list[AudioChunk]) -> float:
    return sum(chunk.seconds for chunk in chunks)


async def test_it_speaks_in_short_chunks() -> None:
    """22,050 Hz, sound in it, at most a tenth of a second each."""
    chunks = await heard(Espeak(), "The capital of France is Paris.")
    assert {AudioFormat(22_050)} == {chunk.format for chunk in chunks}
    assert 1.0 < seconds(chunks) < 5.0
    assert max(chunk.seconds for chunk in chunks) <= 0.1
    assert max(memoryview(b"".join(chunk.pcm for chunk in chunks)).cast("h")) > 3_000


async def test_speed_makes_it_faster() -> None:
    """Twice the speed: well under the time."""
    sentence = "The capital of France is Paris."
    slow, fast = await heard(Espeak(), sentence), await heard(Espeak(speed=2), sentence)
    assert seconds(fast) < 0.7 * seconds(slow)


@pytest.mark.parametrize(
    ("language", "voice"),
    [
        ("en", "en"),
        ("en-GB", "en-gb"),
        ("de-AT", "de"),
        ("fr", "fr"),
        ("chr", "chr-us-qaaa-x-west"),
        ("ko-KR", "ko"),
        ("zh-CN", "cmn"),
        ("xx", "fr-fr"),
        ("../../etc/passwd", "fr-fr"),
        ("", "fr-fr"),
    ],
)
async def test_each_language_has_its_voice(program: Program, language: str, voice: str) -> None:
    """The exact voice, else the language's, else the one configured; never anything unknown."""
    told = program("sys.stderr.close(); open(sys.argv[0] + '.v', 'w').write(' '.join(sys.argv))")
    with pytest.raises(SynthesisFailed):
        await heard(Espeak("fr-FR", program=told), "Hello.", language)
    argv = Path(f"{told}.v").read_text().split()  # noqa: ASYNC240 - a few bytes
    assert voice == argv[argv.index("-v") + 1]
    assert "Hello." not in argv


@pytest.mark.parametrize(
    "text", ["s'" * 75, "'s" * 80, "i.e." * 300, "[[" * 5_000, "\x01" + "a" * 9_000]
)
async def test_hostile_text_is_spoken_none_the_less(text: str) -> None:
    """Nobody speaks after the last rung, so it makes its text safe itself."""
    chunks = await heard(Espeak(), f"Well. {text}")
    assert 0 < seconds(chunks) < 90


async def test_a_crash_of_espeak_is_a_failed_sentence(program: Program) -> None:
    """What it died of is named, and the next sentence is spoken."""
    crashing = program("os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(SynthesisFailed, match=f"status -{signal.SIGSEGV:d}"):
        await heard(Espeak(program=crashing), "Hello.")
    assert await heard(Espeak(), "Hello.")


async def test_an_espeak_that_hangs_is_given_up(program: Program) -> None:
    """Patience ends, and the process is killed."""
    voice = Espeak(program=program("signal.pause()"), patience_s=0.2)
    with pytest.raises(SynthesisFailed, match=r"no sound for 0.2 s"):
        await heard(voice, "Hello.")


async def test_espeak_is_limited(program: Program) -> None:
    """No core dump, and bounds on time and memory, whatever the text makes it do."""
    limits = ("RLIMIT_CORE", "RLIMIT_CPU", "RLIMIT_AS")
    body = f"""
        sys.stdin.read()
        with open(sys.argv[0] + ".l", "w") as out:
            for limit in {limits}:
                print(resource.getrlimit(getattr(resource, limit))[0], file=out)
    """
    told = program(body)
    with pytest.raises(SynthesisFailed):
        await heard(Espeak(program=told), "Hello.")
    core, cpu, memory = map(int, Path(f"{told}.l").read_text().split())  # noqa: ASYNC240
    assert 0 == core
    assert resource.RLIM_INFINITY not in (cpu, memory)


def test_without_espeak_the_message_says_what_to_do(tmp_path: Path) -> None:
    """Not installed, or not able to run."""
    with pytest.raises(EngineUnavailable, match="apt install espeak-ng"):
        Espeak(program="no-such-espeak")
    broken = tmp_path / "espeak"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(EngineUnavailable, match="does not run"):
        Espeak(program=str(broken))
