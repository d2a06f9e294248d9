"""Boots a card image in QEMU and holds it to what a card must do.

`scripts/test-image [IMAGE] [--machine virt|raspi3b|both] [--part PART ...]`

    boot     the mounts, the key, a turn, the ports, passwords, the memory (virt and raspi3b)
    rest     ten minutes in which nobody speaks: what is written (virt)
    wear     100 turns: what is written (virt; `--turns` at a time, the sum is kept)
    cuts     power cuts in the first boot, during turns and updates (virt; goes on where it was)
    damage   a data partition that is only mounted again when it is repaired (virt)
    update   a good update, a tampered one, two that do not work (virt)

It needs qemu-system-arm, qemu-utils, mtools, fdisk and flite (apt), and for the last two parts the
private key whose public half is on the card (`--key`). What holds is kept: the next run goes on.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.image import cuts, updates, wear
from tests.image.appliance import CANARY, cloud
from tests.image.bench import Bench, default_work
from tests.image.card import DATA, FAT, ROOT, NoCard, copied
from tests.image.checks import CHECKS, Seen, mounts_are_as_designed
from tests.image.cutting import Cutting
from tests.image.qemu import BOARDS, RASPI3B, VIRT, Board, why_not
from tests.image.serial import FAILURES
from tests.prove.figures import machine

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = ("boot", "rest", "wear", "damage", "update", "cuts")
WEAR_TURNS = 100
FSCK = "-u systemd-fsck@*"


def say(line: str) -> None:
    """Tell at once: a part takes minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def boot(bench: Bench, board: Board) -> bool:
    """Boot a new card and check it; then look at its bytes."""
    card = bench.card(board, anew=True)
    root_before = card.digest(ROOT)
    figures: dict[str, object] = {}
    held: dict[str, bool] = {}

    def tried(name: str, check: Callable[[], str]) -> None:
        start = time.monotonic()
        try:
            told, held[name] = check(), True
        except FAILURES as error:
            told, held[name] = f"FAILED: {error}", False
        figures[name] = told
        took_s = time.monotonic() - start
        say(f"  {'ok  ' if held[name] else 'FAIL'} {name}: {told} ({took_s:.0f} s)")

    bench.extras()
    with cloud() as server, bench.booting(board, card.path, f"{board.name}-boot") as guest:
        tried("shell", lambda: f"answers {guest.begin():.0f} s after it was switched on")
        seen = Seen(card.path.stat().st_size, server if board.network else None)
        if held["shell"]:
            for name, check in CHECKS.items():
                tried(name, lambda check=check: check(guest, seen))
            figures["machine_id"] = guest.run("cat /etc/machine-id").out.strip()
            tried("switches_off", lambda: f"{guest.switch_off():.0f} s")
    key = CANARY.encode()

    def bytes_of_the_card() -> str:
        assert card.holds(FAT, key) == 0, "the key is still on the FAT partition"
        assert card.holds(DATA, key) >= 1, "the key is not on the data partition"
        assert card.digest(ROOT) == root_before, "the root partition has changed"
        return "no byte of the key on the FAT; it is on data; the root partition is as it was"

    tried("bytes_of_the_card", bytes_of_the_card)
    bench.keep(f"boot {board.name}", holds=all(held.values()), figures=figures)
    return all(held.values())


def rest(bench: Bench, seconds: float) -> bool:
    """The card of `boot` a second time, and nobody speaks."""
    first = (bench.came_of("boot virt") or {}).get("figures", {}).get("machine_id")
    bench.extras()
    with bench.settled("rest", say) as guest:
        figures = wear.at_rest(guest, seconds)
        again = guest.run("cat /etc/machine-id").out.strip()
        guest.switch_off()
    assert not first or first == again, f"the machine's id was {first} and is {again}"
    say(f"  {figures}")
    bench.keep("rest", holds=True, figures=figures)
    return True


def turns(bench: Bench, count: int) -> bool:
    """Some of the turns; the sum is kept."""
    before = (bench.came_of("wear") or {}).get("figures", {"turns": 0, "data_bytes": 0})
    count = min(count, WEAR_TURNS - before["turns"])
    if count > 0:
        bench.extras()
        with bench.settled("wear", say) as guest:
            figures = wear.by_turns(guest, count)
            guest.switch_off()
        say(f"  {figures}")
        for name in ("turns", "data_bytes"):
            before[name] += figures[name]
        before["bytes_a_turn"] = round(before["data_bytes"] / before["turns"])
        bench.keep("wear", holds=True, figures=before)
    say(f"  {before['turns']} turns wrote {before['data_bytes']:,} bytes to the data partition")
    return True


def damage(bench: Bench) -> bool:
    """A copy of the card of `boot`, damaged while it was off."""
    card = copied(bench.card(VIRT).path, bench.work / "damaged.img")
    card.damage(DATA)
    bench.extras()
    with bench.booting(VIRT, card.path, "damage") as guest:
        guest.begin()
        ready_s = guest.ready_s()
        told = mounts_are_as_designed(guest, Seen(card.path.stat().st_size))
        said = guest.out(f"journalctl -b -o cat --no-pager {FSCK} | tail -n 40")
        found = guest.out("ls /data/lost+found").split()
        guest.switch_off()
    card.path.unlink()
    assert "FILE SYSTEM WAS MODIFIED" in said, said
    assert found, "what had lost its folder is not in lost+found"
    say(f"  repaired, ready after {ready_s:.0f} s; {told}; in lost+found: {' '.join(found)}")
    bench.keep("damage", holds=True, figures={"ready_s": round(ready_s, 1)})
    return True


