"""Button and light in the hands of a person, with a whole assistant behind them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from sena_pi.body import gpio
from sena_pi.body.hardware import Hardware
from sena_pi.body.kept import Kept, KeptStore
from sena_pi.body.layers import Effect, Showing
from sena_pi.body.patterns import BLACK, BLUE, RED, Frame, pattern
from sena_pi.body.presses import FULL_S
from sena_pi.body.requests import BadRequest
from sena_pi.body.switch import SwitchLost
from sena_pi.body.wiring import Body, Joined
from sena_pi.gain import gain_of
from sena_pi.phases import Phase
from sena_pi.reasons import Reason
from sena_pi.report import Outcome, Source, TurnReport
from sena_pi.stages import Speaker
from tests.body.rings import PlainLamps
from tests.turns.bench import Bench, answered, tell, until

GPIO = 17


class Ears:
    """What was asked of microphone and gain."""

    def __init__(self, speaker: Speaker) -> None:
        self.speaker = speaker
        self.captures: list[bool] = []
        self.gains: list[float] = []
        self.holds: list[bool] = []

    def capture(self, *, on: bool) -> None:
        self.captures.append(on)

    def set_gain(self, gain: float) -> None:
        self.gains.append(gain)

    def hold(self, *, on: bool) -> None:
        self.holds.append(on)


class Timers:
    """May ring."""

    def __init__(self) -> None:
        self.ringing = False

    def stop_ringing(self) -> bool:
        was, self.ringing = self.ringing, False
        return was


class Sounds:
    """Chimes that are written down."""

    def __init__(self) -> None:
        self.played: list[str] = []

    def play(self, name: str) -> None:
        self.played.append(name)


class House:
    """A body, joined to the assistant on a bench; its button is a pin that the story drives."""

    def __init__(self, bench: Bench, path: Path, *, ring: bool = True) -> None:
        self.pins = MockFactory()
        self.lamps = PlainLamps()
        self.chimes = Sounds()
        self.ears = Ears(bench.speaker)
        self.timers = Timers()
        self.resets = 0
        hardware = Hardware(
            self.lamps.open if ring else None,
            lambda on_edge: gpio.PinSwitch(self.pins, GPIO, on_edge, pull_up=True),
        )
        self.body = Body(hardware, KeptStore(path), bench.light, on_reset=self._reset)
        self.body.join(Joined(bench.assistant, self.ears, self.timers, bench.clips, self.chimes))
        self.pin = self.pins.pin(GPIO)

    def _reset(self) -> None:
        self.resets += 1

    async def press(self) -> None:
        """As gpiozero does it: from a thread of its own."""
        await asyncio.to_thread(self.pin.drive_low)

    async def release(self) -> None:
        await asyncio.to_thread(self.pin.drive_high)

    async def tap(self) -> None:
        await self.press()
        await self.release()

    async def shows(self, frame: Frame) -> None:
        await asyncio.to_thread(self.lamps.wait_for_frame, frame)


@contextlib.asynccontextmanager
async def living(house: House) -> AsyncIterator[House]:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(house.body.run())
        await until(lambda: house.pin.when_changed is not None)
        try:
            yield house
        finally:
            running.cancel()


def live(
    story: Callable[[Bench, House], Awaitable[None]],
    path: Path,
    *,
    ring: bool = True,
    **bench: object,
) -> None:
    async def told(it: Bench) -> None:
        async with living(House(it, path, ring=ring)) as house:
            await story(it, house)

    tell(told, **bench)


def looks(effect: Effect) -> Frame:
    return pattern(Showing(effect)).paint(0.0, 12)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "controls.json"


async def later(condition: Callable[[], bool]) -> None:
    """Wait for what needs time, such as the settling of a switch; bounded."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.to_thread(threading.Event().wait, 0.005)


def test_a_press_starts_to_listen_and_the_next_one_ends_it(path: Path) -> None:
    """And the one after that listens again: one turn at a time."""

    async def story(bench: Bench, house: House) -> None:
        for _ in range(2):
            await house.tap()
            await until(lambda: bench.microphone.listens)
            await later(lambda: not house.body._presses._settling)
            await later(lambda: house.body._presses.next_s is None)
            await house.tap()
            await bench.turn_ended()
            await later(lambda: house.body._presses.next_s is None)
        assert ["1", "2"] == bench.microphone.given_up

    live(story, path)


def test_a_press_ends_the_speech_and_nothing_else_begins(path: Path) -> None:
    """Silence is what was wanted."""

    async def story(bench: Bench, house: House) -> None:
        await bench.ask()
        await bench.reached(Phase.SPEAKING)
        await house.tap()
        report = await bench.turn_ended()
        assert "interrupted" == report.outcome
        assert not bench.microphone.listens

    live(story, path, cloud=[answered(*["A long answer. "] * 50)])


