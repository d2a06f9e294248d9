"""What Gemini answers, whole, broken or cut."""

from __future__ import annotations

import json

import pytest

from sena_pi.engines.gemini import Gemini
from sena_pi.engines.gemini_model import GeminiModel
from sena_pi.errors import CloudDeclined, CloudError, CloudFailed, CloudUnreachable
from sena_pi.stages import Cacheability, Header, Intent, Response
from tests.gemini.asking import ANSWER, SECRET, SPOKEN, TYPED, answered, settings
from tests.gemini_replies import (
    End,
    Gate,
    Reply,
    answer_json,
    blocked_answer,
    error_event,
    text_answer,
)
from tests.gemini_server import GeminiServer

pytestmark = pytest.mark.anyio


async def cut_short(response: Response) -> tuple[str, CloudError]:
    """The words that came, and the error after them."""
    await response.header()
    words = ""
    try:
        async for piece in response.deltas():
            words += piece
    except CloudError as error:
        return words, error
    raise AssertionError("the answer ended without an error")


async def test_the_header_and_the_first_words_come_while_the_rest_is_held(
    server: GeminiServer, gemini: Gemini
):
    """The words are passed on as they arrive; nothing waits for the end."""
    front, behind = ANSWER.split("Paris.")
    gate, further = Gate(), Gate()
    reply = text_answer(front + "Paris", " it is.", behind)
    server.will_answer(reply.with_pause(2, further).with_pause(1, gate))
    async with GeminiModel(gemini).respond(TYPED) as response:
        assert Header(heard=SECRET) == await response.header()
        deltas = response.deltas()
        assert await anext(deltas) == "Paris"
        gate.open()
        assert await anext(deltas) == " it is."
        further.open()
        assert [] == [words async for words in deltas]
        assert response.complete


async def test_what_stands_behind_the_words_is_known_after_them(
    server: GeminiServer, gemini: Gemini
):
    """All of one answer in one piece, too: whoever reads it early learns so in every test."""
    server.will_answer(text_answer(answer_json(asks=True)))
    async with GeminiModel(gemini).respond(TYPED) as response:
        assert Header(heard=SECRET) == await response.header()
        _ = [words async for words in response.deltas()]
        assert (
            Header(
                SECRET, "en", None, Cacheability.EVERGREEN, stands_alone=True, expects_reply=True
            )
            == await response.header()
        )


@pytest.mark.parametrize("finish", ["", "MAX_TOKENS"])
async def test_an_answer_that_is_cut_behind_its_words_keeps_the_safe_defaults(
    server: GeminiServer, gemini: Gemini, finish: str
):
    """Even of what came behind them: an answer that is cut is not to be kept, or replied to."""
    answer = answer_json(asks=True).removesuffix("}")
    server.will_answer(text_answer(answer, finish=finish))
    async with GeminiModel(gemini).respond(TYPED) as response:
        assert (await cut_short(response))[0]
        assert Header(heard=SECRET) == await response.header()


async def test_words_that_are_certain_only_at_the_cut_are_spoken_with_a_safe_header(
    server: GeminiServer, gemini: Gemini
):
    """A number may go on until something follows it; what followed is not believed."""
    server.will_answer(text_answer('{"say": 42, "keep": "always", "asks": tr', finish="MAX_TOKENS"))
    async with GeminiModel(gemini).respond(TYPED) as response:
        words, error = await cut_short(response)
        assert ("42", CloudDeclined) == (words, type(error))
        assert Header(heard=SECRET) == await response.header() == await response.asked()


async def test_an_answer_that_names_no_language_is_in_the_usual_one(server: GeminiServer):
    """The one of the settings, of which the model was told."""
    server.will_answer(text_answer(answer_json(say="Ja.")))
    gemini = Gemini(server.key, settings(server, language="de-DE"))
    header, *_ = await answered(gemini)
    await gemini.aclose()
    assert header.language == "de-DE"


async def test_an_intent_is_known_while_the_rest_is_held(server: GeminiServer, gemini: Gemini):
    """Nothing that our own code needs stands behind it."""
    whole = answer_json(heard="what time is it", local="time", say="")
    cut = whole.index(', "say"')
    server.will_answer(text_answer(whole[:cut], whole[cut:]).with_pause(1, Gate()))
    async with GeminiModel(gemini).respond(SPOKEN) as response:
        assert Header("what time is it", intent=Intent.TIME) == await response.header()
    await server.requests[0].closing()


async def test_what_was_heard_is_known_while_the_rest_of_the_header_is_held(
    server: GeminiServer, gemini: Gemini
):
    """And leaving then cancels the rest: nobody needs it who knows the answer."""
    whole = answer_json(heard="what is the capital of France")
    cut = whole.index("Paris")
    server.will_answer(text_answer(whole[:cut], whole[cut:]).with_pause(1, Gate()))
    async with GeminiModel(gemini).respond(SPOKEN) as response:
        asked = await response.asked()
    assert Header(heard="what is the capital of France", language="en") == asked
    await server.requests[0].closing()


