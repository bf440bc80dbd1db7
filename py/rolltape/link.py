"""The page's address, read into settings and notices.

Any string gives settings: what cannot be used is left aside, and a notice says so. With a link that does
not refuse recording, capture is asked for at source quality: stereo, and no processing of the voice. That
holds without `record` too, since the director can still start a recording.

>>> parse_link("/?room=studio&record=6000&label=Ada").settings.record.kbps
6000
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote, unquote

from rolltape.bitrate import (
    ABSENT,
    ASK,
    DEFAULT_VIDEO_KBPS,
    REFUSED,
    RecordMode,
    RecordWish,
    opus_kbps,
    record_value,
    whole_number,
    wish_for,
)
from rolltape.codec import CodecWish, VideoCodec
from rolltape.notice import Level, Notice, plain_text, quoted, shortened

__all__ = [
    "NO_DEVICE",
    "DeviceWish",
    "Link",
    "Page",
    "RecordMode",
    "RecordWish",
    "Settings",
    "link_for",
    "parse_link",
]


class Page(StrEnum):
    """Which page an address opens; the value is the page's `data-ready`."""

    GUEST = "guest"
    DIRECTOR = "director"
    CONVERT = "convert"
    HOME = "home"


@dataclass(frozen=True)
class DeviceWish:
    """Which camera or microphone is wanted."""

    name: str | None
    """Part of its label; None: no device of this kind is wanted."""

    def matches(self, label: str) -> bool:
        """Tell whether a device with this label is the one wanted; `_` may stand for a space."""
        return self.name is not None and _loose(self.name) in _loose(label)


NO_DEVICE = DeviceWish(None)


@dataclass(frozen=True)
class Settings:
    """Everything a link can ask for; None wherever it does not say."""

    page: Page = Page.HOME
    record: RecordWish = ABSENT
    autorecord: RecordWish | None = None
    """What to record as soon as capture is there; None: nothing."""
    video_codec: VideoCodec | None = None
    mp4: bool = False
    pcm: bool = False
    split_minutes: float | None = None
    room: str | None = None
    director: str | None = None
    """The room whose director's page this is; then `room` is the same."""
    stream_id: str | None = None
    """None: to be generated."""
    label: str | None = None
    video_device: DeviceWish | None = None
    """None: any; `NO_DEVICE`: none."""
    audio_device: DeviceWish | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    stereo: bool = True
    echo_cancellation: bool = False
    noise_suppression: bool = False
    auto_gain: bool = False
    audio_bitrate_kbps: int | None = None

    @property
    def has_record_button(self) -> bool:
        """Whether the guest sees a record button; with `autorecord` too, so that they can stop."""
        return self.record.has_button or self.autorecord is not None

    def codec_wish(self, wish: RecordWish) -> CodecWish:
        """Give what to ask of the format of a recording: `pcm` is for audio beside video."""
        if wish.is_audio_only:
            return CodecWish(mp4=self.mp4, pcm=wish.mode is RecordMode.AUDIO_PCM)
        return CodecWish(self.video_codec, self.mp4, self.pcm)


@dataclass(frozen=True)
class Link:
    """An address, read."""

    settings: Settings
    notices: tuple[Notice, ...] = ()
    fragment: str = ""
    """What stood behind the `#`, as it stood there; a room's secret is kept there."""


def parse_link(address: str) -> Link:
    """Read a whole address, or just its query; never raises.

    Names are case-insensitive, values are trimmed, the last of a repeated parameter (or of its alias) wins,
    and unknown parameters are left alone; one that looks like a slip of the keyboard is named.
    A second `?` may stand for `&`.
    """
    before, _, fragment = address.partition("#")
    values = _Values()
    if len(before) > MAX_ADDRESS:
        values.say(f"The address is too long: only its first {MAX_ADDRESS} characters are used.")
        before = before[:MAX_ADDRESS]
    values.given.update(_parameters(_query(before)))
    for sentence in _slips(_query(before)):
        values.say(sentence)
    settings = _settings(values)
    return Link(settings, tuple(values.notices), fragment[:MAX_ADDRESS])


