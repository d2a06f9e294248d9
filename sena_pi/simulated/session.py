"""Somebody in a simulated room: speaks recordings one after the other, and waits for answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sena_pi.audio import MICROPHONE_FORMAT
from sena_pi.devices.audio import Audio
from sena_pi.errors import SenaError, WorkerError
from sena_pi.report import TurnReport

LAST_FRAMES_S = 0.4
"""How long the end of a recording may take to pass through the wake word."""


LOOK_AGAIN_S = 1.0
"""How often it is looked whether the worker that speaks is still the same."""


class RecordingRefused(SenaError):
    """A file can't be spoken: it is not there, or not a 16-bit PCM WAV."""


class Idles(Protocol):
    """Somebody who takes turns, such as an `Assistant`."""

    async def idle(self) -> None:
        """Wait until no turn is going on and none has been asked for."""


@dataclass(frozen=True, slots=True)
class Episode:
    """What came of one recording.

    Attributes:
        path: the WAV file.
        reports: one for each turn that it started; none: no wake word was heard.
    """

    path: Path
    reports: Sequence[TurnReport]


class Session:
    """Collects what the appliance tells; hand `report` and `spoken` to it as its listeners."""

    def __init__(self) -> None:
        self._reports: list[TurnReport] = []
        self._speech_ends: list[int] = []
        self._done: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def report(self, report: TurnReport) -> None:
        """A turn has ended."""
        self._reports.append(report)

    def spoken(self, data: dict[str, Any]) -> None:
        """A recording has begun or ended."""
        if data["done"]:
            self._done.put_nowait(data)
        else:
            self._speech_ends.append(data["speech_end_sample"])

    async def speak(
        self, audio: Audio, assistant: Idles, recordings: Sequence[Path]
    ) -> AsyncIterator[Episode]:
        """Speak each recording when the assistant is idle; what came of it, when it is again.

        Raises:
            RecordingRefused: a file can't be spoken.
            WorkerError: the audio worker is gone.
        """
        for path in recordings:
            await assistant.idle()
            self._reports.clear()
            done = await self._spoken_by(audio, path)
            if "text" in done:
                raise RecordingRefused(done["text"])
            await asyncio.sleep(LAST_FRAMES_S)
            await assistant.idle()
            yield Episode(path, [self._from_true_end(report) for report in self._reports])

    async def _spoken_by(self, audio: Audio, path: Path) -> dict[str, Any]:
        """Have it spoken, and wait for its end; a worker that dies never tells of one."""
        replacements = audio.supervisor.replacements
        await audio.simulate(str(path))
        while True:
            try:
                async with asyncio.timeout(LOOK_AGAIN_S):
                    return await self._done.get()
            except TimeoutError:
                if audio.supervisor.replacements != replacements:
                    raise WorkerError(f"the audio worker died while {path} was spoken") from None

    def _from_true_end(self, report: TurnReport) -> TurnReport:
        """Times from where speech ends in the recording, not from where the detector put it."""
        thought = report.speech_end_sample
        if thought is None or not self._speech_ends:
            return report
        late_samples = thought - self._speech_ends[-1]
        return report.shifted(1000 * late_samples / MICROPHONE_FORMAT.rate_hz)
