"""A real audio worker whose devices are files, as in `tests.scripted_plugs_worker`, and may fail.

A file that also holds "stalls" is a microphone that gives nothing any more; "spins", one that never
comes back from being asked; "busy", a speaker that can't be opened.
"""

from __future__ import annotations

from sena_pi.workers.stdio import claim_stdio

if __name__ == "__main__":
    EVENTS_IN, EVENTS_OUT = claim_stdio()

import os
from pathlib import Path

from sena_pi.sound import DeviceLost
from sena_pi.workers import audio
from tests.scripted_plugs_worker import FOLDER, PluggedCapture, PluggedPlayback, PluggedSound


class FaultyCapture(PluggedCapture):
    """A microphone that does what its file says."""

    def available(self) -> int:
        words = self._file.read_text().split()
        while "spins" in words:
            words = self._file.read_text().split()
        return 0 if "stalls" in words else super().available()


class FaultySound(PluggedSound):
    """Its microphones and speakers do what their files say."""

    def open_capture(self, device: str) -> FaultyCapture:
        found = super().open_capture(device)
        return FaultyCapture(found.device, found._file)

    def open_playback(self, device: str) -> PluggedPlayback:
        found = super().open_playback(device)
        if "busy" in found._file.read_text().split():
            raise DeviceLost(f"sound device {found.device!r}: Device or resource busy")
        return found


if __name__ == "__main__":
    audio.main(EVENTS_IN, EVENTS_OUT, lambda: FaultySound(Path(os.environ[FOLDER])))
