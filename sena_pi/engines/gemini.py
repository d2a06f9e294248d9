"""The Gemini API: one client for the language model and the voice.

The only module that imports google-genai and its HTTP library. Both are imported, and the client
is built, in a thread and not before they are needed: that takes 0.5 s on a desktop and several
times as long on a Pi, and listening must not wait for it.

What the library does and what is done about it:

- A stream that is cancelled while its consumer is busy keeps its socket open. So a task that only
  ever waits for the next chunk owns the stream (see `GeminiStream`).
- Its timeout is copied into `X-Server-Timeout`, and the service refuses deadlines under 10 s. So
  that header is set on its own, and the timeouts by a request hook.
- It follows redirects with the key, asks again by itself when told to continue, and takes its
  proxy and its address from the environment. All of that is off.
- A web page in the place of an answer is taken for a stream without events. So a response hook
  looks at what came before it is read.
- A line without end is gathered without end, and what is packed is unpacked whatever its size. So
  nothing packed is asked for or taken, and the same hook bounds the body.
- Network errors are httpx2's own, broken bodies raise whatever they trip over, and messages hold
  what the server sent. All become a `CloudError` with words of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sena_pi.engines.gemini_errors import (
    NEW_KEY,
    distrust,
    impostor,
    is_about_thinking,
    refusal,
)
from sena_pi.engines.gemini_stream import GeminiStream, Piece, Request
from sena_pi.errors import (
    CloudError,
    CloudFailed,
    CloudKeyRefused,
    CloudSilent,
    CloudUnreachable,
)

if TYPE_CHECKING:
    import httpx2
    from google import genai
    from google.genai import types

_log = logging.getLogger(__name__)

GOOGLE_URL: Final = "https://generativelanguage.googleapis.com/"
SHORTEST_SERVER_DEADLINE_S: Final = 10
_IDLE_CONNECTION_S: Final = 120.0
LONGEST_BODY_BYTES: Final = 12 << 20
"""More than the longest sentence of sound takes, in base64."""
_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}
_THINKING_LADDER: Final = ("minimal", "low", "off", "default")
"""What is tried, downwards, when a model refuses a thinking level (they differ in which)."""


@dataclass(frozen=True, slots=True)
class GeminiSettings:
    """Which models, where, and how long to wait.

    Attributes:
        model: understands and answers.
        voice_model: speaks.
        voice: name of the voice it speaks with.
        language: BCP 47 tag most questions are in, a hint; "" gives none.
        base_url: another server than Google's; https, or http on this machine.
        api_version: version of the API.
        thinking: "minimal", "low", "medium", "high", "off", or "default" for the model's own.
        connect_timeout_s: for DNS and TCP, and again for TLS; shorter than a person waits for a
            reason.
        read_timeout_s: longest silence between two pieces of a response.
        server_deadline_s: after this the server gives up; it accepts no less than 10.
        max_output_tokens: of one answer, thoughts included.

    Raises:
        ValueError: the key would travel in the clear, or the server would refuse the deadline.
    """

    model: str = "gemini-3.5-flash-lite"
    voice_model: str = "gemini-3.8-flash-lite-tts"
    voice: str = "Kore"
    language: str = ""
    base_url: str = ""
    api_version: str = "v1beta"
    thinking: str = "minimal"
    connect_timeout_s: float = 2.5
    read_timeout_s: float = 8.0
    server_deadline_s: int = 30
    max_output_tokens: int = 2048

    def __post_init__(self) -> None:
        url = urlsplit(self.base_url or GOOGLE_URL)
        if url.scheme != "https" and not (url.scheme == "http" and url.hostname in _LOOPBACK):
            raise ValueError("base_url must be https, or http on this machine")
        if self.server_deadline_s < SHORTEST_SERVER_DEADLINE_S:
            raise ValueError(f"server_deadline_s must be at least {SHORTEST_SERVER_DEADLINE_S}")


class Gemini:
    """A connection to the API, shared by all who use it. Belongs to one event loop.

    Args:
        key: the API key; an empty or malformed one makes every request raise `CloudKeyRefused`.
        settings: see there.
    """

    def __init__(self, key: str, settings: GeminiSettings | None = None) -> None:
        self.settings = settings or GeminiSettings()
        self._key = key.strip()
        self._thinking = self.settings.thinking
        self._client: genai.Client | None = None
        self._opening = threading.Lock()
        self._closed = False

    async def warm_up(self) -> None:
        """Import the library and build the client, in a thread. Idempotent, safe to cancel.

        Raises:
            CloudKeyRefused: there is no key, or it can't be one.
            CloudFailed: the library can't be loaded.
        """
        await self._opened()

    async def connect(self) -> None:
        """Check the key and the model, and leave an open connection for the next request.

        Asks for the model's description, which counts as no answer and holds nothing a person
        said. Asked twice at once it leaves two: an answer and its speech each need one.

        Raises:
            CloudError: what a question would meet now.
        """
        client = await self._opened()
        with _translated(self.settings.model):
            await client.aio.models.get(model=self.settings.model)

    async def use_key(self, key: str) -> None:
        """Ask with another key from now on; what is still arriving is cut."""
        self._key = key.strip()
        await self._close()

    def stream(self, request: Request) -> GeminiStream:
        """A response that starts when its context is entered and is cancelled when it is left."""
        return GeminiStream(lambda give: self._receive(request, give))

    async def aclose(self) -> None:
        """Close all connections; requests fail from now on. Idempotent."""
        self._closed = True
        await self._close()

    async def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aio.aclose()
            client.close()

    async def _opened(self) -> genai.Client:
        if not self._key:
            raise CloudKeyRefused(f"there is no Gemini key; {NEW_KEY}")
        if not (self._key.isascii() and self._key.isprintable() and " " not in self._key):
            raise CloudKeyRefused(f"the Gemini key holds characters no key has; {NEW_KEY}")
        client = self._client
        if client is None:
            client = await asyncio.to_thread(self._open)
        if self._closed:
            raise CloudFailed("Gemini is closed")
        return client

    def _open(self) -> genai.Client:
        # In a thread, which goes on when the one who waits for it is cancelled: hence the lock.
        with self._opening:
            client = self._client
            if client is None:
                try:
                    _build_validators()
                    client = self._client = _new_client(self._key, self.settings)
                except ImportError as error:
                    raise CloudFailed(f"google-genai can't be loaded: {error}") from error
            return client

    async def _receive(self, request: Request, give: Callable[[Piece], None]) -> None:
        """Ask, and pass on the response piece by piece; runs in the pump."""
        client = await self._opened()
        while True:
            level = self._thinking if request.thinks else "default"
            try:
                await _ask(client, request, level, give)
            except _ThinkingRefused:
                self._think_less(level, request.model)
            else:
                return

    def _think_less(self, refused: str, model: str) -> None:
        if self._thinking != refused:
            return  # another request has found out already
        place = _THINKING_LADDER.index(refused) if refused in _THINKING_LADDER else 0
        self._thinking = _THINKING_LADDER[place + 1]
        _log.warning(
            "%s does not take thinking level %r; from now on %r", model, refused, self._thinking
        )


class _ThinkingRefused(Exception):
    """The model does not take the thinking level that was asked for."""


def _new_client(key: str, settings: GeminiSettings) -> genai.Client:
    import httpx2
    from google import genai
    from google.genai import types

    timeouts = httpx2.Timeout(settings.read_timeout_s, connect=settings.connect_timeout_s).as_dict()

    async def set_timeouts(request: httpx2.Request) -> None:
        request.extensions["timeout"] = timeouts

    async def unmask(response: httpx2.Response) -> None:
        portal = impostor(response.status_code, response.headers.get("content-type", ""))
        if portal is not None:
            raise portal
        _bound(response)

    return genai.Client(
        api_key=key,
        vertexai=False,
        http_options=types.HttpOptions(
            base_url=settings.base_url or GOOGLE_URL,
            api_version=settings.api_version,
            headers={
                "X-Server-Timeout": str(settings.server_deadline_s),
                "Accept-Encoding": "identity",
            },
            client_args={"trust_env": False},
            async_client_args={
                "trust_env": False,
                "follow_redirects": False,
                "limits": httpx2.Limits(keepalive_expiry=_IDLE_CONNECTION_S),
                "event_hooks": {"request": [set_timeouts], "response": [unmask]},
            },
        ),
    )


def _bound(response: httpx2.Response) -> None:
    """No more of the body is read than any answer takes, however it comes.

    Raises:
        CloudFailed: it comes packed, which nobody asked for.
    """
    import httpx2

    packed = response.headers.get("content-encoding", "identity").lower() != "identity"
    if packed:
        raise CloudFailed("Gemini's answer came packed, which was not asked for")

    class Bounded(httpx2.AsyncByteStream):
        def __init__(self, body: httpx2.AsyncByteStream) -> None:
            self._body = body
            self._left_bytes = LONGEST_BODY_BYTES

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for data in self._body:
                self._left_bytes -= len(data)
                if self._left_bytes < 0:
                    raise CloudFailed("Gemini's answer does not end")
                yield data

        async def aclose(self) -> None:
            await self._body.aclose()

    assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - an async client's
    response.stream = Bounded(response.stream)


def _build_validators() -> None:
    """Have the library build what it builds at the first use, so that no question waits for it.

    It takes 80 ms on a desktop, and several times as long on a Pi.
    """
    from google.genai import types

    part = {"text": "", "inline_data": {"mime_type": "audio/wav", "data": b""}}
    content = {"role": "user", "parts": [part]}
    types.Content.model_validate(content)
    types.GenerateContentConfig.model_validate({"response_schema": {"type": "OBJECT"}})
    types.GenerateContentResponse.model_validate({"candidates": [{"content": content}]})


async def _ask(
    client: genai.Client, request: Request, thinking: str, give: Callable[[Piece], None]
) -> None:
    from google.genai import types

    config = {
        **request.config,
        **_thinking_config(thinking),
        "automatic_continuation": False,
        "automatic_function_calling": {"disable": True},
        # New projects keep what is sent to them unless told not to.
        "store": False,
    }
    received_bytes = 0
    with _translated(request.model, thinking):
        chunks = await client.aio.models.generate_content_stream(
            model=request.model,
            contents=[types.Content.model_validate(content) for content in request.contents],
            config=types.GenerateContentConfig.model_validate(config),
        )
        async with contextlib.aclosing(chunks):  # type: ignore[type-var]
            async for chunk in chunks:
                for piece in _pieces(chunk):
                    received_bytes += len(piece.text) + len(piece.sound)
                    if received_bytes > request.longest_bytes:
                        raise CloudFailed("Gemini's answer does not end")
                    give(piece)


def _thinking_config(level: str) -> dict[str, Any]:
    if level == "default":
        return {}
    if level == "off":
        return {"thinking_config": {"thinking_budget": 0}}
    return {"thinking_config": {"thinking_level": level}}


def _pieces(chunk: types.GenerateContentResponse) -> Iterator[Piece]:
    # Not `chunk.text`: it warns about every part that is not text.
    feedback = chunk.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        yield Piece(blocked=feedback.block_reason.value)
    for candidate in (chunk.candidates or [])[:1]:
        for part in (candidate.content.parts if candidate.content else None) or []:
            if part.text and not part.thought:
                yield Piece(text=part.text)
            if part.inline_data is not None and part.inline_data.data:
                yield Piece(sound=part.inline_data.data, mime_type=part.inline_data.mime_type or "")
        if candidate.finish_reason is not None:
            yield Piece(finish=candidate.finish_reason.value)


@contextlib.contextmanager
def _translated(model: str, thinking: str = "default") -> Iterator[None]:
    """Turns what the library raises into errors of ours, which quote nothing of it."""
    import httpx2
    from google.genai import errors

    try:
        yield
    except CloudError:
        raise
    except errors.APIError as error:
        if thinking != "default" and is_about_thinking(error.code, error.details):
            raise _ThinkingRefused from None
        headers = getattr(error.response, "headers", None) or {}
        raise refusal(error.code, error.details, headers, model=model) from None
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        unreachable = CloudUnreachable("can't connect to Gemini; check the network")
        raise distrust(error) or unreachable from None
    except httpx2.TimeoutException as error:
        raise CloudSilent(f"Gemini is silent ({type(error).__name__})") from None
    except httpx2.TransportError as error:
        raise CloudUnreachable(f"the connection to Gemini broke ({type(error).__name__})") from None
    except Exception as error:  # noqa: BLE001 - the library raises anything on a broken body
        raise CloudFailed(f"Gemini's answer can't be read ({type(error).__name__})") from None
