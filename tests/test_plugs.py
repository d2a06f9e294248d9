"""Sound devices that come and go: known by their USB identity, replaced, and taken back."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sena_pi.devices.audio import Audio, AudioListeners
from sena_pi.engines.portaudio import card_number, stable_name
from sena_pi.sound import DeviceLost, SoundDevice
from sena_pi.sound_cards import UsbIdentity, usb_identities, wanted_usb
from sena_pi.sound_choice import choose, substitutes
from sena_pi.workers.plugs import LOOK_EVERY_S, SUBSTITUTE_AFTER_S, Opened, Opener, PlugWatch
from tests.scripted_plugs_worker import FOLDER
from tests.timers.clocks import until

BOUND_S = 40.0
"""No figure, only an end."""


# --- what the machine tells -----------------------------------------------------------------------


class FakeSysfs:
    """`/sys` as a Pi has it: cards are links into the tree of devices."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "sys/class/sound").mkdir(parents=True)

    def usb_card(self, number: int, port: str, *, model: str, serial: str = "") -> None:
        """A USB sound card in a port."""
        device = self.root / f"sys/devices/platform/scb/fd500000.pcie/usb1/1-1/{port}"
        interface = device / f"{port}:1.0"
        (interface / f"sound/card{number}").mkdir(parents=True)
        maker, _, product = model.partition(":")
        (device / "idVendor").write_text(f"{maker}\n")
        (device / "idProduct").write_text(f"{product}\n")
        if serial:
            (device / "serial").write_text(f"{serial}\n")
        # The hub and the root hub have makers, too: the nearest counts.
        for hub in (device.parent, device.parent.parent):
            (hub / "idVendor").write_text("1d6b\n")
            (hub / "idProduct").write_text("0002\n")
        self._link(number, interface)

    def built_in(self, number: int) -> None:
        """The board's own sound output."""
        place = self.root / "sys/devices/platform/soc/fef00700.hdmi"
        (place / f"sound/card{number}").mkdir(parents=True)
        self._link(number, place)

    def _link(self, number: int, place: Path) -> None:
        card = place / f"sound/card{number}"
        (card / "device").symlink_to(place)
        (self.root / f"sys/class/sound/card{number}").symlink_to(card)


@pytest.fixture
def sysfs(tmp_path: Path) -> FakeSysfs:
    return FakeSysfs(tmp_path)


def test_a_card_is_known_by_maker_model_serial_and_port(sysfs: FakeSysfs):
    """Of the device itself, not of the hubs above it; what is built in has none."""
    sysfs.built_in(0)
    sysfs.usb_card(1, "1-1.2", model="0d8c:0014")
    sysfs.usb_card(2, "1-1.4", model="08BB:2902", serial="A1 B2@C3")
    (sysfs.root / "sys/class/sound/controlC0").mkdir()
    (sysfs.root / "sys/class/sound/card9").mkdir()
    identities = usb_identities(sysfs.root)
    assert {
        1: UsbIdentity("0d8c:0014", "", "1-1.2"),
        2: UsbIdentity("08bb:2902", "A1_B2_C3", "1-1.4"),
    } == identities
    assert ["usb:0d8c:0014@1-1.2", "usb:08bb:2902:A1_B2_C3@1-1.4"] == [
        str(identity) for identity in identities.values()
    ]


def test_two_equal_devices_are_told_apart_by_their_ports(sysfs: FakeSysfs):
    """Plugged in the other way round they have the other card numbers, and the same identities."""
    sysfs.usb_card(2, "1-1.2", model="0d8c:0014")
    sysfs.usb_card(1, "1-1.4", model="0d8c:0014")
    identities = usb_identities(sysfs.root)
    assert {1: "1-1.4", 2: "1-1.2"} == {card: one.port for card, one in identities.items()}


def test_a_machine_without_sound_has_no_identities(tmp_path: Path):
    """No folder at all, as in a container."""
    assert {} == usb_identities(tmp_path)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("usb:0d8c:0014", True),
        ("USB:0D8C:0014", True),
        ("usb:0d8c:0014@1-1.2", True),
        ("usb:0d8c:0014:S1@1-1.2", True),
        ("usb:0d8c:0014:S1", True),
        ("@1-1.2", True),
        ("usb:0d8c:0015", False),
        ("usb:0d8c:0014:S2", False),
        ("usb:0d8c:0014@1-1.3", False),
        ("@1-1", False),
    ],
)
def test_a_part_of_an_identity_is_enough(text: str, met: bool):  # noqa: FBT001
    """What is written must be so; what is not written may be anything."""
    wanted = wanted_usb(text)
    assert wanted is not None
    assert met is wanted.is_met_by(UsbIdentity("0d8c:0014", "S1", "1-1.2"))


