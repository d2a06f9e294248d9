"""The loopback server itself: its rules, its script and what it records."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.gemini_replies import End, Gate, answer_json, quota_spent, sound_answer, text_answer
from tests.gemini_server import GeminiServer, GeminiServerThread

WAV = base64.b64encode(b"RIFF").decode()
TEXT_MODEL, VOICE_MODEL = "gemini-3.5-flash-lite", "gemini-3.8-flash-lite-tts"


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServerThread() as server:
        yield server


def connected(server: GeminiServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)


def ask(
    server: GeminiServer,
    body: Any,
    *,
    model: str = TEXT_MODEL,
    headers: dict[str, str] | None = None,
    path: str = "/v1beta/models/{model}:streamGenerateContent?alt=sse",
) -> tuple[int, str]:
    """Status and body of the response to one request."""
    given = {"x-goog-api-key": server.key, **(headers or {})}
    with contextlib.closing(connected(server)) as connection:
        connection.request("POST", path.format(model=model), json.dumps(body), given)
        with contextlib.closing(connection.getresponse()) as response:
            return response.status, response.read().decode()


def question(text: str = "hello", **config: Any) -> Any:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], "generationConfig": config}


SPEAK = {
    "responseModalities": ["AUDIO"],
    "speech_config": {"voice_config": {"prebuilt_voice_config": {"voice_name": "Kore"}}},
}


def test_it_streams_events_and_records_the_request(server: GeminiServer):
    """Each piece is an event of its own; keys may be in either style."""
    server.will_answer(text_answer("One", " two"))
    status, text = ask(server, {**question("hi", max_output_tokens=5), "system_instruction": {}})
    events = [json.loads(event.removeprefix("data: ")) for event in text.split("\r\n\r\n")[:-1]]
    candidates = [event["candidates"][0] for event in events]
    assert (200, ["One", " two"]) == (
        status,
        [candidate["content"]["parts"][0]["text"] for candidate in candidates],
    )
    assert [None, "STOP"] == [candidate.get("finishReason") for candidate in candidates]
    (request,) = server.requests
    assert (TEXT_MODEL, "hi", {"maxOutputTokens": 5}) == (
        request.model,
        request.text,
        request.config,
    )
    assert request.sent_whole


@pytest.mark.parametrize(
    ("body", "others", "status", "says"),
    [
        (question(), {"headers": {"x-goog-api-key": ""}}, 403, "unregistered"),
        (question(), {"headers": {"x-goog-api-key": "x"}}, 400, "API_KEY_INVALID"),
        (question(), {"headers": {"x-server-timeout": "9"}}, 400, "too short"),
        (question(), {"model": "gemini-0"}, 404, "NOT_FOUND"),
        (question(), {"path": "/v2/models/{model}:streamGenerateContent?alt=sse"}, 404, ""),
        (question(), {"path": "/v1/models/{model}:streamGenerateContent"}, 400, "events"),
        (question(""), {}, 400, "empty"),
        (question(temprature=1), {}, 400, "Unknown name"),
        (question(responseSchema={}), {}, 400, "responseMimeType"),
        (question(thinkingConfig={"thinkingLevel": "HUGE"}), {}, 400, "thinking level"),
        (question(**SPEAK), {}, 400, "AUDIO"),
        (question(), {"model": VOICE_MODEL}, 400, "modalities"),
        (question(**SPEAK, temperature=1), {"model": VOICE_MODEL}, 400, "temperature"),
        ({"contents": [{"role": "model", "parts": [{"text": "x"}]}]}, {}, 400, "user role"),
        (
            {"contents": [{"parts": [{"inlineData": {"mimeType": "audio/wav", "data": WAV}}]}]},
            {},
            400,
            "audio",
        ),
    ],
)
def test_it_refuses_what_the_service_refuses(
    server: GeminiServer, body: Any, others: dict[str, Any], status: int, says: str
):
    """A request that breaks a rule does not reach the script."""
    server.will_answer(text_answer(answer_json()))
    code, text = ask(server, body, **others)
    assert status == code
    assert says in text


def test_questions_and_sentences_have_scripts_of_their_own(server: GeminiServer):
    """The order of a question and of sentences asked at once does not matter."""
    server.will_answer(quota_spent(5))
    server.will_speak(sound_answer(b"\1\2"))
    status, text = ask(server, question(**SPEAK), model=VOICE_MODEL)
    assert status == 200
    assert base64.b64encode(b"\1\2").decode() in text
    status, text = ask(server, question())
    assert (429, "5s") == (status, json.loads(text)["error"]["details"][1]["retryDelay"])


def test_a_standing_script_answers_what_is_not_scripted():
    """It sees the request."""
    script = GeminiServer(answer=lambda request: text_answer(request.text.upper()))
    with GeminiServerThread(script) as server:
        assert "HELLO" in ask(server, question())[1]


def test_it_sees_the_client_close(server: GeminiServer):
    """While a reply is silent, the moment of closing is recorded, and nothing more is sent."""
    gate = Gate()
    server.will_answer(text_answer("One", " two").with_pause(1, gate))
    path = f"/v1beta/models/{TEXT_MODEL}:streamGenerateContent?alt=sse"
    with contextlib.closing(connected(server)) as connection:
        connection.request("POST", path, json.dumps(question()), {"x-goog-api-key": server.key})
        with contextlib.closing(connection.getresponse()) as response:
            assert b"One" in response.readline()
        (request,) = server.requests
        assert not request.closed.done()
    assert request.closed.result(10) >= request.received_s
    gate.open()
    assert (1, False) == (request.sent_pieces, request.sent_whole)


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (End.RESET, ConnectionResetError),
        (End.CLOSE, http.client.IncompleteRead),
        (End.HALF_CLOSE, http.client.IncompleteRead),
    ],
)
def test_it_can_break_off(server: GeminiServer, end: End, error: type[Exception]):
    """As networks do."""
    server.will_answer(text_answer("One", " two").after(1, end))
    with pytest.raises(error):
        ask(server, question())
