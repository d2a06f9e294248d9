"""What the Gemini API refuses, for the loopback server of `tests.gemini_server`.

Where each rule comes from:

- key missing (403) or wrong (400 `API_KEY_INVALID`, its details quoting the key): the API's
  troubleshooting guide, and error bodies in users' reports;
- unknown model (404), unknown field (400): error bodies in users' reports;
- a deadline under 10 s (400, "Manually set deadline 5s is too short. Minimum allowed deadline is
  10s."): seen live by several projects in 2026, e.g. googleapis/python-genai #1330;
- thinking levels by model (400, "'minimal' is not a supported thinking level for this model.
  Allowed values are: ..."; "Thinking level is not supported for this model."), level and budget
  together (400): the thinking guide and error bodies in users' reports;
- penalties, a last turn of the model (400): the page of gemini-3.5-flash-lite;
- temperature, top_p and top_k for the 3.8 voices (400), text in and sound out only: the guide on
  moving to the 3.8 voices;
- a response schema needs `application/json`, and orders and requires only what it has: the guide
  on structured output;
- sound is read as what its mime type says: that it is really WAV is checked here.
"""

from __future__ import annotations

import base64
import io
import re
import wave
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Any


@dataclass(frozen=True)
class Model:
    """A model as far as the rules know it.

    Attributes:
        thinking_levels: those it takes; none: it knows only a budget.
        speaks: text in, sound out.
    """

    thinking_levels: tuple[str, ...] = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
    speaks: bool = False


MODELS: Mapping[str, Model] = {
    "gemini-3.5-flash-lite": Model(),
    "gemini-3.8-flash": Model(thinking_levels=("LOW", "MEDIUM", "HIGH")),
    "gemini-2.5-flash": Model(thinking_levels=()),
    "gemini-3.8-flash-lite-tts": Model(thinking_levels=(), speaks=True),
    "gemini-3.8-flash-tts": Model(thinking_levels=(), speaks=True),
}

_TOP_LEVEL = {
    "contents", "systemInstruction", "generationConfig", "safetySettings", "store", "serviceTier",
    "tools", "toolConfig", "cachedContent", "labels",
}  # fmt: skip
_GENERATION = {
    "responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities",
    "speechConfig", "thinkingConfig", "maxOutputTokens", "temperature", "topP", "topK",
    "presencePenalty", "frequencyPenalty", "stopSequences", "seed", "candidateCount",
}  # fmt: skip


class Refused(Exception):
    """The request breaks a rule."""

    def __init__(
        self, code: int, status: str, message: str, details: list[Json] | None = None
    ) -> None:
        self.code, self.status, self.message = code, status, message
        self.details = details or []
        super().__init__(message)


def camel(value: Json) -> Json:
    """The same JSON with all keys in camelCase: the API takes both styles, and the client mixes."""
    if isinstance(value, dict):
        return {
            re.sub(r"_([a-z])", lambda m: m[1].upper(), key): camel(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [camel(inner) for inner in value]
    return value


def check_key(given: str | None, key: str) -> None:
    """Refuses a request without the key."""
    if not given:
        raise Refused(
            403,
            "PERMISSION_DENIED",
            "Method doesn't allow unregistered callers (callers without established identity).",
        )
    if given != key:
        info = "type.googleapis.com/google.rpc."
        raise Refused(
            400,
            "INVALID_ARGUMENT",
            "API key not valid. Please pass a valid API key.",
            [
                {"@type": info + "ErrorInfo", "reason": "API_KEY_INVALID"},
                {"@type": info + "DebugInfo", "detail": f"Invalid API key: {given}"},
            ],
        )


def check_deadline(header: str | None) -> None:
    """Refuses a deadline the service finds too short."""
    if header is not None and float(header) < 10:
        raise _invalid(
            f"Manually set deadline {header}s is too short. Minimum allowed deadline is 10s."
        )


def check_body(name: str, model: Model, body: Json) -> None:
    """Refuses a request for an answer that the service would not take; `body` in camelCase."""
    _check_fields(body, _TOP_LEVEL)
    config = body.get("generationConfig", {})
    _check_fields(config, _GENERATION)
    contents = body.get("contents") or []
    if not contents:
        raise _invalid("contents is not specified")
    if contents[-1].get("role") == "model":
        raise _invalid("Please ensure that the last content has the user role.")
    for part in parts(contents):
        _check_part(part)
    if model.speaks:
        _check_speech(name, config, contents)
    else:
        _check_text(model, config)


def parts(contents: list[Json]) -> Iterator[Json]:
    """All parts of all turns."""
    for content in contents:
        yield from content.get("parts", [])


def sound(part: Json) -> bytes:
    """The bytes of a part's inline data: both base64 alphabets are taken."""
    return base64.b64decode(part["inlineData"]["data"].replace("-", "+").replace("_", "/"))


def _check_fields(value: Json, known: set[str]) -> None:
    for field in value:
        if field not in known:
            raise _invalid(f'Invalid JSON payload received. Unknown name "{field}"')


def _check_part(part: Json) -> None:
    if not part.get("text") and "inlineData" not in part:
        raise _invalid("contents.parts must not be empty.")
    if "inlineData" in part:
        if part["inlineData"].get("mimeType") != "audio/wav":
            raise _invalid("Unsupported MIME type")
        try:
            with wave.open(io.BytesIO(sound(part))) as file:
                file.readframes(file.getnframes())
        except (wave.Error, EOFError, ValueError) as error:
            raise _invalid("Unable to process input audio.") from error


def _check_speech(name: str, config: Json, contents: list[Json]) -> None:
    for field in ("temperature", "topP", "topK"):
        if field in config:
            raise _invalid(f"{field} is not supported by {name}")
    if config.get("responseModalities") != ["AUDIO"]:
        raise _invalid("The requested combination of response modalities (TEXT) is not supported.")
    if any("text" not in part for part in parts(contents)):
        raise _invalid(f"{name} takes text only")
    voice = config.get("speechConfig", {}).get("voiceConfig", {})
    if not (voice.get("prebuiltVoiceConfig", {}).get("voiceName") or voice.get("voice")):
        raise _invalid("speechConfig.voiceConfig has no voice")


def _check_text(model: Model, config: Json) -> None:
    if "AUDIO" in config.get("responseModalities", []):
        raise _invalid("The requested combination of response modalities (AUDIO) is not supported.")
    for field in ("presencePenalty", "frequencyPenalty"):
        if field in config:
            raise _invalid("Penalty is not enabled for this model")
    _check_thinking(model, config.get("thinkingConfig", {}))
    schema = config.get("responseSchema")
    if schema is not None:
        if config.get("responseMimeType") != "application/json":
            raise _invalid("responseSchema needs responseMimeType application/json")
        known = set(schema.get("properties", {}))
        for field in ("required", "propertyOrdering"):
            if not set(schema.get(field, [])) <= known:
                raise _invalid(f"{field} names a property that is not defined")


def _check_thinking(model: Model, thinking: Json) -> None:
    level = thinking.get("thinkingLevel")
    if level is None:
        return
    if "thinkingBudget" in thinking:
        raise _invalid("thinking_budget and thinking_level are not supported together")
    if not model.thinking_levels:
        raise _invalid("Thinking level is not supported for this model.")
    if level.upper() not in model.thinking_levels:
        allowed = ", ".join(model.thinking_levels).lower()
        raise _invalid(
            f"'{level.lower()}' is not a supported thinking level for this model. "
            f"Allowed values are: {allowed}."
        )


def _invalid(message: str) -> Refused:
    return Refused(400, "INVALID_ARGUMENT", message)
