"""What is written to the card, counted by the guest's block layer: at rest, and by turns."""

from __future__ import annotations

from tests.image.appliance import EXTRAS, cloud, join_cloud, mount_extras, turns_in
from tests.image.card import BOOT_NUMBERS, DATA
from tests.image.qemu import Guest
from tests.image.reading import Counters, counters_in

SETTLE_S = 60
"""After the assistant is ready: what is still to be written of the start is written by then."""


def counted(guest: Guest) -> dict[int, Counters]:
    """Counters of each partition, by number."""
    guest.out("sync -f /data")
    places = " ".join(f"/sys/class/block/{guest.partition(n)}/stat" for n in (1, 2, 3))
    lines = guest.out(f"cat {places}").splitlines()
    return {number: counters_in(line) for number, line in enumerate(lines, start=1)}


def at_rest(guest: Guest, seconds: float) -> dict[str, object]:
    """Do nothing for so long; what was written, in sectors and bytes.

    Raises:
        AssertionError: to root or boot something was.
    """
    guest.ready_s()
    guest.out(f"sleep {SETTLE_S}", SETTLE_S + 60)
    before = counted(guest)
    guest.out("touch /run/rest-began")
    end = seconds
    while end > 0:
        guest.out(f"sleep {min(60, end):g}", 120)
        end -= 60
    # Synced, as before: what is still in memory belongs to these minutes as well.
    after = counted(guest)
    files = guest.run("find /data -xdev -newer /run/rest-began 2>/dev/null | head -20").out.split()
    grown = {number: after[number].since(before[number]) for number in after}
    told = {
        "seconds": seconds,
        "boot_sectors": grown[1].sectors,
        "root_sectors": grown[2].sectors,
        "data_sectors": grown[DATA].sectors,
        "data_bytes": grown[DATA].written,
        "data_writes": grown[DATA].writes,
        "data_files": files,
        "state": guest.shown("sena", "StatusText", "NRestarts"),
    }
    assert all(grown[number].sectors == 0 for number in BOOT_NUMBERS), told
    return told


def by_turns(guest: Guest, turns: int) -> dict[str, object]:
    """Have it answer new questions by the cloud; what was written to the data partition.

    Each answer is another one, so each is kept: the most that turns can write.

    Raises:
        AssertionError: a turn was not answered, or root or boot were written to.
    """
    guest.ready_s()
    mount_extras(guest)
    with cloud() as server:
        join_cloud(guest, server)
        guest.out("systemctl stop sena", 60)
        before = counted(guest)
        told = turns_in(guest, f"{EXTRAS}/question.wav", turns, timeout_s=40 * turns + 240)
        after = counted(guest)
    outcomes = [(turn["outcome"], turn["source"]) for turn in told]
    grown = {number: after[number].since(before[number]) for number in after}
    figures = {
        "turns": len(told),
        "answered": outcomes.count(("answered", "cloud")),
        "boot_sectors": grown[1].sectors,
        "root_sectors": grown[2].sectors,
        "data_bytes": grown[DATA].written,
        "data_writes": grown[DATA].writes,
        "bytes_a_turn": round(grown[DATA].written / max(1, len(told))),
    }
    assert figures["answered"] == turns, (figures, [it for it in outcomes if it[0] != "answered"])
    assert all(grown[number].sectors == 0 for number in BOOT_NUMBERS), figures
    return figures
