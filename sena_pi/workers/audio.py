"""The audio worker: `python -m sena_pi.workers.audio`, events on standard input and output.

Four threads. The main one only reads commands. The capture thread owns the microphone and the
wake word, the playback thread the speaker; both poll. The channel's writer owns the way out.
When a device is lost the process ends, since a sound library that has seen its device go is
not to be trusted; the next process waits for the device, and its heartbeat says so.
"""

from __future__ import annotations

# Nothing but Python's own may be imported before standard output is out of reach.
from sena_pi.workers.stdio import claim_stdio

if __name__ == "__main__":
    _EVENTS_IN, _EVENTS_OUT = claim_stdio()

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NoReturn

from wyoming.event import Event

from sena_pi import journal, wire
from sena_pi.audio import FRAME_SAMPLES
from sena_pi.chimes import Chime, samples
from sena_pi.endpointer import EndpointerSettings
from sena_pi.engines.silero import SileroVoiceActivityDetector
from sena_pi.own_voice import OwnVoice
from sena_pi.simulated.rig import SimulationRig
from sena_pi.sound import CaptureStream, DeviceLost, SoundSystem
from sena_pi.wake import WakeSettings, choose_detector, stop_detector
from sena_pi.workers.channel import Channel
from sena_pi.workers.ear import Ear
from sena_pi.workers.mouth import Mouth, nobody
from sena_pi.workers.plugs import Opened, Opener, PlugWatch

EXIT_DEVICE_LOST = 69
"""Exit status after a sound device went away."""

EXIT_BUG = 70
"""Exit status after one of its threads has failed."""

POLL_S = 0.006
FRAMES_A_POLL = 8
HEARTBEAT_S = 0.1
STALLED_AFTER_S = 2.0
"""A microphone that gives no frame for so long is lost."""
JOIN_TIMEOUT_S = 0.4
"""How long a thread may take to give its stream back when the worker ends."""
REOPEN_EVERY_S = 0.2
"""How often an absent microphone is looked for."""
REOPEN_LATER_S = 1.0
"""How often, once it has been away for some seconds."""
OPEN_TIMEOUT_S = 15.0
"""How long opening a device may take; the heart then stops, and the process is replaced."""
REOPEN_SPEAKER_EVERY_S = 5.0
"""How often an absent speaker is looked for, while the microphone works."""

_log = logging.getLogger(__name__)


