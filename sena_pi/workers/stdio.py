"""Takes standard input and output away from everything but the event channel.

A stray line on standard output, from a C library or a careless print, would read as a broken
event. So a worker calls `claim_stdio` before it imports anything that is not Python's own.
"""

from __future__ import annotations

import os
import sys


def claim_stdio() -> tuple[int, int]:
    """Private copies of fds 0 and 1; fd 0 then reads nothing, fd 1 goes where fd 2 goes.

    Returns:
        The file descriptors to read events from and to write events to.
    """
    events_in, events_out = os.dup(0), os.dup(1)
    devnull = os.open(os.devnull, os.O_RDONLY)
    os.dup2(devnull, 0)
    os.close(devnull)
    sys.stdout.flush()
    os.dup2(2, 1)
    return events_in, events_out
