"""What is seen and heard when the assistant does not start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from sena_pi.engines.espeak import Espeak
from sena_pi.errors import EngineUnavailable
from sena_pi.failure import SILENT_FOR_S, LastSpoken, line_for, show_and_tell, speak
from sena_pi.settings import Settings
from tests.soundserver import RECORD_HZ, sound_server


class Lamp:
    """Keeps what it was told; like the real one it is dark before `start` and after `close`."""

    def __init__(self) -> None:
        self.open = False
        self.fault_on = False

    def start(self) -> None:
        self.open = True

    def fault(self, *, on: bool) -> None:
        self.fault_on = on

    def close(self) -> None:
        self.open = False

    @property
    def red(self) -> bool:
        return self.open and self.fault_on


class Told:
    """What was said, and by what light."""

    def __init__(self, lamp: Lamp, error: Exception | None = None) -> None:
        self.times = 0
        self.by_red_light = False
        self._lamp = lamp
        self._error = error

    async def say(self) -> None:
        self.by_red_light = self._lamp.red
        if self._error is not None:
            raise ExceptionGroup("speaking", [self._error])
        self.times += 1


def failed_start(lamp: Lamp, told: Told, last: LastSpoken) -> None:
    """A failure until the assistant is tried again."""

    async def until_tried_again() -> None:
        async with asyncio.timeout(5):
            task = asyncio.ensure_future(show_and_tell(lamp, told.say, last))
            for _ in range(10):
                await asyncio.sleep(0)
            assert lamp.red
            assert not task.done()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(until_tried_again())


def at(moment_s: float) -> Callable[[], float]:
    return lambda: moment_s


def test_the_light_is_red_before_a_word_is_said_and_stays_until_the_next_attempt(
    tmp_path: Path,
) -> None:
    """Red comes first, lasts while nothing happens, and goes when the assistant is tried again."""
    lamp = Lamp()
    told = Told(lamp)
    failed_start(lamp, told, LastSpoken(tmp_path / "spoken", at(100)))
    assert told.by_red_light
    assert told.times == 1
    assert not lamp.open


def test_the_line_is_not_repeated_at_each_attempt(tmp_path: Path) -> None:
    """Attempts every few minutes are silent; half a day later it is said again."""
    lamp = Lamp()
    told = Told(lamp)
    for moment_s in (100, 400, 100 + SILENT_FOR_S - 1):
        failed_start(lamp, told, LastSpoken(tmp_path / "spoken", at(moment_s)))
    assert told.times == 1
    failed_start(lamp, told, LastSpoken(tmp_path / "spoken", at(100 + SILENT_FOR_S)))
    assert told.times == 2


@pytest.mark.parametrize("kept", ["", "soon", "900"])
def test_a_bad_note_of_the_last_time_does_not_silence_it(tmp_path: Path, kept: str) -> None:
    """An empty, broken or future note counts as none."""
    (tmp_path / "spoken").write_text(kept)
    lamp = Lamp()
    told = Told(lamp)
    failed_start(lamp, told, LastSpoken(tmp_path / "spoken", at(100)))
    assert told.times == 1


@pytest.mark.parametrize("error", [EngineUnavailable("no espeak-ng"), TimeoutError()])
def test_without_a_voice_the_light_is_red_all_the_same(tmp_path: Path, error: Exception) -> None:
    """What can't be said is tried again at the next failure, and the light does not wait for it."""
    lamp = Lamp()
    last = LastSpoken(tmp_path / "spoken", at(100))
    failed_start(lamp, Told(lamp, error), last)
    assert not last.recently


def test_wrong_settings_are_named() -> None:
    """A person who mistyped a setting is told where to look, in a language there is."""
    assert line_for("en-US", settings_wrong=True)[0].endswith("sena config check.")
    assert line_for("de-AT", settings_wrong=False)[0].startswith("Ich kann nicht starten")
    assert line_for("pt-BR", settings_wrong=False) == line_for("", settings_wrong=False)


@pytest.mark.sound
def test_the_line_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real worker speaks it through a real sound server, and nothing is left running."""
    try:
        Espeak()
    except EngineUnavailable as error:
        pytest.skip(str(error))
    line, language = line_for("en", settings_wrong=False)
    with sound_server(tmp_path) as server, server.recording() as heard:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        asyncio.run(speak(line, language, Settings()))
        loud_s = sum(abs(sample) > 1000 for sample in memoryview(heard[:]).cast("h")) / RECORD_HZ
    assert loud_s > 0.5
