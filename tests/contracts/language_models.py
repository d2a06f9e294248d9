"""The language models that the contract is run on; add one by adding its rig to `RIGS`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal, Protocol

from sena_pi.engines.gemini import Gemini, GeminiSettings
from sena_pi.engines.gemini_model import GeminiModel
from sena_pi.errors import CloudBusy, CloudUnreachable
from sena_pi.simulated.cloudless import Ending, ScriptedAnswer, ScriptedLanguageModel
from sena_pi.stages import Cacheability, Header, LanguageModel
from tests.gemini_replies import End, answer_json, quota_spent, silence, text_answer
from tests.gemini_server import GeminiServer

KEEP = {
    Cacheability.EVERGREEN: "always",
    Cacheability.HOURS: "hours",
    Cacheability.NEVER: "never",
}
Then = Literal["ends", "is cut", "hangs"]


class LanguageModelRig(Protocol):
    """A language model, and the other end of it in the test's hands."""

    model: LanguageModel

    def will_answer(self, header: Header, *words: str, then: Then = "ends") -> None:
        """The next answer has this header and these words, in these pieces."""

    def will_refuse(self) -> None:
        """The next question is refused before a header comes."""

    def will_hang(self) -> None:
        """To the next question comes nothing at all."""

    async def idle(self) -> None:
        """Wait, within a wide bound, until nothing of any answer is left open.

        Raises:
            TimeoutError: something still is.
        """


class ScriptedRig:
    """The scripted model."""

    def __init__(self) -> None:
        self.model = ScriptedLanguageModel()

    def will_answer(self, header: Header, *words: str, then: Then = "ends") -> None:
        """Script it."""
        cut = CloudUnreachable("cut")
        endings = {"ends": Ending.WHOLE, "is cut": cut, "hangs": Ending.HANGS}
        self.model.will_answer(ScriptedAnswer(words, header, endings[then]))

    def will_refuse(self) -> None:
        """Script it."""
        self.model.will_answer(ScriptedAnswer(ending=CloudBusy("busy"), header_comes=False))

    def will_hang(self) -> None:
        """Script it."""
        self.model.will_answer(ScriptedAnswer(ending=Ending.HANGS, header_comes=False))

    async def idle(self) -> None:
        """Nothing to wait for: contexts are left at once."""
        if self.model.open_answers:
            raise TimeoutError


class GeminiRig:
    """Gemini, with the real client, against the loopback server."""

    def __init__(self, server: GeminiServer, model: GeminiModel) -> None:
        self.model = model
        self._server = server

    def will_answer(self, header: Header, *words: str, then: Then = "ends") -> None:
        """Script it, each piece of words in an event of its own, and what is behind them, too."""
        text = answer_json(
            heard=header.heard,
            lang=header.language,
            local=header.intent.value if header.intent else "none",
            keep=KEEP[header.cacheability],
            alone=header.stands_alone,
            asks=header.expects_reply,
            say="",
        )
        front, behind = text.split('""')
        reply = text_answer(front + '"', *words, '"' + behind)
        early = {"is cut": End.RESET, "hangs": End.SILENCE}
        if then != "ends":
            reply = reply.after(1 + len(words), early[then])
        self._server.will_answer(reply)

    def will_refuse(self) -> None:
        """Script it."""
        self._server.will_answer(quota_spent())

    def will_hang(self) -> None:
        """Script it."""
        self._server.will_answer(silence())

    async def idle(self) -> None:
        """Wait until the server has seen every unfinished answer's connection close."""
        for request in self._server.requests:
            if not request.sent_whole:
                await request.closing()


@asynccontextmanager
async def scripted_rig() -> AsyncIterator[LanguageModelRig]:
    """The scripted model."""
    yield ScriptedRig()


@asynccontextmanager
async def gemini_rig() -> AsyncIterator[LanguageModelRig]:
    """Gemini."""
    async with GeminiServer() as server:
        gemini = Gemini(server.key, GeminiSettings(base_url=server.url, read_timeout_s=60))
        try:
            yield GeminiRig(server, GeminiModel(gemini))
        finally:
            await gemini.aclose()


RIGS: dict[str, Callable[[], AbstractAsyncContextManager[LanguageModelRig]]] = {
    "scripted": scripted_rig,
    "gemini": gemini_rig,
}
