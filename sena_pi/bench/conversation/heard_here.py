"""A transcriber on this machine, for answers that are in the cache: it knows the script."""

from __future__ import annotations

from sena_pi.audio import Utterance
from sena_pi.stages import Transcript


class Prompter:
    """A `Transcriber` that is told what is being said; takes no time: the rest is measured.

    It tells all of it in a pause inside it, too, where a real one would tell a part, and the
    endpointer then waits less for the rest: such a question may be cut off, which is counted.

    Attributes:
        said: what was said last.
    """

    def __init__(self) -> None:
        self.said = ""

    async def transcribe(self, utterance: Utterance) -> Transcript:  # noqa: ARG002 - it is told
        """What was said last, as `Transcriber.transcribe`; at once."""
        return Transcript(self.said)
