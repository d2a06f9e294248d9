"""The linter of the boot partition: a good card passes, and each rule finds what it is for."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from image import card_reader as reader
from image import lint
from image.firmware import BOARDS, loaded, mistakes

REPOSITORY = Path(__file__).resolve().parents[2]

BOOT = REPOSITORY / "packaging" / "image" / "boot"
MIB = 1024 * 1024
TREE = b"\xd0\x0d\xfe\xed" + (64).to_bytes(4, "big") + bytes(56)
FIRMWARE = ("bootcode.bin", "start.elf", "fixup.dat", "start4.elf", "fixup4.dat")
OVERLAYS = {"debian": ("sena-spi",), "raspios": ("disable-bt",)}

Spoil = Callable[[Path], object]


def good_folder(folder: Path, base: str) -> Path:
    """A boot partition as an image of this base has it, its big files made small."""
    folder.mkdir(parents=True)
    (folder / "overlays").mkdir()
    text = (BOOT / "config.txt").read_text() + (BOOT / f"config.{base}.txt").read_text()
    (folder / "config.txt").write_text(text)
    for name in ("cmdline.txt", "sena.toml.example"):
        shutil.copy(BOOT / name, folder)
    kernels = ("kernel8.img", "initramfs8", "kernel_2712.img", "initramfs_2712")
    for name in (*FIRMWARE, *kernels[: 2 if base == "debian" else 4]):
        (folder / name).write_bytes(b"\x01" * 100)
    for board in BOARDS.values():
        for name in board.upstream_trees if base == "debian" else board.device_trees:
            (folder / name).write_bytes(TREE)
    for name in OVERLAYS[base]:
        (folder / "overlays" / f"{name}.dtbo").write_bytes(TREE)
    return folder


def found(folder: Path, image: Path | None = None) -> list[str]:
    files = reader.BootFiles(folder)
    return lint.problems(lint.Card(files, lint.promised(files), image))


def changed(name: str, old: str, new: str) -> Spoil:
    """Replaces a text in a file; the file must have it."""

    def spoil(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return spoil


def added(name: str, text: str) -> Spoil:
    def spoil(folder: Path) -> None:
        path = folder / name
        path.write_text((path.read_text() if path.exists() else "") + text)

    return spoil


def without(name: str) -> Spoil:
    return lambda folder: (folder / name).unlink()


@pytest.mark.parametrize("base", ["debian", "raspios"])
def test_the_projects_own_files_pass(tmp_path: Path, base: str) -> None:
    """config.txt, cmdline.txt and the example of the repository are without fault."""
    assert found(good_folder(tmp_path / "boot", base)) == []


def test_a_folder_that_is_empty_has_one_problem(tmp_path: Path) -> None:
    """Nothing is there; what follows from that is not told as well."""
    assert found(tmp_path) == ["config.txt is missing"]


BROKEN: list[tuple[str, str, Spoil, str]] = [
    ("raspios", "kernel", without("kernel8.img"), "kernel8.img is named"),
    ("raspios", "kernel of a Pi 5", without("kernel_2712.img"), "Raspberry Pi 5: kernel_2712.img"),
    ("raspios", "empty kernel", lambda it: (it / "kernel8.img").write_bytes(b""), "missing or em"),
    ("debian", "initramfs", without("initramfs8"), "initramfs8 is named"),
    ("debian", "no initramfs", changed("config.txt", "initramfs i", "#initramfs i"), "names no"),
    ("debian", "overlay", without("overlays/sena-spi.dtbo"), "overlays/sena-spi.dtbo is named"),
    ("raspios", "overlay", without("overlays/disable-bt.dtbo"), "disable-bt.dtbo is named"),
    ("debian", "tree", without("bcm2837-rpi-zero-2-w.dtb"), "Zero 2 W: its device tree"),
    ("raspios", "tree", without("bcm2710-rpi-3-b-plus.dtb"), "Raspberry Pi 3: its device tree"),
    ("raspios", "tree of a 5", without("bcm2712-rpi-5-b.dtb"), "Raspberry Pi 5: its device tree"),
    ("raspios", "named tree", added("config.txt", "device_tree=my.dtb\n"), "device tree my.dtb"),
    ("debian", "half a tree", lambda it: (it / "bcm2711-rpi-4-b.dtb").write_bytes(TREE[:40]),
     "bcm2711-rpi-4-b.dtb is no device tree"),
    ("debian", "firmware", without("start4.elf"), "Raspberry Pi 4: its firmware start4.elf"),
    ("debian", "firmware", without("bootcode.bin"), "Zero 2 W: its firmware bootcode.bin"),
    ("debian", "32 bits", changed("config.txt", "arm_64bit=1", "arm_64bit=0"), "arm_64bit=1 is"),
    ("debian", "console", changed("config.txt", "enable_uart=0", "enable_uart=1"), "enable_uart"),
    ("debian", "memory", changed("config.txt", "gpu_mem=32", "gpu_mem=128"), "gpu_mem=128"),
    ("debian", "memory", changed("config.txt", "gpu_mem=32", "gpu_mem=16"), "gpu_mem=16"),
    ("debian", "no ring", changed("config.txt", "dtoverlay=sena", "#dtoverlay=sena"), "sena-spi"),
    ("raspios", "no ring", changed("config.txt", "spi=on", "spi=off"), "dtparam=spi=on is"),
    ("raspios", "no watchdog", changed("config.txt", "dtparam=watchdog", "#"), "watchdog=on is"),
    ("debian", "long line", added("config.txt", f"#{'x' * 98}\n"), "has 99 characters"),
    ("debian", "umlaut", added("config.txt", "# schön\n"), "not ASCII"),
    ("debian", "section", added("config.txt", "[pi6]\n"), "[pi6] is no section"),
    ("debian", "blanks", added("config.txt", "gpu_mem = 32\n"), "is no setting"),
    ("debian", "two lines", added("cmdline.txt", "quiet\n"), "must be one line"),
    ("debian", "long", added("cmdline.txt", " x" * 600), "leave room"),
    ("debian", "quotation", changed("cmdline.txt", "quiet", 'quiet"'), "half a quotation"),
    ("debian", "written root", changed("cmdline.txt", " ro ", " rw "), "cmdline.txt has rw"),
    ("debian", "no overlay", changed("cmdline.txt", "sena.overlay=1", "x"), "lacks sena.overlay"),
    ("debian", "names", changed("cmdline.txt", "net.ifnames=0", "x"), "lacks net.ifnames=0"),
    ("debian", "no repair", changed("cmdline.txt", "fsck.repair=yes", "x"), "lacks fsck.repair"),
    ("raspios", "no bounds", changed("cmdline.txt", "cgroup_enable", "x"), "lacks cgroup_enable"),
    ("debian", "shell", changed("cmdline.txt", "quiet", "init=/bin/sh"), "cmdline.txt has init"),
    ("debian", "no dog", changed("cmdline.txt", "quiet", "nowatchdog"), "has nowatchdog"),
    ("debian", "serial", changed("cmdline.txt", "tty1", "ttyS1,115200"), "a serial console"),
    ("debian", "no root", changed("cmdline.txt", "root=LABEL", "roof=LABEL"), "root once"),
    ("debian", "user", added("userconf.txt", "anna:x\n"), "userconf.txt is there"),
    ("debian", "network", added("network-config", "network: {}\n"), "network-config is there"),
    ("debian", "taken over", added("sena.toml", "[cache]\n"), "sena.toml is there"),
    ("debian", "key", added("sena.toml.example", f'gemini = "AIza{"x" * 35}"\n'), "like a key"),
    ("debian", "password", added("my.txt", "password: hunter2\n"), "my.txt:1: looks like"),
    ("debian", "hash", added("my.txt", "anna:$6$salt$0123456789abcdef\n"), "my.txt:1: looks like"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("base", "spoil", "told"),
    [pytest.param(base, spoil, told, id=f"{name}: {told}") for base, name, spoil, told in BROKEN],
)
def test_a_broken_card_is_told(tmp_path: Path, base: str, spoil: Spoil, told: str) -> None:
    """Of a card that is good but for one thing, that thing is told."""
    folder = good_folder(tmp_path / "boot", base)
    spoil(folder)
    assert [problem for problem in found(folder) if told in problem] != []


def test_a_section_holds_for_its_boards_only() -> None:
    """[pi5] changes a Pi 5 alone; [all] ends it; a second value wins."""
    text = "kernel=a\n[pi5]\nkernel=b\n[pi02]\ngpu_mem=32\n[all]\nquick=1\nquick=2\n"
    kernels = {name: loaded(text, board).settings["kernel"] for name, board in BOARDS.items()}
    assert kernels == {"pi3": "a", "pi02": "a", "pi4": "a", "pi5": "b"}
    assert loaded(text, BOARDS["pi02"]).settings["gpu_mem"] == "32"
    assert "gpu_mem" not in loaded(text, BOARDS["pi3"]).settings
    assert loaded(text, BOARDS["pi3"]).settings["quick"] == "2"


def test_parameters_belong_to_the_overlay_before_the_comma() -> None:
    """Of `dtoverlay=NAME,parameter` only the name is a file."""
    text = "dtoverlay=gpio-key,gpio=17\ndtoverlay=\ndtparam=audio=on\ninitramfs a,b followkernel\n"
    result = loaded(text, BOARDS["pi4"])
    assert (result.overlays, result.parameters, result.initramfs) == (
        ["gpio-key"],
        {"audio": "on"},
        ("a", "b"),
    )


def test_lines_of_windows_are_lines() -> None:
    """A person's editor may end lines its own way."""
    assert mistakes("gpu_mem=32\r\n[all]\r\n") == []


