"""Power cuts and kills while a card is taken over: no key is lost, and none stays on it."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.cache.power_cut import Disk, Event, preloaded, recorded
from tests.first_boot.taker import CARD, GEMINI, card

STATES = 100
"""Cards that are looked at for each moment of a cut."""
FRESH = {"boot/sena.toml": CARD}
REPLACED = {
    **FRESH,
    "etc/keys/gemini": b"AIzaSyOld-key-of-a-year-ago-abcdefghijkl\n",
    "etc/sena.d/50-card.toml": b"[wake]\nsensitivity = 0.9\n",
    "etc/card/known": b"0123\n",
}
FOLDERS = ("boot", "etc")


def record_of(contents: Mapping[str, bytes], place: Path) -> list[Event]:
    """What a start does to this card."""
    folder = card(place / "card", contents).place
    return recorded("tests.first_boot.taker", [str(folder)], folder, place, DISK_RECORDER_DEEP="1")


def cuts(
    events: Sequence[Event],
    contents: Mapping[str, bytes],
    chance: random.Random,
    *,
    honest: bool = True,
) -> list[dict[str, bytes]]:
    """Cards after a cut: `STATES` for each event, before it and after it."""
    folders = {*FOLDERS, *(str(Path(name).parent) for name in contents)}
    disk = Disk(contents, folders=folders, honest=honest)
    found = [disk.after_a_cut(chance)]
    for event in events:
        disk.do(event)
        found += [disk.after_a_cut(chance) for _ in range(STATES)]
    unlike = {tuple(sorted(state.items())): state for state in found}
    return list(unlike.values())


def faults_after(states: Sequence[dict[str, bytes]], place: Path) -> list[str]:
    """What is wrong once each of these cards was started again."""
    found = []
    for state in states:
        shutil.rmtree(place, ignore_errors=True)
        started = card(place, state)
        outcome = started.starts()
        wrong = [*started.faults(), *outcome.problems]
        found += [f"{sorted(state)}: {one}" for one in wrong]
    return found


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """What the first start with a new file does."""
    return record_of(FRESH, tmp_path_factory.mktemp("first"))


def test_wherever_power_is_cut_the_next_start_ends_the_same(
    first: list[Event], tmp_path: Path
) -> None:
    """After each event, whatever of what was not synced the disk has kept, torn or whole."""
    states = cuts(first, FRESH, random.Random(1))
    # Three sectors hold keys or parts of one; each is old or new.
    assert 2**3 == len({state["boot/sena.toml"] for state in states})
    assert [] == faults_after(states, tmp_path / "card")


def test_a_cut_while_a_replaced_file_is_taken_over_changes_nothing(tmp_path: Path) -> None:
    """Where another file was taken over before, with another key."""
    states = cuts(record_of(REPLACED, tmp_path), REPLACED, random.Random(4))
    assert [] == faults_after(states, tmp_path / "after")


def test_a_cut_in_the_start_after_a_cut_changes_nothing(first: list[Event], tmp_path: Path) -> None:
    """Of some of the cards that a first cut has left, a few of them half overwritten."""
    chance = random.Random(2)
    states = cuts(first, FRESH, chance)
    torn = [
        state
        for state in states
        if "etc/card/changing" in state and state["boot/sena.toml"] != CARD
    ]
    assert torn
    for number, state in enumerate(chance.sample(torn, 2) + chance.sample(states, 3)):
        place = tmp_path / str(number)
        place.mkdir()
        again = cuts(record_of(state, place), state, chance)
        assert [] == faults_after(again, place / "after")


def test_where_syncs_do_nothing_the_same_test_fails(first: list[Event], tmp_path: Path) -> None:
    """The control: keys are overwritten on the card and are nowhere else."""
    states = cuts(first, FRESH, random.Random(1), honest=False)
    assert any("key is lost" in fault for fault in faults_after(states, tmp_path / "card"))


def test_until_the_keys_are_on_the_device_the_card_is_not_touched(
    first: list[Event], tmp_path: Path
) -> None:
    """On every card after a cut, each key is whole in one of the two places."""
    for state in cuts(first, FRESH, random.Random(3)):
        kept = state.get("etc/keys/gemini", b"") == f"{GEMINI}\n".encode()
        assert kept or state["boot/sena.toml"] == CARD


def test_a_kill_at_any_event_changes_nothing(first: list[Event], tmp_path: Path) -> None:
    """Of a process; what it left is gone on with by the next one."""
    for number in range(1, len(first), 4):
        place = tmp_path / str(number)
        place.mkdir()
        started = card(place / "card", FRESH)
        environment = preloaded(
            started.place,
            place,
            DISK_RECORDER_DEEP="1",
            DISK_RECORDER_KILL_AFTER=str(number),
        )
        run = subprocess.run(
            [sys.executable, "-m", "tests.first_boot.taker", str(started.place)],
            env=environment,
            check=False,
            timeout=60,
        )
        assert -signal.SIGKILL == run.returncode
        assert [] == [*started.starts().problems, *started.faults()]
