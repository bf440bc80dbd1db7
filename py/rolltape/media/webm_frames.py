"""The frames within a block: out of their lacing, and as their encoder made them (RFC 9559)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

from rolltape.media import ebml
from rolltape.media.ebml import Id
from rolltape.media.webm_header import WebmError
from rolltape.media.webm_reader import MAX_BLOCK

LACED: Final = 0x06
"""The bits of a block's flags that say how its frames are laced."""
_XIPH, _FIXED = 0x02, 0x04


@dataclass(frozen=True, slots=True)
class Encoding:
    """A ContentEncoding of a track: how frames were changed after the encoder (RFC 9559, section 5.1.4.1.31)."""

    stripped: bytes = b""
    """Bytes that each frame began with and that are stored only here."""
    deflated: bool = False
    problem: str = ""
    """Why frames cannot be restored: the words that name it."""

    def restore(self, frame: bytes) -> bytes:
        """Return the frame as it was. Raises WebmError where it cannot be."""
        if not self.deflated:
            return self.stripped + frame
        inflater = zlib.decompressobj()
        try:
            restored = inflater.decompress(frame, MAX_BLOCK)
        except zlib.error as error:
            raise WebmError("A compressed frame is damaged.", str(error)) from None
        if inflater.unconsumed_tail:
            raise WebmError("A compressed frame is larger than any frame is.")
        return restored


PLAIN: Final = Encoding()


def unlace(payload: bytes, flags: int) -> list[bytes]:
    """Return the frames of a block (RFC 9559, section 10.3). Raises WebmError where the sizes do not add up."""
    lacing = flags & LACED
    if not lacing:
        return [payload]
    if not payload:
        raise WebmError("A laced block is empty.")
    count = payload[0] + 1
    if lacing == _FIXED:
        size, odd = divmod(len(payload) - 1, count)
        if odd:
            raise WebmError("The frames of a laced block are not of one size.")
        sizes, at = [size] * (count - 1), 1
    else:
        sizes, at = (_xiph_sizes if lacing == _XIPH else _ebml_sizes)(payload, count - 1)
    last = len(payload) - at - sum(sizes)
    if last < 0 or min(sizes, default=0) < 0:
        raise WebmError("The frames of a laced block do not fit into it.")
    frames = []
    for size in (*sizes, last):
        frames.append(payload[at : at + size])
        at += size
    return frames


def _xiph_sizes(payload: bytes, count: int) -> tuple[list[int], int]:
    """Sizes as sums of bytes, each ended by one below 255; and where the frames begin."""
    at, sizes = 1, []
    for _ in range(count):
        size = 0
        while at < len(payload) and payload[at] == 255:
            size += 255
            at += 1
        size += payload[at] if at < len(payload) else 0
        at += 1
        sizes.append(size)
    return sizes, at


def _ebml_sizes(payload: bytes, count: int) -> tuple[list[int], int]:
    """The first size as it is, then signed differences (RFC 9559, section 10.3.3)."""
    at, sizes, size = 1, [], 0
    for number in range(count):
        value, after = ebml.read_size(payload, at)
        if value < 0:
            raise WebmError("The sizes in a laced block cannot be read.")
        size = value if not number else size + value - (1 << 7 * (after - at) - 1) + 1
        sizes.append(size)
        at = after
    return sizes, at


# What is behind ContentEncodings; ids from RFC 9559, section 5.1.4.1.31.
_ENCODING, _SCOPE, _TYPE = 0x6240, 0x5032, 0x5033
_COMPRESSION, _ALGORITHM, _SETTINGS = 0x5034, 0x4254, 0x4255
_ZLIB, _STRIPPED = 0, 3
_FRAMES: Final = 1


def read_encodings(tracks: bytes) -> dict[int, Encoding]:
    """Read how the tracks of a Tracks payload are encoded once more, by track number; plain ones are left out."""
    found = {}
    for ident, _, body, end in ebml.children(tracks):
        if ident == Id.TRACK_ENTRY:
            entry = _fields(tracks[body:end])
            if Id.CONTENT_ENCODINGS in entry:
                found[ebml.read_uint(entry.get(Id.TRACK_NUMBER, b""))] = _encoding(
                    entry[Id.CONTENT_ENCODINGS]
                )
    return {number: encoding for number, encoding in found.items() if encoding is not PLAIN}


def _encoding(payload: bytes) -> Encoding:
    entries = [
        _fields(payload[body:end]) for ident, _, body, end in ebml.children(payload) if ident == _ENCODING
    ]
    entries = [entry for entry in entries if ebml.read_uint(entry.get(_SCOPE, b"\1")) & _FRAMES]
    if not entries:
        return PLAIN
    if any(ebml.read_uint(entry.get(_TYPE, b"")) for entry in entries):
        return Encoding(problem="encrypted")
    compression = _fields(entries[0].get(_COMPRESSION, b""))
    algorithm = ebml.read_uint(compression.get(_ALGORITHM, b""))
    if len(entries) > 1 or algorithm not in (_ZLIB, _STRIPPED):
        return Encoding(problem="compressed in a way that is not supported")
    if algorithm == _ZLIB:
        return Encoding(deflated=True)
    return Encoding(stripped=compression.get(_SETTINGS, b""))


def _fields(payload: bytes) -> dict[int, bytes]:
    return {ident: payload[body:end] for ident, _, body, end in ebml.children(payload)}