# --- whole images


def image_of(folder: Path, image: Path, *, label: str = "SENABOOT", root: str = "sena-root",
             fat_mib: int = 64, kind: str = "c", tree: Path | None = None) -> Path:  # fmt: skip
    """A card's image with this folder on its first partition."""
    for program in ("mkfs.vfat", "mcopy", "mke2fs", "sfdisk"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    sectors, root_at = fat_mib * 2048, 2048 + fat_mib * 2048
    with image.open("wb") as file:
        file.truncate((root_at + 16384) * 512)
    fat = image.with_suffix(".fat")
    fat.write_bytes(b"")
    with fat.open("r+b") as file:
        file.truncate(sectors * 512)
    lines = f"label: dos\nlabel-id: 0x53454e41\n2048,{sectors},{kind}\n{root_at},16384,83\n"
    run(["sfdisk", "--quiet", str(image)], lines)
    run(["mkfs.vfat", "-n", label, "-F", "32", "-s", "1", str(fat)])
    run(["mcopy", "-s", "-i", str(fat), *map(str, folder.iterdir()), "::/"])
    run(["dd", f"if={fat}", f"of={image}", "bs=1M", "seek=1", "conv=notrunc,sparse",
         "status=none"])  # fmt: skip
    run(["mke2fs", "-q", "-t", "ext4", "-L", root, "-E", f"offset={root_at * 512}",
         *(["-d", str(tree)] if tree else []), str(image), "8M"])  # fmt: skip
    return image


def run(argv: list[str], text: str = "") -> None:
    subprocess.run(argv, input=text, text=True, check=True, capture_output=True)


def test_a_good_image_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Read from inside the image, without a mount, nothing is wrong; long names are kept."""
    folder = good_folder(tmp_path / "boot", "debian")
    image = image_of(folder, tmp_path / "card.img")
    assert (lint.main([str(image)]), capsys.readouterr().out) == (
        0,
        f"{image}: nothing wrong, for Raspberry Pi 3, Raspberry Pi Zero 2 W, Raspberry Pi 4\n",
    )


def test_a_missing_file_is_missed_in_an_image(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rules look at the image's own FAT."""
    folder = good_folder(tmp_path / "boot", "debian")
    (folder / "kernel8.img").unlink()
    image = image_of(folder, tmp_path / "card.img")
    assert lint.main([str(image)]) == 1
    assert "kernel8.img is named in config.txt, and missing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"label": "BOOT"}, "the boot partition is called 'BOOT'"),
        ({"root": "rootfs"}, "root=LABEL=sena-root, which the image has not"),
        ({"root": "rootfs"}, "partition 2 is called 'rootfs'"),
        ({"kind": "83"}, "partition 1 is of type 83"),
        ({"kind": "e"}, "FAT32 by its clusters"),
        ({"fat_mib": 40}, "the FAT has 40 MB"),
    ],
)
def test_a_wrong_partition_is_told(tmp_path: Path, changes: dict[str, str], told: str) -> None:
    """Names, kinds and sizes that firmware, Imager or Linux would stumble over."""
    folder = good_folder(tmp_path / "boot", "debian")
    image = image_of(folder, tmp_path / "card.img", **changes)  # type: ignore[arg-type]
    assert [problem for problem in found(folder, image) if told in problem] != []


