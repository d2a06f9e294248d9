"""A microphone that is there and gives nothing: the worker notices, or is replaced for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.faulty_desk import BOTH, faulty_desk
from tests.scripted_plugs_worker import FOLDER


@pytest.fixture
def plugs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "plugs"
    folder.mkdir()
    monkeypatch.setenv(FOLDER, str(folder))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    return folder


@pytest.mark.parametrize("how", ["stalls", "spins"])
def test_a_microphone_that_gives_nothing_is_lost(plugs: Path, how: str) -> None:
    """The brain is told, the process is replaced, and what works again is heard again."""

    async def story() -> None:
        async with faulty_desk(plugs) as desk:
            desk.device(f"{BOTH} {how}")
            await desk.until(lambda: desk.hearing == [True, False])
            desk.device(BOTH)
            await desk.until(lambda: desk.hearing == [True, False, True])
            assert desk.audio.supervisor.replacements

    asyncio.run(story())
