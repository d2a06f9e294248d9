"""The conversation: the last few exchanges, until a silence."""

from __future__ import annotations

from sena_pi.conversation import Conversation
from sena_pi.stages import Exchange


class Clock:
    """Monotonic seconds that move when told."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_it_keeps_the_last_exchanges() -> None:
    """The sixth exchange pushes the first one out."""
    conversation = Conversation(longest=5)
    for number in range(6):
        conversation.add(f"q{number}", f"a{number}")
    assert [f"q{number}" for number in range(1, 6)] == [e.heard for e in conversation.recent()]


def test_it_forgets_after_a_silence() -> None:
    """Two minutes without a word, and the next question stands alone."""
    clock = Clock()
    conversation = Conversation(forget_after_s=120, monotonic=clock)
    conversation.add("q", "a")
    clock.now_s = 119
    assert (Exchange("q", "a"),) == conversation.recent()
    clock.now_s = 121
    assert () == conversation.recent()


def test_every_exchange_starts_the_silence_anew() -> None:
    """A conversation that goes on is not forgotten."""
    clock = Clock()
    conversation = Conversation(forget_after_s=120, monotonic=clock)
    for _ in range(4):
        conversation.add("q", "a")
        clock.now_s += 100
    assert 4 == len(conversation.recent())


def test_what_was_not_spoken_is_not_remembered() -> None:
    """A question without an answer is no exchange."""
    conversation = Conversation()
    conversation.add("q", "")
    conversation.add("", "a")
    assert () == conversation.recent()


def test_no_memory_can_be_asked_for() -> None:
    """Zero turns keep nothing."""
    conversation = Conversation(longest=0)
    conversation.add("q", "a")
    assert () == conversation.recent()
