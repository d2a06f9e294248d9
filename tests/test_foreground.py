"""The signals of a command in the foreground."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from sena_pi.foreground import told_by_signal


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """What the signal does in other tests."""
    before = signal.getsignal(signal.SIGUSR1)
    yield
    signal.signal(signal.SIGUSR1, before)


def test_the_signal_has_it_told() -> None:
    """As often as it comes, on the loop."""

    async def story() -> None:
        told = asyncio.Event()
        with told_by_signal(told.set):
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGUSR1)
                async with asyncio.timeout(10):
                    await told.wait()
                told.clear()

    asyncio.run(story())


def test_one_that_comes_too_late_does_not_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    """At no moment of the end, not only after it, does the signal do what it does by default."""
    real, seen = signal.signal, []

    def watched(number: int, handler: object) -> object:
        seen.append((number, handler))
        return real(number, handler)

    async def story() -> None:
        with told_by_signal(lambda: None):
            monkeypatch.setattr(signal, "signal", watched)

    asyncio.run(story())
    assert signal.SIG_IGN is signal.getsignal(signal.SIGUSR1)
    assert (signal.SIGUSR1, signal.SIG_DFL) not in seen
    os.kill(os.getpid(), signal.SIGUSR1)
