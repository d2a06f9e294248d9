"""The loop device: it counts what reaches it, and nothing of it stays behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sena_pi.bench.cache.device import (
    LoopDevice,
    PlainFolder,
    device_written,
    ground,
    run_tool,
    sync_folder,
    why_no_loop_device,
)
from sena_pi.errors import EngineUnavailable

needs_loop_device = pytest.mark.skipif(
    why_no_loop_device() is not None, reason=str(why_no_loop_device())
)

HOLD_ONE = """
import sys
from pathlib import Path
from sena_pi.bench.cache.device import LoopDevice
from sena_pi.bench.cache.run import terminated_as_interrupted
with terminated_as_interrupted(), LoopDevice(Path(sys.argv[1])) as device:
    print(device.folder, flush=True)
    sys.stdin.read()
"""


def mounted(folder: Path) -> bool:
    return str(folder) in Path("/proc/self/mounts").read_text()


@needs_loop_device
def test_what_is_written_is_counted(tmp_path: Path) -> None:
    """A megabyte reaches the device as that and a little more, with a flush; a read as nothing."""
    with LoopDevice(tmp_path) as device:
        assert device.stat is not None
        sync_folder(device.folder)
        before = device_written(device.stat)
        (device.folder / "file").write_bytes(bytes(1_000_000))
        sync_folder(device.folder)
        after = device_written(device.stat)
        written = after.since(before)
        assert 1_000_000 <= written.bytes < 1_200_000
        assert written.flushes
        assert 1_000_000 == len((device.folder / "file").read_bytes())
        sync_folder(device.folder)
        assert 0 == device_written(device.stat).since(after).bytes


@needs_loop_device
def test_mounted_anew_it_holds_the_same(tmp_path: Path) -> None:
    """Dropping pages loses no file."""
    with LoopDevice(tmp_path) as device:
        (device.folder / "file").write_bytes(b"kept")
        assert device.forget_pages()
        assert b"kept" == (device.folder / "file").read_bytes()
        assert device.stat is not None
        assert device.stat.exists()


@needs_loop_device
def test_it_is_mounted_as_on_the_pi(tmp_path: Path) -> None:
    """No access times, no 64-bit block numbers."""
    with LoopDevice(tmp_path) as device:
        shown = run_tool("findmnt", "-n", "-o", "FSTYPE,OPTIONS", str(device.folder))
        assert {"ext4", "noatime"} <= set(shown.replace(",", " ").split())


@needs_loop_device
def test_it_is_gone_after_an_error(tmp_path: Path) -> None:
    """Unmounted, its loop device free, its file deleted."""

    def fail_within() -> None:
        with LoopDevice(tmp_path) as device:
            folders.append(device.folder)
            assert mounted(device.folder)
            raise KeyError

    folders: list[Path] = []
    with pytest.raises(KeyError):
        fail_within()
    assert not mounted(folders[0])
    assert [] == list(tmp_path.iterdir())
    assert str(tmp_path) not in run_tool("losetup", "--list", "--output", "BACK-FILE")


@needs_loop_device
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_it_is_gone_after_an_interrupt(sent: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C and systemd's way of stopping."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_ONE, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert mounted(folder)
        process.send_signal(sent)
        assert 0 != process.wait(timeout=30)
    assert not mounted(folder)
    assert [] == list(tmp_path.iterdir())


def test_a_plain_folder_is_gone_too(tmp_path: Path) -> None:
    """With what lay in it; and it can't drop pages."""
    with PlainFolder(tmp_path) as plain:
        (plain.folder / "file").write_bytes(b"x")
        assert plain.stat is None
        assert not plain.forget_pages()
    assert [] == list(tmp_path.iterdir())


def test_there_is_always_somewhere_to_measure(tmp_path: Path) -> None:
    """With root a device, else a folder that says how it counts."""
    with ground(tmp_path, tmp_path) as place:
        assert [] == list(place.folder.iterdir())
        assert (place.stat is None) == ("/proc/self/io" in place.counting)
        assert (place.stat is None) == (why_no_loop_device() is not None)


def test_a_tool_that_fails_says_why() -> None:
    """Its last words are the message."""
    with pytest.raises(EngineUnavailable, match=r"umount: .*nowhere"):
        run_tool("umount", "/nowhere")
