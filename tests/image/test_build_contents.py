"""The list of what is in an image, and the voices that get in."""

import hashlib
import json
from pathlib import Path

import pytest
from image import contents, models
from image.steps import BuildFailed

from sena_pi.voice_catalogue import VOICES, CatalogueVoice, VoiceFile

STATUS = """Package: libc6
Status: install ok installed
Section: libs
Architecture: arm64
Source: glibc (2.41-12)
Version: 2.41-12+deb13u1
Maintainer: GNU Libc Maintainers <glibc@example.org>
Description: GNU C Library: Shared libraries
 This package contains the standard libraries.

Package: gone
Status: deinstall ok config-files
Architecture: arm64
Version: 1

Package: sena-pi
Status: install ok installed
Section: sound
Architecture: arm64
Version: 0.1.0+deb13
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A root with two packages, one of them with its licence, and a wheel."""
    site = "usr/lib/sena/lib/python3.13/site-packages/numpy-2.5.5.dist-info/METADATA"
    files = {
        "var/lib/dpkg/status": STATUS,
        "usr/share/doc/libc6/copyright": "LGPL",
        site: "Name: numpy\nVersion: 2.5.5\nLicense-Expression: BSD-3-Clause\n\nArrays.",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_all_that_is_installed_is_listed(tree: Path) -> None:
    """Debian's packages, Python's, and voices; what was removed is not."""
    text = contents.bill_of_materials("sena-pi-0.1.0", "0.1.0", tree, VOICES[:1], 1_700_000_000)
    listed = json.loads(text)
    assert [(it["name"], it["version"]) for it in listed["components"]] == [
        ("libc6", "2.41-12+deb13u1"),
        ("sena-pi", "0.1.0+deb13"),
        ("numpy", "2.5.5"),
        ("en_US-ljspeech-medium", VOICES[0].model.sha256[:12]),
    ]
    references = [it["bom-ref"] for it in listed["components"]]
    assert len(set(references)) == len(references)
    assert listed["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"


def test_a_package_is_named_as_scanners_look_for_it(tree: Path) -> None:
    """By its purl, with the plus of a version escaped; source and licence are told too."""
    (libc, _) = contents.debian_packages(STATUS, tree)
    assert libc["purl"] == "pkg:deb/debian/libc6@2.41-12%2Bdeb13u1?arch=arm64"
    assert libc["properties"] == [
        {"name": "debian:source", "value": "glibc"},
        {"name": "debian:copyright", "value": "/usr/share/doc/libc6/copyright"},
    ]


def test_a_wheel_has_its_licence(tree: Path) -> None:
    """As its authors wrote it."""
    (numpy,) = contents.python_packages(tree / "usr/lib/sena")
    assert numpy["purl"] == "pkg:pypi/numpy@2.5.5"
    assert numpy["licenses"] == [{"license": {"name": "BSD-3-Clause"}}]


def test_the_same_image_has_the_same_list(tree: Path) -> None:
    """And another image another serial number."""
    one, again, other = (
        contents.bill_of_materials("a", "1", tree, voices, 0)
        for voices in (VOICES[:1], VOICES[:1], VOICES[:2])
    )
    assert one == again
    assert json.loads(one)["serialNumber"] != json.loads(other)["serialNumber"]


def voice_of(data: bytes) -> CatalogueVoice:
    file = VoiceFile(len(data), hashlib.sha256(data).hexdigest())
    return CatalogueVoice("en_US-test-low", "nobody", "public domain", file, file)


CATALOGUE = (voice_of(b"model"),)


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """A folder with a voice of a catalogue of one."""
    folder = tmp_path / "given"
    folder.mkdir()
    for name in ("en_US-test-low.onnx", "en_US-test-low.onnx.json"):
        (folder / name).write_bytes(b"model")
    return folder


def test_voices_are_taken_from_a_folder(given: Path, tmp_path: Path) -> None:
    """All that it has, when none is named."""
    found = models.collect([], given, tmp_path / "cache", tmp_path / "voices", CATALOGUE)
    assert [it.name for it in found] == ["en_US-test-low"]
    assert sorted(it.name for it in (tmp_path / "voices").iterdir()) == [
        "en_US-test-low.onnx", "en_US-test-low.onnx.json"
    ]  # fmt: skip


def test_a_voice_with_other_bytes_is_refused(given: Path, tmp_path: Path) -> None:
    """One byte is enough."""
    (given / "en_US-test-low.onnx").write_bytes(b"modeL")
    with pytest.raises(BuildFailed, match="not the file of the catalogue"):
        models.collect([], given, tmp_path / "cache", tmp_path / "voices", CATALOGUE)


def test_a_voice_that_nobody_pinned_is_refused(given: Path, tmp_path: Path) -> None:
    """What has no hash can't be checked."""
    (given / "xx_XX-mine-low.onnx").write_bytes(b"model")
    with pytest.raises(BuildFailed, match="nobody pinned: xx_XX-mine-low"):
        models.collect([], given, tmp_path / "cache", tmp_path / "voices", CATALOGUE)


def test_half_a_voice_is_refused(given: Path, tmp_path: Path) -> None:
    """The message names the file."""
    (given / "en_US-test-low.onnx.json").unlink()
    with pytest.raises(BuildFailed, match=r"en_US-test-low\.onnx\.json is missing"):
        models.collect([], given, tmp_path / "cache", tmp_path / "voices", CATALOGUE)


@pytest.mark.parametrize("names", [[], ["en_US-test-low"]])
def test_a_folder_that_is_not_there_is_told(given: Path, tmp_path: Path, names: list[str]) -> None:
    """By the option's name."""
    with pytest.raises(BuildFailed, match="--models"):
        models.collect(names, tmp_path / "none", tmp_path / "cache", tmp_path / "voices", CATALOGUE)


def test_an_unknown_name_is_told(given: Path, tmp_path: Path) -> None:
    """With the names that there are."""
    with pytest.raises(BuildFailed, match="no such voice: x; there are en_US-test-low"):
        models.collect(["x"], given, tmp_path / "cache", tmp_path / "voices", CATALOGUE)
