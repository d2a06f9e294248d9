"""`sena first-boot`, `sena reset`, and what the assistant does of its own."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sena_pi.app import reset_by_button
from sena_pi.clips import Clips
from sena_pi.first_boot import command, request
from sena_pi.first_boot.news import tell_news
from sena_pi.first_boot.status import Status, Taken, leave, left
from sena_pi.reasons import Reason
from tests.first_boot.taker import CARD, GEMINI, Card
from tests.turns.bench import Bench, tell, until


@pytest.fixture(autouse=True)
def folders(card: Card, monkeypatch: pytest.MonkeyPatch) -> Card:
    """As systemd gives them."""
    for variable, name in (
        ("CONFIGURATION_DIRECTORY", "etc"),
        ("STATE_DIRECTORY", "state"),
        ("CACHE_DIRECTORY", "cache"),
        ("RUNTIME_DIRECTORY", "run"),
    ):
        (card.place / name).mkdir(exist_ok=True)
        monkeypatch.setenv(variable, str(card.place / name))
    return card


def sena(card: Card, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sena_pi", *arguments, "--boot", str(card.boot)],
        input=answer,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_good_card_is_taken_over_and_told(card: Card) -> None:
    """Exit status 0; no key is printed."""
    card.file.write_bytes(CARD)
    run = sena(card, "first-boot", "--status", str(card.place / "status"))
    assert (0, "settings and keys of the card are taken over\n") == (run.returncode, run.stderr)
    assert [] == card.faults()
    status = left(card.place / "status")
    assert Taken.NEW is status.taken


def test_a_bad_card_is_told_in_the_journal_and_in_the_status(card: Card) -> None:
    """Exit status 1; the assistant starts nevertheless, since it only wants this unit."""
    card.file.write_text(f"[keys]\ngemini = {GEMINI}\n")
    run = sena(card, "first-boot", "--status", str(card.place / "status"))
    told = 'sena.toml:2: keys.gemini needs straight quotes: gemini = "..."'
    assert (1, f"{told}\n") == (run.returncode, run.stderr)
    status = left(card.place / "status")
    assert (Taken.BAD, (told,), True) == (status.taken, status.problems, status.wrong)


def test_the_assistant_may_read_settings_and_status_and_no_key(card: Card) -> None:
    """It is another user; the unit that does this hides from others what it makes."""
    card.file.write_bytes(CARD)
    before = os.umask(0o077)
    try:
        sena(card, "first-boot", "--status", str(card.place / "status"))
    finally:
        os.umask(before)
    modes = {
        str(path.relative_to(card.place)): path.stat().st_mode & 0o777
        for path in (
            *(card.place / name for name in ("status", "etc/sena.d", "etc/keys", "etc/card")),
            *(card.etc / name for name in ("sena.d/50-card.toml", "keys/gemini", "card/known")),
            card.place / "status" / "status.json",
        )
    }
    readable = {"status", "status/status.json", "etc/sena.d", "etc/sena.d/50-card.toml"}
    assert readable == {name for name, mode in modes.items() if mode & 0o004}
    assert {0} == {mode & 0o077 for name, mode in modes.items() if name not in readable}


def test_a_reset_that_is_wanted_is_carried_out_first(card: Card) -> None:
    """The wish that the assistant left, and then a start like the first one."""
    card.file.write_bytes(CARD)
    card.starts()
    (card.place / "cache" / "answers").write_text("kept")
    request.ask(card.place / "state")
    run = sena(card, "first-boot", "--status", str(card.place / "status"))
    assert (0, True) == (run.returncode, run.stderr.startswith("the device was reset"))
    assert {"status/status.json"} == set(card.bytes_of_all())
    assert Taken.NONE is left(card.place / "status").taken


def test_reset_asks_and_deletes_nothing_without_a_yes(card: Card) -> None:
    """Anything else than yes, and no answer at all."""
    card.file.write_bytes(CARD)
    card.starts()
    before = card.bytes_of_all()
    for answer in ("", "y\n", "no\n"):
        run = sena(card, "reset", "--factory", answer=answer)
        assert (1, True) == (run.returncode, "nothing was deleted" in run.stderr)
    assert before == card.bytes_of_all()


@pytest.mark.parametrize(("options", "answer"), [((), "yes\n"), (("--yes",), "")])
def test_reset_deletes_when_it_may(card: Card, options: tuple[str, ...], answer: str) -> None:
    """After a yes, typed or given."""
    card.file.write_bytes(CARD)
    card.starts()
    run = sena(card, "reset", "--factory", *options, answer=answer)
    assert 0 == run.returncode, run.stderr
    assert {} == card.bytes_of_all()


def test_reset_needs_to_be_told_how_far(card: Card) -> None:
    """`sena reset` alone is wrong usage."""
    assert 2 == sena(card, "reset", "--yes").returncode


def test_of_an_assistant_that_runs_the_restart_resets(card: Card) -> None:
    """It would write again what was deleted below it. Whoever did not start anew is told so."""
    from sena_pi.control import serve

    args = argparse.Namespace(boot=card.boot, yes=True)
    (card.etc / "keys").mkdir()
    (card.etc / "keys" / "gemini").write_text(GEMINI)

    async def story() -> None:
        async with asyncio.TaskGroup() as tasks:

            async def status(_arguments: dict[str, object]) -> dict[str, object]:
                return {}

            serving = tasks.create_task(serve(card.place / "run", {"status": status}))
            await until(lambda: any((card.place / "run").iterdir()))
            wishes: list[bool] = []

            def restart() -> None:
                wishes.append(request.is_asked(card.place / "state"))
                assert (card.etc / "keys" / "gemini").exists()

            with pytest.raises(command.NotReset):
                await asyncio.to_thread(command.reset_device, args, restart=restart)
            assert [True] == wishes
            serving.cancel()

    asyncio.run(story())


def test_the_button_resets_only_where_somebody_starts_us_again(tmp_path: Path) -> None:
    """A service has a socket to tell; a person at a shell would lose the assistant, no more."""
    assert None is reset_by_button({})
    state = {"NOTIFY_SOCKET": "/run/notify", "STATE_DIRECTORY": str(tmp_path)}
    assert None is not reset_by_button(state)


def test_the_buttons_wish_ends_the_process_like_sigterm(tmp_path: Path) -> None:
    """Which closes everything in order."""
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: heard.append(number))
    try:
        on_reset = reset_by_button({"NOTIFY_SOCKET": "@n", "STATE_DIRECTORY": str(tmp_path)})
        assert on_reset is not None
        on_reset()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ([signal.SIGTERM], True) == (heard, request.is_asked(tmp_path))


# --- the status --------------------------------------------------------------------------------


def test_a_status_that_can_not_be_read_tells_nothing(tmp_path: Path) -> None:
    """Half of one, or somebody else's file; and none."""
    assert Status() == left(tmp_path)
    for text in ("", "[]", '{"taken": "so-so", "problems": []}'):
        (tmp_path / "status.json").write_text(text)
        assert Status() == left(tmp_path)


