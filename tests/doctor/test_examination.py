"""An examination: bounded, in order, and no check can hide the others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from sena_pi.doctor.command import EXIT, NoSuchCheck, lines, wanted
from sena_pi.doctor.examination import (
    Finding,
    Level,
    Result,
    examined,
    finding_of,
    good,
    in_thread,
    problem,
)
from sena_pi.doctor.registry import CHECKS
from sena_pi.errors import SenaError


class Told:
    """A check that does what the test says."""

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[Finding]],
        *,
        group: str = "",
        timeout_s: float = 30.0,
    ) -> None:
        self.name = name
        self.group = group or name
        self.timeout_s = timeout_s
        self._work = work

    async def examine(self, patient: Any) -> Finding:
        return await self._work()


def results(checks: Sequence[Told]) -> list[Result]:
    async def main() -> list[Result]:
        async with asyncio.timeout(30):
            return [result async for result in examined(checks, None)]

    return asyncio.run(main())


async def hang() -> Finding:
    await asyncio.Event().wait()
    raise AssertionError


async def fail() -> Finding:
    raise SenaError("the cable is out")


async def trip() -> Finding:
    return good(str({}["missing"]))


async def well() -> Finding:
    return good("fine")


def test_each_check_has_a_result_in_the_order_of_the_checks() -> None:
    """One that hangs ends, an error of ours was found, a bug is no verdict on the machine."""
    checks = [
        Told("hangs", hang, timeout_s=0.05),
        Told("fails", fail),
        Told("trips", trip),
        Told("well", well),
    ]
    found = results(checks)
    assert ["hangs", "fails", "trips", "well"] == [result.name for result in found]
    assert [Level.PROBLEM, Level.PROBLEM, Level.UNKNOWN, Level.GOOD] == [
        result.finding.level for result in found
    ]
    assert "the cable is out" == found[1].finding.measured
    assert "KeyError" in found[2].finding.measured


def test_checks_of_one_group_never_overlap_and_others_do() -> None:
    """A sound card has one owner; what shares nothing is examined meanwhile."""
    inside: list[str] = []
    most: list[int] = []
    other = asyncio.Event()

    async def careful() -> Finding:
        inside.append("x")
        most.append(len(inside))
        await asyncio.sleep(0)
        await other.wait()
        inside.pop()
        return good("")

    async def meanwhile() -> Finding:
        other.set()
        return good("")

    checks = [
        Told("one", careful, group="sound"),
        Told("two", careful, group="sound"),
        Told("three", meanwhile),
    ]
    assert 3 == len(results(checks))
    assert [1, 1] == most


def test_a_blocking_call_that_hangs_holds_up_nobody() -> None:
    """Neither the check beside it nor the end of the program."""
    release = threading.Event()

    async def blocked() -> Finding:
        await in_thread(release.wait)
        return good("")

    checks = [Told("blocked", blocked, timeout_s=0.05), Told("well", well)]
    try:
        assert [Level.PROBLEM, Level.GOOD] == [it.finding.level for it in results(checks)]
    finally:
        release.set()


def test_what_a_thread_raises_comes_out() -> None:
    """As if it had been called."""

    def broken() -> None:
        raise OSError(5, "Input/output error")

    async def work() -> Finding:
        await in_thread(broken)
        return good("")

    found = asyncio.run(finding_of(Told("broken", work), None))
    assert Level.UNKNOWN is found.level


def test_a_finding_is_a_line_and_its_fix_another() -> None:
    """For people."""
    assert ["ok name       fine"] == list(lines(Result("name", good("fine"))))
    assert [" X name       broken", "              fix: mend it"] == list(
        lines(Result("name", problem("broken", "mend it")))
    )


def test_exit_statuses_tell_how_bad_it_is() -> None:
    """0, 1 or 2; what could not be examined is no fault."""
    assert [0, 0, 1, 2] == [EXIT[level] for level in Level]


def test_every_check_has_a_name_of_its_own_and_is_bounded() -> None:
    """The whole examination ends within a minute and a half, whatever hangs."""
    names = [check.name for check in CHECKS]
    assert len(names) == len(set(names))
    groups: dict[str, float] = {}
    for check in CHECKS:
        groups[check.group] = groups.get(check.group, 0.0) + check.timeout_s
    assert max(groups.values()) <= 90


def test_checks_can_be_chosen_by_name() -> None:
    """In their own order; an unknown one is refused with the list."""
    assert ["microphone", "clock"] == [check.name for check in wanted(["clock", "microphone"])]
    with pytest.raises(NoSuchCheck, match="speaker"):
        wanted(["loudspeaker"])
