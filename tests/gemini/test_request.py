"""What is sent to Gemini: the settings, the request, and the thinking level."""

from __future__ import annotations

import pytest

from sena_pi.answer_header import ANSWER_SCHEMA
from sena_pi.engines.gemini import Gemini, GeminiSettings
from sena_pi.errors import CloudFailed
from sena_pi.prompts import SYSTEM_INSTRUCTION
from sena_pi.stages import Exchange, Question
from tests.gemini.asking import ANSWER, UTTERANCE, answered, settings
from tests.gemini_replies import error_reply, text_answer
from tests.gemini_server import GeminiServer

pytestmark = pytest.mark.anyio


async def test_one_request_carries_the_sound_and_the_conversation(
    server: GeminiServer, gemini: Gemini
):
    """Earlier exchanges go as turns, the sound as WAV in the last, which is the user's."""
    server.will_answer(text_answer(ANSWER))
    conversation = [Exchange("hello", "Good day."), Exchange("", "not understood")]
    await answered(gemini, Question(utterance=UTTERANCE, conversation=conversation))
    (request,) = server.requests
    assert [("user", "hello"), ("model", "Good day."), ("user", "")] == request.turns
    assert UTTERANCE.wav() == request.sound


async def test_the_request_asks_for_fields_in_order_and_leaves_nothing_behind(
    server: GeminiServer, gemini: Gemini
):
    """Fixed order of fields, nothing stored, least thinking, no sampling, bounded length."""
    server.will_answer(text_answer(ANSWER))
    await answered(gemini)
    (request,) = server.requests
    assert request.body["store"] is False
    assert SYSTEM_INSTRUCTION == request.body["systemInstruction"]["parts"][0]["text"]
    schema = request.config.pop("responseSchema")
    assert ANSWER_SCHEMA["property_ordering"] == schema["propertyOrdering"]
    assert ANSWER_SCHEMA["required"] == schema["required"]
    assert {
        "responseMimeType": "application/json",
        "maxOutputTokens": 2048,
        "thinkingConfig": {"thinkingLevel": "MINIMAL"},
    } == request.config


async def test_version_models_language_and_deadline_come_from_the_settings(server: GeminiServer):
    """What the settings say is what is asked; the server's deadline is not the client's."""
    server.will_answer(text_answer(ANSWER))
    gemini = Gemini(
        server.key,
        settings(
            server,
            model="gemini-3.8-flash",
            api_version="v1",
            thinking="high",
            language="de-DE",
            server_deadline_s=20,
            read_timeout_s=1.5,
        ),
    )
    await answered(gemini)
    await gemini.aclose()
    (request,) = server.requests
    assert request.path == "/v1/models/gemini-3.8-flash:streamGenerateContent"
    assert request.headers["x-server-timeout"] == "20"
    assert request.config["thinkingConfig"] == {"thinkingLevel": "HIGH"}
    assert "de-DE" in request.body["systemInstruction"]["parts"][0]["text"]


@pytest.mark.parametrize(
    ("model", "used"),
    [
        ("gemini-3.8-flash", {"thinkingLevel": "LOW"}),
        ("gemini-2.5-flash", {"thinkingBudget": 0}),
    ],
)
async def test_a_model_that_refuses_the_thinking_level_gets_a_lower_one(
    server: GeminiServer, model: str, used: dict[str, object], caplog: pytest.LogCaptureFixture
):
    """The refused question is asked again at once, and what was found out is remembered."""
    gemini = Gemini(server.key, settings(server, model=model))
    for _ in range(2):
        server.will_answer(text_answer(ANSWER))
        assert (await answered(gemini))[1] == "Paris."
    await gemini.aclose()
    assert used == server.requests[-1].config["thinkingConfig"]
    assert used == server.requests[-2].config["thinkingConfig"]
    assert any("thinking level" in message for message in caplog.messages)


async def test_a_model_that_takes_no_thinking_setting_at_all_is_asked_without(
    server: GeminiServer, gemini: Gemini
):
    """After the last rung nothing is asked for, and a refusal then is an error, not a loop."""
    no = error_reply(400, "INVALID_ARGUMENT", "Thinking is not supported for this model.")
    server.will_answer(no, no, no, text_answer(ANSWER), no)
    assert (await answered(gemini))[1] == "Paris."
    assert "thinkingConfig" not in server.requests[-1].config
    with pytest.raises(CloudFailed):
        await answered(gemini)


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "http://example.com"},
        {"base_url": "http://127.0.0.1.example.com"},
        {"base_url": "ftp://127.0.0.1"},
        {"server_deadline_s": 9},
    ],
)
def test_settings_that_would_leak_the_key_or_be_refused_are_a_mistake(wrong: dict[str, object]):
    """The key travels by https only, and the service takes no deadline under 10 s."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        GeminiSettings(**wrong)  # type: ignore[arg-type]
