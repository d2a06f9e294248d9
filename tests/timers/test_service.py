"""Timers over time: due, cancelled, missed; through restarts, power cuts and wrong clocks."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sena_pi.settings import Settings
from sena_pi.timekeeping import Timekeeping
from sena_pi.timers.requests import Kind
from sena_pi.timers.ringing import Ringing
from sena_pi.timers.service import LATE_S, RINGS_FOR_S, Timers
from sena_pi.timers.store import Kept, TimerStore
from tests.timers.clocks import BERLIN, StoryClocks, StoryRinger, until

HOUR = 3600.0


class House:
    """Timers, their clocks and their file; `restart` is a new daemon on the same file."""

    def __init__(self, folder: Path, clocks: StoryClocks | None = None) -> None:
        self.clocks = clocks or StoryClocks()
        self.store = TimerStore(folder / "timers.json")
        self.ringer = StoryRinger()
        self.timers = Timers(self.store, [self.ringer], now=self.clocks)

    def keep(self) -> None:
        """What `run` does whenever something has changed."""
        self.timers.look()
        kept = self.timers._kept()
        self.store.save(kept)

    def restart(self) -> None:
        self.ringer = StoryRinger()
        self.timers = Timers(self.store, [self.ringer], now=self.clocks)
        self.timers.look()

    def left_s(self) -> list[float | None]:
        return [one.left_s for one in self.timers.shown()]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_several_timers_ring_each_in_its_time(house: House):
    """The shorter one first, though it was set later; both ring together in the end."""
    house.timers.set_timer(600, "pasta")
    house.timers.set_timer(300, "tea")
    house.clocks.passes(299)
    house.timers.look()
    assert [] == house.ringer.told
    house.clocks.passes(1)
    house.timers.look()
    house.clocks.passes(300)
    house.timers.look()
    assert [["tea"], ["tea", "pasta"]] == house.ringer.told


def test_a_jump_of_the_wall_clock_moves_no_timer(house: House):
    """Neither two days back nor fifty years ahead."""
    house.timers.set_timer(600)
    for jump_s in (-2 * 24 * HOUR, 50 * 365 * 24 * HOUR):
        house.clocks.jumps(jump_s)
        house.timers.look()
        assert [600.0] == house.left_s()
    house.clocks.passes(600)
    house.timers.look()
    assert house.ringer.rings


def test_a_timer_needs_no_clock_that_is_set(tmp_path: Path):
    """Without a network since the start, and when the clock is set in between."""
    house = House(tmp_path, StoryClocks(trusted=False))
    house.timers.set_timer(600)
    house.clocks.passes(300)
    house.clocks.jumps(1e9)
    house.clocks.trusted = True
    house.timers.look()
    assert [300.0] == house.left_s()


def test_what_rings_is_stopped_once(house: House):
    """And does not ring again, not even after a restart."""
    house.timers.set_timer(60)
    house.clocks.passes(60)
    house.keep()
    assert house.timers.stop_ringing()
    assert not house.timers.stop_ringing()
    house.keep()
    house.restart()
    assert not house.ringer.rings
    assert [[""], []] != house.ringer.told


def test_ringing_ends_after_a_quarter_of_an_hour(house: House):
    """Nobody is there: the neighbours are spared."""
    house.timers.set_timer(60)
    house.clocks.passes(60)
    house.timers.look()
    house.clocks.passes(RINGS_FOR_S - 1)
    house.timers.look()
    assert house.ringer.rings
    house.clocks.passes(1)
    house.timers.look()
    assert not house.ringer.rings
    assert () == house.timers.ringing


def test_a_restart_of_the_daemon_costs_a_timer_nothing(house: House):
    """The same run of the kernel: counted on by the machine's own clock, to the second."""
    house.timers.set_timer(600, "pasta")
    house.keep()
    house.clocks.passes(200)
    house.clocks.jumps(-5000)
    house.restart()
    assert [400.0] == house.left_s()


def test_a_power_cut_is_bridged_by_the_wall_clock(house: House):
    """Off for two of ten minutes, and the clock is set again."""
    house.timers.set_timer(600)
    house.keep()
    house.clocks.passes(60)
    house.clocks.power_cut(120)
    house.restart()
    assert [420.0] == house.left_s()


def test_after_a_power_cut_without_network_a_timer_rings_late_rather_than_never(house: House):
    """The clock goes on where it was switched off: what is left is told as the most it can be."""
    house.timers.set_timer(600)
    house.keep()
    house.clocks.passes(60)
    house.clocks.power_cut(120, network=False)
    house.restart()
    (shown,) = house.timers.shown()
    assert (540.0, False) == (shown.left_s, shown.certain)
    house.clocks.passes(539)
    house.timers.look()
    assert not house.ringer.rings
    house.clocks.passes(1)
    house.timers.look()
    assert house.ringer.rings


