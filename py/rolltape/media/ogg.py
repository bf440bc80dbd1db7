"""Writes Opus packets as an Ogg Opus file (RFC 7845) of Ogg pages (RFC 3533), ready to be streamed.

    writer = OggOpusWriter(opus_head(codec_private, channels), "Rolltape 0.1.0", serial)
    for packet, samples in packets:          # samples at 48 kHz, as the packet's first bytes say
        write(writer.add(packet, samples))   # b"" until a page is full
    write(writer.finish(discard))            # samples to be left out at the end

Nothing is ever patched: what was given out stays.
"""

from __future__ import annotations

import struct
from binascii import crc32
from typing import Final

RATE: Final = 48_000
"""Granule positions count samples at this rate, whatever the original had (RFC 7845, section 4)."""
PAGE_SAMPLES: Final = RATE
"""A page holds about a second: players expect no longer ones (RFC 7845, section 6)."""
MAX_SEGMENTS: Final = 255
"""Segments of a page (RFC 3533, section 6)."""
MAX_PACKET_SAMPLES: Final = 5760
"""No Opus packet is longer: 120 ms (RFC 6716, section 3.2.5)."""

_CONTINUED, _FIRST, _LAST = 1, 2, 4
_NO_GRANULE: Final = (1 << 64) - 1
"""No packet ends on this page (RFC 3533, section 6)."""

# Streams, coupled streams and order of 1 to 8 channels (RFC 7845, section 5.1.1.2).
_VORBIS_ORDER: Final = (
    (1, 0, (0,)),
    (1, 1, (0, 1)),
    (2, 1, (0, 2, 1)),
    (2, 2, (0, 1, 2, 3)),
    (3, 2, (0, 4, 1, 2, 3)),
    (4, 2, (0, 4, 1, 2, 3, 5)),
    (4, 3, (0, 4, 1, 2, 3, 5, 6)),
    (5, 3, (0, 6, 1, 2, 3, 4, 5, 7)),
)


def opus_head(codec_private: bytes, channels: int, delay_ns: int = 0, rate: float = RATE) -> bytes:
    """Read the identification header (RFC 7845, section 5.1): the recording's own, or one made up.

    `delay_ns` is Matroska's CodecDelay: the pre-skip, where there is no header of the recording's own.
    Raises ValueError for more than 8 channels and no header that describes them.
    """
    if _is_head(codec_private):
        return codec_private
    channels = channels or 1
    if channels > len(_VORBIS_ORDER):
        raise ValueError(f"{channels} channels")
    skip = min(0xFFFF, in_samples(delay_ns))
    rate = round(rate) if 0 < rate < 1 << 32 else RATE
    head = struct.pack("<8sBBHIhB", b"OpusHead", 1, channels, skip, rate, 0, int(channels > 2))
    if channels <= 2:
        return head
    streams, coupled, order = _VORBIS_ORDER[channels - 1]
    return head + bytes((streams, coupled, *order))


def _is_head(data: bytes) -> bool:
    """True if a decoder would take this: version 0 to 15, channels, a table where there must be one."""
    if len(data) < 19 or data[:8] != b"OpusHead" or data[8] > 15 or not data[9]:
        return False
    return data[9] <= 2 if data[18] == 0 else len(data) >= 21 + data[9]


def in_samples(nanoseconds: int) -> int:
    """Return a length in samples, rounded: Matroska's nanoseconds are rounded samples themselves."""
    return (nanoseconds * RATE + 500_000_000) // 1_000_000_000


def opus_tags(vendor: str) -> bytes:
    """Write the comment header (RFC 7845, section 5.2), without comments."""
    name = vendor.encode()
    return b"OpusTags" + struct.pack("<I", len(name)) + name + struct.pack("<I", 0)


_REVERSED: Final = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


def page_crc(page: bytes) -> int:
    """Return the checksum of a page whose checksum field is zero (RFC 3533, section 6).

    Ogg's CRC is the common one with each byte's bits turned round and nothing inverted: so it is the
    common one, which is computed natively, on turned bytes.
    """
    turned = crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(turned.to_bytes(4, "little").translate(_REVERSED), "big")


class OggOpusWriter:
    """One logical stream of Opus packets, each written as it came."""

    def __init__(self, head: bytes, vendor: str, serial: int) -> None:
        self.samples = 0
        """Samples of all packets so far, the pre-skip among them."""
        self._serial = serial & 0xFFFFFFFF
        self._sequence = 0
        self._packets: list[bytes] = []
        self._lacing = bytearray()
        self._paged = 0
        self._head = head
        self._start = self._page(_FIRST, 0, _lacing(len(head)), head)
        self._start += self._page_of(opus_tags(vendor))

    def add(self, packet: bytes, samples: int) -> bytes:
        """Take a packet of so many samples; the bytes to be written now, often none."""
        size = len(packet)
        out, self._start = self._start, b""
        if self._packets and (
            len(self._lacing) + size // 255 + 1 > MAX_SEGMENTS
            or self.samples + samples - self._paged > PAGE_SAMPLES
        ):
            out += self._flush(0, self.samples)
        self.samples += samples
        self._packets.append(packet)
        self._lacing += _lacing(size)
        return out

    def finish(self, discard: int = 0) -> bytes:
        """Return the rest, with the last `discard` samples marked as not to be played (RFC 7845, section 4.4)."""
        first = self._sequence < 3
        floor = int.from_bytes(self._head[10:12], "little") if first and not self._paged else self._paged
        granule = max(min(floor, self.samples), self.samples - max(discard, 0))
        return self._start + self._flush(_LAST, granule)

    def _flush(self, flags: int, granule: int) -> bytes:
        """The packets gathered, as one page, or as several where a packet needs more than one."""
        lacing, body = bytes(self._lacing), b"".join(self._packets)
        self._lacing.clear()
        self._packets.clear()
        self._paged = self.samples
        out = b""
        while len(lacing) > MAX_SEGMENTS:
            size = sum(lacing[:MAX_SEGMENTS])
            out += self._page(flags & ~_LAST, _NO_GRANULE, lacing[:MAX_SEGMENTS], body[:size])
            lacing, body, flags = lacing[MAX_SEGMENTS:], body[size:], flags | _CONTINUED
        return out + self._page(flags, granule, lacing, body)

    def _page_of(self, packet: bytes) -> bytes:
        return self._page(0, 0, _lacing(len(packet)), packet)

    def _page(self, flags: int, granule: int, lacing: bytes, body: bytes) -> bytes:
        head = struct.pack("<4sBBQII", b"OggS", 0, flags, granule, self._serial, self._sequence)
        tail = bytes([len(lacing)]) + lacing + body
        self._sequence += 1
        return head + struct.pack("<I", page_crc(head + b"\0\0\0\0" + tail)) + tail


def _lacing(size: int) -> bytes:
    """How a packet's size is written: 255 as often as it fits, then the rest (RFC 3533, section 5)."""
    return b"\xff" * (size // 255) + bytes([size % 255])
