"""`[light]` and `[button]` in the settings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sena_pi.setting_values import Expects, Section

_GPIO = Annotated[int, Field(ge=2, le=27)]


class Light(Section):
    """`[light]`: what shows that somebody is heard."""

    driver: Annotated[
        Literal["none", "apa102", "ws2812", "leds", "pwm"],
        Field(
            description="What is connected: a ring of APA102 (SK9822) or of WS2812 lamps on SPI, "
            "plain LEDs on GPIO (leds, or pwm for dimmed ones), or none. While one that is set "
            "can't be lit, nothing that is said leaves the device."
        ),
    ] = "none"
    count: Annotated[int, Field(ge=1, le=64, description="Number of lamps of a ring.")] = 12
    brightness: Annotated[
        float, Field(ge=0.01, le=1, description="Brightness, 1 is the brightest.")
    ] = 0.3
    select: Annotated[int, Field(ge=0, le=1, description="Chip select of SPI bus 0.")] = 0
    gpios: Annotated[
        tuple[_GPIO, ...],
        Field(strict=False, max_length=16),
        Expects("a list of GPIO numbers from 2 to 27, such as [5, 6, 13]"),
        Field(description="GPIO numbers (BCM) of plain LEDs, in their order."),
    ] = ()


class Button(Section):
    """`[button]`: the one button."""

    gpio: Annotated[
        int,
        Field(ge=0, le=27, description="GPIO number (BCM) of the button; 0: there is none."),
    ] = 0
    pull_up: Annotated[
        bool,
        Field(description="true: the button connects the pin to ground. false: to 3.3 V."),
    ] = True
    hold_to_talk: Annotated[
        bool,
        Field(
            description="true: held from idle, the button listens until it is let go. false: "
            "held for a second, it closes the microphone."
        ),
    ] = True
