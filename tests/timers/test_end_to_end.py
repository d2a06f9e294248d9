"""A timer from the word to the ring and to "stop", in real time, through real sound software."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sena_pi.report import Source
from tests.gemini_replies import answer_json, text_answer
from tests.gemini_server import GeminiServer
from tests.house import house
from tests.soundserver import RECORD_HZ, SoundServer, sound_server
from tests.timers.clocks import until

pytestmark = pytest.mark.sound

LAST_NOTE_HZ = 1568


@pytest.fixture
def sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    """A sound server that the appliance's workers use."""
    with sound_server(tmp_path) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        for name in ("STATE", "CACHE", "RUNTIME"):
            monkeypatch.setenv(f"{name}_DIRECTORY", str(tmp_path / name.lower()))
        yield server


def rings_heard(recorded: bytes) -> int:
    """How often the ring's last note was struck."""
    samples = np.frombuffer(bytes(recorded), dtype="<i2").astype(float)
    size = RECORD_HZ // 20
    struck = []
    for start in range(0, len(samples) - size, size):
        window = samples[start : start + size]
        spectrum = np.abs(np.fft.rfft(window * np.hanning(size)))
        loudest_hz = float(np.argmax(spectrum)) * RECORD_HZ / size
        struck.append(np.abs(window).max() > 1000 and abs(loudest_hz - LAST_NOTE_HZ) < 30)
    return sum(now and not before for before, now in zip([False, *struck], struck, strict=False))


def test_a_timer_rings_until_somebody_says_stop(sound: SoundServer) -> None:
    """Heard by the cloud, set by our own code; the ring is quiet while the person speaks."""

    async def story() -> None:
        async with GeminiServer() as gemini, house(sound, gemini) as it:
            heard = "Set a timer for three seconds."
            gemini.will_answer(
                text_answer(answer_json(heard=heard, local="timer", keep="never", say="")),
                text_answer(answer_json(heard="Stop.", local="stop", keep="never", say="")),
            )
            with sound.recording() as recorded:
                await it.say("hey jarvis, set a timer for three seconds")
                report = await it.report()
                assert Source.RULE is report.source
                assert "Okay, your timer is set for three seconds." == report.answered
                await until(lambda: bool(it.appliance.timers.ringing))
                await until(lambda: rings_heard(recorded) >= 2)
                await it.say("hey jarvis, stop")
                report = await it.report()
                assert "" == report.answered
                assert () == it.appliance.timers.ringing, report
                rings = rings_heard(recorded)
                # Longer than a ring and the pause after it.
                length = len(recorded) + 2 * RECORD_HZ * 4
                await until(lambda: len(recorded) >= length)
                assert rings == rings_heard(recorded)

    asyncio.run(story())
