"""Real disks that are full, or can't be written any more. Needs root: it mounts."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sena_pi.cache.store import Store
from tests.cache.known import key, payload, record, small_store

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")

DISK_BYTES = 8 << 20
NUMBERS = range(40)


def run(*command: str | Path) -> str:
    """Run a tool of the system; skips the test where it is missing or may not do its work."""
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not on this machine")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        pytest.skip(f"{command[0]} can't be used here: {done.stderr.strip()}")
    return done.stdout.strip()


@contextlib.contextmanager
def mounted(place: Path, *options: str | Path) -> Iterator[Path]:
    place.mkdir()
    run("mount", *options, place)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True, timeout=60)


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none") as place:
        yield place


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An ext4 file system as Raspberry Pi OS makes it; it goes read-only at its first error."""
    image = tmp_path / "image"
    image.write_bytes(b"")
    os.truncate(image, DISK_BYTES)
    run("mkfs.ext4", "-q", "-F", "-O", "^64bit,^huge_file", "-e", "remount-ro", image)
    return image


@pytest.fixture
def ext4(image: Path, tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", "-o", "loop,noatime", image) as place:
        yield place


@pytest.fixture(params=["tmpfs", "ext4"])
def disk(request: pytest.FixtureRequest) -> Path:
    place = request.getfixturevalue(request.param)
    assert isinstance(place, Path)
    return place


def fill_up(disk: Path) -> Path:
    """Not a byte is free afterwards, but for the file's that this gives."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 512, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size):
                    pass
    with pytest.raises(OSError, match="No space left") as full:
        (disk / "one-more").write_bytes(b"x" * 4096)
    assert errno.ENOSPC == full.value.errno
    (disk / "one-more").unlink(missing_ok=True)
    return filler


def opened(disk: Path) -> Store:
    return Store(disk / "cache", small_store())


def put(store: Store, numbers: range) -> None:
    for number in numbers:
        assert store.put(record(number))


def served(store: Store, numbers: range) -> int:
    """How many are served, rightly."""
    found = [store.fetch(key(number)) for number in numbers]
    rightly = [payload(number) for number in numbers]
    return sum(
        one is not None and one[0] == right for one, right in zip(found, rightly, strict=True)
    )


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.message for one in caplog.records if one.levelno >= logging.WARNING]


def test_a_disk_that_others_fill_up_serves_all_and_is_still_written(
    disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has its room already: 100 % of gets, and what is put then outlives a crash."""
    store = opened(disk)
    put(store, NUMBERS[:20])
    assert store.flush()
    fill_up(disk)
    assert 20 == served(store, NUMBERS[:20])
    put(store, NUMBERS[20:])
    assert store.flush()
    assert len(NUMBERS) == served(store, NUMBERS)
    # The index finds no room to grow.
    assert store.card is not None
    for _ in range(3):
        store.card.write_index()
    assert len(NUMBERS) == served(store, NUMBERS)
    assert 1 == len(warnings(caplog))
    store.abandon()
    again = opened(disk)
    assert len(NUMBERS) == served(again, NUMBERS)
    again.close()
    assert 2 == len(warnings(caplog))


def test_a_start_on_a_full_disk_serves_all(disk: Path) -> None:
    """Also when there is no index, and none can be made."""
    store = opened(disk)
    put(store, NUMBERS)
    store.close()
    fill_up(disk)
    (disk / "cache" / "index.db").unlink()
    with (disk / "rest").open("wb") as file, contextlib.suppress(OSError):
        file.write(b"x" * (1 << 20))
    store = opened(disk)
    assert len(NUMBERS) == served(store, NUMBERS)
    store.close()


def test_a_disk_that_is_full_from_the_beginning_leaves_a_cache_in_memory(
    disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """All that is put is served, with one line in the journal; when there is room it is written."""
    filler = fill_up(disk)
    store = opened(disk)
    put(store, NUMBERS)
    for _ in range(3):
        assert not store.flush()
        assert len(NUMBERS) == served(store, NUMBERS)
    assert 1 == len(warnings(caplog))
    assert store.trouble is not None
    filler.unlink()
    assert store.flush()
    assert store.trouble is None
    store.abandon()
    again = opened(disk)
    assert len(NUMBERS) == served(again, NUMBERS)
    assert [] == list(again.problems())
    again.close()


def test_a_disk_that_is_mounted_read_only_serves_all(
    ext4: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Also to a start; puts stay in memory; when it can be written again they are."""
    store = opened(ext4)
    put(store, NUMBERS[:20])
    store.close()
    run("mount", "-o", "remount,ro", ext4)
    store = opened(ext4)
    assert 20 == served(store, NUMBERS[:20])
    put(store, NUMBERS[20:])
    for _ in range(3):
        assert not store.flush()
        assert len(NUMBERS) == served(store, NUMBERS)
    with pytest.raises(OSError, match="Read-only file system"):
        store.forget([key(1)])
    assert store.fetch(key(1)) is None
    assert 1 == len(warnings(caplog))
    run("mount", "-o", "remount,rw", ext4)
    assert store.flush()
    assert (None, None) == (store.trouble, store.fetch(key(1)))
    store.abandon()
    again = opened(ext4)
    assert len(NUMBERS) - 1 == served(again, NUMBERS)
    again.close()


def test_a_disk_that_fails_while_it_is_used_serves_all(
    ext4: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At an error the kernel makes it read-only, with the log open: nothing more is written."""
    device = Path(run("findmnt", "-no", "SOURCE", ext4)).name
    trigger = Path("/sys/fs/ext4") / device / "trigger_fs_error"
    if not trigger.exists():
        pytest.skip("this kernel can't make ext4 fail on demand")
    store = opened(ext4)
    put(store, NUMBERS[:20])
    assert store.flush()
    assert 20 == served(store, NUMBERS[:20])
    trigger.write_text("1")
    put(store, NUMBERS[20:])
    for _ in range(3):
        assert not store.flush()
        assert len(NUMBERS) == served(store, NUMBERS)
    assert 1 == len(warnings(caplog))
    store.close()
    store = opened(ext4)
    assert 20 == served(store, NUMBERS[:20])
    store.close()
