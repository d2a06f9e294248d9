"""After a start: what is missing is shown by the light, and said once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from sena_pi.clips import Clip
from sena_pi.needs import Need
from sena_pi.readiness import Pace, Readiness, Told
from sena_pi.reasons import Reason
from tests.turns.bench import Bench, tell, until

AT_ONCE = Pace(parts_s=0.0, network_s=0.0, every_s=0.001, shown_s=60.0)
SHORT = Pace(parts_s=0.0, network_s=60.0, every_s=0.001, shown_s=0.05)


class Counted:
    """A light that remembers what it was to show, each number once in a row."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def missing(self, number: int) -> None:
        if self.numbers[-1:] != [number]:
            self.numbers.append(number)


class House:
    """What is missing in it, and what was said of that."""

    def __init__(self, folder: Path, missing: Iterable[Need] = ()) -> None:
        self.absent = set(missing)
        self.light = Counted()
        self.said: list[Reason] = []
        self._folder = folder
        self.start()

    def start(self, boot: str = "one") -> None:
        """The assistant is started; in a run of the kernel that has this name."""
        (self._folder / "boot_id").write_text(boot)
        self.told = Told(self._folder / "told.json", self._folder / "boot_id")

    def readiness(self, bench: Bench, pace: Pace = AT_ONCE) -> Readiness:
        def clip(reason: Reason) -> Clip:
            self.said.append(reason)
            return bench.clips.reason(reason)

        return Readiness(
            lambda: self.absent, self.light, clip, bench.speaker, bench.assistant, self.told, pace
        )


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def story_of(house: House, *, wanted: int) -> list[Reason]:
    """What is said until so many things were said, by one start."""

    async def story(bench: Bench) -> None:
        running = asyncio.create_task(house.readiness(bench).run())
        await until(lambda: len(house.said) >= wanted)
        await until(lambda: all(_known(house, reason) for reason in house.said))
        running.cancel()

    tell(story)
    return house.said


def _known(house: House, reason: Reason) -> bool:
    needs = {
        Reason.NO_MICROPHONE: Need.MICROPHONE,
        Reason.NO_KEY: Need.KEY,
        Reason.CLOCK: Need.CLOCK,
        Reason.OFFLINE: Need.NETWORK,
    }
    return needs[reason] in house.told


def test_each_thing_that_is_missing_is_said_once(house: House) -> None:
    """In the order in which a person should see to it; the light counts the first."""
    house.absent = {Need.NETWORK, Need.KEY, Need.MICROPHONE}
    expected = [Reason.NO_MICROPHONE, Reason.NO_KEY, Reason.OFFLINE]
    assert expected == story_of(house, wanted=3)
    assert 1 == house.light.numbers[0]


def test_a_clock_that_only_wants_the_network_is_not_complained_of(house: House) -> None:
    """The network brings the time."""
    house.absent = {Need.NETWORK, Need.CLOCK}
    assert [Reason.OFFLINE] == story_of(house, wanted=1)
    assert [5] == house.light.numbers


def test_without_a_speaker_the_light_alone_tells(house: House) -> None:
    """Two flashes; and no other words are lost on nobody."""
    house.absent = {Need.SPEAKER}

    async def story(bench: Bench) -> None:
        running = asyncio.create_task(house.readiness(bench).run())
        await until(lambda: house.light.numbers == [2])
        house.absent = set()
        await until(lambda: house.light.numbers == [2, 0])
        running.cancel()

    tell(story)
    assert [] == house.said


def test_the_network_is_given_time(house: House) -> None:
    """It is joined after the assistant has started, as a rule; and at its end the light is dark."""
    house.absent = {Need.NETWORK}

    async def story(bench: Bench) -> None:
        await house.readiness(bench, SHORT).run()

    tell(story)
    assert ([], [0]) == (house.said, house.light.numbers)


def test_a_restart_says_nothing_again_and_a_boot_does(house: House) -> None:
    """Nobody wants to hear it after each crash; after a power cut it may be news."""
    house.absent = {Need.MICROPHONE, Need.KEY}
    story_of(house, wanted=2)
    house.start()
    assert all(need in house.told for need in house.absent)
    house.start(boot="two")
    assert Need.MICROPHONE not in house.told


def test_that_there_is_no_key_is_said_once_until_there_was_one(house: House) -> None:
    """Some want none: they are told once, not at each start."""
    house.absent = {Need.KEY}
    story_of(house, wanted=1)
    house.start(boot="two")
    assert Need.KEY in house.told
    house.told.there(Need.KEY)
    house.start(boot="three")
    assert Need.KEY not in house.told


@pytest.mark.parametrize("content", ["", "[]", '{"said": 3}', '{"said": ["tea"], "boot": 1}', "{"])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    """It is said once more."""
    (tmp_path / "told.json").write_text(content)
    (tmp_path / "boot_id").write_text("one")
    told = Told(tmp_path / "told.json", tmp_path / "boot_id")
    assert Need.KEY not in told


def test_a_card_that_can_not_be_written_is_no_obstacle(tmp_path: Path) -> None:
    """It is remembered while it runs, and said again after the next start."""
    told = Told(tmp_path / "no such folder" / "told.json", tmp_path / "no boot id")
    told.add(Need.KEY)
    assert Need.KEY in told
