"""Links made by a form: every option explained, and what is typed turned into a guest's or a director's link.

Pure. What is typed goes through the same reader as a link (`link.parse_link`), so that a form and an address can
never differ in what they accept, and the same sentences say what was wrong.

>>> guest_link({"record": "video", "kbps": "6000", "label": "Ada"}).address
'?record=6000&label=Ada'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import quote

from rolltape.core.notice import Notice
from rolltape.settings.bitrate import DEFAULT_VIDEO_KBPS, RecordMode, wish_for
from rolltape.settings.fragment import Secrets, write_fragment
from rolltape.settings.link import PageKind, Settings, link_for, parse_link

__all__ = [
    "DEFAULTS",
    "OPTIONS",
    "Built",
    "FieldKind",
    "Group",
    "Option",
    "guest_link",
    "guest_settings",
    "room_link",
    "room_name",
]


class Group(StrEnum):
    """Groups of the form; the value is the list's `data-testid`."""

    BASIC = "options-basic"
    SOUND = "options-sound"
    PICTURE = "options-picture"
    REST = "options-rest"


class FieldKind(StrEnum):
    """Kinds of form fields."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    TICK = "tick"


@dataclass(frozen=True)
class Option:
    """One field of the form."""

    name: str
    """The parameter's name in a link; `kbps` belongs to `record`."""
    label: str
    help: str
    group: Group
    kind: FieldKind = FieldKind.TEXT
    choices: tuple[tuple[str, str], ...] = ()
    """(value, words) pairs."""
    guest_only: bool = False
    """Whether it is about one guest, so that a room's link leaves it out."""


@dataclass(frozen=True)
class Built:
    """A link as it was made."""

    settings: Settings
    address: str
    """From the `?` on."""
    notices: tuple[Notice, ...] = ()
    """What is wrong with what was typed, and what is used instead."""


def _usual(usually: str) -> tuple[tuple[str, str], ...]:
    return (("", f"As usual: {usually}"), ("1", "On"), ("0", "Off"))


OPTIONS: tuple[Option, ...] = (
    Option(
        "label",
        "Guest's name",
        "Shown to the director and used in the file's name.",
        Group.BASIC,
        guest_only=True,
    ),
    Option(
        "record",
        "What is recorded",
        "“The director starts” shows the guest no record button.",
        Group.BASIC,
        FieldKind.CHOICE,
        (
            ("video", "Picture and sound"),
            ("ask", "Picture and sound, the guest chooses the bitrate"),
            ("lossless", "Sound only, lossless"),
            ("opus", "Sound only, Opus"),
            ("absent", "The director starts (else 6000 kbit/s)"),
            ("off", "Nothing: recording is refused"),
        ),
    ),
    Option(
        "kbps",
        "Bitrate in kbit/s",
        "6000 is right for most: 2.7 GB an hour. For Opus alone 128 is plenty.",
        Group.BASIC,
        FieldKind.NUMBER,
    ),
    Option(
        "autorecord",
        "Start by itself",
        "Records as soon as camera and microphone are there.",
        Group.BASIC,
        FieldKind.TICK,
    ),
    Option(
        "pcm",
        "Lossless sound beside the picture",
        "32-bit PCM, about 1.4 GB an hour more, where the browser can.",
        Group.SOUND,
        FieldKind.TICK,
    ),
    Option(
        "audiobitrate",
        "Sound in kbit/s",
        "Opus, 6 to 510. Empty: 128, or 32 with less than 2500 for the picture.",
        Group.SOUND,
        FieldKind.NUMBER,
    ),
    Option(
        "stereo",
        "Stereo",
        "Two channels, where the microphone has them.",
        Group.SOUND,
        FieldKind.CHOICE,
        _usual("on"),
    ),
    Option(
        "aec",
        "Echo cancellation",
        "For guests without headphones; it costs quality and stereo.",
        Group.SOUND,
        FieldKind.CHOICE,
        _usual("off"),
    ),
    Option(
        "denoise",
        "Noise suppression",
        "Takes hum and keys away, and some of the voice.",
        Group.SOUND,
        FieldKind.CHOICE,
        _usual("off"),
    ),
    Option(
        "autogain",
        "Automatic gain",
        "Evens the level out; breathing rooms become loud.",
        Group.SOUND,
        FieldKind.CHOICE,
        _usual("off"),
    ),
    Option(
        "audiodevice",
        "Microphone",
        "A part of its name, such as “Yeti”; 0 for none.",
        Group.SOUND,
    ),
    Option(
        "recordcodec",
        "Codec",
        "Leave it to the browser unless your editor wants a certain one.",
        Group.PICTURE,
        FieldKind.CHOICE,
        (
            ("", "The browser's best"),
            ("h264", "H.264"),
            ("vp8", "VP8"),
            ("vp9", "VP9"),
            ("av1", "AV1"),
            ("mp4", "MP4 file, any codec"),
            ("h264,mp4", "MP4 file, H.264"),
            ("vp9,mp4", "MP4 file, VP9"),
            ("av1,mp4", "MP4 file, AV1"),
        ),
    ),
    Option("width", "Width", "Pixels to ask the camera for. Empty: 1280.", Group.PICTURE, FieldKind.NUMBER),
    Option("height", "Height", "Pixels to ask the camera for. Empty: 720.", Group.PICTURE, FieldKind.NUMBER),
    Option(
        "fps", "Pictures a second", "What to ask the camera for. Empty: 30.", Group.PICTURE, FieldKind.NUMBER
    ),
    Option("videodevice", "Camera", "A part of its name, such as “Brio”; 0 for none.", Group.PICTURE),
    Option(
        "splitrecording",
        "A new file every … minutes",
        "Each plays by itself and no sample is lost between them. Empty: one file.",
        Group.REST,
        FieldKind.NUMBER,
    ),
    Option(
        "upload",
        "Sent to the host",
        "In rooms of a server that keeps takes; each guest is asked, and may choose otherwise.",
        Group.REST,
        FieldKind.CHOICE,
        (("", "While it is recorded"), ("after", "When it is finished"), ("0", "Not at all")),
    ),
    Option(
        "push",
        "Guest's id",
        "Letters, digits, - and _: keeps a guest the same one over reloads and days. Empty: made anew.",
        Group.REST,
        guest_only=True,
    ),
)
"""Every option of a guest's link; `room` and `director` are what a room's link is made of."""

