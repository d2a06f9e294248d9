"""Which lamps and which button the settings name; nothing is opened here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sena_pi.body import gpio
from sena_pi.body.lamps import Lamps, LampsLost
from sena_pi.body.switch import Edge, Switch
from sena_pi.settings import Settings


@dataclass(frozen=True, slots=True)
class Hardware:
    """Lamps and button, to be opened.

    Attributes:
        open_lamps: opens the lamps or raises LampsLost; None: there are to be none.
        open_switch: opens the button or raises SwitchLost; None: there is to be none.
        hold_to_talk: holding the button is for talking.
    """

    open_lamps: Callable[[], Lamps] | None = None
    open_switch: Callable[[Edge], Switch] | None = None
    hold_to_talk: bool = True


def hardware(settings: Settings) -> Hardware:
    """What the settings name."""
    button = settings.button
    open_switch = None
    if button.gpio:

        def open_switch(on_edge: Edge) -> Switch:
            return gpio.open_switch(button.gpio, on_edge, pull_up=button.pull_up)

    return Hardware(_lamps(settings), open_switch, button.hold_to_talk)


def _lamps(settings: Settings) -> Callable[[], Lamps] | None:
    light = settings.light
    ring = {"apa102": gpio.apa102_lamps, "ws2812": gpio.ws2812_lamps}.get(light.driver)

    def made(pins: gpio.PinFactory) -> Lamps:
        if ring is not None:
            return ring(pins, select=light.select, count=light.count, brightness=light.brightness)
        if not light.gpios:
            raise LampsLost(f'light.driver is "{light.driver}" and light.gpios names no pins')
        dimmed = light.driver == "pwm"
        return gpio.PinLamps(pins, light.gpios, dimmed=dimmed, brightness=light.brightness)

    if light.driver == "none":
        return None
    return lambda: gpio.open_on_board(made)