@pytest.mark.parametrize("text", ["", "usb:", "usb:0d8c", "USB PnP Sound Device", "default", "@"])
def test_a_name_is_no_identity(text: str):
    """Names go on to be names."""
    assert wanted_usb(text) is None


def test_the_card_number_is_no_part_of_a_name():
    """PortAudio puts it there; it leads to the identity."""
    assert ("USB Audio", 2) == (
        stable_name("USB Audio (hw:2,0)"),
        card_number("USB Audio (hw:2,0)"),
    )
    assert ("default", None) == (stable_name("default"), card_number("default"))


# --- which one is meant ---------------------------------------------------------------------------


def device(name: str, port: str = "", inputs: int = 1, outputs: int = 1) -> SoundDevice:
    return SoundDevice(name, inputs, outputs, UsbIdentity("0d8c:0014", "", port) if port else None)


LEFT, RIGHT = device("USB Audio", "1-1.9"), device("USB Audio", "1-1.10")
HDMI = device("vc4-hdmi", inputs=0)
DEFAULT = device("default")


def test_of_equal_devices_the_first_port_is_meant():
    """In any order of plugging; port 9 comes before port 10."""
    for devices in ([LEFT, RIGHT], [RIGHT, LEFT]):
        assert LEFT is choose(devices, "USB Audio", "input")
        assert RIGHT is choose(devices, "usb:0d8c:0014@1-1.10", "input")


def test_a_whole_name_comes_before_a_part_of_one():
    """The word USB alone means the device that is called so, if there is one."""
    usb = device("USB", "1-2")
    assert usb is choose([LEFT, usb], "usb", "input")
    assert LEFT is choose([LEFT], "audio", "input")


def test_a_device_that_can_only_play_is_no_microphone():
    """Whatever its name is."""
    with pytest.raises(DeviceLost, match="USB Audio"):
        choose([HDMI, LEFT], "vc4-hdmi", "input")


def test_what_stands_in_is_the_default_then_usb_then_what_is_built_in():
    """A monitor that nobody listens to comes last."""
    assert [DEFAULT, LEFT, RIGHT, HDMI] == substitutes([HDMI, RIGHT, LEFT, DEFAULT], "output")
    assert [DEFAULT, LEFT] == substitutes([HDMI, LEFT, DEFAULT], "input")


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def opens(*there: SoundDevice) -> Callable[[str], str]:
    """Opens what is there, by name or identity."""

    def open_stream(wanted: str) -> str:
        return choose(there, wanted, "input").label

    return open_stream


def test_another_device_stands_in_only_after_a_while():
    """One that was jolted is back before."""
    clock = Clock()
    opener = Opener("Studio", "input", monotonic=clock)
    for now_s in (0.0, SUBSTITUTE_AFTER_S - 0.1):
        clock.now_s = now_s
        with pytest.raises(DeviceLost, match="Studio"):
            opener.open(opens(LEFT), lambda: [LEFT])
    clock.now_s = SUBSTITUTE_AFTER_S
    assert Opened(LEFT.label, "Studio") == opener.open(opens(LEFT), lambda: [LEFT])
    studio = device("Studio", "1-3")
    assert Opened(studio.label) == opener.open(opens(LEFT, studio), lambda: [LEFT, studio])


def test_nothing_stands_in_for_the_default():
    """Whoever chose none gets what the system calls the default, or nothing."""
    clock = Clock()
    opener = Opener("", "input", monotonic=clock)
    clock.now_s = 100.0

    def lost(wanted: str) -> str:
        raise DeviceLost(f"no default {wanted}")

    with pytest.raises(DeviceLost):
        opener.open(lost, lambda: [LEFT])


def test_a_substitute_that_cannot_be_opened_is_passed_over():
    """Busy, perhaps: the next one is tried."""
    clock = Clock()
    opener = Opener("Studio", "input", monotonic=clock)
    clock.now_s = SUBSTITUTE_AFTER_S
    assert Opened(RIGHT.label, "Studio") == opener.open(opens(RIGHT), lambda: [LEFT, RIGHT])


def test_plugs_are_looked_at_now_and_then():
    """However often it is asked."""
    clock, looks = Clock(), []
    watch = PlugWatch(lambda: bool(looks.append(clock.now_s)) or True, monotonic=clock)
    for tick in range(101):
        clock.now_s = tick * LOOK_EVERY_S / 20
        watch.changed()
    assert 5 == len(looks)


