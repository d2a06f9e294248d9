"""What a booted card is held to, each as a function that tells what it saw.

Each raises AssertionError when it does not hold. `CHECKS` has them in their order.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.gemini_server import GeminiServer
from tests.image.appliance import (
    CANARY,
    EXTRAS,
    LOCAL,
    answer_heard,
    join_cloud,
    mount_extras,
    turns_in,
)
from tests.image.qemu import Guest
from tests.image.reading import (
    Mount,
    counters_in,
    mounts_in,
    sockets_in,
    usable_passwords,
    wanting,
)

BOUND = {
    "/etc/sena": "/etc-sena",
    "/var/lib/sena": "/lib-sena",
    "/var/cache/sena": "/cache-sena",
    "/var/lib/sena-releases": "/releases",
    "/var/lib/systemd/timesync": "/timesync",
}
"""Folder of the system -> folder of the data partition."""
LOWER = "/run/card/root"
"""Where the root partition is seen below the overlay."""
_SPARE_BYTES = 24 * 1024 * 1024


@dataclass
class Seen:
    """What the checks know of the card, and keep for those after them.

    Attributes:
        card_bytes: size of the card.
        cloud: on the host; None: the guest has no network.
        kept: figures by name.
    """

    card_bytes: int
    cloud: GeminiServer | None = None
    kept: dict[str, object] = field(default_factory=dict)


Check = Callable[[Guest, Seen], str]


def is_ready(guest: Guest, seen: Seen) -> str:
    """The assistant has said that it is ready, at its first start."""
    seen.kept["ready_s"] = ready_s = guest.ready_s()
    shown = guest.shown("sena", "NRestarts", "StatusText", "ActiveState")
    assert ("active", "0") == (shown["ActiveState"], shown["NRestarts"]), shown
    told = guest.run("systemd-analyze 2>/dev/null | head -1").out.strip()
    return f"{ready_s:.1f} s after the kernel began; {shown['StatusText']!r}; {told}"


def mounts_are_as_designed(guest: Guest, seen: Seen) -> str:
    """Root an overlay over what is never written; boot read-only; data apart, and bound."""
    columns = "TARGET,SOURCE,FSTYPE,OPTIONS"
    mounts = mounts_in(guest.out(f"findmnt --json --list -o {columns}"))
    boot, root, data = (f"/dev/{guest.partition(number)}" for number in (1, 2, 3))
    wanted = [
        _mount("/", "", "overlay", "rw"),
        _mount(LOWER, root, "ext4", "ro"),
        _mount("/boot/firmware", boot, "vfat", "ro"),
        _mount("/data", data, "ext4", "rw", "noatime"),
        _mount("/tmp", "", "tmpfs", "rw"),
    ]
    wanted += [_mount(to, f"{data}[{of}]", "ext4", "rw", "noatime") for to, of in BOUND.items()]
    problems = wanting(mounts, wanted)
    problems += [
        f"{it.target}: {it.device} may be written"
        for it in mounts.values()
        if it.device in (boot, root) and "rw" in it.options
    ]
    assert not problems, problems
    swaps = guest.out("tail -n +2 /proc/swaps").split()[::5]
    assert all(name.startswith("/dev/zram") for name in swaps), swaps
    size, end = map(int, guest.out(
        "df -B1 --output=size /data | tail -1; "
        f"d=/sys/class/block/{guest.partition(3)}; "
        "echo $(( ($(cat $d/start) + $(cat $d/size)) * 512 ))"
    ).split())  # fmt: skip
    assert end > seen.card_bytes - _SPARE_BYTES, f"data ends at {end} of {seen.card_bytes}"
    start = int(guest.out(f"cat /sys/class/block/{guest.partition(3)}/start")) * 512
    assert size > 0.85 * (end - start), f"its file system has {size} of {end - start} bytes"
    return f"{len(wanted)} mounts; data has {size // 2**20} MiB; swap: {swaps or 'none'}"


def _mount(target: str, source: str, kind: str, *options: str) -> Mount:
    return Mount(target, source, kind, frozenset(options))


def root_is_read_only(guest: Guest, _seen: Seen) -> str:
    """What is written goes to memory; to the partition nothing ever was, and nothing can be."""
    for place in (LOWER, "/boot/firmware"):
        refused = guest.run(f"touch {place}/written")
        assert refused.status != 0, place
        assert "Read-only" in refused.err, refused.err
    guest.out("echo x >/usr/local/written && rm /usr/local/written")
    stat = guest.out(f"cat /sys/class/block/{guest.partition(2)}/stat")
    assert counters_in(stat).sectors == 0, stat
    return "touch is refused on root and boot; 0 sectors written to root since the start"


def nothing_failed(guest: Guest, _seen: Seen) -> str:
    """No unit has."""
    failed = guest.out("systemctl --failed --no-legend --plain --no-pager")
    assert not failed.strip(), failed
    return guest.run("systemctl is-system-running").out.strip()


def nobody_can_log_in(guest: Guest, _seen: Seen) -> str:
    """No password that works, no ssh."""
    usable = usable_passwords(guest.out("cat /etc/shadow"))
    assert not usable, usable
    units = guest.run("systemctl is-active ssh.service ssh.socket sshd.service sshd.socket").out
    assert "active" not in units.split(), units
    enabled = guest.run("systemctl is-enabled ssh.service ssh.socket").out.split()
    assert "enabled" not in enabled, enabled
    return f"{len(guest.out('cat /etc/shadow').splitlines())} users are locked; ssh: {enabled}"


def listens_on_no_port(guest: Guest, seen: Seen) -> str:
    """No TCP from elsewhere; who waits for UDP is told. A port that is opened would be seen."""
    sockets = sockets_in(guest.out("ss -Hlntup"))
    tcp = [it for it in sockets if it.protocol == "tcp" and it.reachable]
    assert not tcp, tcp
    control = guest.out(
        "python3 -c \"import socket as s; x = s.create_server(('', 8099)); "
        "import subprocess; print(subprocess.run(['ss', '-Hlntup'], capture_output=True, "
        'text=True).stdout)"'
    )
    assert any(it.port == "8099" and it.reachable for it in sockets_in(control)), control
    udp = sorted({f"{it.port} {it.who[:30]}" for it in sockets if it.reachable})
    seen.kept["udp"] = udp
    return f"TCP: none; UDP: {', '.join(udp) or 'none'}"


def journal_is_volatile(guest: Guest, _seen: Seen) -> str:
    """In memory, and bounded."""
    files = guest.out("journalctl --header | sed -n 's/^File [Pp]ath: //p'").split()
    assert files, "there is no journal"
    assert all(it.startswith("/run/") for it in files), files
    limit = guest.run("journalctl -b -u systemd-journald -o cat | grep -m1 -o 'max [^,]*'").out
    return f"{len(files)} file(s) in /run, {limit.strip() or 'its limit is not told'}"


def key_was_taken_over(guest: Guest, _seen: Seen) -> str:
    """It is on the data partition, for root alone, and the card's file says that it moved."""
    kept = guest.out("stat -c '%a %U %G %s' /etc/sena/keys /etc/sena/keys/gemini").splitlines()
    assert kept[1].split()[:3] == ["600", "root", "root"], kept
    assert CANARY == guest.out("cat /etc/sena/keys/gemini").strip(), "it is another one"
    card = guest.out("cat /boot/firmware/sena.toml")
    assert CANARY not in card
    assert "moved to the device" in card, card
    assert guest.run("test -e /boot/firmware/sena-errors.txt").status, "there are errors"
    found = guest.run(
        "journalctl -b --all -o export >/run/journal; "
        f"grep -acF {CANARY[:-4]}''{CANARY[-4:]} /run/journal; rm /run/journal"
    )
    # The shell's own scripts are in no journal; whoever logs the key is.
    assert found.out.strip() == "0", f"the journal has it {found.out.strip()} times"
    return f"keys {kept[0]}, gemini {kept[1]}; sena.toml redacted; not in the journal"


