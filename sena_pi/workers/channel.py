"""The worker's end of its event channel: always reads, and never writes without a deadline."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from wyoming.event import Event, read_event

from sena_pi.wire import encode

EXIT_NOT_READ = 75
"""Exit status of a worker whose brain has stopped reading."""

Send = Callable[[Event], None]
"""Sends an event; returns at once."""

_OUTBOX_BYTES = 4 * 1024 * 1024


class Channel:
    """Wyoming events over two file descriptors, for a worker process.

    `events` belongs to one thread. `send` may be called from any thread and never blocks: one
    writer thread owns the descriptor. When the brain has not taken a byte for
    `write_deadline_s`, or `_OUTBOX_BYTES` wait, the process ends with `EXIT_NOT_READ`: a worker
    that nobody hears is of no use, and its supervisor starts a new one.
    """

    def __init__(self, events_in: int, events_out: int, *, write_deadline_s: float = 2.0) -> None:
        self._reader = os.fdopen(events_in, "rb")
        self._out = events_out
        os.set_blocking(events_out, False)
        self._write_deadline_s = write_deadline_s
        self._outbox: deque[bytes] = deque()
        self._outbox_bytes = 0
        self._wakeup = threading.Condition()
        self._closing = False
        self._writer = threading.Thread(target=self._write_loop, name="events-out", daemon=True)
        self._writer.start()

    def events(self) -> Iterator[Event]:
        """Events as they arrive; blocks; ends when the brain closes its end."""
        while (event := read_event(self._reader)) is not None:
            yield event

    def send(self, event: Event) -> None:
        """Queue an event; returns at once."""
        data = encode(event)
        with self._wakeup:
            self._outbox.append(data)
            self._outbox_bytes += len(data)
            too_full = self._outbox_bytes > _OUTBOX_BYTES
            self._wakeup.notify()
        if too_full:
            os._exit(EXIT_NOT_READ)

    def close(self) -> None:
        """Write what is queued, each piece within the deadline, and stop. Idempotent."""
        with self._wakeup:
            self._closing = True
            self._wakeup.notify()
        self._writer.join()

    def _write_loop(self) -> None:
        while True:
            with self._wakeup:
                while not self._outbox and not self._closing:
                    self._wakeup.wait()
                if not self._outbox:
                    return
                data = self._outbox.popleft()
                self._outbox_bytes -= len(data)
            self._write(data)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        deadline = time.monotonic() + self._write_deadline_s
        while rest:
            try:
                written = os.write(self._out, rest)
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([], [self._out], [], left)[1]:
                    os._exit(EXIT_NOT_READ)
                continue
            except OSError:
                os._exit(EXIT_NOT_READ)
            rest = rest[written:]
            deadline = time.monotonic() + self._write_deadline_s
