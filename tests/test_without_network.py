"""No network, from the start on: it listens, says why nobody answers, and ends when it is told."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sena_pi.app import Appliance, Simulation, running
from sena_pi.audio import MICROPHONE_FORMAT, wav_bytes
from sena_pi.keys import KeyStore
from sena_pi.phases import Phase
from sena_pi.reasons import Reason
from sena_pi.report import Source, TurnReport
from sena_pi.settings import validated
from tests.gemini_replies import answer_json, sound_answer, text_answer
from tests.gemini_server import GeminiServer
from tests.house import BOUND_S, Light, tone
from tests.speech import say

ANSWER = text_answer(answer_json(heard="q", say="Paris."))


class Person:
    """Asks, and hears what comes of it."""

    def __init__(self, question: Path) -> None:
        self.light = Light()
        self.reports: asyncio.Queue[TurnReport] = asyncio.Queue()
        self._question = question

    async def asks(self, appliance: Appliance) -> TurnReport:
        appliance.assistant.press()
        await self.light.reached(Phase.LISTENING)
        await appliance.audio.simulate(str(self._question))
        async with asyncio.timeout(BOUND_S):
            report = await self.reports.get()
            await appliance.assistant.idle()
        return report


@asynccontextmanager
async def at_home(folder: Path, port: int, person: Person) -> AsyncIterator[Appliance]:
    """The appliance, whose cloud is thought to be at a port of this machine."""
    settings = validated(
        {
            "cloud": {"base_url": f"http://127.0.0.1:{port}"},
            "cache": {"enabled": False},
            "listening": {"adaptive": False, "silence_s": 0.3},
        }
    )
    keys = KeyStore(folder / "keys", environ={"GEMINI_API_KEY": "loopback-key"})
    async with running(
        settings,
        keys,
        person.light,
        simulation=Simulation(hurry=True),
        on_report=person.reports.put_nowait,
    ) as appliance:
        async with asyncio.timeout(BOUND_S):
            await appliance.listening.wait()
            await appliance.assistant.idle()
        yield appliance


def test_it_listens_explains_and_recovers_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody restarts anything: the first question after the network is there is answered."""
    for name in ("STATE", "CACHE", "RUNTIME"):
        monkeypatch.setenv(f"{name}_DIRECTORY", str(tmp_path / name))
    question = tmp_path / "question.wav"
    question.write_bytes(wav_bytes(say("what is this", "slt"), MICROPHONE_FORMAT))

    async def story() -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            person = Person(question)
            async with at_home(tmp_path, port, person) as appliance:
                offline = await person.asks(appliance)
                assert Reason.OFFLINE == offline.told[-1]
                unused.close()
                async with GeminiServer(
                    answer=lambda _: ANSWER, speak=lambda _: sound_answer(tone(600, 0.1))
                ) as gemini:
                    listening = await asyncio.start_server(_pipe_to(gemini.url), "127.0.0.1", port)
                    async with listening:
                        answered = await person.asks(appliance)
                assert (Source.CLOUD, "Paris.") == (answered.source, answered.answered)

    asyncio.run(story())


def _pipe_to(url: str):
    """Everything that comes goes to another port, both ways."""
    port = int(url.rpartition(":")[2].rstrip("/"))

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(copy(reader, server_writer))
            tasks.create_task(copy(server_reader, writer))

    return connected


LOOKS_UP = textwrap.dedent("""
    import asyncio, socket, sys, threading
    from sena_pi.foreground import until_terminated

    asked = threading.Event()
    def nobody_answers(*_arguments, **_more):
        asked.set()
        threading.Event().wait()
    socket.getaddrinfo = nobody_answers

    async def work():
        looking = asyncio.ensure_future(
            asyncio.get_running_loop().getaddrinfo("nowhere.invalid", 443)
        )
        await asyncio.to_thread(asked.wait)
        print("looking", flush=True)
        try:
            return await looking
        finally:
            print("closed")

    sys.exit(until_terminated(work()))
""")


def test_a_name_that_is_still_looked_up_does_not_hold_up_the_end() -> None:
    """No thread can be ended from outside: it is left behind, once everything else is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", LOOKS_UP], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        assert process.stdout is not None
        try:
            assert "looking\n" == process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            # systemd would wait for ten seconds, and then kill.
            assert 0 == process.wait(30)
            assert "closed\n" == process.stdout.read()
        finally:
            process.kill()
