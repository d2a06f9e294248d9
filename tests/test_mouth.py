"""The mouth: one turn's sound at a time, in small pieces, silent at once when told."""

from __future__ import annotations

from wyoming.event import Event

from sena_pi import wire
from sena_pi.simulated.sound import SimulatedPlayback
from sena_pi.sound import LONGEST_QUEUE_S
from sena_pi.workers.mouth import Mouth

RATE_HZ = 48_000
TONE = b"\x00\x10" * (RATE_HZ // 10)


class Bench:
    """A mouth and a recording speaker on one clock that moves when told."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.sent: list[Event] = []
        self.mouth = Mouth(self.sent.append, monotonic_ns=lambda: int(self.now_s * 1e9))
        self.speaker = SimulatedPlayback(monotonic=lambda: self.now_s)
        self.longest_queue_s = 0.0

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.004)):
            self.mouth.step(self.speaker)
            self.longest_queue_s = max(self.longest_queue_s, self.speaker.queued() / RATE_HZ)
            self.now_s += 0.004

    def reports(self, event_type: str) -> list[dict[str, object]]:
        return [event.data for event in self.sent if event.type == event_type]

    def heard(self) -> bytes:
        return self.speaker.played.strip(b"\x00")


def test_sound_is_played_whole_and_reported_done() -> None:
    """All samples come out in order; the last report says done and counts them."""
    bench = Bench()
    bench.mouth.begin("1")
    bench.mouth.feed("1", TONE)
    bench.mouth.feed("1", TONE)
    bench.mouth.end("1")
    bench.run(0.5)
    last = bench.reports(wire.PLAYED)[-1]
    assert (TONE + TONE).strip(b"\x00") == bench.heard()
    assert (True, len(TONE)) == (last["done"], last["samples"])
    assert not bench.mouth.busy


def test_little_is_queued_in_the_device() -> None:
    """However much is fed, the device never holds more than 40 ms."""
    bench = Bench()
    bench.mouth.begin("1")
    for _ in range(8):
        bench.mouth.feed("1", TONE)
    bench.run(0.5)
    assert 0.02 < bench.longest_queue_s <= LONGEST_QUEUE_S


def test_flush_takes_back_all_but_what_was_heard() -> None:
    """After a flush nothing more comes out, and the report says how much was played."""
    bench = Bench()
    bench.mouth.begin("1")
    for _ in range(8):
        bench.mouth.feed("1", TONE)
    bench.run(0.3)
    bench.mouth.flush()
    bench.run(0.5)
    (flushed,) = bench.reports(wire.FLUSHED)
    played = len(bench.speaker.played) // 2
    assert 0.25 * RATE_HZ < played < 0.35 * RATE_HZ
    assert abs(int(str(flushed["samples"])) - played) <= 0.01 * RATE_HZ
    assert not bench.mouth.busy


def test_sound_of_a_flushed_turn_is_dropped() -> None:
    """What was on its way when the turn was flushed is never heard."""
    bench = Bench()
    bench.mouth.begin("1")
    bench.mouth.flush()
    bench.mouth.feed("1", TONE)
    bench.mouth.end("1")
    bench.run(0.3)
    assert b"" == bench.heard()


def test_sound_of_an_earlier_turn_is_dropped() -> None:
    """A turn that has begun hears only itself."""
    bench = Bench()
    bench.mouth.begin("1")
    bench.mouth.begin("2")
    bench.mouth.feed("1", TONE)
    bench.mouth.feed("2", TONE[: len(TONE) // 2])
    bench.mouth.end("2")
    bench.run(0.4)
    assert TONE[: len(TONE) // 2].strip(b"\x00") == bench.heard()


def test_a_late_brain_is_bridged_with_silence() -> None:
    """A gap between chunks is silence, not an empty device, and does not count as played."""
    bench = Bench()
    bench.mouth.begin("1")
    bench.mouth.feed("1", TONE)
    bench.run(0.4)
    emptied = bench.speaker.queued()
    bench.mouth.feed("1", TONE)
    bench.mouth.end("1")
    bench.run(0.4)
    assert emptied > 0
    assert len(TONE) == bench.reports(wire.PLAYED)[-1]["samples"]


def test_first_sample_is_told_once() -> None:
    """The moment of the first sound is reported once a turn."""
    bench = Bench()
    bench.mouth.begin("1")
    bench.run(0.05)
    bench.mouth.feed("1", TONE)
    bench.run(0.3)
    (playing,) = bench.reports(wire.PLAYING)
    assert abs(int(str(playing["monotonic_ns"])) - 100_050_000_000) <= 10_000_000


def test_an_empty_turn_is_done_at_once() -> None:
    """A turn without a sample ends too."""
    bench = Bench()
    bench.mouth.begin("1")
    bench.mouth.end("1")
    bench.run(0.02)
    assert [True] == [report["done"] for report in bench.reports(wire.PLAYED)]
