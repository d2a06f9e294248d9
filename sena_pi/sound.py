"""The seam between the audio worker and a sound system. Blocking; no call may wait for a device.

Streams are polled: the worker asks what can be read or written and never asks for more, since
a thread stuck inside a sound library can't be woken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sena_pi.errors import SenaError
from sena_pi.sound_cards import UsbIdentity

LONGEST_QUEUE_S = 0.04
"""Most sound handed to a device ahead of time: what a flush can't take back."""


class DeviceLost(SenaError):
    """A sound device is absent, went away or does not deliver; another may take its place."""


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """A device as a person chooses it.

    Attributes:
        name: stable over reboots and replugging: without the card's number.
        inputs: capture channels, 0 for none.
        outputs: playback channels, 0 for none.
        usb: which USB device it is; None for one that is none, or of a sound server.
    """

    name: str
    inputs: int
    outputs: int
    usb: UsbIdentity | None = None

    @property
    def address(self) -> str:
        """What opens this device and no other."""
        return str(self.usb) if self.usb is not None else self.name

    @property
    def label(self) -> str:
        """For a person: the name, and the identity where there is one."""
        return f"{self.name} ({self.usb})" if self.usb is not None else self.name


class CaptureStream(Protocol):
    """A microphone: 16 kHz mono, whatever the hardware delivers. Owned by one thread."""

    @property
    def device(self) -> str:
        """Stable name of the device."""

    def available(self) -> int:
        """Samples that can be read now. Does not block.

        Raises:
            DeviceLost: the device went away.
        """

    def read(self, samples: int) -> bytes:
        """Read samples that are available.

        Raises:
            DeviceLost: the device went away.
        """

    def close(self) -> None:
        """Give the device back. Idempotent."""


class PlaybackStream(Protocol):
    """A speaker: mono at `rate_hz`. Owned by one thread; silent until `start`."""

    @property
    def device(self) -> str:
        """Stable name of the device."""

    @property
    def rate_hz(self) -> int:
        """Samples a second that `write` takes."""

    def queued(self) -> int:
        """Samples written and not yet played, as far as the device tells. Does not block.

        Raises:
            DeviceLost: the device went away.
        """

    def writable(self) -> int:
        """Samples that can be written now without waiting. Does not block.

        Raises:
            DeviceLost: the device went away.
        """

    def write(self, pcm: bytes) -> None:
        """Hand over samples; no more than `writable`.

        Raises:
            DeviceLost: the device went away.
        """

    def start(self) -> None:
        """Begin to play. Does nothing when started.

        Raises:
            DeviceLost: the device went away.
        """

    def stop(self) -> None:
        """Silence now (milliseconds): what is queued is dropped. Does nothing when stopped.

        Raises:
            DeviceLost: the device went away.
        """

    def close(self) -> None:
        """Give the device back. Idempotent."""


class SoundSystem(Protocol):
    """Opens streams. Its list of devices may be as old as itself."""

    def devices(self) -> list[SoundDevice]:
        """Every device, default first."""

    def open_capture(self, device: str) -> CaptureStream:
        """Open a microphone by its stable name or its identity; empty: the default.

        Raises:
            DeviceLost: it is not there, or can't be opened.
        """

    def open_playback(self, device: str) -> PlaybackStream:
        """Open a speaker by its stable name or its identity; empty: the default.

        Raises:
            DeviceLost: it is not there, or can't be opened.
        """

    def stale(self) -> bool:
        """Devices came or went since this list of them was made: a new system would see them."""

    def close(self) -> None:
        """Forget the devices; all streams must be closed. Idempotent."""
