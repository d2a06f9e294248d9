"""Power cuts, without a machine: what may hold after one, and which come next."""

from __future__ import annotations

import io
import itertools
import random
from pathlib import Path

import pytest

from sena_pi.update.bundle import Bundle
from sena_pi.update.errors import UpdateRefused
from sena_pi.update.signature import Verifier, new_key
from tests.image import cuts, releases
from tests.image.cuts import Controls, Cut


def test_only_what_was_acknowledged_or_asked_may_be_set() -> None:
    """The last acknowledged state, or the one that was under way."""
    found = cuts.states(Controls(), ["volume 30", "mute", "unmute", "volume 40"])
    assert found[2:] == [Controls(30, muted=True), Controls(30), Controls(40)]
    assert cuts.allowed(found, 0) == [Controls(), Controls(30)]
    assert cuts.allowed(found, 2) == [Controls(30, muted=True), Controls(30)]
    assert cuts.allowed(found, 4) == [Controls(40)]


def test_acknowledgements_are_counted_by_their_token() -> None:
    """Not those of another cut, nor what only looks like one."""
    heard = "@@A 0007\r\nnoise\n@@A 0006\n@@A 0007 \n[  1.0] @@A 0007\n"
    assert cuts.acknowledged(heard, "0007") == 2


def test_a_closed_microphone_is_opened_again() -> None:
    """Turns need it; and the same seed asks the same."""
    asked = cuts.commands(random.Random(1), 200)
    assert asked == cuts.commands(random.Random(1), 200)
    assert "mute" in asked
    for one, other in itertools.pairwise(asked):
        assert (one == "mute") == (other == "unmute")


def test_kinds_come_in_turn_and_go_on_where_they_were() -> None:
    """As many of each; numbers are never used twice, since they are the seeds."""
    done = [Cut("first", 0), Cut("turns", 1), Cut("first", 4)]
    coming = list(cuts.kinds(cuts.KINDS, 2, done))
    assert coming == [(5, "update"), (6, "turns"), (7, "update")]
    assert list(cuts.kinds(("first",), 2, done)) == []


def test_cuts_are_kept(tmp_path: Path) -> None:
    """With what may hold, and what did not."""
    made = [Cut("update", 3, 1.5, [{"volume": 3, "versions": ["1", "2"]}], "said", 9.0, ["bad"])]
    cuts.write(tmp_path / "cuts.json", made)
    assert cuts.read(tmp_path / "cuts.json") == made
    assert cuts.read(tmp_path / "none.json") == []


@pytest.mark.parametrize("kind", ["good", "deaf", "dying"])
def test_thin_releases_are_bundles(tmp_path: Path, kind: str) -> None:
    """Signed ones; with a byte flipped they are none."""
    public = new_key(tmp_path / "key")
    data = releases.bundle(tmp_path / "key", "0.2.0", kind)
    bundle = Bundle(io.BytesIO(data), Verifier(public))
    assert (str(bundle.manifest.version), bundle.manifest.arch) == ("0.2.0", "aarch64")
    compile(releases.files(kind, "0.2.0")[f"{releases.SITE}/sena_pi/__main__.py"], "main", "exec")
    with pytest.raises(UpdateRefused):
        Bundle(io.BytesIO(releases.flipped(data)), Verifier(public))
