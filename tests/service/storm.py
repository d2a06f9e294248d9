"""The trial of a storm of failures: it ends in the failure unit, and Sena never gives up."""

from __future__ import annotations

import time
from pathlib import Path

from tests.service.furnished import asked, heard_bytes, loud_s
from tests.service.machine import Machine

_WRONG = "/etc/sena/sena.d/wrong.toml"
_BURST = 6


def storm_ends_and_recovers(machine: Machine, _deb: Path) -> str:
    """Settings that can't be used: a storm, one spoken line, and by itself up again when mended."""
    # Instead of after five minutes.
    machine.put(
        "/etc/systemd/system/sena-retry.timer.d/soon.conf",
        "[Timer]\nOnActiveSec=\nOnActiveSec=20s\nOnUnitInactiveSec=20s\nAccuracySec=1s\n",
    )
    machine.out("systemctl", "daemon-reload")
    machine.put(_WRONG, "[wake]\nsensitivity = 7\n")
    wrong = machine.root / _WRONG.lstrip("/")
    try:
        return "; ".join((_storm(machine), _stays_stopped(machine), _mended(machine, wrong)))
    finally:
        wrong.unlink(missing_ok=True)
        machine.out("systemctl", "reset-failed", "sena")
        machine.out("systemctl", "start", "sena")


def _storm(machine: Machine) -> str:
    """One line at the first; then it is tried again, by hand and by itself, silently."""
    since = heard_bytes(machine)
    # Starts by hand count as well, and there were some.
    machine.out("systemctl", "reset-failed", "sena")
    start = time.monotonic()
    machine.run("systemctl", "restart", "sena")
    _until_red(machine)
    failed_s = time.monotonic() - start
    starts = _attempts(machine)
    assert starts >= _BURST - 1, f"{starts} attempts"
    machine.until(lambda: loud_s(machine, since) > 1.0, 30, "the line is spoken")
    noted = ("test", "-s", "/run/sena-failure/spoken")
    machine.until(lambda: machine.run(*noted).status == 0, 30, "the line is spoken to its end")
    again = heard_bytes(machine)
    # Somebody tries it by hand, again and again: it is really tried, and ends the same.
    for _ in range(2):
        tried = _attempts(machine)
        assert machine.run("systemctl", "restart", "sena").status != 0
        assert _attempts(machine) > tried, "a start by hand was refused"
    _until_red(machine)
    machine.until(lambda: machine.active("sena-failure") != "active", 40, "it is tried by itself")
    _until_red(machine)
    assert loud_s(machine, again) < 0.3, "the line was repeated"
    return f"red after {failed_s:.0f} s and {starts} attempts; one line; tried again, silently"


def _attempts(machine: Machine) -> int:
    return machine.messages("--unit=sena").count("wrong.toml")


def _until_red(machine: Machine) -> None:
    """Wait until it was given up for the moment."""
    machine.until(lambda: _states(machine) == ("failed", "active"), 60, "it is given up, and red")


def _states(machine: Machine) -> tuple[str, str]:
    return machine.active("sena"), machine.active("sena-failure")


def _stays_stopped(machine: Machine) -> str:
    """Somebody stops it while it is red: the next retry leaves it alone."""
    machine.out("systemctl", "stop", "sena")
    # It returns when Sena has stopped, which it had before.
    machine.until(lambda: _states(machine) == ("inactive", "inactive"), 20, "it is stopped, dark")
    last = _last_retry(machine)
    machine.until(lambda: _last_retry(machine) != last, 40, "it is asked whether to retry")
    machine.until(lambda: machine.active("sena-retry.service") == "inactive", 20, "it was asked")
    assert _states(machine) == ("inactive", "inactive"), _states(machine)
    return "stopped by hand it stays so"


def _last_retry(machine: Machine) -> str:
    return machine.shown("sena-retry.timer", "LastTriggerUSecMonotonic")["LastTriggerUSecMonotonic"]


def _mended(machine: Machine, wrong: Path) -> str:
    """Up by itself, dark and answering, when the settings are right again."""
    machine.run("systemctl", "start", "sena")
    _until_red(machine)
    wrong.unlink()
    mended_s = machine.until(
        lambda: machine.active("sena") == "active", 60, "it is up when the settings are mended"
    )
    assert machine.active("sena-failure") == "inactive"
    turn = asked(machine, "hey jarvis, what time is it")
    assert "rule" == turn["SENA_SOURCE"]
    return f"up by itself {mended_s:.0f} s after it was mended, and answers"
