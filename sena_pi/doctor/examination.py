"""What a check is, and how many are made at once: each bounded, none able to hold up the others."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Protocol, TypeVar

from sena_pi.errors import SenaError

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Level(StrEnum):
    """How good what was found is."""

    GOOD = "good"
    UNKNOWN = "unknown"
    """It can't be examined here, or not now; says why. No fault."""
    WARNING = "warning"
    """Sena works, but not as well as it could."""
    PROBLEM = "problem"
    """Something does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        level: how good that is.
        measured: what was found, in words and figures.
        fix: what a person can do about it; empty when there is nothing to be done.
        figures: the same figures, for programs.
    """

    level: Level
    measured: str
    fix: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)


def good(measured: str, **figures: object) -> Finding:
    """All is well."""
    return Finding(Level.GOOD, measured, figures=figures)


def unknown(measured: str, fix: str = "") -> Finding:
    """It can't be examined."""
    return Finding(Level.UNKNOWN, measured, fix)


def warning(measured: str, fix: str, **figures: object) -> Finding:
    """It could be better."""
    return Finding(Level.WARNING, measured, fix, figures)


def problem(measured: str, fix: str, **figures: object) -> Finding:
    """It does not work."""
    return Finding(Level.PROBLEM, measured, fix, figures)


P_contra = TypeVar("P_contra", contravariant=True)


class Check(Protocol[P_contra]):
    """One thing to be examined, in a module of its own; made without arguments, cheaply.

    Attributes:
        name: one word or two; what a person types to have only this examined.
        timeout_s: it is over then.
        group: checks of one group share something, such as a sound card: one after the other.
    """

    name: str
    timeout_s: float
    group: str

    async def examine(self, patient: P_contra) -> Finding:
        """Find out. Blocking calls belong into `in_thread`.

        Raises:
            SenaError: that is what was found, and a problem.
        """


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a check.

    Attributes:
        name: that of the check.
        finding: what was found.
    """

    name: str
    finding: Finding


async def examined(checks: Iterable[Check[T]], patient: T) -> AsyncIterator[Result]:
    """Make all checks, groups at once; results in the order of the checks, each as it comes."""
    checks = list(checks)
    results: dict[str, asyncio.Future[Finding]] = {
        check.name: asyncio.get_running_loop().create_future() for check in checks
    }
    groups: dict[str, list[Check[T]]] = {}
    for check in checks:
        groups.setdefault(check.group, []).append(check)

    async def examine_group(members: list[Check[T]]) -> None:
        for check in members:
            results[check.name].set_result(await finding_of(check, patient))

    tasks = [asyncio.create_task(examine_group(members)) for members in groups.values()]
    try:
        for name, result in results.items():
            yield Result(name, await result)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def finding_of(check: Check[T], patient: T) -> Finding:
    """What a check finds, whatever becomes of it."""
    try:
        async with asyncio.timeout(check.timeout_s):
            return await check.examine(patient)
    except TimeoutError:
        return problem(
            f"no result within {check.timeout_s:g} s",
            "try again; if it stays so, what it examines hangs",
        )
    except SenaError as error:
        return problem(str(error), "")
    except Exception as error:  # noqa: BLE001 - one check that trips must not hide the others
        _log.exception("check %s", check.name)
        return unknown(f"the check failed ({type(error).__name__}): a bug of ours")


async def in_thread(work: Callable[[], T]) -> T:
    """Do blocking work. A thread that hangs is left behind, also when the program ends."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def deliver(give: Callable[[], None]) -> None:
        if not done.done():
            give()

    def run() -> None:
        give: Callable[[], None]
        try:
            result = work()
            give = partial(done.set_result, result)
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            give = partial(done.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(deliver, give)

    threading.Thread(target=run, daemon=True, name="check").start()
    return await done
