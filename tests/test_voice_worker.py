"""The voice worker, alone and as the brain holds it: the real process, a voice that is a tone."""

from __future__ import annotations

import asyncio
import io
import os
import resource
import signal
import subprocess
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest
from wyoming.event import Event, read_event

from sena_pi import wire
from sena_pi.audio import AudioChunk, AudioFormat
from sena_pi.devices.voice import LocalVoice
from sena_pi.devices.worker import worker_argv
from sena_pi.engines.espeak import Espeak
from sena_pi.engines.piper import PiperEngine
from sena_pi.errors import EngineUnavailable, SynthesisFailed
from sena_pi.voice_ladder import VoiceLadder
from sena_pi.workers.voice import VoiceWorker
from tests.tone_voice import tone_hz, write_tone_voice

pytestmark = pytest.mark.anyio

KILLER = "s'" * 75
SHORT = "Yes."
ENDLESS = "This one never ends."
ENDLESS_ABOVE_IDS = 36


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A voice that is a 440 Hz tone, and never finishes a long sentence."""
    folder = tmp_path_factory.mktemp("voices")
    return write_tone_voice(folder, "tone", endless_above_ids=ENDLESS_ABOVE_IDS)


# --- the engine -------------------------------------------------------------------------------


def test_piper_speaks_with_the_threads_and_speed_it_is_given(tmp_path: Path) -> None:
    """The real Piper on our own session: one chunk a sentence, longer when slower."""
    model = write_tone_voice(tmp_path, rate_hz=16_000, tone_hz=300)
    normal = list(PiperEngine(model, threads=2).synthesis("Hello there. Bye.").chunks())
    slow = list(PiperEngine(model, length_scale=2.0).synthesis("Hello there. Bye.").chunks())
    assert 2 == len(normal)
    assert {AudioFormat(16_000)} == {chunk.format for chunk in normal + slow}
    assert 300 == pytest.approx(tone_hz(normal), abs=3)
    assert 2 * normal[0].seconds == pytest.approx(slow[0].seconds, rel=0.01)


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        ("no model", "is missing"),
        ("no settings", "is missing or can't be read"),
        ("cut model", "can't be read as a model"),
        ("empty model", "can't be read as a model"),
        ("settings are no JSON", "is missing or can't be read"),
        ("settings are a list", "not a Piper voice's"),
        ("settings of something else", "not a Piper voice's"),
    ],
)
def test_a_broken_voice_is_unavailable_and_the_message_says_what_to_do(
    tmp_path: Path, broken: str, what: str
) -> None:
    """Missing, cut or foreign files: an error for a person, never a traceback of a library."""
    model = write_tone_voice(tmp_path, "en_US-x-low")
    settings = tmp_path / "en_US-x-low.onnx.json"
    match broken:
        case "no model":
            model.unlink()
        case "no settings":
            settings.unlink()
        case "cut model":
            model.write_bytes(model.read_bytes()[:-50])
        case "empty model":
            model.write_bytes(b"")
        case "settings are no JSON":
            settings.write_text("{")
        case "settings are a list":
            settings.write_text("[]")
        case "settings of something else":
            settings.write_text('{"audio": 1}')
    with pytest.raises(EngineUnavailable, match=what) as caught:
        PiperEngine(model)
    assert str(caught.value).endswith("sena voice install en_US-x-low")


def test_a_synthesis_that_would_never_end_can_be_ended(model: Path) -> None:
    """Cancelled from another thread, the model stops in the middle of its work."""
    synthesis = PiperEngine(model).synthesis(ENDLESS)
    threading.Timer(0.1, synthesis.cancel).start()
    with pytest.raises(SynthesisFailed):
        list(synthesis.chunks())


def test_a_synthesis_cancelled_before_it_starts_does_not_start(model: Path) -> None:
    """And the engine speaks the next one."""
    engine = PiperEngine(model)
    synthesis = engine.synthesis(ENDLESS)
    synthesis.cancel()
    with pytest.raises(SynthesisFailed):
        list(synthesis.chunks())
    assert [440] == [round(tone_hz([chunk])) for chunk in engine.synthesis(SHORT).chunks()]


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


def test_the_worker_can_be_used_from_a_shell(model: Path) -> None:
    """Settings, ping, describe and a sentence in; a tone and nothing else on standard output."""
    answers, ended = run_worker(
        Event(wire.CONFIGURE, {"model": str(model), "threads": 2}),
        Event("ping", {"text": "hey"}),
        Event("describe"),
        Event("no such thing"),
        Event(wire.SYNTHESIZE, {"text": SHORT, "turn": "7"}),
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


# --- as the brain holds it -----------------------------------------------------------------------


@asynccontextmanager
async def running(model: Path, patience_s: float = 60) -> AsyncIterator[LocalVoice]:
    """A voice whose worker is ready."""
    voice = LocalVoice(model, patience_s=patience_s)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(voice.run())
        await is_ready(voice)
        yield voice
        task.cancel()


async def is_ready(voice: LocalVoice) -> None:
    async with asyncio.timeout(30):
        await voice.wait_ready()


async def heard(voice: LocalVoice | VoiceLadder, sentence: str) -> list[AudioChunk]:
    async with asyncio.timeout(30), voice.synthesize(sentence) as chunks:
        return [chunk async for chunk in chunks]


async def test_the_brain_hears_the_worker_speak(model: Path) -> None:
    """The sound of the sentence, in chunks of at most a tenth of a second."""
    async with running(model) as voice:
        chunks = await heard(voice, SHORT)
        assert 440 == pytest.approx(tone_hz(chunks), abs=3)
        assert max(chunk.seconds for chunk in chunks) <= 0.1
        assert "piper/tone" == voice.name


async def test_the_worker_limits_itself(model: Path) -> None:
    """Lower priority, no core dumps, bounded memory: and it speaks none the less."""
    async with running(model) as voice:
        pid = voice.supervisor.pid
        assert pid is not None
        assert 5 <= os.getpriority(os.PRIO_PROCESS, pid) - os.getpriority(os.PRIO_PROCESS, 0)
        assert (0, 0) == resource.prlimit(pid, resource.RLIMIT_CORE)
        assert resource.RLIM_INFINITY != resource.prlimit(pid, resource.RLIMIT_AS)[0]
        assert await heard(voice, SHORT)


async def test_a_sentence_that_was_left_is_ended_and_the_next_is_spoken(model: Path) -> None:
    """Barge-in: the model's work on an endless sentence stops; the same worker goes on."""
    async with running(model) as voice:
        pid = voice.supervisor.pid
        async with voice.synthesize(ENDLESS):
            pass
        assert await heard(voice, SHORT)
        assert pid == voice.supervisor.pid


