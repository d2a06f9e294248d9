"""A bundle is what was signed, byte for byte, or nothing of it is unpacked."""

from __future__ import annotations

import hashlib
import io
import lzma
import random
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sena_pi.update.bundle import Bundle
from sena_pi.update.errors import UpdateRefused
from sena_pi.update.manifest import Content
from sena_pi.update.signature import Verifier, new_key
from tests.update.bundles import FILES, MAIN, SITE, bundled, keys, packed


@pytest.fixture
def key(tmp_path: Path) -> tuple[Path, Path]:
    """Private, public."""
    return keys(tmp_path)


def opened(data: bytes, key: tuple[Path, Path]) -> Bundle:
    return Bundle(io.BytesIO(data), Verifier(key[1]))


def unpacked(data: bytes, key: tuple[Path, Path], folder: Path) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True)
    opened(data, key).unpack(folder)
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_was_packed_is_what_is_unpacked(key: tuple[Path, Path], tmp_path: Path) -> None:
    """Every file with its content, long names too, and nobody may run one."""
    files = {**FILES, f"lib/{'deep/' * 30}{'n' * 150}.py": b"x", "lib/empty": b""}
    assert files == unpacked(bundled(key[0], files), key, tmp_path / "out")
    modes = {path.stat().st_mode & 0o111 for path in tmp_path.rglob("out/**/*") if path.is_file()}
    assert {0} == modes


def test_the_same_files_make_the_same_bytes(key: tuple[Path, Path]) -> None:
    """Who builds, and when, is not in it."""
    assert bundled(key[0]) == bundled(key[0], dict(reversed(FILES.items())))


def test_any_flipped_byte_is_refused(key: tuple[Path, Path]) -> None:
    """Each byte of a small bundle in turn: headers, padding and the end too."""
    good = bundled(key[0])
    assert 20_000 > len(good)
    verifier = Verifier(key[1])
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 1 << at % 8
        with pytest.raises(UpdateRefused):
            Bundle(io.BytesIO(bad), verifier)


def test_any_shorter_or_longer_file_is_refused(key: tuple[Path, Path]) -> None:
    """Cut at any byte, or with one more."""
    good = bundled(key[0])
    for length in range(0, len(good), 7):
        with pytest.raises(UpdateRefused):
            opened(good[:length], key)
    for more in (b"\0", b"x", bytes(512)):
        with pytest.raises(UpdateRefused):
            opened(good + more, key)


def test_noise_is_refused(key: tuple[Path, Path]) -> None:
    """And is no reason for anything but a refusal."""
    chance = random.Random(6)
    for size in (0, 1, 511, 512, 513, 5000):
        with pytest.raises(UpdateRefused):
            opened(chance.randbytes(size), key)


def test_another_key_s_bundle_is_refused(key: tuple[Path, Path], tmp_path: Path) -> None:
    """Well made, and not by us."""
    (tmp_path / "other").mkdir()
    other, _ = keys(tmp_path / "other")
    with pytest.raises(UpdateRefused, match="not signed with this machine's key"):
        opened(bundled(other), key)


def test_a_manifest_can_not_be_used_for_another_archive(key: tuple[Path, Path]) -> None:
    """An old, signed manifest with new contents."""
    old, new = bundled(key[0]), bundled(key[0], {MAIN: b"import os"})
    at = new.index(b"\xfd7zXZ") - 512
    head = old[: old.index(b"\xfd7zXZ") - 512]
    with pytest.raises(UpdateRefused):
        opened(head + new[at:], key)


def test_without_a_key_updates_are_off(tmp_path: Path) -> None:
    """No key, a broken one, or one of another kind: nothing can be trusted."""
    with pytest.raises(UpdateRefused, match="updates are off: there is no key"):
        Verifier(tmp_path / "update.pub")
    (tmp_path / "broken").write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n")
    with pytest.raises(UpdateRefused, match="can't be read"):
        Verifier(tmp_path / "broken")


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../../etc/passwd", "lib/../../x", "lib//x", "./lib/x", "lib/x/", "bin/python",
     "pyvenv.cfg", "manifest.json", "lib/a\nb", "lib/\0", "lib/" + "n" * 201],
)  # fmt: skip
def test_a_manifest_with_such_a_file_is_refused(key: tuple[Path, Path], path: str) -> None:
    """Even a signed one: a mistake of ours must not write elsewhere."""
    with pytest.raises(UpdateRefused, match="no release has a file"):
        opened(bundled(key[0], {path: b"x"}, payload=packed({"lib/x": b"x"})), key)


def archived(change: Callable[[tarfile.TarFile], None]) -> bytes:
    """An archive with the files of `FILES`, and something more."""
    out = io.BytesIO()
    with lzma.open(out, "wb", preset=0) as plain, tarfile.open(fileobj=plain, mode="w|") as tar:
        for name, data in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        change(tar)
    return out.getvalue()


