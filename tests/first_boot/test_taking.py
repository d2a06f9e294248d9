"""What comes of a file on the boot partition, start after start."""

from __future__ import annotations

import pytest

from sena_pi.config import load
from sena_pi.first_boot.boot_partition import mixes
from sena_pi.first_boot.status import Taken
from tests.first_boot.taker import CARD, GEMINI, PORCUPINE, REDACTED, Card

OTHER = "AIzaSyOther-0123456789-abcdefghijklmnopq"
BAD = f'[keys]\ngemini = "{GEMINI}"\n[wake]\nengine = "porcupin"\n'


def test_keys_and_settings_are_where_they_belong(card: Card) -> None:
    """And the file on the card has marks in the place of the keys."""
    card.file.write_bytes(CARD)
    assert Taken.NEW is card.starts().taken
    assert [] == card.faults()
    settings = load(None, {"CONFIGURATION_DIRECTORY": str(card.etc)}).settings
    assert ("de-DE", ("jarvis",)) == (settings.cloud.language, settings.wake.words)


def test_only_the_owner_may_look_into_the_folders_of_keys(card: Card) -> None:
    """Also where none was made before."""
    card.file.write_bytes(CARD)
    card.starts()
    modes = {name: (card.etc / name).stat().st_mode & 0o777 for name in ("keys", "card")}
    assert {"keys": 0o700, "card": 0o700} == modes
    assert 0o644 == (card.etc / "sena.d" / "50-card.toml").stat().st_mode & 0o777


def test_the_next_start_writes_nothing(card: Card) -> None:
    """The file is known by its stamp."""
    card.file.write_bytes(CARD)
    card.starts()
    paths = sorted(card.place.rglob("*"))
    before = [(path, path.stat().st_mtime_ns, path.stat().st_ino) for path in paths]
    assert Taken.KNOWN is card.starts().taken
    assert before == [
        (path, path.stat().st_mtime_ns, path.stat().st_ino)
        for path in sorted(card.place.rglob("*"))
    ]


def test_without_a_file_nothing_happens(card: Card) -> None:
    """On a device that was set up in another way."""
    assert Taken.NONE is card.starts().taken
    assert {} == card.bytes_of_all()


def test_without_a_boot_partition_nothing_happens(card: Card) -> None:
    """On a PC, say."""
    card.boot.rmdir()
    assert (Taken.NONE, ()) == (card.starts().taken, card.starts().problems)


def test_a_replaced_file_is_taken_over_like_the_first(card: Card) -> None:
    """What it does not say any more has its default; a key it does not name stays."""
    card.file.write_bytes(CARD)
    card.starts()
    card.file.write_text(f'[keys]\ngemini = "{OTHER}"\n')
    assert Taken.NEW is card.starts().taken
    assert f"{OTHER}\n" == card.key("gemini")
    assert card.key("porcupine") is not None
    assert not (card.etc / "sena.d" / "50-card.toml").exists()
    assert OTHER not in card.file.read_text()


def test_the_redacted_file_with_another_setting_keeps_the_keys(card: Card) -> None:
    """The marks mean: as it is."""
    card.file.write_bytes(CARD)
    card.starts()
    card.file.write_bytes(REDACTED.replace(b"de-DE", b"pt-BR"))
    outcome = card.starts()
    assert (Taken.NEW, ()) == (outcome.taken, outcome.problems)
    assert f"{GEMINI}\n" == card.key("gemini")
    assert "pt-BR" in (card.etc / "sena.d" / "50-card.toml").read_text()


def test_an_empty_key_takes_it_back(card: Card) -> None:
    """From the device, through the card; the other one stays."""
    card.file.write_bytes(CARD)
    card.starts()
    card.file.write_text('[keys]\ngemini = ""\nporcupine = "moved to the device"\n')
    outcome = card.starts()
    assert (Taken.NEW, ()) == (outcome.taken, outcome.problems)
    assert card.key("gemini") is None
    assert f"{PORCUPINE}\n" == card.key("porcupine")
    assert Taken.KNOWN is card.starts().taken