def test_a_press_stops_a_timer_before_anything_else(path: Path) -> None:
    """The turn that goes on goes on."""

    async def story(bench: Bench, house: House) -> None:
        await bench.ask()
        house.timers.ringing = True
        await house.tap()
        await until(lambda: not house.timers.ringing)
        await bench.turn_ended()
        assert "answered" == bench.reports[-1].outcome

    live(story, path, cloud=[answered("Yes.")])


def test_a_press_is_seen_even_while_the_loop_is_busy(path: Path) -> None:
    """The light is told by the button's own thread."""

    async def story(bench: Bench, house: House) -> None:
        await house.shows(looks(Effect.DARK))

        def pressed_and_seen() -> bool:
            house.pin.drive_low()
            house.lamps.wait_for_frame([BLUE] * 12)
            return bench.microphone.listens

        pressing = threading.Thread(target=pressed_and_seen)
        pressing.start()
        pressing.join(20)
        assert not pressing.is_alive()
        assert not bench.microphone.listens
        await until(lambda: bench.microphone.listens)
        await house.release()

    house_light_is_idle(story, path)


def house_light_is_idle(
    story: Callable[[Bench, House], Awaitable[None]], path: Path, **bench: object
) -> None:
    async def idle(it: Bench, house: House) -> None:
        house.body.show(Phase.IDLE)
        await story(it, house)

    live(idle, path, **bench)


def test_a_held_button_mutes_and_unmutes_and_that_is_kept(path: Path) -> None:
    """A tap and a long press; muted, a long press alone. The microphone is closed and opened."""

    async def story(bench: Bench, house: House) -> None:
        await house.tap()
        await until(lambda: bench.microphone.listens)
        await later(lambda: not house.body._presses._settling)
        await house.press()
        await later(lambda: house.body.muted)
        await house.release()
        assert [False] == house.ears.captures
        assert KeptStore(path).load().muted
        assert not bench.microphone.listens
        await house.shows(looks(Effect.MUTED))
        await later(lambda: house.body._presses.next_s is None)
        await house.tap()
        await house.shows([RED] * 12)
        assert ["mute", "mute"] == house.chimes.played
        await later(lambda: house.body._presses.next_s is None)
        await house.press()
        await later(lambda: not house.body.muted)
        await house.release()
        assert [False, True] == house.ears.captures
        assert not KeptStore(path).load().muted

    house_light_is_idle(story, path)


def test_who_holds_the_button_talks_as_long(path: Path) -> None:
    """The microphone is told when it is held, and when it is let go."""

    async def story(bench: Bench, house: House) -> None:
        await house.press()
        await later(lambda: house.ears.holds == [True])
        assert bench.microphone.listens
        await house.release()
        await later(lambda: house.ears.holds == [True, False])

    live(story, path)


def test_two_presses_are_quieter_by_none_and_louder_by_one(path: Path) -> None:
    """Shown on the ring, in force, kept; no turn is left."""
    KeptStore(path).save(Kept(50))

    async def story(bench: Bench, house: House) -> None:
        for _ in range(2):
            await house.tap()
            await later(lambda: not house.body._presses._settling)
        await later(lambda: bool(house.ears.gains))
        assert [gain_of(60)] == house.ears.gains
        assert Kept(60) == KeptStore(path).load()
        await house.shows(pattern(Showing(Effect.GAUGE, 0.6)).paint(0.0, 12))
        await bench.assistant.idle()

    live(story, path)


def test_a_storm_of_presses_leaves_one_assistant_that_works(path: Path) -> None:
    """Two thousand edges as fast as a thread can; then a question is answered as ever."""

    async def story(bench: Bench, house: House) -> None:
        def storm() -> None:
            for _ in range(1000):
                house.pin.drive_low()
                house.pin.drive_high()

        await asyncio.to_thread(storm)
        await later(lambda: house.body._presses.next_s is None)
        assert len(house.body._edges) == 0
        bench.assistant.stop()
        await bench.assistant.idle()
        assert len(bench.microphone.asked) < 50
        report = await bench.answer_to_question()
        assert "answered" == report.outcome
        assert 0 == house.resets

    live(story, path, cloud=[answered("Yes.")])


def test_a_muted_device_stays_muted_over_a_restart(path: Path) -> None:
    """Red from its first frame, and the audio worker never opens the microphone."""
    KeptStore(path).save(Kept(30, muted=True))

    async def story(bench: Bench, house: House) -> None:
        assert {"capture": False, "gain": gain_of(30)} == house.body.audio_settings()
        await house.shows(looks(Effect.MUTED))
        assert all(list(frame) != [BLUE] * 12 for _, frame in house.lamps.frames)

    live(story, path)


