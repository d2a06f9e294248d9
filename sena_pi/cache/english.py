"""English words that the normal form of a question depends on."""

from __future__ import annotations

from typing import Final

from sena_pi.durations import NUMBER_VALUES

# fmt: off
FILLERS: Final = {"um", "umm", "uh", "uhm", "erm"}
"""Mean nothing at the beginning, and before an article."""

BEFORE_A_QUESTION: Final = {
    "ah", "actually", "er", "hmm", "like", "now", "oh", "ok", "okay", "right", "so", "well",
}
"""Mean nothing in front of what begins a question, or of a comma."""

WITH_COMMA: Final = {"alright", "hello", "hey", "hi", "please", "sorry", "thanks"}
"""Mean nothing at the beginning when a comma follows; without one they may belong to a title."""

PHRASES_WITH_COMMA: Final = (("excuse", "me"), ("thank", "you"))

QUESTION_WORDS: Final = {
    "how", "how's", "what", "what's", "when", "where", "where's", "which", "who", "who's",
    "whose", "why",
}
BEGINNINGS: Final = QUESTION_WORDS | {
    "are",
    "calculate",
    "can",
    "convert",
    "could",
    "define",
    "describe",
    "did",
    "do",
    "does",
    "explain",
    "give",
    "is",
    "list",
    "name",
    "should",
    "spell",
    "tell",
    "was",
    "were",
    "will",
    "would",
}
"""Words a request begins with."""

ABOUT_WORDS: Final = {
    "abbreviation", "acronym", "apostrophe", "call", "called", "characters", "contraction",
    "grammar", "letter", "letters", "mean", "meaning", "means", "pronounce", "pronounced",
    "punctuation", "rhyme", "rhymes", "say", "saying", "sentence", "spell", "spelled", "spelling",
    "spelt", "sign", "syllable", "syllables", "synonym", "titled", "translate", "translation",
    "verb",
    "word", "words",
    "write", "written",
}
"""Where one of these is in a question, it may be about the very words: none is changed."""

POLITE_ENDS: Final = (("please",), ("thanks",), ("thank", "you"))
REQUESTS: Final = tuple(
    tuple(request.split())
    for request in (
        "can you please tell me",
        "could you please tell me",
        "can you tell me",
        "could you tell me",
        "would you tell me",
        "please tell me",
        "tell me please",
        "tell me",
        "i want to know",
        "i would like to know",
        "i'd like to know",
    )
)
"""Taken away in front of what is asked for. Not "do you know": "do you know how to swim" is
another question than "how to swim"."""

ASKED_FOR: Final = {"how", "what", "where", "which", "who", "whose", "why"}

ORDERS: Final = {"calculate", "convert", "define", "describe", "explain", "spell"}
POLITE_ORDERS: Final = tuple(
    tuple(order.split())
    for order in ("can you please", "could you please", "can you", "could you", "please")
)
"""Taken away in front of an order."""

_NEGATED: Final = (
    "is",
    "are",
    "was",
    "were",
    "do",
    "does",
    "did",
    "has",
    "have",
    "had",
    "would",
    "could",
    "should",
    "must",
    "might",
    "need",
)

CONTRACTIONS: Final = {
    **{f"{verb}n't": f"{verb} not" for verb in _NEGATED},
    **{
        f"{word}'s": f"{word} is"
        for word in (
            "what",
            "who",
            "where",
            "when",
            "why",
            "how",
            "that",
            "there",
            "here",
            "it",
            "he",
            "she",
        )
    },
    **{f"{word}'re": f"{word} are" for word in ("what", "who", "where", "you", "we", "they")},
    **{f"{word}'ve": f"{word} have" for word in ("i", "you", "we", "they", "who")},
    **{f"{word}'ll": f"{word} will" for word in ("i", "you", "we", "they", "he", "she", "it")},
    "i'm": "i am",
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "shan't": "shall not",
    "let's": "let us",
}

SPELLINGS: Final = {
    "colour": "color",
    "colours": "colors",
    "favourite": "favorite",
    "neighbour": "neighbor",
    "neighbours": "neighbors",
    "flavour": "flavor",
    "humour": "humor",
    "centre": "center",
    "theatre": "theater",
    "grey": "gray",
    "kilometre": "kilometer",
    "kilometres": "kilometers",
    "centimetre": "centimeter",
    "centimetres": "centimeters",
    "millimetre": "millimeter",
    "millimetres": "millimeters",
    "litre": "liter",
    "litres": "liters",
    "aluminium": "aluminum",
    "organise": "organize",
    "recognise": "recognize",
    "realise": "realize",
    "jewellery": "jewelry",
    "moustache": "mustache",
    "aeroplane": "airplane",
}
"""British to American, only where neither is another word ("meter" is)."""

NUMBERS: Final = {"zero": 0, **NUMBER_VALUES}
SCALES: Final = {"thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}

ORDINALS: Final = {
    "1st": "first",
    "2nd": "second",
    "3rd": "third",
    "4th": "fourth",
    "5th": "fifth",
    "6th": "sixth",
    "7th": "seventh",
    "8th": "eighth",
    "9th": "ninth",
    "10th": "tenth",
}

SIGNS: Final = {"+": "plus", "x": "times", "*": "times", "\u00d7": "times"}
"""Signs between two numbers, as they are spoken."""

NAMES: Final = {
    "access", "amazon", "amber", "apple", "august", "basic", "bath", "bill", "black", "boston",
    "brown", "bush", "catholic", "chase", "chile", "china", "chrome", "cologne", "conservative",
    "cork", "cream", "crown", "crystal", "daisy", "dawn", "democratic", "drew", "edge", "eve",
    "excel", "florence", "ford", "frank", "gap", "georgia", "go", "grace", "grant", "green",
    "hope", "iris", "ivy", "jack", "jade", "java", "job", "jordan", "journey", "joy", "kiss",
    "labour", "lent", "liberal", "lily", "march", "mark", "mars", "may", "mercury", "mobile",
    "nice", "olive", "oracle", "orange", "page", "pat", "pearl", "pink", "polish", "prince",
    "python", "queen", "reading", "republican", "rice", "rich", "rob", "rose", "ruby", "rush",
    "rust", "safari", "seal", "shell", "slack", "square", "stripe", "sue", "swede", "swift",
    "target", "the", "turkey", "uber", "victoria", "violet", "visa", "will", "windows",
    "word", "young",
    "zoom",
}
"""Words that mean something else with a capital; they keep it, but where a sentence begins."""
