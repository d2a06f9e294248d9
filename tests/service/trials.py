"""What the installed service is held to, each as a function that tells what it saw.

They share one machine and come in the order of `TRIALS`; a trial leaves the service running.
Each raises AssertionError when it does not hold.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

from tests.service.furnished import (
    NEXT,
    asked,
    give_sound,
    install,
    loopback_cloud,
    next_version,
    status,
)
from tests.service.machine import Machine
from tests.service.storm import storm_ends_and_recovers

QUESTION = "hey jarvis, what is the capital of france"
WITHIN_S = 25.0
"""From the moment when a heart stops until the service is ready again."""
LEAST_PROBES = 15
UNITS = "/usr/lib/systemd/system"

Trial = Callable[[Machine, Path], str]


def installs_and_becomes_ready(machine: Machine, deb: Path) -> str:
    """No key, no network, no sound device: it is ready all the same, and says what is missing."""
    start = time.monotonic()
    install(machine, deb)
    took_s = time.monotonic() - start
    shown = machine.shown("sena", "ActiveState", "NRestarts", "StatusText", "UnitFileState")
    assert ("active", "0") == (shown["ActiveState"], shown["NRestarts"]), shown
    assert shown["UnitFileState"] == "enabled"
    return f"installed in {took_s:.0f} s; ready: {shown['StatusText']!r}"


def libraries_are_found(machine: Machine, _deb: Path) -> str:
    """Every shared object of the package finds the libraries that it wants."""
    objects = machine.out("find", "/usr/lib/sena", "-name", "*.so*", "-type", "f").split()
    wanted = machine.run("ldd", *objects, timeout_s=200).out
    missing = sorted({line.strip() for line in wanted.splitlines() if "not found" in line})
    # Those of other systems are not loaded, and are no programs of this one.
    assert not missing, missing
    return f"{len(objects)} shared objects"


def units_are_clean(machine: Machine, _deb: Path) -> str:
    """Of the units systemd has nothing to say, and their exposure is at most 1.3."""
    units = machine.out("sh", "-c", f"ls {UNITS}/sena*.service {UNITS}/sena*.timer").split()
    for unit in units:
        verified = machine.run("systemd-analyze", "verify", unit)
        assert (0, "", "") == (verified.status, verified.out, verified.err), verified
    services = [unit for unit in units if unit.endswith(".service")]
    exposures = [_exposure(machine, unit) for unit in services]
    return ", ".join(f"{Path(u).name} {e}" for u, e in zip(services, exposures, strict=True))


def _exposure(machine: Machine, unit: str) -> str:
    judged = machine.run(
        "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=13", unit
    )
    assert judged.status == 0, judged.out[-200:]
    found = re.search(r"exposure level for \S+: ([\d.]+)", judged.out)
    assert found is not None
    return found[1]


def hears_and_answers_without_key(machine: Machine, _deb: Path) -> str:
    """Through the sandbox: microphone, wake word, understanding, voice, speaker."""
    give_sound(machine)
    machine.out("systemctl", "daemon-reload")
    machine.out("systemctl", "restart", "sena")
    turn = asked(machine, "hey jarvis, what time is it")
    assert "rule" == turn["SENA_SOURCE"], turn
    return f"turn by {turn['SENA_TRIGGER']}, from a {turn['SENA_SOURCE']}"


def listens_on_no_port(machine: Machine, _deb: Path) -> str:
    """No TCP or UDP socket waits for anybody; one that is opened would be seen."""
    assert "" == machine.out("ss", "-Hlntup")
    control = machine.out(
        "sh", "-c", "python3 -m http.server 8099 >/dev/null 2>&1 & p=$!; "
        "for i in $(seq 50); do ss -Hlnt | grep 8099 && break; sleep 0.1; done; kill $p",
    )  # fmt: skip
    assert "8099" in control
    return "none (the control was seen)"


def answers_with_a_key(machine: Machine, _deb: Path) -> str:
    """A key that is set is used after a restart, is known to nobody else, and is told to nobody."""
    with loopback_cloud(machine) as (address, key):
        _use_cloud(machine, address, key)
        turn = asked(machine, QUESTION)
        assert "cloud" == turn["SENA_SOURCE"], turn
        again = asked(machine, QUESTION)
        assert "cache" == again["SENA_SOURCE"], again
    assert key not in machine.out("journalctl", "--all", "--output=export")
    kept = machine.run("grep", "-rlF", key, "/etc", "/var", "/run", "/tmp").out.split()
    assert {"/etc/sena/keys/gemini", "/run/credentials/sena.service/keys_gemini"} == set(kept)
    assert "france" not in machine.out("journalctl", "--all", "--output=export").lower()
    return "cloud, then cache; key and question are not in the journal"


def _use_cloud(machine: Machine, address: str, key: str) -> None:
    machine.run("sena", "key", "set", "gemini", text=key)
    machine.put("/etc/sena/sena.d/cloud.toml", f'[cloud]\nbase_url = "{address}"\n')
    machine.out("systemctl", "restart", "sena")


def tells_cache_stats_by_field(machine: Machine, _deb: Path) -> str:
    """`journalctl -u sena SENA_EVENT=cache_stats -o json` after a SIGUSR1."""
    machine.out("systemctl", "kill", "--kill-who=main", "--signal=USR1", "sena")
    query = ("--unit=sena", "SENA_EVENT=cache_stats")
    machine.until(lambda: bool(machine.journal(*query)), 10, "the cache's counters are told")
    entry = machine.journal(*query)[-1]
    assert int(str(entry["SENA_ENTRIES"])) >= 1, entry
    return str(entry["MESSAGE"])


def lowers_its_own_priority(machine: Machine, _deb: Path) -> str:
    """Work that must not be felt runs at the lowest priority, inside the sandbox."""
    pid = machine.shown("sena", "MainPID")["MainPID"]
    listed = machine.out("ps", "-L", "-o", "ni=,comm=", "-p", pid).splitlines()
    levels = sorted(int(line.split()[0]) for line in listed)
    assert levels[0] < 0, listed
    assert 19 in levels, listed
    return f"threads at {levels}"


def watchdog_restarts(machine: Machine, _deb: Path) -> str:
    """The main process stands still: it is killed and ready again in time."""
    before = int(machine.shown("sena", "NRestarts")["NRestarts"])
    machine.out("systemctl", "kill", "--kill-who=main", "--signal=STOP", "sena")
    took_s = machine.until(
        lambda: _ready_again(machine, before), WITHIN_S + 15, "it is ready after the watchdog"
    )
    assert "Watchdog timeout" in machine.messages("--unit=sena")
    assert took_s <= WITHIN_S, f"{took_s:.1f} s"
    return f"ready again {took_s:.1f} s after it stood still"


def _ready_again(machine: Machine, before: int) -> bool:
    shown = machine.shown("sena", "NRestarts", "ActiveState")
    return int(shown["NRestarts"]) > before and shown["ActiveState"] == "active"


def worker_is_replaced(machine: Machine, _deb: Path) -> str:
    """A worker that stands still is replaced, without a restart of the service."""
    before = machine.shown("sena", "NRestarts")["NRestarts"]
    (worker,) = machine.out("pgrep", "-f", "sena_pi.workers.audio").split()
    machine.out("kill", "-STOP", worker)

    def replaced() -> bool:
        found = machine.run("pgrep", "-f", "sena_pi.workers.audio").out.split()
        return bool(found) and worker not in found and "listening" in status(machine)

    took_s = machine.until(replaced, WITHIN_S, "the worker is replaced")
    assert before == machine.shown("sena", "NRestarts")["NRestarts"]
    return f"listens again after {took_s:.1f} s, no restart"


def sandbox_holds(machine: Machine, _deb: Path) -> str:
    """Probes inside the service's own sandbox are denied; outside of it they are not."""
    machine.out("systemctl", "stop", "sena")
    source = (Path(__file__).parent / "probe.py").read_text(encoding="utf-8")
    machine.put("/usr/local/lib/probe.py", source, 0o755)
    machine.put("/etc/systemd/system/sena-probe.service", _as_probe(machine))
    machine.put("/etc/systemd/system/sena-probe-free.service", _FREE)
    for folder in ("root", "home", "boot"):
        machine.put(f"/{folder}/seen", "something to see")
    machine.out("systemctl", "daemon-reload")
    caged = _probed(machine, "sena-probe", "/var/lib/sena/probe.json")
    free = _probed(machine, "sena-probe-free", "/srv/probe.json")
    machine.out("systemctl", "start", "sena")
    escapes = {name: got for name, got in caged["denied"].items() if got}
    assert not escapes, escapes
    unable = [name for name, got in caged["needed"].items() if not got]
    assert not unable, unable
    meant = sum(bool(got) for got in free["denied"].values())
    assert meant >= LEAST_PROBES, free
    bpf = "denied" if not caged["bpf"]["listen"] else "not denied here: this kernel takes no BPF"
    return (
        f"{len(caged['denied'])} probes denied, of which {meant} work outside; "
        f"{len(caged['needed'])} needed things work; listening: {bpf}"
    )


