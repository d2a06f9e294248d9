"""A canary sentence and a canary key go through the whole appliance, and come out nowhere.

The journal is a real one, with every field of every record: of the brain and of its workers.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sena_pi.audio import AudioChunk
from sena_pi.journal import JournalHandler
from sena_pi.report import Outcome
from tests.gemini_replies import (
    End,
    Reply,
    answer_json,
    error_event,
    error_reply,
    sound_answer,
    text_answer,
)
from tests.gemini_server import GeminiServer, GeminiServerThread
from tests.house import tone
from tests.journal import Journal, journal
from tests.test_run import SENA, environment, spoken
from tests.turns.bench import Bench, answered
from tests.turns.bench import tell as story

KEY = "AIzaSyCanaryPelican0123456789-abcdefghij"
QUESTION = "why do pelicans whisper to my umbrella"
ANSWER = "Because marzipan cathedrals are listening."
CANARIES = ("pelican", "umbrella", "marzipan", "cathedral")


@pytest.fixture
def real() -> Iterator[Journal]:
    with journal() as it:
        yield it


def replies() -> list[Reply]:
    """Answers that are whole, cut, broken, refused and quoted by an error."""
    whole = answer_json(heard=QUESTION, say=ANSWER)
    quoted = f"{QUESTION} {ANSWER} {KEY}"
    return [
        text_answer(whole),
        text_answer(whole[: whole.index("are")], finish="").after(1, End.RESET),
        text_answer(f"{{{quoted}"),
        Reply((text_answer(whole[:-20], finish="").steps[0], error_event(500, quoted))),
        error_reply(503, "UNAVAILABLE", quoted),
        error_reply(400, "INVALID_ARGUMENT", quoted),
    ]


def test_neither_words_nor_the_key_are_in_journal_state_or_names(
    tmp_path: Path, real: Journal
) -> None:
    """Six turns of all kinds, the counters on demand, an end in order."""
    asked = spoken(tmp_path, "hey jarvis, why do pelicans whisper to my umbrella")
    scripted = replies()
    with GeminiServerThread(GeminiServer(key=KEY)) as gemini:
        gemini.will_answer(*scripted)
        gemini.will_speak(*(sound_answer(tone(600)) for _ in range(9)))
        place = {
            **environment(tmp_path),
            "GEMINI_API_KEY": KEY,
            "SENA_CLOUD_BASE_URL": gemini.url,
            "SENA_CACHE_SIZE_MB": "8",
        }
        argv = [*SENA, "run", "--json", "--as-fast-as-it-goes", "--simulate"]
        with real.service(*argv, *[str(asked)] * len(scripted), env=place) as sena:
            assert sena.stdout is not None
            reports = [json.loads(sena.stdout.readline()) for _ in scripted]
            sena.send_signal(signal.SIGUSR1)
            sena.stdout.read()
    assert 0 == sena.returncode
    # They were there to be logged: that they are not is no accident.
    assert (QUESTION, ANSWER) == (reports[0]["heard"], reports[0]["answered"])
    turns = real.entries("SENA_EVENT=turn", at_least=len(scripted))
    assert len(scripted) == len(turns)
    assert real.entries("SENA_EVENT=cache_stats")
    everything = real.ask("-o", "export", "--all")
    assert_silent(everything)
    for folder in ("state", "run"):
        for path in sorted((tmp_path / folder).rglob("*")):
            if path.is_file():
                assert_silent(path.read_bytes().decode(errors="replace"))
    names = [str(path) for path in (tmp_path / "cache").rglob("*")]
    assert names
    assert_silent("\n".join(names))
    kept = b"".join(path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file())
    assert KEY.encode() not in kept


def assert_silent(text: str) -> None:
    """No canary is in it, in whatever case."""
    assert KEY not in text
    assert [] == [word for word in CANARIES if word in text.casefold()]


class Tripping:
    """A voice with a bug: it raises what it was to say."""

    name = "tripping"
    open_sentences = 0

    @asynccontextmanager
    async def synthesize(
        self, sentence: str, language: str = "en"
    ) -> AsyncIterator[AsyncIterator[AudioChunk]]:
        raise ValueError(f"can't say {sentence!r} with {KEY}")
        yield


def test_a_bug_in_a_turn_tells_its_place_and_nothing_else(
    real: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    """The traceback is in the journal; the sentence that it was about is not."""
    handler = JournalHandler(real.socket)
    logger = logging.getLogger("sena_pi")
    logger.addHandler(handler)

    async def ask(it: Bench) -> None:
        report = await it.answer_to_question()
        assert Outcome.FAILED is report.outcome

    try:
        story(ask, cloud=[answered(ANSWER, heard=QUESTION)], voices=[Tripping()])
    finally:
        logger.removeHandler(handler)
        handler.close()
    (entry,) = real.entries("PRIORITY=3")
    assert "ValueError" in entry["MESSAGE"]
    assert "in synthesize" in entry["MESSAGE"]
    assert_silent(real.ask("-o", "export", "--all"))
    assert any("marzipan" in str(record.exc_info) for record in caplog.records)


def test_a_task_that_trips_tells_no_words_either(real: Journal) -> None:
    """What asyncio itself logs holds the exception's own text."""
    handler = JournalHandler(real.socket)
    logger = logging.getLogger("asyncio")
    logger.addHandler(handler)

    async def trip() -> None:
        raise ValueError(ANSWER)

    async def main() -> None:
        await asyncio.wait([asyncio.get_running_loop().create_task(trip())])

    try:
        asyncio.run(main())
    finally:
        logger.removeHandler(handler)
        handler.close()
    (entry,) = real.entries("SENA_LOGGER=asyncio")
    assert "never retrieved" in entry["MESSAGE"]
    assert_silent(real.ask("-o", "export", "--all"))
