"""A JSON object from elsewhere, a disk or a network, read field by field: the right type, or ValueError.

What is read can be written again: numbers are finite and within limits, texts can be encoded (RFC 8259 sections 6
and 8.2 leave both open, and Python's reader takes more than its writers do).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

__all__ = ["MAX_WHOLE", "Fields", "compact_json", "json_line", "well_formed"]

MAX_WHOLE = 2**53
"""JavaScript's numbers are exact up to here."""

MAX_DEPTH = 500
"""More brackets than any of our objects nest; a text field full of them fits too."""

_Member = TypeVar("_Member", bound=StrEnum)
_HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair: JSON may escape it, a browser may hand it on, and UTF-8 has no place for it."""


def well_formed(text: str) -> str:
    """Return the text with U+FFFD for every lone surrogate, so that it can be encoded; otherwise the same."""
    return text if text.isascii() else _HALF.sub("\ufffd", text)


_WRITER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


def compact_json(value: Mapping[str, object]) -> str:
    r"""Write an object as JSON in ASCII, without spaces. Raises ValueError for a number that is not finite.

    >>> compact_json({"a": 1, "b": "\u00e4"})
    '{"a":1,"b":"\\u00e4"}'
    """
    return _WRITER.encode(value)


def json_line(value: Mapping[str, object]) -> str:
    """Write an object as one line of a log that is only appended to, with a line feed before and after.

    The one before keeps a torn line that is already there from swallowing this one. Raises ValueError as
    `compact_json` does.
    """
    return f"\n{compact_json(value)}\n"


class Fields:
    """A JSON object that is not trusted. Fields that nobody asks for are left aside.

    Each method reads one field by its name, and raises ValueError where it is not what the method reads. A `default`
    stands for a field that is missing; without one that is an error, unless the method says otherwise.
    """

    def __init__(self, value: object) -> None:
        if not isinstance(value, Mapping):
            raise ValueError("not an object")
        self._values: Mapping[str, object] = value

    @classmethod
    def from_json(cls, text: str) -> Fields:
        """Read a text. Raises ValueError, with words that can stand in a sentence."""
        return cls(_parsed(text))

    @classmethod
    def from_own_json(cls, text: str) -> Fields:
        """Read what this page has written itself, with U+FFFD where others' texts would be refused.

        A recording must not be lost from the shelf by one character of a message in its log. Raises ValueError.
        """
        value = _parsed(text)
        if "\\u" in text or not text.isascii():
            value = json.loads(well_formed(json.dumps(value, ensure_ascii=False)))
        return cls(value)

    def text(self, name: str, default: str | None = None, limit: int | None = None) -> str:
        """Read a text of at most `limit` characters, none of them half a surrogate pair."""
        value = self._values.get(name, default)
        if not isinstance(value, str):
            raise ValueError(f"{name} is not a text")
        _check_text(name, value)
        if limit is not None and len(value) > limit:
            raise ValueError(f"{name} is longer than {limit} characters")
        return value

    def text_or_none(self, name: str, limit: int | None = None) -> str | None:
        """Read a text, or None where there is none."""
        return None if self._values.get(name) is None else self.text(name, limit=limit)

    def whole(self, name: str, default: int | None = None, low: int = 0, high: int = MAX_WHOLE) -> int:
        """Read a whole number from `low` to `high`."""
        value = self._values.get(name, default)
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"{name} is not a whole number from {low} to {high}")
        return value

    def whole_or_none(self, name: str, low: int = 0, high: int = MAX_WHOLE) -> int | None:
        """Read a whole number, or None where there is none."""
        return None if self._values.get(name) is None else self.whole(name, low=low, high=high)

    def number(
        self, name: str, default: float | None = None, low: float = 0.0, high: float = float(MAX_WHOLE)
    ) -> float:
        """Read a number from `low` to `high`."""
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name} is not a number")
        if not low <= value <= high:  # infinity is not, nor is a whole number that no float can hold
            raise ValueError(f"{name} is not a number from {low:g} to {high:g}")
        return float(value)

    def number_or_none(self, name: str, low: float = 0.0, high: float = float(MAX_WHOLE)) -> float | None:
        """Read a number, or None where there is none."""
        return None if self._values.get(name) is None else self.number(name, low=low, high=high)

    def flag(self, name: str, default: bool | None = None) -> bool:
        """Read true or false."""
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise ValueError(f"{name} is neither true nor false")
        return value

    def flag_or_none(self, name: str) -> bool | None:
        """Read true or false, or None where there is neither."""
        return None if self._values.get(name) is None else self.flag(name)

    def member(self, name: str, kind: type[_Member], default: _Member | None = None) -> _Member:
        """Read one of an enumeration's values and return its member."""
        return kind(self.text(name, default))

    def known_members(self, name: str, kind: type[_Member]) -> tuple[_Member, ...]:
        """Read a list, empty where there is none; what of it the enumeration has no value of is left aside."""
        known = {member.value: member for member in kind}
        return tuple(known[value] for value in self._items(name) if isinstance(value, str) and value in known)

    def inner(self, name: str) -> Fields:
        """Read an object inside; an empty one where there is none."""
        return Fields(self._values.get(name, {}))

    def inner_or_none(self, name: str) -> Fields | None:
        """Read an object inside, or None where there is none."""
        return None if self._values.get(name) is None else self.inner(name)

    def plain(self) -> Mapping[str, object]:
        """Return all of it as it was read, unchecked: the object itself, not to be changed."""
        return self._values

    def rows(self, name: str, limit: int | None = None) -> list[Fields]:
        """Read a list of at most `limit` objects, empty where there is none."""
        items = self._items(name)
        if limit is not None and len(items) > limit:
            raise ValueError(f"{name} has more than {limit} entries")
        return [Fields(value) for value in items]

    def texts(self, name: str) -> list[str]:
        """Read a list of texts, empty where there is none."""
        found = []
        for value in self._items(name):
            if not isinstance(value, str):
                raise ValueError(f"{name} is not a list of texts")
            _check_text(name, value)
            found.append(value)
        return found

    def _items(self, name: str) -> list[object]:
        value = self._values.get(name, [])
        if not isinstance(value, list):
            raise ValueError(f"{name} is not a list")
        return value


def _check_text(name: str, value: str) -> None:
    """Raises ValueError where a text cannot be encoded, so that no message and no log is stopped by it later."""
    if not value.isascii() and _HALF.search(value):
        raise ValueError(f"{name} has half of a character in it")


def _parsed(text: str) -> object:
    """The value of a JSON text; in it no number is NaN, which JSON does not have. Raises ValueError."""
    if _is_too_deep(text):
        raise ValueError("too many brackets")
    try:
        return _READER.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON at character {error.pos}") from None
    except ValueError:
        raise ValueError("a number in it is too long, or none") from None


def _no_constant(name: str) -> object:
    raise ValueError(name)


_READER = json.JSONDecoder(parse_constant=_no_constant)


def _is_too_deep(text: str) -> bool:
    """True if brackets nest so deep that in a browser they would overflow the interpreter's stack.

    Brackets inside of strings count too, so the limit leaves room for a text full of them.
    """
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return False
    depth = 0
    for bracket in re.finditer(r"[\[\]{}]", text):
        depth += 1 if bracket.group() in "[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False
