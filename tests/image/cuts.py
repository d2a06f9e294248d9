"""Power cuts: QEMU is killed at random moments, and every boot after it must find all in order.

Three kinds, in turn: in the first boot (while a card is taken over and grown), during turns (with
volume and mute being set), and during an update. What was acknowledged before the cut must hold
after it: a command acknowledges by ending well.

What is lost is what the guest kept in its memory, and what QEMU had not been told to flush (see
`tests.image.card.layer`). A real card may also tear or reorder what it is writing itself.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.image.appliance import EXTRAS, LOCAL, TURNS_FOLDER, begin_turns, mount_extras
from tests.image.checks import Seen, key_was_taken_over, mounts_are_as_designed
from tests.image.qemu import Guest
from tests.image.serial import LineLost
from tests.image.updates import SENA, running

KINDS = ("first", "turns", "update")
FIRST_TURN_S = 240.0
MOST_SETTINGS = 400
MANY_TURNS = 200


@dataclass(frozen=True, slots=True)
class Controls:
    """What a person has set."""

    volume: int = 100
    muted: bool = False


@dataclass
class Cut:
    """A cut, and what came after it.

    Attributes:
        kind: one of `KINDS`.
        number: of all cuts, which is also its seed.
        after_s: seconds from the beginning of what it interrupts.
        allowed: what may be set after it: as acknowledged, or as was being asked.
        said: what was under way, in words.
        ready_s: of the boot after it, since the kernel began.
        problems: what did not hold; empty: all did.
    """

    kind: str
    number: int
    after_s: float = 0.0
    allowed: list[dict[str, Any]] = field(default_factory=list)
    said: str = ""
    ready_s: float = 0.0
    problems: list[str] = field(default_factory=list)


def commands(chance: random.Random, count: int) -> list[str]:
    """What a person sets, one after the other; a closed microphone is soon opened again."""
    asked: list[str] = []
    for _ in range(count):
        if asked[-1:] == ["mute"]:
            asked.append("unmute")
        else:
            asked.append("mute" if chance.random() < 0.3 else f"volume {chance.randint(5, 95)}")
    return asked


def states(start: Controls, asked: Sequence[str]) -> list[Controls]:
    """What is set before the first command, and after each."""
    found = [start]
    for command in asked:
        word, _, percent = command.partition(" ")
        last = found[-1]
        if word == "volume":
            found.append(Controls(int(percent), last.muted))
        else:
            found.append(Controls(last.volume, word == "mute"))
    return found


def allowed(found: Sequence[Controls], acknowledged: int) -> list[Controls]:
    """What may be set after a cut: what was acknowledged last, or what was being asked."""
    return list(found[acknowledged : acknowledged + 2])


def acknowledged(heard: str, token: str) -> int:
    """How many commands have ended well, told by lines in the order they were asked."""
    return sum(line.strip() == f"@@A {token}" for line in heard.splitlines())


def kinds(wanted: Sequence[str], each: int, done: Sequence[Cut]) -> Iterator[tuple[int, str]]:
    """Number and kind of the cuts that are still to be made, the kinds in turn."""
    counts = {kind: sum(cut.kind == kind for cut in done) for kind in wanted}
    number = max((cut.number for cut in done), default=-1) + 1
    while True:
        left = [kind for kind in wanted if counts[kind] < each]
        if not left:
            return
        kind = min(left, key=lambda it: (counts[it], KINDS.index(it)))
        yield number, kind
        counts[kind] += 1
        number += 1


def during_turns(guest: Guest, cut: Cut, chance: random.Random, longest_s: float) -> None:
    """Turns go on and volume is set; after a while, the power is cut."""
    now = json.loads(guest.out(f"{SENA} unmute --json", 120))
    asked = commands(chance, MOST_SETTINGS)
    found = states(Controls(now["volume"], now["muted"]), asked)
    begin_turns(guest, LOCAL, MANY_TURNS)
    waits = f"for i in $(seq 300); do grep -q outcome {TURNS_FOLDER}/told && exit; sleep 0.5; done"
    guest.out(f"{waits}; exit 1", FIRST_TURN_S)
    token = f"{cut.number:04d}"
    told = guest.told()
    guest.shell.send(
        "".join(
            f"{SENA} {command} >/dev/null && echo '@@A {token}' >/dev/ttyAMA0\n"
            for command in asked
        )
    )
    cut.after_s = round(chance.uniform(0.0, longest_s), 2)
    guest.listen(cut.after_s)
    guest.cut()
    count = acknowledged(guest.log[len(told) :], token)
    cut.said = f"{count} settings acknowledged"
    cut.allowed = [asdict(it) for it in allowed(found, count)]


def during_an_update(guest: Guest, cut: Cut, chance: random.Random, longest_s: float) -> None:
    """An update goes on; after a while, the power is cut."""
    mount_extras(guest)
    now = json.loads(guest.out(f"{SENA} volume {chance.randint(5, 95)} --json", 120))
    before = running(guest)
    version = f"0.2.{cut.number}"
    told = guest.told()
    guest.shell.send(f"{SENA} update {EXTRAS}/{version}.sena >/dev/ttyAMA0 2>&1")
    cut.after_s = round(chance.uniform(0.0, longest_s), 2)
    guest.listen(cut.after_s)
    guest.cut()
    lines = [line.strip() for line in guest.log[len(told) :].splitlines() if version in line]
    cut.said = f"{before} to {version}; {lines[-1] if lines else 'it had said nothing'}"
    cut.allowed = [{"volume": now["volume"], "muted": now["muted"], "versions": [before, version]}]


def during_the_first_boot(guest: Guest, cut: Cut, chance: random.Random, longest_s: float) -> None:
    """The machine is switched on for the first time; after a while, the power is cut."""
    cut.after_s = round(chance.uniform(2.0, longest_s), 2)
    guest.listen(cut.after_s)
    guest.cut()
    cut.allowed = [asdict(Controls())]


def comes_back(guest: Guest, cut: Cut, seen: Seen) -> None:
    """The boot after a cut; what does not hold is added to its problems."""
    try:
        guest.begin()
        cut.ready_s = round(guest.ready_s(), 1)
    except (AssertionError, LineLost) as error:
        cut.problems.append(f"it does not come back: {error}")
        return
    for check in (mounts_are_as_designed, key_was_taken_over):
        try:
            check(guest, seen)
        except AssertionError as error:
            cut.problems.append(f"{check.__name__}: {error}")
    script = (
        f"{SENA} volume --json || echo '{{}}'; {SENA} update --json || echo '{{}}'; "
        f"{SENA} cache verify >/run/verify 2>&1; echo $?; cat /run/verify"
    )
    lines = guest.run(script, 300).out.splitlines()
    now, releases = (json.loads(line) for line in lines[:2])
    wanted = [(it["volume"], it["muted"]) for it in cut.allowed]
    if (now.get("volume"), now.get("muted")) not in wanted:
        cut.problems.append(f"set is {now}, not one of {cut.allowed}")
    versions = [it for of in cut.allowed for it in of.get("versions", ())]
    if versions and releases.get("running") not in versions:
        cut.problems.append(f"{releases} runs, not one of {versions}")
    if lines[2] != "0":
        cut.problems.append(f"cache verify: {' '.join(lines[2:])[:400]}")
    failed = guest.run("systemctl --failed --no-legend --plain --no-pager").out.strip()
    if failed:
        cut.problems.append(f"failed: {failed}")


def read(path: Path) -> list[Cut]:
    """The cuts that were made before."""
    return [Cut(**it) for it in json.loads(path.read_text())] if path.exists() else []


def write(path: Path, cuts: Sequence[Cut]) -> None:
    """Keep them, whole or not at all."""
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps([asdict(cut) for cut in cuts], indent=1))
    unfinished.replace(path)
