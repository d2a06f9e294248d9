"""The unit of the first boot under a real systemd, with a stand-in for the assistant.

It needs a tree of Debian that `scripts/prove service` has made before, with the Python that runs
this test.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.first_boot.taker import CARD, GEMINI
from tests.service.machine import CannotRun, Machine, booted, why_not

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARIES = (
    *("annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"),
)

_SENA = """#!/bin/sh
export PYTHONPATH=/usr/lib/sena/lib PYTHONDONTWRITEBYTECODE=1
case "$1" in
    run) exec python3 /usr/lib/sena/assistant.py ;;
    *) exec python3 -m sena_pi "$@" ;;
esac
"""
_ASSISTANT = """
import os, signal, sys, time
from pathlib import Path
from sena_pi.config import load
from sena_pi.first_boot.request import end_for_reset
from sena_pi.first_boot.status import left
from sena_pi.notify import Notifier

state = Path(os.environ["STATE_DIRECTORY"])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.signal(signal.SIGUSR2, lambda *_: end_for_reset(state))
print("keys", *sorted(os.listdir(os.environ["CREDENTIALS_DIRECTORY"])))
print("language", load().settings.cloud.language)
print("card", left().taken, flush=True)
notifier = Notifier.from_environment()
notifier.ready("hears nothing")
while True:
    notifier.alive()
    time.sleep(0.2)
"""


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Booted, with the units and our code in it, and an empty boot partition."""
    if reason := why_not():
        pytest.skip(reason)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    python = f"usr/bin/python3.{sys.version_info.minor}"
    trees = [it for it in (cache / "sena-pi/trees").glob("*") if (it / python).exists()]
    if not trees:
        pytest.skip("there is no tree of Debian with this Python: scripts/prove service makes one")
    try:
        with booted(trees[0]) as machine:
            furnish(machine)
            yield machine
    except CannotRun as error:
        pytest.skip(str(error))


def furnish(machine: Machine) -> None:
    library = machine.root / "usr/lib/sena/lib"
    shutil.copytree(REPOSITORY / "sena_pi", library / "sena_pi")
    for name in LIBRARIES:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        if spec.submodule_search_locations:
            shutil.copytree(Path(spec.origin).parent, library / name)
        else:
            shutil.copy(spec.origin, library)
    machine.put("/usr/lib/sena/assistant.py", _ASSISTANT)
    for place in ("bin/sena", "start"):
        machine.put(f"/usr/lib/sena/{place}", _SENA, 0o755)
    for unit in (REPOSITORY / "systemd").glob("sena*"):
        machine.put(f"/usr/lib/systemd/system/{unit.name}", unit.read_text(encoding="utf-8"))
    for kind in ("sysusers", "tmpfiles"):
        text = (REPOSITORY / "systemd" / f"{kind}.conf").read_text(encoding="utf-8")
        machine.put(f"/usr/lib/{kind}.d/sena.conf", text)
    machine.out("systemd-sysusers")
    machine.out("systemd-tmpfiles", "--create", "/usr/lib/tmpfiles.d/sena.conf")
    machine.out("mkdir", "-p", "/boot/firmware")
    machine.out("mount", "-t", "tmpfs", "-o", "noatime,nosuid,noexec", "tmpfs", "/boot/firmware")
    machine.out("systemctl", "daemon-reload")


def writes(machine: Machine, text: str) -> None:
    """A person writes the file on a PC."""
    machine.out("mount", "-o", "remount,rw", "/boot/firmware")
    machine.run("tee", "/boot/firmware/sena.toml", text=text)
    machine.out("mount", "-o", "remount,ro", "/boot/firmware")


def said(machine: Machine) -> list[str]:
    """What the last assistant to start has found."""
    lines = machine.messages("--unit=sena").splitlines()
    return [line for line in lines if line.startswith(("keys", "language", "card"))][-3:]


def test_a_card_is_taken_over_before_the_assistant_starts_and_a_wish_resets(
    machine: Machine,
) -> None:
    """In one start, within both sandboxes; and by the restart after the assistant has ended."""
    writes(machine, CARD.decode())
    machine.out("systemctl", "start", "sena")
    assert ["keys keys_gemini keys_porcupine", "language de-DE", "card new"] == said(machine)
    assert GEMINI not in machine.out("cat", "/boot/firmware/sena.toml")
    mounted = machine.out("findmnt", "--noheadings", "--output=OPTIONS", "/boot/firmware")
    assert {"ro", "noatime", "nosuid", "noexec"} <= set(mounted.strip().split(","))
    assert GEMINI not in machine.out("journalctl", "--quiet", "--all", "--output=json")

    machine.out("systemctl", "restart", "sena")
    assert "card known" == said(machine)[-1]

    machine.out("touch", "/var/cache/sena/answers")
    machine.out("systemctl", "kill", "--kill-whom=main", "--signal=SIGUSR2", "sena")
    machine.until(lambda: said(machine)[-1] == "card none", 30, "it starts anew, reset")
    assert ["keys", "language en-US", "card none"] == said(machine)
    left = machine.out(
        "find", "/etc/sena", "/var/cache/sena", "/var/lib/sena", "/boot/firmware", "-type", "f"
    )
    assert "" == left


def test_a_bad_card_keeps_nobody_from_starting(machine: Machine) -> None:
    """The unit has failed and says why; the assistant runs with the defaults."""
    writes(machine, f"[keys]\ngemini = {GEMINI}\n")
    machine.out("systemctl", "start", "sena")
    assert ["keys", "language en-US", "card bad"] == said(machine)
    assert "failed" == machine.active("sena-first-boot")
    assert "keys.gemini needs straight quotes" in machine.messages("--unit=sena-first-boot")
    told = machine.out("cat", "/boot/firmware/sena-errors.txt")
    assert "sena.toml:2: keys.gemini needs straight quotes" in told
