"""A real audio worker whose sound devices are files in a folder: made to plug in, deleted to pull.

A file is named as the device, with its USB port behind an "@"; it holds "in", "out" or both.
Its settings say where the folder is: `plugs`.
"""

from __future__ import annotations

from sena_pi.workers.stdio import claim_stdio

if __name__ == "__main__":
    EVENTS_IN, EVENTS_OUT = claim_stdio()

import os
from pathlib import Path

from sena_pi.simulated.sound import SimulatedCapture, SimulatedPlayback
from sena_pi.sound import DeviceLost, SoundDevice
from sena_pi.sound_cards import UsbIdentity
from sena_pi.sound_choice import choose
from sena_pi.workers import audio

FOLDER = "SCRIPTED_PLUGS"


class PluggedCapture(SimulatedCapture):
    """A microphone that is lost when its file is gone."""

    def __init__(self, name: str, file: Path) -> None:
        super().__init__(lambda _spoken: None)
        self.device = name
        self._file = file

    def available(self) -> int:
        if not self._file.exists():
            raise DeviceLost(f"{self.device} was pulled")
        return super().available()


class PluggedPlayback(SimulatedPlayback):
    """A speaker that is lost when its file is gone."""

    def __init__(self, name: str, file: Path) -> None:
        super().__init__()
        self.device = name
        self._file = file

    def writable(self) -> int:
        if not self._file.exists():
            raise DeviceLost(f"{self.device} was pulled")
        return super().writable()


class PluggedSound:
    """A `SoundSystem` whose list is as old as itself, as PortAudio's is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = self._plugged()
        self._devices = {self._device(name): folder / name for name in self._files}

    def devices(self) -> list[SoundDevice]:
        return list(self._devices)

    def open_capture(self, device: str) -> PluggedCapture:
        found = choose(self.devices(), device, "input")
        return PluggedCapture(found.label, self._devices[found])

    def open_playback(self, device: str) -> PluggedPlayback:
        found = choose(self.devices(), device, "output")
        return PluggedPlayback(found.label, self._devices[found])

    def stale(self) -> bool:
        return self._plugged() != self._files

    def close(self) -> None:
        pass

    def _plugged(self) -> list[str]:
        return sorted(path.name for path in self._folder.iterdir())

    def _device(self, file: str) -> SoundDevice:
        name, _, port = file.partition("@")
        ways = (self._folder / file).read_text().split()
        usb = UsbIdentity("0d8c:0014", "", port) if port else None
        return SoundDevice(name, int("in" in ways), int("out" in ways), usb)


if __name__ == "__main__":
    audio.main(EVENTS_IN, EVENTS_OUT, lambda: PluggedSound(Path(os.environ[FOLDER])))
