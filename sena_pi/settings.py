"""Every setting there is: name, default, range and what it means. No file is read here.

The `description` of a field is what `sena config show --describe` prints: the reference. A
range or choice is written once, in the field's type, and error messages are made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
)

from sena_pi import setting_values as checks
from sena_pi.body_settings import Button, Light
from sena_pi.cache_settings import Cache
from sena_pi.setting_values import Expects, Section, Setting, setting_of

_Name = StringConstraints(pattern=r"^[^\W_][\w.-]*$", max_length=100)
_Text = StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=200)
# TOML has no tuple and no path: these two are made from its lists and texts.
_FromList = Field(strict=False)
_Path = Annotated[Path, Field(strict=False), AfterValidator(checks.absolute)]


class Wake(Section):
    """`[wake]`: the words that start a turn."""

    engine: Annotated[
        Literal["auto", "porcupine", "microwakeword"],
        Field(
            description="What listens for the wake words. auto takes the first that works: "
            "Porcupine with a key, Porcupine without one, microWakeWord."
        ),
    ] = "auto"
    words: Annotated[
        tuple[Annotated[str, AfterValidator(checks.wake_word)], ...],
        _FromList,
        Expects('a list of words, such as ["jarvis"]'),
        Field(
            description="Wake words. An engine that knows them all comes before one that does "
            'not. Without any: those of your own models, or else "jarvis" (Porcupine) or '
            '"hey jarvis" (microWakeWord).'
        ),
    ] = ()
    sensitivity: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="How readily a wake word is heard: higher misses fewer and wakes more "
            "often by mistake.",
        ),
    ] = 0.5
    porcupine_models: Annotated[
        tuple[Annotated[_Path, AfterValidator(checks.with_suffix(".ppn"))], ...],
        _FromList,
        Expects("a list of absolute paths of .ppn files"),
        Field(description="Your own wake words for Porcupine: .ppn files. They need a key."),
    ] = ()
    microwakeword_models: Annotated[
        tuple[Annotated[_Path, AfterValidator(checks.with_suffix(".json", ".tflite", ""))], ...],
        _FromList,
        Expects("a list of absolute paths of .json files, .tflite files or folders"),
        Field(
            description="More wake words for microWakeWord: a .json and its .tflite side by "
            "side; either is named, or the folder of many."
        ),
    ] = ()

    stop_model: Annotated[
        Annotated[_Path, AfterValidator(checks.with_suffix(".ppn", ".json", ".tflite"))] | None,
        BeforeValidator(lambda given: None if given == "" else given),
        Expects("an absolute path of a .ppn, .json or .tflite file"),
        Field(
            description="A model of the word that ends an answer while it is spoken: .ppn "
            '(needs a key), or .json or .tflite of microWakeWord; "" is none.'
        ),
    ] = None
    ignore_own_voice: Annotated[
        bool,
        Field(
            description="true: a wake word that comes out of the assistant's own speaker is none."
        ),
    ] = True


class Microphone(Section):
    """`[microphone]`: where sound comes from."""

    device: Annotated[
        str,
        _Text,
        Expects("the name of a device; `sena devices` lists them"),
        Field(
            description="Name or USB identity (usb:0d8c:0014@1-1.2) of the device, as `sena"
            ' devices` lists it; "" is the default.'
        ),
    ] = ""


class Speaker(Section):
    """`[speaker]`: where sound goes."""

    device: Annotated[
        str,
        _Text,
        Expects("the name of a device; `sena devices` lists them"),
        Field(
            description="Name or USB identity (usb:0d8c:0014@1-1.2) of the device, as `sena"
            ' devices` lists it; "" is the default.'
        ),
    ] = ""


class Sounds(Section):
    """`[sounds]`: short sounds that say what the assistant does."""

    chimes: Annotated[bool, Field(description="false: no chimes at all.")] = True
    which: Annotated[
        tuple[Literal["wake", "done", "error", "mute"], ...],
        _FromList,
        Expects('a list of some of "wake", "done", "error" and "mute"'),
        Field(description="Chimes that are played."),
    ] = ("wake", "done", "error", "mute")


class Listening(Section):
    """`[listening]`: when a question has ended."""

    adaptive: Annotated[
        bool,
        Field(
            description="true: wait for 0.4 to 1.5 seconds of silence: least after a command or a "
            "question that is known, most after a few words. false: always wait for silence_s."
        ),
    ] = True
    silence_s: Annotated[
        float,
        Field(
            ge=0.3,
            le=3,
            description="Silence, in seconds, that ends a question where adaptive is false.",
        ),
    ] = 0.7
    no_speech_s: Annotated[
        float,
        Field(ge=1, le=30, description="Seconds to wait for the first word before giving up."),
    ] = 4.0
    longest_s: Annotated[
        float,
        Field(ge=3, le=60, description="Longest question, in seconds; it is cut there."),
    ] = 15.0


class Cloud(Section):
    """`[cloud]`: the language model and the voice that run elsewhere (Gemini)."""

    enabled: Annotated[
        bool,
        Field(
            description="false: nothing that is said leaves the house, even when there is a key."
        ),
    ] = True
    model: Annotated[
        str,
        _Name,
        Expects("the name of a Gemini model"),
        Field(description="Gemini model that understands and answers."),
    ] = "gemini-3.5-flash-lite"
    voice_model: Annotated[
        str,
        _Name,
        Expects("the name of a Gemini speech model"),
        Field(description="Gemini model that speaks."),
    ] = "gemini-3.8-flash-lite-tts"
    voice: Annotated[
        str,
        _Name,
        Expects("the name of a Gemini voice"),
        Field(description="Voice it speaks with."),
    ] = "Kore"
    base_url: Annotated[
        str,
        AfterValidator(checks.base_url),
        Expects("an https:// address without user, ? or #; http:// only on this machine"),
        Field(description="Address of another server that speaks Gemini's API; \"\" is Google's."),
    ] = ""
    api_version: Annotated[
        str,
        StringConstraints(pattern=r"^v[0-9]+((alpha|beta)[0-9]*)?$"),
        Expects("a version such as v1beta or v1"),
        Field(description="Version of Gemini's API."),
    ] = "v1beta"
    language: Annotated[
        str,
        StringConstraints(pattern=r"^([a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?)?$"),
        Expects('a language tag such as en-US, de-DE or pt, or ""'),
        Field(description='Language most questions are in (BCP 47), a hint; "" gives none.'),
    ] = "en-US"
    local_commands: Annotated[
        Literal["auto", "on", "off"],
        Field(
            description="Understand commands on this machine, beside the cloud: they are answered "
            "sooner. auto: where there are four processor cores and 1.5 GB of memory."
        ),
    ] = "auto"
    thinking: Annotated[
        Literal["off", "minimal", "low", "medium", "high", "default"],
        Field(
            description="How long the model thinks before it answers: more is slower; default "
            "is the model's own."
        ),
    ] = "minimal"


class Voice(Section):
    """`[voice]`: the voice on this machine, used when the cloud's is not."""

    piper: Annotated[
        str,
        _Name,
        Expects("the name of a Piper voice; `sena voice list` shows them"),
        Field(description="Piper voice; `sena voice install NAME` fetches one."),
    ] = "en_US-ljspeech-medium"
    threads: Annotated[
        int,
        Field(
            ge=1,
            le=8,
            description="Processor cores the voice may use: 3 of a Pi's 4 leave one to listen.",
        ),
    ] = 3
    race: Annotated[
        bool,
        Field(
            description="true: begins a sentence when the cloud's voice is late with it; the "
            "first to be heard speaks on."
        ),
    ] = True
    speed: Annotated[
        float,
        Field(ge=0.5, le=2, description="Speed of speech: 1 is the voice's own, 2 is twice that."),
    ] = 1.0
    folder: Annotated[
        _Path | None,
        BeforeValidator(lambda given: None if given == "" else given),
        Expects("an absolute path of a folder"),
        Field(description='Folder of Piper voices; "" is `voices` in the state folder.'),
    ] = None

    @property
    def length_scale(self) -> float:
        """Piper's word for it: how much longer than the voice's own each sound is."""
        return 1 / self.speed