def special(kind: bytes, name: str, target: str = "") -> Callable[[tarfile.TarFile], None]:
    def add(tar: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        tar.addfile(info)

    return add


@pytest.mark.parametrize(
    "change",
    [
        special(tarfile.SYMTYPE, "lib/link", "/etc"),
        special(tarfile.LNKTYPE, "lib/link", "/etc/passwd"),
        special(tarfile.CHRTYPE, "lib/device"),
        special(tarfile.FIFOTYPE, "lib/pipe"),
        special(tarfile.DIRTYPE, "lib/folder"),
        special(tarfile.REGTYPE, "lib/unasked"),
        special(tarfile.REGTYPE, "/etc/unasked"),
        special(tarfile.REGTYPE, "../unasked"),
        special(tarfile.REGTYPE, MAIN),
    ],
)
def test_an_archive_holds_the_files_of_its_manifest_and_nothing_else(
    key: tuple[Path, Path], tmp_path: Path, change: Callable[[tarfile.TarFile], None]
) -> None:
    """No link, no device, no folder, nothing twice, nothing outside; though all is signed."""
    with pytest.raises(UpdateRefused, match="unasked"):
        unpacked(bundled(key[0], payload=archived(change)), key, tmp_path / "out")
    assert not (tmp_path / "unasked").exists()


def test_a_link_in_the_place_of_a_promised_file_is_refused(
    key: tuple[Path, Path], tmp_path: Path
) -> None:
    """Its name is right, and it is no file."""
    files = {**FILES, "lib/link": b""}
    payload = archived(special(tarfile.SYMTYPE, "lib/link", "/etc"))
    with pytest.raises(UpdateRefused, match="unasked"):
        unpacked(bundled(key[0], files, payload=payload), key, tmp_path / "out")


def test_a_file_that_is_missing_or_another_one_is_refused(
    key: tuple[Path, Path], tmp_path: Path
) -> None:
    """The manifest's promise is checked file by file."""
    payload = packed({name: data for name, data in FILES.items() if name != MAIN})
    with pytest.raises(UpdateRefused, match="lacks"):
        unpacked(bundled(key[0], payload=payload), key, tmp_path / "one")
    payload = packed({**FILES, MAIN: b"#" + FILES[MAIN][1:]})
    with pytest.raises(UpdateRefused, match="is not what was signed"):
        unpacked(bundled(key[0], payload=payload), key, tmp_path / "two")


def test_more_than_was_promised_is_never_written(key: tuple[Path, Path], tmp_path: Path) -> None:
    """A gigabyte of zeros in the archive, a byte in the manifest: its size is looked at first."""
    out = io.BytesIO()
    with lzma.open(out, "wb", preset=0) as plain:
        info = tarfile.TarInfo("lib/bomb")
        info.size = 1 << 30
        plain.write(info.tobuf())
        plain.write(bytes(1 << 20))
    with pytest.raises(UpdateRefused, match="unasked"):
        unpacked(bundled(key[0], {"lib/bomb": b"x"}, payload=out.getvalue()), key, tmp_path / "out")
    assert [] == [path for path in tmp_path.rglob("out/**/*") if path.is_file()]


def test_a_file_that_changes_after_it_was_checked_is_noticed(
    key: tuple[Path, Path], tmp_path: Path
) -> None:
    """Somebody writes to the stick meanwhile: each file is compared again as it is unpacked."""
    changed = packed({**FILES, MAIN: b"#" + FILES[MAIN][1:]})
    good = bundled(key[0])
    file = io.BytesIO(good)
    bundle = Bundle(file, Verifier(key[1]))
    at = good.index(b"\xfd7zXZ")
    file.seek(at)
    file.write(changed.ljust(bundle.manifest.payload.size_bytes, b"\0"))
    (tmp_path / "out").mkdir()
    with pytest.raises(UpdateRefused, match="is not what was signed"):
        bundle.unpack(tmp_path / "out")


def test_sizes_that_no_release_has_are_refused(key: tuple[Path, Path]) -> None:
    """Before anything is read or made room for."""
    huge = {f"lib/{n}": Content(600 << 20, "0" * 64) for n in range(2)}
    with pytest.raises(UpdateRefused, match="its files are"):
        opened(bundled(key[0], changes={"files": huge}), key)
    with pytest.raises(UpdateRefused, match="too large"):
        opened(bundled(key[0], changes={"payload": Content(500 << 20, "0" * 64)}), key)


def test_other_programs_read_it(key: tuple[Path, Path], tmp_path: Path) -> None:
    """`tar` lists it, openssl knows the signature: nothing of it is our own invention."""
    data = bundled(key[0])
    (tmp_path / "update.sena").write_bytes(data)
    subprocess.run(["tar", "-xf", "update.sena"], cwd=tmp_path, check=True, timeout=60)
    listed = subprocess.run(
        ["tar", "-tJf", "files.tar.xz"], cwd=tmp_path, check=True, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert sorted(FILES) == listed.stdout.split()
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not on this machine")
    checked = subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", str(key[1]),
         "-in", "manifest.json", "-sigfile", "manifest.sig"],
        cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "Verified Successfully" in checked.stdout


def test_a_key_is_never_overwritten_and_nobody_else_reads_it(tmp_path: Path) -> None:
    """Its file is 0600; a second key in its place is refused."""
    private, public = keys(tmp_path)
    assert 0o600 == stat.S_IMODE(private.stat().st_mode)
    before = hashlib.sha256(private.read_bytes()).digest()
    with pytest.raises(FileExistsError):
        new_key(private)
    assert before == hashlib.sha256(private.read_bytes()).digest()
    assert b"PRIVATE" not in public.read_bytes()
    assert SITE in MAIN
