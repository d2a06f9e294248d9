"""Events between the brain and its workers: the Wyoming protocol, and the words we add to it.

A JSON line, then data, then a payload (PCM), as PyPI `wyoming` writes and reads them. Words of
the protocol keep their names and meaning; ours start with `sena-`. Every event that belongs to
a turn carries its id as `turn`; a receiver drops events of a turn that is no longer its own.
"""

from __future__ import annotations

import io
from typing import Final

from wyoming.event import Event, write_event

from sena_pi.audio import SAMPLE_BYTES, AudioChunk, AudioFormat

CONFIGURE: Final = "sena-configure"
"""Brain -> worker, first event: the worker's settings (and its keys: never in argv or env)."""
READY: Final = "sena-ready"
"""Worker -> brain, once: configured and usable; data says with what."""

DETECTION: Final = "detection"
"""Audio worker -> brain: a wake word (`name`, `engine`), complete at stream position `sample`."""
LISTEN: Final = "sena-listen"
"""Brain -> audio worker: send what is said to `turn`, `since` "detection" or "press", or from
"now" on; give up after `no_speech_s` without a word, where that differs from the settings."""
STOP_WORD: Final = "sena-stop-word"
"""Audio worker -> brain: a stop word was said while something played; as `DETECTION`."""
STOP_LISTENING: Final = "sena-stop-listening"
"""Brain -> audio worker: no audio leaves any more."""
VOICE_STARTED: Final = "voice-started"
"""Audio worker -> brain: speech begins, at stream position `sample`."""
SPEECH_PAUSED: Final = "sena-speech-paused"
"""Audio worker -> brain: a moment of silence, the end of the utterance perhaps;
`speech_end_sample` as far as is known by now, `start_sample` of its first audio, and `end_sample`,
where this was told, at `monotonic_ns`. Audio goes on to follow."""
SPEECH_RESUMED: Final = "sena-speech-resumed"
"""Audio worker -> brain: that pause was no end; speech goes on at stream position `sample`."""
PHRASE: Final = "sena-phrase"
"""Brain -> audio worker: what `turn` said before the pause told at `end_sample` is `complete` or
is not: wait no longer, or long. Dropped when speech has resumed since."""
HOLD: Final = "sena-hold"
"""Brain -> audio worker: `turn` is spoken while a button is held (`on`), or it was let go: silence
ends nothing before, and the utterance ends then."""
ENDPOINT: Final = "sena-endpoint"
"""Audio worker -> brain: the utterance is over; `reason`, `speech_end_sample`, `end_sample`,
`start_sample` of its first audio, and `monotonic_ns` of the decision. No audio follows."""
HEARTBEAT: Final = "sena-heartbeat"
"""Audio worker -> brain, ten times a second, from the thread that hears: `frames` through the
wake word, `lost_frames`, `longest_gap_ms`, `peak_dbfs`, `zeros_s`, `listening`, `capturing`,
`own_words`: how many wake and stop words were our own voice, and `speaker`: whether it is open;
while no microphone is open, `text` says why."""
MICROPHONE: Final = "sena-microphone"
"""Audio worker -> brain: the microphone is open; `device`, and `instead_of` which, or ""."""
SPEAKER: Final = "sena-speaker"
"""Audio worker -> brain: the speaker is open (`device`, `rate_hz`, and `instead_of` which) or is
not (`text`)."""
CLOSE_MICROPHONE: Final = "sena-close-microphone"
"""Brain -> audio worker: nobody wants to be heard; `capturing` of its heartbeat is false soon."""
GAIN: Final = "sena-gain"
"""Brain -> audio worker: `gain` is what all that is played is multiplied by, 0 to 1."""
FLUSH: Final = "sena-flush"
"""Brain -> audio worker: silence now; what comes for an earlier turn is dropped."""
FLUSHED: Final = "sena-flushed"
"""Audio worker -> brain: silent; the `turn` that was playing, None if none was, and how many
`samples` of it were played."""
PLAYING: Final = "sena-playing"
"""Audio worker -> brain: the first sample of `turn` is with the device, at `monotonic_ns`."""
PLAYED: Final = "sena-played"
"""Audio worker -> brain: `samples` of `turn` have been played, at `monotonic_ns`; `done`."""
CHIME: Final = "sena-chime"
"""Brain -> audio worker: play the chime `name` now; dropped while a turn sounds, or where it is
switched off."""
SIMULATE: Final = "sena-simulate"
"""Brain -> audio worker with a simulated microphone: somebody speaks the WAV file `path`."""
SIMULATED: Final = "sena-simulated"
"""Audio worker -> brain: the WAV file `path` has been spoken."""

AUDIO_START: Final = "audio-start"
AUDIO_CHUNK: Final = "audio-chunk"
AUDIO_STOP: Final = "audio-stop"
SYNTHESIZE: Final = "synthesize"
CANCEL: Final = "sena-cancel"
"""Brain -> voice worker: drop the sentences of `turn`, also the one being spoken."""
TRANSCRIPT: Final = "transcript"
ERROR: Final = "error"


def encode(event: Event) -> bytes:
    """The bytes of an event."""
    out = io.BytesIO()
    write_event(event, out)
    return out.getvalue()


def format_data(audio_format: AudioFormat) -> dict[str, int]:
    """Wyoming's fields for a format."""
    return {
        "rate": audio_format.rate_hz,
        "width": SAMPLE_BYTES,
        "channels": audio_format.channels,
    }


def format_of(event: Event) -> AudioFormat:
    """The format an audio event declares.

    Raises:
        ValueError: not 16-bit samples.
    """
    if event.data["width"] != SAMPLE_BYTES:
        raise ValueError(f"{event.data['width'] * 8}-bit samples; 16-bit PCM is needed")
    return AudioFormat(event.data["rate"], event.data["channels"])


def chunk_event(chunk: AudioChunk, turn: str) -> Event:
    """An audio-chunk event of a turn."""
    return Event(AUDIO_CHUNK, {**format_data(chunk.format), "turn": turn}, chunk.pcm)


def chunk_of(event: Event) -> AudioChunk:
    """The chunk an audio-chunk event carries."""
    return AudioChunk(format_of(event), event.payload or b"")