def test_a_mark_without_its_key_is_told(card: Card) -> None:
    """The file was copied from another device; its settings hold."""
    card.file.write_bytes(REDACTED)
    outcome = card.starts()
    assert Taken.NEW is outcome.taken
    told = "sena.toml: keys.gemini was moved to a device, but not to this one; write the key again"
    assert told == outcome.problems[0]


def test_a_bad_file_is_kept_and_what_is_wrong_lies_beside_it(card: Card) -> None:
    """By key and line; nothing on the device has changed."""
    card.file.write_text(BAD)
    outcome = card.starts()
    assert (Taken.BAD, BAD) == (outcome.taken, card.file.read_text())
    told = card.errors.read_bytes().decode()
    assert "sena.toml:4: wake.engine must be" in told
    assert told.count("\r\n") == told.count("\n") > 3
    assert GEMINI not in told
    assert {"boot/sena.toml", "boot/sena-errors.txt"} == set(card.bytes_of_all())


def test_a_bad_file_after_a_good_one_changes_nothing_on_the_device(card: Card) -> None:
    """The device goes on as it was."""
    card.file.write_bytes(CARD)
    card.starts()
    before = {name: data for name, data in card.bytes_of_all().items() if "etc/" in name}
    card.file.write_text(BAD)
    card.starts()
    assert before == {name: data for name, data in card.bytes_of_all().items() if "etc/" in name}


def test_errors_are_told_once_and_gone_when_they_are_corrected(card: Card) -> None:
    """A start that finds the same mistakes writes nothing."""
    card.file.write_text(BAD)
    card.starts()
    written = card.errors.stat().st_mtime_ns
    card.starts()
    assert written == card.errors.stat().st_mtime_ns
    card.file.write_text(BAD.replace("porcupin", "porcupine"))
    assert Taken.NEW is card.starts().taken
    assert not card.errors.exists()


@pytest.mark.parametrize("name", ["sena.toml.txt", "sena.toml.toml", "sena.txt"])
def test_a_name_that_an_editor_changed_is_told(card: Card, name: str) -> None:
    """Its content is not looked at."""
    (card.boot / name).write_bytes(CARD)
    outcome = card.starts()
    assert Taken.BAD is outcome.taken
    assert f"{name}: must be called sena.toml" in card.errors.read_text()
    assert CARD == (card.boot / name).read_bytes()


def test_a_device_that_can_not_be_written_leaves_the_card_alone(card: Card) -> None:
    """Its keys stay where they are until the device can keep them."""
    card.file.write_bytes(CARD)
    (card.etc / "keys").write_text("a file in the place of the folder")
    outcome = card.starts()
    assert Taken.FAILED is outcome.taken
    assert CARD == card.file.read_bytes()
    (card.etc / "keys").unlink()
    assert Taken.NEW is card.starts().taken
    assert [] == card.faults()


def test_a_file_that_was_replaced_while_another_was_half_done_is_another_one(card: Card) -> None:
    """Power was cut, and the person wrote a new key before the next start."""
    card.file.write_bytes(CARD)
    card.starts()
    (card.etc / "card" / "changing").write_bytes(CARD + REDACTED)
    card.file.write_bytes(CARD.replace(GEMINI.encode(), OTHER[: len(GEMINI)].encode()))
    assert Taken.NEW is card.starts().taken
    assert f"{OTHER[: len(GEMINI)]}\n" == card.key("gemini")
    assert REDACTED == card.file.read_bytes()
    assert not (card.etc / "card" / "changing").exists()


def test_mixes_are_told_from_other_files() -> None:
    """By sectors: each is old or new."""
    old, new = b"a" * 1300, b"b" * 1300
    assert mixes(old[:512] + new[512:], old, new)
    assert mixes(new[:1024] + old[1024:], old, new)
    assert not mixes(old[:500] + new[500:], old, new)
    assert not mixes(old[:1024], old, new)
