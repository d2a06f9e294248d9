"""Work that must not be felt: a thread that runs only when nobody else wants the processor."""

from __future__ import annotations

import os
import threading

LOWEST_NICENESS = 19


def lower_this_thread() -> bool:
    """Gives the calling thread the lowest priority; other threads keep theirs.

    There is no way back without privilege: only for a thread of one's own, as in
    `ThreadPoolExecutor(1, initializer=lower_this_thread)`. Threads it starts inherit it.

    Returns:
        Whether the system allowed it. A sandbox may refuse (systemd's `~@resources` holds
        `setpriority`); the work is then done all the same.
    """
    try:
        # On Linux a thread has a niceness of its own, under its native id.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST_NICENESS)
    except OSError:
        return False
    return True
