"""Which of the sound devices is meant, and which take its place while it is not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from sena_pi.sound import DeviceLost, SoundDevice
from sena_pi.sound_cards import wanted_usb

Direction = Literal["input", "output"]

_SERVERS: Final = ("default", "pulse", "pipewire", "sysdefault")
"""ALSA's names for whatever is the default, not for a device."""


def usable(devices: Sequence[SoundDevice], direction: Direction) -> list[SoundDevice]:
    """Those that hear, or those that play, in the order given."""
    return [device for device in devices if getattr(device, f"{direction}s") > 0]


def choose(devices: Sequence[SoundDevice], wanted: str, direction: Direction) -> SoundDevice:
    """The device that is meant by a name, a part of one, or an identity.

    Of several that fit equally the one in the first port is taken, whatever the order in which
    they were plugged in; an identity with the port tells them apart.

    Raises:
        DeviceLost: none is; names those that are there.
    """
    here = usable(devices, direction)
    fitting = _fitting(here, wanted)
    if not fitting:
        names = ", ".join(sorted({device.label for device in here})) or "none"
        raise DeviceLost(f"no {direction} device is called {wanted!r}; there are: {names}")
    return min(fitting, key=_port_order)


def substitutes(devices: Sequence[SoundDevice], direction: Direction) -> list[SoundDevice]:
    """What may take the place of a device that is not there, best first.

    The default, then other USB devices, then what is built in: a monitor's sound output is there
    without anybody hearing it.
    """

    def rank(device: SoundDevice) -> tuple[int, tuple[int, ...]]:
        if device.name.casefold() in _SERVERS:
            return _SERVERS.index(device.name.casefold()), ()
        return (len(_SERVERS) if device.usb else len(_SERVERS) + 1), _port_order(device)

    return sorted(usable(devices, direction), key=rank)


def _fitting(devices: Sequence[SoundDevice], wanted: str) -> list[SoundDevice]:
    identity = wanted_usb(wanted)
    if identity is not None:
        return [one for one in devices if one.usb is not None and identity.is_met_by(one.usb)]
    name = wanted.casefold()
    same = [device for device in devices if device.name.casefold() == name]
    return same or [device for device in devices if name in device.name.casefold()]


def _port_order(device: SoundDevice) -> tuple[int, ...]:
    return device.usb.port_order if device.usb is not None else ()
