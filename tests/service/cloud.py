"""A loopback Gemini as a program: `python -m tests.service.cloud`; ends when its input does.

It prints its address and the key it takes; each answer is the same one.
"""

from __future__ import annotations

import sys

from tests.gemini_replies import answer_json, sound_answer, text_answer
from tests.gemini_server import GeminiServerThread
from tests.house import tone

ANSWERS = 50


def main() -> None:
    with GeminiServerThread() as gemini:
        for _ in range(ANSWERS):
            gemini.will_answer(text_answer(answer_json(say="Paris.")))
            gemini.will_speak(sound_answer(tone(600)))
        sys.stdout.write(f"{gemini.url} {gemini.key}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