_FREE = """\
[Service]
Type=oneshot
StateDirectory=sena
CacheDirectory=sena
RuntimeDirectory=sena
ExecStart=/usr/bin/python3 /usr/local/lib/probe.py /srv/probe.json
"""


def _as_probe(machine: Machine) -> str:
    """The unit as it is installed, with the probes in the place of the assistant."""
    unit = (machine.root / UNITS.lstrip("/") / "sena.service").read_text(encoding="utf-8")
    service = unit[unit.index("[Service]") : unit.index("[Install]")]
    for name, value in {
        "Type": "oneshot",
        "ExecStart": "/usr/lib/sena/bin/python -P /usr/local/lib/probe.py /var/lib/sena/probe.json",
        "Restart": "no",
        "WatchdogSec": "0",
    }.items():
        service, found = re.subn(rf"^{name}=.*$", f"{name}={value}", service, flags=re.MULTILINE)
        assert found == 1, name
    return service


def _probed(machine: Machine, unit: str, place: str) -> dict[str, dict[str, str]]:
    machine.out("systemctl", "start", unit)
    found: dict[str, dict[str, str]] = json.loads(
        (machine.root / place.lstrip("/")).read_text(encoding="utf-8")
    )
    return found


def upgrades(machine: Machine, deb: Path) -> str:
    """To the next version: settings, keys, what was remembered and what was cached stay."""
    with loopback_cloud(machine) as (address, key):
        _use_cloud(machine, address, key)
        asked(machine, QUESTION)
        settings = machine.root / "etc/sena/sena.toml"
        settings.write_text(settings.read_text() + "# mine\n")
        machine.out("sena", "volume", "65")
        before, kept = machine.shown("sena", "MainPID"), _digests(machine, "/etc/sena")
        assert "/etc/sena/keys/gemini" in kept
        install(machine, next_version(deb, machine.root / "srv"))
        assert "active" == machine.active("sena")
        assert before != machine.shown("sena", "MainPID"), "the old one still runs"
        now = _digests(machine, "/etc/sena")
        assert kept == {path: now.get(path) for path in kept}
        assert 65 == json.loads(machine.out("sena", "volume", "--json"))["volume"]
        turn = asked(machine, QUESTION)
        assert "cache" == turn["SENA_SOURCE"], turn
    version = machine.out("dpkg-query", "--show", "--showformat=${Version}", "sena-pi")
    assert version.endswith(NEXT), version
    return f"to {version}: settings, key, volume, and an answer from the cache"


