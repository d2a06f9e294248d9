"""`sena timers`, and the timers in the whole appliance."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from sena_pi import control
from sena_pi.cli import main
from sena_pi.places import runtime_folder
from sena_pi.settings import Settings
from sena_pi.timekeeping import Timekeeping
from sena_pi.timers.service import Timers
from sena_pi.timers.store import FILE_NAME, TimerStore
from tests.timers.clocks import StoryClocks, until


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))


def test_without_any_it_says_so(capsys: pytest.CaptureFixture[str]):
    """No daemon, no file."""
    assert 0 == main(["timers"])
    assert "no timers or alarms are set\n" == capsys.readouterr().out


def test_the_file_is_read_while_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """What is set, and that nothing will ring."""
    timers = Timers(TimerStore(tmp_path / FILE_NAME))
    timers.set_timer(600, "pasta")
    timers.set_alarm(StoryClocks()().local.replace(year=2099, hour=7))
    TimerStore(tmp_path / FILE_NAME).save(timers._kept())
    assert 0 == main(["timers"])
    captured = capsys.readouterr()
    pasta, alarm = captured.out.splitlines()
    assert re.fullmatch("pasta timer: 0:(10:00|09:5.) left", pasta)
    assert "alarm: Mon 2099-11-23 07:00" == alarm
    assert "not running" in captured.err


def test_the_assistant_that_runs_is_asked(capsys: pytest.CaptureFixture[str]):
    """Over its control socket; a ringing one is shown as such."""

    async def story() -> None:
        timekeeping = Timekeeping(Settings())
        timekeeping.answers.answer("set a pasta timer for ten minutes")
        async with asyncio.TaskGroup() as tasks:
            work = [*timekeeping.work(), control.serve(runtime_folder(), timekeeping.requests())]
            running = [tasks.create_task(one) for one in work]
            await until((runtime_folder() / control.SOCKET_NAME).exists)
            await until(lambda: timekeeping.timers.saved)
            assert 0 == await asyncio.to_thread(main, ["timers", "--json"])
            for task in running:
                task.cancel()

    asyncio.run(story())
    data = json.loads(capsys.readouterr().out)
    assert data["running"] is True
    assert ["pasta"] == [one["name"] for one in data["set"]]
    assert data["saved"] is True
    assert 1 == data["writes"]
