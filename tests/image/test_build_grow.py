"""The data partition takes the rest of the card: the script of the first start, on files."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from image.layout import MIB, SECTOR, Layout, laid_out

SCRIPT = Path(__file__).resolve().parents[2] / "packaging/image/overlay/usr/libexec/sena-card/grow"

pytestmark = pytest.mark.skipif(shutil.which("sfdisk") is None, reason="needs sfdisk")


@dataclass
class Card:
    """A card in a file, and what the kernel would say of it."""

    folder: Path
    layout: Layout
    size_bytes: int

    @property
    def image(self) -> Path:
        return self.folder / "dev/mmcblk0"

    def make(self) -> None:
        """The image on a card of this size."""
        self.image.parent.mkdir()
        with self.image.open("wb") as file:
            file.truncate(self.size_bytes)
        subprocess.run(
            ["sfdisk", "--quiet", self.image], input=self.layout.table(), text=True, check=True
        )
        self.tell()
        # The kernel is told about partitions by partx; a file has none to tell about.
        (self.folder / "bin").mkdir()
        told = self.folder / "bin/partx"
        told.write_text(f'#!/bin/sh\necho "$@" >>{self.folder}/told\n')
        told.chmod(0o755)
        (self.folder / "bin/udevadm").symlink_to("/bin/true")

    def tell(self) -> None:
        """The kernel's view, as it reads the table at a start."""
        disk = self.folder / "sys/mmcblk0"
        for number, (start, size) in enumerate(self.table(), 1):
            part = disk / f"mmcblk0p{number}"
            part.mkdir(parents=True, exist_ok=True)
            for name, value in (("partition", number), ("start", start), ("size", size)):
                (part / name).write_text(f"{value}\n")
            (self.folder / f"dev/mmcblk0p{number}").touch()
        (disk / "size").write_text(f"{self.size_bytes // SECTOR}\n")
        for part in disk.glob("mmcblk0p*"):
            link = self.folder / "sys" / part.name
            if not link.is_symlink():
                link.symlink_to(part)

    def table(self) -> list[tuple[int, int]]:
        """Start and size of each partition, in sectors."""
        run = subprocess.run(
            ["sfdisk", "--dump", self.image], capture_output=True, text=True, check=True
        )
        lines = [it.split(":")[1].split(",") for it in run.stdout.splitlines() if "start=" in it]
        return [tuple(int(it.split("=")[1]) for it in line[:2]) for line in lines]  # type: ignore[misc]

    def grow(self, *, number: int = 3, path: str = "") -> subprocess.CompletedProcess[str]:
        """One start."""
        environ = {
            "PATH": path or f"{self.folder}/bin:{os.environ['PATH']}:/usr/sbin",
            "SENA_DEVICE": str(self.folder / f"dev/mmcblk0p{number}"),
            "SENA_SYS": str(self.folder / "sys"),
        }
        return subprocess.run(
            [SCRIPT], env=environ, capture_output=True, text=True, check=False, timeout=20
        )


def card(folder: Path, more_mib: int) -> Card:
    where = laid_out(MIB, boot_bytes=4 * MIB, data_bytes=4 * MIB)
    made = Card(folder, where, where.size_bytes + more_mib * MIB)
    made.make()
    return made


def test_it_takes_the_rest_of_the_card(tmp_path: Path) -> None:
    """Nothing before it moves, the kernel is told, and only one sector is another one."""
    made = card(tmp_path, 32)
    before, bytes_before = made.table(), made.image.read_bytes()
    run = made.grow()
    assert (run.returncode, run.stderr) == (0, "")
    after = made.table()
    assert after[:2] == before[:2]
    assert after[2] == (before[2][0], made.size_bytes // SECTOR - before[2][0])
    assert (tmp_path / "told").read_text() == f"--update --nr 3 {made.image}\n"
    bytes_after = made.image.read_bytes()
    assert bytes_after[SECTOR:] == bytes_before[SECTOR:]


def test_the_next_start_writes_nothing(tmp_path: Path) -> None:
    """A table that says all is not written again."""
    made = card(tmp_path, 32)
    made.grow()
    made.tell()
    os.utime(made.image, (1, 1))
    run = made.grow()
    assert (run.returncode, "has all of the card" in run.stdout) == (0, True)
    assert made.image.stat().st_mtime == 1


def test_a_cut_after_the_table_is_made_up_for(tmp_path: Path) -> None:
    """The kernel was not told, but reads the table at the next start."""
    made = card(tmp_path, 32)
    (tmp_path / "bin/partx").write_text("#!/bin/sh\nexit 1\n")
    assert made.grow().returncode != 0
    made.tell()
    assert made.grow().returncode == 0


@pytest.mark.parametrize("more_mib", [0, 1, 15])
def test_a_card_as_small_as_the_image_stays_as_it_is(tmp_path: Path, more_mib: int) -> None:
    """There is nothing to gain, and that is no failure."""
    made = card(tmp_path, more_mib)
    before = made.image.read_bytes()
    run = made.grow()
    assert (run.returncode, run.stderr) == (0, "")
    assert made.image.read_bytes() == before


def test_a_card_smaller_than_the_image_is_left_alone(tmp_path: Path) -> None:
    """Half a partition is on it: what says so is the mount that fails, not a table made worse."""
    made = card(tmp_path, 0)
    (tmp_path / "sys/mmcblk0/size").write_text(f"{made.size_bytes // SECTOR - 4096}\n")
    before = made.image.read_bytes()
    assert made.grow().returncode == 0
    assert made.image.read_bytes() == before


def test_a_partition_that_is_not_the_last_stays(tmp_path: Path) -> None:
    """Somebody else's partition behind it is not overrun."""
    made = card(tmp_path, 32)
    before = made.image.read_bytes()
    run = made.grow(number=2)
    assert (run.returncode, "not the last one" in run.stdout) == (0, True)
    assert made.image.read_bytes() == before
