"""Somebody speaking recordings into a simulated microphone, at their own pace or in a hurry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wyoming.event import Event

from sena_pi import wire
from sena_pi.simulated.echo import RoomEcho
from sena_pi.simulated.sound import SimulatedSound, SpokenRecording
from sena_pi.workers.channel import Send


class SimulationRig:
    """A simulated sound system, driven by the audio worker's own events.

    In a hurry, frames come as fast as they are taken, but never while the brain has to make up
    its mind: from a detection until it listens, and from the endpoint to the next recording,
    time runs as it does for a person. Sound is played in no time at all, and heard by nobody.

    Attributes:
        hurry: it is in a hurry wherever it may be.
    """

    def __init__(self, settings: dict[str, Any], send: Send) -> None:
        self._send = send
        self.hurry = bool(settings.get("hurry", False))
        record_to = settings.get("record_to")
        echo_db = settings.get("echo_db")
        self.sound = SimulatedSound(
            self._spoken,
            record_to=Path(record_to) if record_to else None,
            hurry=self.hurry,
            echo=None if echo_db is None else RoomEcho(echo_db, settings["echo_delay_s"]),
        )
        self._listening = False

    def commanded(self, event: Event) -> None:
        """A command of the brain; does what concerns the simulation."""
        if event.type == wire.SIMULATE:
            try:
                self.sound.capture.speak(event.data["path"])
            except (OSError, ValueError) as error:
                self._send(Event(wire.SIMULATED, {**event.data, "done": True, "text": str(error)}))
                return
            self._pace(hurry=True)
        elif event.type == wire.LISTEN:
            self._listening = True
            self._pace(hurry=True)

    def sending(self, event: Event) -> None:
        """An event on its way to the brain; the pace follows from it."""
        if event.type == wire.ENDPOINT:
            self._listening = False
        if event.type in {wire.ENDPOINT, wire.DETECTION}:
            self._pace(hurry=False)

    def _spoken(self, spoken: SpokenRecording) -> None:
        if spoken.done and not self._listening:
            self._pace(hurry=False)
        data = {
            "path": spoken.path,
            "speech_end_sample": spoken.speech_end_sample,
            "done": spoken.done,
        }
        self._send(Event(wire.SIMULATED, data))

    def _pace(self, *, hurry: bool) -> None:
        self.sound.capture.hurry(on=hurry and self.hurry)