def link_for(settings: Settings) -> str:
    """Write settings as a query, `?` included, that `parse_link` reads back as the same settings."""
    quality = _quality(settings.record)
    written: list[tuple[str, str | None]] = [
        ("convert", "" if settings.page is Page.CONVERT else None),
        ("director" if settings.director else "room", settings.director or settings.room),
        ("record", record_value(settings.record)),
        ("autorecord", record_value(settings.autorecord) if settings.autorecord else None),
        ("recordcodec", _codecs_text(settings)),
        ("pcm", "" if settings.pcm else None),
        ("splitrecording", _number_text(settings.split_minutes)),
        ("push", settings.stream_id),
        ("label", settings.label),
        ("videodevice", _device_text(settings.video_device)),
        ("audiodevice", _device_text(settings.audio_device)),
        ("width", _number_text(settings.width)),
        ("height", _number_text(settings.height)),
        ("fps", _number_text(settings.fps)),
        ("stereo", _changed_text(settings.stereo, quality)),
        ("aec", _changed_text(settings.echo_cancellation, not quality)),
        ("denoise", _changed_text(settings.noise_suppression, not quality)),
        ("autogain", _changed_text(settings.auto_gain, not quality)),
        ("audiobitrate", _number_text(settings.audio_bitrate_kbps)),
    ]
    given = [(name, value) for name, value in written if value is not None]
    pairs = [f"{name}={quote(value, safe='')}" if value else name for name, value in given]
    if not pairs and settings.page is Page.GUEST:
        pairs = ["label"]
    return "?" + "&".join(pairs) if pairs else ""


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
_NO = frozenset({"0", "false", "off", "no"})
_REFUSALS = frozenset({"false", "off", "no"})


def _query(address: str) -> str:
    """Find the query in an address without its fragment."""
    place, mark, query = address.partition("?")
    if _PLACE.match(place) or (mark and "=" not in place and "&" not in place):
        return query
    return address


_PLACE = re.compile(r"\s*(/|\.|[a-z][a-z0-9+.-]*:/)", re.IGNORECASE)
"""How an address begins that is more than a query."""


def _parameters(query: str) -> dict[str, _Given]:
    """Give the known parameters by their canonical name; the last one wins."""
    found: dict[str, _Given] = {}
    for pair in _SEPARATOR.split(query):
        name, _, value = pair.partition("=")
        written = _written(name)
        canonical = _CANONICAL.get(written)
        if canonical is not None:
            found[canonical] = _Given(written, _decoded(value).strip())
    return found


def _written(name: str) -> str:
    return _decoded(name[:_MAX_WRITTEN_NAME]).strip().lower().removeprefix("amp;").lstrip("?")


def _slips(query: str) -> list[str]:
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
    """Whether one letter is missing, too many, another, or two have changed places."""
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
class _Given:
    """A parameter as it stands in the address."""

    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}={quoted(self.value)}"


@dataclass
class _Values:
    """Reads the parameters one by one and collects what there is to say about them."""

    given: dict[str, _Given] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)

    def say(self, text: str, level: Level = Level.WARNING) -> None:
        """Add a notice."""
        self.notices.append(Notice(level, text))

    def bad(self, given: _Given, what: str, instead: str) -> None:
        """Add a notice about a bad value: what is wrong, and what is used instead."""
        self.say(f"The link says {given}, {what}; {instead}.")

    def nonempty(self, name: str) -> _Given | None:
        """Give a parameter that has a value."""
        given = self.given.get(name)
        return given if given is not None and given.value else None

    def flag(self, name: str, default: bool) -> bool:
        """Read a yes or no."""
        given = self.given.get(name)
        if given is None:
            return default
        value = given.value.lower()
        if value not in _YES and value not in _NO:
            self.bad(given, "which is neither 1 nor 0", f"{'1' if default else '0'} is used")
            return default
        return value in _YES

    def text(self, name: str, limit: int) -> str | None:
        """Read a text of at most `limit` characters."""
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
        given = self.nonempty(name)
        if given is None:
            return None
        number = whole_number(given.value)
        if number is None or not 1 <= number <= high:
            self.bad(given, f"which is not a whole number from 1 to {high}", "it is left out")
            return None
        return number

    def fps(self) -> float | None:
        """Read `fps`: a number from 1 to 240."""
        given = self.nonempty("fps")
        if given is None:
            return None
        number = _decimal(given.value)
        if number is None or not 1 <= number <= MAX_FPS:
            self.bad(given, f"which is not a number from 1 to {MAX_FPS}", "it is left out")
            return None
        return number

    def split_minutes(self) -> float | None:
        """Read `splitrecording`: minutes; empty is 5."""
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

    def stream_id(self) -> str | None:
        """Read `push`."""
        given = self.nonempty("push")
        if given is None:
            return None
        if not _STREAM_ID.fullmatch(given.value):
            what = "but an id is made of 1 to 64 letters A to Z, digits, hyphens and underscores"
            self.bad(given, what, "a new one is made")
            return None
        return given.value

    def device(self, name: str) -> DeviceWish | None:
        """Read a device's name; `0` is none."""
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


