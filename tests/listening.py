"""A `Listener` that keeps what it is told."""

from __future__ import annotations

from collections.abc import Callable

from sena_pi.pauses import SpeechPaused


class Notes:
    """What was told, in order.

    Args:
        told: called after each.

    Attributes:
        pieces: the sound.
        pauses: pauses, and what was said by the time speech went on.
    """

    def __init__(self, told: Callable[[], None] = lambda: None) -> None:
        self.pieces: list[bytes] = []
        self.pauses: list[SpeechPaused | bytes] = []
        self._told = told

    def audio(self, pcm: bytes) -> None:
        self.pieces.append(pcm)
        self._told()

    def paused(self, pause: SpeechPaused) -> None:
        self.pauses.append(pause)
        self._told()

    def resumed(self, pcm: bytes) -> None:
        self.pauses.append(pcm)
        self._told()
