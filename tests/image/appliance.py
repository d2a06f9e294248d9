"""The card as somebody's appliance: what a person writes on it, and what is asked of it.

`turns_in` has the installed assistant hear recordings: `sena run --simulate` as the service's user,
with its settings, keys, memory and cache. The service must be stopped meanwhile: one of them writes
the cache.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sena_pi.audio import MICROPHONE_FORMAT, wav_bytes
from tests.gemini_replies import Reply, answer_json, sound_answer, text_answer
from tests.gemini_server import GeminiServer, GeminiServerThread, Request
from tests.image.qemu import Guest
from tests.speech import say

CANARY = "AIzaSyCanaryOfTheCard-0123456789abcdefg"
"""A key that must be found nowhere but where keys are kept."""
FORWARDED = 8765
"""Port of the guest's own loopback that leads to the host's cloud."""
QUESTION = "hey jarvis, what is the capital of france"
LOCAL = "/usr/lib/sena/lib/python3*/site-packages/sena_pi/update/trial.wav"
"""A recording that is on every card: "Hey Jarvis, what time is it?"."""
EXTRAS = "/run/sena-extras"
TURNS = "sena-test-turns"
TURNS_FOLDER = "/run/sena-test-turns"
_LOUD_S = 0.05

SETTINGS = f"""\
# Written on a PC.
[keys]
gemini = "{CANARY}"

[wake]
words = ["jarvis"]

[cloud]
base_url = "http://127.0.0.1:{FORWARDED}"

[limits]
requests_per_day = 5000
"""

_FORWARD = f"""\
import socket, sys, threading
def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    for it in (a, b):
        try:
            it.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