def update(bench: Bench, private: Path, whole: Path | None) -> bool:
    """All kinds of updates on one card."""
    bench.extras(updates.bundles(private, whole))
    version = whole.name.split("_")[1] if whole else None
    bench.card(VIRT, anew=True)
    with bench.settled("update", say) as guest:
        figures = updates.prove(guest, say, version)
        guest.switch_off()
    bench.keep("update", holds=True, figures=figures)
    return True


def cutting(bench: Bench, args: argparse.Namespace) -> bool:
    """Power cuts, as many as there is time for; holds when all are made and all hold."""
    longest_s = {"first": args.first_s, "turns": args.turns_s, "update": args.update_s}
    it = Cutting(bench, args.key, longest_s, say)
    wanted = [kind for kind in cuts.KINDS if kind in args.kind] if args.kind else cuts.KINDS
    it.go_on(wanted, args.cuts, time.monotonic() + 60 * args.minutes)
    counts = {kind: [cut for cut in it.done if cut.kind == kind] for kind in cuts.KINDS}
    bad = [cut for cut in it.done if cut.problems]
    for kind, made in counts.items():
        held = sum(not cut.problems for cut in made)
        say(f"  {kind}: {held} of {len(made)} cuts hold, of {args.cuts} wanted")
    for cut in bad:
        say(f"  FAIL {cut.number} {cut.kind} after {cut.after_s} s: {cut.problems}")
    if not bad and any(len(made) < args.cuts for made in counts.values()):
        say("  not all are made yet: run it again, it goes on")
    figures = {kind: len(made) for kind, made in counts.items()}
    holds = not bad and all(len(made) >= args.cuts for made in counts.values())
    bench.keep("cuts", holds=holds, figures={**figures, "bad": len(bad)})
    return holds


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/test-image", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("image", nargs="?", type=Path, help="default: the newest one in dist/")
    parser.add_argument("--machine", choices=(*BOARDS, "both"), default="both", help="for boot")
    parser.add_argument("--part", action="append", choices=(*PARTS, "all"), help="default: all")
    parser.add_argument("--key", type=Path, help="private key of the updates that the card takes")
    text = (
        "of scripts/build-update, by its name, newer than 0.4.0: an update with all its libraries"
    )
    parser.add_argument("--bundle", type=Path, help=text)
    parser.add_argument("--work", type=Path, default=default_work(), metavar="FOLDER")
    parser.add_argument("--again", action="store_true", help="also what is known to hold")
    parser.add_argument("--rest-s", type=float, default=600.0, help="seconds of rest")
    parser.add_argument("--turns", type=int, default=WEAR_TURNS, help="of wear, in this run")
    parser.add_argument("--cuts", type=int, default=10, help="of each kind, in all runs")
    parser.add_argument("--kind", action="append", choices=cuts.KINDS, help="of cuts; default: all")
    parser.add_argument("--minutes", type=float, default=8.0, help="of cuts, in this run")
    for name, seconds in (("first", 60.0), ("turns", 30.0), ("update", 90.0)):
        text = f"latest moment of a cut of kind {name}"
        parser.add_argument(f"--{name}-s", type=float, default=seconds, help=text)
    return parser.parse_args(argv)


def newest_image() -> Path | None:
    """Of those that were built."""
    found = [*(REPOSITORY / "dist").glob("*.img"), *(REPOSITORY / "dist").glob("*.img.xz")]
    return max(found, key=lambda it: it.stat().st_mtime, default=None)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts; 1 when something does not hold, or could not be tried."""
    args = arguments(argv)
    image = args.image or newest_image()
    reason = why_not() if image else "there is no image: scripts/build-image makes one"
    if reason:
        say(f"nothing is tested: {reason}")
        return 1
    assert image is not None
    wanted = PARTS if not args.part or "all" in args.part else [p for p in PARTS if p in args.part]
    boards = [VIRT, RASPI3B] if args.machine == "both" else [BOARDS[args.machine]]
    try:
        bench = Bench(image, args.work)
    except NoCard as error:
        say(f"nothing is tested: {error}")
        return 1
    runs: list[tuple[str, Callable[[], bool]]] = []
    for part in wanted:
        if part == "boot":
            runs += [(f"boot {it.name}", lambda it=it: boot(bench, it)) for it in boards]
        elif part == "rest":
            runs.append(("rest", lambda: rest(bench, args.rest_s)))
        elif part == "wear":
            runs.append(("wear", lambda: turns(bench, args.turns)))
        elif part == "damage":
            runs.append(("damage", lambda: damage(bench)))
        elif args.key is None:
            say(f"{part}: not tested: it needs --key")
            runs.append((part, lambda: False))
        elif part == "update":
            runs.append(("update", lambda: update(bench, args.key, args.bundle)))
        else:
            runs.append(("cuts", lambda: cutting(bench, args)))
    return max([_ran(bench, name, run, again=args.again) for name, run in runs], default=0)


def _ran(bench: Bench, name: str, run: Callable[[], bool], *, again: bool) -> int:
    known = bench.came_of(name)
    if known and known["holds"] and name != "wear" and not again:
        say(f"{name}: holds since {known['when']} ({known['machine']})")
        return 0
    say(f"{name}: {machine()}")
    start = time.monotonic()
    try:
        holds = run()
    except FAILURES as error:
        say(f"  FAILED: {error}")
        bench.keep(name, holds=False, figures=str(error))
        holds = False
    verdict, took_s = "holds" if holds else "DOES NOT HOLD", time.monotonic() - start
    say(f"{name}: {verdict}, {took_s:.0f} s, {machine()}")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