def memory_fits(guest: Guest, seen: Seen) -> str:
    """How much is used when it is ready; it must fit a board of 512 MB."""
    lines = guest.out("cat /proc/meminfo").splitlines()
    kb = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    sena = guest.out(
        "p=/sys/fs/cgroup/system.slice/sena.service; cat $p/memory.current $p/memory.peak"
    ).split()
    used_mb = (kb["MemTotal"] - kb["MemAvailable"]) / 1024
    seen.kept["memory_used_mb"] = round(used_mb)
    peak_mb = int(sena[1]) / 2**20
    assert kb["MemAvailable"] > 0.1 * kb["MemTotal"], kb
    return (
        f"{used_mb:.0f} MB of {kb['MemTotal'] / 1024:.0f} used, "
        f"sena.service {int(sena[0]) / 2**20:.0f} MB, at most {peak_mb:.0f} MB, "
        f"swapped {(kb['SwapTotal'] - kb['SwapFree']) / 1024:.0f} MB"
    )


def answers_here(guest: Guest, _seen: Seen) -> str:
    """A recorded question is answered on the device, aloud."""
    turn, number = _answered(turns_in(guest, LOCAL, guest.board.tries, timeout_s=600), "rule")
    heard = answer_heard(guest)
    return f"turn {number}: {turn['answered']!r} by {turn['voice']}, {heard.loud_s:.1f} s of sound"


