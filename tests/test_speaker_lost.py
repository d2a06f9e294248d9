"""A speaker that is busy, or is not there: looked for again, and waited for by nobody for long."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sena_pi.assistant import Assistant
from sena_pi.conversation import Conversation
from sena_pi.devices.speaker import WorkerSpeaker
from sena_pi.devices.worker import Supervisor, WorkerSpec
from sena_pi.phases import Phase
from sena_pi.report import Outcome, TurnReport
from sena_pi.simulated.cloudless import ScriptedLanguageModel, ScriptedSynthesizer
from sena_pi.thinking import Mind
from sena_pi.turn import Stages
from sena_pi.voice_ladder import VoiceLadder
from tests.faults import ReadyMicrophone
from tests.faulty_desk import BOTH, BOUND_S, faulty_desk
from tests.room import StoryLight
from tests.scripted_plugs_worker import FOLDER
from tests.turns.bench import NEVER, StoryAnswers, answered, understands_nothing


@pytest.fixture
def plugs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "plugs"
    folder.mkdir()
    monkeypatch.setenv(FOLDER, str(folder))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    return folder


def test_a_busy_speaker_is_tried_again(plugs: Path) -> None:
    """Somebody else has it: it is heard meanwhile, and spoken as soon as that one lets go."""

    async def story() -> None:
        async with faulty_desk(plugs, f"{BOTH} busy") as desk:
            assert not desk.audio.speaker.ready.is_set()
            desk.device(BOTH)
            async with asyncio.timeout(BOUND_S):
                await desk.audio.speaker.ready.wait()
            assert [True] == desk.hearing
            assert 0 == desk.audio.supervisor.replacements

    asyncio.run(story())


async def _nothing(_event: object) -> None:
    """Nobody tells anything."""


def test_a_turn_without_a_speaker_ends_and_is_shown() -> None:
    """The light tells the failure, and the next turn is taken."""

    async def story() -> None:
        # A worker that never gets ready has no speaker.
        speaker = WorkerSpeaker(Supervisor(WorkerSpec("audio", ()), _nothing))
        light, reports = StoryLight(), list[TurnReport]()
        mind = Mind(
            ScriptedLanguageModel([answered("Paris.")] * 2),
            ScriptedLanguageModel(otherwise=understands_nothing),
            StoryAnswers(),
            deadlines=NEVER,
        )
        voice = ScriptedSynthesizer()
        assistant = Assistant(
            Stages(ReadyMicrophone(), speaker, light, mind, VoiceLadder([voice])),
            Conversation(),
            on_report=reports.append,
        )
        assistant.hearing(on=True)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(assistant.run())
            for turn in (1, 2):
                assistant.press()
                async with asyncio.timeout(BOUND_S):
                    await assistant.idle()
                assert turn == len(reports)
            running.cancel()
        assert [Outcome.FAILED] * 2 == [report.outcome for report in reports]
        assert any("no speaker" in problem for problem in reports[0].problems)
        assert 2 == light.shown.count(Phase.ERROR)
        assert Phase.IDLE == light.shown[-1]
        assert 0 == voice.open_sentences

    asyncio.run(story())


def test_nothing_is_said_to_be_played_without_a_speaker() -> None:
    """What nobody could hear was not heard."""

    async def story() -> None:
        speaker = WorkerSpeaker(Supervisor(WorkerSpec("audio", ()), _nothing))
        speaker.begin()
        async with asyncio.timeout(BOUND_S):
            await speaker.flush()
        assert 0.0 == speaker.played_s

    asyncio.run(story())
