"""Questions and sentences for the Gemini engines."""

from __future__ import annotations

from typing import Any

from sena_pi.audio import Utterance
from sena_pi.engines.gemini import Gemini, GeminiSettings
from sena_pi.engines.gemini_model import GeminiModel
from sena_pi.engines.gemini_voice import GeminiVoice
from sena_pi.stages import Header, Question
from tests.gemini_replies import answer_json
from tests.gemini_server import GeminiServer

SECRET = "how do I hide a surprise party"
UTTERANCE = Utterance(pcm=bytes(range(256)) * 125, speech_end_sample=8_000)
SPOKEN = Question(utterance=UTTERANCE)
TYPED = Question(text=SECRET)
ANSWER = answer_json(say="Paris.")
SENTENCE = "Paris is the capital."


def settings(server: GeminiServer, **others: Any) -> GeminiSettings:
    """Settings for this server; it may be silent for long unless a test says otherwise."""
    return GeminiSettings(base_url=server.url, **{"read_timeout_s": 60.0, **others})


async def answered(gemini: Gemini, question: Question = TYPED) -> tuple[Header, str, bool]:
    """Header, words and completeness of the answer."""
    async with GeminiModel(gemini).respond(question) as response:
        header = await response.header()
        words = "".join([words async for words in response.deltas()])
        return header, words, response.complete


async def spoken(gemini: Gemini) -> bytes:
    """The sound of a sentence."""
    async with GeminiVoice(gemini).synthesize(SENTENCE) as speech:
        return b"".join([chunk.pcm async for chunk in speech])
