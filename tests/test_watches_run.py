"""What looks after the appliance runs in it: a part that nobody starts helps nobody."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sena_pi.app import Simulation, running
from sena_pi.keys import KeyStore
from sena_pi.settings import Settings
from tests.house import Light

WATCHES = {"Lifeline.run", "NetworkWatch.run", "PowerWatch.run", "WakeRetry.run"}


def test_every_watch_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a task beside the others, from the beginning on."""
    for name in ("STATE", "CACHE", "RUNTIME"):
        monkeypatch.setenv(f"{name}_DIRECTORY", str(tmp_path / name))

    async def main() -> set[str]:
        keys = KeyStore(tmp_path / "keys", environ={"GEMINI_API_KEY": "a-key-of-a-test"})
        async with running(Settings(), keys, Light(), simulation=Simulation(hurry=True)):
            coroutines = [task.get_coro() for task in asyncio.all_tasks()]
        return {getattr(one, "__qualname__", "") for one in coroutines}

    assert set() == WATCHES - asyncio.run(main())
