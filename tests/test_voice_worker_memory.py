"""Memory that runs out: the voice worker is the first to go, and the brain lives on."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
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


BRAIN = textwrap.dedent("""
    import asyncio, os, sys
    from pathlib import Path
    from sena_pi.devices.voice import LocalVoice

    group, model = Path(sys.argv[1]), Path(sys.argv[2])
    (group / "cgroup.procs").write_text(str(os.getpid()))
    usage, limit, eats = sys.argv[3:]

    async def main():
        voice = LocalVoice(model)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(voice.run())
            await voice.wait_ready()
            room = 96 << 20
            (group / limit).write_text(str(int((group / usage).read_text()) + room))
            eater = await asyncio.create_subprocess_exec(sys.executable, "-c", eats)
            await eater.wait()
            await voice.wait_ready()
            print("alive, replacements:", voice.supervisor.replacements)
            running.cancel()

    asyncio.run(main())
""")
EATS = textwrap.dedent("""
    import time
    eaten = []
    for _ in range(400):
        eaten.append(b"x" * (1 << 20))
        time.sleep(0.01)
""")


@pytest.fixture
def group() -> Iterator[tuple[Path, str, str]]:
    """A control group of the test's own, and the names of its figures."""
    first = Path("/sys/fs/cgroup/memory")
    unified = not first.exists()
    place = (Path("/sys/fs/cgroup") if unified else first) / f"sena-test-{os.getpid()}"
    names = ("memory.current", "memory.max")
    if not unified:
        names = ("memory.usage_in_bytes", "memory.limit_in_bytes")
    try:
        place.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        if not (place / names[1]).exists():
            pytest.skip("control groups have no bound on memory here")
        yield place, *names
    finally:
        place.rmdir()


def test_where_memory_runs_out_the_brain_lives_on(
    tmp_path: Path, group: tuple[Path, str, str]
) -> None:
    """The kernel's own choice, with another program that eats all: the voice goes before it."""
    pytest.importorskip("piper")
    place, usage, limit = group
    run = subprocess.run(
        [sys.executable, "-c", BRAIN, place, write_tone_voice(tmp_path), usage, limit, EATS],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert 0 == run.returncode, run.stderr[-500:]
    assert run.stdout.startswith("alive, replacements: ")
    assert int(run.stdout.split()[-1]) >= 1
