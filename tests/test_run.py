"""`sena run --simulate`, as a person runs it: a recording goes in, a report and a WAV come out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sena_pi.audio import MICROPHONE_FORMAT, wav_bytes
from tests.speech import say

SENA = (sys.executable, "-m", "sena_pi")
ORDER = ["transcript", "first_text", "first_sentence", "first_sound", "first_audio", "end"]


def spoken(folder: Path, text: str, voice: str = "slt") -> Path:
    """A recording of somebody saying this."""
    path = folder / f"{voice}.wav"
    path.write_bytes(wav_bytes(say(text, voice) + bytes(3200), MICROPHONE_FORMAT))
    return path


def environment(folder: Path) -> dict[str, str]:
    """No keys, no settings of this machine, state in a folder of the test's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SENA_")}
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "CREDENTIALS_DIRECTORY"):
        kept.pop(name, None)
    return {
        **kept,
        "CONFIGURATION_DIRECTORY": str(folder / "etc"),
        "STATE_DIRECTORY": str(folder / "state"),
        "CACHE_DIRECTORY": str(folder / "cache"),
        "RUNTIME_DIRECTORY": str(folder / "run"),
    }


def sena(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SENA, *arguments],
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def reports(run: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.mark.parametrize("voice", ["slt", "awb", "kal16"])
def test_a_spoken_question_is_answered_without_key_or_network(tmp_path: Path, voice: str) -> None:
    """The wake word and "what time is it", by three voices: understood, answered, spoken."""
    question = spoken(tmp_path, "hey jarvis, what time is it", voice)
    answer = tmp_path / "answer.wav"
    options = ["--json", "--as-fast-as-it-goes", "--out", str(answer)]
    (report,) = reports(sena(tmp_path, "run", "--simulate", str(question), *options))
    assert ("jarvis", "answered") == (report["trigger"], report["outcome"])
    assert ("what time is it", "rule") == (report["heard"], report["source"])
    assert report["answered"].startswith("It's ")
    assert ORDER == [name for name in report["ms"] if name in ORDER]  # a busy machine needs fillers
    assert {"guess", "endpoint"} < report["ms"].keys()
    with wave.open(str(answer)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    assert np.abs(samples).max() > 2000


def test_each_recording_is_a_conversation_s_next_turn(tmp_path: Path) -> None:
    """Two recordings, two reports; the second one knows what was said."""
    time = spoken(tmp_path, "hey jarvis, what time is it", "slt")
    again = spoken(tmp_path, "hey jarvis, say that again", "rms")
    options = ["--json", "--as-fast-as-it-goes"]
    first, second = reports(sena(tmp_path, "run", "--simulate", str(time), str(again), *options))
    assert "say that again" == second["heard"]
    assert first["answered"] == second["answered"]


def test_a_recording_without_wake_word_is_said_to_have_none(tmp_path: Path) -> None:
    """Nothing is answered, nothing is sent, and the exit status tells."""
    question = spoken(tmp_path, "what time is it")
    run = sena(tmp_path, "run", "--simulate", str(question), "--as-fast-as-it-goes")
    assert 1 == run.returncode
    assert "no wake word was heard" in run.stderr


def test_what_was_said_is_not_in_the_journal(tmp_path: Path) -> None:
    """Standard error, which is the journal, holds times and counts, not words."""
    question = spoken(tmp_path, "hey jarvis, what time is it")
    run = sena(tmp_path, "run", "--simulate", str(question), "--as-fast-as-it-goes")
    assert 0 == run.returncode
    assert "turn 1, by jarvis, answered" in run.stderr
    assert "what time" not in run.stderr
    assert "It's" not in run.stderr


@pytest.mark.parametrize(
    ("name", "content"), [("missing.wav", None), ("text.wav", b"no sound"), ("empty.wav", b"")]
)
def test_a_file_that_is_no_recording_is_named(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    """One line that names the file; no traceback."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    run = sena(tmp_path, "run", "--simulate", str(path), "--as-fast-as-it-goes")
    assert 1 == run.returncode
    assert name in run.stderr
    assert "Traceback" not in run.stderr


def test_an_answer_that_can_t_be_written_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    """A bad --out ends at once, and names the path."""
    question = spoken(tmp_path, "hey jarvis, what time is it")
    out = str(tmp_path / "no such folder" / "answer.wav")
    run = sena(tmp_path, "run", "--simulate", str(question), "--out", out)
    assert 1 == run.returncode
    assert out in run.stderr
    assert "turn 1" not in run.stderr


def test_sigterm_ends_everything_in_order(tmp_path: Path) -> None:
    """Exit 0, and no worker lives on."""
    question = spoken(tmp_path, "hey jarvis, what time is it")
    process = subprocess.Popen(
        [*SENA, "run", "--simulate", *[str(question)] * 5],
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr:
        for line in process.stderr:
            if "light: speaking" in line:
                break
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
    assert 0 == process.wait(30)
    assert len(children) >= 2
    assert [] == [pid for pid in children if Path(f"/proc/{pid}").exists()]


def test_a_typed_question_is_answered_in_text(tmp_path: Path) -> None:
    """`sena ask` needs no sound at all."""
    run = sena(tmp_path, "ask", "what", "time", "is", "it")
    assert 0 == run.returncode
    assert run.stdout.startswith("It's ")
