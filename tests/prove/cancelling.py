"""Cancelling: turns given up at each of their awaits in turn; what they leave, and the next turn.

The real google-genai client against a loopback server, espeak-ng as a child process; half of the
turns are spoken by the cloud's voice, half by espeak-ng. `scripts/prove cancelling [--runs N]`:
by default 200 of each, a minute or two.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

from sena_pi.engines.espeak import Espeak
from tests.cancelling import Left, cancel_each
from tests.prove.figures import machine, reported


def main() -> int:
    """Cancel, and print what was left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="of each voice (default: 200)")
    runs = parser.parse_args().runs
    logging.disable(logging.WARNING)  # of the cloud's voice, which fails on purpose
    print(machine())
    failed = False
    for mute in (False, True):
        left = Left()
        asyncio.run(cancel_each(lambda run: run, runs, Espeak(), mute=mute, left=left))
        who = "espeak-ng" if mute else "the cloud"
        print(
            f"{who} speaks: {left.cancelled} of {runs} turns cancelled at awaits 1, 2, 3 ... of "
            f"{left.awaits}, each followed by a whole one: {len(left.problems)} problems"
        )
        reported(f"{who} speaks", {"cancelled": left.cancelled, "problems": len(left.problems)})
        print(*left.problems, sep="\n")
        failed = failed or bool(left.problems) or left.cancelled < runs
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
