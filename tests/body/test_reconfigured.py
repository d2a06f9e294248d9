"""A worker with other settings: how the microphone is closed, and how loud the speaker is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from array import array
from pathlib import Path

import pytest

from sena_pi import wire
from sena_pi.audio import SAMPLE_BYTES
from sena_pi.devices.worker import Supervisor
from sena_pi.errors import WorkerError
from sena_pi.simulated.sound import SimulatedPlayback
from sena_pi.workers.mouth import Mouth
from tests.test_audio_client import HEARS, Rig
from tests.test_audio_client import tell as tell_audio
from tests.test_worker_supervisor import ECHO, Log, spec, supervise


def test_a_worker_with_old_settings_ends_and_the_next_one_has_the_new_ones(tmp_path: Path) -> None:
    """Not a failure: not counted, not waited for; what was its own is given up."""

    async def story(supervisor: Supervisor, log: Log) -> None:
        await log.until(lambda: len(log.readies) == 1)
        supervisor.reconfigure(capture=False)
        await log.until(lambda: len(log.readies) == 2)
        old, new = (ready.data for ready in log.readies)
        assert old["pid"] != new["pid"]
        assert {"key": "secret", "capture": False} == new["settings"]
        assert 1 == len(log.downs)
        assert 0 == supervisor.replacements

    supervise(spec(tmp_path, ECHO), story)


def test_settings_that_change_while_a_worker_starts_reach_it(tmp_path: Path) -> None:
    """Many at once end in the last ones."""

    async def story(supervisor: Supervisor, log: Log) -> None:
        for n in range(20):
            await asyncio.sleep(0)
            supervisor.reconfigure(n=n)
        await log.until(lambda: bool(log.readies) and log.readies[-1].data["settings"]["n"] == 19)
        await log.until(lambda: supervisor.pid == log.readies[-1].data["pid"])

    supervise(spec(tmp_path, ECHO), story)


def test_a_failure_afterwards_is_one_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Counted and told."""
    caplog.set_level(logging.WARNING)

    async def story(supervisor: Supervisor, log: Log) -> None:
        await log.until(lambda: len(log.readies) == 1)
        supervisor.reconfigure(capture=False)
        await log.until(lambda: len(log.readies) == 2)
        assert [] == caplog.messages
        await supervisor.replace()
        await log.until(lambda: len(log.readies) == 3)
        assert 1 == supervisor.replacements
        assert 1 == len(caplog.messages)

    supervise(spec(tmp_path, ECHO), story)


def test_closing_the_microphone_gives_up_what_is_heard() -> None:
    """At once; the worker is told, and its successors never open it. The speaker stays."""

    async def story(rig: Rig) -> None:
        hearing = asyncio.ensure_future(rig.audio.hear("1", "press"))
        await rig.reached(wire.LISTEN)
        rig.audio.capture(on=False)
        assert not rig.audio.health.capturing
        with pytest.raises(WorkerError, match="microphone"):
            await hearing
        await rig.reached(wire.CLOSE_MICROPHONE)
        # A heartbeat that was under way changes nothing.
        await rig.tell(wire.HEARTBEAT, **HEARS)
        assert [True, False] == rig.hearing
        await rig.tell(wire.HEARTBEAT, **{**HEARS, "capturing": False})
        assert rig.audio.supervisor.spec.settings["capture"] is False
        assert 0 == rig.audio.supervisor.replacements
        await rig.plays_anew()

    tell_audio(story)


def test_a_worker_that_does_not_close_the_microphone_is_ended() -> None:
    """Its successor is told not to open it; nobody is heard in between."""

    async def story(rig: Rig) -> None:
        supervisor = rig.audio.supervisor
        pid = supervisor.pid
        rig.audio.capture(on=False)
        with contextlib.suppress(WorkerError):  # it is gone
            while supervisor.pid == pid:
                await rig.post(wire.HEARTBEAT, **HEARS)
                await asyncio.to_thread(threading.Event().wait, 0.02)
        assert [True, False] == rig.hearing
        assert supervisor.spec.settings["capture"] is False
        assert 0 == supervisor.replacements

    tell_audio(story)


def test_a_gain_reaches_the_worker_and_its_successor() -> None:
    """At once, and with the settings of the next one."""

    async def story(rig: Rig) -> None:
        rig.audio.set_gain(0.25)
        await rig.reached(wire.GAIN)
        assert [{"gain": 0.25}] == rig.received(wire.GAIN)
        assert 0.25 == rig.audio.supervisor.spec.settings["gain"]

    tell_audio(story)


def test_a_held_button_is_told_to_whoever_listens() -> None:
    """With the turn's name; to nobody when nobody listens."""

    async def story(rig: Rig) -> None:
        rig.audio.hold(on=True)
        hearing = asyncio.ensure_future(rig.audio.hear("5", "press"))
        await rig.reached(wire.LISTEN)
        rig.audio.hold(on=True)
        rig.audio.hold(on=False)
        await rig.until(lambda: len(rig.received(wire.HOLD)) == 2)
        assert [{"turn": "5", "on": True}, {"turn": "5", "on": False}] == rig.received(wire.HOLD)
        hearing.cancel()

    tell_audio(story)


def test_what_is_played_is_as_loud_as_it_was_set() -> None:
    """From the worker's start on, and after a change; the silence in between stays silent."""
    now_s = [100.0]
    mouth = Mouth(lambda _event: None, gain=0.5, monotonic_ns=lambda: int(now_s[0] * 1e9))
    speaker = SimulatedPlayback(monotonic=lambda: now_s[0])

    def play(turn: str) -> None:
        mouth.begin(turn)
        mouth.feed(turn, array("h", [8000] * 4800).tobytes())
        mouth.end(turn)
        for _ in range(100):
            mouth.step(speaker)
            now_s[0] += 0.004

    play("1")
    mouth.set_gain(0.125)
    before = len(speaker.played)
    play("2")
    first = array("h", speaker.played[:before])
    second = array("h", speaker.played[before:])
    assert {0, 4000} == set(first)
    assert 4800 == sum(sample > 0 for sample in first)
    assert 1000 == second[4800 - 1]
    assert SAMPLE_BYTES * 4800 <= len(second) * SAMPLE_BYTES
