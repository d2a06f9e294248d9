"""Keys, name resolution, and the cloud itself: whether it answers, and how soon."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final
from urllib.parse import urlsplit

from sena_pi.doctor.examination import Finding, good, problem, unknown, warning
from sena_pi.doctor.patient import Patient
from sena_pi.engines.gemini import GOOGLE_URL, Gemini
from sena_pi.engines.gemini_model import GeminiModel
from sena_pi.engines.gemini_voice import GeminiVoice
from sena_pi.errors import CloudError, KeyRefused
from sena_pi.parts import gemini_settings
from sena_pi.stages import Question

RESOLVE_TIMEOUT_S: Final = 5.0
CLOUD_TIMEOUT_S: Final = 25.0
_SLOW_MS: Final = 2500.0
_QUESTION: Final = "Say hello."
_SENTENCE: Final = "Hello."
_NO_NAMES: Final = "check the network, and `resolvectl status`"


class KeyCheck:
    """Whether the keys are there and can be read."""

    name = "keys"
    timeout_s = 5.0
    group = "keys"

    async def examine(self, patient: Patient) -> Finding:
        """As `Check.examine`."""
        states = patient.keys.states()
        told = ", ".join(
            f"{state.name}: {state.problem or state.origin or 'not set'}" for state in states
        )
        figures = {state.name: state.origin for state in states}
        if any(state.problem for state in states):
            return problem(told, "set it again with `sena key set`, or ask with sudo", **figures)
        if patient.settings.cloud.enabled and not figures["gemini"]:
            fix = "sena key set gemini; without it only time, timers and the like are answered"
            return warning(told, fix, **figures)
        return good(told, **figures)


class ResolverCheck:
    """Whether the cloud's name can be resolved, and how soon."""

    name = "dns"
    timeout_s = RESOLVE_TIMEOUT_S + 1.0
    group = "dns"

    async def examine(self, patient: Patient) -> Finding:
        """As `Check.examine`."""
        if not patient.settings.cloud.enabled:
            return unknown("not needed: the cloud is switched off")
        host = _host(patient)
        took_ms = await resolved_ms(host)
        if took_ms is None:
            return problem(f"{host} can't be resolved", _NO_NAMES)
        return good(f"{host} in {took_ms:.0f} ms", resolve_ms=took_ms)


class CloudCheck:
    """A question of two words, and a word spoken: times to the first token and the first sound."""

    name = "cloud"
    timeout_s = CLOUD_TIMEOUT_S
    group = "cloud"

    async def examine(self, patient: Patient) -> Finding:
        """As `Check.examine`."""
        if not patient.settings.cloud.enabled:
            return unknown("switched off in the settings")
        if not patient.cloud:
            return unknown("not asked: that was not wanted")
        try:
            key = patient.keys.find("gemini")
        except KeyRefused as error:
            return unknown(f"not asked: {error}")
        if key is None:
            return unknown("not asked: there is no key", "sena key set gemini")
        # A client that waits for a name can't be stopped.
        if await resolved_ms(_host(patient)) is None:
            return problem("not reached: its name can't be resolved", _NO_NAMES)
        gemini = Gemini(key.secret.reveal(), gemini_settings(patient.settings))
        try:
            return await _timed(gemini)
        except CloudError as error:
            return problem(str(error), "")
        finally:
            await gemini.aclose()


async def _timed(gemini: Gemini) -> Finding:
    began_s = time.monotonic()
    await gemini.connect()
    connect_ms = _ms_since(began_s)
    began_s = time.monotonic()
    async with GeminiModel(gemini).respond(Question(text=_QUESTION)) as response:
        await response.header()
        await anext(response.deltas(), None)
    token_ms = _ms_since(began_s)
    began_s = time.monotonic()
    async with GeminiVoice(gemini).synthesize(_SENTENCE) as chunks:
        await anext(aiter(chunks), None)
    sound_ms = _ms_since(began_s)
    measured = (
        f"{gemini.settings.model}: connected in {connect_ms:.0f} ms, first words after "
        f"{token_ms:.0f} ms, first sound of a sentence after {sound_ms:.0f} ms"
    )
    figures = {"connect_ms": connect_ms, "first_token_ms": token_ms, "first_audio_ms": sound_ms}
    if max(token_ms, sound_ms) > _SLOW_MS:
        return warning(measured, "slow: try a wired network, or another model", **figures)
    return good(measured, **figures)


async def resolved_ms(host: str) -> float | None:
    """How long the system took to resolve a name; None when it can't, or not in time.

    In a process: a resolver that waits can't be stopped in any other way.
    """
    began_s = time.monotonic()
    try:
        process = await asyncio.create_subprocess_exec(
            "getent",
            "ahosts",
            host,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT_S):
            status = await process.wait()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return _ms_since(began_s) if status == 0 else None


def _host(patient: Patient) -> str:
    return urlsplit(patient.settings.cloud.base_url or GOOGLE_URL).hostname or "localhost"


def _ms_since(began_s: float) -> float:
    return round(1000 * (time.monotonic() - began_s), 1)
