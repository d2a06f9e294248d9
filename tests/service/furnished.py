"""The machine as somebody's appliance: sound devices, the package, a loopback cloud."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sena_pi.audio import MICROPHONE_FORMAT, wav_bytes
from tests.service.machine import Machine
from tests.speech import say

SOCKET = "unix:/run/room/pulse.sock"
HEARD = "/srv/heard.raw"
"""What the speaker played, 16 kHz mono, growing."""
LOUD = 1000
NEXT = "+next1"
"""What the next version's number ends with."""

_ROOM = """\
[Unit]
Description=A virtual microphone and speaker
[Service]
RuntimeDirectory=room
Environment=HOME=/run/room PULSE_RUNTIME_PATH=/run/room/own PULSE_SERVER={socket}
ExecStart=/usr/bin/pulseaudio -n -F /etc/room.pa --daemonize=no --exit-idle-time=-1 \
    --disallow-exit --use-pid-file=no
ExecStartPost=/bin/sh -c 'for i in $(seq 100); do \
    pactl info >/dev/null 2>&1 && exit; sleep 0.1; done'
"""
_KEEPER = """\
[Unit]
Description={name} stays awake
After=room.service
[Service]
Environment=HOME=/run/room PULSE_SERVER={socket}
ExecStart=/bin/sh -c 'exec parec --latency-msec=20 -d {source} --rate=16000 --channels=1 \
    --format=s16le > {out}'
"""
_NOISE = """\
[Unit]
Description=No room is as silent as a microphone that is broken
After=room.service
[Service]
Environment=HOME=/run/room PULSE_SERVER={socket}
ExecStart=/bin/sh -c 'python3 /etc/room-noise.py | exec pacat -d micpipe --rate=16000 \
    --channels=1 --format=s16le'
"""
_HISS = """\
import random, sys
while True:
    samples = (random.choice((0, 2)) for _ in range(1600))
    sys.stdout.buffer.write(b"".join(bytes((sample, 0)) for sample in samples))
"""
_DEVICES = """\
load-module module-native-protocol-unix socket=/run/room/pulse.sock auth-anonymous=1
load-module module-null-sink sink_name=speaker rate=48000 channels=1 format=s16le
load-module module-null-sink sink_name=micpipe rate=16000 channels=1 format=s16le
load-module module-virtual-source source_name=mic master=micpipe.monitor
set-default-sink speaker
set-default-source mic
"""
_DROP_IN = f"""\
[Service]
Environment=PULSE_SERVER={SOCKET} ALSA_CONFIG_PATH=/etc/room.asound
"""


def install(machine: Machine, deb: Path) -> None:
    """Install the package as a person does; the service is started by it."""
    shutil.copy(deb, machine.root / "root/sena-pi.deb")
    # Without a sync after each file: this machine is thrown away. Nobody is there to be asked.
    machine.out(
        "dpkg", "--force-unsafe-io", "--force-confdef", "--force-confold",
        "--install", "/root/sena-pi.deb", timeout_s=400,
    )  # fmt: skip


def next_version(deb: Path, folder: Path) -> Path:
    """The package as a later version, whose shipped settings differ."""
    root = folder / "next"
    subprocess.run(["dpkg-deb", "--raw-extract", str(deb), str(root)], check=True)
    control = root / "DEBIAN/control"
    text = control.read_text(encoding="utf-8")
    control.write_text(re.sub(r"^(Version: .*)$", rf"\1{NEXT}", text, flags=re.MULTILINE))
    with (root / "etc/sena/sena.toml").open("a", encoding="utf-8") as settings:
        settings.write("# of the next version\n")
    later = folder / "next.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(root), str(later)],
        stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    shutil.rmtree(root)
    return later


def give_sound(machine: Machine) -> None:
    """A microphone that can be spoken into, a speaker that can be recorded."""
    machine.put("/etc/room.pa", _DEVICES)
    machine.put("/etc/room.asound", "</usr/share/alsa/alsa.conf>\n" + "".join(
        f"{kind}.!default {{ type pulse }}\n" for kind in ("pcm", "ctl")
    ))  # fmt: skip
    units = {
        "room": _ROOM.format(socket=SOCKET),
        "room-speaker": _KEEPER.format(
            name="The speaker", source="speaker.monitor", out=HEARD, socket=SOCKET
        ),
        "room-microphone": _KEEPER.format(
            name="The microphone", source="mic", out="/dev/null", socket=SOCKET
        ),
    }
    units["room-noise"] = _NOISE.format(socket=SOCKET)
    machine.put("/etc/room-noise.py", _HISS)
    for name, text in units.items():
        machine.put(f"/etc/systemd/system/{name}.service", text)
    for service in ("sena", "sena-failure"):
        machine.put(f"/etc/systemd/system/{service}.service.d/room.conf", _DROP_IN)
    machine.out("systemctl", "daemon-reload")
    machine.out("systemctl", "start", *units)


def say_to(machine: Machine, text: str) -> None:
    """Somebody says this; returns when it is said."""
    place = machine.root / "srv/said.wav"
    place.write_bytes(wav_bytes(say(text) + bytes(3200), MICROPHONE_FORMAT))
    machine.out(
        "env", f"PULSE_SERVER={SOCKET}", "HOME=/run/room",
        "paplay", "-d", "micpipe", "/srv/said.wav",
    )  # fmt: skip


def loud_s(machine: Machine, since: int = 0) -> float:
    """Seconds of sound that the speaker played, from this byte of the recording on."""
    with (machine.root / HEARD.lstrip("/")).open("rb") as file:
        file.seek(since)
        pcm = file.read()
    samples = array("h", pcm[: len(pcm) // 2 * 2])
    return sum(abs(sample) > LOUD for sample in samples) / MICROPHONE_FORMAT.rate_hz


def heard_bytes(machine: Machine) -> int:
    """How long the recording is by now."""
    return (machine.root / HEARD.lstrip("/")).stat().st_size // 2 * 2


def asked(machine: Machine, question: str) -> dict[str, Any]:
    """Ask, and wait for the turn's entry in the journal and its sound in the room."""
    machine.until(lambda: "listening" in status(machine), 30, "the microphone is heard")
    before, since = len(_turns(machine)), heard_bytes(machine)
    say_to(machine, question)
    machine.until(lambda: len(_turns(machine)) > before, 30, "the turn is told")
    turn = _turns(machine)[-1]
    assert "answered" == turn["SENA_OUTCOME"], turn
    assert loud_s(machine, since) > 0.3, "nothing was heard of the answer"
    return turn


def _turns(machine: Machine) -> list[dict[str, Any]]:
    """Those of the wake word: after an answer it may listen on, which is a turn as well."""
    return machine.journal("--unit=sena", "SENA_EVENT=turn", "SENA_TRIGGER=jarvis")


def status(machine: Machine) -> str:
    """What the service says of itself."""
    return machine.shown("sena", "StatusText")["StatusText"]


@contextlib.contextmanager
def loopback_cloud(machine: Machine) -> Iterator[tuple[str, str]]:
    """A Gemini on the machine's own loopback: its address, and the key it takes."""
    process = subprocess.Popen(
        machine.in_its_network(sys.executable, "-m", "tests.service.cloud"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        address, key = process.stdout.readline().split()
        yield address, key
    finally:
        process.stdin.close()
        process.wait(15)
        process.stdout.close()