class AudioWorker:
    """Runs an ear and a mouth on one sound system until its commands end.

    `settings` is the data of `wire.CONFIGURE`: `wake` and `listening` (fields of `WakeSettings`
    and `EndpointerSettings`), `access_key`, `porcupine4_folder`, `microphone` and `speaker`
    (stable names), `gain` (of the speaker), `capture` (false: only the speaker is opened), `chimes`
    (names of those that may be played; "wake" is played without being asked for), and `simulate`
    (`record_to`, `hurry`, `echo_db`, `echo_delay_s`) for a simulated sound system.
    """

    def __init__(
        self,
        channel: Channel,
        settings: dict[str, Any],
        open_sound: Callable[[], SoundSystem] | None = None,
    ) -> None:
        """`open_sound` opens the sound system, in place of PortAudio."""
        self._channel = channel
        self._settings = settings
        self._open_sound = open_sound or _portaudio
        simulate = settings.get("simulate")
        self._rig = None if simulate is None else SimulationRig(simulate, channel.send)
        folder = settings.get("porcupine4_folder")
        wake = WakeSettings.from_dict(settings.get("wake", {}))
        engines = settings.get("access_key"), Path(folder) if folder else None
        self._wake = choose_detector(wake, *engines)
        self._stop = stop_detector(wake, *engines)
        # In a hurry the speaker plays in no time at all and the microphone hears nothing of it, so
        # a person would be compared with sound of another time.
        hurry = self._rig is not None and self._rig.hurry
        self._own_voice = OwnVoice() if wake.ignore_own_voice and not hurry else None
        self._chimes: dict[str, bytes] = {}
        self._ear = Ear(
            self._wake.detector,
            SileroVoiceActivityDetector(),
            EndpointerSettings.from_dict(settings.get("listening", {})),
            self._send,
            own_voice=self._own_voice,
            stop_words=self._stop.detector,
            on_wake=lambda: self._chime(Chime.WAKE),
        )
        self._mouth = Mouth(
            self._send,
            gain=settings.get("gain", 1.0),
            on_speech=self._own_voice.played if self._own_voice else nobody,
        )
        self._for_ear: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._stopping = threading.Event()
        self._speaker_open = False
        self._opened = threading.Event()
        self._closed = threading.Event()
        self._looked_s = time.monotonic()
        self._absence = ""
        self._stands_in = False

    def run(self, commands: Iterable[Event]) -> None:
        """Serve commands until they end; blocks. The process ends if a device is lost."""
        detector = self._wake.detector
        data = {
            "wake_engine": detector.engine if detector else None,
            "wake_words": list(detector.words) if detector else [],
            "wake_reasons": list(self._wake.reasons),
            "stop_words": list(self._stop.detector.words) if self._stop.detector else [],
            "stop_reasons": list(self._stop.reasons),
            "key_refused": self._wake.key_refused,
            "key_unchecked": self._wake.key_unchecked,
        }
        self._send(Event(wire.READY, data))
        work = self._capture if self._settings.get("capture", True) else self._only_play
        capture = threading.Thread(target=work, name="capture", daemon=True)
        capture.start()
        for event in commands:
            self._obey(event)
        self._stopping.set()
        # A sound library may hold the thread for ever.
        capture.join(JOIN_TIMEOUT_S)

    def _send(self, event: Event) -> None:
        if self._rig is not None:
            self._rig.sending(event)
        self._channel.send(event)

    # The main thread: waits for nothing but commands.

    def _obey(self, event: Event) -> None:
        data = event.data
        match event.type:
            case wire.AUDIO_CHUNK:
                self._mouth.feed(data["turn"], event.payload or b"")
            case wire.AUDIO_START:
                self._mouth.begin(data["turn"])
            case wire.AUDIO_STOP:
                self._mouth.end(data["turn"])
            case wire.FLUSH:
                self._mouth.flush()
            case wire.LISTEN:
                no_speech_s = data.get("no_speech_s")
                self._for_ear.put(
                    lambda: self._ear.listen(data["turn"], data["since"], no_speech_s)
                )
            case wire.STOP_LISTENING:
                self._for_ear.put(self._ear.stop_listening)
            case wire.PHRASE:
                self._for_ear.put(
                    lambda: self._ear.phrase(
                        data["turn"], data["end_sample"], complete=data["complete"]
                    )
                )
            case wire.CHIME:
                self._chime(data["name"])
            case wire.HOLD:
                self._for_ear.put(lambda: self._ear.hold(data["turn"], on=data["on"]))
            case wire.CLOSE_MICROPHONE:
                self._closed.set()
            case wire.GAIN:
                self._mouth.set_gain(data["gain"])
            case wire.SIMULATE if self._rig is not None:
                pass
            case _:
                _log.warning("the audio worker does not know the event %r", event.type)
        if self._rig is not None:
            self._rig.commanded(event)

    def _chime(self, name: str) -> None:
        """From any thread; nothing where it is switched off, or there is no speaker yet."""
        if (pcm := self._chimes.get(name)) is not None:
            self._mouth.chime(pcm)

    # The capture thread: owns the microphone, and the process's fate.

    def _capture(self) -> None:
        try:
            system, opened = self._wait_for_microphone()
            stream = opened.stream
            told = {"device": stream.device, "instead_of": opened.instead_of}
            self._send(Event(wire.MICROPHONE, told))
            playback = threading.Thread(
                target=self._play, args=(system,), name="playback", daemon=True
            )
            playback.start()
            self._hear(stream, PlugWatch(system.stale))
            if self._closed.is_set():
                stream.close()
                self._beat_deaf("the microphone was closed")
                playback.join(JOIN_TIMEOUT_S)
                return
            playback.join(JOIN_TIMEOUT_S)
            stream.close()
        except DeviceLost as error:
            self._lost(error)

    def _only_play(self) -> None:
        system = self._open_system()
        playback = threading.Thread(target=self._play, args=(system,), name="playback", daemon=True)
        playback.start()
        self._beat_deaf("only the speaker was asked for")
        playback.join(JOIN_TIMEOUT_S)

    def _beat_deaf(self, why: str) -> None:
        self._ear.stop_listening()
        while not self._stopping.wait(HEARTBEAT_S):
            self._run_commands(forget=True)
            self._heartbeat(capturing=False, text=why)

    def _beat_until_open(self) -> None:
        """The heart beats while a device is looked for, which may take seconds; not for ever."""
        while not self._opened.wait(HEARTBEAT_S):
            if time.monotonic() - self._looked_s < OPEN_TIMEOUT_S:
                self._heartbeat(capturing=False, text=self._absence)

    def _wait_for_microphone(self) -> tuple[SoundSystem, Opened[CaptureStream]]:
        opener = Opener(self._settings.get("microphone", ""), "input")
        waiting = threading.Thread(target=self._beat_until_open, name="waiting", daemon=True)
        waiting.start()
        while not self._stopping.is_set():
            self._looked_s = time.monotonic()
            # The list of devices is as old as the system: a new one for each look.
            system = self._open_system()
            try:
                opened = opener.open(system.open_capture, system.devices)
            except DeviceLost as error:
                system.close()
                self._absence = str(error)
                self._pause_before_look(system, opener)
                continue
            self._stands_in |= bool(opened.instead_of)
            self._opened.set()
            # Nothing that was asked for while nobody could hear is heard now.
            self._run_commands(forget=True)
            return system, opened
        raise DeviceLost("stopped before a microphone was found")

    def _pause_before_look(self, system: SoundSystem, opener: Opener) -> None:
        """Short at first; then longer, since a look takes a fifth of a second of work.

        A card that is plugged in ends it.
        """
        pause_s = REOPEN_LATER_S if opener.may_substitute else REOPEN_EVERY_S
        ends_s = time.monotonic() + pause_s
        while not self._stopping.wait(REOPEN_EVERY_S):
            if time.monotonic() >= ends_s or system.stale():
                return

    def _open_system(self) -> SoundSystem:
        return self._rig.sound if self._rig is not None else self._open_sound()

    def _hear(self, stream: CaptureStream, watch: PlugWatch) -> None:
        last_frame_s = last_heartbeat_s = time.monotonic()
        while not (self._stopping.is_set() or self._closed.is_set()):
            self._run_commands()
            for _ in range(FRAMES_A_POLL):
                if stream.available() < FRAME_SAMPLES:
                    break
                self._ear.feed(stream.read(FRAME_SAMPLES))
                last_frame_s = time.monotonic()
            now_s = time.monotonic()
            if now_s - last_frame_s > STALLED_AFTER_S:
                raise DeviceLost(
                    f"microphone {stream.device!r} gave no sound for {STALLED_AFTER_S:g} s"
                )
            if now_s - last_heartbeat_s >= HEARTBEAT_S:
                last_heartbeat_s = now_s
                self._heartbeat(capturing=True)
                idle = not self._ear.listening and not self._mouth.busy
                if self._stands_in and idle and watch.changed():
                    raise DeviceLost("sound cards came or went: the chosen one is looked for again")
            time.sleep(POLL_S)

    def _run_commands(self, *, forget: bool = False) -> None:
        while True:
            try:
                command = self._for_ear.get_nowait()
            except Empty:
                return
            if not forget:
                command()

    def _heartbeat(self, *, capturing: bool, **more: object) -> None:
        health = {**self._ear.heartbeat(), "capturing": capturing, "speaker": self._speaker_open}
        self._send(Event(wire.HEARTBEAT, {**health, **more}))

    # The playback thread: owns the speaker.

    def _play(self, system: SoundSystem) -> None:
        opener = Opener(self._settings.get("speaker", ""), "output")
        while not self._stopping.is_set():
            try:
                opened = opener.open(system.open_playback, system.devices)
                break
            except DeviceLost as error:
                self._send(Event(wire.SPEAKER, {"text": str(error)}))
                self._stopping.wait(REOPEN_SPEAKER_EVERY_S)
                if system.stale():
                    self._lost(DeviceLost("sound cards came or went, and there is no speaker"))
        else:
            return
        stream, told = opened.stream, {"instead_of": opened.instead_of}
        rate_hz = stream.rate_hz
        if self._own_voice is not None:
            self._own_voice.prepare(rate_hz)
        wanted = self._settings.get("chimes", ())
        self._chimes = {name: samples(Chime(name), rate_hz) for name in wanted}
        self._speaker_open = True
        self._stands_in |= bool(opened.instead_of)
        self._send(Event(wire.SPEAKER, {**told, "device": stream.device, "rate_hz": rate_hz}))
        try:
            while not self._stopping.is_set():
                self._mouth.wait(POLL_S if self._mouth.busy else HEARTBEAT_S)
                self._mouth.step(stream)
            stream.close()
        except DeviceLost as error:
            self._lost(error)

    def _lost(self, error: DeviceLost) -> NoReturn:
        self._send(Event(wire.ERROR, {"text": str(error), "code": "device-lost"}))
        self._channel.close()
        os._exit(EXIT_DEVICE_LOST)


def _portaudio() -> SoundSystem:
    from sena_pi.engines.portaudio import PortAudio

    return PortAudio()


def _end_with_thread(failed: threading.ExceptHookArgs) -> None:
    """A worker with a dead thread is deaf or dumb: it ends, and is replaced."""
    name = failed.thread.name if failed.thread else "?"
    exception = failed.exc_value or failed.exc_type()
    _log.error("thread %s failed", name, exc_info=exception)
    os._exit(EXIT_BUG)


def main(
    events_in: int, events_out: int, open_sound: Callable[[], SoundSystem] | None = None
) -> None:
    """Configure from the first event, then serve until the brain closes its end."""
    journal.set_up()
    threading.excepthook = _end_with_thread
    channel = Channel(events_in, events_out)
    events = channel.events()
    first = next(events, None)
    if first is None or first.type != wire.CONFIGURE:
        sys.exit("the audio worker's first event must be sena-configure")
    AudioWorker(channel, first.data, open_sound).run(events)
    channel.close()
    # Streams and threads may hang in the sound library; nothing is left to be saved.
    os._exit(0)


if __name__ == "__main__":
    main(_EVENTS_IN, _EVENTS_OUT)
