"""The lifeline: what systemd is told from start to end, and what is done when sound ceases."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sena_pi.announce import announce
from sena_pi.audio import FRAME_S, AudioChunk, AudioFormat
from sena_pi.clips import Clip
from sena_pi.devices.audio import AudioHealth
from sena_pi.lifeline import LOOK_EVERY_S, Lifeline
from sena_pi.notify import Notifier
from tests.room import StorySpeaker
from tests.test_notify import told

WATCHDOG_S = 20.0


class Appliance:
    """An audio worker and an assistant, as far as they are looked at, and systemd's ear."""

    def __init__(self, folder: Path) -> None:
        self.health = AudioHealth()
        self.supervisor = self
        self.speaker = SimpleNamespace(played_s=0.0)
        self.turn: Any = None
        self.replaced = 0
        self.deaf: list[bool] = []
        self.muted = False
        self.line = "listening"
        self.now_s = 100.0
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._manager.bind(str(folder / "notify"))
        self._manager.settimeout(0)
        self.lifeline = Lifeline(
            self,
            self,
            Notifier(str(folder / "notify"), WATCHDOG_S),
            describe=lambda _verdict: self.line,
            muted=lambda: self.muted,
            on_deaf=self.deaf.append,
            monotonic=lambda: self.now_s,
        )

    async def replace(self) -> None:
        self.replaced += 1
        self.health.heartbeat = {}

    async def pass_on(self, seconds: float, *, zeros: bool = False, frames: bool = True) -> None:
        """Look at it as often as usual; its worker hears."""
        for _ in range(int(seconds / LOOK_EVERY_S)):
            self.now_s += LOOK_EVERY_S
            if frames:
                beat = self.health.heartbeat
                heard = round(LOOK_EVERY_S / FRAME_S)
                zeros_s = beat.get("zeros_s", 0.0) + heard * FRAME_S if zeros else 0.0
                self.health.heartbeat = {
                    "capturing": True,
                    "frames": beat.get("frames", 0) + heard,
                    "zeros_s": zeros_s,
                }
                self.health.beat_s = self.now_s
            await self.lifeline.look()

    def told(self) -> list[str]:
        """What systemd was told since."""
        return told(self._manager)

    def close(self) -> None:
        self._manager.close()


def tell(folder: Path, story: Callable[[Appliance], Awaitable[None]]) -> None:
    appliance = Appliance(folder)

    async def main() -> None:
        await story(appliance)

    try:
        asyncio.run(main())
    finally:
        appliance.close()


def test_ready_is_told_with_the_first_frame_and_then_life(tmp_path: Path) -> None:
    """Not before, and life four times in the time after which it would be missed."""

    async def story(it: Appliance) -> None:
        it.line = "starting"
        await it.pass_on(5, frames=False)
        assert ["STATUS=starting"] == it.told()
        it.line = "listening"
        await it.pass_on(1)
        assert ["READY=1 STATUS=listening", "WATCHDOG=1"] == it.told()
        await it.pass_on(WATCHDOG_S)
        assert ["WATCHDOG=1"] * 4 == it.told()

    tell(tmp_path, story)


def test_a_microphone_that_is_known_to_be_absent_is_ready(tmp_path: Path) -> None:
    """The button still works; a device without a microphone must not be restarted for ever."""

    async def story(it: Appliance) -> None:
        it.health.heartbeat = {"capturing": False, "text": "there is no microphone", "frames": 0}
        for _ in range(100):
            it.health.beat_s = it.now_s
            await it.pass_on(LOOK_EVERY_S, frames=False)
        said = it.told()
        assert said[0].startswith("READY=1")
        assert said.count("WATCHDOG=1") >= 10

    tell(tmp_path, story)


