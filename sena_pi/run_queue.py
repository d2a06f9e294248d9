"""How long a process has waited for a processor: busy machines keep the healthy waiting, too."""

from __future__ import annotations

from pathlib import Path

_NS = 10**9


def waited_for_processor_s(pid: int) -> float:
    """Seconds that the thread which waited longest was ready to run and could not, since its start.

    Second field of Linux's `/proc/PID/task/TID/schedstat`. Reads a small file for each thread.
    Zero where the kernel does not count it, or there is no such process.
    """
    longest_ns = 0
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            waited_ns = int((thread / "schedstat").read_text(encoding="ascii").split()[1])
            longest_ns = max(longest_ns, waited_ns)
    except (OSError, ValueError, IndexError):
        pass
    return longest_ns / _NS
