"""The service under a real systemd: packages built, installed and tried in machines of nspawn.

`scripts/prove service [--suite bookworm|trixie]`, as root; some five minutes a suite. The first run
makes a Debian for each, kept in the cache folder. It needs the Debian packages systemd-container,
mmdebstrap and flite; without them it says so and proves nothing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.prove.figures import machine as circumstances
from tests.prove.figures import reported
from tests.service.machine import CannotRun, booted, tree, why_not
from tests.service.trials import TRIALS

REPOSITORY = Path(__file__).resolve().parents[2]
SUITES = ("bookworm", "trixie")


def built(suite: str, folder: Path) -> Path:
    """The package of a suite, for this machine."""
    run = subprocess.run(
        [
            sys.executable, str(REPOSITORY / "packaging/build_deb.py"),
            "--suite", suite, "--compression", "gzip", "--out", str(folder),
        ],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return Path(run.stdout.strip())


def tried(suite: str, deb: Path, wanted: Sequence[str], *, debug: bool) -> int:
    """Run the trials of a suite; how many of them failed. The first one is always wanted."""
    failures = 0
    first = next(iter(TRIALS))
    with booted(tree(suite, deb)) as machine:
        for name in [first, *(name for name in TRIALS if name in wanted and name != first)]:
            trial = TRIALS[name]
            start = time.monotonic()
            try:
                verdict, told = "holds", trial(machine, deb)
            except (
                AssertionError,
                LookupError,
                OSError,
                ValueError,
                subprocess.SubprocessError,
            ) as error:
                verdict, told = "FAILS", f"{type(error).__name__}: {error}"
                failures += 1
                if debug:
                    print(machine.messages("--lines=60"), file=sys.stderr)
            took_s = time.monotonic() - start
            reported(suite, {"trials": 1, "hold": int(verdict == "holds")})
            print(f"{suite:9} {verdict} {name} ({took_s:.0f} s): {told}", flush=True)
            if failures and name == first:
                break
    return failures


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="scripts/prove service")
    parser.add_argument("--suite", action="append", choices=SUITES)
    text = "only this one, may be repeated; the package is installed in any case"
    parser.add_argument("--trial", action="append", choices=TRIALS, help=text)
    parser.add_argument("--debug", action="store_true", help="print the journal of what fails")
    args = parser.parse_args(argv)
    if (reason := why_not()) is not None:
        sys.exit(f"nothing is proved: {reason}")
    os.chdir(REPOSITORY)
    print(circumstances(), flush=True)
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for suite in args.suite or SUITES:
            try:
                failures += tried(
                    suite, built(suite, Path(folder)), args.trial or [*TRIALS], debug=args.debug
                )
            except CannotRun as error:
                sys.exit(f"nothing is proved on {suite}: {error}")
    if failures:
        sys.exit(f"FAILED: {failures}")


if __name__ == "__main__":
    main()