server = socket.create_server(("127.0.0.1", {FORWARDED}))
while True:
    near, _ = server.accept()
    try:
        far = socket.create_connection(("10.0.2.2", int(sys.argv[1])), 10)
        far.settimeout(None)
    except OSError:
        near.close()
        continue
    for pair in ((near, far), (far, near)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""


@dataclass(frozen=True, slots=True)
class Loudness:
    """How long a recording is, and how much of it would be heard."""

    seconds: float
    loud_s: float


def extras(place: Path, bundles: Sequence[tuple[str, bytes]] = ()) -> Path:
    """A disk with the recordings and bundles, made anew.

    Args:
        place: of the disk.
        bundles: name and bytes of each.
    """
    place.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "question.wav").write_bytes(
            wav_bytes(say(QUESTION) + bytes(3200), MICROPHONE_FORMAT)
        )
        for file, data in bundles:
            (folder / file).write_bytes(data)
        size_mb = 16 + sum(len(data) for _, data in bundles) // 900_000
        subprocess.run(
            ["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-d", name, str(place), f"{size_mb}M"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    return place


@contextlib.contextmanager
def cloud() -> Iterator[GeminiServer]:
    """A loopback Gemini on the host, which takes each question for one it never heard before."""
    numbers = itertools.count(int(time.time()))

    def answer(_request: Request) -> Reply:
        number = next(numbers)
        heard = f"what is the capital of region {number}"
        return text_answer(answer_json(heard=heard, say=f"The capital of region {number} is Town."))

    def speak(_request: Request) -> Reply:
        return sound_answer(_tone(500.0, 2.5))

    server = GeminiServer(key=CANARY, answer=answer, speak=speak)
    with GeminiServerThread(server):
        yield server


def _tone(hz: float, seconds: float) -> bytes:
    from tests.house import tone

    return tone(hz, seconds)


def join_cloud(guest: Guest, server: GeminiServer) -> None:
    """Have the guest's loopback lead to the host's cloud."""
    port = server.url.rpartition(":")[2].partition("/")[0]
    guest.out(
        f"cat >/run/forward.py <<'END'\n{_FORWARD}END\n"
        "systemctl stop sena-test-cloud 2>/dev/null\n"
        f"systemd-run -q --collect --unit=sena-test-cloud python3 /run/forward.py {port}\n"
        f"for i in $(seq 300); do ss -Hlnt | grep -q :{FORWARDED} && exit; sleep 0.2; done; exit 1"
    )


def mount_extras(guest: Guest) -> None:
    """Recordings and bundles are in `EXTRAS` from now on."""
    guest.out(
        f"mkdir -p {EXTRAS}; mountpoint -q {EXTRAS} || "
        f"mount -o ro,noload /dev/disk/by-id/virtio-sena-test {EXTRAS}"
    )


def begin_turns(guest: Guest, recordings: str, count: int) -> None:
    """Have it hear recordings one after the other, in the background; the service is stopped.

    Args:
        guest: the machine.
        recordings: as the shell has them.
        count: how often all of them are heard.
    """
    user = guest.shown("sena", "User")["User"]
    folders = "ConfigurationDirectory StateDirectory CacheDirectory RuntimeDirectory"
    properties = [
        f"User={user}",
        f"Group={user}",
        "UMask=0077",
        "LoadCredential=keys:/etc/sena/keys",
    ]
    properties += [f"{name}=sena" for name in folders.split()]
    properties += [f"{name}DirectoryMode=0700" for name in ("State", "Cache", "Runtime")]
    properties += ["WorkingDirectory=/run/sena", "Environment=HOME=/var/lib/sena LG_WD=/run/sena"]
    properties += [f"StandardOutput=truncate:{TURNS_FOLDER}/told", "StandardError=journal"]
    options = " ".join(f"-p {shlex.quote(it)}" for it in properties)
    guest.out(
        "systemctl stop sena; systemctl reset-failed sena 2>/dev/null\n"
        f"systemctl reset-failed {TURNS} 2>/dev/null\n"
        f"install -d -m 0777 {TURNS_FOLDER}; rm -f {TURNS_FOLDER}/*\n"
        f"them=$(for i in $(seq {count}); do echo {recordings}; done)\n"
        f"systemd-run -q --unit={TURNS} -p RemainAfterExit=no {options} "
        f"/usr/lib/sena/start run --json --simulate $them --out {TURNS_FOLDER}/answer.wav "
        "--as-fast-as-it-goes"
    )


def turns_told(guest: Guest) -> list[dict[str, Any]]:
    """Reports of the turns so far."""
    text = guest.run(f"cat {TURNS_FOLDER}/told 2>/dev/null").out
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def turns_in(
    guest: Guest, recordings: str, count: int = 1, timeout_s: float = 300.0
) -> list[dict[str, Any]]:
    """Have it hear recordings; what came of each turn.

    Raises:
        AssertionError: it failed, or did not end in time.
    """
    begin_turns(guest, recordings, count)
    end = time.monotonic() + timeout_s
    while True:
        wait = (
            f"for i in 1 2 3 4 5 6 7 8; do systemctl is-active -q {TURNS} || exit 1; sleep 1; done"
        )
        if guest.run(wait).status:
            break
        if time.monotonic() > end:
            guest.run(f"systemctl stop {TURNS}")
            raise AssertionError(f"{len(turns_told(guest))} turns in {timeout_s:g} s")
    told = turns_told(guest)
    shown = guest.shown(TURNS, "Result", "ExecMainStatus")
    said = guest.run(f"journalctl -b -u {TURNS} -n 12 -o cat --no-pager").out
    # A recording whose wake word was not heard has no report, and makes the status 1.
    assert told, (shown, said[-1200:])
    return told


def answer_heard(guest: Guest) -> Loudness:
    """Of what the speaker would have played."""
    script = (
        "import array, sys, wave\n"
        f"with wave.open('{TURNS_FOLDER}/answer.wav') as w:\n"
        "    rate = w.getframerate() * w.getnchannels()\n"
        "    s = array.array('h', w.readframes(w.getnframes()))\n"
        "print(len(s) / rate, sum(abs(x) > 1000 for x in s) / rate)\n"
    )
    whole, loud = guest.out(f"python3 - <<'END'\n{script}END").split()
    heard = Loudness(float(whole), float(loud))
    assert heard.loud_s > _LOUD_S, heard
    return heard