def _digests(machine: Machine, folder: str) -> dict[str, str]:
    """Path -> digest of its bytes, and who may do what with it."""
    paths = machine.out("find", folder, "-type", "f").split()
    return {
        path: machine.out("sha256sum", path).split()[0]
        + machine.out("stat", "--format=%a %u %g", path)
        for path in paths
    }


def removes_and_purges(machine: Machine, _deb: Path) -> str:
    """What a person changed outlives a removal; nothing outlives a purge."""
    machine.out("dpkg", "--remove", "sena-pi", timeout_s=200)
    assert machine.active("sena") == "inactive", machine.active("sena")
    left = machine.run("pgrep", "-af", "/usr/lib/sena").out
    assert not left, left
    for place in ("etc/sena/keys/gemini", "etc/sena/sena.toml", "var/lib/sena", "var/cache/sena"):
        assert (machine.root / place).exists(), place
    left = machine.run("find", "/usr/lib/sena").out
    assert not left, left[:300]
    machine.out("dpkg", "--purge", "sena-pi", timeout_s=200)
    for mine in ("sena.service.d", "sena-failure.service.d", "sena-retry.timer.d"):
        machine.out("rm", "-r", f"/etc/systemd/system/{mine}")
    machine.out("sh", "-c", "rm -f /etc/systemd/system/sena-probe*.service /root/sena-pi.deb")
    # Pages that were looked at are man-db's to forget.
    except_pages = ("-path", "/var/cache/man", "-prune", "-o")
    left = machine.out(
        "find", "/", "-xdev", *except_pages, "-regex", r".*/sena\([-._].*\)?", "-print"
    )
    assert not left, left
    return "settings and keys kept by removal; nothing left by purge but the locked user"


TRIALS: dict[str, Trial] = {
    trial.__name__: trial
    for trial in (
        installs_and_becomes_ready,
        libraries_are_found,
        units_are_clean,
        hears_and_answers_without_key,
        listens_on_no_port,
        answers_with_a_key,
        tells_cache_stats_by_field,
        lowers_its_own_priority,
        worker_is_replaced,
        watchdog_restarts,
        sandbox_holds,
        storm_ends_and_recovers,
        upgrades,
        removes_and_purges,
    )
}
