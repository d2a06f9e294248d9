"""What checks examine: this machine, and the assistant on it, whether it runs or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sena_pi.devices.audio import Audio
from sena_pi.doctor.examination import in_thread
from sena_pi.errors import SenaError
from sena_pi.keys import KeyStore
from sena_pi.settings import Settings


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined.

    Attributes:
        settings: those in force.
        keys: which keys there are.
        status: what the assistant that runs says of itself, None when none runs.
        not_asked: why one that runs can't be asked; empty: it can, or none runs.
        ask: asks the one that runs (request, arguments); blocks; raises SenaError.
        audio: makes an audio worker's client, with or without the microphone.
        quiet: no sound is to be made.
        cloud: the cloud may be asked something.
        root: where `proc`, `sys` and `etc` are.
    """

    settings: Settings
    keys: KeyStore
    status: dict[str, Any] | None
    ask: Callable[[str, dict[str, Any]], Any]
    audio: Callable[[bool], Audio]
    not_asked: str = ""
    quiet: bool = False
    cloud: bool = True
    root: Path = field(default=Path("/"))

    @property
    def runs(self) -> bool:
        """An assistant runs here, whether it can be asked or not."""
        return self.status is not None or bool(self.not_asked)

    async def asked(self, request: str, **arguments: object) -> Any:  # noqa: ANN401 - JSON
        """What the assistant that runs answers.

        Raises:
            SenaError: it can't be asked, or refuses.
        """
        if self.status is None:
            raise SenaError(self.not_asked or "sena is not running")
        return await in_thread(lambda: self.ask(request, arguments))

    @asynccontextmanager
    async def worker(self, *, capture: bool) -> AsyncIterator[Audio]:
        """An audio worker of our own, for a moment; what the context raises comes out as it is."""
        audio = self.audio(capture)
        failure: Exception | None = None
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(audio.run())
            try:
                yield audio
            except Exception as error:  # noqa: BLE001 - it is raised again below
                failure = error
            running.cancel()
        if failure is not None:
            raise failure
