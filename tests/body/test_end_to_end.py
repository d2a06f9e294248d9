"""The body in the whole appliance: simulated sound, mock pins, and everything else as it is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from sena_pi import control
from sena_pi.app import Appliance, Simulation, running
from sena_pi.audio import MICROPHONE_FORMAT, wav_bytes
from sena_pi.body import gpio
from sena_pi.body.hardware import Hardware
from sena_pi.body.kept import FILE_NAME, Kept, KeptStore
from sena_pi.body.layers import Effect, Showing
from sena_pi.body.patterns import pattern
from sena_pi.keys import KeyStore
from sena_pi.phases import Phase
from sena_pi.places import runtime_folder
from sena_pi.settings import Settings
from tests.body.rings import PlainLamps
from tests.room import StoryLight
from tests.speech import say

BOUND_S = 60.0
GPIO = 17


class Pi:
    """The appliance on a board that is not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lamps = PlainLamps()
        self.pins = MockFactory()
        self.light = StoryLight()
        self.pin = self.pins.pin(GPIO)

    @contextlib.asynccontextmanager
    async def on(self) -> AsyncIterator[Appliance]:
        hardware = Hardware(
            self.lamps.open,
            lambda on_edge: gpio.PinSwitch(self.pins, GPIO, on_edge, pull_up=True),
        )
        keys = KeyStore(self.folder / "keys", environ={})
        simulation = Simulation(hardware=hardware)
        async with running(Settings(), keys, self.light, simulation=simulation) as appliance:
            yield appliance

    async def shows(self, effect: Effect) -> None:
        wanted = pattern(Showing(effect)).paint(0.0, 12)
        await asyncio.to_thread(self.lamps.wait_for_frame, wanted)


async def until(condition: Callable[[], bool]) -> None:
    never = asyncio.Event()
    async with asyncio.timeout(BOUND_S):
        while not condition():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(never.wait(), 0.01)


@pytest.fixture
def pi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pi:
    for name in ("STATE", "CACHE", "RUNTIME"):
        monkeypatch.setenv(f"{name}_DIRECTORY", str(tmp_path / name.lower()))
    return Pi(tmp_path)


def test_a_press_on_the_pin_is_a_turn_of_the_assistant(pi: Pi) -> None:
    """Ring blue, microphone heard; the next press ends it and the ring is dark."""

    async def story() -> None:
        async with pi.on() as appliance:
            await appliance.listening.wait()
            await pi.shows(Effect.DARK)
            await asyncio.to_thread(pi.pin.drive_low)
            await asyncio.to_thread(pi.pin.drive_high)
            await until(lambda: appliance.assistant.turn is not None)
            await pi.shows(Effect.LISTENING)
            await until(lambda: not appliance.body._presses._settling)
            await asyncio.to_thread(pi.pin.drive_low)
            await asyncio.to_thread(pi.pin.drive_high)
            await appliance.assistant.idle()
            await pi.shows(Effect.DARK)
            assert 0 == appliance.audio.supervisor.replacements

    asyncio.run(story())
    assert pi.lamps.closed == 1


def test_muted_from_the_command_line_nothing_captures(pi: Pi) -> None:
    """The worker has only the speaker any more; and back."""

    async def story() -> None:
        async with pi.on() as appliance:
            await appliance.listening.wait()
            health, supervisor = appliance.audio.health, appliance.audio.supervisor
            pid = supervisor.pid
            state = await asyncio.to_thread(control.ask, runtime_folder(), "mute", {"on": True})
            assert state == {"volume": 100, "muted": True, "saved": True}
            assert not health.capturing
            await until(lambda: not health.heartbeat["capturing"])
            assert pid == supervisor.pid
            await pi.shows(Effect.MUTED)
            appliance.assistant.press()  # even so nobody is heard
            await appliance.assistant.idle()
            assert pi.light.shown[-2:] == [Phase.ERROR, Phase.DEAF]
            state = await asyncio.to_thread(control.ask, runtime_folder(), "mute", {"on": False})
            assert not state["muted"]
            await until(lambda: health.capturing)
            await pi.shows(Effect.DARK)
            assert 0 == supervisor.replacements

    asyncio.run(story())


def test_muted_it_starts_without_a_microphone(pi: Pi) -> None:
    """As it was left; and it is alive all the same."""
    store = KeptStore(pi.folder / "state" / FILE_NAME)
    store.save(Kept(50, muted=True))

    async def story() -> None:
        async with pi.on() as appliance:
            await pi.shows(Effect.MUTED)
            health = appliance.audio.health
            await until(lambda: bool(health.heartbeat.get("speaker")))
            assert not health.capturing
            assert not appliance.listening.is_set()
            status = await asyncio.to_thread(control.ask, runtime_folder(), "status")
            assert status["muted"] is True

    asyncio.run(story())


def test_a_voice_that_mutes_is_answered_by_a_device_that_is_deaf(pi: Pi, tmp_path: Path) -> None:
    """It is on the card, the microphone is closed, the ring is red; and that is said."""
    recording = tmp_path / "said.wav"
    pcm = say("hey jarvis, stop listening", "slt") + bytes(32_000)
    recording.write_bytes(wav_bytes(pcm, MICROPHONE_FORMAT))

    async def story() -> None:
        async with pi.on() as appliance:
            await appliance.listening.wait()
            await appliance.audio.simulate(str(recording))
            await until(lambda: appliance.body.muted)
            await until(lambda: not appliance.audio.health.heartbeat["capturing"])
            await pi.shows(Effect.MUTED)
            assert KeptStore(pi.folder / "state" / FILE_NAME).load().muted
            speaker = appliance.audio.speaker
            await until(lambda: speaker.played_s > 1 or appliance.assistant.turn is None)
            await appliance.assistant.idle()

    asyncio.run(story())
    assert [Phase.SPEAKING, Phase.DEAF] == pi.light.shown[-2:]