def test_it_rings_in_time_when_the_network_comes_back_meanwhile(house: House):
    """Whatever was counted before the clock was set is forgotten."""
    house.timers.set_timer(600)
    house.keep()
    house.clocks.power_cut(120, network=False)
    house.restart()
    house.clocks.is_set()
    house.timers.look()
    assert [480.0] == house.left_s()


def test_what_nobody_can_know_any_more_is_told_as_missed(tmp_path: Path):
    """Set without a clock, then a power cut: how long that took, no clock has seen."""
    house = House(tmp_path, StoryClocks(trusted=False))
    house.timers.set_timer(600, "pasta")
    house.keep()
    house.clocks.power_cut(120)
    house.restart()
    assert [] == house.left_s()
    assert ["pasta"] == [entry.name for entry in house.timers.take_missed()]
    assert [] == house.timers.take_missed()


def test_a_timer_gets_its_date_as_soon_as_the_clock_is_set(tmp_path: Path):
    """From then on a power cut can be bridged."""
    house = House(tmp_path, StoryClocks(trusted=False))
    house.timers.set_timer(600)
    house.clocks.passes(100)
    house.clocks.is_set()
    house.keep()
    house.clocks.power_cut(120)
    house.restart()
    assert [380.0] == house.left_s()


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(("more_s", "rings"), [(-1, True), (1, False)])
def test_what_was_due_while_it_was_off_rings_unless_it_is_too_late(
    tmp_path: Path,
    kind: Kind,
    more_s: float,
    rings: bool,  # noqa: FBT001
):
    """A timer up to a quarter of an hour, an alarm up to an hour; later ones are told."""
    house = House(tmp_path)
    if kind is Kind.TIMER:
        house.timers.set_timer(60, "pasta")
    else:
        house.timers.set_alarm(house.clocks().local.replace(minute=1), "pasta")
    house.keep()
    house.clocks.power_cut(60 + LATE_S[kind] + more_s)
    house.restart()
    assert rings is house.ringer.rings
    assert rings is not bool(house.timers.take_missed())


def test_what_rang_when_the_power_failed_rings_again(house: House):
    """It is kept until it was stopped."""
    house.timers.set_timer(60)
    house.clocks.passes(60)
    house.keep()
    house.clocks.power_cut(30)
    house.restart()
    assert house.ringer.rings


def test_a_missed_one_outlives_another_power_cut_until_it_is_told(house: House):
    """Nobody asked before the power failed again."""
    house.timers.set_timer(60, "pasta")
    house.keep()
    house.clocks.power_cut(2 * HOUR)
    house.restart()
    house.keep()
    house.clocks.power_cut(2 * HOUR)
    house.restart()
    assert ["pasta"] == [entry.name for entry in house.timers.take_missed()]


def test_an_alarm_rings_at_its_time_though_a_night_was_an_hour_longer(tmp_path: Path):
    """Set in summer time, rung in winter time, at seven both on the wall."""
    house = House(tmp_path, StoryClocks(datetime(2026, 10, 24, 22, 0, tzinfo=BERLIN)))
    house.timers.set_alarm(datetime(2026, 10, 25, 7, 0, tzinfo=BERLIN))
    house.clocks.passes(10 * HOUR - 1)
    house.timers.look()
    assert not house.ringer.rings
    house.clocks.passes(1)
    house.timers.look()
    assert house.ringer.rings
    assert (7, 0) == (house.clocks().local.hour, house.clocks().local.minute)


def test_the_second_of_two_equal_times_is_kept_apart(tmp_path: Path):
    """Half past two comes twice that night; the one that was meant rings, after a restart too."""
    second = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1)
    house = House(tmp_path, StoryClocks(datetime(2026, 10, 25, 0, 30, tzinfo=BERLIN)))
    house.timers.set_alarm(second)
    house.keep()
    house.restart()
    assert [3 * HOUR] == house.left_s()


def test_an_alarm_moves_with_the_person(house: House):
    """Seven in the morning is seven in the morning of wherever the device is then."""
    house.timers.set_alarm(datetime(2026, 11, 24, 7, 0, tzinfo=BERLIN))
    house.clocks.moves(ZoneInfo("Europe/London"))
    assert [17 * HOUR] == house.left_s()


