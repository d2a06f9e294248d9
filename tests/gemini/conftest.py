"""A loopback server and the real client, for each test of the Gemini engines."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sena_pi.engines.gemini import Gemini
from tests.gemini.asking import settings
from tests.gemini_server import GeminiServer


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def server() -> AsyncIterator[GeminiServer]:
    async with GeminiServer() as server:
        yield server


@pytest.fixture
async def gemini(server: GeminiServer) -> AsyncIterator[Gemini]:
    gemini = Gemini(server.key, settings(server))
    yield gemini
    await gemini.aclose()
