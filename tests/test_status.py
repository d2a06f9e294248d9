"""`sena status` and `sena doctor`, asked of an assistant that runs, as a person asks."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sena_pi.app import Simulation, running
from sena_pi.breaker import Breaker
from sena_pi.devices.audio import AudioHealth
from sena_pi.errors import CloudBusy
from sena_pi.keys import KeyStore
from sena_pi.report import Outcome, Source, TurnReport
from sena_pi.settings import Settings
from sena_pi.status import StatusBoard, lines
from sena_pi.watchdog import Fault, Verdict
from tests.house import Light
from tests.test_run import environment, sena

BOUND_S = 40.0
WORDS = "my secret canary sentence"


# --- the board --------------------------------------------------------------------------------


class Board:
    """A status board, and the audio worker it tells of."""

    def __init__(self, *, cloud: Breaker | None = None, muted: bool = False) -> None:
        self.health = AudioHealth(
            ready={"wake_engine": "porcupine", "wake_words": ["hey sena", "jarvis"]}
        )
        self.now_s = 100.0
        ready = SimpleNamespace(is_set=lambda: True)
        audio: Any = SimpleNamespace(
            health=self.health,
            supervisor=SimpleNamespace(replacements=0),
            speaker=SimpleNamespace(ready=ready),
        )
        self.board = StatusBoard(audio, cloud, muted=lambda: muted, monotonic=lambda: self.now_s)

    def line(self, turn: str | None = None, **verdict: Any) -> str:
        return self.board.line(Verdict(**verdict), turn=turn)

    def told(self, **verdict: Any) -> list[str]:
        data = {**self.board.as_dict(Verdict(**verdict), turn=None), "cache": None}
        return list(lines(json.loads(json.dumps(data))))  # as it comes through the socket


def test_one_line_says_what_it_does() -> None:
    """As `systemctl status` shows it."""
    it = Board()
    assert "starting to listen" == it.line()
    assert 'listening for "hey sena" or "jarvis"' == it.line(hearing=True)
    assert "listening to a question" == it.line("listening", hearing=True)
    assert "answering a question" == it.line("answering", hearing=True)
    assert it.line(deaf=True, hearing=False).startswith("deaf: ")
    assert "not well: " + Fault.LIGHT == it.line(faults=(Fault.LIGHT,), ready=True)
    it.health.heartbeat = {"capturing": False, "text": "there is none"}
    assert "no microphone: there is none; it is looked for" == it.line(ready=True)
    assert "muted" == Board(muted=True).line(hearing=True)


def test_a_cloud_that_rests_is_told_with_the_reason() -> None:
    """And for how long; the one line stays the same meanwhile, for it is told when it changes."""
    breaker = Breaker("the cloud's answers", monotonic=lambda: 50.0)
    it = Board(cloud=breaker)
    assert "  cloud        asked" in it.told(hearing=True)
    with breaker.attempt() as attempt:
        attempt.failed(CloudBusy("over quota", retry_after_s=37))
    assert it.line(hearing=True).endswith("; the cloud is not asked now (quota)")
    assert "  cloud        not asked for another 37 s: over quota" in it.told(hearing=True)


def test_the_last_turn_is_told_in_times_and_not_in_words() -> None:
    """With how it went and how long ago."""
    it = Board()
    it.board.turn_ended(
        TurnReport(
            turn="1",
            trigger="jarvis",
            outcome=Outcome.ANSWERED,
            heard=WORDS,
            answered=WORDS,
            told=("filler",),
            source=Source.CACHE,
            tier="card",
            ms={"first_audio": 321.0},
            problems=("the cloud was slow",),
        )
    )
    it.now_s += 3700
    told = it.told(hearing=True)
    row = (
        "  last turn    1 h 1 min ago by jarvis, answered, from cache in card, "
        "first sound 321 ms after speech, told filler"
    )
    assert row in told
    assert "  turns        1 answered" in told
    assert "the cloud was slow" in told[-1]
    assert WORDS not in "".join(told)


def test_what_is_wrong_is_told_first() -> None:
    """Faults, zeros and replaced workers."""
    it = Board()
    it.health.microphone = "usb"
    it.health.heartbeat = {"capturing": True, "frames": 1000, "lost_frames": 7}
    told = it.told(faults=(Fault.ZEROS,), zeros_s=601.0, ready=True, deaf=True)
    assert told[0].startswith("deaf: ")
    assert told[1].endswith(Fault.ZEROS)
    assert any("usb, 1,000 frames heard, 7 lost, nothing but zeros for 601 s" in it for it in told)


# --- the commands -----------------------------------------------------------------------------


def test_one_that_runs_tells_how_it_is_and_lends_the_doctor_its_ears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sena status`, and `sena doctor` beside an appliance that holds the sound devices."""
    for name, value in environment(tmp_path).items():
        if name.endswith("_DIRECTORY"):
            monkeypatch.setenv(name, value)

    async def main() -> list[subprocess.CompletedProcess[str]]:
        keys = KeyStore(tmp_path / "keys", environ={})
        turns: asyncio.Queue[TurnReport] = asyncio.Queue()
        async with running(
            Settings(),
            keys,
            Light(),
            simulation=Simulation(hurry=True),
            on_report=turns.put_nowait,
        ) as appliance:
            async with asyncio.timeout(BOUND_S):
                await appliance.listening.wait()
                appliance.assistant.press()  # and nobody says anything
                await turns.get()
            checks = ("service", "microphone", "wake word")
            return [
                await asyncio.to_thread(sena, tmp_path, *argv)
                for argv in (("status",), ("status", "--json"), ("doctor", "--json", *checks))
            ]

    told, values, examined = asyncio.run(main())
    assert 0 == told.returncode, told.stderr
    assert "simulated microphone" in told.stdout
    data = json.loads(values.stdout)
    assert ([], "porcupine 1.9") == (data["faults"], data["wake"]["engine"])
    assert 1 == sum(data["turns"].values())
    found = {check["name"]: check for check in json.loads(examined.stdout)["checks"]}
    assert ["service", "microphone", "wake word"] == list(found)
    assert ("good", "good") == tuple(found[name]["level"] for name in ("service", "wake word"))
    assert found["microphone"]["figures"]["frames"] > 50


def test_where_none_runs_that_is_said(tmp_path: Path) -> None:
    """In one line; the doctor does its work all the same."""
    folder = tmp_path / "nobody"
    assert "sena is not running" in sena(folder, "status").stderr
    run = sena(folder, "doctor", "service", "memory", "versions")
    assert 1 == run.returncode
    assert "! service    sena is not running" in run.stdout
    assert "ok versions   sena " in run.stdout
    unknown = sena(folder, "doctor", "tricorder")
    assert (1, True) == (unknown.returncode, "there is no check" in unknown.stderr)
