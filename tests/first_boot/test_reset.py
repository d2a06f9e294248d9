"""Factory reset: nothing that is somebody's stays, wherever power is cut."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sena_pi.first_boot import request, reset
from sena_pi.first_boot.boot_partition import BootPartition
from tests.first_boot.taker import CARD, Card


class Cut(Exception):
    """Power is gone."""


class Remover:
    """Deletes until power is cut, and writes down what it was to delete."""

    def __init__(self, lasts: int) -> None:
        self.left = lasts
        self.asked: list[Path] = []

    def __call__(self, path: Path) -> None:
        if not self.left:
            raise Cut
        self.left -= 1
        self.asked.append(path)
        reset._remove(path)


def lived_in(card: Card) -> reset.Kept:
    """A device that was used for a while."""
    card.file.write_bytes(CARD)
    card.starts()
    (card.boot / "kernel8.img").write_bytes(b"kernel")
    (card.etc / "keys" / ".gemini.0123abcd").write_text("left by a power cut")
    (card.etc / "sena.toml").write_text("# the package's")
    kept = reset.Kept(card.etc, card.etc / "keys", card.place / "cache", card.place / "state")
    (kept.cache / "log").mkdir(parents=True)
    (kept.cache / "log" / "1.log").write_bytes(b"answers")
    (kept.state / "voices").mkdir(parents=True)
    (kept.state / "voices" / "voice.onnx").write_bytes(b"a voice")
    (kept.state / "controls.json").write_text("{}")
    (kept.state / "link").symlink_to(card.etc / "sena.toml")
    return kept


LEFT = {"boot/kernel8.img", "etc/sena.toml", "state/voices/voice.onnx"}


def test_what_is_somebodys_is_gone(card: Card) -> None:
    """Keys, settings, cache, state, and the file on the boot partition; the voices stay."""
    kept = lived_in(card)
    assert [] == reset.carry_out(kept, BootPartition(card.boot))
    assert LEFT == set(card.bytes_of_all())


def test_a_file_on_the_card_that_still_holds_keys_is_overwritten_first(card: Card) -> None:
    """A bad one, say; its blocks must not keep them. Seen through another name of the file."""
    kept = lived_in(card)
    card.file.write_bytes(CARD + b"not TOML")
    other = card.place / "the same blocks"
    other.hardlink_to(card.file)
    reset.carry_out(kept, BootPartition(card.boot))
    assert not card.file.exists()
    assert b"" == other.read_bytes().strip(b"\n")


def test_keys_go_first_and_the_wish_last_wherever_power_is_cut(card: Card) -> None:
    """After each single deletion; the next start finishes, and keys are never what is left."""
    cut_off = 0
    while True:
        shutil.rmtree(card.place)
        card.boot.mkdir(parents=True)
        card.etc.mkdir()
        kept = lived_in(card)
        before = card.bytes_of_all()
        try:
            reset.carry_out(kept, BootPartition(card.boot), remove=Remover(cut_off))
        except Cut:
            gone = before.keys() - card.bytes_of_all().keys()
            keys_left = any((card.etc / "keys").iterdir())
            assert not keys_left or all(name.startswith("etc/keys/") for name in gone)
            assert request.is_asked(kept.state)
            reset.carry_out(kept, BootPartition(card.boot))
            assert LEFT == set(card.bytes_of_all())
            cut_off += 1
            continue
        break
    assert cut_off > 7


def test_what_can_not_be_deleted_is_told_and_tried_again(card: Card) -> None:
    """The rest is deleted nevertheless."""
    kept = lived_in(card)

    def remove(path: Path) -> None:
        if path.name == "controls.json":
            raise PermissionError(1, "Operation not permitted")
        reset._remove(path)

    problems = reset.carry_out(kept, BootPartition(card.boot), remove=remove)
    assert [f"{kept.state}/controls.json can't be deleted: Operation not permitted"] == problems
    assert request.is_asked(kept.state)
    assert not any((card.etc / "keys").iterdir())
    assert [] == reset.carry_out(kept, BootPartition(card.boot))
    assert not request.is_asked(kept.state)


def test_a_new_device_can_be_reset(card: Card) -> None:
    """Nothing is there, not even the folders."""
    kept = reset.Kept(card.etc, card.etc / "keys", card.place / "cache", card.place / "state")
    assert [] == reset.carry_out(kept, BootPartition(card.boot))
    assert {} == card.bytes_of_all()


def test_a_link_in_the_state_is_not_followed(card: Card) -> None:
    """The assistant, which owns that folder, can't have root delete something else."""
    kept = lived_in(card)
    elsewhere = card.place / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("of somebody else")
    (kept.state / "folder").symlink_to(elsewhere)
    reset.carry_out(kept, BootPartition(card.boot))
    assert {*LEFT, "elsewhere/file"} == set(card.bytes_of_all())


def test_the_wish_is_left_and_the_assistant_ends(tmp_path: Path) -> None:
    """In this order: it is on the disk when nobody is there any more to leave it."""
    seen: list[bool] = []
    request.end_for_reset(tmp_path, lambda: seen.append(request.is_asked(tmp_path)))
    assert [True] == seen


def test_a_wish_that_can_not_be_left_ends_nothing(tmp_path: Path) -> None:
    """The assistant goes on."""
    ended: list[bool] = []
    request.end_for_reset(tmp_path / "nowhere", lambda: ended.append(True))
    assert [] == ended


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("/etc/passwd")])
def test_what_is_no_file_is_no_wish(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A folder or a link of that name means nothing."""
    make(tmp_path / request.FILE_NAME)
    assert not request.is_asked(tmp_path)
