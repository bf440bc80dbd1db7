"""H.264 as Chromium stores it, in a byte stream (ITU-T H.264, annex B), as MP4 wants it: each unit after its length.

The decoder's configuration (ISO/IEC 14496-15, 5.3.3.1) is made of the parameter sets in the first key frame.
"""

from __future__ import annotations

import re
import struct
from typing import Final

_START: Final = re.compile(b"\0\0\1")
_SEQUENCE, _PICTURE = 7, 8


def units(stream: bytes) -> list[bytes]:
    """Return the units of a byte stream, without start codes and the zeros between them (annex B.1.1)."""
    starts = [found.start() for found in _START.finditer(stream)]
    ends = [*starts[1:], len(stream)][: len(starts)]
    found = (stream[start + 3 : end].rstrip(b"\0") for start, end in zip(starts, ends, strict=True))
    return [unit for unit in found if unit]


def length_prefixed(stream: bytes) -> bytes:
    """Return the same units, each after its length in four bytes."""
    return b"".join(part for unit in units(stream) for part in (struct.pack(">I", len(unit)), unit))


def configuration(stream: bytes) -> bytes:
    """Return the configuration record of a byte stream that holds parameter sets; nothing where it holds none."""
    return _record_of(units(stream))


def _record_of(found: list[bytes]) -> bytes:
    """The same of units."""
    sequences = _distinct(found, _SEQUENCE)
    pictures = _distinct(found, _PICTURE)
    if not sequences or not pictures or len(sequences[0]) < 4:
        return b""
    profile, compatible, level = sequences[0][1:4]
    record = bytes((1, profile, compatible, level, 0xFF, 0xE0 | len(sequences))) + _sized(sequences)
    record += bytes((len(pictures),)) + _sized(pictures)
    if profile in (100, 110, 122, 144):
        record += _high(sequences[0])
    return record


def is_configuration(data: bytes) -> bool:
    """Return True if these bytes are a configuration record, so that units come after their lengths."""
    return data[:1] == b"\1"


def described_by(record: bytes, picture: bytes) -> bytes:
    """Return the configuration record that holds for a key frame: what it brings itself, else its stream's `record`.

    A byte stream has no record, or none that is one; nothing is returned where the frame brings none either.
    """
    is_stream = not is_configuration(record)
    return _record_of(units(picture) if is_stream else sized_units(picture)) or (b"" if is_stream else record)


def sized_units(data: bytes) -> list[bytes]:
    """Return the units of a picture as MP4 has them, each after its length in four bytes; up to what is torn."""
    found, at = [], 0
    while at + 4 < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        if not 0 < size <= len(data) - at - 4:
            break
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def _distinct(found: list[bytes], kind: int) -> list[bytes]:
    return list(dict.fromkeys(unit for unit in found if unit[0] & 0x1F == kind))[:31]


def _sized(sets: list[bytes]) -> bytes:
    return b"".join(struct.pack(">H", len(unit)) + unit for unit in sets)


def _high(sequence: bytes) -> bytes:
    """What the higher profiles add: chroma and depth, from behind profile, level and the set's own number."""
    bits = _Bits(sequence[4:].replace(b"\0\0\3", b"\0\0"))
    bits.number()
    chroma = bits.number()
    if chroma == 3:
        bits.take()
    luma_depth, chroma_depth = bits.number(), bits.number()
    return bytes((0xFC | chroma & 3, 0xF8 | luma_depth & 7, 0xF8 | chroma_depth & 7, 0))


class _Bits:
    """Reads numbers of a few bits (7.2, 9.1); behind the end there are ones."""

    def __init__(self, data: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in data[:32]) + "1" * 64
        self._at = 0

    def take(self, count: int = 1) -> int:
        """So many bits."""
        self._at += count
        return int(self._bits[self._at - count : self._at] or "0", 2)

    def number(self) -> int:
        """Read an Exp-Golomb number."""
        zeros = self._bits.find("1", self._at) - self._at
        if zeros < 0:
            return 0
        self._at += zeros
        return self.take(zeros + 1) - 1
