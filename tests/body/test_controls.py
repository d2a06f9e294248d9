"""Volume and mute: in force at once, kept on the card, asked for by voice."""

from __future__ import annotations

from pathlib import Path

import pytest

from sena_pi.body.controls import Controls, Sinks, asked_volume
from sena_pi.body.kept import Kept, KeptStore
from sena_pi.local_answers import LocalAnswers
from sena_pi.phrases import understand
from sena_pi.stages import Intent


class Recorder:
    """What took effect, and what was on the card at that moment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.took: list[tuple[object, Kept]] = []

    def __call__(self, value: object) -> None:
        self.took.append((value, KeptStore(self.path).load()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "controls.json"


def controls(path: Path) -> tuple[Controls, Recorder]:
    recorder = Recorder(path)
    return Controls(KeptStore(path), Sinks(recorder, recorder)), recorder


def test_a_volume_is_in_force_and_kept(path: Path) -> None:
    """Bounded to what there is."""
    it, recorder = controls(path)
    assert it.set_volume(40)
    assert it.set_volume(1000)
    assert [40, 100] == [value for value, _ in recorder.took]
    assert Kept(100) == KeptStore(path).load() == it.kept


def test_the_microphone_is_closed_before_that_is_kept(path: Path) -> None:
    """The card may be slow; nobody is heard meanwhile."""
    it, recorder = controls(path)
    assert it.set_muted(on=True)
    assert [(True, Kept(muted=False))] == recorder.took
    assert KeptStore(path).load().muted


def test_the_microphone_is_opened_after_that_is_kept(path: Path) -> None:
    """A power cut in between leaves it closed, or open as was wanted; never open by surprise."""
    KeptStore(path).save(Kept(muted=True))
    it, recorder = controls(path)
    assert it.set_muted(on=False)
    assert [(False, Kept(muted=False))] == recorder.took


def test_a_card_that_refuses_is_told_and_changes_nothing_else(tmp_path: Path) -> None:
    """Muted is muted; only a restart would forget it, and that is said."""
    (tmp_path / "file").write_text("")
    it, recorder = controls(tmp_path / "file" / "controls.json")
    # A folder that is a file can't be read either: the microphone was closed from the start.
    assert it.kept.muted
    assert not it.set_volume(10)
    assert not it.set_muted(on=True)
    assert [10, True] == [value for value, _ in recorder.took]
    assert "could not save" in it.mute()
    assert "could not save" in it.volume("volume up")


@pytest.mark.parametrize(
    ("heard", "now", "wanted"),
    [
        ("turn it up", 50, 60),
        ("Volume up, please.", 95, 100),
        ("speak louder", 3, 13),
        ("turn down the volume", 50, 40),
        ("talk quieter", 15, 10),
        ("turn it down", 10, 10),
        ("turn it down", 5, 5),
        ("set the volume to forty percent", 90, 40),
        ("set the volume to a hundred", 90, 100),
        ("Could you make it a bit louder?", 50, 60),
        ("Please set your volume at 35%.", 90, 35),
        ("volume 250", 90, 100),
        ("How loud are you?", 90, None),
    ],
)
def test_volumes_are_understood(heard: str, now: int, wanted: int | None) -> None:
    """Our own phrases, and what a cloud transcript makes of freer ones; never silent by steps."""
    assert wanted == asked_volume(heard, now)


def test_by_voice_it_is_said_how_loud_it_is(path: Path) -> None:
    """After it was done."""
    it, _ = controls(path)
    answers = LocalAnswers(controls=it)
    assert "That's as loud as I can be." == answers.answer(Intent.VOLUME, "volume up").text
    down = answers.answer(Intent.VOLUME, "volume down")
    assert "The volume is now 90 percent." == down.text
    assert "The volume is 90 percent." == answers.answer(Intent.VOLUME, "how loud are you").text
    assert 90 == KeptStore(path).load().volume


def test_a_voice_may_mute(path: Path) -> None:
    """And is told how it is undone, since a voice can't."""
    it, recorder = controls(path)
    spoken = LocalAnswers(controls=it).answer(Intent.MUTE, "mute yourself")
    assert "button" in spoken.text
    assert spoken.ends_conversation
    assert [True] == [value for value, _ in recorder.took]
    assert KeptStore(path).load().muted


@pytest.mark.parametrize("heard", ["unmute", "unmute yourself", "turn on the microphone"])
def test_no_voice_unmutes(heard: str) -> None:
    """No phrase of ours means it; a television could say it."""
    assert understand(heard) is None
    assert {"VOLUME", "MUTE"} == {i.name for i in Intent if i.name in ("VOLUME", "MUTE", "UNMUTE")}


def test_without_an_assistant_nothing_is_promised() -> None:
    """`sena ask` has no speaker to be louder."""
    assert "can't" in LocalAnswers().answer(Intent.VOLUME, "volume up").text
    assert "can't" in LocalAnswers().answer(Intent.MUTE, "mute").text
