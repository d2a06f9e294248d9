"""The light: a thread that paints what is to be shown, at once, and sleeps while nothing moves."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from sena_pi.body.lamps import Lamps, LampsLost
from sena_pi.body.layers import GAUGE_S, TOUCHED_S, Layers, Showing, resolve
from sena_pi.body.patterns import BLACK, Frame, pattern
from sena_pi.phases import Phase

REPAINT_S: Final = 1.0
"""A frame that stays is written again so often: a disturbed lamp is put right, a lost one noticed.
"""
STUCK_S: Final = 2.0
"""A frame that takes so long to be written is not shown."""
RETRY_S: Final = (0.5, 1.0, 2.0, 5.0)
"""Waits between attempts to open lamps that are lost; the last one is repeated."""
CLOSE_S: Final = 2.0

_log = logging.getLogger(__name__)


class Light:
    """A `StatusLight`. All methods may be called from any thread, return at once, never raise.

    Without lamps (`open_lamps` None, which a person has to ask for) it only keeps what it would
    show. Lamps that fail are opened again for ever; meanwhile `lit` is False.
    """

    def __init__(
        self,
        open_lamps: Callable[[], Lamps] | None,
        *,
        on_lit: Callable[[bool], None] = lambda _lit: None,
        retry_s: tuple[float, ...] = RETRY_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is opened before `start`.

        Args:
            open_lamps: opens the lamps; raises LampsLost.
            on_lit: told by the light's own thread that the lamps were lost or are back.
            retry_s: waits between attempts.
            monotonic: seconds that never go back.
        """
        self._open_lamps = open_lamps
        self._on_lit = on_lit
        self._retry_s = retry_s
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._layers = Layers()
        self._closing = False
        self._written_s: float | None = None
        self._writing_since_s: float | None = None
        self._told_lit: bool | None = None
        self._beat_s: float | None = None
        self._thread = threading.Thread(target=self._run, name="light", daemon=True)

    @property
    def layers(self) -> Layers:
        """What wants to be shown."""
        return self._layers

    @property
    def configured(self) -> bool:
        """There are to be lamps."""
        return self._open_lamps is not None

    @property
    def lit(self) -> bool:
        """What is to be shown is seen: frames are written, and none hangs.

        Lamps do not answer: a plug that was pulled out behind the bus is not noticed.
        """
        written_s, writing_since_s = self._written_s, self._writing_since_s
        if written_s is None:
            return False
        stuck = writing_since_s is not None and self._monotonic() - writing_since_s > STUCK_S
        return not stuck and self._monotonic() - written_s < REPAINT_S + STUCK_S

    @property
    def beat_s(self) -> float | None:
        """Monotonic time when its thread last showed that it lives, as `Liveness.beat_s`.

        None while nothing in it can stop: before its start, and without lamps. Lamps that hang
        are no reason to end the assistant, which would find them as they are; see `lit`.
        """
        return None if self._writing_since_s is not None else self._beat_s

    @property
    def trusted(self) -> bool:
        """Audio may leave the device: people see when it listens, or wanted no light."""
        return self.lit or not self.configured

    def start(self) -> None:
        """Open the lamps and paint, in a thread of its own."""
        if self.configured:
            self._thread.start()

    def close(self) -> None:
        """Switch the lamps off and stop. Idempotent; does not wait for lamps that hang."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)

    def show(self, phase: Phase) -> None:
        """What the assistant is doing, as `StatusLight.show`."""
        self._change(phase=phase)

    def mute(self, *, on: bool) -> None:
        """Whether the microphone is closed because a person wanted it so."""
        self._change(muted=on)

    def fault(self, *, on: bool) -> None:
        """Whether a person must see to something."""
        self._change(fault=on)

    def attention(self, *, on: bool) -> None:
        """Whether a person should see to something; shown while nothing else is."""
        self._change(attention=on)

    def timer(self, *, on: bool) -> None:
        """Whether a timer rings."""
        self._change(timer=on)

    def offline(self, *, on: bool) -> None:
        """Whether the cloud can't be reached."""
        self._change(offline=on)

    def missing(self, number: int) -> None:
        """The number of what an answer needs and is not there, as `CountingLight.missing`."""
        self._change(missing=number)

    def fill(self, *, on: bool) -> None:
        """Whether the ring fills because the button is held."""
        self._change(filling=on)

    def touch(self) -> None:
        """The button was pressed: answer that, whatever comes of it."""
        self._change(touched_until_s=self._monotonic() + TOUCHED_S)

    def gauge(self, level: float) -> None:
        """Show a level, 0 to 1, for a moment."""
        self._change(gauge=level, gauge_until_s=self._monotonic() + GAUGE_S)

    def _change(self, **layers: Any) -> None:  # noqa: ANN401 - the fields of Layers
        with self._changed:
            self._layers = replace(self._layers, **layers)
            self._changed.notify()

    # The light's own thread.

    def _run(self) -> None:
        assert self._open_lamps is not None  # noqa: S101 - see `start`
        failures = 0
        while not self._closing:
            try:
                lamps = self._open_lamps()
                try:
                    self._paint(lamps)
                finally:
                    self._written_s = self._writing_since_s = None
                    lamps.close()
            except LampsLost as error:
                # Nothing hangs in a wait that is bounded; the next attempt may.
                self._beat_s = None
                failures = 1 if self._told_lit else failures + 1
                self._tell_lit(lit=False, why=str(error))
                with self._changed:
                    wait_s = self._retry_s[min(failures, len(self._retry_s)) - 1]
                    self._changed.wait_for(lambda: self._closing, wait_s)

    def _paint(self, lamps: Lamps) -> None:
        """Until closed.

        Raises:
            LampsLost: they can't be lit any more.
        """
        showing: Showing | None = None
        shown: Frame | None = None
        since_s = 0.0
        while not self._closing:
            layers, now_s = self._layers, self._monotonic()
            wanted = resolve(layers, now_s)
            if showing is None or replace(wanted, until_s=showing.until_s) != showing:
                since_s = now_s
            showing = wanted
            looks = pattern(showing)
            frame = looks.paint(now_s - since_s, lamps.count)
            if frame != shown or now_s - (self._written_s or 0.0) >= REPAINT_S:
                self._write(lamps, frame)
                shown = frame
                self._tell_lit(lit=True)
            waits = [REPAINT_S, looks.pause_s(now_s - since_s)]
            if showing.until_s is not None:
                waits.append(showing.until_s - now_s)
            self._sleep(min(wait for wait in waits if wait is not None), layers)
        with contextlib.suppress(LampsLost):
            self._write(lamps, [BLACK] * lamps.count)

    def _write(self, lamps: Lamps, frame: Frame) -> None:
        self._writing_since_s = self._monotonic()
        lamps.light(frame)
        self._writing_since_s, self._written_s = None, self._monotonic()
        self._beat_s = self._written_s

    def _sleep(self, seconds: float, painted: Layers) -> None:
        """Until something else wants to be shown than what was painted; at most so long."""
        with self._changed:
            if not self._closing and self._layers is painted:
                self._changed.wait(seconds)

    def _tell_lit(self, *, lit: bool, why: str = "") -> None:
        if lit is self._told_lit:
            return
        self._told_lit = lit
        if lit:
            _log.info("light: on")
        else:
            _log.warning("light: %s; it is tried again, and until then no sound is sent away", why)
        self._on_lit(lit)
