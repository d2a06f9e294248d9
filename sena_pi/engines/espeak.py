"""espeak-ng, the voice of last resort: small, everywhere, in a hundred languages.

One process a sentence. Hostile text can kill espeak-ng too, and then kills that one child only;
but nobody speaks after it, so it makes sure itself that its text is safe.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sena_pi.audio import AudioChunk
from sena_pi.errors import EngineUnavailable, SynthesisFailed
from sena_pi.pcm_stream import PcmStream
from sena_pi.speakable import speakable

PIECE_BYTES = 4096
"""Read at a time: a tenth of a second at espeak-ng's 22,050 Hz."""
PATIENCE_S = 5.0
"""Longest wait for the next piece; the first comes within 0.1 s."""
LONGEST_S = 180.0
_CPU_LIMIT_S = 20
_MEMORY_LIMIT_BYTES = 256 * 1024 * 1024
_WORDS_A_MINUTE = 165


class Espeak:
    """A `Synthesizer` that runs espeak-ng for each sentence.

    Blocks for some 20 ms when it is made: it asks espeak-ng for its languages.

    Args:
        language: what is spoken where a sentence's own language is not known to espeak-ng.
        speed: 1 is a calm pace, 2 is twice that.
        program: name or path of espeak-ng.
        patience_s: longest wait for sound.

    Raises:
        EngineUnavailable: espeak-ng is not installed, or does not run.
    """

    def __init__(
        self,
        language: str = "en",
        *,
        speed: float = 1.0,
        program: str = "espeak-ng",
        patience_s: float = PATIENCE_S,
    ) -> None:
        found = shutil.which(program)
        if found is None:
            raise EngineUnavailable(f"{program} is not installed: apt install espeak-ng")
        self._program = found
        self._languages = _languages(found)
        self._default = self._voice_for(language) or "en"
        self._words_a_minute = str(round(_WORDS_A_MINUTE * speed))
        self._patience_s = patience_s

    @property
    def name(self) -> str:
        """Engine and default voice, for the journal."""
        return f"espeak-ng/{self._default}"

    def synthesize(
        self, sentence: str, language: str = "en"
    ) -> AbstractAsyncContextManager[AsyncIterator[AudioChunk]]:
        """Speak one safe sentence; see `Synthesizer.synthesize`."""
        if not sentence.strip():
            raise ValueError("a sentence needs words")
        return self._speaking(speakable(sentence), self._voice_for(language) or self._default)

    def _voice_for(self, language: str) -> str | None:
        """espeak-ng's voice for a BCP 47 tag: the exact one, else one of the language."""
        tag = language.lower()
        family = tag.partition("-")[0]
        family = {"zh": "cmn", "no": "nb"}.get(family, family)
        for known in (tag, family):
            if known in self._languages:
                return known
        return next((known for known in self._languages if known.startswith(f"{family}-")), None)

    @asynccontextmanager
    async def _speaking(
        self, sentence: str, voice: str
    ) -> AsyncIterator[AsyncIterator[AudioChunk]]:
        try:
            # The text goes in by a pipe: arguments can be read by any process.
            process = await asyncio.create_subprocess_exec(
                self._program,
                *("-b", "1", "-v", voice, "-s", self._words_a_minute, "--stdin", "--stdout"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            raise SynthesisFailed(f"espeak-ng can't be started: {error}") from error
        try:
            _limit(process.pid)
            assert process.stdin is not None  # noqa: S101 - it was opened as a pipe
            # Far smaller than a pipe's buffer, so there is nothing to drain.
            process.stdin.write(sentence.encode(errors="replace"))
            process.stdin.close()
            yield _Chunks(process, self._patience_s)
        finally:
            await _end(process)


class _Chunks:
    """The chunks of one espeak-ng process, as it writes them."""

    def __init__(self, process: asyncio.subprocess.Process, patience_s: float) -> None:
        self._process = process
        self._patience_s = patience_s
        self._stream = PcmStream(LONGEST_S)

    def __aiter__(self) -> AsyncIterator[AudioChunk]:
        return self

    async def __anext__(self) -> AudioChunk:
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - it was opened as a pipe
        try:
            async with asyncio.timeout(self._patience_s):
                while data := await stdout.read(PIECE_BYTES):
                    chunk = self._stream.feed(data, "audio/wav")
                    if chunk is not None:
                        return chunk
                status = await self._process.wait()
        except TimeoutError:
            raise SynthesisFailed(f"espeak-ng: no sound for {self._patience_s:g} s") from None
        if status != 0 or not self._stream.seconds:
            raise SynthesisFailed(f"espeak-ng ended with status {status}")
        raise StopAsyncIteration


def _languages(program: str) -> tuple[str, ...]:
    try:
        listed = subprocess.run(
            (program, "--voices"), capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineUnavailable(f"{program} does not run: {error}") from error
    # " 5  fr-fr  --/M  French_(France)  roa/fr  (fr 5)": its own tag, and what it stands in for.
    rows = listed.splitlines()[1:]
    tags = [tag for row in rows for tag in (*row.split()[1:2], *re.findall(r"\((\S+) \d+\)", row))]
    return tuple(tag.lower() for tag in tags)


def _limit(pid: int) -> None:
    """No core dump, bounded time and memory, whatever the text makes it do."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_CPU, (_CPU_LIMIT_S, _CPU_LIMIT_S))
        resource.prlimit(pid, resource.RLIMIT_AS, (_MEMORY_LIMIT_BYTES, _MEMORY_LIMIT_BYTES))


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill it if it still runs, and reap it."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            # Not `process.kill`, which would reap a child that has just ended behind the loop's
            # back.
            os.kill(process.pid, signal.SIGKILL)
    transport = process._transport  # type: ignore[attr-defined]  # noqa: SLF001
    await process.wait()
    # Without this the pipes stay open until the garbage collector finds them.
    transport.close()
