"""An audio worker without a will of its own: a test says what it tells, and sees what it is told.

It gets ready and tells what its settings say (`tells`: type and data of each event). Then it obeys:
"tell" sends the event of its data and payload, "write" writes its payload as it is, "last words"
too, and ends. Whatever it gets, it then passes back as `sena-simulated`, which the brain hands on
as it came.
"""

from __future__ import annotations

from sena_pi.workers.stdio import claim_stdio

if __name__ == "__main__":
    EVENTS_IN, EVENTS_OUT = claim_stdio()

import os
from typing import BinaryIO

from wyoming.event import Event, read_event

from sena_pi import wire


def serve(commands: BinaryIO, out: BinaryIO) -> None:
    """Obey until the commands end."""

    def send(event: Event) -> None:
        out.write(wire.encode(event))
        out.flush()

    configure = read_event(commands)
    assert configure is not None
    send(Event(wire.READY, {"environment": sorted(os.environ)}))
    for event_type, data in configure.data["tells"]:
        send(Event(event_type, data))
    while (event := read_event(commands)) is not None:
        payload = event.payload or b""
        if event.type == "tell":
            send(Event(event.data["type"], event.data["data"], payload))
        elif event.type in {"write", "last words"}:
            out.write(payload)
            out.flush()
            if event.type == "last words":
                return
        obeyed = {"obeyed": event.type, "data": event.data, "bytes": len(payload)}
        send(Event(wire.SIMULATED, obeyed))


if __name__ == "__main__":
    with os.fdopen(EVENTS_IN, "rb") as commands, os.fdopen(EVENTS_OUT, "wb") as out:
        serve(commands, out)
