"""The page's address, read into settings and notices.

Any string gives settings: what cannot be used is left aside, and a notice says so. With a link that does
not refuse recording, capture is asked for at source quality: stereo, and no processing of the voice. That
holds without `record` too, since the director can still start a recording.

>>> parse_link("/?room=studio&record=6000&label=Ada").settings.record.kbps
6000
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from rolltape.core.notice import Notice, quoted
from rolltape.settings.bitrate import (
    ABSENT,
    ASK,
    DEFAULT_VIDEO_KBPS,
    RecordMode,
    RecordWish,
    record_value,
)
from rolltape.settings.codec import CodecWish, VideoCodec
from rolltape.settings.query import (
    MAX_ADDRESS,
    MAX_LABEL,
    MAX_ROOM,
    MAX_SIDE,
    NO,
    NO_DEVICE,
    DeviceWish,
    Parameters,
    query_of,
    read_query,
    slips,
)

__all__ = [
    "Link",
    "PageKind",
    "RecordMode",
    "RecordWish",
    "Settings",
    "link_for",
    "parse_link",
]


class PageKind(StrEnum):
    """Which page an address opens; the value is the page's `data-ready`."""

    GUEST = "guest"
    DIRECTOR = "director"
    CONVERT = "convert"
    HOME = "home"


@dataclass(frozen=True)
class Settings:
    """Everything a link can ask for; None wherever it does not say."""

    page: PageKind = PageKind.HOME
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
    upload: str = ""
    """When takes are sent to a host that keeps them: `after` they are finished, `no`; empty: while recording."""

    @property
    def has_record_button(self) -> bool:
        """True if the guest gets a record button; with `autorecord` too, so that they can stop."""
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
    values = Parameters()
    if len(before) > MAX_ADDRESS:
        values.say(f"The address is too long: only its first {MAX_ADDRESS} characters are used.")
        before = before[:MAX_ADDRESS]
    query = query_of(before)
    values.given.update(read_query(query))
    for sentence in slips(query):
        values.say(sentence)
    settings = _settings(values)
    return Link(settings, tuple(values.notices), fragment[:MAX_ADDRESS])


def link_for(settings: Settings) -> str:
    """Write settings as a query, `?` included, that `parse_link` reads back as the same settings."""
    quality = _quality(settings.record)
    written: list[tuple[str, str | None]] = [
        ("convert", "" if settings.page is PageKind.CONVERT else None),
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
        ("upload", {"": None, "no": "0"}.get(settings.upload, settings.upload)),
    ]
    given = [(name, value) for name, value in written if value is not None]
    pairs = [f"{name}={quote(value, safe='')}" if value else name for name, value in given]
    if not pairs and settings.page is PageKind.GUEST:
        pairs = ["label"]
    return "?" + "&".join(pairs) if pairs else ""


def _settings(values: Parameters) -> Settings:
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
        upload=values.upload(),
    )
    for sentence in _contradictions(settings):
        values.say(sentence)
    return settings


def _quality(record: RecordWish) -> bool:
    """Tell whether capture is for recording rather than for conversation alone."""
    return record.mode is not RecordMode.REFUSED


def _autorecord(values: Parameters, record: RecordWish) -> RecordWish | None:
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


def _page_and_room(values: Parameters) -> tuple[PageKind, str | None]:
    director = values.text("director", MAX_ROOM)
    room = values.text("room", MAX_ROOM)
    convert = values.given.get("convert")
    is_directed = "director" in values.given
    if director and room and director != room:
        values.say(f"The link names two rooms; this is the director's page of {quoted(director)}.")
    if is_directed and not director and not room:
        values.say("The link asks for a director's page without naming a room: please write director=ROOM.")
    if convert is not None and convert.value.lower() not in NO:
        return PageKind.CONVERT, director or room
    if is_directed and (director or room):
        return PageKind.DIRECTOR, director or room
    return (PageKind.GUEST if set(values.given) - {"convert", "director"} else PageKind.HOME), room


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
