"""Loading the library, connecting ahead, and closing."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys

import pytest

from sena_pi.engines.gemini import Gemini
from sena_pi.errors import CloudFailed, CloudKeyRefused
from tests.gemini.asking import ANSWER, answered, settings, spoken
from tests.gemini_replies import sound_answer, text_answer
from tests.gemini_server import GeminiServer

pytestmark = pytest.mark.anyio


def test_nothing_heavy_is_imported_before_it_is_needed():
    """Importing our modules and building both engines loads neither the library nor its HTTP."""
    program = (
        "import sys\n"
        "from sena_pi.engines.gemini import Gemini\n"
        "from sena_pi.engines.gemini_model import GeminiModel\n"
        "from sena_pi.engines.gemini_voice import GeminiVoice\n"
        "GeminiModel(Gemini('key')), GeminiVoice(Gemini('key'))\n"
        "sys.exit(any(name in sys.modules for name in ('google.genai', 'httpx2', 'pydantic')))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_slower_http_library_is_not_installed():
    """google-genai would import aiohttp if it were there: 0.2 s and 10 MB more for nothing."""
    assert importlib.util.find_spec("aiohttp") is None


async def test_warming_up_can_be_given_up(server: GeminiServer, gemini: Gemini):
    """One of two who warm up is cancelled; the other and the first question go on."""
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(gemini.warm_up())
        tasks.create_task(gemini.warm_up())
        await asyncio.sleep(0)
        first.cancel()
    server.will_answer(text_answer(ANSWER))
    assert (await answered(gemini))[1] == "Paris."


async def test_connecting_leaves_a_connection_for_the_question(
    server: GeminiServer, gemini: Gemini
):
    """The question needs no connection of its own, nor do the sentences after it."""
    await gemini.connect()
    server.will_answer(text_answer(ANSWER))
    server.will_speak(sound_answer(b"\1\2" * 10))
    await answered(gemini)
    await spoken(gemini)
    assert server.connections == 1


async def test_connecting_finds_out_about_a_bad_key(server: GeminiServer):
    """Before anybody has asked anything."""
    gemini = Gemini("not-the-key", settings(server))
    with pytest.raises(CloudKeyRefused):
        await gemini.connect()
    await gemini.aclose()


async def test_closing_closes_every_connection_and_later_questions_fail(
    server: GeminiServer, gemini: Gemini
):
    """Idle connections go too; closing twice does no harm."""
    await gemini.connect()
    await gemini.aclose()
    await gemini.aclose()
    await server.deserted()
    with pytest.raises(CloudFailed, match="closed"):
        await answered(gemini)
