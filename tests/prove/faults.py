"""Faults: each one's tests pass with its handling, and fail without it.

`scripts/prove faults [F1 F13 ...] [--again] [--minutes N]`, by default all of the fault table. A
removal is applied in a copy of the tree in a temporary folder, and every named test must fail
there. What was shown is kept in the user's cache folder until the tests or the removal change, so
that a part that was broken off is gone on with; `--again` forgets it. A part ends after ten
minutes. A test that skips, and a copy that can't be imported, show nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.fault_table import FAULTS, Handling, fingerprint
from tests.prove.figures import machine, reported

REPOSITORY = Path(__file__).resolve().parents[2]
COPIED = ("sena_pi", "tests", "scripts", "systemd", "packaging", "pyproject.toml")
TEST_TIMEOUT_S = 120
RUN_TIMEOUT_S = 500
PART_MINUTES = 9.0
_OUTCOME = re.compile(r"^(tests/\S+?\.py::.+?) (PASSED|FAILED|ERROR|SKIPPED)\b", re.MULTILINE)


@dataclass(frozen=True)
class Outcomes:
    """What became of the cases of some tests.

    Attributes:
        passed: names of cases that passed.
        failed: names of cases that failed, for any reason.
        skipped: names of cases that were skipped.
        words: the end of what pytest said.
    """

    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    words: str = ""

    def of(self, test: str) -> tuple[int, int, int]:
        """Cases of a test that passed, failed and were skipped."""
        names = (self.passed, self.failed, self.skipped)
        passed, failed, skipped = (sum(_is_of(name, test) for name in some) for some in names)
        return passed, failed, skipped


def _is_of(case: str, test: str) -> bool:
    return case == test or case.startswith(f"{test}[")


def outcomes(tree: Path, tests: tuple[str, ...]) -> Outcomes:
    """Run tests in a tree."""
    command = [
        sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-p", "no:randomly",
        f"--timeout={TEST_TIMEOUT_S}", f"--basetemp={tree.parent / 'pytest'}", "--tb=line", *tests,
    ]  # fmt: skip
    environ = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        run = subprocess.run(
            command, cwd=tree, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", timeout=RUN_TIMEOUT_S, check=False,
        )  # fmt: skip
        said = run.stdout
    except subprocess.TimeoutExpired as expired:
        # Newlines of its own end each outcome: what stands behind the last one still ran.
        said = (expired.stdout or b"").decode(errors="replace").rstrip() + " FAILED"
    _unmount_below(tree.parent)
    found: dict[str, list[str]] = {"PASSED": [], "FAILED": [], "SKIPPED": []}
    for case, outcome in _OUTCOME.findall(said):
        found["FAILED" if outcome == "ERROR" else outcome].append(case)
    return Outcomes(found["PASSED"], found["FAILED"], found["SKIPPED"], said[-1500:])


def _unmount_below(folder: Path) -> None:
    """What a test has mounted and, failing, could not unmount."""
    places = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for place in places:
        if Path(place).is_relative_to(folder):
            subprocess.run(["umount", "--lazy", place], check=False, timeout=60)


def copied(folder: Path) -> Path:
    """A copy of this tree; recordings, which lie beside it, are found from there, too."""
    tree = folder / "tree"
    for name in COPIED:
        place = REPOSITORY / name
        if place.is_dir():
            shutil.copytree(
                place, tree / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
            )
        elif place.exists():
            shutil.copy2(place, tree / name)
    shared = REPOSITORY.parent / "shared"
    if shared.exists():
        (folder / "shared").symlink_to(shared)
    return tree


def shown(handling: Handling, tree: Path) -> tuple[str, str]:
    """Whether a handling is shown, in a word, and what is to be said about it.

    `tree` is a copy, and is left as it was.
    """
    real = outcomes(tree, handling.tests)
    for test in handling.tests:
        passed, failed, skipped = real.of(test)
        if failed or not passed:
            why = "fails" if failed else "is skipped here" if skipped else "was not run"
            return "not shown", f"{test} {why} with the handling\n{real.words if failed else ''}"
    kept = {edit.file: (tree / edit.file).read_text() for edit in handling.removal}
    try:
        for edit in handling.removal:
            path = tree / edit.file
            path.write_text(path.read_text().replace(edit.old, edit.new, 1))
        bare = outcomes(tree, handling.tests)
    finally:
        for file, text in kept.items():
            (tree / file).write_text(text)
    for test in handling.tests:
        passed, failed, _ = bare.of(test)
        if not failed:
            why = "passes" if passed else "could not be run"
            return "not shown", f"{test} {why} without the handling\n{bare.words}"
    words = f"{len(real.passed)} passed with, {len(bare.failed)} failed without"
    return "shown", words + (f", {len(bare.passed)} other cases passed" if bare.passed else "")


def book() -> Path:
    """Where results are kept."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sena-pi"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "faults.json"


def _kept(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}


@dataclass(frozen=True)
class Result:
    """What was found of a handling."""

    verdict: str
    words: str
    took_s: float
    load: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/prove faults")
    parser.add_argument("faults", nargs="*", metavar="Fn", help="by default all")
    parser.add_argument("--again", action="store_true", help="forget what was shown before")
    parser.add_argument("--minutes", type=float, default=PART_MINUTES, help="of this part")
    parser.add_argument("--report", action="store_true", help="only print what is known")
    args = parser.parse_args()
    if unknown := set(args.faults) - set(FAULTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    names = args.faults or list(FAULTS)
    path = book()
    kept = _kept(path)
    print(machine(), flush=True)
    ends_s = time.monotonic() + 60 * args.minutes
    with tempfile.TemporaryDirectory() as folder:
        tree = None if args.report else copied(Path(folder))
        for name in names:
            for handling in FAULTS[name].handlings:
                mark = fingerprint(REPOSITORY, handling)
                known = kept.get(mark)
                if tree is None or (known and known["verdict"] == "shown" and not args.again):
                    continue
                if time.monotonic() > ends_s:
                    continue
                start_s = time.monotonic()
                verdict, words = shown(handling, tree)
                took_s = time.monotonic() - start_s
                result = Result(verdict, words, round(took_s, 1), round(os.getloadavg()[0], 1))
                # Another part may have written meanwhile.
                kept = {**_kept(path), mark: asdict(result)}
                path.write_text(json.dumps(kept, indent=1))
                print(f"{name} {handling.where}: {verdict}, {words}", flush=True)
    left = table(names, kept)
    print(machine())
    if left:
        sys.exit(f"NOT SHOWN: {', '.join(left)}")


def table(names: list[str], kept: dict[str, Any]) -> list[str]:
    """Print what is known; the faults that are not shown whole."""
    left = []
    for name in names:
        fault = FAULTS[name]
        results = [kept.get(fingerprint(REPOSITORY, one)) for one in fault.handlings]
        good = sum(one is not None and one["verdict"] == "shown" for one in results)
        verdict = "shown" if good == len(results) and results else "NOT SHOWN"
        if verdict != "shown":
            left.append(name)
        print(f"{name:4} {verdict:9} {good}/{len(results)} handlings  {fault.happens}")
        for handling, result in zip(fault.handlings, results, strict=True):
            if result is None:
                print(f"     not tried: {handling.where}")
            elif result["verdict"] != "shown":
                print(f"     {handling.where}: {str(result['words']).splitlines()[0]}")
    print(f"{len(names) - len(left)} of {len(names)} faults are shown")
    reported("faults", {"looked at": len(names), "shown": len(names) - len(left)})
    return left


if __name__ == "__main__":
    main()
