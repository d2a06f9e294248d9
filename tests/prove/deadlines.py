"""Deadlines: for each fault of the cloud, the longest wait for something audible, and requests.

The real google-genai client against a loopback server, clips and local voice by espeak-ng. Runs
with the real deadlines play through the audio worker on a simulated speaker, a few at once; what
the worker tells is believed: the moment of the first sample handed to the device. Runs with
deadlines a tenth as long are heard by a speaker that plays in no time, and may take as much longer
than their own deadline as the real ones may, and as the process was kept from running at most
(many clients are built in it at once): the line tells. Ten questions to one appliance count the
requests.

`scripts/prove deadlines [--fault NAME] [--scaled N] [--real N] [--together N]`: by default 180
scaled and 20 real runs of each fault, some two minutes a fault; `--fault` resumes with one.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from sena_pi.clips import Clips
from sena_pi.deadlines import Deadlines
from sena_pi.devices.audio import Audio, AudioListeners
from sena_pi.devices.speaker import WorkerSpeaker
from sena_pi.engines.espeak import Espeak
from sena_pi.stages import Speaker
from tests.faults import FAULTS, audible_ms, brain, open_sockets
from tests.prove.figures import machine, measured, reported, spread
from tests.room import StorySpeaker

LIMIT_MS = 3000.0
SCALE = 0.1
STORM = 10


@dataclass
class Seen:
    """What came of a fault's runs.

    Attributes:
        audible_ms: from the endpoint to something audible, of each run that was.
        told: how often each sequence of fillers and reasons was heard.
        silent: runs in which nothing was heard.
        lag_ms: longest that this process was kept from running when it wanted to: a run that is
            late by no more is the machine's.
        problems: tasks and sockets that were left.
    """

    audible_ms: list[float] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    silent: int = 0
    lag_ms: float = 0.0
    problems: list[str] = field(default_factory=list)


@asynccontextmanager
async def speakers(count: int) -> AsyncIterator[Sequence[WorkerSpeaker]]:
    """Speakers of as many audio workers, on simulated sound."""
    async with AsyncExitStack() as closing:
        tasks = await closing.enter_async_context(asyncio.TaskGroup())
        audios = [Audio({"simulate": {}, "capture": False}, AudioListeners()) for _ in range(count)]
        running = [tasks.create_task(audio.run()) for audio in audios]
        async with asyncio.timeout(60):
            for audio in audios:
                await audio.speaker.ready.wait()
        yield [audio.speaker for audio in audios]
        for task in running:
            task.cancel()


def quick() -> StorySpeaker:
    """A speaker that plays in no time."""
    return StorySpeaker(time.monotonic_ns)


async def run(name: str, deadlines_scale: float, speaker: Speaker, seen: Seen) -> None:
    """One question to an appliance of its own."""
    fault = FAULTS[name]
    deadlines = fault.deadlines(deadlines_scale)
    async with (
        fault.place(deadlines_scale) as place,
        brain(place, deadlines, speaker, Espeak(), CLIPS) as it,
    ):
        report = await it.ask()
    moment_ms = audible_ms(report)
    if moment_ms is None:
        seen.silent += 1
    else:
        seen.audible_ms.append(moment_ms)
    seen.told[" ".join([*report.told, *(["answer"] if report.answered else [])])] += 1


CLIPS = Clips()


async def watch_lag(seen: Seen) -> None:
    """How late a timer is, at most."""
    while True:
        due_s = time.monotonic() + 0.01
        await asyncio.sleep(0.01)
        seen.lag_ms = max(seen.lag_ms, 1000 * (time.monotonic() - due_s))


async def runs(name: str, count: int, scale: float, ready: Sequence[Speaker]) -> Seen:
    """So many runs, as many at once as there are speakers; what is left of them is counted."""
    seen = Seen()
    tasks, sockets = asyncio.all_tasks(), open_sockets()
    todo = iter(range(count))

    async def one_after_the_other(speaker: Speaker) -> None:
        for _ in todo:
            await run(name, scale, speaker, seen)

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch_lag(seen))
        async with asyncio.TaskGroup() as asking:
            for speaker in ready:
                asking.create_task(one_after_the_other(speaker))
        watching.cancel()
    # A server's own end of a connection closes a moment after ours.
    until_s = time.monotonic() + 2
    while open_sockets() - sockets and time.monotonic() < until_s:  # noqa: ASYNC110 - see above
        await asyncio.sleep(0.05)
    seen.problems += [f"task left: {task.get_name()}" for task in asyncio.all_tasks() - tasks]
    seen.problems += [f"socket left: {name}" for name in open_sockets() - sockets]
    return seen


async def storm(name: str) -> int:
    """Ten questions one after the other to one appliance; how often its cloud was reached."""
    fault = FAULTS[name]
    async with (
        fault.place(SCALE) as place,
        brain(place, fault.deadlines(SCALE), quick(), Espeak(), CLIPS) as it,
    ):
        for _ in range(STORM):
            await it.ask()
        return place.reached()


def tell(name: str, what: str, seen: Seen, limit_ms: float) -> bool:
    """Print a line; True where the runs keep what is promised."""
    good = not seen.silent and not seen.problems and max(seen.audible_ms, default=0) <= limit_ms
    heard = spread(seen.audible_ms, "ms") if seen.audible_ms else "nothing"
    print(f"  {what:8} {heard}, silent {seen.silent}, left {len(seen.problems)}, "
          f"lag of the machine {seen.lag_ms:.0f} ms"
          f"{'' if good else '   <-- NOT KEPT'}")  # fmt: skip
    waits = measured(seen.audible_ms, "ms") if seen.audible_ms else {"n": 0}
    reported(f"{name}, {what}", {**waits, "silent": seen.silent, "left": len(seen.problems)})
    for told, times in seen.told.most_common():
        print(f"           {times:4} x {told}")
    for problem in seen.problems:
        print(f"           {problem}")
    sys.stdout.flush()
    return good


async def measure(args: argparse.Namespace) -> bool:
    good = True
    await CLIPS.render(Espeak())
    async with speakers(args.together) as ready:
        for name in [args.fault] if args.fault else FAULTS:
            print(f"{name}  ({machine()})", flush=True)
            if args.scaled:
                seen = await runs(name, args.scaled, SCALE, [quick() for _ in ready])
                reason_ms = 1000 * Deadlines().scaled(SCALE).reason_s
                spare_ms = LIMIT_MS - 1000 * Deadlines().reason_s + seen.lag_ms
                good &= tell(name, "scaled", seen, reason_ms + spare_ms)
            if args.real:
                good &= tell(name, "real", await runs(name, args.real, 1, ready), LIMIT_MS)
            reached = await storm(name)
            kept = reached <= FAULTS[name].requests
            reported(f"{name}, {STORM} questions", {"requests": reached})
            good &= kept
            print(f"  requests {reached} for {STORM} questions (at most {FAULTS[name].requests})"
                  f"{'' if kept else '   <-- NOT KEPT'}", flush=True)  # fmt: skip
    return good


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/prove deadlines")
    parser.add_argument("--fault", choices=sorted(FAULTS), help="only this one")
    parser.add_argument(
        "--scaled", type=int, default=180, help="runs with a tenth of the deadlines"
    )
    parser.add_argument("--real", type=int, default=20, help="runs with the real deadlines")
    parser.add_argument("--together", type=int, default=5, help="runs at once")
    logging.disable(logging.WARNING)
    sys.exit(0 if asyncio.run(measure(parser.parse_args())) else 1)


if __name__ == "__main__":
    main()