async def test_several_sentences_may_be_under_way(model: Path) -> None:
    """Each gets its own sound, in whatever order it is listened to."""
    async with (
        running(model) as voice,
        voice.synthesize("Yes.") as first,
        voice.synthesize("Oh yes.") as second,
    ):
        longer = [chunk async for chunk in second]
        shorter = [chunk async for chunk in first]
        assert sum(c.seconds for c in longer) > sum(c.seconds for c in shorter) > 0


async def test_the_death_of_the_worker_fails_what_it_had_and_it_is_replaced(model: Path) -> None:
    """Every pending sentence is handed back at once; a new worker speaks later ones."""
    async with (
        running(model) as voice,
        voice.synthesize(ENDLESS) as first,
        voice.synthesize(SHORT) as second,
    ):
        pid = voice.supervisor.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        for chunks in (first, second):
            with pytest.raises(SynthesisFailed, match="voice worker ended"):
                await anext(chunks)
        await is_ready(voice)
        assert pid != voice.supervisor.pid
        assert await heard(voice, SHORT)


async def test_text_that_kills_the_worker_costs_two_workers_at_most(model: Path) -> None:
    """Sent past the sanitiser, it kills; after the second time it is refused unsent."""
    async with running(model) as voice:
        for _ in range(2):
            with pytest.raises(SynthesisFailed, match="voice worker ended"):
                await heard(voice, KILLER)
            await is_ready(voice)
        pid = voice.supervisor.pid
        with pytest.raises(SynthesisFailed, match="died of this sentence 2 times"):
            await heard(voice, KILLER)
        assert await heard(voice, SHORT)
        assert pid == voice.supervisor.pid
        assert 2 == voice.supervisor.replacements


