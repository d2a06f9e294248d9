"""Every test has pins of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gpiozero import Device


@pytest.fixture(autouse=True)
def _own_pins() -> Iterator[None]:
    default = Device.pin_factory
    yield
    if Device.pin_factory is not None:
        Device.pin_factory.reset()
    Device.pin_factory = default
