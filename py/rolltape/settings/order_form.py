"""What a director orders, from a bitrate and a format as people choose them.

>>> read_order("2500", "h264").wish.kbps
2500
"""

from __future__ import annotations

from collections.abc import Mapping

from rolltape.core.errors import RolltapeError
from rolltape.core.notice import Notice
from rolltape.settings.bitrate import (
    DEFAULT_VIDEO_KBPS,
    MAX_OPUS_KBPS,
    RecordMode,
    RecordWish,
    parse_bitrate,
    record_value,
    wish_for,
)
from rolltape.settings.codec import CodecWish, VideoCodec
from rolltape.settings.link import Settings
from rolltape.settings.order import Order

__all__ = ["FORMATS", "BadOrder", "first_choice", "read_order"]

SOUND_LOSSLESS, SOUND_OPUS, PCM, MP4 = "sound-pcm", "sound-opus", "pcm", "mp4"
FORMATS: Mapping[str, str] = {
    "": "the browser's choice",
    VideoCodec.VP8: "VP8",
    VideoCodec.H264: "H.264",
    VideoCodec.VP9: "VP9",
    VideoCodec.AV1: "AV1",
    MP4: "MP4",
    PCM: "video, lossless sound",
    SOUND_LOSSLESS: "sound only, lossless",
    SOUND_OPUS: "sound only, Opus",
}
"""The formats to choose from, in words."""

USUAL_OPUS_KBPS = 128


class BadOrder(RolltapeError):
    """Raised where a typed value is not a bitrate; `sentence` is for the person."""


def read_order(bitrate: str, format: str, base: Settings | None = None) -> Order:
    """Read the order that these two make; the rest is as `base`, the director's own link, has it. Raises BadOrder.

    A bitrate of sound alone (0, below 0) goes before a format with video; for Opus alone, a rate that is one of
    video counts as none.
    """
    settings = base or Settings()
    wish = _wish(bitrate, format)
    if wish.is_audio_only:
        codec = CodecWish(mp4=False, pcm=wish.mode is RecordMode.AUDIO_PCM)
    else:
        named = next((one for one in VideoCodec if one == format), None)
        kept = settings.video_codec if format in (MP4, PCM) else None
        codec = CodecWish(named or kept, format == MP4, format == PCM)
    return Order(wish, codec, settings.audio_bitrate_kbps)


def first_choice(settings: Settings) -> tuple[str, str]:
    """Return the bitrate and the format that a director's link begins with."""
    wish = settings.record if settings.record.is_ready else wish_for(DEFAULT_VIDEO_KBPS)
    bitrate = record_value(wish) or str(DEFAULT_VIDEO_KBPS)
    if wish.mode is RecordMode.AUDIO_PCM:
        return bitrate, SOUND_LOSSLESS
    if wish.mode is RecordMode.AUDIO_OPUS:
        return bitrate, SOUND_OPUS
    if settings.pcm:
        return bitrate, PCM
    return bitrate, MP4 if settings.mp4 else str(settings.video_codec or "")


def _wish(bitrate: str, format: str) -> RecordWish:
    if format == SOUND_LOSSLESS:
        return wish_for(0)
    read = parse_bitrate(bitrate)
    if isinstance(read, Notice):
        raise BadOrder(read.text)
    if format != SOUND_OPUS or read.mode is RecordMode.AUDIO_OPUS:
        return read
    return wish_for(-read.kbps if 0 < read.kbps <= MAX_OPUS_KBPS else -USUAL_OPUS_KBPS)
