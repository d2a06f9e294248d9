"""A turn on trial: a release hears a recorded question, and must answer it aloud.

It is the release's own `sena run --simulate`: its workers, wake word, transcriber, local answers
and voice, with the settings of this machine. It has no cloud, no key, and folders of its own, so
it can't touch what the assistant remembers; nor can it be heard.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import wave
from array import array
from pathlib import Path
from typing import Final

from sena_pi.places import config_file
from sena_pi.update.errors import UpdateFailed

RECORDING: Final = Path(__file__).with_name("trial.wav")
""""Hey Jarvis, what time is it?", of a synthetic voice, 16 kHz mono."""
TIMES: Final = 3
"""It is asked so often, and judged by the last: the first turns load what others find loaded."""
LONGEST_S: Final = 240.0
USER: Final = "_sena"
_LOUD: Final = 1000
"""Samples over this, of 32,768, are heard."""
_SHORTEST_ANSWER_S: Final = 0.05
_FOLDERS: Final = {
    "CONFIGURATION_DIRECTORY": "etc",
    "STATE_DIRECTORY": "state",
    "CACHE_DIRECTORY": "cache",
    "RUNTIME_DIRECTORY": "run",
    "HOME": "home",
    "TMPDIR": "tmp",
    "LG_WD": "run",
}
# The recording must be understood, whatever wakes this machine and whatever language it speaks.
_SETTINGS: Final = {
    "SENA_CLOUD_ENABLED": "false",
    "SENA_CLOUD_LANGUAGE": "en",
    "SENA_WAKE_ENGINE": "auto",
    "SENA_WAKE_WORDS": '["jarvis"]',
}


def try_turn(
    release: Path,
    *,
    recording: Path = RECORDING,
    settings: Path | None = None,
    user: str = USER,
) -> None:
    """Have a release answer the recording; blocks for some seconds, on a slow machine for many.

    Args:
        release: a furnished release.
        recording: what it hears.
        settings: its settings; those of this machine, if it has some.
        user: who it runs as, where that is for us to choose and there is such a user.

    Raises:
        UpdateFailed: it did not answer; says what it said last.
        OSError: it can't be started.
    """
    settings = settings or config_file()
    with tempfile.TemporaryDirectory(prefix="sena-trial-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        answer = place / "tmp/answer.wav"
        question = place / "tmp/question.wav"
        owner = _owner(user)
        for name in sorted(set(_FOLDERS.values())):
            (place / name).mkdir()
        shutil.copyfile(recording, question)
        if owner is not None:
            for path in (place, *place.rglob("*")):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        command = [
            str(release / "bin/python"), "-P", "-m", "sena_pi", "run", "--json",
            "--simulate", *[str(question)] * TIMES, "--out", str(answer), "--as-fast-as-it-goes",
        ]  # fmt: skip
        if settings.is_file():
            command += ["--config", str(settings)]
        status, said, told = _run(command, place, owner)
        # A status of 1 tells of any of the recordings.
        if status not in {0, 1} or not _answered(said) or not _audible(answer):
            last = told.strip().splitlines()[-3:] or ["nothing"]
            raise UpdateFailed(
                f"the new version did not answer a question on trial (exit status {status}); "
                f"it said: {' / '.join(last)}"
            )


def _run(command: list[str], place: Path, owner: pwd.struct_passwd | None) -> tuple[int, str, str]:
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        **{name: str(place / folder) for name, folder in _FOLDERS.items()},
        **_SETTINGS,
    }
    process = subprocess.Popen(
        command, env=environment, cwd=place / "run", start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, errors="replace",
        user=owner.pw_uid if owner else None,
        group=owner.pw_gid if owner else None,
        extra_groups=[] if owner else None,
    )  # fmt: skip
    with process:
        try:
            said, told = process.communicate(timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            raise UpdateFailed(
                f"the new version did not answer a question on trial within {LONGEST_S:.0f} s"
            ) from None
        finally:
            # Its workers as well, whatever became of it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, said, told


def _owner(user: str) -> pwd.struct_passwd | None:
    """The user that the assistant is, if it is for us to choose."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(user)
    except KeyError:
        return None


def _answered(said: str) -> bool:
    """The last turn had an answer: why there is none is said as well, and comes from nowhere."""
    try:
        last = [json.loads(line) for line in said.splitlines()][-1]
        return last["outcome"] == "answered" and bool(last["source"])
    except (ValueError, TypeError, LookupError):
        return False


def _audible(path: Path) -> bool:
    """Somebody would hear this file."""
    try:
        with wave.open(str(path), "rb") as sound:
            per_s = sound.getframerate() * sound.getnchannels()
            samples = array("h", sound.readframes(sound.getnframes()))
    except (OSError, EOFError, wave.Error):
        return False
    return sum(abs(sample) > _LOUD for sample in samples) / per_s >= _SHORTEST_ANSWER_S
