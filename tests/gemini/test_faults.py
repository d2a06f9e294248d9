"""Refusals and faults of the API and of the network, and what is told of them."""

from __future__ import annotations

import contextlib
import logging
import socket

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from sena_pi.engines.gemini import GOOGLE_URL, Gemini, GeminiSettings
from sena_pi.errors import (
    CaptivePortal,
    CloudBusy,
    CloudError,
    CloudFailed,
    CloudKeyRefused,
    CloudSilent,
    CloudUnreachable,
)
from tests.gemini.asking import ANSWER, SECRET, answered, settings, spoken
from tests.gemini_replies import End, Reply, error_reply, event, quota_spent, silence, text_answer
from tests.gemini_server import GeminiServer

pytestmark = pytest.mark.anyio


FORBIDDEN = error_reply(403, "PERMISSION_DENIED")
REFUSALS = [
    (error_reply(401, "UNAUTHENTICATED"), CloudKeyRefused),
    (FORBIDDEN, CloudKeyRefused),
    (error_reply(400, "FAILED_PRECONDITION", "User location is not supported."), CloudFailed),
    (error_reply(404, "NOT_FOUND"), CloudFailed),
    (error_reply(500, "INTERNAL"), CloudFailed),
    (error_reply(503, "UNAVAILABLE"), CloudFailed),
    (error_reply(504, "DEADLINE_EXCEEDED"), CloudSilent),
    (Reply((b"[" + FORBIDDEN.steps[0] + b"]",), status=403), CloudKeyRefused),
    (Reply((b"<html>login first</html>",), content_type="text/html"), CaptivePortal),
    (Reply((b"<html>login</html>",), content_type="Text/HTML; charset=utf-8"), CaptivePortal),
    (Reply((b"<html>login</html>",), status=511, content_type="text/html"), CaptivePortal),
    (Reply((b"<html>oops</html>",), status=502, content_type="text/html"), CloudFailed),
    (Reply((), status=302, headers={"Location": "/v1beta/elsewhere"}), CaptivePortal),
    (Reply((b"\x00\xff\xfe",)), CloudFailed),
    (Reply((), before=(End.RESET,)), CloudUnreachable),
    (Reply((), before=(End.CLOSE,)), CloudUnreachable),
]


@pytest.mark.parametrize(("reply", "error"), REFUSALS)
async def test_each_refusal_and_fault_is_an_error_of_ours(
    server: GeminiServer, gemini: Gemini, reply: Reply, error: type[CloudError]
):
    """Asked once, never again by itself, and told as what it is; the voice tells the same."""
    server.will_answer(reply)
    with pytest.raises(error):
        await answered(gemini)
    server.will_speak(reply)
    with pytest.raises(error):
        await spoken(gemini)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("reply", "retry_after_s"),
    [
        (quota_spent(37), 37.0),
        (quota_spent(2.5), 2.5),
        (quota_spent(None), None),
        (error_reply(429, "RESOURCE_EXHAUSTED", headers={"Retry-After": "12"}), 12.0),
        (error_reply(429, "RESOURCE_EXHAUSTED", headers={"Retry-After": "Wed, 21 Oct"}), None),
    ],
)
async def test_over_quota_carries_when_to_ask_again(
    server: GeminiServer, gemini: Gemini, reply: Reply, retry_after_s: float | None
):
    """From the body or from the header, in seconds; None when neither says."""
    server.will_answer(reply)
    with pytest.raises(CloudBusy) as caught:
        await answered(gemini)
    assert retry_after_s == caught.value.retry_after_s


async def test_a_spent_day_is_told_apart_from_a_busy_minute(server: GeminiServer, gemini: Gemini):
    """The journal says which quota it was."""
    server.will_answer(quota_spent(of_today=True))
    with pytest.raises(CloudBusy, match="today"):
        await answered(gemini)


async def test_an_unknown_model_is_named(server: GeminiServer):
    """A model that was retired is the likeliest fault of an appliance of some age."""
    gemini = Gemini(server.key, settings(server, model="gemini-1.0-nano"))
    with pytest.raises(CloudFailed, match=r"gemini-1\.0-nano"):
        await answered(gemini)
    await gemini.aclose()


@pytest.mark.parametrize("key", ["", "  ", "two words", "line\nbreak", "schlüssel", "not-the-key"])
async def test_a_key_that_is_none_is_refused_and_never_quoted(server: GeminiServer, key: str):
    """Missing, malformed or wrong: the same state, told without the key."""
    gemini = Gemini(key, settings(server))
    with pytest.raises(CloudKeyRefused) as caught:
        await answered(gemini)
    await gemini.aclose()
    assert not key.strip() or key not in f"{caught.value!r} {gemini!r}"