async def test_a_worker_that_gives_no_sound_is_replaced(model: Path) -> None:
    """Silent beyond patience, though it still reads: the sentence fails, a new worker speaks."""
    async with running(model, patience_s=0.2) as voice:
        with pytest.raises(SynthesisFailed, match="no sound for"):
            await heard(voice, ENDLESS)
        await is_ready(voice)
        assert 1 == voice.supervisor.replacements


async def test_a_worker_that_is_stopped_is_replaced(model: Path) -> None:
    """SIGSTOP: it takes the sentence into its pipe and never answers."""
    async with running(model, patience_s=0.2) as voice:
        pid = voice.supervisor.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(SynthesisFailed, match="no sound for"):
            await heard(voice, SHORT)
        await is_ready(voice)
        assert pid != voice.supervisor.pid


async def test_another_language_is_left_to_another_voice(model: Path) -> None:
    """An English voice does not read Korean aloud."""
    async with running(model) as voice:
        with pytest.raises(SynthesisFailed, match="speaks en, not ko"):
            async with voice.synthesize("안녕하세요.", "ko-KR"):
                pass
        async with voice.synthesize(SHORT, "en-GB") as chunks:
            assert (await anext(chunks)).samples


async def test_without_its_model_the_voice_fails_at_once_and_the_journal_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No worker is ready: nobody waits for one, and it is not started again and again."""
    voice = LocalVoice(tmp_path / "en_US-z-low.onnx")
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(voice.run())
        with pytest.raises(SynthesisFailed, match="not ready: it is starting"):
            await heard(voice, SHORT)
        with pytest.raises(EngineUnavailable, match="sena voice install en_US-z-low"):
            await is_ready(voice)
        with pytest.raises(SynthesisFailed, match="sena voice install en_US-z-low"):
            await heard(voice, SHORT)
        task.cancel()
    assert "sena voice install en_US-z-low" in caplog.text


async def test_a_stopped_voice_fails_what_it_had(model: Path) -> None:
    """At shutdown nobody is left waiting for sound."""
    voice = LocalVoice(model)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(voice.run())
        await is_ready(voice)
        async with voice.synthesize(ENDLESS) as chunks:
            task.cancel()
            with pytest.raises(SynthesisFailed, match="stopped"):
                await anext(chunks)


# --- the acceptance: the next rung speaks -----------------------------------------------------


@pytest.mark.parametrize("death", ["killed", "killer text"])
async def test_when_the_worker_dies_on_a_sentence_the_next_rung_speaks_it(
    model: Path, death: str
) -> None:
    """The worker dies of the text, or is killed with it in hand: espeak-ng speaks, then Piper."""
    sentence = ENDLESS if death == "killed" else "It is " + KILLER
    async with running(model) as voice:
        ladder = VoiceLadder([voice, Espeak()])
        turn = ladder.for_turn()
        pid = voice.supervisor.pid
        assert pid is not None
        async with asyncio.timeout(30), turn.synthesize(sentence) as chunks:
            if death == "killed":
                os.kill(pid, signal.SIGKILL)
            spoken = [chunk async for chunk in chunks]
        assert any(any(chunk.pcm) for chunk in spoken)
        assert "espeak-ng" == turn.spoken_by[0].split("/")[0]
        assert turn.whole
        await is_ready(voice)
        assert 440 == pytest.approx(tone_hz(await heard(ladder, SHORT)), abs=3)
