"""The base on Raspberry Pi's archive, with two small archives of dummies in its place."""

import functools
import hashlib
import http.server
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from image import archive, assemble, kernels
from image.bases import Base, shared_packages
from image.bootstrap import Recipe, tar_of
from image.furnish import unpack

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a tree"),
    pytest.mark.skipif(
        any(shutil.which(it) is None for it in ("mmdebstrap", "gpg", "dpkg-deb", "dtc")),
        reason="needs mmdebstrap, gpg, dpkg-deb and dtc",
    ),
]

V8, V2712 = "6.12.47+rpt-rpi-v8", "6.12.47+rpt-rpi-2712"
CONTENTS: Mapping[str, Sequence[str]] = {
    "busybox-static": ["usr/bin/busybox"],
    "raspi-firmware": ["usr/lib/raspi-firmware/start4.elf"],
    "linux-image-rpi-v8": [
        f"boot/vmlinuz-{V8}",
        f"usr/lib/modules/{V8}/modules.dep.bin",
        f"usr/lib/linux-image-{V8}/broadcom/bcm2710-rpi-3-b.dtb",
        f"usr/lib/linux-image-{V8}/overlays/disable-bt.dtbo",
    ],
    "linux-image-rpi-2712": [
        f"boot/vmlinuz-{V2712}",
        f"usr/lib/modules/{V2712}/modules.dep.bin",
        f"usr/lib/linux-image-{V2712}/broadcom/bcm2712-rpi-5-b.dtb",
    ],
}
"""What the dummies of the packages have that matters for the layout."""


