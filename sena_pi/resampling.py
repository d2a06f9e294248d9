"""Any format to mono at another rate, as a stream. The only module that imports soxr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sena_pi.audio import AudioFormat

if TYPE_CHECKING:
    import soxr


class Resampler:
    """Takes sound of one format, gives its first channel at `rate_hz`: no click between chunks.

    numpy and soxr (0.2 s, 15 MB) are loaded only where there is something to do.
    """

    def __init__(self, source: AudioFormat, rate_hz: int) -> None:
        self.source = source
        self._stream: soxr.ResampleStream | None = None
        if source.rate_hz != rate_hz:
            import soxr

            self._stream = soxr.ResampleStream(
                source.rate_hz, rate_hz, num_channels=1, dtype="int16", quality="MQ"
            )

    def convert(self, pcm: bytes) -> bytes:
        """The same sound; its last few samples may stay inside."""
        return self._convert(pcm, last=False)

    def rest(self) -> bytes:
        """What stayed inside; nothing may be converted after it."""
        return b"" if self._stream is None else self._convert(b"", last=True)

    def _convert(self, pcm: bytes, *, last: bool) -> bytes:
        if self._stream is None and self.source.channels == 1:
            return pcm
        import numpy as np

        samples = np.frombuffer(pcm, dtype="<i2")[:: self.source.channels]
        if self._stream is not None:
            samples = self._stream.resample_chunk(samples, last=last)
        return samples.tobytes()