def _settings(values: _Values) -> Settings:
    record = values.record("record", ASK, "the record button asks for the bitrate instead") or ABSENT
    autorecord = _autorecord(values, record)
    video_codec, mp4 = values.codecs()
    page, room = _page_and_room(values)
    quality = _quality(record)
    settings = Settings(
        page=page,
        record=record,
        autorecord=autorecord,
        video_codec=video_codec,
        mp4=mp4,
        pcm=values.flag("pcm", False),
        split_minutes=values.split_minutes(),
        room=room,
        director=room if "director" in values.given else None,
        stream_id=values.stream_id(),
        label=values.text("label", MAX_LABEL),
        video_device=values.device("videodevice"),
        audio_device=values.device("audiodevice"),
        width=values.whole("width", MAX_SIDE),
        height=values.whole("height", MAX_SIDE),
        fps=values.fps(),
        stereo=values.flag("stereo", quality),
        echo_cancellation=values.flag("aec", not quality),
        noise_suppression=values.flag("denoise", not quality),
        auto_gain=values.flag("autogain", not quality),
        audio_bitrate_kbps=values.audio_bitrate(),
    )
    for sentence in _contradictions(settings):
        values.say(sentence)
    return settings


def _quality(record: RecordWish) -> bool:
    """Tell whether capture is for recording rather than for conversation alone."""
    return record.mode is not RecordMode.REFUSED


def _autorecord(values: _Values, record: RecordWish) -> RecordWish | None:
    """Read `autorecord`; empty, it starts what `record` says, without asking."""
    empty = record if record.is_ready else RecordWish(RecordMode.VIDEO, DEFAULT_VIDEO_KBPS)
    wish = values.record("autorecord", empty, "recording starts by itself as if nothing were said there")
    if wish is None or wish.mode is RecordMode.REFUSED:
        return None
    if record.mode is RecordMode.REFUSED:
        refusal, asked = values.given["record"], values.given["autorecord"]
        values.say(f"The link says {asked}, but also {refusal}; nothing is recorded.")
        return None
    return wish


def _page_and_room(values: _Values) -> tuple[Page, str | None]:
    director = values.text("director", MAX_ROOM)
    room = values.text("room", MAX_ROOM)
    convert = values.given.get("convert")
    is_directed = "director" in values.given
    if director and room and director != room:
        values.say(f"The link names two rooms; this is the director's page of {quoted(director)}.")
    if is_directed and not director and not room:
        values.say("The link asks for a director's page without naming a room: please write director=ROOM.")
    if convert is not None and convert.value.lower() not in _NO:
        return Page.CONVERT, director or room
    if is_directed and (director or room):
        return Page.DIRECTOR, director or room
    return (Page.GUEST if set(values.given) - {"convert", "director"} else Page.HOME), room


def _contradictions(settings: Settings) -> list[str]:
    """Say which wishes cannot be met together, and which of them gives way."""
    record = settings.autorecord or settings.record
    opus = record.mode is RecordMode.AUDIO_OPUS
    rate = settings.audio_bitrate_kbps
    no_devices = settings.video_device == NO_DEVICE and settings.audio_device == NO_DEVICE
    found = (
        (no_devices, "The link asks for no camera and no microphone; nothing can be recorded."),
        (opus and settings.pcm, "The link asks for PCM and for Opus audio alone; Opus is recorded."),
        (
            record.is_audio_only and settings.video_codec is not None,
            "The link asks for a video codec and for audio alone; only audio is recorded.",
        ),
        (
            opus and rate not in (None, record.kbps),
            f"The link asks for audio at {record.kbps} and at {rate} kbps; {rate} kbps is used.",
        ),
    )
    return [sentence for is_so, sentence in found if is_so]


_VIDEO_CODECS = {codec.value: codec for codec in VideoCodec}


def _on_one_line(text: str) -> str:
    return unicodedata.normalize("NFC", re.sub(r"\s+", " ", text)).strip()


def _decimal(text: str) -> float | None:
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None


def _loose(text: str) -> str:
    return re.sub(r"[\s_]+", " ", text.casefold()).strip()


def _number_text(number: float | None) -> str | None:
    return None if number is None else repr(number).removesuffix(".0")


def _device_text(wish: DeviceWish | None) -> str | None:
    if wish is None:
        return None
    return "0" if wish.name is None else wish.name


def _changed_text(value: bool, default: bool) -> str | None:
    return None if value == default else str(int(value))


def _codecs_text(settings: Settings) -> str | None:
    wishes = [settings.video_codec.value] if settings.video_codec else []
    return ",".join(wishes + ["mp4"] * settings.mp4) or None