def test_a_status_comes_back_as_it_was_left(tmp_path: Path) -> None:
    """Readable by the assistant, which is another user."""
    status = Status(Taken.BAD, ("sena.toml:1: so",))
    leave(status, tmp_path / "status")
    assert status == left(tmp_path / "status")
    assert 0o644 == (tmp_path / "status" / "status.json").stat().st_mode & 0o777


# --- what the assistant makes of it --------------------------------------------------------------


class Lamp:
    """Was a person asked for?"""

    def __init__(self) -> None:
        self.attentions: list[bool] = []

    def attention(self, *, on: bool) -> None:
        self.attentions.append(on)


def test_a_bad_card_is_shown_and_said_once() -> None:
    """With the words of the language, when nobody talks."""

    async def story(bench: Bench) -> None:
        lamp = Lamp()
        status = Status(Taken.BAD, ("sena.toml:1: so",))
        clip = bench.clips.reason(Reason.CARD)
        await tell_news(status, lamp, lambda: clip, bench.speaker, bench.assistant)
        assert [True] == lamp.attentions
        assert list(clip.sound) == bench.speaker.heard

    tell(story)


def test_a_good_card_is_not_talked_about() -> None:
    """Neither shown nor said."""

    async def story(bench: Bench) -> None:
        lamp = Lamp()
        clip = bench.clips.reason(Reason.CARD)
        await tell_news(Status(Taken.NEW), lamp, lambda: clip, bench.speaker, bench.assistant)
        assert ([], []) == (lamp.attentions, bench.speaker.heard)

    tell(story)


def test_there_are_words_for_it() -> None:
    """In the assistant's own language."""
    assert "sena dot toml" in Clips().reason(Reason.CARD).text
