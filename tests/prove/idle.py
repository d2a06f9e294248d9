"""Idle: processor and memory of each process that listens, beside linux-voice-assistant's figures.

The whole appliance, with nobody talking to it. `scripts/prove idle [--seconds N] [--virtual]
[--wake ENGINE] [--key]`: by default a minute on simulated sound, without a cloud. `--virtual` is a
PulseAudio microphone, and PyAudio with it; `--key` adds the cloud's client and the cache (nothing
is asked). RSS counts shared pages in each process, PSS divides them: only PSS adds up.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import random
import subprocess
import tempfile
import threading
from array import array
from pathlib import Path

from sena_pi.audio import MICROPHONE_FORMAT, wav_bytes
from sena_pi.keys import KeyStore
from sena_pi.resources import Resources, measure
from sena_pi.settings import validated
from tests.prove.figures import machine, reported
from tests.soundserver import SoundServer, sound_server

PROCESSES = ("brain", "audio", "ears", "voice")
PUBLISHED = (
    "linux-voice-assistant, Pi Zero 2 W, one process (a user's report): 10 to 15 % of a core, "
    "less than 300 MB; its README asks for 512 MB"
)


def table(found: Resources) -> list[str]:
    """Rows of a table for the docs."""
    rows = ["| process | of a core | RSS | PSS |", "|---|---|---|---|"]
    ours = [use for use in found.after if use.name in PROCESSES]
    rows += [
        f"| {use.name} | {found.busy_percent(use):.1f} % | {use.resident_mb:.0f} MB "
        f"| {use.proportional_mb:.0f} MB |"
        for use in ours
    ]
    busy = sum(map(found.busy_percent, ours))
    share_mb = sum(use.proportional_mb for use in ours)
    return [*rows, f"| all | {busy:.1f} % | | {share_mb:.0f} MB |"]


def make_noise(sound: SoundServer, folder: Path, seconds: float) -> None:
    """A room that is not dead: exact zeros for half a minute would have the worker replaced."""
    chance = random.Random(0)
    samples = array("h", (chance.randint(-4, 4) for _ in range(int(seconds * 16_000))))
    path = folder / "noise.wav"
    path.write_bytes(wav_bytes(samples.tobytes(), MICROPHONE_FORMAT))

    def play() -> None:
        with contextlib.suppress(subprocess.SubprocessError):  # its server ends before it does
            sound.say(path)

    threading.Thread(target=play, daemon=True).start()


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/prove idle")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--virtual", action="store_true", help="a PulseAudio microphone")
    parser.add_argument("--wake", default="auto", help="auto, porcupine or microwakeword")
    parser.add_argument("--key", action="store_true", help="with the cloud's client and the cache")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    print(machine(), flush=True)
    with contextlib.ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        for name in ("STATE", "CACHE", "RUNTIME"):
            os.environ[f"{name}_DIRECTORY"] = str(folder / name.lower())
        if args.virtual:
            sound = closing.enter_context(sound_server(folder))
            os.environ.update(sound.environment)
            make_noise(sound, folder, args.seconds + 30)
        else:
            os.environ["PULSE_SERVER"] = "/nowhere"  # real devices are not found: simulated ones
        environ = {"GEMINI_API_KEY": "no-key-that-works"} if args.key else {}
        keys = KeyStore(folder / "keys", environ=environ)
        settings = validated({"wake": {"engine": args.wake}})
        found = asyncio.run(measure(settings, keys, args.seconds))
    print(f"sound: {found.sound}, {found.watched_s:.0f} s, "
          f"listening after {found.listening_s:.1f} s")  # fmt: skip
    print(*table(found), sep="\n")
    for use in found.after:
        if use.name in PROCESSES:
            reported(f"{use.name}, {found.sound} sound", {
                "of a core, %": found.busy_percent(use),
                "RSS, MB": use.resident_mb,
                "PSS, MB": use.proportional_mb,
            })  # fmt: skip
    if found.replaced:
        print(f"worthless: {found.replaced} audio workers were replaced on this busy machine")
    print(PUBLISHED)
    print(machine())


if __name__ == "__main__":
    main()
