"""An ears worker whose listener only counts: its real process, channel and queue, without a model.

It "understands" how many utterances it has heard, and the length and checksum of the last one.
"""

from __future__ import annotations

from sena_pi.workers.stdio import claim_stdio

if __name__ == "__main__":
    _EVENTS_IN, _EVENTS_OUT = claim_stdio()

from zlib import crc32

from sena_pi.engines.sphinx import Hearing
from sena_pi.workers.channel import Channel
from sena_pi.workers.ears import EarsWorker


class CountingListener:
    """Counts utterances and bytes, and sums them up."""

    def __init__(self) -> None:
        self.utterances = 0
        self.sound = b""

    def begin(self) -> None:
        self.utterances += 1
        self.sound = b""

    def feed(self, pcm: bytes) -> None:
        self.sound += pcm

    def finish(self) -> Hearing:
        return Hearing(text=f"{self.utterances} {len(self.sound)} {crc32(self.sound)}")


if __name__ == "__main__":
    channel = Channel(_EVENTS_IN, _EVENTS_OUT)
    commands = channel.events()
    next(commands)
    EarsWorker(CountingListener(), channel.send).run(commands)
    channel.close()