class Conversation(Section):
    """`[conversation]`: what is remembered from one question to the next."""

    turns: Annotated[
        int,
        Field(ge=0, le=20, description="Earlier questions and answers sent along; 0 sends none."),
    ] = 5
    forget_after_s: Annotated[
        float,
        Field(ge=10, le=3600, description="Seconds of silence after which they are forgotten."),
    ] = 120.0
    follow_up: Annotated[
        bool,
        Field(
            description="true: after an answer you may speak on without a wake word. false: each "
            "question needs one."
        ),
    ] = True
    follow_up_s: Annotated[
        float,
        Field(ge=0.5, le=10, description="Seconds to begin in, after an answer."),
    ] = 2.0
    follow_up_question_s: Annotated[
        float,
        Field(ge=0.5, le=10, description="Seconds to begin in, after one that asks you something."),
    ] = 4.0


class Limits(Section):
    """`[limits]`: what a day may cost.

    Far above what a household asks, and yet bounded: a television that keeps waking the
    assistant, or a fault of ours, can't run up a bill.
    """

    requests_per_day: Annotated[
        int,
        Field(
            ge=0,
            le=100_000,
            description="Questions sent to the cloud a day; 300 is one every five minutes "
            "round the clock. 0 sends none.",
        ),
    ] = 300
    guesses: Annotated[
        int,
        Field(
            ge=0,
            le=10,
            description="Requests a question may cost before it is certain that the person has "
            "finished, as long as half of requests_per_day is left. 0 waits until it is.",
        ),
    ] = 5
    speech_seconds_per_day: Annotated[
        int,
        Field(
            ge=0,
            le=86_400,
            description="Seconds the cloud's voice may speak a day; 3600 is 300 answers of "
            "12 seconds. Beyond it the voice on this machine speaks.",
        ),
    ] = 3600


