"""Microphone, speaker and wake word: through the worker of the assistant that runs, or our own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from sena_pi.devices.audio import Audio
from sena_pi.doctor.examination import Finding, good, problem, unknown, warning
from sena_pi.doctor.patient import Patient
from sena_pi.errors import WorkerError
from sena_pi.sound_check import Hearing, listen, play_tone

WORKER_TIMEOUT_S: Final = 20.0
OPEN_TIMEOUT_S: Final = 4.0
"""How long a device may take to be opened, once the worker is there."""
ABSENT_S: Final = 1.0
"""One that the worker says is not there is waited for no longer."""

_GROUP: Final = "sound"
_FEW_FRAMES: Final = 0.9
_FAINT_DBFS: Final = -65.0
_NOISY_DBFS: Final = -20.0
_LATE_MS: Final = 300.0
_AS_ROOT: Final = "ask as the user it runs as, or with sudo"


class MicrophoneCheck:
    """Listens for three seconds: level, noise, clipping, zeros."""

    name = "microphone"
    timeout_s = WORKER_TIMEOUT_S + OPEN_TIMEOUT_S + 6.0
    group = _GROUP

    async def examine(self, patient: Patient) -> Finding:
        """As `Check.examine`."""
        if patient.not_asked:
            return unknown(f"in use: {patient.not_asked}", _AS_ROOT)
        if patient.status is not None:
            if patient.status["muted"]:
                return unknown("muted", "unmute it with the button")
            return judged(Hearing.from_dict(await patient.asked("doctor.microphone")))
        async with patient.worker(capture=True) as audio:
            await _opened(audio, lambda: audio.health.capturing)
            if not audio.health.capturing:
                return judged(Hearing(None, audio.health.heartbeat.get("text", ""), 0.0))
            return judged(await listen(audio))


def judged(heard: Hearing) -> Finding:
    """What a microphone's figures mean."""
    figures = heard.as_dict()
    if heard.device is None:
        return problem(heard.absence, "plug one in; `sena devices` lists what there is", **figures)
    if heard.frames < _FEW_FRAMES * heard.expected_frames:
        return problem(
            f"{heard.device}: only {heard.frames} of {heard.expected_frames:.0f} frames came",
            "use another USB port or a hub with a power supply; see the power check",
            **figures,
        )
    if heard.loudest_dbfs is None:
        return problem(
            f"{heard.device}: nothing but zeros for {heard.zeros_s:.0f} s",
            "look for a mute switch on it, or plug it in anew",
            **figures,
        )
    measured = f"{heard.device}: {_level(heard)}"
    if heard.clipped_s:
        return warning(measured, "it clips: lower its capture volume with alsamixer", **figures)
    if heard.loudest_dbfs < _FAINT_DBFS:
        fix = "hardly anything: speak meanwhile, and raise its capture volume with alsamixer"
        return warning(measured, fix, **figures)
    if heard.noise_dbfs is not None and heard.noise_dbfs > _NOISY_DBFS:
        return warning(measured, "a noisy place: move it, or lower its volume", **figures)
    return good(measured, **figures)


def _level(heard: Hearing) -> str:
    parts = [
        f"loudest {heard.loudest_dbfs:.0f} dBFS",
        f"noise {heard.noise_dbfs:.0f} dBFS",
        f"clipped {heard.clipped_s:.1f} s" if heard.clipped_s else "no clipping",
        f"zeros for {heard.zeros_s:.1f} s" if heard.zeros_s >= 1 else "no zeros",
    ]
    return f"{', '.join(parts)} in {heard.seconds:.0f} s"


class SpeakerCheck:
    """Plays a tone."""

    name = "speaker"
    timeout_s = WORKER_TIMEOUT_S + OPEN_TIMEOUT_S + 4.0
    group = _GROUP

    async def examine(self, patient: Patient) -> Finding:
        """As `Check.examine`."""
        if patient.not_asked:
            return unknown(f"in use: {patient.not_asked}", _AS_ROOT)
        if patient.quiet:
            return unknown("not tried: no sound was wanted")
        try:
            first_ms = await self._played(patient)
        except WorkerError as error:
            fix = "connect one; `sena devices` lists what there is"
            return problem(str(error), fix)
        measured = f"a tone was played, its first sample after {first_ms:.0f} ms"
        if first_ms > _LATE_MS:
            return warning(measured, "slow: take the device itself instead of a sound server")
        return good(measured, first_sample_ms=first_ms)

    async def _played(self, patient: Patient) -> float:
        if patient.status is not None:
            answer = await patient.asked("doctor.speaker")
            return float(answer["first_sample_ms"])
        async with patient.worker(capture=False) as audio:
            await _speaker_opened(audio)
            return await play_tone(audio.speaker)


class WakeCheck:
    """Which engine listens, and for what."""

    name = "wake word"
    timeout_s = WORKER_TIMEOUT_S + 5.0
    group = _GROUP

    async def examine(self, patient: Patient) -> Finding:
        """As `Check.examine`."""
        if patient.not_asked:
            return unknown(f"in use: {patient.not_asked}", _AS_ROOT)
        if patient.status is not None:
            return _wake(patient.status["wake"])
        async with patient.worker(capture=False) as audio:
            await _ready(audio)
            return _wake(
                {
                    "engine": audio.health.ready.get("wake_engine"),
                    "words": audio.health.ready.get("wake_words", []),
                    "reasons": audio.health.ready.get("wake_reasons", []),
                    "key_refused": audio.health.ready.get("key_refused", False),
                }
            )


def _wake(wake: dict[str, Any]) -> Finding:
    why = "; ".join(wake["reasons"])
    if wake["engine"] is None:
        return problem(f"nothing listens: {why}", "see `[wake]` in /etc/sena/sena.toml", **wake)
    words = " or ".join(f'"{word}"' for word in wake["words"])
    measured = f"{words}, by {wake['engine']}"
    if wake["key_refused"]:
        return warning(
            f"{measured}; the Porcupine key was refused", "sena key set porcupine", **wake
        )
    return good(measured, **wake)


async def _ready(audio: Audio) -> None:
    """Wait for the worker, which loads its engine first."""
    try:
        async with asyncio.timeout(WORKER_TIMEOUT_S):
            while not audio.health.ready:  # noqa: ASYNC110 - it has listeners, not events
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise WorkerError(f"no audio worker within {WORKER_TIMEOUT_S:g} s") from None


async def _opened(audio: Audio, is_open: Callable[[], bool]) -> None:
    """Wait for a device; without one in time it goes on, and is judged as absent."""
    await _ready(audio)
    now_s = asyncio.get_running_loop().time
    began_s = now_s()
    while not is_open() and now_s() - began_s < OPEN_TIMEOUT_S:
        await asyncio.sleep(0.02)  # it has listeners, not events
        if audio.health.heartbeat.get("text") and now_s() - began_s > ABSENT_S:
            return


async def _speaker_opened(audio: Audio) -> None:
    await _ready(audio)
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            await audio.speaker.ready.wait()
    except TimeoutError:
        raise WorkerError("there is no speaker") from None
