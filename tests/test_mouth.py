"""The mouth: one turn's sound at a time, in small pieces, silent at once when told."""

from __future__ import annotations

from array import array

from wyoming.event import Event

from sena_pi import wire
from sena_pi.simulated.sound import SimulatedPlayback
from sena_pi.sound import LONGEST_QUEUE_S
from sena_pi.workers.mouth import LONGEST_UNPLAYED_S, TAIL_S, Mouth

RATE_HZ = 48_000
TONE = b"\x00\x10" * (RATE_HZ // 10)
OTHER_TONE = b"\x00\x20" * (RATE_HZ // 20)


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


def test_an_end_of_another_turn_is_not_this_ones() -> None:
    """A turn goes on until its own end is told."""
    bench = Bench()
    bench.mouth.begin("2")
    bench.mouth.feed("2", TONE)
    bench.mouth.end("1")
    bench.run(0.4)
    assert not any(report["done"] for report in bench.reports(wire.PLAYED))
    bench.mouth.feed("2", TONE)
    bench.mouth.end("2")
    bench.run(0.4)
    assert (True, len(TONE)) == (
        bench.reports(wire.PLAYED)[-1]["done"],
        bench.reports(wire.PLAYED)[-1]["samples"],
    )


def test_more_than_anybody_may_queue_is_dropped() -> None:
    """A brain that sends without end costs bounded memory, and the next turn is heard."""
    bench = Bench()
    second = TONE * 10
    bench.mouth.begin("1")
    for _ in range(20):
        bench.mouth.feed("1", second)
    bench.mouth.end("1")
    bench.run(12.0)
    heard_s = len(bench.heard()) / 2 / RATE_HZ
    assert LONGEST_UNPLAYED_S - 0.1 <= heard_s <= LONGEST_UNPLAYED_S + 1.1


def test_a_flush_makes_room_again() -> None:
    """What was dropped by a flush does not count as queued."""
    bench = Bench()
    bench.mouth.begin("1")
    for _ in range(20):
        bench.mouth.feed("1", TONE * 10)
    bench.mouth.flush()
    bench.mouth.begin("2")
    bench.mouth.feed("2", TONE)
    bench.mouth.end("2")
    bench.run(0.4)
    assert TONE.strip(b"\x00") == bench.heard()


def test_an_answer_may_be_longer_than_the_queue() -> None:
    """What was played makes room: a long answer that comes at its pace is heard whole."""
    bench = Bench()
    bench.mouth.begin("1")
    for _ in range(14):
        bench.mouth.feed("1", TONE * 10)
        bench.run(1.0)
    bench.mouth.end("1")
    bench.run(0.5)
    last = bench.reports(wire.PLAYED)[-1]
    assert (True, 14 * RATE_HZ) == (last["done"], last["samples"])


def test_the_last_sample_is_followed_by_silence_before_the_stream_stops() -> None:
    """A sound server that holds more than it admits to has played all by then."""
    bench = Bench()
    bench.mouth.begin("1")
    bench.mouth.feed("1", TONE)
    bench.mouth.end("1")
    bench.run(0.5)
    tail = len(bench.speaker.played) - len(TONE)
    assert (TONE + bytes(tail)) == bench.speaker.played
    assert 0.8 * TAIL_S <= tail / 2 / RATE_HZ <= 1.2 * TAIL_S
    assert not bench.mouth.busy


def test_a_new_turn_drops_what_is_left_of_the_old_one() -> None:
    """Sound that waited is not heard before, and not counted for, the turn that follows."""
    bench = Bench()
    bench.mouth.begin("1")
    bench.mouth.feed("1", TONE)
    bench.mouth.begin("2")
    bench.mouth.feed("2", OTHER_TONE)
    bench.mouth.end("2")
    bench.run(0.4)
    assert OTHER_TONE.strip(b"\x00") == bench.heard()
    assert ["2"] == [report["turn"] for report in bench.reports(wire.PLAYING)]
    assert len(OTHER_TONE) // 2 == bench.reports(wire.PLAYED)[-1]["samples"]


def test_a_new_turn_counts_from_its_own_first_sample() -> None:
    """Begun in the middle of another: its first sound is told, and only its samples count."""
    bench = Bench()
    bench.mouth.begin("1")
    bench.mouth.feed("1", TONE)
    bench.run(0.05)
    bench.mouth.begin("2")
    bench.mouth.feed("2", OTHER_TONE)
    bench.mouth.end("2")
    bench.run(0.4)
    assert ["1", "2"] == [report["turn"] for report in bench.reports(wire.PLAYING)]
    last = bench.reports(wire.PLAYED)[-1]
    assert ("2", len(OTHER_TONE) // 2, True) == (last["turn"], last["samples"], last["done"])


def test_a_chunk_without_samples_is_no_sound() -> None:
    """The first sound is not told before there is one."""
    bench = Bench()
    bench.mouth.begin("1")
    bench.mouth.feed("1", b"")
    bench.run(0.1)
    assert [] == bench.reports(wire.PLAYING)
    assert b"" == bench.speaker.played


def test_a_flush_tells_whose_sound_it_was() -> None:
    """The turn that was silenced is named; where none was playing, none is."""
    bench = Bench()
    bench.mouth.flush()
    bench.run(0.02)
    bench.mouth.begin("7")
    bench.mouth.feed("7", TONE)
    bench.run(0.05)
    bench.mouth.flush()
    bench.mouth.flush()
    bench.run(0.02)
    bench.mouth.flush()
    bench.run(0.02)
    flushed = bench.reports(wire.FLUSHED)
    assert [None, "7", None] == [report["turn"] for report in flushed]
    assert [True, False, True] == [report["samples"] == 0 for report in flushed]


def test_the_end_of_an_old_turn_does_not_end_the_new_one() -> None:
    """An end that was told before the turn began is not its own."""
    bench = Bench()
    bench.mouth.begin("1")
    bench.mouth.feed("1", TONE)
    bench.mouth.end("1")
    bench.mouth.begin("2")
    bench.mouth.feed("2", TONE)
    bench.run(0.4)
    assert [False] == list({report["done"] for report in bench.reports(wire.PLAYED)})


def test_after_a_bridged_gap_what_was_heard_is_still_told_exactly() -> None:
    """Silence that bridged a gap is not taken for sound that has left the device."""
    bench = Bench()
    bench.mouth.begin("1")
    bench.mouth.feed("1", TONE)
    bench.run(0.4)
    bench.mouth.feed("1", TONE * 10)
    bench.run(0.2)
    bench.mouth.flush()
    bench.run(0.02)
    heard = sum(sample != 0 for sample in array("h", bench.speaker.played))
    (flushed,) = bench.reports(wire.FLUSHED)
    assert abs(int(str(flushed["samples"])) - heard) <= 0.005 * RATE_HZ
