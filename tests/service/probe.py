"""What a process that was taken over would try. Runs inside the service's sandbox, as it is.

Prints one JSON object: for each probe, empty when it was denied, or what it got. Those in NEEDED
are what the service must be able to do. Standard library only: it runs on the machine's Python.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

STATE, CACHE, RUN = Path("/var/lib/sena"), Path("/var/cache/sena"), Path("/run/sena")
_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWUSER = 0x10000000


def call(name: str, *arguments: object) -> str:
    """Call the C library; what came of it, or OSError."""
    if getattr(_libc, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return f"{name} worked"


def write(path: str) -> str:
    """Write, and take it back."""
    file = Path(path)
    before = file.stat().st_size if file.exists() else None
    with file.open("a") as out:
        out.write("x")
    if before is None:
        file.unlink()
    elif file.is_relative_to("/etc"):
        os.truncate(file, before)
    return f"wrote {path}"


def look(path: str) -> str:
    names = [entry.name for entry in Path(path).iterdir()]
    return f"saw {names}" if names else empty(path)


def empty(path: str) -> str:
    """An empty folder in the place of a full one hides what was there as well as a refusal."""
    raise PermissionError(errno.EACCES, "nothing to see", path)


def read(path: str) -> str:
    return f"read {len(Path(path).read_bytes())} bytes of {path}"


def opened(family: int, kind: int) -> str:
    socket.socket(family, kind).close()
    return "opened"


def executed(folder: Path) -> str:
    program = folder / "probe-true"
    shutil.copy("/usr/bin/true", program)
    try:
        program.chmod(0o700)
        subprocess.run([str(program)], check=True)
    finally:
        program.unlink()
    return f"executed {program}"


def set_user_id_bit() -> str:
    file = STATE / "probe-suid"
    file.touch()
    try:
        file.chmod(0o4755)
        mode = stat.S_IMODE(file.stat().st_mode)
    finally:
        file.unlink()
    return f"mode {mode:o}"


def device_node() -> str:
    node = STATE / "probe-node"
    os.mknod(node, stat.S_IFCHR | 0o600, os.makedev(1, 1))
    node.unlink()
    return "made /dev/mem"


def writable_code() -> str:
    mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
    return "memory that is writable and executable"


def other_processes() -> str:
    mine = os.getuid()
    seen = [p.name for p in Path("/proc").iterdir() if p.name.isdigit() and p.stat().st_uid != mine]
    return f"saw processes {seen}" if seen else empty("/proc")


def realtime() -> str:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    return "real-time priority"


def higher_priority() -> str:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, before - 5)
    return f"priority from {before} to {before - 5}"


def listening() -> str:
    with socket.socket() as server:
        server.bind(("0.0.0.0", 8080))  # noqa: S104 - that is the question
        server.listen()
    return "listens on 0.0.0.0:8080"


def child_at_lowest_priority() -> str:
    code = "import os; os.setpriority(os.PRIO_PROCESS, 0, 19); print(os.getpriority(0, 0))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return f"a child at {run.stdout.strip()}" if run.stdout.strip() == "19" else ""


def kept() -> str:
    for folder in (STATE, CACHE, RUN):
        (folder / "probe-kept").write_text("x")
        (folder / "probe-kept").unlink()
    return "kept something in each folder"


def credential() -> str:
    return read(f"{os.environ.get('CREDENTIALS_DIRECTORY', '/none')}/keys_gemini")


def cpuinfo() -> str:
    return read("/proc/cpuinfo")


DENIED: dict[str, Callable[[], str]] = {
    "write settings": lambda: write("/etc/sena/sena.toml"),
    "write /etc": lambda: write("/etc/probe"),
    "write /usr": lambda: write("/usr/lib/sena/probe"),
    "write /var": lambda: write("/var/log/probe"),
    "list /root": lambda: look("/root"),
    "list /home": lambda: look("/home"),
    "list /boot": lambda: look("/boot"),
    "list key files": lambda: look("/etc/sena/keys"),
    "read a key file": lambda: read("/etc/sena/keys/gemini"),
    "read /etc/shadow": lambda: read("/etc/shadow"),
    "see other processes": other_processes,
    "signal systemd": lambda: str(os.kill(1, 0)),
    "netlink socket": lambda: opened(socket.AF_NETLINK, socket.SOCK_RAW),
    "packet socket": lambda: opened(socket.AF_PACKET, socket.SOCK_RAW),
    "raw socket": lambda: opened(socket.AF_INET, socket.SOCK_RAW),
    "execute from state": lambda: executed(STATE),
    "execute from cache": lambda: executed(CACHE),
    "execute from runtime": lambda: executed(RUN),
    "execute from /tmp": lambda: executed(Path("/tmp")),
    "execute from /dev/shm": lambda: executed(Path("/dev/shm")),
    "set-user-id bit": set_user_id_bit,
    "device node": device_node,
    "writable code": writable_code,
    "become root": lambda: str(os.setuid(0)) if os.getuid() else "is root",
    "new user namespace": lambda: call("unshare", _CLONE_NEWUSER),
    "mount": lambda: call("mount", b"none", b"/mnt", b"tmpfs", 0, None),
    "host name": lambda: call("sethostname", b"probe", 5),
    "clock": lambda: str(time.clock_settime(time.CLOCK_REALTIME, time.time())),
    "personality": lambda: call("personality", 0x0008),
    "kernel setting": lambda: write("/proc/sys/kernel/domainname"),
    "real-time priority": realtime,
    "higher priority": higher_priority,
    # With wrong magic numbers it does nothing, and says so where it may be called at all.
    "reboot": lambda: call("syscall", 169 if os.uname().machine == "x86_64" else 142, 0, 0, 0, 0),
}
ONLY_WITH_BPF: dict[str, Callable[[], str]] = {"listen": listening}
"""Denied by programs in the kernel, which not every kernel lets be put there."""
NEEDED: dict[str, Callable[[], str]] = {
    "lowest priority": child_at_lowest_priority,
    "keep": kept,
    "key as a credential": credential,
    "/proc/cpuinfo": cpuinfo,
    "call out": lambda: opened(socket.AF_INET, socket.SOCK_STREAM),
}


def tried(probe: Callable[[], str]) -> str:
    """What it got; empty: it was denied."""
    try:
        return probe() or "worked"
    except (OSError, subprocess.SubprocessError) as error:
        # EINVAL comes from behind the door.
        return "was let in" if getattr(error, "errno", None) == errno.EINVAL else ""


def main() -> None:
    groups = {"denied": DENIED, "bpf": ONLY_WITH_BPF, "needed": NEEDED}
    told = {
        group: {name: tried(probe) for name, probe in probes.items()}
        for group, probes in groups.items()
    }
    Path(sys.argv[1]).write_text(json.dumps(told))


if __name__ == "__main__":
    main()
