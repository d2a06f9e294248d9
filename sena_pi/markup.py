"""Markdown and markup of an answer, reduced to the words in it. Pure text to text."""

from __future__ import annotations

import re


def _host(found: re.Match[str]) -> str:
    """A URL as a person says it: its host; punctuation of the sentence after it stays."""
    url = found["url"]
    end = url[len(url.rstrip(".,;:!?")) :]
    host = re.split(r"[/?#\\]", url.rstrip(".,;:!?"), maxsplit=1)[0].rpartition("@")[2]
    return re.sub(r"^www\.|:\d*$", "", host) + end


_LINKS = re.compile(
    r"\b(?:(?:https?|ftp)://|www\.(?=\w))(?P<url>[^\s<>\"'()\[\]{}|]{1,2000})", re.IGNORECASE
)


def _rules(*rules: tuple[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    flags = re.MULTILINE | re.IGNORECASE
    return tuple((re.compile(pattern, flags), replacement) for pattern, replacement in rules)


_BLOCKS_AND_LINKS = _rules(
    (r"^[ ]*(?:`{3,}|~{3,})[\w+#. -]*$", ""),  # code fence
    (r"^[ ]*(?:[-*_=][ ]?){3,}$", ""),  # rule
    (r"^[ ]*(?:(?:#{1,6}|[-*+>\u2022\u2023])[ ]+)+", ""),  # heading, list item, quotation
    (r"!?\[([^\[\]]{0,500})\]\((?:[^()]|\([^()]*\)){0,2000}\)", r"\1"),  # link, image
    (r"[ ]?\[\^?\d{1,3}(?:[ ]?[,\u2013-][ ]?\d{1,3}){0,9}\]", ""),  # citation
    (r"<(?=(?:https?|ftp)://)([^<>\s]{1,2000})>", r"\1"),
)
_TAGS_AND_MARKS = _rules(
    (r"</?(?:br|p|div|li|ul|ol|tr|td|th|hr|h\d)\b[^<>]{0,300}>", " "),
    (r"<(?:!--[^<>]{0,500}--|[/!?]?[a-z][^<>]{0,300})>", ""),
    (r"&(?:amp;)+", "&"),
    (r"&(?:lt|gt|nbsp|quot|apos|#\d{1,7}|#x[0-9a-f]{1,6});", " "),
    (r"<=", "\N{LESS-THAN OR EQUAL TO}"),
    (r">=", "\N{GREATER-THAN OR EQUAL TO}"),
    (r"[-=]+>|<-+", " "),
    (r"(?<=\d)[ ]?([<>])[ ]?(?=\d)", r" \1 "),
    (r"(?<! )[<>]|[<>](?! )", " "),
    (r"(?<=\d)[ ]?\*[ ]?(?=\d)", " \N{MULTIPLICATION SIGN} "),
    (r"(?<=[^\W_])_+(?=[^\W_])", " "),
    (r"[*_`~]+", ""),
    (r"(?<!\w)#+(?!\d)", ""),
    (r"[\[\]{}|\\^\uff3b\uff3d\uff5b\uff5d]+", " "),
    (r"-{2,}", "\N{EM DASH}"),
    (r"(?<!\.)\.\.(?!\.)", "..."),
)


def without_markup(text: str) -> str:
    """Markdown and markup without their marks; a link is its text, a URL its host."""
    for pattern, replacement in _BLOCKS_AND_LINKS:
        text = pattern.sub(replacement, text)
    text = _LINKS.sub(_host, text)
    for pattern, replacement in _TAGS_AND_MARKS:
        text = pattern.sub(replacement, text)
    return text


def one_line(text: str) -> str:
    """Lines as sentences: a line that ends in a word gets a full stop."""
    lines = [" ".join(line.split()) for line in text.split("\n")]
    lines = [line for line in lines if line]
    ended = [f"{line}." if line[-1].isalnum() else line for line in lines[:-1]]
    return " ".join(ended + lines[-1:])