class Settings(Section):
    """All settings. `Settings()` is what an empty file means."""

    wake: Wake = Wake()
    microphone: Microphone = Microphone()
    speaker: Speaker = Speaker()
    sounds: Sounds = Sounds()
    listening: Listening = Listening()
    cloud: Cloud = Cloud()
    voice: Voice = Voice()
    conversation: Conversation = Conversation()
    cache: Cache = Cache()
    limits: Limits = Limits()
    light: Light = Light()
    button: Button = Button()


_SECTIONS: Final = {section: type(default) for section, default in Settings()}

CATALOGUE: Final[Mapping[str, Mapping[str, Setting]]] = {
    section: {key: setting_of(field) for key, field in model.model_fields.items()}
    for section, model in _SECTIONS.items()
}
"""Section -> key -> what there is to know about it."""


def validated(data: Mapping[str, object]) -> Settings:
    """The settings these values make, defaults elsewhere.

    Raises:
        ValueError: some do not fit; `misfits` tells which.
    """
    return Settings.model_validate(data)


def misfits(data: Mapping[str, object]) -> list[tuple[str, str]]:
    """Each (section, key) that is unknown or does not fit; key "" is the section itself."""
    try:
        validated(data)
    except ValidationError as error:
        places = [[str(part) for part in fault["loc"][:2]] for fault in error.errors()]
        return list(dict.fromkeys((place[0], place[1] if place[1:] else "") for place in places))
    return []


def values(settings: Settings) -> dict[str, dict[str, object]]:
    """Section -> key -> value, of the types TOML has (bool, int, float, str, list)."""
    return {
        section: {key: _plain(value) for key, value in getattr(settings, section)}
        for section in CATALOGUE
    }


def _plain(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