def test_who_starts_muted_is_ready_at_once(tmp_path: Path) -> None:
    """Nobody is to be heard, so no frame is waited for: systemd must not end it in its start."""

    async def story(it: Appliance) -> None:
        it.muted, it.line = True, "muted"
        await it.pass_on(LOOK_EVERY_S, frames=False)
        assert ["READY=1 STATUS=muted", "WATCHDOG=1"] == it.told()
        await it.pass_on(60, frames=False)
        assert it.told().count("WATCHDOG=1") >= 10

    tell(tmp_path, story)


def test_what_is_not_alive_is_not_fed_and_the_journal_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One line when it begins and one when it is over; systemd hears nothing meanwhile."""

    async def story(it: Appliance) -> None:
        await it.pass_on(10)
        it.told()
        await it.pass_on(2, frames=False)
        it.told()
        await it.pass_on(15, frames=False)
        assert [] == it.told()
        await it.pass_on(1)
        assert ["WATCHDOG=1"] == it.told()

    tell(tmp_path, story)
    lines = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert 1 == len(lines)
    assert "no sound passes through the wake word" in lines[0]


def test_zeros_have_the_worker_replaced_and_a_person_told(tmp_path: Path) -> None:
    """Long before systemd is not told any more; and told once, until sound is there again."""

    async def story(it: Appliance) -> None:
        await it.pass_on(5)
        await it.pass_on(40, zeros=True)
        assert (1, []) == (it.replaced, it.deaf)
        await it.pass_on(60, zeros=True)
        assert (2, [True]) == (it.replaced, it.deaf)
        assert "WATCHDOG=1" in it.told()
        await it.pass_on(1)
        assert [True, False] == it.deaf

    tell(tmp_path, story)


def test_a_turn_that_hangs_is_not_fed(tmp_path: Path) -> None:
    """Although sound passes through the wake word all the time."""

    async def story(it: Appliance) -> None:
        it.turn = SimpleNamespace(name="1", listening=False)
        await it.pass_on(41)
        it.told()
        await it.pass_on(20)
        assert [] == it.told()
        it.turn = None
        await it.pass_on(1)
        assert ["WATCHDOG=1"] == it.told()

    tell(tmp_path, story)


def test_the_end_is_told(tmp_path: Path) -> None:
    """Systemd knows an end that was meant from one that was not."""

    async def story(it: Appliance) -> None:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(it.lifeline.run())
            await asyncio.sleep(0)
            running.cancel()
        assert "STOPPING=1 STATUS=ending" == it.told()[-1]

    tell(tmp_path, story)


# --- announcing -------------------------------------------------------------------------------

CLIP = Clip("deaf", "en", "x", tuple(AudioChunk(AudioFormat(16_000), bytes(3200)) for _ in "123"))


class Turns:
    """Somebody who takes turns when the story says so."""

    def __init__(self) -> None:
        self.resting, self.asked = asyncio.Event(), asyncio.Event()

    async def idle(self) -> None:
        await self.resting.wait()

    async def called(self) -> None:
        await self.asked.wait()


def test_an_announcement_waits_until_nobody_talks(tmp_path: Path) -> None:
    """And then is heard to its end."""

    async def main() -> None:
        turns, speaker = Turns(), StorySpeaker(lambda: 0)
        async with asyncio.TaskGroup() as tasks:
            saying = tasks.create_task(announce(CLIP, speaker, turns))
            await asyncio.sleep(0)
            assert [] == speaker.heard
            turns.resting.set()
        assert saying.result()
        assert list(CLIP.sound) == speaker.heard

    asyncio.run(main())


def test_a_turn_silences_an_announcement() -> None:
    """Whoever calls is heard, not talked over."""

    async def main() -> None:
        turns, speaker = Turns(), StorySpeaker(lambda: 0)
        turns.resting.set()
        speaker.hold()
        async with asyncio.TaskGroup() as tasks:
            saying = tasks.create_task(announce(CLIP, speaker, turns))
            for _ in range(10):
                await asyncio.sleep(0)
            turns.asked.set()
        assert not saying.result()
        assert 1 == speaker.flushes

    asyncio.run(main())
