"""Stories of who listens along while a question is spoken."""

from __future__ import annotations

from sena_pi.phases import Phase
from sena_pi.report import Outcome
from tests.turns.bench import UTTERANCE, Bench, answered, tell, until


class Eavesdropper:
    """An `Overhearer` that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def begin(self, turn: str) -> None:
        self.told.append(("begin", turn))

    def feed(self, turn: str, pcm: bytes) -> None:
        self.told.append(("feed", turn, pcm.decode()))

    def cancel(self, turn: str) -> None:
        self.told.append(("cancel", turn))


def test_a_question_is_overheard_piece_by_piece() -> None:
    """Begun before the first piece, given each one, and told to forget when the turn is over."""
    overhearer = Eavesdropper()

    async def story(bench: Bench) -> None:
        bench.wake()
        await bench.reached(Phase.LISTENING)
        assert [("begin", "1")] == overhearer.told
        bench.microphone.catches(b"what")
        bench.microphone.catches(b"time")
        assert [("feed", "1", "what"), ("feed", "1", "time")] == overhearer.told[1:]
        bench.microphone.hears(UTTERANCE)
        assert Outcome.ANSWERED == (await bench.turn_ended()).outcome
        assert [("cancel", "1")] == overhearer.told[3:]

    tell(story, cloud=[answered("Hello there.")], overhearer=overhearer)


def test_an_interrupted_question_is_forgotten_before_the_next_begins() -> None:
    """Two questions are never overheard as one."""
    overhearer = Eavesdropper()

    async def story(bench: Bench) -> None:
        bench.wake()
        await bench.reached(Phase.LISTENING)
        bench.microphone.catches(b"what")
        bench.assistant.press()
        await until(lambda: ("begin", "2") in overhearer.told and bench.microphone.listens)
        bench.microphone.catches(b"who")
        bench.microphone.hears(None)
        await bench.turn_ended()
        assert [
            ("begin", "1"),
            ("feed", "1", "what"),
            ("cancel", "1"),
            ("begin", "2"),
            ("feed", "2", "who"),
            ("cancel", "2"),
        ] == overhearer.told

    tell(story, overhearer=overhearer)


def test_a_failed_question_is_forgotten_too() -> None:
    """Whatever ends a turn, nobody goes on working on its sound."""
    overhearer = Eavesdropper()

    async def story(bench: Bench) -> None:
        bench.wake()
        await bench.reached(Phase.LISTENING)
        bench.microphone.dies()
        await bench.turn_ended()
        assert [("begin", "1"), ("cancel", "1")] == overhearer.told

    tell(story, overhearer=overhearer)
