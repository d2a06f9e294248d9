"""A PulseAudio server of the test's own: a virtual microphone and a virtual speaker.

Real sound software without sound cards: PyAudio opens the microphone through ALSA's pulse plugin
as it would open a card's. Two readers keep the null sinks awake, which otherwise take nearly two
seconds to start. No server, no test: skipped visibly.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

RECORD_HZ = 48_000

_SCRIPT = """
load-module module-native-protocol-unix socket={socket} auth-anonymous=1
load-module module-null-sink sink_name=speaker rate=48000 channels=1 format=s16le
load-module module-null-sink sink_name=micpipe rate=16000 channels=1 format=s16le
load-module module-virtual-source source_name=mic master=micpipe.monitor
set-default-sink speaker
set-default-source mic
"""


def until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Wait until a condition of the outside world holds; fails the test when it never does."""
    never = threading.Event()
    for _ in range(int(timeout_s / 0.02)):
        if condition():
            return
        never.wait(0.02)
    pytest.fail(f"{what}: not within {timeout_s:g} s")


class SoundServer:
    """A server in a folder of its own. `start` and `kill` may alternate, as a device's owner does.

    Attributes:
        folder: the folder.
        environment: what makes a process use this server and nothing else.
    """

    def __init__(self, folder: Path) -> None:
        for program in ("pulseaudio", "pactl", "parec", "paplay"):
            if shutil.which(program) is None:
                pytest.skip(f"{program} is not installed")
        self.folder = folder
        self._socket = folder / "pulse.sock"
        self._server: subprocess.Popen[bytes] | None = None
        self._keepers: list[subprocess.Popen[bytes]] = []
        alsa = folder / "asound.conf"
        alsa.write_text(
            "</usr/share/alsa/alsa.conf>\n"
            "pcm.!default { type pulse }\nctl.!default { type pulse }\n"
        )
        self.environment = {
            **os.environ,
            "PULSE_SERVER": f"unix:{self._socket}",
            "PULSE_RUNTIME_PATH": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "ALSA_CONFIG_PATH": str(alsa),
        }

    def start(self) -> None:
        """Start the server; returns when both devices can be used."""
        script = self.folder / "pulse.pa"
        script.write_text(_SCRIPT.format(socket=self._socket))
        self._server = self._spawn(
            "pulseaudio", "-n", "-F", str(script), "--daemonize=no", "--exit-idle-time=-1",
            "--disallow-exit", "--use-pid-file=no",
        )  # fmt: skip
        until(self._answers, 15, "PulseAudio answers")
        for source, rate_hz in (("mic", 16_000), ("speaker.monitor", RECORD_HZ)):
            self._keepers.append(
                self._spawn(
                    "parec", "--latency-msec=20", "-d", source, f"--rate={rate_hz}", "--channels=1"
                )
            )

    def first_sound(self) -> None:
        """Wait until another program gets sound from the microphone."""
        process = subprocess.Popen(
            ["parec", "--latency-msec=20", "-d", "mic", "--rate=16000", "--channels=1"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        with process.stdout:
            process.stdout.read(1)
            process.terminate()
            process.wait()

    def kill(self) -> None:
        """The devices are gone at once, as when a USB plug is pulled."""
        for process in [self._server, *self._keepers]:
            if process is not None:
                process.send_signal(signal.SIGKILL)
                process.wait()
        self._server = None
        self._keepers.clear()
        self._socket.unlink(missing_ok=True)

    def say(self, wav: Path) -> None:
        """Somebody speaks the WAV file into the microphone; returns when it is over."""
        subprocess.run(
            ["paplay", "-d", "micpipe", str(wav)], env=self.environment, check=True, timeout=60
        )

    def echo(self, level_db: float, delay_s: float) -> None:
        """From now on the microphone hears the speaker."""
        loopback = (
            "load-module", "module-loopback", "source=speaker.monitor", "sink=micpipe",
            f"latency_msec={round(delay_s * 1000)}",
        )  # fmt: skip
        self._pactl(*loopback)
        sink_input = self._pactl("list", "short", "sink-inputs").split()[0]
        self._pactl("set-sink-input-volume", sink_input, f"{10 ** (level_db / 20):.4f}")

    def _pactl(self, *argv: str) -> str:
        run = subprocess.run(
            ["pactl", *argv], env=self.environment, capture_output=True, check=True, timeout=10
        )
        return run.stdout.decode()

    @contextlib.contextmanager
    def recording(self) -> Iterator[bytearray]:
        """What the speaker plays, 48 kHz mono, growing while the context lasts."""
        heard = bytearray()
        process = self._spawn(
            "parec", "--latency-msec=20", "-d", "speaker.monitor",
            f"--rate={RECORD_HZ}", "--channels=1", "--format=s16le",
        )  # fmt: skip
        assert process.stdout is not None
        stdout = process.stdout

        def collect() -> None:
            while piece := os.read(stdout.fileno(), 4096):
                heard.extend(piece)

        reader = threading.Thread(target=collect)
        reader.start()
        try:
            until(lambda: bool(heard), 10, "the recorder records")
            yield heard
        finally:
            process.terminate()
            process.wait()
            reader.join()
            stdout.close()

    def _answers(self) -> bool:
        run = subprocess.run(
            ["pactl", "info"], env=self.environment, capture_output=True, check=False, timeout=10
        )
        return run.returncode == 0

    def _spawn(self, *argv: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            argv,
            env=self.environment,
            stdout=subprocess.PIPE if "speaker.monitor" in argv and "--format=s16le" in argv
            else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip


@contextlib.contextmanager
def sound_server(folder: Path) -> Iterator[SoundServer]:
    """A started server, killed when the context is left."""
    server = SoundServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
