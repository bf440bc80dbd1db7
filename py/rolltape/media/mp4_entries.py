"""Sample entries of MP4: what says which decoder takes a track's samples, for each codec that recordings have.

Sources: ISO/IEC 14496-12 (12.1, 12.2), 14496-15 (H.264, H.265), "VP Codec ISO Media File Format Binding" (VP8, VP9),
"AV1 Codec ISO Media File Format Binding", "Encapsulation of Opus in ISO Base Media File Format", "Encapsulation of
FLAC in ISO Base Media File Format", ISO/IEC 14496-14 (AAC, MP3), Apple's QuickTime File Format (PCM, version 2).
"""

from __future__ import annotations

import struct
from typing import Final

from rolltape.media.mp4 import box, full_box
from rolltape.media.wav import PcmFormat

AAC: Final = 0x40
"""Object types of 14496-1, 7.2.6.6.2."""
MP3: Final = 0x6B

_LPCM_FLOAT, _LPCM_BIG_ENDIAN, _LPCM_SIGNED, _LPCM_PACKED = 1, 2, 4, 8
_ROLL_SAMPLES: Final = 3840
"""A decoder of Opus needs 80 ms before it sounds right (RFC 7845, section 4.6)."""


def picture_entry(kind: bytes, size: tuple[int, int], *boxes: bytes) -> bytes:
    """Write a VisualSampleEntry (14496-12, 12.1.3)."""
    head = bytes(6) + struct.pack(">H", 1) + bytes(16) + struct.pack(">HH", *size)
    return box(
        kind, head, struct.pack(">IIIH", 0x480000, 0x480000, 0, 1), bytes(32), b"\0\x18\xff\xff", *boxes
    )


def sound_entry(kind: bytes, channels: int, rate: int, *boxes: bytes) -> bytes:
    """Write an AudioSampleEntry (14496-12, 12.2.3); a rate beyond its 16 bits is left to the track's clock."""
    head = bytes(6) + struct.pack(">H", 1) + bytes(8)
    return box(kind, head, struct.pack(">HHII", channels, 16, 0, rate << 16 if rate < 1 << 16 else 0), *boxes)


def vp_config(profile: int, level: int, depth: int, chroma: int, full_range: int = 0) -> bytes:
    """Write the configuration of VP8 or VP9; colours other than that they are usual (2) are left to the stream."""
    packed = depth << 4 | chroma << 1 | full_range
    return full_box(b"vpcC", 1, 0, bytes((profile, level, packed, 2, 2, 2)), bytes(2))


def vp9_config(frame: bytes, size: tuple[int, int], fps: float) -> bytes:
    """Write the configuration of VP9 from a key frame's first bytes (VP9 bitstream, 6.2)."""
    bits = int.from_bytes(frame[:9].ljust(9, b"\0"), "big")

    def take(at: int, count: int = 1) -> int:
        return bits >> 72 - at - count & (1 << count) - 1

    profile = take(2) | take(3) << 1
    at = 4 + (profile == 3) + 4 + 24  # marker, profile, flags, sync code
    depth = 8
    if profile >= 2:
        depth = 12 if take(at) else 10
        at += 1
    space = take(at, 3)
    if space == 7:  # RGB
        return vp_config(profile, _vp9_level(size, fps), depth, 3, 1)
    full_range = take(at + 3)
    chroma = 1
    if profile in (1, 3):
        across, down = take(at + 4), take(at + 5)
        chroma = 1 if down else 2 if across else 3
    return vp_config(profile, _vp9_level(size, fps), depth, chroma, full_range)


# Samples per second, samples in a picture, and the level that allows so many (VP9 levels, webmproject.org).
_VP9_LEVELS: Final = (
    (829_440, 36_864, 10),
    (2_764_800, 73_728, 11),
    (4_608_000, 122_880, 20),
    (9_216_000, 245_760, 21),
    (20_736_000, 552_960, 30),
    (36_864_000, 983_040, 31),
    (83_558_400, 2_228_224, 40),
    (160_432_128, 2_228_224, 41),
    (311_951_360, 8_912_896, 50),
    (588_251_136, 8_912_896, 51),
    (1_176_502_272, 8_912_896, 52),
    (1_176_502_272, 35_651_584, 60),
    (2_353_004_544, 35_651_584, 61),
)


def _vp9_level(size: tuple[int, int], fps: float) -> int:
    area = size[0] * size[1]
    fitting = (level for rate, largest, level in _VP9_LEVELS if area <= largest and area * fps <= rate)
    return next(fitting, 62)


def opus_entry(head: bytes) -> bytes:
    """Write an entry for the stream that this identification header (RFC 7845, section 5.1) describes."""
    channels, skip, rate, gain, family = struct.unpack_from("<BHIhB", head, 9)
    described = struct.pack(">BBHIhB", 0, channels, skip, rate, gain, family)
    table = head[19 : 21 + channels] if family else b""
    return sound_entry(b"Opus", channels, 48_000, box(b"dOps", described, table))


def opus_roll(samples: int, duration: int) -> tuple[bytes, ...]:
    """Write the boxes that say that a decoder has to begin 80 ms before what is to be heard (14496-12, 10.1)."""
    roll = -(-_ROLL_SAMPLES // max(1, duration))
    group = full_box(b"sgpd", 1, 0, b"roll", struct.pack(">IIh", 2, 1, -roll))
    return group, full_box(b"sbgp", 0, 0, b"roll", struct.pack(">III", 1, samples, 1))


def pcm_entry(form: PcmFormat, big_endian: bool) -> bytes:
    """Uncompressed sound, as it is; QuickTime's description, which more programs read than ISO/IEC 23003-5's."""
    flags = _LPCM_PACKED | (_LPCM_FLOAT if form.is_float else 0 if form.bits == 8 else _LPCM_SIGNED)
    flags |= _LPCM_BIG_ENDIAN if big_endian else 0
    head = bytes(6) + struct.pack(">HHHI", 1, 2, 0, 0)
    about = struct.pack(">HHhHII", 3, 16, -2, 0, 0x10000, 72)
    about += struct.pack(
        ">dIIIIII", form.rate, form.channels, 0x7F000000, form.bits, flags, form.frame_bytes, 1
    )
    return box(b"lpcm", head, about)


def flac_entry(private: bytes, channels: int, rate: int) -> bytes:
    """FLAC, from its marker and metadata blocks as Matroska keeps them."""
    return sound_entry(b"fLaC", channels, rate, full_box(b"dfLa", 0, 0, private[4:]))


def mpeg_entry(kind: int, described: bytes, channels: int, rate: int) -> bytes:
    """AAC or MP3, its descriptors (14496-1, 7.2.6) around what describes it."""
    specific = _descriptor(5, described) if described else b""
    decoder = _descriptor(4, bytes((kind, 0x15)), bytes(11), specific)
    stream = _descriptor(3, bytes(3), decoder, _descriptor(6, b"\2"))
    return sound_entry(b"mp4a", channels, rate, full_box(b"esds", 0, 0, stream))


def timecode_entry(rate: int, timescale: int) -> bytes:
    """Timecode (QuickTime File Format, Timecode sample description) of `rate` frames a second, none dropped."""
    return box(b"tmcd", bytes(6), struct.pack(">H8xIIB3x", 1, timescale, timescale // rate, rate))


def _descriptor(tag: int, *parts: bytes) -> bytes:
    payload = b"".join(parts)
    size = len(payload)
    head = (tag, 0x80 | size >> 21 & 0x7F, 0x80 | size >> 14 & 0x7F, 0x80 | size >> 7 & 0x7F, size & 0x7F)
    return bytes(head) + payload
