"""Light and button: lit and read by ourselves, or as the assistant that holds them tells."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from sena_pi.body.hardware import Hardware, hardware
from sena_pi.body.patterns import BLACK, WHITE
from sena_pi.doctor.examination import Finding, good, in_thread, problem, unknown, warning
from sena_pi.doctor.patient import Patient
from sena_pi.settings import Settings

SHOWN_S: Final = 0.5
_GROUP: Final = "pins"
_WIRING: Final = "check its wiring, and `[light]` in /etc/sena/sena.toml; SPI: sudo raspi-config"


class LightCheck:
    """Lights every lamp for half a second."""

    name = "light"
    timeout_s = 10.0
    group = _GROUP

    def __init__(self, opens: Callable[[Settings], Hardware] = hardware) -> None:
        self._opens = opens

    async def examine(self, patient: Patient) -> Finding:
        """As `Check.examine`."""
        opened = self._opens(patient.settings).open_lamps
        if opened is None:
            return unknown('none is wanted ([light] driver = "none"): sounds tell instead')
        if patient.status is not None:
            if patient.status["light"]["lit"]:
                return good("lit by the service")
            return problem("the service can't light it", _WIRING)
        if patient.not_asked:
            return unknown(f"in use: {patient.not_asked}")

        def light() -> int:
            lamps = opened()
            try:
                lamps.light([WHITE] * lamps.count)
                time.sleep(SHOWN_S)
                lamps.light([BLACK] * lamps.count)
                return lamps.count
            finally:
                lamps.close()

        count = await in_thread(light)
        told = f"{count} lamps were written to; whether they shone, only you can see"
        return good(told, lamps=count)


class ButtonCheck:
    """Whether the button's pin can be read, and is not held down."""

    name = "button"
    timeout_s = 5.0
    group = _GROUP

    def __init__(self, opens: Callable[[Settings], Hardware] = hardware) -> None:
        self._opens = opens

    async def examine(self, patient: Patient) -> Finding:
        """As `Check.examine`."""
        opened = self._opens(patient.settings).open_switch
        if opened is None:
            return unknown("none is wanted ([button] gpio = 0)")
        if patient.runs:
            return unknown("held by the service; press it: the light answers at once")

        def pressed() -> bool:
            switch = opened(lambda _down: None)
            try:
                return switch.pressed
            finally:
                switch.close()

        pin = patient.settings.button.gpio
        if await in_thread(pressed):
            fix = "let go of it; else look at its wiring, and `[button] pull_up`"
            return warning(f"GPIO {pin} reads as held down", fix, gpio=pin)
        return good(f"GPIO {pin} can be read, and is not held down", gpio=pin)
