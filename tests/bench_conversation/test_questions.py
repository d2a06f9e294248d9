"""Questions are spoken once, and kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sena_pi.audio import read_wav
from sena_pi.bench.conversation.questions import VOICES, recordings
from sena_pi.errors import EngineUnavailable

spoken = pytest.mark.skipif(
    not any(map(shutil.which, VOICES)), reason="neither flite nor espeak-ng is installed"
)


@spoken
def test_a_question_is_a_recording_that_is_made_once(tmp_path: Path) -> None:
    """The second time the file is taken as it is; other words are another file."""
    folder = tmp_path / "questions"
    first, other = recordings(["What is Python?", "Hello!"], "hey jarvis", folder)
    assert read_wav(first.read_bytes()).seconds > 1
    assert first != other
    first.write_bytes(b"kept")
    assert [first] == recordings(["What is Python?"], "hey jarvis", folder)
    assert b"kept" == first.read_bytes()
    assert {first, other} == set(folder.iterdir())


@spoken
def test_another_wake_word_is_another_recording(tmp_path: Path) -> None:
    """It is spoken before the question."""
    assert recordings(["Hello!"], "alexa", tmp_path) != recordings(["Hello!"], "jarvis", tmp_path)


def test_without_a_synthesiser_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(EngineUnavailable, match="apt install flite"):
        recordings(["Hello!"], "jarvis", tmp_path / "questions")
    assert not (tmp_path / "questions").exists()
