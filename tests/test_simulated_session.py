"""Recordings spoken into a simulated room: each is heard or refused, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import signal
import time
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
from wyoming.event import Event

from sena_pi import wire
from sena_pi.assistant import Assistant
from sena_pi.attempt import Stages
from sena_pi.audio import FRAME_SAMPLES, MICROPHONE_FORMAT, AudioFormat, wav_bytes
from sena_pi.conversation import Conversation
from sena_pi.devices.audio import Audio, AudioListeners
from sena_pi.errors import WorkerError
from sena_pi.phases import Phase
from sena_pi.report import Outcome, TurnReport
from sena_pi.simulated.cloudless import ScriptedLanguageModel, ScriptedSynthesizer
from sena_pi.simulated.console import ConsoleLight
from sena_pi.simulated.rig import SimulationRig
from sena_pi.simulated.session import Episode, RecordingRefused, Session
from sena_pi.stages import Intent
from sena_pi.thinking import Mind
from sena_pi.voice_ladder import VoiceLadder
from tests.room import StoryLight, StorySpeaker
from tests.speech import say
from tests.turns.bench import StoryAnswers, understands

BOUND_S = 40.0
"""No figure, only an end."""
RATE_HZ = MICROPHONE_FORMAT.rate_hz
QUESTION = "jarvis, what time is it"


class Room:
    """A real audio worker on simulated sound, an assistant that knows the time, a session."""

    def __init__(self, **simulate: object) -> None:
        self.session = Session()
        self.hearing: list[bool] = []
        self.begun = asyncio.Event()
        self._news = asyncio.Event()
        self.audio = Audio(
            {"simulate": {"hurry": True, **simulate}},
            AudioListeners(
                detection=lambda wake: self.assistant.woken(wake),
                hearing=self._hearing,
                spoken=self._spoken,
            ),
        )
        local = ScriptedLanguageModel(otherwise=understands("what time is it", Intent.TIME))
        self.assistant = Assistant(
            Stages(
                self.audio,
                StorySpeaker(time.monotonic_ns),
                StoryLight(),
                Mind(None, local, StoryAnswers()),
                VoiceLadder([ScriptedSynthesizer()]),
            ),
            Conversation(),
            on_report=self.session.report,
        )

    def _hearing(self, on: bool) -> None:  # noqa: FBT001 - as its listener is called
        self.hearing.append(on)
        self.assistant.hearing(on=on)
        self._news.set()

    def _spoken(self, data: dict[str, Any]) -> None:
        self.begun.set()
        self.session.spoken(data)

    async def hears(self, history: list[bool]) -> None:
        """Wait until the microphone has come and gone like this."""
        while self.hearing != history:
            await self._news.wait()
            self._news.clear()

    async def speak(self, *paths: Path) -> list[Episode]:
        """Somebody speaks these recordings."""
        return [it async for it in self.session.speak(self.audio, self.assistant, paths)]


def tell(story: Callable[[Room], Awaitable[None]], **simulate: object) -> None:
    """Run a story in a room that hears."""

    async def main() -> None:
        room = Room(**simulate)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(it.run()) for it in (room.audio, room.assistant)]
            try:
                async with asyncio.timeout(BOUND_S):
                    await room.hears([True])
                    await story(room)
            finally:
                for task in running:
                    task.cancel()

    asyncio.run(main())


def question(tmp_path: Path, text: str = QUESTION) -> Path:
    path = tmp_path / "question.wav"
    path.write_bytes(wav_bytes(say(text), MICROPHONE_FORMAT))
    return path


def of_a_cd(tmp_path: Path) -> Path:
    """The question at 44.1 kHz on the left, and nothing on the right."""
    left = soxr.resample(np.frombuffer(say(QUESTION), dtype="<i2"), RATE_HZ, 44_100)
    both = np.stack([left, np.zeros_like(left)], axis=1)
    path = tmp_path / "stereo.wav"
    path.write_bytes(wav_bytes(both.tobytes(), AudioFormat(44_100, 2)))
    return path


def of_8_bits() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(RATE_HZ)
        file.writeframes(bytes(1600))
    return out.getvalue()


@pytest.mark.parametrize("recording", [question, of_a_cd])
def test_a_recording_is_heard_and_answered(
    tmp_path: Path, recording: Callable[[Path], Path]
) -> None:
    """Whatever its rate and channels: one turn, begun by the wake word in it."""

    async def story(room: Room) -> None:
        path = recording(tmp_path)
        (episode,) = await room.speak(path)
        (report,) = episode.reports
        assert path == episode.path
        assert ("jarvis", Outcome.ANSWERED) == (report.trigger, report.outcome)
        assert "Own time." == report.answered

    tell(story)


def test_a_recording_without_wake_word_starts_no_turn(tmp_path: Path) -> None:
    """Each recording has its own turns: none, where nobody was called."""

    async def story(room: Room) -> None:
        quiet = question(tmp_path, "what time is it").rename(tmp_path / "quiet.wav")
        asked = question(tmp_path)
        episodes = await room.speak(asked, quiet, asked)
        assert [1, 0, 1] == [len(episode.reports) for episode in episodes]

    tell(story)


def test_a_wake_word_at_the_very_end_is_waited_for(tmp_path: Path) -> None:
    """A recording is over before its last frames have been heard."""

    async def story(room: Room) -> None:
        (episode,) = await room.speak(question(tmp_path, "jarvis"))
        assert [Outcome.NOTHING_HEARD] == [report.outcome for report in episode.reports]

    tell(story)


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file"), (b"no sound", "not a 16-bit PCM WAV"), (of_8_bits(), "8-bit")],
)
def test_what_is_no_recording_is_refused_by_name(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    """The file and the reason are told, and the next recording is heard."""

    async def story(room: Room) -> None:
        path = tmp_path / "wrong.wav"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(RecordingRefused, match=why) as refused:
            await room.speak(path)
        assert "wrong.wav" in str(refused.value)
        (episode,) = await room.speak(question(tmp_path))
        assert 1 == len(episode.reports)

    tell(story)


def test_a_worker_that_dies_in_a_recording_is_told(tmp_path: Path) -> None:
    """Its end will never be told: that is an error, and the next recording is heard."""

    async def story(room: Room) -> None:
        path = question(tmp_path)
        speaking = asyncio.ensure_future(room.speak(path))
        await room.begun.wait()
        pid = room.audio.supervisor.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(WorkerError, match="died"):
            await speaking
        await room.hears([True, False, True])
        (episode,) = await room.speak(path)
        assert [Outcome.ANSWERED] == [report.outcome for report in episode.reports]

    # At its own pace: in a hurry the recording might be over before the worker is.
    tell(story, hurry=False)


def test_times_are_told_from_the_true_end_of_speech() -> None:
    """Where the detector put the end a tenth of a second late, the answer took as much longer."""
    session = Session()

    class Supervisor:
        replacements = 0

    class Quick:
        """A worker and an assistant for whom everything happens at once."""

        supervisor = Supervisor()

        async def simulate(self, path: str) -> None:
            session.spoken({"path": path, "speech_end_sample": 32_000, "done": False})
            session.report(
                TurnReport(
                    "1", "sena", Outcome.ANSWERED, ms={"end": 900.0}, speech_end_sample=33_600
                )
            )
            session.report(TurnReport("2", "press", Outcome.FAILED, ms={"end": 5.0}))
            session.spoken({"path": path, "speech_end_sample": 32_000, "done": True})

        async def idle(self) -> None:
            return

    async def main() -> list[Episode]:
        quick: Any = Quick()
        return [it async for it in session.speak(quick, quick, [Path("a.wav")])]

    (episode,) = asyncio.run(main())
    assert [{"end": 1000.0}, {"end": 5.0}] == [report.ms for report in episode.reports]


class Pace:
    """A rig in a hurry, and whether it hurries now."""

    def __init__(self, tmp_path: Path, *, hurry: bool = True) -> None:
        self.sent: list[Event] = []
        self.rig = SimulationRig({"hurry": hurry}, self.sent.append)
        self._path = str(question(tmp_path))

    def speak(self) -> None:
        self.rig.commanded(Event(wire.SIMULATE, {"path": self._path}))

    def read_on(self) -> None:
        """Until the recording is over."""
        while not any(event.data.get("done") for event in self.sent):
            self.rig.sound.capture.read(FRAME_SAMPLES)

    @property
    def hurries(self) -> bool:
        """A frame is there, and another one as soon as it is asked for, whatever the clock says."""
        capture = self.rig.sound.capture
        frames = [capture.available() for _ in range(3)]
        return [FRAME_SAMPLES] * 3 == frames


def test_time_runs_fast_only_while_nobody_has_to_decide(tmp_path: Path) -> None:
    """Fast in a recording; as for a person from the wake word until the brain listens."""
    pace = Pace(tmp_path)
    hurries = [pace.hurries]
    for step in (
        pace.speak,
        lambda: pace.rig.sending(Event(wire.DETECTION, {})),
        lambda: pace.rig.commanded(Event(wire.LISTEN, {})),
        pace.read_on,
        lambda: pace.rig.sending(Event(wire.ENDPOINT, {})),
    ):
        step()
        hurries.append(pace.hurries)
    assert [False, True, False, True, True, False] == hurries


def test_a_recording_that_wakes_nobody_ends_the_hurry(tmp_path: Path) -> None:
    """After it time runs as it does for a person."""
    pace = Pace(tmp_path)
    pace.speak()
    pace.read_on()
    assert not pace.hurries


def test_without_hurry_time_always_runs_as_for_a_person(tmp_path: Path) -> None:
    """Nothing makes a rig hurry that was not told to."""
    pace = Pace(tmp_path, hurry=False)
    pace.speak()
    pace.rig.commanded(Event(wire.LISTEN, {}))
    assert not pace.hurries


def test_the_console_light_writes_a_line_for_each_change() -> None:
    """With the time since its start; what is shown already is not shown again."""
    clock = itertools.count(100.0, 0.5)
    out = io.StringIO()
    light = ConsoleLight(out, monotonic=lambda: next(clock))
    for phase in (Phase.IDLE, Phase.IDLE, Phase.LISTENING, Phase.IDLE):
        light.show(phase)
    assert [
        f"[  0.500 s] light: {Phase.IDLE}",
        f"[  1.000 s] light: {Phase.LISTENING}",
        f"[  1.500 s] light: {Phase.IDLE}",
    ] == out.getvalue().splitlines()


def test_a_closed_terminal_does_not_end_the_assistant() -> None:
    """Nobody looks any more: nothing is raised, whether the file or the device is gone."""

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    closed = io.StringIO()
    closed.close()
    for out in (closed, Gone()):
        ConsoleLight(out).show(Phase.IDLE)
