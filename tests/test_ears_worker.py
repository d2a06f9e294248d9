"""The ears worker: its rules, on a listener in the test's hands, and its process."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from queue import SimpleQueue

import pytest
from wyoming.event import Event, read_event, write_event

from sena_pi import wire
from sena_pi.audio import MICROPHONE_FORMAT, AudioChunk
from sena_pi.devices.worker import worker_argv
from sena_pi.engines.sphinx import Hearing
from sena_pi.workers.ears import LONGEST_S, NICENESS, EarsWorker
from tests.speech import quiet, say

SECOND = bytes(32_000)


class Listener:
    """Understands how much it was fed; `fed` and `finishing` tell, the gates hold it up."""

    def __init__(self) -> None:
        self.fed: SimpleQueue[int] = SimpleQueue()
        self.finishing = threading.Event()
        self.may_feed = threading.Event()
        self.may_finish = threading.Event()
        self.may_feed.set()
        self.may_finish.set()
        self._bytes = 0

    def begin(self) -> None:
        self._bytes = 0

    def feed(self, pcm: bytes) -> None:
        self.fed.put(len(pcm))
        assert self.may_feed.wait(10)
        self._bytes += len(pcm)

    def finish(self) -> Hearing:
        self.finishing.set()
        assert self.may_finish.wait(10)
        return Hearing(text=f"{self._bytes} bytes")


class Bench:
    """A worker on a thread, its commands and events in the test's hands."""

    def __init__(self) -> None:
        self.listener = Listener()
        self.transcripts: SimpleQueue[tuple[str, str]] = SimpleQueue()
        self._commands: SimpleQueue[Event | None] = SimpleQueue()
        self._taken: SimpleQueue[Event | None] = SimpleQueue()
        worker = EarsWorker(self.listener, self._heard)
        self._thread = threading.Thread(target=worker.run, args=(self._all_commands(),))
        self._thread.start()

    def _all_commands(self) -> Iterator[Event]:
        while (event := self._commands.get()) is not None:
            yield event
            self._taken.put(event)

    def _heard(self, event: Event) -> None:
        if event.type == wire.TRANSCRIPT:
            self.transcripts.put((event.data["turn"], event.data["text"]))

    def send(self, kind: str, turn: str, pcm: bytes | None = None) -> None:
        """Send a command, and see that it is taken, whatever the listener is doing."""
        self._commands.put(Event(kind, {"turn": turn, **wire.format_data(MICROPHONE_FORMAT)}, pcm))
        self._taken.get(timeout=10)

    def say(self, turn: str, pcm: bytes = SECOND) -> None:
        self.send(wire.AUDIO_START, turn)
        self.send(wire.AUDIO_CHUNK, turn, pcm)
        self.send(wire.AUDIO_STOP, turn)

    def end(self) -> list[tuple[str, str]]:
        """No more commands; the transcripts not asked for yet, once the worker has ended."""
        self._commands.put(None)
        self._thread.join(10)
        assert not self._thread.is_alive()
        left = []
        while not self.transcripts.empty():
            left.append(self.transcripts.get())
        return left


def test_an_utterance_is_answered_with_its_words():
    """All of its sound, under its turn's name; and then the next one's."""
    bench = Bench()
    bench.say("1")
    assert ("1", "32000 bytes") == bench.transcripts.get(timeout=10)
    bench.say("2", SECOND * 2)
    assert ("2", "64000 bytes") == bench.transcripts.get(timeout=10)
    assert [] == bench.end()


def test_speech_is_decoded_while_it_arrives():
    """In pieces of 100 ms at most, long before the utterance ends."""
    bench = Bench()
    bench.send(wire.AUDIO_START, "1")
    bench.send(wire.AUDIO_CHUNK, "1", SECOND)
    assert {3200} == {bench.listener.fed.get(timeout=10) for _ in range(10)}
    assert [] == bench.end()


def test_commands_are_read_while_it_decodes():
    """A decoder that is stuck holds up neither sound nor a cancel."""
    bench = Bench()
    bench.listener.may_feed.clear()
    bench.send(wire.AUDIO_START, "1")
    bench.send(wire.AUDIO_CHUNK, "1", SECOND)
    bench.listener.fed.get(timeout=10)
    for _ in range(100):
        bench.send(wire.AUDIO_CHUNK, "1", SECOND)
    bench.send(wire.CANCEL, "1")
    bench.listener.may_feed.set()
    bench.say("2")
    assert ("2", "32000 bytes") == bench.transcripts.get(timeout=10)
    assert [] == bench.end()


