"""Kernels of a tree, and the initramfs that starts the card."""

import gzip
import io
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from image import kernels
from image.bases import Base
from image.kernels import Kernel
from image.steps import BuildFailed


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with the kernels of Raspberry Pi OS, without modules."""
    (tmp_path / "boot").mkdir()
    for release in ("6.12.47+rpt-rpi-v8", "6.12.47+rpt-rpi-2712"):
        (tmp_path / f"boot/vmlinuz-{release}").write_bytes(release.encode())
        modules = tmp_path / f"usr/lib/modules/{release}"
        modules.mkdir(parents=True)
        (modules / "modules.dep.bin").touch()
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/busybox").write_bytes(b"\x7fELF")
    return tmp_path


def test_each_kernel_has_the_names_that_the_firmware_looks_for(tree: Path) -> None:
    """A Pi 5 takes the second, and every other board the first."""
    found = kernels.found(tree, Base.load("raspios").kernels)
    assert [(it.file_name, it.initramfs_name, it.release) for it in found] == [
        ("kernel8.img", "initramfs8", "6.12.47+rpt-rpi-v8"),
        ("kernel_2712.img", "initramfs_2712", "6.12.47+rpt-rpi-2712"),
    ]


def test_a_missing_kernel_is_told(tree: Path) -> None:
    """With what there is."""
    with pytest.raises(BuildFailed, match=r"one kernel \*-arm64 is needed for kernel8.img; .*2712"):
        kernels.found(tree, Base.load("debian").kernels)


def test_two_kernels_of_a_kind_are_told(tree: Path) -> None:
    """Nobody guesses which one is meant."""
    (tree / "boot/vmlinuz-6.12.50+rpt-rpi-v8").touch()
    with pytest.raises(BuildFailed, match="one kernel"):
        kernels.found(tree, Base.load("raspios").kernels)


def test_the_initramfs_is_the_same_for_the_same_tree(tree: Path) -> None:
    """No times, no order of a folder, no compressor's mood."""
    kernel = Kernel("8", "6.12.47+rpt-rpi-v8", tree / "boot/vmlinuz-6.12.47+rpt-rpi-v8")
    assert kernels.initramfs(tree, kernel) == kernels.initramfs(tree, kernel)


def test_a_tree_without_busybox_is_told(tree: Path) -> None:
    """The message names the package."""
    (tree / "usr/bin/busybox").unlink()
    kernel = Kernel("8", "6.12.47+rpt-rpi-v8", tree / "boot/vmlinuz-6.12.47+rpt-rpi-v8")
    with pytest.raises(BuildFailed, match="busybox-static"):
        kernels.initramfs(tree, kernel)


def entries(data: bytes) -> list[tuple[str, int, bytes]]:
    """Name, mode and content of everything in a "newc" archive, read by its specification."""
    file, found = io.BytesIO(data), []
    while True:
        head = file.read(110)
        assert head[:6] == b"070701"
        fields = [int(head[at : at + 8], 16) for at in range(6, 110, 8)]
        name = file.read(fields[11])[:-1].decode()
        file.read(-(110 + fields[11]) % 4)
        content = file.read(fields[6])
        file.read(-fields[6] % 4)
        if name == "TRAILER!!!":
            return found
        found.append((name, fields[1], content))


def test_the_archive_is_as_the_kernel_reads_it(tree: Path) -> None:
    """Folders come before what is in them; init and busybox run; the list has the order."""
    kernel = Kernel("8", "6.12.47+rpt-rpi-v8", tree / "boot/vmlinuz-6.12.47+rpt-rpi-v8")
    found = entries(gzip.decompress(kernels.initramfs(tree, kernel)))
    assert [name for name, _, _ in found] == [
        "bin",
        "bin/busybox",
        "init",
        "modules",
        "modules/order",
    ]
    modes = {name: mode for name, mode, _ in found}
    assert stat.S_ISDIR(modes["bin"])
    assert modes["init"] == modes["bin/busybox"] == stat.S_IFREG | 0o755
    assert {name: content for name, _, content in found}["bin/busybox"] == b"\x7fELF"


def test_lengths_that_are_not_whole_are_filled_up() -> None:
    """Every entry begins at a multiple of four."""
    files = {f"f{length}": b"x" * length for length in range(9)}
    assert {name: data for name, _, data in entries(kernels.archive(files))} == files


@pytest.mark.skipif(shutil.which("busybox") is None, reason="needs busybox")
def test_the_start_is_a_script_that_its_shell_reads() -> None:
    """No more can be said of it without a machine: scripts/test-image boots it."""
    subprocess.run(["busybox", "sh", "-n", kernels.FOLDER / "init"], check=True)