@pytest.mark.parametrize("reply", [silence(), text_answer(ANSWER, finish="").after(1, End.SILENCE)])
async def test_silence_is_given_up_after_the_read_timeout(server: GeminiServer, reply: Reply):
    """Before the first byte and between two pieces alike."""
    gemini = Gemini(server.key, settings(server, read_timeout_s=0.2))
    server.will_answer(reply)
    with pytest.raises(CloudSilent, match="silent"):
        await answered(gemini)
    await gemini.aclose()


async def test_a_refused_connection_is_unreachable():
    """Nobody listens there."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        gemini = Gemini(
            "key", GeminiSettings(base_url=f"http://127.0.0.1:{unused.getsockname()[1]}")
        )
        with pytest.raises(CloudUnreachable, match="connect"):
            await answered(gemini)
        await gemini.aclose()


async def test_a_new_key_is_used_from_the_next_question_on(server: GeminiServer):
    """The refused one is forgotten, and its connections are closed."""
    gemini = Gemini("not-the-key", settings(server))
    with pytest.raises(CloudKeyRefused):
        await answered(gemini)
    await gemini.use_key(server.key)
    await server.deserted()
    server.will_answer(text_answer(ANSWER))
    assert (await answered(gemini))[1] == "Paris."
    await gemini.aclose()


async def test_no_message_and_no_log_line_holds_the_key_or_what_was_said(
    server: GeminiServer, caplog: pytest.LogCaptureFixture
):
    """Whatever goes wrong: the server's words, which may quote both, are never passed on."""
    caplog.set_level(logging.DEBUG)
    told = []
    echo = error_reply(400, "INVALID_ARGUMENT", f"cannot {SECRET} with {server.key}")
    replies = [reply for reply, _ in REFUSALS] + [
        echo,
        Reply((f"data: {{{SECRET}\r\n\r\n".encode(),)),
        text_answer(ANSWER, finish="").after(1, f"data: {SECRET}\r\n\r\n".encode()),
    ]
    for key in (server.key, "wrong-key-zq81"):
        gemini = Gemini(key, settings(server))
        for reply in replies:
            server.will_answer(reply)
            with pytest.raises(CloudError) as caught:
                await answered(gemini)
            told.append(f"{caught.value!r} {caught.value.__cause__!r}")
        await gemini.aclose()
    for secret in (SECRET, server.key, "wrong-key-zq81"):
        assert secret not in "\n".join(told)
        assert secret not in caplog.text


pieces_of_a_broken_stream = st.lists(
    st.one_of(
        st.binary(min_size=1),
        st.sampled_from(
            [b"data: ", b"\r\n\r\n", b"{", b"}", ANSWER.encode(), b'{"error":', b"null"]
        ),
        st.builds(
            lambda value: event({"candidates": value}),
            st.recursive(
                st.none() | st.integers() | st.text(),
                lambda inner: (
                    st.lists(inner, max_size=2)
                    | st.dictionaries(st.sampled_from(["content", "parts", "text"]), inner)
                ),
                max_leaves=5,
            ),
        ),
    ),
    max_size=6,
)


@examples(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(pieces_of_a_broken_stream)
async def test_no_bytes_of_a_server_raise_anything_else(
    server: GeminiServer, gemini: Gemini, pieces: list[bytes]
):
    """Whatever a server sends, it is an answer or a `CloudError`."""
    server.will_answer(Reply(tuple(pieces)))
    with contextlib.suppress(CloudError):
        await answered(gemini)


async def test_the_environment_does_not_choose_where_the_key_goes(
    server: GeminiServer, gemini: Gemini, monkeypatch: pytest.MonkeyPatch
):
    """No proxy, address, key or other service from the environment."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        elsewhere = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "GOOGLE_GEMINI_BASE_URL"):
            monkeypatch.setenv(name, elsewhere)
            monkeypatch.setenv(name.lower(), elsewhere)
        monkeypatch.setenv("GOOGLE_API_KEY", "key-of-the-environment")
        monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
        monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "v9")
        server.will_answer(text_answer(ANSWER))
        assert (await answered(gemini))[1] == "Paris."


async def test_the_address_of_the_environment_is_not_taken_for_googles(
    monkeypatch: pytest.MonkeyPatch,
):
    """Without an address in the settings the key goes to Google and nowhere else."""
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:9")
    gemini = Gemini("key")
    client = await gemini._opened()
    assert GOOGLE_URL == client._api_client.get_read_only_http_options()["base_url"]
    await gemini.aclose()
