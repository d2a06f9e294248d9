"""A Piper voice that speaks in one pure tone, so that tests can tell whose sound they hear.

It loads in the real `PiperVoice` and has a real voice's inputs and output, and no weights: each
phoneme id becomes 20 ms of the tone. The model is about 1 kB and is made anew by each test run.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from sena_pi.audio import AudioChunk

TONE_MS_PER_ID = 20
"""A phoneme is two ids long (itself and a pad), and three ids mark a sentence's ends."""

_SPOKEN_CHARACTERS = [
    *range(0x20, 0x7F),  # ASCII: punctuation, and the letters espeak-ng uses as phonemes
    *range(0xC0, 0x180),  # accented Latin letters, and eng
    *range(0x250, 0x370),  # IPA, its modifiers and combining marks
    *range(0x3B1, 0x3CA),  # beta, theta, chi
    *range(0x1D00, 0x1D80),  # small capitals
]


def write_tone_voice(
    folder: Path,
    name: str = "tone",
    rate_hz: int = 22_050,
    tone_hz: float = 440,
    endless_above_ids: int | None = None,
) -> Path:
    """Write `<name>.onnx` and `<name>.onnx.json` into `folder`; the path of the first.

    A sentence of more than `endless_above_ids` phoneme ids is never finished.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.onnx"
    onnx.save(_tone_model(rate_hz, tone_hz, endless_above_ids), str(path))
    path.with_name(f"{path.name}.json").write_text(json.dumps(_voice_config(rate_hz)))
    return path


def tone_hz(chunks: list[AudioChunk]) -> float:
    """Pitch of a pure tone, from how often it crosses zero upwards."""
    pcm = b"".join(chunk.pcm for chunk in chunks)
    samples = memoryview(pcm).cast("h")
    rises = [i for i in range(1, len(samples)) if samples[i - 1] < 0 <= samples[i]]
    if len(rises) < 2:
        return 0.0
    return (len(rises) - 1) * chunks[0].format.rate_hz / (rises[-1] - rises[0])


def _voice_config(rate_hz: int) -> dict[str, object]:
    ids = {chr(code): [3] for code in _SPOKEN_CHARACTERS}
    return {
        "audio": {"sample_rate": rate_hz},
        "espeak": {"voice": "en-us"},
        "phoneme_type": "espeak",
        "num_symbols": 4,
        "num_speakers": 1,
        "phoneme_id_map": {**ids, "_": [0], "^": [1], "$": [2]},
    }


def _tone_model(rate_hz: int, tone_hz: float, endless_above_ids: int | None) -> onnx.ModelProto:
    """sin(step * n) for n up to ids * length scale * samples of an id."""
    constants = {
        "length_scale_at": ([1], TensorProto.INT64, [1]),
        "samples_of_id": ([], TensorProto.FLOAT, [rate_hz * TONE_MS_PER_ID / 1000]),
        "step": ([], TensorProto.FLOAT, [2 * math.pi * tone_hz / rate_hz]),
        "loudness": ([], TensorProto.FLOAT, [0.5]),
        "zero": ([], TensorProto.FLOAT, [0.0]),
        "one": ([], TensorProto.FLOAT, [1.0]),
        "scalar": ([0], TensorProto.INT64, []),
        "batch": ([4], TensorProto.INT64, [1, 1, 1, -1]),
        "most_ids": ([], TensorProto.INT64, [endless_above_ids or 2**40]),
        "for_ever": ([], TensorProto.INT64, [2**60]),
        "yes": ([], TensorProto.BOOL, [True]),
    }
    nodes = [
        helper.make_node("Reshape", ["input_lengths", "scalar"], ["ids_given"]),
        helper.make_node("Greater", ["ids_given", "most_ids"], ["endless"]),
        helper.make_node("Cast", ["endless"], ["endless_int"], to=TensorProto.INT64),
        helper.make_node("Mul", ["endless_int", "for_ever"], ["trips"]),
        helper.make_node("Loop", ["trips", "yes", "ids_given"], ["ids_int"], body=_idle()),
        helper.make_node("Cast", ["ids_int"], ["ids"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["scales", "length_scale_at"], ["length_scale_row"]),
        helper.make_node("Reshape", ["length_scale_row", "scalar"], ["length_scale"]),
        helper.make_node("Mul", ["ids", "samples_of_id"], ["samples_unscaled"]),
        helper.make_node("Mul", ["samples_unscaled", "length_scale"], ["samples"]),
        helper.make_node("Range", ["zero", "samples", "one"], ["n"]),
        helper.make_node("Mul", ["n", "step"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["wave"]),
        helper.make_node("Mul", ["wave", "loudness"], ["quiet"]),
        helper.make_node("Reshape", ["quiet", "batch"], ["output"]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "tone",
        [
            value("input", TensorProto.INT64, [1, "ids"]),
            value("input_lengths", TensorProto.INT64, [1]),
            value("scales", TensorProto.FLOAT, [3]),
        ],
        [value("output", TensorProto.FLOAT, [1, 1, 1, "samples"])],
        [
            helper.make_tensor(key, kind, dims, vals)
            for key, (dims, kind, vals) in constants.items()
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def _idle() -> onnx.GraphProto:
    """A loop's body that changes nothing."""
    value = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Identity", ["go_on"], ["go_on_out"]),
        helper.make_node("Identity", ["ids_in"], ["ids_out"]),
    ]
    given = [
        value("trip", TensorProto.INT64, []),
        value("go_on", TensorProto.BOOL, []),
        value("ids_in", TensorProto.INT64, []),
    ]
    taken = [value("go_on_out", TensorProto.BOOL, []), value("ids_out", TensorProto.INT64, [])]
    return helper.make_graph(nodes, "idle", given, taken)
