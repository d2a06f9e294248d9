"""Memory that runs out: the voice worker is the first to go, and the brain lives on."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from sena_pi.devices.voice import LocalVoice
from sena_pi.workers.voice import OOM_SCORE
from tests.tone_voice import write_tone_voice

BOUND_S = 60.0


def score(pid: int) -> int:
    """What the kernel adds to a process's part of memory when it looks for one to end."""
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


def test_the_kernel_ends_the_voice_first(tmp_path: Path) -> None:
    """Before the brain, whatever that was started with."""
    pytest.importorskip("piper")

    async def main() -> None:
        voice = LocalVoice(write_tone_voice(tmp_path))
        async with asyncio.timeout(BOUND_S), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(voice.run())
            await voice.wait_ready()
            pid = voice.supervisor.pid
            assert pid is not None
            assert OOM_SCORE == score(pid)
            assert score(pid) > score(os.getpid())
            running.cancel()

    asyncio.run(main())
