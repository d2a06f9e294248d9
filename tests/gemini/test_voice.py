"""Gemini speaks a sentence, or does not."""

from __future__ import annotations

import pytest

from sena_pi.engines.gemini import Gemini
from sena_pi.errors import CloudBusy, CloudUnreachable, SynthesisFailed
from tests.gemini.asking import SENTENCE, spoken
from tests.gemini_replies import Reply, blocked_answer, quota_spent, sound_answer, text_answer
from tests.gemini_server import GeminiServer

pytestmark = pytest.mark.anyio


async def test_a_sentence_is_sent_as_it_is(server: GeminiServer, gemini: Gemini):
    """The voice reads all it gets: the sentence alone is sent, and no sampling settings."""
    server.will_speak(sound_answer(b"\1\2" * 10))
    await spoken(gemini)
    (request,) = server.requests
    assert [("user", SENTENCE)] == request.turns
    assert {
        "responseModalities": ["AUDIO"],
        "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
    } == request.config
    assert request.body["store"] is False
    assert "systemInstruction" not in request.body


async def test_sound_that_cuts_samples_in_half_is_put_together(
    server: GeminiServer, gemini: Gemini
):
    """No byte is lost or torn, wherever the pieces were cut."""
    pcm = bytes(range(256)) * 40
    server.will_speak(sound_answer(pcm[:1], pcm[1:4096], pcm[4096:4099], pcm[4099:]))
    assert pcm == await spoken(gemini)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (sound_answer(finish="STOP"), SynthesisFailed),
        (sound_answer(finish="OTHER"), SynthesisFailed),
        (sound_answer(b"\1\2" * 99, finish="OTHER"), SynthesisFailed),
        (sound_answer(b"\1\2" * 99, finish=""), CloudUnreachable),
        (sound_answer(b"\1\2" * 99, mime_type="audio/mpeg"), SynthesisFailed),
        (sound_answer(bytes(48_000 * 61)), SynthesisFailed),
        (text_answer("I'd rather write."), SynthesisFailed),
        (blocked_answer(), SynthesisFailed),
        (quota_spent(), CloudBusy),
    ],
)
async def test_a_sentence_that_is_not_spoken_whole_is_an_error(
    server: GeminiServer, gemini: Gemini, reply: Reply, error: type[Exception]
):
    """No sound, half of it, endless sound or something else than sound: the next voice is asked."""
    server.will_speak(reply)
    with pytest.raises(error):
        await spoken(gemini)
