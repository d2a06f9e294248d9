"""What the assistant is doing, to be shown; nothing decides by it."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """What a person can see on the light."""

    STARTING = "starting"
    IDLE = "idle"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    DEAF = "deaf"
    """The microphone is lost; the worker is being replaced or waits for a device."""
    ERROR = "error"
