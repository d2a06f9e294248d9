"""Publishing: an installation becomes a bundle that a machine takes; keys stay out of here."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from sena_pi.update.bundle import Bundle
from sena_pi.update.signature import Signer, Verifier
from tests.update.bundles import keys

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`packaging/build_update.py`, which is a script's and in no package."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "packaging"))
    return importlib.import_module("build_update")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An installation as the Debian package makes it."""
    site = tmp_path / "usr/lib/sena/lib/python3.13/site-packages"
    files = {
        "sena_pi/__init__.py": "",
        "sena_pi/__pycache__/__init__.cpython-313.pyc": "compiled",
        "sena_pi-1.4.0.dist-info/METADATA": "Name: sena-pi\nVersion: 1.4.0\n",
    }
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    root = tmp_path / "usr/lib/sena"
    (root / "porcupine4").mkdir()
    (root / "porcupine4/model.pv").write_bytes(b"model")
    (root / "bin").mkdir()
    (root / "bin/python").symlink_to("/usr/bin/python3.13")
    return root


def made(build: ModuleType, root: Path, tmp_path: Path, private: Path) -> Path:
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    path: Path = build.make(root, "aarch64", Signer(private), tmp_path, scratch, 0)
    return path


def test_what_is_installed_is_what_is_published(
    build: ModuleType, root: Path, tmp_path: Path
) -> None:
    """Version, Python and files are read from it; compiled modules and `bin` are the device's."""
    private, public = keys(tmp_path)
    path = made(build, root, tmp_path, private)
    assert "sena-pi_1.4.0_aarch64_py3.13.sena" == path.name
    with path.open("rb") as file:
        manifest = Bundle(file, Verifier(public)).manifest
    site = "lib/python3.13/site-packages"
    assert [
        f"{site}/sena_pi-1.4.0.dist-info/METADATA", f"{site}/sena_pi/__init__.py",
        "porcupine4/model.pv",
    ] == sorted(manifest.files)  # fmt: skip
    assert ("1.4.0", "aarch64", "3.13") == (
        str(manifest.version), manifest.arch, manifest.python
    )  # fmt: skip


def test_two_builds_give_the_same_bytes(build: ModuleType, root: Path, tmp_path: Path) -> None:
    """The signature too: Ed25519 needs no chance."""
    private, _ = keys(tmp_path)
    first = made(build, root, tmp_path, private).read_bytes()
    assert first == made(build, root, tmp_path, private).read_bytes()


def test_a_link_is_not_published(build: ModuleType, root: Path, tmp_path: Path) -> None:
    """No machine would take it."""
    private, _ = keys(tmp_path)
    (root / "lib/link").symlink_to("/etc")
    with pytest.raises(ValueError, match="is a link"):
        made(build, root, tmp_path, private)


def test_a_private_key_never_lies_in_the_repository(build: ModuleType) -> None:
    """It is refused before one is made."""
    place = REPOSITORY / "never.key"
    assert 1 == build.new_update_key([str(place)])
    assert not place.exists()


def test_the_script_takes_a_package_and_signs_it(root: Path, tmp_path: Path) -> None:
    """From a .deb and a key to a bundle, as it is called."""
    private, public = keys(tmp_path)
    control = root.parents[2] / "DEBIAN/control"
    control.parent.mkdir()
    control.write_text(
        "Package: sena-pi\nVersion: 1.4.0\nArchitecture: arm64\nMaintainer: nobody\n"
        "Description: a test\n"
    )
    deb_root = tmp_path / "deb"
    deb_root.mkdir()
    for name in ("usr", "DEBIAN"):
        (tmp_path / name).rename(deb_root / name)
    deb = tmp_path / "sena.deb"
    subprocess.run(
        ["dpkg-deb", "-Znone", "--build", str(deb_root), str(deb)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    run = subprocess.run(
        [
            sys.executable, str(REPOSITORY / "packaging/build_update.py"), "--key", str(private),
            "--deb", str(deb), "--out", str(tmp_path / "dist"), "--preset", "0",
        ],
        check=True, capture_output=True, text=True, timeout=60, env={**os.environ},
    )  # fmt: skip
    with Path(run.stdout.strip()).open("rb") as file:
        assert "aarch64" == Bundle(file, Verifier(public)).manifest.arch
