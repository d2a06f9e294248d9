"""Which release runs: the rules, pure. Nothing here reads, writes or looks at a clock.

There are at most three to choose from: the current release, the previous one, and the base that
came with the system and can't be changed. A new release is on trial until it has been ready for
`HELD_S`. On trial it gets few starts, counted on the card and over power cuts, because what it
breaks may be the machine. A proven one gets more, counted within one boot: a lamp's switch on the
wall is no fault of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sena_pi.update.errors import UpdateRefused
from sena_pi.update.version import Version

HELD_S: Final = 300.0
"""How long a release must have been ready before it is proven."""
STARTS_ON_TRIAL: Final = 3
"""Fewer than systemd's StartLimitBurst=, which ends the attempts for some minutes."""
STARTS_IF_PROVEN: Final = 12


@dataclass(frozen=True, slots=True)
class Shelf:
    """What there is to choose from.

    Attributes:
        base: the version that came with the system.
        current: the release that is started; None: the base is.
        previous: the release before it, if there is one.
        proven: the newest that ever proved itself; nothing older is installed again.
        starts: how often the current release was started since it was last ready for `HELD_S`:
            in all when it is on trial, else since the machine was switched on.
    """

    base: Version
    current: Version | None = None
    previous: Version | None = None
    proven: Version | None = None
    starts: int = 0

    @property
    def on_trial(self) -> bool:
        """The current release must still prove itself.

        It need not be the newest: it is also one that was fallen back to before it could.
        """
        if self.current is None:
            return False
        return self.proven is None or self.current > self.proven

    @property
    def running(self) -> Version:
        """What the next start runs."""
        return self.current or self.base

    @property
    def fallback(self) -> Version | None:
        """What comes after the current release; None: the base.

        A power cut while an update was put in its place may have left two names of one release.
        """
        if self.previous is None or self.previous == self.current or self.previous <= self.base:
            return None
        return self.previous


@dataclass(frozen=True, slots=True)
class Target:
    """What a release is for, or what a machine is.

    Attributes:
        arch: processor, such as "aarch64".
        python: such as "3.13".
    """

    arch: str
    python: str


def check_fits(version: Version, target: Target, machine: Target, shelf: Shelf) -> None:
    """Whether a release may be installed.

    Raises:
        UpdateRefused: it may not; says why.
    """
    if target.arch != machine.arch:
        raise UpdateRefused(f"the update is for {target.arch} processors; this is {machine.arch}")
    if target.python != machine.python:
        raise UpdateRefused(
            f"the update is for Python {target.python}; this system has {machine.python}"
        )
    here = max(shelf.running, shelf.base)
    if version == here:
        raise UpdateRefused(f"{version} is here already")
    if version < here:
        raise UpdateRefused(f"the update is {version}; what is here, {here}, is newer")
    if shelf.proven is not None and version < shelf.proven:
        raise UpdateRefused(f"the update is {version}; {shelf.proven} has run here, and is newer")


def flipped(shelf: Shelf, version: Version) -> Shelf:
    """A new release is the current one; what ran is kept behind it."""
    return replace(shelf, current=version, previous=shelf.current, starts=0)


def starting(shelf: Shelf) -> Shelf:
    """The assistant is about to be started: count it, or fall back.

    What is returned must be on the card before the start, or a release that pulls the machine down
    with it would be started for ever.
    """
    if shelf.current is None:
        return shelf
    if shelf.current <= shelf.base:
        # The system was updated, and now has what is newer than any release.
        return replace(shelf, current=None, previous=None, starts=0)
    allowed = STARTS_ON_TRIAL if shelf.on_trial else STARTS_IF_PROVEN
    if shelf.starts < allowed:
        return replace(shelf, starts=shelf.starts + 1)
    return starting(fallen_back(shelf))


def fallen_back(shelf: Shelf) -> Shelf:
    """The current release does not work: the one behind it, or the base, is the current."""
    return replace(shelf, current=shelf.fallback, previous=None, starts=0)


def ready(shelf: Shelf, held_s: float | None) -> Shelf:
    """The assistant has been ready for so long; None: it is not ready."""
    if shelf.current is None or held_s is None or held_s < HELD_S:
        return shelf
    newest = max(shelf.current, shelf.proven or shelf.current)
    return replace(shelf, starts=0, proven=newest)