def test_a_full_boot_partition_is_told(tmp_path: Path) -> None:
    """Imager writes files of its own; a person saves one."""
    folder = good_folder(tmp_path / "boot", "debian")
    (folder / "big.bin").write_bytes(bytes(50 * MIB))
    image = image_of(folder, tmp_path / "card.img")
    assert [problem for problem in found(folder, image) if "MB left" in problem] != []


def test_an_image_that_was_cut_off_is_told(tmp_path: Path) -> None:
    """The table promises more than the file has."""
    folder = good_folder(tmp_path / "boot", "debian")
    image = image_of(folder, tmp_path / "card.img")
    with image.open("r+b") as file:
        file.truncate(image.stat().st_size - 4 * MIB)
    assert "the last partition ends behind the image" in found(folder, image)


def test_partitions_that_overlap_are_told(tmp_path: Path) -> None:
    """One begins where another has not ended."""
    folder = good_folder(tmp_path / "boot", "debian")
    image = image_of(folder, tmp_path / "card.img")
    with image.open("r+b") as file:
        file.seek(446 + 12)
        file.write((65 * 2048).to_bytes(4, "little"))
    assert "partitions 1 and 2 overlap" in found(folder, image)


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        ("etc/systemd/system/multi-user.target.wants/ssh.service", "", "ssh.service starts by it"),
        ("etc/systemd/system/sockets.target.wants/ssh.socket", "", "ssh.socket starts by itself"),
        ("etc/ssh/ssh_host_ed25519_key", "x", "/etc/ssh/ssh_host_ed25519_key is in the image"),
        ("etc/shadow", "root:*:1:::::\npi:$6$x$y:1:::::\n", "pi can log in with a password"),
        ("etc/shadow", "root::1:::::\n", "root can log in with a password"),
    ],
)
def test_a_door_that_is_open_is_told(tmp_path: Path, path: str, text: str, told: str) -> None:
    """Looked up in the image's root, without starting it."""
    folder = good_folder(tmp_path / "boot", "debian")
    tree = tmp_path / "tree"
    (tree / path).parent.mkdir(parents=True)
    (tree / path).write_text(text)
    image = image_of(folder, tmp_path / "card.img", tree=tree)
    assert [problem for problem in found(folder, image) if told in problem] != []


def test_a_closed_root_passes(tmp_path: Path) -> None:
    """Locked accounts, other units and ssh's own settings are no doors."""
    folder = good_folder(tmp_path / "boot", "debian")
    tree = tmp_path / "tree"
    for path, text in {
        "etc/shadow": "root:*:1:::::\n_sena:!:1:::::\nfrom-imager:!*:1:::::\n",
        "etc/ssh/sshd_config": "",
        "etc/systemd/system/multi-user.target.wants/sena.service": "",
    }.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    assert found(folder, image_of(folder, tmp_path / "card.img", tree=tree)) == []


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"xz" * 4096])
def test_what_is_no_image_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    """A compressed or empty file is told as such."""
    image = tmp_path / "card.img.xz"
    image.write_bytes(content)
    assert lint.main([str(image)]) == 1
    assert "card.img.xz has no partition table" in capsys.readouterr().out
