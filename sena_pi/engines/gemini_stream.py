"""A response of the Gemini API while it arrives; knows nothing of the library that fetches it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from sena_pi.errors import CloudError, CloudUnreachable


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a streamed response.

    Attributes:
        text: words, thoughts not among them.
        sound: bytes of `mime_type`.
        mime_type: of `sound`.
        finish: why the response ended ("STOP", "MAX_TOKENS", ...); "" while it goes on.
        blocked: why the question was not answered at all; "" if it was.
    """

    text: str = ""
    sound: bytes = b""
    mime_type: str = ""
    finish: str = ""
    blocked: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a model, in the field names of google-genai.

    Attributes:
        model: its name.
        contents: the turns of the conversation, the last of them the user's.
        config: fields of `GenerateContentConfig`.
        thinks: the configured thinking level goes with it.
        longest_bytes: a response with more than this is given up.
    """

    model: str
    contents: Sequence[Mapping[str, Any]]
    config: Mapping[str, Any]
    thinks: bool
    longest_bytes: int


class GeminiStream:
    """A response that is arriving: an async context manager, and an iterator of its pieces.

    A task of its own reads the response and never waits for the consumer, so that leaving the
    context closes the socket at once, whatever the consumer does meanwhile.
    """

    def __init__(self, receive: Callable[[Callable[[Piece], None]], Awaitable[None]]) -> None:
        self._receive = receive
        self._arrived: asyncio.Queue[Piece | CloudError | None] = asyncio.Queue()
        self._tasks = asyncio.TaskGroup()
        self._pump: asyncio.Task[None] | None = None
        self._over = False
        self._error: CloudError | None = None

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._pump = self._tasks.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._pump is not None  # noqa: S101 - the context was entered
        self._pump.cancel()
        # Whoever still waits, or reads on, is told; the pump may not even have begun.
        while not self._arrived.empty():
            self._arrived.get_nowait()
        self._arrived.put_nowait(CloudUnreachable("the answer was given up"))
        # No error is passed on: the group would wrap the consumer's own in a group of errors.
        await self._tasks.__aexit__(None, None, None)

    def __aiter__(self) -> AsyncIterator[Piece]:
        return self

    async def __anext__(self) -> Piece:
        """The next piece.

        Raises:
            CloudError: the response was refused or cut.
        """
        if not self._over:
            arrived = await self._arrived.get()
            if isinstance(arrived, Piece):
                return arrived
            self._over, self._error = True, arrived
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration

    async def _run(self) -> None:
        try:
            await self._receive(self._arrived.put_nowait)
        except CloudError as error:
            self._arrived.put_nowait(error)
        else:
            self._arrived.put_nowait(None)
