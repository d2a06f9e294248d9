"""A turn on trial: the real assistant of this tree as a release, and some that fail."""

from __future__ import annotations

import io
import os
import pwd
import subprocess
import sysconfig
import tempfile
from pathlib import Path

import pytest

import sena_pi
from sena_pi.update.bundle import Bundle
from sena_pi.update.errors import UpdateFailed
from sena_pi.update.signature import Verifier
from sena_pi.update.slot import furnish
from sena_pi.update.trial import try_turn
from tests.update.bundles import FILES, MAIN, SITE, bundled, keys

PACKAGE = Path(sena_pi.__file__).parent


def release(folder: Path, files: dict[str, bytes]) -> Path:
    """An unpacked and furnished release."""
    private, public = keys(folder)
    bundle = Bundle(io.BytesIO(bundled(private, files)), Verifier(public))
    slot = folder / "slot"
    slot.mkdir()
    bundle.unpack(slot)
    furnish(slot, folder / "1.2.0", bundle)
    return slot


def says(text: str) -> dict[str, bytes]:
    return {**FILES, MAIN: text.encode()}


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings as somebody has them, who speaks German and wakes it by another word."""
    path = tmp_path / "sena.toml"
    path.write_text(
        '[wake]\nwords = ["computer"]\nengine = "porcupine"\n[cloud]\nlanguage = "de-DE"\n'
    )
    return path


def test_the_assistant_of_this_tree_passes(tmp_path: Path, settings: Path) -> None:
    """From the packed files: its own modules, wake word, transcriber, rules and voice."""
    files = {
        f"{SITE}/sena_pi/{path.relative_to(PACKAGE)}": path.read_bytes()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    # The libraries are this environment's; a real release brings them along.
    files[f"{SITE}/libraries.pth"] = f"{sysconfig.get_path('purelib')}\n".encode()
    slot = release(tmp_path, files)
    where = subprocess.run(
        [slot / "bin/python", "-P", "-c", "import sena_pi; print(sena_pi.__file__)"],
        env={}, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert where.stdout.startswith(str(slot))
    try_turn(slot, settings=settings)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import nothing_like_it", r"exit status 1.*No module named 'nothing_like_it'"),
        ("raise SystemExit(0)", "exit status 0.*said: nothing"),
        ("import os; os.abort()", "exit status -6"),
        ('print("no report")', "did not answer"),
        ('print(\'{"outcome": "failed"}\')', "did not answer"),
        ('print(\'{"outcome": "answered", "source": null}\')', "did not answer"),
        # It says that it answered, and nobody would have heard it.
        ('print(\'{"outcome": "answered", "source": "rule"}\')', "did not answer"),
    ],
)
def test_a_release_that_does_not_answer_fails(tmp_path: Path, code: str, why: str) -> None:
    """Whatever it says of itself: a report and a sound are wanted. Its last words are told."""
    with pytest.raises(UpdateFailed, match=why):
        try_turn(release(tmp_path, says(code)), settings=tmp_path / "none")


def test_it_has_no_key_and_writes_to_its_own_folders_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a key of the environment nor a folder of the service is given to it."""
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-not-to-be-seen")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials")
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/sena")
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    tells = "import os, sys; print(sorted(os.environ.items()), file=sys.stderr)"
    with pytest.raises(UpdateFailed) as told:
        try_turn(release(tmp_path, says(tells)), settings=tmp_path / "none")
    text = str(told.value)
    assert "STATE_DIRECTORY" in text
    for absent in ("AIza", "CREDENTIALS", "/var/lib/sena'", "NOTIFY_SOCKET", "PYTHONPATH"):
        assert absent not in text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_it_is_not_root_that_tries() -> None:
    """It runs as the assistant's user, without groups, and can write to its own folders."""
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        # In the place of Python, which may lie where nobody else comes.
        python = Path(place) / "bin/python"
        python.parent.mkdir()
        python.write_text('#!/bin/sh\necho x > "$STATE_DIRECTORY/x" && id -u && id -G >&2\n')
        python.chmod(0o755)
        with pytest.raises(UpdateFailed, match=rf"said: {nobody.pw_gid}$"):
            try_turn(Path(place), settings=Path(place) / "none", user="nobody")


def test_what_it_leaves_running_is_ended(tmp_path: Path) -> None:
    """Workers of a release that failed are not left on the machine."""
    code = (
        "import subprocess, sys\n"
        "quiet = subprocess.DEVNULL\n"
        "child = subprocess.Popen(['sleep', '300'], stdout=quiet, stderr=quiet)\n"
        "print(child.pid, file=sys.stderr)\n"
    )
    with pytest.raises(UpdateFailed) as told:
        try_turn(release(tmp_path, says(code)), settings=tmp_path / "none")
    pid = int(str(told.value).rpartition(" ")[2])
    stat = Path(f"/proc/{pid}/stat")
    assert not stat.exists() or stat.read_text().split()[2] in "ZX"
