"""Patients for the doctor: settings and keys of a test's own, and a simulated sound system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sena_pi.devices.audio import Audio, AudioListeners
from sena_pi.doctor.patient import Patient
from sena_pi.errors import SenaError
from sena_pi.keys import KeyStore
from sena_pi.settings import validated


def nobody(request: str, arguments: dict[str, Any]) -> Any:
    raise SenaError("nobody is asked")


def simulated(**simulate: object) -> Callable[[bool], Audio]:
    """A real audio worker on simulated sound."""
    return lambda capture: Audio({"simulate": simulate, "capture": capture}, AudioListeners())


def patient(folder: Path, **given: Any) -> Patient:
    """Nobody runs here, unless the test says so."""
    settings: Mapping[str, object] = given.pop("settings", {})
    environ: dict[str, str] = given.pop("environ", {})
    audio = given.pop("audio", simulated())
    return Patient(
        validated(settings),
        KeyStore(folder / "keys", environ=environ),
        **{"status": None, "ask": nobody, "audio": audio, "root": folder, **given},
    )
