"""What a cloud can do to a person who waits, and a brain with the real client to bear it.

Used by the stories of faults and by the command that proves the deadlines.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sena_pi.attempt import Stages
from sena_pi.breaker import Breaker
from sena_pi.clips import Clips
from sena_pi.conversation import Conversation
from sena_pi.deadlines import Deadlines
from sena_pi.engines.gemini import Gemini, GeminiSettings
from sena_pi.engines.gemini_model import GeminiModel
from sena_pi.engines.gemini_voice import GeminiVoice
from sena_pi.guarded import Guard, GuardedModel, GuardedVoice
from sena_pi.pauses import Listener, SpeechPaused
from sena_pi.reasons import Reason
from sena_pi.report import TurnReport
from sena_pi.simulated.cloudless import ScriptedLanguageModel
from sena_pi.stages import Heard, Since, Speaker, Synthesizer
from sena_pi.thinking import Mind
from sena_pi.turn import Trigger, Turn
from sena_pi.voice_ladder import VoiceLadder
from tests.gemini_replies import (
    End,
    Reply,
    answer_json,
    error_reply,
    quota_spent,
    silence,
    sound_answer,
    text_answer,
)
from tests.gemini_server import GeminiServer
from tests.room import StoryLight
from tests.turns.bench import UTTERANCE, StoryAnswers, understands_nothing

SPEECH = bytes(9600)
"""0.2 s of the cloud's voice."""
OPEN = answer_json(heard="q", say="Whole one. And then")[:-2]
ANSWER = answer_json(heard="q", say="Paris.")
CONNECT_S = GeminiSettings().connect_timeout_s


@dataclass
class Place:
    """Where the cloud is thought to be.

    Attributes:
        url: its address.
        reached: how often somebody tried it, by requests or by connections.
        connect_timeout_s: how long a connection may take. Only where none comes that is scaled,
            since others must come on a busy machine, too.
        reply: what it answers next, where it answers.
    """

    url: str
    reached: Callable[[], int]
    connect_timeout_s: float = 10.0
    reply: Callable[[Reply], None] = lambda _reply: None


@asynccontextmanager
async def server(reply: Reply, speech: Reply) -> AsyncIterator[Place]:
    """A server that answers every question like this."""
    replies = [reply]
    async with GeminiServer(
        key="key", answer=lambda _: replies[-1], speak=lambda _: speech
    ) as gemini:
        yield Place(
            gemini.url,
            lambda: sum(request.model.endswith("lite") for request in gemini.requests),
            reply=replies.append,
        )


class _Stall(asyncio.Protocol):
    """Takes what comes, and says nothing."""

    def __init__(self, connections: list[_Stall]) -> None:
        self.closed = asyncio.get_running_loop().create_future()
        connections.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed.set_result(None)


@asynccontextmanager
async def stalling(scale: float) -> AsyncIterator[Place]:
    """A server that accepts connections and says nothing: TLS never begins."""
    connections: list[_Stall] = []
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: _Stall(connections), "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    yield Place(f"https://127.0.0.1:{port}", lambda: len(connections), CONNECT_S * scale)
    listening.close()
    # Whoever connected has gone, or has left a socket behind.
    async with asyncio.timeout(10):
        for connection in connections:
            await connection.closed


