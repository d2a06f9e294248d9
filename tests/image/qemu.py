"""A machine that boots a card image in QEMU: what it is started with, and how it ends.

The image is booted as it is: kernel, initial RAM disk and device tree are those on its own FAT
partition, handed over by QEMU because neither machine runs the Raspberry Pi's firmware. The command
line is that of the card (`cmdline.txt`), but for the console, and with a root shell on the serial
line.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.image.serial import LineLost, Result, Shell

COMMAND_LINE_LIMIT = 2048
"""Bytes that arm64 takes, the final zero among them."""
PROGRAM = "qemu-system-aarch64"
_DROPPED = ("console=", "root=", "quiet", "loglevel=", "splash", "plymouth.", "init=/usr/lib/rasp")


@dataclass(frozen=True, slots=True)
class Board:
    """A machine that QEMU has.

    Attributes:
        name: as QEMU has it.
        memory_mb: of RAM.
        options: what else it is started with.
        words: what the kernel must be told for it.
        tty: the serial line of the shell.
        boot_s: longest wait for the shell, on a busy host.
        ready_s: longest wait for the assistant after that.
        tries: how many questions it may need until one is answered: it is no real board, and the
            ears of a slow one give up on those that they hear while they warm up.
    """

    name: str
    memory_mb: int
    options: tuple[str, ...]
    words: tuple[str, ...] = ()
    tty: str = "ttyAMA0"
    boot_s: float = 240.0
    ready_s: float = 400.0
    tries: int = 4
    network: bool = True

    def card_options(self, card: Path, form: str) -> tuple[str, ...]:
        """The card as a drive of this machine."""
        drive = f"id=card,file={card},format={form}"
        if self.name == "raspi3b":
            return ("-drive", f"if=sd,{drive}")
        return ("-drive", f"if=none,{drive}", "-device", "virtio-blk-device,drive=card")


VIRT = Board(
    "virt", 512, ("-cpu", "cortex-a53", "-smp", "2", "-m", "512", "-nodefaults")
)  # fmt: skip
RASPI3B = Board(
    "raspi3b",
    1024,
    ("-nodefaults",),
    # What QEMU's board has not would be waited for: two minutes.
    # And its watchdog resets as soon as it is armed.
    # Of its four processors, two: as many as a small host can run at once.
    ("module_blacklist=vc4,snd_bcm2835,bcm2835_v4l2,dwc2", "systemd.watchdog_sec=off", "maxcpus=2"),
    # The first one is Bluetooth's by the device tree: the kernel writes there, and nobody reads.
    tty="ttyS1",
    boot_s=400.0,
    ready_s=900.0,
    tries=12,
    network=False,
)
BOARDS = {board.name: board for board in (VIRT, RASPI3B)}


def command_line(of_the_card: str, board: Board, root: str = "") -> str:
    """What the kernel is told: the card's own words, the console and shell on the serial line.

    Args:
        of_the_card: its cmdline.txt.
        board: the machine.
        root: where the root file system is; by default what the card says.

    Raises:
        ValueError: it is longer than a kernel takes.
    """
    words = of_the_card.split()
    kept = [it for it in words if not it.startswith(_DROPPED)]
    kept += [f"root={root}"] if root else [it for it in words if it.startswith("root=")]
    kept += ["console=ttyAMA0,115200", "loglevel=4", *board.words]
    # One program reads the line: no login beside the shell.
    kept += [f"systemd.debug_shell={board.tty}", "systemd.getty_auto=no", "systemd.show_status=no"]
    line = " ".join(kept)
    if len(line.encode()) >= COMMAND_LINE_LIMIT:
        raise ValueError(f"the command line has {len(line)} characters")
    return line


@dataclass(frozen=True, slots=True)
class Start:
    """What a machine is started from.

    Attributes:
        board: the machine.
        kernel: taken from the card.
        initrd: taken from the card.
        dtb: the board's device tree; None: QEMU makes one.
        command_line: what the kernel is told.
        card: the image, or a layer over it.
        form: "raw" or "qcow2".
        extras: another disk, only to be read; None: there is none.
    """

    board: Board
    kernel: Path
    initrd: Path
    dtb: Path | None
    command_line: str
    card: Path
    form: str = "raw"
    extras: Path | None = None

    def argv(self, folder: Path) -> list[str]:
        """The command, its sockets and log in this folder."""
        serial = f"socket,id=line,path={folder}/line,server=on,wait=on,logfile={folder}/log"
        argv = [PROGRAM, "-M", self.board.name, *self.board.options]
        argv += ["-display", "none", "-no-reboot", "-chardev", serial]
        if self.board.tty != "ttyAMA0":
            argv += ["-serial", f"file:{folder}/console"]
        argv += ["-serial", "chardev:line"]
        argv += ["-kernel", str(self.kernel), "-initrd", str(self.initrd)]
        argv += ["-dtb", str(self.dtb)] if self.dtb is not None else []
        argv += ["-append", self.command_line, *self.board.card_options(self.card, self.form)]
        if self.extras is not None:
            argv += ["-drive", f"if=none,id=extras,file={self.extras},format=raw,readonly=on"]
            argv += ["-device", "virtio-blk-device,drive=extras,serial=sena-test"]
        if self.board.network:
            # The host's loopback is 10.0.2.2 for it.
            argv += ["-netdev", "user,id=net", "-device", "virtio-net-device,netdev=net"]
        return argv


class Guest:
    """A machine that was started, and the shell in it.

    Attributes:
        board: what it is.
        started: monotonic time when it was switched on.
    """

    def __init__(self, start: Start, folder: Path) -> None:
        self.board = start.board
        self._log = folder / "log"
        self._root = ""
        self.started = time.monotonic()
        argv = start.argv(folder)
        self._process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        while not (folder / "line").exists():
            if self._process.poll() is not None:
                assert self._process.stderr is not None
                raise LineLost(f"QEMU: {self._process.stderr.read().decode().strip()[-500:]}")
            time.sleep(0.02)
        self.shell = Shell(folder / "line", self.alive)

    def alive(self) -> bool:
        """QEMU runs."""
        return self._process.poll() is None

    @property
    def log(self) -> str:
        """What came over the serial line."""
        return self._log.read_text(errors="replace")

    def told(self) -> str:
        """What the log has by now; what comes later is behind it."""
        return self.log

    def listen(self, seconds: float) -> None:
        """Let it go on for so long."""
        self.shell.listen(seconds)

    def begin(self) -> float:
        """Wait for the shell; seconds since it was switched on."""
        self.shell.begin(self.board.boot_s)
        took_s = time.monotonic() - self.started
        # Of two disks, either may be the first.
        self._root = self.out("blkid -L sena-root").strip().removeprefix("/dev/")
        return took_s

    def partition(self, number: int) -> str:
        """How Linux calls a partition of the card, such as "vda1"."""
        assert self._root.endswith("2"), f"the root partition is {self._root!r}"
        return f"{self._root[:-1]}{number}"

    def run(self, script: str, timeout_s: float = 90.0) -> Result:
        """Run a script of `sh` in it, as root."""
        return self.shell.run(script, timeout_s)

    def out(self, script: str, timeout_s: float = 90.0) -> str:
        """Standard output of a script that must succeed."""
        result = self.run(script, timeout_s)
        if result.status:
            said = f"{result.out.strip()[-400:]} {result.err.strip()[-800:]}"
            raise AssertionError(f"{script[:200]}: status {result.status}: {said}")
        return result.out

    def shown(self, unit: str, *names: str) -> dict[str, str]:
        """Properties of a unit."""
        lines = self.out(f"systemctl show {unit} -p {','.join(names)}").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def ready_s(self, unit: str = "sena.service") -> float:
        """Wait until a unit is active; its time since the kernel's start.

        Raises:
            AssertionError: it never is.
        """
        end = time.monotonic() + self.board.ready_s
        names = ("ActiveState", "SubState", "ActiveEnterTimestampMonotonic", "NRestarts", "Result")
        while True:
            shown = self.shown(unit, *names)
            if shown["ActiveState"] == "active":
                return int(shown["ActiveEnterTimestampMonotonic"]) / 1e6
            waits = shown["ActiveState"] not in {"inactive", "failed"} or self._busy()
            if time.monotonic() > end or not waits:
                told = self.run(f"journalctl -b -u {unit} -n 15 --no-pager -o cat").out
                raise AssertionError(f"{unit} is not ready: {shown}: {told[-1500:]}")
            # Waits over there: each question costs the guest more than it costs us.
            self.run("for i in 1 2 3; do systemctl is-active -q sena && break; sleep 1; done")

    def _busy(self) -> bool:
        """Systemd has something to do, so what is not active may still become so."""
        return "No jobs" not in self.out("systemctl list-jobs --no-pager")

    def cut(self) -> None:
        """Take the power away: whatever it had not written is lost."""
        self._process.kill()
        self._process.wait()

    def switch_off(self, timeout_s: float = 150.0) -> float:
        """Have it end itself, by a reboot that QEMU is told not to make; the seconds it took.

        Raises:
            AssertionError: it does not end.
        """
        start = time.monotonic()
        self.shell.send("systemctl reboot")
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not switch off: {self.log[-600:]}") from None
        return time.monotonic() - start

    def close(self) -> None:
        """Forget it, whatever it does."""
        with contextlib.suppress(OSError):
            self.shell.close()
        if self.alive():
            self._process.kill()
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()


@contextlib.contextmanager
def switched_on(start: Start, keep_log: Path | None = None) -> Iterator[Guest]:
    """A machine that is switched on; gone when the context is left.

    Args:
        start: what it is started from.
        keep_log: where its serial line is written to.
    """
    with tempfile.TemporaryDirectory(prefix="sena-qemu-") as name:
        guest = Guest(start, Path(name))
        try:
            yield guest
        finally:
            guest.close()
            if keep_log is not None:
                logs = [it for it in (Path(name) / "console", Path(name) / "log") if it.exists()]
                keep_log.write_bytes(b"".join(it.read_bytes() for it in logs))


def why_not(programs: Sequence[str] = (PROGRAM, "qemu-img", "mcopy", "mke2fs", "sfdisk")) -> str:
    """Why no machine can be had here, "" when one can."""
    packages = {PROGRAM: "qemu-system-arm", "qemu-img": "qemu-utils", "mcopy": "mtools"}
    packages |= {"mke2fs": "e2fsprogs", "sfdisk": "fdisk"}
    for program in programs:
        if shutil.which(program, path="/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin") is None:
            return f"{program} is not installed: apt install {packages[program]}"
    return ""
