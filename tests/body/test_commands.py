"""`sena volume`, `sena mute`, `sena unmute`, with and without an assistant that runs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from sena_pi import control
from sena_pi.body.kept import FILE_NAME, Kept, KeptStore
from sena_pi.cli import main
from sena_pi.places import runtime_folder
from tests.body.test_wiring import House
from tests.turns.bench import Bench, tell


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeptStore:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    return KeptStore(tmp_path / FILE_NAME)


def said(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert 0 == main([*argv])
    return capsys.readouterr().out


def test_while_nothing_runs_it_is_kept_for_the_next_start(
    store: KeptStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each without touching the other."""
    assert "volume 100 %, microphone open when sena runs\n" == said(capsys, "volume")
    assert not store.path.exists()
    assert "volume 40 %, microphone open when sena runs\n" == said(capsys, "volume", "40")
    assert "volume 40 %, microphone closed\n" == said(capsys, "mute")
    assert Kept(40, muted=True) == store.load()
    assert "volume 0 %, microphone closed\n" == said(capsys, "volume", "0")
    answer = json.loads(said(capsys, "unmute", "--json"))
    assert {"running": False, "volume": 0, "muted": False, "saved": True} == answer
    assert Kept(0, muted=False) == store.load()


def test_unmute_mends_a_file_that_cannot_be_read(
    store: KeptStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the journal tells people to."""
    store.path.write_text("{")
    assert "volume 100 %, microphone closed\n" == said(capsys, "volume")
    said(capsys, "unmute")
    assert Kept() == store.load()


@pytest.mark.parametrize("wrong", ["101", "-1", "loud", "5.5", ""])
def test_a_volume_that_is_none_is_wrong_usage(
    store: KeptStore, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    """Nothing is changed."""
    with pytest.raises(SystemExit) as ended:
        main(["volume", wrong])
    assert 2 == ended.value.code
    assert not store.path.exists()


def test_a_card_that_refuses_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is acknowledged that is not kept."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "file"))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    assert 1 == main(["mute"])
    assert "can't be written" in capsys.readouterr().err


def test_the_assistant_that_runs_is_asked(
    store: KeptStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is in force there before the command ends, and on the card."""

    async def story(bench: Bench) -> None:
        house = House(bench, store.path, ring=False)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(control.serve(runtime_folder(), house.body.requests()))
            while not (runtime_folder() / control.SOCKET_NAME).exists():  # noqa: ASYNC110
                await asyncio.sleep(0)
            told = await asyncio.to_thread(said, capsys, "mute")
            assert "volume 100 %, microphone closed\n" == told
            assert [False] == house.ears.captures
            told = await asyncio.to_thread(said, capsys, "volume", "70", "--json")
            assert {"running": True, "volume": 70, "muted": True, "saved": True} == json.loads(told)
            assert "volume 70 %, microphone open\n" == await asyncio.to_thread(
                said, capsys, "unmute"
            )
            serving.cancel()

    tell(story)
    assert Kept(70) == store.load()
