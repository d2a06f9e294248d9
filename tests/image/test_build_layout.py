"""Where the partitions of the card lie, and the table and mounts that say so."""

import shutil
import subprocess
from pathlib import Path

import pytest
from image import layout
from image.layout import ALIGNED_BYTES, MIB, laid_out

REPOSITORY = Path(__file__).resolve().parents[2]
OVERLAY = REPOSITORY / "packaging/image/overlay"
FSTAB = OVERLAY / "etc/fstab"


def mounts() -> dict[str, tuple[str, str, list[str], str]]:
    """Mount point -> what, type, options, number of the check."""
    lines = [it.split() for it in FSTAB.read_text().splitlines() if it[:1] not in {"#", ""}]
    return {
        where: (what, kind, opts.split(","), check) for what, where, kind, opts, _, check in lines
    }


@pytest.mark.parametrize("content_mib", [1, 511, 900, 3000])
def test_partitions_follow_one_another(content_mib: int) -> None:
    """Aligned, without a gap, and the root holds what is in it with room to spare."""
    made = laid_out(content_mib * MIB)
    assert [part.start_bytes for part in made.partitions] == [
        ALIGNED_BYTES, made.boot.end_bytes, made.root.end_bytes
    ]  # fmt: skip
    assert [part.size_bytes % ALIGNED_BYTES for part in made.partitions] == [0, 0, 0]
    assert made.root.size_bytes > content_mib * MIB * 1.1
    assert made.size_bytes == made.data.end_bytes


def test_data_is_the_last_one() -> None:
    """Only the last one can take the rest of the card."""
    made = laid_out(MIB)
    assert max(made.partitions, key=lambda part: part.start_bytes) == made.data


@pytest.mark.parametrize("size", [0, -ALIGNED_BYTES, ALIGNED_BYTES + 512])
def test_a_size_that_is_not_whole_is_refused(size: int) -> None:
    """It would end in the middle of an erase block."""
    with pytest.raises(ValueError, match="no multiple"):
        laid_out(MIB, data_bytes=size)


@pytest.mark.skipif(shutil.which("sfdisk") is None, reason="needs sfdisk")
def test_the_table_is_as_it_was_meant(tmp_path: Path) -> None:
    """Read back from an image by sfdisk."""
    made = laid_out(100 * MIB)
    path = tmp_path / "card.img"
    with path.open("wb") as file:
        file.truncate(made.size_bytes)
    subprocess.run(["sfdisk", "--quiet", path], input=made.table(), text=True, check=True)
    dump = subprocess.run(["sfdisk", "--dump", path], capture_output=True, text=True, check=True)
    assert f"label-id: {layout.DISK_ID:#x}" in dump.stdout
    assert [line.split(":")[1].replace(" ", "") for line in dump.stdout.splitlines()[-3:]] == [
        f"start={part.start_bytes // 512},size={part.size_bytes // 512},type={kind}"
        for part, kind in zip(made.partitions, ("c,bootable", "83", "83"), strict=True)
    ]


def test_what_is_mounted_has_the_labels_of_the_image() -> None:
    """Labels, not names of devices: a card reader and a virtual machine name them differently."""
    found = mounts()
    assert found["/boot/firmware"][0] == f"LABEL={layout.BOOT_LABEL}"
    assert found["/data"][0] == f"LABEL={layout.DATA_LABEL}"
    command_line = (REPOSITORY / "packaging/image/boot/cmdline.txt").read_text()
    assert f"root=LABEL={layout.ROOT_LABEL}" in command_line.split()


def test_only_data_is_writable() -> None:
    """Boot is read only; the rest of the mounts are folders of the data partition."""
    found = mounts()
    assert "ro" in found.pop("/boot/firmware")[2]
    assert {"rw", "noatime", "commit=60", "x-systemd.growfs"} <= set(found.pop("/data")[2])
    assert {what.rpartition("/")[0] for what, _, _, _ in found.values()} == {"/data"}


def test_data_is_checked_at_each_start() -> None:
    """After a power cut its journal is replayed before anybody writes."""
    assert mounts()["/data"][3] == "2"


def test_a_slow_card_is_waited_for() -> None:
    """20 s were too short on a Pi 3 and skipped the partition silently."""
    for point in ("/data", "/boot/firmware"):
        assert "x-systemd.device-timeout=90s" in mounts()[point][2]


def test_all_that_the_service_keeps_is_on_the_data_partition() -> None:
    """What sena.service requires to be mounted is mounted from there: no silent loss in memory."""
    unit = (REPOSITORY / "systemd/sena.service").read_text()
    line = next(it for it in unit.splitlines() if it.startswith("RequiresMountsFor="))
    kept = set(line.partition("=")[2].split())
    assert kept - set(mounts()) == set()


def test_each_mount_has_its_folders() -> None:
    """A mount point in the root, and a folder on the data partition."""
    from image.furnish import MOUNT_POINTS

    assert {f"/{name}" for name in MOUNT_POINTS} == set(mounts())