async def test_a_question_that_is_cut_was_not_heard(server: GeminiServer, gemini: Gemini):
    """Nobody looks for an answer to half a question; waiting for it says why, each time."""
    server.will_answer(text_answer('{"heard": "what is', finish="MAX_TOKENS"))
    async with GeminiModel(gemini).respond(SPOKEN) as response:
        for _ in range(2):
            with pytest.raises(CloudDeclined, match="MAX_TOKENS"):
                await response.asked()


async def test_a_typed_question_is_known_word_for_word(server: GeminiServer, gemini: Gemini):
    """What was typed counts, and not what the model makes of it."""
    server.will_answer(text_answer(answer_json(heard="something else")))
    assert (await answered(gemini))[0].heard == SECRET


async def test_thoughts_are_not_spoken(server: GeminiServer, gemini: Gemini):
    """Parts that are the model's thoughts are left out."""
    thought = {"text": "Let me think.", "thought": True}
    reply = text_answer(ANSWER)
    (whole,) = reply.steps
    assert isinstance(whole, bytes)
    data = json.loads(whole.removeprefix(b"data: "))
    data["candidates"][0]["content"]["parts"].insert(0, thought)
    server.will_answer(Reply((b"data: " + json.dumps(data).encode() + b"\r\n\r\n",)))
    assert (await answered(gemini))[1:] == ("Paris.", True)


async def test_prose_instead_of_json_is_spoken_and_not_kept(server: GeminiServer, gemini: Gemini):
    """A broken header still gives a spoken answer, with defaults that keep it out of the cache."""
    server.will_answer(text_answer("Paris is ", "the capital."))
    assert (Header(heard=SECRET), "Paris is the capital.", False) == await answered(gemini)


async def test_a_character_cut_in_half_between_events_is_spoken_whole(
    server: GeminiServer, gemini: Gemini
):
    """Also when the halves of an escaped surrogate pair come in two events."""
    server.will_answer(text_answer('{"heard":"x","say":"a\\ud83d', '\\ude00b"}'))
    assert (await answered(gemini))[1] == "a😀b"


OPEN = text_answer(ANSWER, finish="")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (text_answer(ANSWER, finish="MAX_TOKENS"), CloudDeclined),
        (text_answer(ANSWER, finish="SAFETY"), CloudDeclined),
        pytest.param(
            text_answer(ANSWER, finish="NEW_REASON"),
            CloudDeclined,
            # The client warns of it; the reason is passed on all the same.
            marks=pytest.mark.filterwarnings("ignore:NEW_REASON is not a valid FinishReason"),
        ),
        (text_answer('{"heard":"x","say":"', "x" * 9000), CloudDeclined),
        (OPEN.after(1, error_event(503)), CloudFailed),
        (OPEN.after(1, error_event(0, "odd")), CloudFailed),
        (OPEN.after(1, b'data: {"error": "no object"}\r\n\r\n'), CloudFailed),
        (OPEN.after(1, b"data: {not json\r\n\r\n"), CloudFailed),
        (OPEN.after(1, b"data: [1]\r\n\r\n"), CloudUnreachable),
        (OPEN.after(1, b'data: {"candidates": 5}\r\n\r\n'), CloudFailed),
        (OPEN, CloudUnreachable),
        (text_answer(ANSWER).after(1, End.RESET), CloudUnreachable),
        (OPEN.after(1, End.CLOSE), CloudUnreachable),
        (OPEN.after(1, End.HALF_CLOSE), CloudUnreachable),
    ],
)
async def test_an_answer_that_is_cut_is_spoken_as_far_as_it_came(
    server: GeminiServer, gemini: Gemini, reply: Reply, expected: type[CloudError]
):
    """Words that arrived are good, then comes an error, and the answer is not complete."""
    server.will_answer(reply)
    async with GeminiModel(gemini).respond(TYPED) as response:
        words, error = await cut_short(response)
        assert words
        assert expected is type(error)
        assert not response.complete


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (blocked_answer("PROHIBITED_CONTENT"), "PROHIBITED_CONTENT"),
        (text_answer(finish="RECITATION"), "RECITATION"),
        (text_answer("", finish="STOP"), "no words"),
        (text_answer('{"heard": "x", "lang": "en"', finish="MAX_TOKENS"), "MAX_TOKENS"),
        (text_answer('{"heard": "x", "lang": "en"'), "no words"),
    ],
)
async def test_an_answer_without_words_says_why(
    server: GeminiServer, gemini: Gemini, reply: Reply, message: str
):
    """Nothing to speak and nothing to do is a failure with its reason."""
    server.will_answer(reply)
    with pytest.raises(CloudFailed, match=message):
        await answered(gemini)


async def test_an_intent_needs_no_words(server: GeminiServer, gemini: Gemini):
    """What our own code answers comes with a header alone."""
    server.will_answer(text_answer(answer_json(local="time", say="")))
    header, words, complete = await answered(gemini)
    assert (Intent.TIME, "", True) == (header.intent, words, complete)
