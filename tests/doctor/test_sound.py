"""The doctor listens and plays: through a real worker on simulated sound, and by figures."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sena_pi.devices.audio import Audio, AudioListeners
from sena_pi.doctor.examination import Finding, Level, finding_of
from sena_pi.doctor.sound import MicrophoneCheck, SpeakerCheck, WakeCheck, judged
from sena_pi.sound_check import Hearing
from tests.doctor.patients import patient, simulated

HEARD = Hearing(
    device="usb", absence="", seconds=3.0, frames=94, loudest_dbfs=-12.0, noise_dbfs=-55.0
)


def found(check: Any, folder: Path, **given: Any) -> Finding:
    return asyncio.run(finding_of(check, patient(folder, **given)))


def test_a_microphone_is_listened_to(tmp_path: Path) -> None:
    """Three seconds of a silent room: frames came, and they are no zeros."""
    finding = found(MicrophoneCheck(), tmp_path)
    figures = finding.figures
    assert "simulated microphone" == figures["device"]
    assert 40 <= figures["frames"] <= 160
    assert (0.0, 0.0) == (figures["clipped_s"], figures["zeros_s"])
    # A room without any sound is what a microphone with its volume at zero hears.
    assert (Level.WARNING, -90) == (finding.level, round(figures["loudest_dbfs"]))


def test_a_tone_is_played(tmp_path: Path) -> None:
    """At 660 Hz, and heard."""
    wav = tmp_path / "tone.wav"
    finding = found(SpeakerCheck(), tmp_path, audio=simulated(record_to=str(wav)))
    assert Level.UNKNOWN is not finding.level
    with wave.open(str(wav)) as file:
        rate_hz = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(float)
    strength = np.abs(np.fft.rfft(samples))
    pitch_hz = float(np.fft.rfftfreq(samples.size, 1 / rate_hz)[int(strength.argmax())])
    assert 650 <= pitch_hz <= 670


def test_the_wake_engine_is_the_one_that_would_listen(tmp_path: Path) -> None:
    """Chosen by the worker itself."""
    finding = found(WakeCheck(), tmp_path)
    assert Level.GOOD is finding.level
    assert '"jarvis", by porcupine 1.9' == finding.measured


def test_no_sound_is_made_where_none_is_wanted(tmp_path: Path) -> None:
    """`--quiet` is for the night."""
    assert Level.UNKNOWN is found(SpeakerCheck(), tmp_path, quiet=True).level


def test_a_machine_without_sound_devices_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are problems with a fix; neither is waited for for long."""
    monkeypatch.setenv("PULSE_SERVER", "/nowhere")

    def real(capture: bool) -> Audio:  # noqa: FBT001 - as it is called
        told = {"capture": capture, "microphone": "no such", "speaker": "no such"}
        return Audio(told, AudioListeners())

    for check in (MicrophoneCheck(), SpeakerCheck()):
        finding = found(check, tmp_path, audio=real)
        assert Level.PROBLEM is finding.level
        assert "sena devices" in finding.fix


def test_one_that_runs_is_asked_to_lend_what_it_holds(tmp_path: Path) -> None:
    """A device has one owner; what can't be lent is told, and is no fault."""
    asked = []

    def ask(request: str, arguments: dict[str, Any]) -> Any:
        asked.append(request)
        return {"first_sample_ms": 40.0} if request == "doctor.speaker" else HEARD.as_dict()

    wake = {"engine": None, "words": [], "reasons": ["no key"], "key_refused": False}
    status = {"muted": False, "wake": wake}
    assert Level.GOOD is found(MicrophoneCheck(), tmp_path, status=status, ask=ask).level
    assert Level.GOOD is found(SpeakerCheck(), tmp_path, status=status, ask=ask).level
    assert Level.PROBLEM is found(WakeCheck(), tmp_path, status=status, ask=ask).level
    assert ["doctor.microphone", "doctor.speaker"] == asked
    muted = {**status, "muted": True}
    assert Level.UNKNOWN is found(MicrophoneCheck(), tmp_path, status=muted, ask=ask).level
    for check in (MicrophoneCheck(), SpeakerCheck(), WakeCheck()):
        assert Level.UNKNOWN is found(check, tmp_path, not_asked="another user's").level


@pytest.mark.parametrize(
    ("changes", "level", "word"),
    [
        ({}, Level.GOOD, "no clipping"),
        ({"clipped_s": 0.3}, Level.WARNING, "clipped 0.3 s"),
        ({"loudest_dbfs": -75.0}, Level.WARNING, "-75"),
        ({"noise_dbfs": -12.0}, Level.WARNING, "noise -12"),
        ({"loudest_dbfs": None, "noise_dbfs": None, "zeros_s": 3.0}, Level.PROBLEM, "zeros"),
        ({"frames": 40}, Level.PROBLEM, "40 of 94 frames"),
        ({"device": None, "absence": "it is gone"}, Level.PROBLEM, "it is gone"),
    ],
)
def test_figures_have_a_meaning_and_a_fix(changes: dict[str, Any], level: Level, word: str) -> None:
    """Level, noise, clipping, zeros and losses, each told apart."""
    finding = judged(Hearing(**{**HEARD.as_dict(), **changes}))
    assert level is finding.level
    assert word in finding.measured
    assert (level is not Level.GOOD) == bool(finding.fix)
