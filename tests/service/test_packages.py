"""What goes into the Debian packages, and what is told to dpkg.

The packages themselves are made and installed by `scripts/prove service`.
"""

from __future__ import annotations

import importlib
import re
import subprocess
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from sena_pi import config
from sena_pi.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = ("postinst", "prerm", "postrm")


@pytest.fixture
def wheels(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`packaging/wheels.py`, which is a script's and in no package."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "packaging"))
    return importlib.import_module("wheels")


@pytest.fixture
def settings_text(monkeypatch: pytest.MonkeyPatch) -> str:
    """The settings file of the package."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "packaging"))
    text: str = importlib.import_module("settings_file").commented(REPOSITORY)
    return text


def targets(wheels: ModuleType) -> Iterator[object]:
    for suite in wheels.SUITES.values():
        for arch in wheels.MACHINES:
            yield wheels.Target(suite, arch)


def test_each_target_has_one_version_of_everything(wheels: ModuleType) -> None:
    """Markers are judged for the target's Python, not for the one that builds."""
    entries = wheels.locked(REPOSITORY / "requirements.lock")
    numpy = set()
    for target in targets(wheels):
        names = [entry.name for entry in entries if entry.wanted_for(target)]
        assert sorted(set(names)) == sorted(names)
        numpy |= {
            (target.python, entry.version)
            for entry in entries
            if entry.name == "numpy" and entry.wanted_for(target)
        }
    assert {"3.11", "3.13"} == {python for python, _ in numpy}
    assert 2 == len(numpy)


def test_an_entry_without_a_hash_is_refused(wheels: ModuleType, tmp_path: Path) -> None:
    """Nothing gets in that was not locked."""
    lock = tmp_path / "requirements.lock"
    lock.write_text("wyoming==1.10.2 \\\n    --hash=sha256:00\nnumpy==2.4.6\n")
    with pytest.raises(ValueError, match=r"numpy==2\.4\.6 has no hash"):
        wheels.locked(lock)


def test_a_wheel_that_is_not_what_was_locked_is_not_taken(
    wheels: ModuleType, tmp_path: Path
) -> None:
    """A file in the cache counts only with the hash of the lock."""
    lock = tmp_path / "requirements.lock"
    lock.write_text("wyoming==1.10.2 \\\n    --hash=sha256:00\n")
    (tmp_path / "wyoming-1.10.2-py3-none-any.whl").write_bytes(b"something else")
    (entry,) = wheels.locked(lock)
    assert wheels._held(entry, tmp_path) is None


@pytest.mark.parametrize("name", ["../outside.py", "/etc/outside.py", "a/../../outside.py"])
def test_a_wheel_can_not_write_elsewhere(wheels: ModuleType, tmp_path: Path, name: str) -> None:
    """A name that points out of the folder is refused."""
    wheel = tmp_path / "evil-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(ValueError, match="must not write"):
        wheels.unpack(wheel, tmp_path / "site")
    assert not list(tmp_path.rglob("outside.py"))


def test_commands_of_wheels_are_left_out(wheels: ModuleType, tmp_path: Path) -> None:
    """Only what Python imports is unpacked, from wherever in the wheel."""
    wheel = tmp_path / "one-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("one/__init__.py", "")
        archive.writestr("one-1.data/platlib/two.so", "")
        archive.writestr("one-1.data/scripts/command", "")
    site = tmp_path / "site"
    wheels.unpack(wheel, site)
    assert {"one/__init__.py", "two.so"} == {
        str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()
    }


def test_the_settings_file_says_everything_and_sets_nothing(
    settings_text: str, tmp_path: Path
) -> None:
    """As it is shipped all defaults hold; every line taken out of its comment is right."""
    shipped = tmp_path / "sena.toml"
    shipped.write_text(settings_text)
    assert Settings() == config.load(shipped, {}).settings
    assert {} == {key: table for key, table in tomllib.loads(settings_text).items() if table}
    shipped.write_text(re.sub(r"^#(?=\w+ = )", "", settings_text, flags=re.MULTILINE))
    loaded = config.load(shipped, {})
    assert Settings() == loaded.settings
    assert len(loaded.origins) > 20
    assert str(REPOSITORY) not in settings_text


@pytest.mark.parametrize("script", SCRIPTS)
def test_maintainer_scripts_are_sound_shell(script: str) -> None:
    """A shell can read them, and they end at the first failure."""
    path = REPOSITORY / "packaging/debian" / script
    subprocess.run(["sh", "-n", str(path)], check=True)
    assert "set -e" in path.read_text(encoding="utf-8").splitlines()
