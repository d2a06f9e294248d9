"""A turn that is given up leaves nothing, wherever it was: real client, real child process."""

from __future__ import annotations

import asyncio
import random

import pytest

from sena_pi.engines.espeak import Espeak
from sena_pi.errors import EngineUnavailable
from tests.cancelling import Left, cancel_each

RUNS = 12


@pytest.mark.parametrize("mute", [False, True], ids=["the cloud speaks", "espeak-ng speaks"])
def test_a_turn_that_is_cancelled_at_any_of_its_awaits_leaves_nothing(*, mute: bool) -> None:
    """No task, socket or child; and the next turn is answered. `scripts/prove cancelling`: all."""
    try:
        local = Espeak()
    except EngineUnavailable as error:
        pytest.skip(str(error))
    places = random.Random(12)
    left = Left()
    asyncio.run(cancel_each(lambda _: places.randrange(10_000), RUNS, local, mute=mute, left=left))
    assert ([], RUNS) == (left.problems, left.cancelled)
