"""What the page tells a person: one sentence and how serious it is."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Level", "Notice", "one_line", "plain_text", "quoted", "shortened"]


class Level(StrEnum):
    """Severity of a notice; the value is the page's `data-level`."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Notice:
    """One sentence for a person."""

    level: Level
    text: str
    subject: str = ""
    """What it is about, where it holds until it is lifted (`notice_board`), in letters, digits and hyphens; empty:
    it tells of something that has happened."""


def plain_text(text: str) -> str:
    """Give the text on one line, in NFC, without characters that cannot be seen or that reorder others.

    Control characters, lone surrogates, noncharacters, characters that could not be decoded and
    direction marks are removed; every run of white space becomes one space. All scripts stay.
    """
    if text.isascii() and text.isprintable():  # most are, and a server reads thousands a second
        return " ".join(text.split())
    spaced = re.sub(r"\s+", " ", text)
    kept = "".join(character for character in spaced if not _is_hidden(character))
    return re.sub(" +", " ", unicodedata.normalize("NFC", kept)).strip(" " + _JOINERS)


def shortened(text: str, limit: int) -> str:
    """Cut the text to at most `limit` characters, never between a letter and its accents.

    >>> shortened("Zoe\N{COMBINING DIAERESIS}", 3)
    'Zo'
    """
    if len(text) <= limit:
        return text
    end = limit
    while end > 0 and _continues(text, end):
        end -= 1
    return text[: end or limit].rstrip(" " + _JOINERS)


def one_line(text: str, limit: int) -> str:
    """Give somebody else's text as one line of at most `limit` characters, without what cannot be seen.

    It is cut after it was normalised, which can make it longer: whoever reads what was read gets the same again.

    >>> len(one_line("\N{DEVANAGARI LETTER QA}" * 80, 80))
    80
    """
    return shortened(plain_text(text[: 4 * limit]), limit)


def quoted(value: str, limit: int = 60) -> str:
    """Give a foreign value as it may stand inside a notice: short, visible, and never markup.

    >>> quoted("<b>")
    '“‹b›”'
    """
    plain = plain_text(value[: limit * 20]).translate(_NO_MARKUP)
    if len(plain) > limit or len(value) > limit * 20:
        plain = shortened(plain, limit) + "…"
    return f"“{plain}”"


_NO_MARKUP = str.maketrans("<>", "‹›")
_JOINERS = "\u200c\u200d"
"""Zero-width joiners: Persian and many emoji are misspelt without them."""

_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs"})
"""Control, format (direction marks among them) and lone surrogates."""


def _is_hidden(character: str) -> bool:
    code = ord(character)
    if character == "\ufffd" or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:
        return True
    return unicodedata.category(character) in _HIDDEN_CATEGORIES and character not in _JOINERS


def _continues(text: str, index: int) -> bool:
    """Tell whether the character at `index` belongs to the one before it."""
    return bool(unicodedata.combining(text[index])) or text[index] in _JOINERS or text[index - 1] == "\u200d"
