"""The parameters of a link as they are written: found, decoded, and read one by one.

What cannot be used is left aside, and a notice says so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import unquote

from rolltape.core.notice import Level, Notice, plain_text, quoted, shortened
from rolltape.settings.bitrate import REFUSED, RecordWish, opus_kbps, whole_number, wish_for
from rolltape.settings.codec import VideoCodec

__all__ = ["NO_DEVICE", "PARAMETERS", "DeviceWish", "Given", "Parameters", "query_of", "read_query", "slips"]

_N = TypeVar("_N", int, float)

PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "record": (),
    "recordcodec": ("rc",),
    "pcm": (),
    "autorecord": (),
    "splitrecording": (),
    "room": ("r",),
    "director": (),
    "push": (),
    "label": ("l",),
    "videodevice": ("vd",),
    "audiodevice": ("ad",),
    "width": ("w",),
    "height": ("h",),
    "fps": (),
    "stereo": (),
    "aec": (),
    "denoise": (),
    "autogain": (),
    "audiobitrate": ("ab",),
    "upload": (),
    "convert": (),
}
"""Every parameter and its aliases."""

MAX_ADDRESS = 65_536
MAX_LABEL = 80
MAX_ROOM = 60
MAX_DEVICE = 120
MAX_SIDE = 16_384
MAX_FPS = 240
DEFAULT_SPLIT_MINUTES = 5.0
MIN_SPLIT_MINUTES = 0.1
MAX_SPLIT_MINUTES = 1440.0

_CANONICAL = {alias: name for name, aliases in PARAMETERS.items() for alias in (name, *aliases)}
_STREAM_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,9}([.,][0-9]{1,20})?")
_SEPARATOR = re.compile(rf"&|\?(?=[\s+]*(?:{'|'.join(_CANONICAL)})[\s+]*(?:[=&?]|$))", re.IGNORECASE)
_YES = frozenset({"", "1", "true", "on", "yes"})
NO = frozenset({"0", "false", "off", "no"})
_REFUSALS = frozenset({"false", "off", "no"})

_VIDEO_CODECS = {codec.value: codec for codec in VideoCodec}


@dataclass(frozen=True)
class DeviceWish:
    """Which camera or microphone is wanted."""

    name: str | None
    """Part of its label; None: no device of this kind is wanted."""

    def matches(self, label: str) -> bool:
        """Tell whether a device with this label is the one wanted; `_` may stand for a space."""
        return self.name is not None and _loose(self.name) in _loose(label)


NO_DEVICE = DeviceWish(None)


def query_of(address: str) -> str:
    """Find the query in an address without its fragment."""
    place, mark, query = address.partition("?")
    if _PLACE.match(place) or (mark and "=" not in place and "&" not in place):
        return query
    return address


_PLACE = re.compile(r"\s*(/|\.|[a-z][a-z0-9+.-]*:/)", re.IGNORECASE)
"""How an address begins that is more than a query."""


def read_query(query: str) -> dict[str, Given]:
    """Give the known parameters by their canonical name; the last one wins."""
    found: dict[str, Given] = {}
    for pair in _SEPARATOR.split(query):
        name, _, value = pair.partition("=")
        written = _written(name)
        canonical = _CANONICAL.get(written)
        if canonical is not None:
            found[canonical] = Given(written, _decoded(value).strip())
    return found


def _written(name: str) -> str:
    return _decoded(name[:_MAX_WRITTEN_NAME]).strip().lower().removeprefix("amp;").lstrip("?")


def slips(query: str) -> list[str]:
    """Name the unknown parameters that look like known ones: a guest with a typo would find the wrong page."""
    found = []
    for pair in _SEPARATOR.split(query)[:_MAX_SLIPS]:
        written = _written(pair.partition("=")[0])
        if written in _CANONICAL or not _LEAST <= len(written) <= _MOST:
            continue
        meant = next((name for name in _CANONICAL if len(name) >= _LEAST and _is_slip(written, name)), None)
        if meant is not None:
            found.append(
                f"The link says {quoted(written)}, which is not known here; perhaps {meant} is meant."
            )
    return found


def _is_slip(written: str, meant: str) -> bool:
    """True if one letter is missing, too many, another, or two have changed places."""
    while written and meant and written[0] == meant[0]:
        written, meant = written[1:], meant[1:]
    swapped = written[1:2] + written[:1] + written[2:]
    return meant in (written[1:], swapped) or meant[1:] in (written, written[1:])


_LEAST, _MOST, _MAX_SLIPS = 4, 20, 100
"""Letters of a name, for shorter ones anything is a slip; and how many names are looked at."""

_MAX_WRITTEN_NAME = 200
"""Far more than any name needs, percent signs and all."""


def _decoded(text: str) -> str:
    return unquote(text.replace("+", " "), errors="replace")


@dataclass(frozen=True)
class Given:
    """A parameter as it stands in the address."""

    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}={quoted(self.value)}"


@dataclass
class Parameters:
    """Reads the parameters one by one and collects what there is to say about them."""

    given: dict[str, Given] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)

    def say(self, text: str, level: Level = Level.WARNING) -> None:
        """Add a notice for the person who opened the link."""
        self.notices.append(Notice(level, text))

    def bad(self, given: Given, what: str, instead: str) -> None:
        """Add a notice about a bad value: what is wrong, and what is used instead."""
        self.say(f"The link says {given}, {what}; {instead}.")

    def nonempty(self, name: str) -> Given | None:
        """Return a parameter that has a value; None where it is missing or empty."""
        given = self.given.get(name)
        return given if given is not None and given.value else None

    def flag(self, name: str, default: bool) -> bool:
        """Read a yes or no; `default` where it is missing, and with a notice where it is neither."""
        given = self.given.get(name)
        if given is None:
            return default
        value = given.value.lower()
        if value not in _YES and value not in NO:
            self.bad(given, "which is neither 1 nor 0", f"{'1' if default else '0'} is used")
            return default
        return value in _YES

    def text(self, name: str, limit: int) -> str | None:
        """Read a text, cut to `limit` characters with a notice; None where it is missing, or nothing can be read."""
        given = self.nonempty(name)
        if given is None:
            return None
        plain = plain_text(given.value)
        kept = shortened(plain, limit)
        if not kept:
            self.bad(given, "in which nothing can be read", "it is left out")
        elif len(plain) > limit:
            self.bad(given, f"which is longer than {limit} characters", f"{quoted(kept, limit)} is used")
        elif plain != _on_one_line(given.value):
            self.bad(given, "with characters that cannot be shown", f"{quoted(kept, limit)} is used")
        return kept or None

    def whole(self, name: str, high: int) -> int | None:
        """Read a whole number from 1 to `high`; anything else is left out."""
        return self._held(name, whole_number, high, "a whole number")

    def fps(self) -> float | None:
        """Read `fps`, 1 to 240; None where it is missing, and with a notice where it is anything else."""
        return self._held("fps", _decimal, MAX_FPS, "a number")

    def _held(self, name: str, read: Callable[[str], _N | None], high: int, kind: str) -> _N | None:
        given = self.nonempty(name)
        if given is None:
            return None
        number = read(given.value)
        if number is None or not 1 <= number <= high:
            self.bad(given, f"which is not {kind} from 1 to {high}", "it is left out")
            return None
        return number

    def split_minutes(self) -> float | None:
        """Read `splitrecording`: minutes, held within limits with a notice; empty is 5; None: one part."""
        given = self.given.get("splitrecording")
        if given is None:
            return None
        minutes = _decimal(given.value) if given.value else DEFAULT_SPLIT_MINUTES
        if not minutes:
            self.bad(given, "which is not a number of minutes above 0", "the recording stays in one part")
            return None
        held = min(max(minutes, MIN_SPLIT_MINUTES), MAX_SPLIT_MINUTES)
        if held != minutes:
            limits = f"{MIN_SPLIT_MINUTES:g} to {MAX_SPLIT_MINUTES:g} minutes"
            self.bad(given, f"and parts can be {limits} long", f"{held:g} is used")
        return held

    def audio_bitrate(self) -> int | None:
        """Read `audiobitrate`: kbps, held to what Opus can do."""
        given = self.nonempty("audiobitrate")
        if given is None:
            return None
        kbps = whole_number(given.value)
        if kbps is None or kbps <= 0:
            self.bad(given, "which is not a number of kbps above 0", "the usual audio rates are used")
            return None
        if opus_kbps(kbps) != kbps:
            self.bad(given, "which Opus cannot do", f"{opus_kbps(kbps)} kbps is used")
        return opus_kbps(kbps)

    def upload(self) -> str:
        """Read `upload`: `after`, or `no` for what says no; empty where takes are sent while they are recorded."""
        given = self.given.get("upload")
        value = given.value.lower() if given is not None else ""
        if value in NO:
            return "no"
        if given is not None and value not in _YES | {"after"}:
            self.bad(given, "which is neither 0 nor after", "takes are sent while they are recorded")
        return value if value == "after" else ""

    def stream_id(self) -> str | None:
        """Read `push`, the guest's id; None where it is missing, and with a notice where it cannot be one."""
        given = self.nonempty("push")
        if given is None:
            return None
        if not _STREAM_ID.fullmatch(given.value):
            what = "but an id is made of 1 to 64 letters A to Z, digits, hyphens and underscores"
            self.bad(given, what, "a new one is made")
            return None
        return given.value

    def device(self, name: str) -> DeviceWish | None:
        """Read a part of a device's label; `0` is NO_DEVICE; None where nothing is wished."""
        text = self.text(name, MAX_DEVICE)
        if text is None:
            return None
        return NO_DEVICE if text == "0" else DeviceWish(text)

    def record(self, name: str, empty: RecordWish, then: str) -> RecordWish | None:
        """Read `record` or `autorecord`; a bad value is like an empty one."""
        given = self.given.get(name)
        if given is None:
            return None
        if given.value.lower() in _REFUSALS:
            return REFUSED
        kbps = whole_number(given.value)
        if kbps is None:
            if given.value:
                self.bad(given, "which is not a whole number of kbps", then)
            return empty
        wish = wish_for(kbps)
        if wish.kbps != abs(kbps):
            kind = "Opus" if kbps < 0 else "video"
            self.say(f"The link says {given}; for {kind} that becomes {wish.kbps} kbps.", Level.INFO)
        return wish

    def codecs(self) -> tuple[VideoCodec | None, bool]:
        """Read `recordcodec`: a video codec, `mp4`, or both with a comma between them."""
        given = self.nonempty("recordcodec")
        words = [word.strip() for word in given.value.lower().split(",")] if given else []
        wanted = [_VIDEO_CODECS[word] for word in words if word in _VIDEO_CODECS]
        video, mp4 = wanted[-1] if wanted else None, "mp4" in words
        if given and not set(words) <= {*_VIDEO_CODECS, "mp4"}:
            what = "but only h264, vp8, vp9, av1 and mp4 are known"
            self.bad(given, what, "the rest is left out" if video or mp4 else "the usual codec is used")
        return video, mp4


def _on_one_line(text: str) -> str:
    return unicodedata.normalize("NFC", re.sub(r"\s+", " ", text)).strip()


def _decimal(text: str) -> float | None:
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None


def _loose(text: str) -> str:
    return re.sub(r"[\s_]+", " ", text.casefold()).strip()
