"""The voice worker: its rules, on an engine that waits to be told, and its process."""

from __future__ import annotations

import io
import subprocess
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest
from wyoming.event import Event, read_event

from sena_pi import wire
from sena_pi.audio import AudioChunk, AudioFormat
from sena_pi.devices.worker import worker_argv
from sena_pi.errors import SynthesisFailed
from sena_pi.workers.voice import VoiceWorker
from tests.tone_voice import tone_hz, write_tone_voice

# --- the worker's rules, on an engine that waits to be told --------------------------------------


class Spoken:
    """A sentence of `TalkingEngine`: gives a chunk, then waits until it is let go or cancelled."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.cancelled = False

    def chunks(self) -> Iterator[AudioChunk]:
        if self.text.startswith("bad"):
            raise SynthesisFailed("can't say it")
        self.begun.set()
        yield AudioChunk(AudioFormat(8_000), b"\1\0" * 1_200)
        assert self.go_on.wait(10)
        if self.cancelled:
            raise SynthesisFailed("cancelled")
        yield AudioChunk(AudioFormat(8_000), b"\2\0" * 800)

    def cancel(self) -> None:
        self.cancelled = True
        self.go_on.set()


class TalkingEngine:
    """An engine whose sentences the test lets go."""

    format = AudioFormat(8_000)
    language = "en"

    def __init__(self) -> None:
        self.sentences: SimpleQueue[Spoken] = SimpleQueue()

    def synthesis(self, sentence: str) -> Spoken:
        spoken = Spoken(sentence)
        self.sentences.put(spoken)
        return spoken


class Bench:
    """A worker on a thread, its commands and events in the test's hands."""

    def __init__(self) -> None:
        self.engine = TalkingEngine()
        self.events: list[tuple[str, str]] = []
        self._commands: SimpleQueue[Event | None] = SimpleQueue()
        worker = VoiceWorker("piper/test", self.engine, self._heard)
        self._thread = threading.Thread(target=worker.run, args=(self._all_commands(),))
        self._thread.start()

    def _all_commands(self) -> Iterable[Event]:
        while (event := self._commands.get()) is not None:
            yield event

    def _heard(self, event: Event) -> None:
        self.events.append((event.type, event.data.get("turn", event.data.get("text", ""))))

    def say(self, turn: str, text: str = "hello") -> Spoken:
        self._commands.put(Event(wire.SYNTHESIZE, {"turn": turn, "text": text}))
        return self.engine.sentences.get(timeout=10)

    def cancel(self, turn: str) -> None:
        self._commands.put(Event(wire.CANCEL, {"turn": turn}))

    def end(self) -> list[tuple[str, str]]:
        """No more commands; all events that came, once the worker has ended."""
        self._commands.put(None)
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.events


START, CHUNK, STOP = wire.AUDIO_START, wire.AUDIO_CHUNK, wire.AUDIO_STOP


def test_sentences_are_spoken_in_order_in_short_chunks() -> None:
    """Chunks of a tenth of a second; what waits is still spoken when the commands end."""
    bench = Bench()
    for sentence in (bench.say("1"), bench.say("2")):
        sentence.go_on.set()
    spoken = [(wire.READY, "")]
    for turn in "12":
        spoken += [(START, turn), (CHUNK, turn), (CHUNK, turn), (CHUNK, turn), (STOP, turn)]
    assert spoken == bench.end()


def test_a_cancelled_turn_is_not_heard_of_again() -> None:
    """The sentence being spoken and those that wait; another turn's is spoken."""
    bench = Bench()
    first = bench.say("1")
    assert first.begun.wait(10)
    waiting = bench.say("1")
    other = bench.say("2")
    other.go_on.set()
    bench.cancel("1")
    assert first.go_on.wait(10)
    assert other.begun.wait(10)
    events = bench.end()
    assert not waiting.begun.is_set()
    assert (STOP, "1") not in events
    assert (wire.ERROR, "1") not in events
    assert [(START, "2"), (CHUNK, "2"), (CHUNK, "2"), (CHUNK, "2"), (STOP, "2")] == events[-5:]


def test_a_sentence_that_fails_is_an_error_and_the_next_is_spoken() -> None:
    """One bad sentence is not the end of the worker."""
    bench = Bench()
    bench.say("1", "bad")
    bench.say("2").go_on.set()
    events = bench.end()
    assert [(wire.READY, ""), (wire.ERROR, "1"), (START, "2")] == events[:3]
    assert (STOP, "2") == events[-1]


# --- the process, from a shell -----------------------------------------------------------------


def run_worker(*events: Event) -> tuple[list[Event], subprocess.CompletedProcess[bytes]]:
    """Run the worker on these events; all that it answers."""
    ended = subprocess.run(
        worker_argv("voice"),
        input=b"".join(map(wire.encode, events)),
        capture_output=True,
        timeout=60,
        check=False,
    )
    answers = io.BytesIO(ended.stdout)
    return list(iter(lambda: read_event(answers), None)), ended


def test_the_worker_can_be_used_from_a_shell(tmp_path: Path) -> None:
    """Settings, ping, describe and a sentence in; a tone and nothing else on standard output."""
    answers, ended = run_worker(
        Event(wire.CONFIGURE, {"model": str(write_tone_voice(tmp_path)), "threads": 2}),
        Event("ping", {"text": "hey"}),
        Event("describe"),
        Event("no such thing"),
        Event(wire.SYNTHESIZE, {"text": "Yes.", "turn": "7"}),
    )
    kinds = [answer.type for answer in answers]
    assert [wire.READY, "pong", "info", START] == kinds[:4]
    assert {"voice": "piper/tone", "rate": 22_050, "language": "en"} == answers[0].data
    assert "piper/tone" == answers[2].data["tts"][0]["voices"][0]["name"]
    chunks = [wire.chunk_of(answer) for answer in answers if answer.type == CHUNK]
    assert 440 == pytest.approx(tone_hz(chunks), abs=3)
    assert (STOP, {"turn": "7"}) == (kinds[-1], answers[-1].data)
    assert 0 == ended.returncode
    assert b"Yes" not in ended.stderr


def test_a_worker_without_its_voice_says_what_to_do(tmp_path: Path) -> None:
    """One error event, and a status that is not success."""
    answers, ended = run_worker(
        Event(wire.CONFIGURE, {"model": str(tmp_path / "en_US-y-low.onnx")})
    )
    assert [wire.ERROR] == [answer.type for answer in answers]
    assert answers[0].data["text"].endswith("sena voice install en_US-y-low")
    assert 1 == ended.returncode