class BlackHoles:
    """Names that no name server answers for.

    While there are any, the resolver of this process is replaced.
    """

    def __init__(self) -> None:
        self._over: dict[str, threading.Event] = {}
        self._asked: Counter[str] = Counter()
        self._names = itertools.count(1)
        self._resolve = socket.getaddrinfo

    @asynccontextmanager
    async def one(self, scale: float) -> AsyncIterator[Place]:
        """A network with such a name server."""
        name = f"black-hole-{next(self._names)}.invalid"
        self._over[name] = threading.Event()
        socket.getaddrinfo = self._swallow  # type: ignore[assignment]
        try:
            yield Place(f"https://{name}", lambda: self._asked[name], CONNECT_S * scale)
        finally:
            self._over.pop(name).set()
            if not self._over:
                socket.getaddrinfo = self._resolve

    def _swallow(self, host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        over = self._over.get(name)
        if over is None:
            return self._resolve(host, *args, **kwargs)
        self._asked[name] += 1
        over.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        place: where it does, for a scale of time.
        told: every reason a person may be given for it in the end.
        requests: most that may be sent by ten questions, one right after the other.
        waits: nothing at all is known before a person is told that it is slow.
    """

    place: Callable[[float], AbstractAsyncContextManager[Place]]
    told: frozenset[str]
    requests: int = 3
    waits: bool = False

    def deadlines(self, scale: float) -> Deadlines:
        """So many times as long as usual; what must come in time gets all the time there is."""
        scaled = Deadlines().scaled(scale)
        if self.waits or scale >= 1:
            return scaled
        return replace(scaled, answer_s=60.0, turn_s=600.0)


def answering(reply: Reply, speech: Reply | None = None) -> Callable[[float], Any]:
    return lambda _scale: server(reply, speech or sound_answer(SPEECH))


def _trickle(scale: float) -> AbstractAsyncContextManager[Place]:
    """A token of a few characters a second."""
    pieces = [ANSWER[start : start + 4] for start in range(0, len(ANSWER), 4)]
    return server(text_answer(*pieces, gap_s=scale), sound_answer(SPEECH))


WAITING = {"filler", Reason.SLOW}
"""What may be told before the reason, on a slow machine by any fault."""

FAULTS = {
    "hang": Fault(answering(silence()), frozenset({Reason.SILENT}), waits=True),
    "hang-between-words": Fault(
        answering(text_answer(OPEN, finish="").after(1, End.SILENCE)),
        frozenset({Reason.CUT, Reason.SILENT}),
    ),
    "hang-before-words": Fault(
        answering(text_answer(OPEN[: OPEN.index("Whole")], finish="").after(1, End.SILENCE)),
        frozenset({Reason.SILENT}),
        waits=True,
    ),
    "trickle": Fault(_trickle, frozenset({Reason.SILENT}), waits=True),
    "cut": Fault(
        answering(text_answer(OPEN, finish="").after(1, End.RESET)),
        frozenset({Reason.CUT, Reason.OFFLINE}),
    ),
    "quota": Fault(answering(quota_spent(37)), frozenset({Reason.QUOTA}), requests=1),
    "key": Fault(
        answering(error_reply(401, "UNAUTHENTICATED")), frozenset({Reason.KEY}), requests=1
    ),
    # The next question is asked, since a portal goes as it came: by a login.
    "portal": Fault(
        answering(Reply((b"<html>login</html>",), content_type="text/html")),
        frozenset({Reason.PORTAL}),
        requests=10,
    ),
    "portal-redirect": Fault(
        answering(Reply((), status=302, headers={"Location": "/login"})),
        frozenset({Reason.PORTAL}),
        requests=10,
    ),
    "black-hole": Fault(BlackHoles().one, frozenset({Reason.OFFLINE})),
    "tls-stall": Fault(stalling, frozenset({Reason.OFFLINE})),
    "server-error": Fault(answering(error_reply(503, "UNAVAILABLE")), frozenset({Reason.TROUBLE})),
}


class ReadyMicrophone:
    """A `Microphone` into which somebody has just asked something."""

    async def hear(
        self, turn: str, since: Since, listener: Listener, *, no_speech_s: float | None = None
    ) -> Heard:
        now_ns = time.monotonic_ns()
        return Heard(UTTERANCE, "silence", now_ns, now_ns, 0)

    def phrase(self, pause: SpeechPaused, *, complete: bool) -> None: ...


@dataclass
class Brain:
    """The part of the appliance between microphone and speaker, with the real client."""

    stages: Stages
    breaker: Breaker
    conversation: Conversation = field(default_factory=Conversation)

    async def ask(self) -> TurnReport:
        """One question, to the end of its turn."""
        turn = Turn("1", Trigger("press", "press"), self.stages, self.conversation.recent())
        await turn.run()
        report = turn.report()
        self.conversation.add(report.heard, report.answered)
        return report


@asynccontextmanager
async def brain(
    place: Place, deadlines: Deadlines, speaker: Speaker, local: Synthesizer, clips: Clips
) -> AsyncIterator[Brain]:
    """A brain whose cloud is at this place; all of it is closed when the context is left."""
    settings = GeminiSettings(
        base_url=place.url,
        connect_timeout_s=place.connect_timeout_s,
        read_timeout_s=deadlines.answer_s,
    )
    gemini = Gemini("key", settings)
    await gemini.warm_up()
    breaker = Breaker("the cloud's answers")
    cloud = GuardedModel(GeminiModel(gemini), Guard(breaker))
    voice = GuardedVoice(GeminiVoice(gemini), Guard(Breaker("the cloud's voice")))
    rules = ScriptedLanguageModel(otherwise=understands_nothing)
    mind = Mind(cloud, rules, StoryAnswers(), deadlines=deadlines)
    ladder = VoiceLadder([voice, local])
    stages = Stages(ReadyMicrophone(), speaker, StoryLight(), mind, ladder, clips)
    try:
        yield Brain(stages, breaker)
    finally:
        await gemini.aclose()


def open_sockets() -> set[str]:
    """The sockets this process has open."""
    return set(_sockets())


def _sockets() -> Iterator[str]:
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the listing's own is closed by now
            target = str(descriptor.readlink())
            if target.startswith("socket:"):
                yield target


def audible_ms(report: TurnReport) -> float | None:
    """From the endpoint to the first sound of any kind; None: there was none."""
    moments = [report.ms[name] for name in ("filler", "reason", "first_audio") if name in report.ms]
    return min(moments) - report.ms["endpoint"] if moments else None
