"""Own voice: 100 answers that hold wake words, played back into the microphone, wake nobody.

`scripts/prove own_voice [PART] [TURNS]`. Parts, each under ten minutes, on a clock of their own
with the real ear, mouth and engines in a simulated room (for the whole appliance in real time see
`scripts/prove own_voice_aloud`):

    words      answers with wake words and near-words, by synthetic voices and real people, at four
               levels of echo; the follow-up window after each; the button in the middle; and the
               control: the same with nothing compared
    people     a real person's wake word during an answer, with and without the comparison

What is done is kept in the temporary folder, and not done again until all of it is: an interrupted
run goes on. Remove sena-own-voice*.json there to begin anew.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sena_pi import wire
from sena_pi.engines import porcupine
from sena_pi.engines.microwakeword import MicroWakeWordEngine
from sena_pi.own_voice import OwnVoice
from sena_pi.simulated.echo import RoomEcho
from sena_pi.wake import WakeWordEngine
from tests.echo_room import EchoRoom, SmallSpeaker, at_peak
from tests.prove.figures import machine, reported
from tests.recordings import recording
from tests.speech import pcm_of, quiet, say

ECHOES = ((-6.0, 0.02), (-12.0, 0.08), (-20.0, 0.2), (-30.0, 0.14))
"""Level in dB and delay in seconds."""
ROOMS = (RoomEcho, SmallSpeaker)
VOICES = (
    ("slt", "flite"),
    ("en-us", "espeak-ng"),
    ("rms", "flite"),
    ("en-gb+f3", "espeak-ng"),
    ("awb", "flite"),
    ("kal16", "flite"),
)
ANSWER_PEAK, PERSON_PEAK = 16_000, 8_000

WORDS = {
    "porcupine 1.9": {
        "jarvis": ("harvest", "jar of this"),
        "computer": ("commuter", "compute her"),
        "porcupine": ("pork you pine", "porcelain"),
        "bumblebee": ("humble bee", "bubble"),
        "terminator": ("terminate her", "germinator"),
    },
    "microwakeword": {
        "okay nabu": ("okay now boo", "okay new"),
        "hey jarvis": ("hey harvest", "hey service"),
        "alexa": ("a lexer", "election"),
        "hey mycroft": ("hey my craft", "hey microsoft"),
    },
}
"""Engine -> wake word -> words that sound like it."""

PEOPLE = {
    "porcupine 1.9": {
        "porcupine": ["porcupine/porcupine.wav"],
        "computer": ["microwakeword/computer.wav"],
        "jarvis": [f"microwakeword/hey_jarvis_{n}.wav" for n in (1, 2)],
    },
    "microwakeword": {
        word: [f"microwakeword/{word.replace(' ', '_')}_{n}.wav" for n in (1, 2)]
        for word in WORDS["microwakeword"]
    },
}
"""Engine -> wake word -> recordings of people who say it."""

TALK = (
    "Paris is the capital of France, and about two million people live there. It lies on the"
    " river, and many people come to see it each year because it is so beautiful."
)

Result = dict[str, float]
Cases = Mapping[str, Callable[[], Result]]


def engine(name: str) -> WakeWordEngine:
    return porcupine.load_keyless() if name == "porcupine 1.9" else MicroWakeWordEngine()


def answers(name: str) -> Iterator[bytes]:
    """Endless: each word and its likes by each voice, and a person at every third place."""
    said = [
        (f"Well, you could say {word}, or {near}, and then it goes on.", voice)
        for near_at, voice in itertools.product(range(2), VOICES)
        for word, nears in WORDS[name].items()
        for near in nears[near_at : near_at + 1]
    ]
    people = [file for files in PEOPLE[name].values() for file in files]
    for n in itertools.count():
        if n % 3 == 2:
            pcm = pcm_of(recording(people[n // 3 % len(people)])) + quiet(0.3)
        else:
            text, (voice, program) = said[n % len(said)]
            pcm = say(text, voice, program)
        yield at_peak(pcm, ANSWER_PEAK)


def turn(name: str, pcm: bytes, echo: RoomEcho, *, compares: bool) -> Result:
    """One answer, the follow-up window after it, and one answer more that a press interrupts."""
    detector = engine(name).detector(dict.fromkeys(WORDS[name], 0.5))
    room = EchoRoom(detector, echo, OwnVoice() if compares else None)
    room.run(0.3)
    room.on_done = lambda: room.ear.listen("follow-up", "now")
    room.answer(pcm)
    room.run(len(pcm) / 32_000 + 4.6)
    own = room.ear.heartbeat()["own_words"]
    wakes = len(room.events(wire.DETECTION))
    room.on_done = lambda: None
    room.answer(pcm)
    room.run(1.0)
    room.press()
    room.run(4.6)
    detector.close()
    ends = [event.data["reason"] for event in room.events(wire.ENDPOINT)]
    return {
        "turns": 1,
        "wakes": wakes,
        "own words": int(str(own)),
        "answered itself": sum(reason != "no-speech" for reason in ends),
        "button silenced": len(room.events(wire.FLUSHED)),
        "listened": len(ends),
    }


def word_cases(turns: int) -> Cases:
    """Names and what they do."""

    def case(name: str, n: int, pcm: bytes, *, compares: bool) -> Callable[[], Result]:
        db, delay_s = ECHOES[n % len(ECHOES)]
        echo = ROOMS[n // len(ECHOES) % 2](db, delay_s)
        return lambda: turn(name, pcm, echo, compares=compares)

    cases: dict[str, Callable[[], Result]] = {}
    for name in WORDS:
        for n, pcm in zip(range(turns), answers(name), strict=False):
            db = ECHOES[n % len(ECHOES)][0]
            cases[f"{name} at {db:g} dB, {n}"] = case(name, n, pcm, compares=True)
            cases[f"{name} at {db:g} dB, control, {n}"] = case(name, n, pcm, compares=False)
    return cases


def interruption(name: str, word: str, file: str, echo: RoomEcho, *, compares: bool) -> Result:
    """A person's wake word, one second into an answer by somebody else."""
    detector = engine(name).detector({word: 0.5})
    room = EchoRoom(detector, echo, OwnVoice() if compares else None)
    person = at_peak(pcm_of(recording(file)), PERSON_PEAK)
    room.run(0.3)
    room.answer(at_peak(say(TALK, "rms"), ANSWER_PEAK))
    room.run(1.0)
    room.person(person)
    room.run(len(person) / 32_000 + 0.5)
    detector.close()
    return {"tried": 1, "interrupted": bool(room.events(wire.DETECTION))}