def test_the_utterance_begun_last_is_the_one_that_counts():
    """The one before is dropped without an answer, wherever it was."""
    bench = Bench()
    bench.send(wire.AUDIO_START, "1")
    bench.send(wire.AUDIO_CHUNK, "1", SECOND)
    bench.say("2")
    bench.send(wire.AUDIO_STOP, "1")
    assert ("2", "32000 bytes") == bench.transcripts.get(timeout=10)
    assert [] == bench.end()


def test_a_turn_cancelled_at_the_last_moment_is_not_heard_of_again():
    """Even while its words are being settled."""
    bench = Bench()
    bench.listener.may_finish.clear()
    bench.say("1")
    assert bench.listener.finishing.wait(10)
    bench.send(wire.CANCEL, "1")
    bench.listener.may_finish.set()
    bench.say("2")
    assert ("2", "32000 bytes") == bench.transcripts.get(timeout=10)
    assert [] == bench.end()


def test_what_belongs_to_another_turn_is_dropped():
    """Sound, an end or a cancel that comes late, and sound that no utterance began."""
    bench = Bench()
    bench.send(wire.AUDIO_CHUNK, "0", SECOND)
    bench.send(wire.AUDIO_STOP, "0")
    bench.send(wire.AUDIO_START, "1")
    bench.send(wire.AUDIO_CHUNK, "0", SECOND)
    bench.send(wire.CANCEL, "0")
    bench.send(wire.AUDIO_CHUNK, "1", SECOND)
    bench.send(wire.AUDIO_STOP, "1")
    assert ("1", "32000 bytes") == bench.transcripts.get(timeout=10)
    assert [] == bench.end()


def test_an_endless_utterance_costs_no_more_than_a_long_one():
    """No phrase is so long: it is heard to its end, but neither decoded nor understood."""
    bench = Bench()
    bench.say("1", SECOND * (round(LONGEST_S) + 5))
    assert ("1", "") == bench.transcripts.get(timeout=10)
    decoded = 0
    while not bench.listener.fed.empty():
        decoded += bench.listener.fed.get()
    assert decoded <= LONGEST_S * 32_000
    assert [] == bench.end()


# --- the process ---------------------------------------------------------------------------------


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        worker_argv("ears"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield process
        process.kill()


def tell(process: subprocess.Popen[bytes], *events: Event) -> None:
    assert process.stdin is not None
    for event in events:
        write_event(event, process.stdin)


def hear(process: subprocess.Popen[bytes]) -> Event:
    assert process.stdout is not None
    event = read_event(process.stdout)
    assert event is not None
    return event


def test_the_process_understands_a_phrase_and_ends_with_its_commands(
    process: subprocess.Popen[bytes],
):
    """Ready, transcript and nothing else on its output; a good neighbour; a clean end."""
    tell(process, Event(wire.CONFIGURE))
    assert wire.READY == hear(process).type
    assert NICENESS == os.getpriority(os.PRIO_PROCESS, process.pid)
    start = Event(wire.AUDIO_START, {"turn": "7", **wire.format_data(MICROPHONE_FORMAT)})
    pcm = quiet(0.3) + say("what time is it") + quiet(0.8)
    chunk = wire.chunk_event(AudioChunk(MICROPHONE_FORMAT, pcm), "7")
    tell(process, start, chunk, Event(wire.AUDIO_STOP, {"turn": "7"}))
    transcript = hear(process)
    assert (wire.TRANSCRIPT, "7") == (transcript.type, transcript.data["turn"])
    assert transcript.data["text"] == "what time is it"
    assert process.stdin is not None
    process.stdin.close()
    assert process.stdout is not None
    assert process.stdout.read() == b""
    assert 0 == process.wait(10)


def test_the_process_refuses_to_work_without_settings(process: subprocess.Popen[bytes]):
    """A brain that speaks another language is an error, not a guess."""
    tell(process, Event(wire.AUDIO_START, {"turn": "1"}))
    assert 1 == process.wait(10)
