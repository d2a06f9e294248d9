"""The questions as recordings: spoken once by flite or espeak-ng, and kept."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sena_pi.errors import EngineUnavailable

VOICES: Final = {"flite": "slt", "espeak-ng": "en-us"}
"""Program -> its voice; the first that is installed speaks."""
_LONGEST_S: Final = 30.0


def recordings(texts: Sequence[str], wake_word: str, folder: Path) -> list[Path]:
    """A WAV file for each text, behind the wake word. Blocks.

    Raises:
        EngineUnavailable: nothing here can speak them.
    """
    program = next(filter(shutil.which, VOICES), None)
    if program is None:
        raise EngineUnavailable("the questions can't be spoken; fix: apt install flite")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [_recording(f"{wake_word}, {text}", program, folder) for text in texts]


def _recording(text: str, program: str, folder: Path) -> Path:
    voice = VOICES[program]
    digest = hashlib.sha256(f"{program}\0{voice}\0{text}".encode()).hexdigest()[:16]
    path = folder / f"{digest}.wav"
    if path.is_file():
        return path
    with tempfile.TemporaryDirectory(dir=folder) as room:
        made = Path(room) / "made.wav"
        argv = {
            "flite": [program, "-voice", voice, "-t", text, "-o", str(made)],
            "espeak-ng": [program, "-v", voice, "-w", str(made), "--", text],
        }[program]
        try:
            subprocess.run(argv, check=True, timeout=_LONGEST_S, capture_output=True)
            made.replace(path)  # so that nobody reads half a file
        except (subprocess.SubprocessError, OSError) as error:
            raise EngineUnavailable(f"{program} can't speak ({type(error).__name__})") from error
    return path