def test_a_ring_that_breaks_is_told_aloud_and_nothing_is_trusted(path: Path) -> None:
    """Once; the assistant goes on. When the ring is back, so is the trust."""

    async def story(bench: Bench, house: House) -> None:
        await house.shows(looks(Effect.DARK))
        assert house.body.trusted
        house.lamps.broken = True
        house.body.light.mute(on=True)
        await later(lambda: not house.body.trusted)
        await later(lambda: "error" in house.chimes.played)
        await later(lambda: bench.speaker.played_s > 0)
        house.lamps.broken = False
        await later(lambda: house.body.trusted)

    house_light_is_idle(story, path)


def test_without_a_ring_chimes_tell_what_it_would(path: Path) -> None:
    """An error; and sound may leave, since nobody wanted a light."""

    async def story(bench: Bench, house: House) -> None:
        for phase in (Phase.LISTENING, Phase.THINKING, Phase.SPEAKING, Phase.ERROR, Phase.IDLE):
            house.body.show(phase)
        assert ["error"] == house.chimes.played
        assert house.body.trusted

    live(story, path, ring=False)


def test_a_button_that_is_not_there_is_no_reason_to_stop(path: Path) -> None:
    """Told once; the light and all else go on."""

    async def story(bench: Bench) -> None:
        def missing(_on_edge: object) -> gpio.PinSwitch:
            raise SwitchLost("GPIO 17: no pins")

        lamps = PlainLamps()
        body = Body(Hardware(lamps.open, missing), KeptStore(path), bench.light)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(body.run())
            body.show(Phase.IDLE)
            await asyncio.to_thread(lamps.wait_for_frame, [BLACK] * 12)
            running.cancel()

    tell(story)


def test_the_control_socket_sets_what_is_asked(path: Path) -> None:
    """Volume, mute and unmute; and refuses what can't be meant."""

    async def story(bench: Bench, house: House) -> None:
        requests = house.body.requests()
        volume, mute = requests["volume"], requests["mute"]
        assert {"volume": 100, "muted": False, "saved": True} == await volume({"percent": None})
        assert {"volume": 25, "muted": False, "saved": True} == await volume({"percent": 25})
        assert {"volume": 25, "muted": True, "saved": True} == await mute({"on": True})
        assert Kept(25, muted=True) == KeptStore(path).load()
        assert not (await mute({"on": False}))["muted"]
        assert [False, True] == house.ears.captures
        for wrong in (101, -1, "50", 1.5, True):
            with pytest.raises(BadRequest):
                await volume({"percent": wrong})
        with pytest.raises(BadRequest):
            await mute({})

    live(story, path)


def test_a_full_ring_that_is_let_go_asks_for_a_reset_and_one_that_is_not_full_does_not(
    path: Path,
) -> None:
    """By the times of the edges, as the pin's thread hands them over."""
    KeptStore(path).save(Kept(muted=True))

    async def story(_bench: Bench, house: House) -> None:
        for held_s, resets in ((FULL_S - 0.5, 0), (FULL_S + 0.5, 1)):
            now_s = time.monotonic()
            house.body._edges.extend([(True, now_s - held_s), (False, now_s)])
            house.body._take_edges()
            assert resets == house.resets
            await later(lambda: house.body._presses.next_s is None)

    live(story, path)


@pytest.mark.parametrize(
    ("reason", "lit"),
    [
        (Reason.OFFLINE, True),
        (Reason.KEY, True),
        (Reason.CLOCK, True),
        (Reason.PORTAL, True),
        (Reason.QUOTA, False),
        (Reason.SLOW, False),
    ],
)
def test_what_somebody_must_see_to_is_shown_until_the_cloud_answers(
    tmp_path: Path, reason: Reason, *, lit: bool
) -> None:
    """No network, a refused key or a wrong clock: amber between turns, as told aloud in them."""

    async def story(it: Bench) -> None:
        body = House(it, tmp_path / "body.json").body
        body.turn_ended(TurnReport("1", "sena", Outcome.ANSWERED, told=("filler", reason)))
        assert lit is body.light.layers.offline
        by_rule = TurnReport("2", "sena", Outcome.ANSWERED, source=Source.RULE)
        body.turn_ended(by_rule)
        assert lit is body.light.layers.offline
        body.turn_ended(TurnReport("3", "sena", Outcome.ANSWERED, source=Source.CLOUD))
        assert not body.light.layers.offline

    tell(story)