# --- the worker -----------------------------------------------------------------------------------


class Desk:
    """A real audio worker, and a folder of plugs."""

    def __init__(self, folder: Path, microphone: str, speaker: str) -> None:
        self.folder = folder
        self.microphones: list[str | None] = []
        self._changed = asyncio.Event()
        self.audio = Audio(
            {"microphone": microphone, "speaker": speaker},
            AudioListeners(hearing=self._hearing),
            argv=(sys.executable, "-m", "tests.scripted_plugs_worker"),
        )

    def _hearing(self, on: bool) -> None:  # noqa: FBT001 - a listener
        self.microphones.append(self.audio.health.microphone if on else None)
        self._changed.set()

    async def hears(self, name: str) -> None:
        """Wait until this microphone is heard."""
        async with asyncio.timeout(BOUND_S):
            while self.microphones[-1:] != [name]:
                self._changed.clear()
                await self._changed.wait()

    def plug(self, name: str, ways: str = "in out") -> None:
        unfinished = self.folder.parent / "unfinished"
        unfinished.write_text(ways)
        unfinished.rename(self.folder / name)

    def pull(self, name: str) -> None:
        (self.folder / name).unlink()


@asynccontextmanager
async def desk(
    folder: Path, *plugged: str, microphone: str = "", speaker: str = ""
) -> AsyncIterator[Desk]:
    it = Desk(folder, microphone, speaker)
    for name in plugged:
        it.plug(name)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(it.audio.run())
        try:
            yield it
        finally:
            running.cancel()


@pytest.fixture
def plugs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "plugs"
    folder.mkdir()
    monkeypatch.setenv(FOLDER, str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, [Path(__file__).parents[1]])))
    return folder


def test_another_microphone_is_used_until_the_chosen_one_is_back(plugs: Path):
    """Pulled: the other one hears. Plugged in again, at another place in the list: it is back."""

    async def story() -> list[str | None]:
        async with desk(plugs, "A@1-1.1", "B@1-1.2", microphone="usb:0d8c:0014@1-1.2") as it:
            await it.hears("B (usb:0d8c:0014@1-1.2)")
            it.pull("B@1-1.2")
            await it.hears("A (usb:0d8c:0014@1-1.1)")
            it.plug("0 other@1-1.9")
            it.plug("B@1-1.2")
            await it.hears("B (usb:0d8c:0014@1-1.2)")
            return it.microphones

    heard = asyncio.run(story())
    assert [
        "B (usb:0d8c:0014@1-1.2)",
        None,
        "A (usb:0d8c:0014@1-1.1)",
        None,
        "B (usb:0d8c:0014@1-1.2)",
    ] == heard


def test_the_same_device_in_another_port_is_another_one(plugs: Path):
    """Of two equal microphones the one in the chosen port, though the other comes first."""

    async def story() -> None:
        async with desk(plugs, "M@1-1.1", "M@1-1.2", microphone="@1-1.2") as it:
            await it.hears("M (usb:0d8c:0014@1-1.2)")

    asyncio.run(story())


def test_a_question_is_heard_to_its_end_by_the_one_that_stands_in(plugs: Path):
    """The chosen microphone comes back while somebody speaks: only then is it taken."""

    async def story() -> None:
        async with desk(plugs, "A@1-1.1", microphone="B") as it:
            await it.hears("A (usb:0d8c:0014@1-1.1)")
            hearing = asyncio.ensure_future(it.audio.hear("1", "press"))
            it.plug("B@1-1.2")
            heard = await hearing
            assert "no-speech" == heard.reason
            await it.hears("B (usb:0d8c:0014@1-1.2)")

    asyncio.run(story())


def test_another_speaker_is_used_until_the_chosen_one_is_back(
    plugs: Path, caplog: pytest.LogCaptureFixture
):
    """The journal says which one plays, and instead of which."""
    there, back = "speaker: A (usb:0d8c:0014@1-1.1) at 48000 Hz", "speaker: S (usb:0d8c:0014@1-1.3)"

    async def played_by(start: str) -> None:
        await until(lambda: any(line.startswith(start) for line in caplog.messages))

    async def story() -> None:
        async with desk(plugs, "A@1-1.1", speaker="S") as it:
            await played_by(f"{there}, until 'S' is there")
            it.plug("S@1-1.3", "out")
            await played_by(back)

    with caplog.at_level("INFO"):
        asyncio.run(story())