def _answered(told: list[dict[str, Any]], source: str) -> tuple[dict[str, Any], int]:
    """The first turn that was answered by this source, and which it was."""
    for number, turn in enumerate(told, start=1):
        if ("answered", source) == (turn["outcome"], turn["source"]):
            return turn, number
    raise AssertionError(f"none of {len(told)} turns: {told[-1]}")


def answers_by_the_cloud(guest: Guest, seen: Seen) -> str:
    """With the key of the card: the loopback Gemini takes no other."""
    if seen.cloud is None:
        return "not here: the machine has no network"
    mount_extras(guest)
    join_cloud(guest, seen.cloud)
    told = turns_in(guest, f"{EXTRAS}/question.wav", guest.board.tries, timeout_s=400)
    turn, number = _answered(told, "cloud")
    heard = answer_heard(guest)
    return f"turn {number}: {turn['answered']!r} by {turn['voice']}, {heard.loud_s:.1f} s of sound"


def cache_is_sound(guest: Guest, _seen: Seen) -> str:
    """`sena cache verify`."""
    verified = guest.run("/usr/lib/sena/bin/sena cache verify", 180)
    assert verified.status == 0, verified
    return verified.out.strip().splitlines()[-1] if verified.out.strip() else "verified"


def tells_cache_stats(guest: Guest, _seen: Seen) -> str:
    """`journalctl -u sena SENA_EVENT=cache_stats -o json`, of the service, after a SIGUSR1."""
    guest.out("systemctl start sena", 200)
    guest.ready_s()
    guest.out(
        "systemctl kill --kill-whom=main --signal=USR1 sena; for i in $(seq 100); do "
        "journalctl -q -u sena SENA_EVENT=cache_stats -o json | grep -q . && exit; sleep 0.3; "
        "done; exit 1"
    )
    lines = guest.out("journalctl -q -u sena SENA_EVENT=cache_stats -o json").splitlines()
    entry = json.loads(lines[-1])
    assert int(entry["SENA_ENTRIES"]) >= 0, entry
    return str(entry["MESSAGE"])


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        is_ready,
        mounts_are_as_designed,
        key_was_taken_over,
        root_is_read_only,
        nothing_failed,
        nobody_can_log_in,
        listens_on_no_port,
        journal_is_volatile,
        memory_fits,
        answers_here,
        answers_by_the_cloud,
        cache_is_sound,
        tells_cache_stats,
    )
}
