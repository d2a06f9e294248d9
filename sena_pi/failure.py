"""What a person sees and hears when the assistant does not start: `python -m sena_pi.failure`.

systemd runs it after a storm of failures, and ends it when the assistant is tried again. It shows
a fault on the light all that time, and says one line; not at every attempt, which would be every
few minutes for as long as nobody comes. It needs no cloud, no key and no good settings.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Protocol

from sena_pi import config, journal
from sena_pi.body.hardware import hardware
from sena_pi.body.light import Light
from sena_pi.devices.audio import Audio, AudioListeners
from sena_pi.engines.espeak import Espeak
from sena_pi.errors import ConfigError, SenaError
from sena_pi.foreground import until_terminated
from sena_pi.places import runtime_folder
from sena_pi.settings import Settings

SILENT_FOR_S: Final = 12 * 3600.0
"""How long after a line was said the next one may be."""
SPEAK_WITHIN_S: Final = 30.0

_LINES: Final = {
    "en": (
        "I can't start. I'll try again every few minutes. Please look at my journal.",
        "I can't start: there is a mistake in my settings. Please run: sena config check.",
    ),
    "de": (
        "Ich kann nicht starten. Ich versuche es alle paar Minuten wieder. "
        "Bitte sieh in mein Protokoll.",
        "Ich kann nicht starten: In meinen Einstellungen ist ein Fehler. "
        "Bitte rufe auf: sena config check.",
    ),
}
"""Language -> what is said: of an unknown reason, of wrong settings."""

_log = logging.getLogger(__name__)


class FaultLight(Protocol):
    """A light that can show a fault, such as `Light`."""

    def start(self) -> None:
        """Open the lamps."""

    def fault(self, *, on: bool) -> None:
        """Whether a person must see to something."""

    def close(self) -> None:
        """Switch the lamps off."""


class LastSpoken:
    """When the line was last said, kept until the machine is switched off.

    Args:
        path: of the file it is kept in.
        now_s: seconds since the machine was switched on.
    """

    def __init__(self, path: Path, now_s: Callable[[], float]) -> None:
        self._path = path
        self._now_s = now_s

    @property
    def recently(self) -> bool:
        """It was said less than `SILENT_FOR_S` ago."""
        try:
            said_s = float(self._path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return False
        return 0 <= self._now_s() - said_s < SILENT_FOR_S

    def now(self) -> None:
        """It has been said."""
        try:
            self._path.write_text(f"{self._now_s():.0f}", encoding="ascii")
        except OSError as error:
            _log.warning("it will be said again: %s", error)


async def show_and_tell(
    light: FaultLight, say: Callable[[], Awaitable[None]], last: LastSpoken
) -> None:
    """Show the fault until cancelled; meanwhile say the line, where it is time for that."""
    light.start()
    light.fault(on=True)
    try:
        if not last.recently:
            try:
                await say()
                last.now()
            except* (SenaError, TimeoutError) as group:
                _log.warning("it can't be said: %s", group.exceptions[0])
        await asyncio.get_running_loop().create_future()
    finally:
        light.close()


async def speak(line: str, language: str, settings: Settings) -> None:
    """Say a line with espeak-ng, which is always there.

    Raises:
        ExceptionGroup: of SenaError: nothing can speak, or there is no speaker.
        TimeoutError: it was not said in time.
    """
    audio = Audio({"capture": False, "speaker": settings.speaker.device}, AudioListeners())
    async with asyncio.timeout(SPEAK_WITHIN_S), asyncio.TaskGroup() as tasks:
        voice = Espeak(language, speed=settings.voice.speed)
        running = tasks.create_task(audio.run())
        speaker = audio.speaker
        await speaker.ready.wait()
        speaker.begin()
        async with voice.synthesize(line, language) as chunks:
            async for chunk in chunks:
                await speaker.play(chunk)
        await speaker.drain()
        running.cancel()


def line_for(language: str, *, settings_wrong: bool) -> tuple[str, str]:
    """What is said, and its language: the one asked for, where it is known, or English."""
    family = language.partition("-")[0]
    spoken = family if family in _LINES else "en"
    return _LINES[spoken][settings_wrong], spoken


def main() -> int:
    """Show and tell until terminated; the exit status."""
    journal.set_up()
    settings, wrong = Settings(), False
    try:
        settings = config.load().settings
    except ConfigError as error:
        wrong = True
        for problem in error.problems:
            _log.error("%s", problem)
    line, language = line_for(settings.cloud.language, settings_wrong=wrong)
    last = LastSpoken(runtime_folder() / "spoken", lambda: time.clock_gettime(time.CLOCK_BOOTTIME))

    async def work() -> int:
        light = Light(hardware(settings).open_lamps)
        await show_and_tell(light, lambda: speak(line, language, settings), last)
        return 0

    return until_terminated(work())


if __name__ == "__main__":
    sys.exit(main())