def fill(folder: Path, packages: Mapping[str, str], component: str, who: str) -> None:
    """Make an archive of these packages (name -> version); each tells whose it is."""
    index = []
    for name, version in packages.items():
        root = folder / "root" / name
        for path in (f"usr/share/origin/{name}", *CONTENTS.get(name, ())):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(who)
        (root / "DEBIAN").mkdir()
        control = (
            f"Package: {name}\nVersion: {version}\nArchitecture: arm64\n"
            "Maintainer: nobody <nobody@example.org>\nDescription: dummy\n"
        )
        (root / "DEBIAN/control").write_text(control)
        deb = folder / f"{name}.deb"
        subprocess.run(
            ["dpkg-deb", "-Znone", "--root-owner-group", "--build", root, deb],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        data = deb.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        index.append(f"{control}Filename: {deb.name}\nSize: {len(data)}\nSHA256: {digest}\n")
    shutil.rmtree(folder / "root")
    lines = []
    for area, text in ((component, "\n".join(index)), ("non-free-firmware", "")):
        packages_file = folder / f"dists/trixie/{area}/binary-arm64/Packages"
        packages_file.parent.mkdir(parents=True, exist_ok=True)
        packages_file.write_text(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        lines.append(f" {digest} {len(text)} {area}/binary-arm64/Packages")
    (folder / "dists/trixie/Release").write_text(
        f"Origin: {who}\nSuite: stable\nCodename: trixie\nArchitectures: arm64\n"
        f"Components: {component} non-free-firmware\nDate: Mon, 23 Nov 2026 00:00:00 UTC\n"
        "SHA256:\n" + "\n".join(lines) + "\n"
    )


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture(scope="module")
def archives() -> Iterator[tuple[str, str, Path, str]]:
    """Addresses of a Debian and a Raspberry Pi archive, the latter's key, and its fingerprint."""
    base = Base.load("raspios")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "gpg"
        home.mkdir(mode=0o700)
        gpg = ["gpg", "--batch", "--homedir", home, "--passphrase", ""]
        subprocess.run(
            [*gpg, "--quick-generate-key", "a", "ed25519", "sign", "never"],
            check=True, capture_output=True,
        )  # fmt: skip
        listing = subprocess.run(
            [*gpg, "--with-colons", "--list-keys"], check=True, capture_output=True, text=True
        ).stdout
        fingerprint = next(it for it in listing.splitlines() if it[:3] == "fpr").split(":")[9]
        key = folder / "archive.pgp"
        subprocess.run([*gpg, "--output", key, "--export"], check=True, capture_output=True)
        # Debian has a newer firmware than the archive, and the archive a newer systemd than Debian.
        debian = dict.fromkeys(shared_packages(), "2") | {"raspi-firmware": "9"}
        fill(folder / "web/debian", debian, "main", "Debian")
        own = dict.fromkeys(base.packages, "1") | {"systemd-sysv": "9"}
        fill(folder / "web/raspberrypi", own, base.component, "Raspberry Pi")
        release = folder / "web/raspberrypi/dists/trixie"
        subprocess.run(
            [*gpg, "--clearsign", "--output", release / "InRelease", release / "Release"],
            check=True, capture_output=True,
        )  # fmt: skip
        handler = functools.partial(Quiet, directory=str(folder / "web"))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.server_address[1]
        # One server, two names: apt tells origins apart by the host.
        yield (
            f"http://localhost:{port}/debian", f"http://127.0.0.1:{port}/raspberrypi",
            key, fingerprint,
        )  # fmt: skip
        server.shutdown()
        thread.join()
        server.server_close()
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)


@pytest.fixture(scope="module")
def recipe(archives: tuple[str, str, Path, str]) -> Recipe:
    """Of the base, from these archives."""
    debian, own, key, fingerprint = archives
    base = Base.load("raspios")
    return Recipe(
        base.suite,
        (*shared_packages(), *base.packages),
        mirrors=(f"deb [trusted=yes] {debian} {base.suite} main non-free-firmware",),
        files=archive.apt_files(base, own, key, fingerprint),
        variant="extract",
    )


@pytest.fixture(scope="module")
def tree(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of the base."""
    place = tmp_path_factory.mktemp("work")
    unpack(tar_of(recipe, place / "cache", place), place / "root")
    return place / "root"


def test_a_tree_is_kept_for_a_week(recipe: Recipe, tmp_path: Path) -> None:
    """Then it is made anew: its packages are those that every card would have."""
    made = tar_of(recipe, tmp_path, tmp_path)
    first = made.stat().st_ino
    assert first == tar_of(recipe, tmp_path, tmp_path).stat().st_ino
    eight_days_ago = time.time() - 8 * 86_400
    os.utime(made, (eight_days_ago, eight_days_ago))
    assert first == tar_of(recipe, tmp_path, tmp_path, max_days=30.0).stat().st_ino
    # Keeps its inode from being given to the new one.
    with made.open("rb"):
        assert first != tar_of(recipe, tmp_path, tmp_path).stat().st_ino


def test_each_package_comes_from_where_it_should(tree: Path) -> None:
    """Kernels, firmware and lgpio from the archive, also older ones; all else from Debian."""
    found = {it.name: it.read_text() for it in (tree / "usr/share/origin").iterdir()}
    own = set(Base.load("raspios").packages)
    assert found == {
        name: "Raspberry Pi" if name in own else "Debian" for name in {*shared_packages(), *own}
    }


def test_the_card_has_both_kernels(tree: Path, tmp_path: Path) -> None:
    """With an initramfs each, device trees of both, overlays and the firmware."""
    starts = {
        kernel: kernels.initramfs(tree, kernel)
        for kernel in kernels.found(tree, Base.load("raspios").kernels)
    }
    assemble.boot_folder(tree, Base.load("raspios"), starts, tmp_path / "boot", 1_700_000_000)
    found = {str(it.relative_to(tmp_path / "boot")) for it in (tmp_path / "boot").rglob("*")}
    assert found >= {
        "kernel8.img", "initramfs8", "kernel_2712.img", "initramfs_2712", "start4.elf",
        "bcm2710-rpi-3-b.dtb", "bcm2712-rpi-5-b.dtb", "overlays/disable-bt.dtbo",
        "config.txt", "cmdline.txt",
    }  # fmt: skip
    assert "kernel_2712.img" in (tmp_path / "boot/config.txt").read_text()


@pytest.mark.parametrize("name", ["debian", "raspios"])
def test_the_command_line_has_what_the_base_adds(tree: Path, tmp_path: Path, name: str) -> None:
    """One line: what both have, and behind it what this base needs."""
    base = Base.load(name)
    assemble.boot_folder(tree, base, {}, tmp_path / "boot", 1_700_000_000)
    shared = (assemble.BOOT_FILES / "cmdline.txt").read_text().split()
    text = (tmp_path / "boot/cmdline.txt").read_text()
    assert [*shared, *base.cmdline.split()] == text.split()
    assert 1 == text.count("\n")
    assert ("modprobe.blacklist=vc4,snd_bcm2835" in text) == (name == "debian")