def people_cases(_turns: int) -> Cases:
    """Names and what they do."""

    def case(
        name: str,
        word: str,
        file: str,
        echo: tuple[float, float],
        room: type[RoomEcho],
        *,
        compares: bool,
    ) -> Callable[[], Result]:
        return lambda: interruption(name, word, file, room(*echo), compares=compares)

    cases: dict[str, Callable[[], Result]] = {}
    for name, words in PEOPLE.items():
        for word, files in words.items():
            for file, echo, room, compares in itertools.product(
                files, ECHOES, ROOMS, (True, False)
            ):
                key = f"{name} at {echo[0]:g} dB{'' if compares else ', control'}"
                cases[f"{key}, {file} {room.__name__}"] = case(
                    name, word, file, echo, room, compares=compares
                )
    return cases


def run(part: str, cases: Cases) -> None:
    """Do what is not done yet, and print the sums."""
    kept = Path(tempfile.gettempdir()) / f"sena-own-voice-{os.getuid()}-{part}-{len(cases)}.json"
    done: dict[str, Result] = json.loads(kept.read_text()) if kept.is_file() else {}
    start = time.monotonic()
    for key, case in cases.items():
        if key not in done:
            done[key] = {name: float(value) for name, value in case().items()}
            kept.write_text(json.dumps(done))
    sums: dict[str, Counter[str]] = {}
    for key, result in done.items():
        sums.setdefault(key.rpartition(",")[0], Counter()).update(result)
    for key in sorted(sums):
        print(f"{key:36}", ", ".join(f"{name} {n:g}" for name, n in sums[key].items()))
    for key in sorted(sums):
        reported(f"{part}, {key}", {name: round(n) for name, n in sums[key].items()})
    print(f"({len(cases)} cases, {time.monotonic() - start:.0f} s)", flush=True)
    kept.unlink()


def main() -> None:
    parts: dict[str, Callable[[int], Cases]] = {"words": word_cases, "people": people_cases}
    turns = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    for part in sys.argv[1:2] or parts:
        print(f"{part}: {machine()}", flush=True)
        run(part, parts[part](turns))


if __name__ == "__main__":
    main()