def test_an_alarm_rings_though_the_kernel_no_longer_vouches_for_the_clock(house: House):
    """Hours without a network: the clock that was right goes on."""
    house.timers.set_alarm(datetime(2026, 11, 24, 7, 0, tzinfo=BERLIN))
    house.clocks.passes(16 * HOUR)
    house.clocks.trusted = False
    house.timers.look()
    assert house.ringer.rings


def test_the_card_is_written_only_when_something_was_set_cancelled_or_over(tmp_path: Path):
    """Four times in a life of two timers; not once while they run or ring."""

    async def story() -> int:
        house = House(tmp_path)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(house.timers.run())

            async def saved() -> None:
                await until(lambda: house.timers.saved)

            first = house.timers.set_timer(600)
            await saved()
            house.timers.set_timer(60)
            await saved()
            for _ in range(100):
                house.clocks.passes(1)
                house.timers.look()
            await saved()
            house.timers.stop_ringing()
            await saved()
            house.timers.cancel([first.number])
            await saved()
            running.cancel()
        return house.store.writes

    assert 4 == asyncio.run(story())


def test_what_was_set_at_the_last_moment_is_on_the_card(tmp_path: Path):
    """The daemon is stopped before its writer had a turn."""

    async def story() -> None:
        house = House(tmp_path)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(house.timers.run())
            await asyncio.sleep(0)
            house.timers.set_timer(600, "pasta")
            running.cancel()

    asyncio.run(story())
    assert ["pasta"] == [
        entry.name for entry in TimerStore(tmp_path / "timers.json").load().entries
    ]


def test_a_running_loop_rings_by_itself(tmp_path: Path):
    """On this machine's own clocks; and all is silent once it ends."""

    async def story() -> StoryRinger:
        rang = asyncio.Event()

        class Bell(StoryRinger):
            def ring(self, ringing: Sequence[Ringing]) -> None:
                super().ring(ringing)
                rang.set()

        bell = Bell()
        timers = Timers(TimerStore(tmp_path / "timers.json"), [bell])
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(timers.run())
            await asyncio.sleep(0)
            timers.set_timer(1, "tea")
            async with asyncio.timeout(20):
                await rang.wait()
            running.cancel()
        return bell

    assert [["tea"], []] == asyncio.run(story()).told


class FullCard(TimerStore):
    """A card that refuses."""

    def save(self, kept: Kept) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_card_that_refuses_stops_no_timer(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """It rings all the same, and the journal says once what a restart would cost."""

    async def story() -> Timers:
        timers = Timers(FullCard(tmp_path / "timers.json"), now=StoryClocks())
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(timers.run())
            for _ in range(3):
                timers.set_timer(600)
                await until(lambda: timers.failed)
            running.cancel()
        return timers

    timers = asyncio.run(story())
    assert 3 == len(timers.shown())
    assert 1 == sum("a restart loses them" in message for message in caplog.messages)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b'{"entries": 3, "missed": []}',
        b'{"entries": [{"number": "one", "kind": "timer"}], "missed": []}',
        b'{"entries": [{"number": 1, "kind": "egg"}], "missed": []}',
        b'{"entries": [{"number": 1, "kind": "alarm", "local": "secretly"}], "missed": []}',
        b"\xff" * 100,
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_is_put_aside_and_told(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
):
    """The daemon starts without timers, and what was there can be looked at."""
    path = tmp_path / "timers.json"
    path.write_bytes(damage)
    assert Kept() == TimerStore(path).load()
    assert damage == path.with_suffix(".damaged").read_bytes()
    assert "lost" in caplog.text
    assert "secretly" not in caplog.text


def test_no_word_of_a_person_is_logged(house: House, caplog: pytest.LogCaptureFixture):
    """A timer's name is said by a person: it stands in the file, which only its owner reads."""
    with caplog.at_level(logging.DEBUG):
        entry = house.timers.set_timer(60, "canary")
        house.keep()
        house.clocks.power_cut(3 * HOUR)
        house.restart()
        house.timers.set_timer(60, "canary")
        house.clocks.passes(60)
        house.timers.look()
        house.timers.stop_ringing()
        house.timers.cancel([entry.number])
    assert caplog.messages
    assert "canary" not in caplog.text
    assert 0o600 == house.store._path.stat().st_mode & 0o777


def test_a_simulation_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What was set in play must not ring in a real kitchen."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))

    async def story() -> None:
        timekeeping = Timekeeping(Settings(), keeps=False)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(timekeeping.timers.run())
            timekeeping.timers.set_timer(600)
            await until(lambda: timekeeping.timers.saved)
            running.cancel()

    asyncio.run(story())
    assert [] == list(tmp_path.iterdir())
