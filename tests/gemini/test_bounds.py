"""Answers without end: whatever a server sends, no more than a bound of it is taken."""

from __future__ import annotations

import gzip

import pytest

from sena_pi.engines.gemini import LONGEST_BODY_BYTES, Gemini
from sena_pi.errors import CloudError, CloudFailed
from tests.gemini.asking import ANSWER, answered, spoken
from tests.gemini_replies import Reply, event, text_answer
from tests.gemini_server import GeminiServer

pytestmark = pytest.mark.anyio

_MB = 1 << 20
PIECES = 2 * LONGEST_BODY_BYTES // _MB


async def test_words_without_end_are_given_up(server: GeminiServer, gemini: Gemini):
    """More of them than anybody could listen to."""
    opening = ANSWER[: -len('"}')]
    server.will_answer(text_answer(opening, *["word " * 2000] * 20))
    with pytest.raises(CloudFailed, match="it is cut"):
        await answered(gemini)


@pytest.mark.parametrize("start", [b"data: ", b"\r\n: a comment"])
async def test_a_body_without_end_is_given_up(server: GeminiServer, gemini: Gemini, start: bytes):
    """One line that goes on and on is not gathered until memory runs out."""
    endless = Reply((start, *[b"0" * _MB] * PIECES))
    for ask in (answered, spoken):
        server.will_answer(endless)
        server.will_speak(endless)
        with pytest.raises(CloudFailed, match="does not end"):
            await ask(gemini)


async def test_a_packed_body_is_not_unpacked(server: GeminiServer, gemini: Gemini):
    """A few kilobytes may be a gigabyte: nothing packed is asked for, and none is taken."""
    good = event({"candidates": [{"content": {"parts": [{"text": ANSWER}]}}]})
    server.will_answer(Reply((gzip.compress(good),), headers={"Content-Encoding": "gzip"}))
    with pytest.raises(CloudFailed, match="packed"):
        await answered(gemini)
    assert "identity" == server.requests[-1].headers["accept-encoding"]


async def test_after_an_endless_answer_the_next_question_is_answered(
    server: GeminiServer, gemini: Gemini
):
    """The connection that it came by is not used again."""
    server.will_answer(Reply((b"data: ", *[b"0" * _MB] * PIECES)))
    with pytest.raises(CloudError):
        await answered(gemini)
    server.will_answer(text_answer(ANSWER))
    assert "Paris." == (await answered(gemini))[1]
