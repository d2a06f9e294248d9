"""Two hundred turns mixed with faults leave nothing behind, and memory does not grow."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.prove.soak import LIMIT_MB
from tests.soak import soak

TURNS, WARM_UP = 200, 100


@pytest.mark.timeout(400)
def test_two_hundred_turns_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Descriptors, sockets, threads, children, temporary files: none more; memory: 5 MB at most."""
    for name in ("STATE_DIRECTORY", "CACHE_DIRECTORY", "RUNTIME_DIRECTORY", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path))  # to be put back after the test
    soaked = asyncio.run(soak(tmp_path, TURNS, warm_up=WARM_UP))
    assert {} == soaked.growth.left
    assert soaked.growth.rss_mb <= LIMIT_MB
    # The turns were what they were meant to be: asked, remembered, failed, interrupted.
    assert soaked.outcomes["answered by cloud"] > 20
    assert soaked.outcomes["answered by cache"] > 50
    assert 4 == soaked.kinds["worker killed"]
