"""Volume and mute, as they outlive a restart."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sena_pi.body.kept import Kept, KeptStore


def test_never_set_means_loud_and_open(tmp_path: Path) -> None:
    """A new device listens."""
    assert Kept(volume=100, muted=False) == KeptStore(tmp_path / "state" / "c.json").load()


@pytest.mark.parametrize("kept", [Kept(35, muted=True), Kept(0, muted=False)])
def test_what_is_saved_is_there_after_a_restart(tmp_path: Path, kept: Kept) -> None:
    """Also where the folder is new."""
    path = tmp_path / "state" / "c.json"
    KeptStore(path).save(kept)
    assert kept == KeptStore(path).load()


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\0" * 40,
        b"[]",
        b"{}",
        b'{"volume": 50, "muted": "no"}',
        b'{"volume": 50, "muted": 0}',
        b'{"volume": true, "muted": false}',
        b'{"volume": 101, "muted": false}',
        b'{"volume": 50, "muted": false',
        b"[" * 4000,
        b"\xff\xfe",
    ],
)
def test_what_cannot_be_read_means_muted(tmp_path: Path, damage: bytes) -> None:
    """It may have said so; and saving puts it right."""
    path = tmp_path / "c.json"
    path.write_bytes(damage)
    assert Kept(muted=True) == KeptStore(path).load()
    KeptStore(path).save(Kept(muted=False))
    assert not KeptStore(path).load().muted


def test_a_file_that_is_none_means_muted(tmp_path: Path) -> None:
    """Whatever stands there, it is not "never set"."""
    path = tmp_path / "c.json"
    path.mkdir()
    assert KeptStore(path).load().muted


def test_it_is_on_the_card_before_saving_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File and folder are synced: what was acknowledged survives a power cut."""
    synced: list[str] = []
    fsync = os.fsync

    def recording(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recording)
    KeptStore(tmp_path / "c.json").save(Kept(muted=True))
    assert synced[0].startswith(".c.json.")
    assert tmp_path.name == synced[1]
