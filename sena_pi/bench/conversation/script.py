"""The ten turns: what is asked, and the answer that the cloud gives, always the same.

A greeting, thanks and a farewell are nothing else: by our prompt the model then names them in
`local` and leaves `say` empty, and the device has its own words. The prototype had no such thing,
and is given words. Follow-ups do not stand alone, and yet their answers stay true for anyone who
asks them in this conversation.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from sena_pi.stages import Intent

Fields = dict[str, str | bool]


@dataclass(frozen=True, slots=True)
class Turn:
    """A question, its answer, and how long the prototype's cloud took for it.

    Attributes:
        question: as it is spoken.
        words: the answer.
        llm_s: for the whole answer as text.
        tts_s: for the whole answer as speech.
        intent: what the device answers itself, None when the model answers.
        alone: the question means the same in any conversation.
    """

    question: str
    words: str
    llm_s: float
    tts_s: float
    intent: Intent | None = None
    alone: bool = False

    @property
    def heard(self) -> str:
        """The question as a model writes it down."""
        return self.question

    def answer(self, *, plain: bool = False) -> tuple[str, str]:
        """The answer as JSON, cut in two where its words begin.

        Args:
            plain: for the prototype, which leaves nothing to the device, and has nothing behind
                its words that they would have to share their time with.
        """
        intent = None if plain else self.intent
        front: Fields = {"heard": self.heard}
        if intent is not None:
            front["local"] = intent
        say: Fields = {"say": "" if intent else self.words}
        rest: Fields = {"keep": "never" if intent else "always", "alone": self.alone, "asks": False}
        fields = front | rest | say if plain else front | say | rest
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        begins = text.index('"say":"') + len('"say":"')
        return text[:begins], text[begins:]


CONVERSATION: Final = (
    Turn(
        "Hello!",
        "Hello! It is good to hear you. Ask me whatever you like.",
        0.8,
        1.2,
        Intent.GREETING,
    ),
    Turn(
        "What is Python?",
        "Python is a programming language that is known for being easy to read. People use it for "
        "web sites, science, automation and machine learning. It is free, and it runs on almost "
        "every computer.",
        2.1,
        1.5,
        alone=True,
    ),
    Turn(
        "How do I learn it?",
        "Start with a short beginner's course, and type every example in yourself. Then write "
        "small programs that do something useful for you. Half an hour on most days works better "
        "than one long weekend.",
        2.3,
        1.6,
    ),
    Turn(
        "What are good resources?",
        "The official tutorial is a fine place to begin, and it costs nothing. Automate the Boring "
        "Stuff is a friendly book that you can read online. For practice, try the exercises on a "
        "site such as Exercism.",
        2.0,
        1.4,
    ),
    Turn(
        "How long does it take?",
        "Most people write simple programs after about a month of regular practice. Being "
        "comfortable with larger ones takes half a year to a year.",
        1.8,
        1.3,
    ),
    Turn(
        "Can you give me tips?",
        "Read the error messages slowly, because they usually name the line that is wrong. Keep "
        "your functions short and give things honest names. And when you are stuck, explain the "
        "problem aloud to somebody.",
        2.2,
        1.5,
    ),
    Turn(
        "What projects should I build?",
        "Build something small that you would use yourself, such as a list of chores or a budget "
        "for the month. A game like hangman is good practice, too. After that, try a program that "
        "reads the weather from the internet.",
        2.4,
        1.7,
    ),
    Turn(
        "Thanks for your help!",
        "You are very welcome. It was a pleasure to talk about it with you.",
        1.5,
        1.2,
        Intent.THANKS,
    ),
    Turn(
        "Anything else I should know?",
        "Do not worry about learning everything at once, nobody knows all of it. Learn a little "
        "about version control early, since it lets you undo any mistake. Most of all, enjoy "
        "making things.",
        2.1,
        1.4,
    ),
    Turn(
        "Goodbye!",
        "Goodbye! Have a lovely day, and good luck with your first program.",
        0.9,
        1.0,
        Intent.GOODBYE,
    ),
)
