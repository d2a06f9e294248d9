"""The real voice worker around an engine that does as its script says; started by a rig.

The script lies where the model would: JSON, sentence -> "ends", "fails", "hangs" or "no sound".
"""

from __future__ import annotations

from sena_pi.workers.stdio import claim_stdio

if __name__ == "__main__":
    FDS = claim_stdio()

import json
import threading
from collections.abc import Iterator
from pathlib import Path

from sena_pi.audio import AudioChunk, AudioFormat
from sena_pi.errors import SynthesisFailed
from sena_pi.simulated.cloudless import tone
from sena_pi.workers.channel import Channel
from sena_pi.workers.voice import VoiceWorker


class ScriptedSynthesis:
    """One sentence."""

    def __init__(self, then: str) -> None:
        self._then = then
        self._cancelled = threading.Event()

    def chunks(self) -> Iterator[AudioChunk]:
        """Half a second of a tone, then what the script says."""
        if self._then == "no sound":
            raise SynthesisFailed("as the script says")
        yield tone(0.5)
        if self._then == "hangs":
            self._cancelled.wait()
        if self._then != "ends":
            raise SynthesisFailed("as the script says")

    def cancel(self) -> None:
        """Ends a hang."""
        self._cancelled.set()


class ScriptedEngine:
    """Looks each sentence up."""

    language = "en"

    def __init__(self, script: Path) -> None:
        self._script = script
        self.format: AudioFormat = tone(0.1).format

    def synthesis(self, sentence: str) -> ScriptedSynthesis:
        """The sentence, as scripted now."""
        return ScriptedSynthesis(json.loads(self._script.read_text()).get(sentence, "ends"))


def main() -> None:
    """As the real worker's."""
    channel = Channel(*FDS)
    commands = channel.events()
    settings = next(commands).data
    VoiceWorker("piper/scripted", ScriptedEngine(Path(settings["model"])), channel.send).run(
        commands
    )
    channel.close()


if __name__ == "__main__":
    main()
