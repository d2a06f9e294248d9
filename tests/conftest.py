"""What holds for every test."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Interrupts work, also where the tests run as a shell's background job.

    A shell has such a job ignore SIGINT, and whatever the job starts inherits that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