DEFAULTS: Mapping[str, str] = {"record": "video", "kbps": str(DEFAULT_VIDEO_KBPS)}
"""What the form begins with."""

OPUS_KBPS = "128"
_FIXED = {"ask": "", "lossless": "0", "off": "off"}


def guest_link(values: Mapping[str, str]) -> Built:
    """Return the link for one guest who records on their own, without a room."""
    link = parse_link("?" + _query(values, OPTIONS))
    settings = replace(link.settings, page=PageKind.GUEST)
    return Built(settings, link_for(settings), link.notices)


def room_link(room: str, key: str, values: Mapping[str, str]) -> Built | None:
    """Return the director's link of a room whose guests are recorded so; None where the name holds nothing.

    The key goes into the fragment, which browsers keep from servers.
    """
    query = _query(values, [option for option in OPTIONS if not option.guest_only])
    link = parse_link(f"?{query}&director={quote(room, safe='')}")
    if link.settings.page is not PageKind.DIRECTOR:
        return None
    return Built(link.settings, link_for(link.settings) + write_fragment(Secrets(key=key)), link.notices)


def room_name(random: bytes) -> str:
    """Return a name that is easy to say and hard to guess, from five random bytes: `amber-tide-velvet-0417`."""
    words = [WORDS[byte % len(WORDS)] for byte in random[:3]]
    return f"{'-'.join(words)}-{int.from_bytes(random[3:5]) % 10_000:04d}"


def _query(values: Mapping[str, str], options: Iterable[Option]) -> str:
    given = [(option.name, _text(option, values.get(option.name, "").strip(), values)) for option in options]
    return "&".join(f"{name}={quote(text, safe='')}" for name, text in given if text is not None)


def _text(option: Option, value: str, values: Mapping[str, str]) -> str | None:
    """What stands in a link for this option; None: nothing."""
    if option.name == "kbps":
        return None
    if option.name == "record":
        return _record(value, values.get("kbps", "").strip())
    if option.kind is FieldKind.TICK:
        return "" if value else None
    return value or None


def _record(what: str, kbps: str) -> str | None:
    if what == "video":
        return kbps or str(DEFAULT_VIDEO_KBPS)
    if what == "opus":
        return f"-{(kbps or OPUS_KBPS).removeprefix('-')}"
    return _FIXED.get(what)


_WORDS = (
    "amber anchor apple april arrow aspen autumn bamboo basil beacon birch bridge brook candle canyon "
    "cedar cello clover cloud copper coral cotton crystal dawn delta ember falcon fern field flint "
    "forest garden ginger harbor hazel heron honey indigo island ivory jasmine juniper lagoon lantern "
    "lemon linen lotus maple marble meadow mint morning ocean olive orchard pearl pepper pine quartz "
    "river saffron silver tide velvet"
)
WORDS: tuple[str, ...] = tuple(_WORDS.split())
"""64 short words that are hard to mishear."""


def guest_settings(director: Settings) -> Settings:
    """Return the settings for a guest's link: those of the director's address, but for page, room and label.

    Where it says nothing of recording, guests get a record button at the usual rate.
    """
    record = director.record
    if record.mode is RecordMode.ABSENT:
        record = wish_for(DEFAULT_VIDEO_KBPS)
    return replace(
        director,
        page=PageKind.GUEST,
        director=None,
        room=director.director,
        record=record,
        label=None,
        stream_id=None,
    )
