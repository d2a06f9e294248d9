"""Answers and their speech in a cache, as turns would have left them there."""

from __future__ import annotations

from sena_pi.cache.entries import StoredAnswer, StoredSpeech
from sena_pi.cache.keys import AnswerKey, SpeechKey, context_digest
from sena_pi.cache.normalise import normal
from sena_pi.cache.responses import ResponseCache
from sena_pi.stages import Cacheability, Exchange

NOON = 1_790_000_000.0
MODEL = "gemini/x"
VOICE = "gemini/Kore"
WAKE_WORDS = ("hey sena", "sena")
SOUND = b"OggS" + bytes(600)


def keep(
    cache: ResponseCache,
    question: str,
    *sentences: str,
    kept_at: float | None = NOON,
    keep: Cacheability = Cacheability.EVERGREEN,
    after: Exchange | None = None,
    speech: bool = True,
) -> AnswerKey:
    """One answer, and the speech of each of its sentences; the answer's key.

    `after`: it belongs to the conversation that this was the first exchange of.
    """
    asked = normal(question, "en", WAKE_WORDS)
    context = context_digest([after]) if after is not None else ""
    key = AnswerKey(asked, "en", MODEL, 1, context)
    text = "\n".join(sentences)
    answer = StoredAnswer(question, text, "en", keep, MODEL, 1800.0, kept_at, after is None)
    assert cache.put(key, answer) is None
    for sentence in sentences if speech else ():
        spoken = StoredSpeech(sentence, "en", VOICE, SOUND, kept_at)
        assert cache.put(SpeechKey(sentence, "en", VOICE), spoken) is None
    return key
