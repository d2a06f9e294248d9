"""Whether words can be the end of what a person wanted to say.

English; of other languages nothing is told. Prepositions and auxiliary verbs are left out: English
questions end in them ("what is it made of", "tell me where they are").
"""

from __future__ import annotations

from typing import Final

_ARTICLES: Final = {"a", "an", "the", "my", "your", "his", "their", "our", "every", "each"}
_JOINTS: Final = {"and", "or", "but", "because", "if", "than", "between", "into", "whose", "very"}
_SUMS: Final = {"plus", "minus", "divided", "multiplied"}
_BEGINNINGS: Final = {"what's", "who's", "where's", "i'm", "you're", "they're"}
_HESITATIONS: Final = {"um", "uh", "uhm", "er", "erm", "hmm"}
_LEADS_ON: Final = _ARTICLES | _JOINTS | _SUMS | _BEGINNINGS | _HESITATIONS


def unfinished(text: str) -> bool:
    """True for words that something must follow: an article, a conjunction, half a sum."""
    words = text.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split()
    return bool(words) and words[-1].strip('.,;:-"\N{HORIZONTAL ELLIPSIS}') in _LEADS_ON
