"""EBML, the syntax below WebM and Matroska: elements of id, size and payload (RFC 8794).

Reading is done in place, on `bytes` and an offset, since it happens for each of a recording's blocks;
nothing here copies a payload that is not asked for.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

UNKNOWN: Final = -1
"""A size that was not known when it was written: all value bits are one (RFC 8794, section 6.2)."""
TRUNCATED: Final = -2
"""A number whose bytes are not all there yet."""
INVALID: Final = -3
"""No number: a length marker beyond 8 bytes for a size, beyond 4 for an id (RFC 8794, sections 4 and 5)."""


class Id(IntEnum):
    """Element ids, length marker included, as in the tables of RFC 8794 (EBML) and RFC 9559 (Matroska)."""

    EBML = 0x1A45DFA3
    DOC_TYPE = 0x4282
    VOID = 0xEC
    CRC_32 = 0xBF

    SEGMENT = 0x18538067
    SEEK_HEAD = 0x114D9B74
    SEEK = 0x4DBB
    SEEK_ID = 0x53AB
    SEEK_POSITION = 0x53AC

    INFO = 0x1549A966
    TIMESTAMP_SCALE = 0x2AD7B1
    DURATION = 0x4489
    MUXING_APP = 0x4D80
    WRITING_APP = 0x5741

    TRACKS = 0x1654AE6B
    TRACK_ENTRY = 0xAE
    TRACK_NUMBER = 0xD7
    TRACK_TYPE = 0x83
    DEFAULT_DURATION = 0x23E383
    CODEC_ID = 0x86
    CODEC_PRIVATE = 0x63A2
    CODEC_DELAY = 0x56AA
    VIDEO = 0xE0
    PIXEL_WIDTH = 0xB0
    PIXEL_HEIGHT = 0xBA
    AUDIO = 0xE1
    SAMPLING_FREQUENCY = 0xB5
    CHANNELS = 0x9F
    BIT_DEPTH = 0x6264
    CONTENT_ENCODINGS = 0x6D80

    CLUSTER = 0x1F43B675
    TIMESTAMP = 0xE7
    SILENT_TRACKS = 0x5854
    POSITION = 0xA7
    PREV_SIZE = 0xAB
    SIMPLE_BLOCK = 0xA3
    BLOCK_GROUP = 0xA0
    BLOCK = 0xA1
    BLOCK_ADDITIONS = 0x75A1
    BLOCK_DURATION = 0x9B
    REFERENCE_PRIORITY = 0xFA
    REFERENCE_BLOCK = 0xFB
    CODEC_STATE = 0xA4
    DISCARD_PADDING = 0x75A2
    ENCRYPTED_BLOCK = 0xAF

    CUES = 0x1C53BB6B
    CUE_POINT = 0xBB
    CUE_TIME = 0xB3
    CUE_TRACK_POSITIONS = 0xB7
    CUE_TRACK = 0xF7
    CUE_CLUSTER_POSITION = 0xF1
    CUE_RELATIVE_POSITION = 0xF0

    CHAPTERS = 0x1043A770
    ATTACHMENTS = 0x1941A469
    TAGS = 0x1254C367
    TAG = 0x7373
    TARGETS = 0x63C0
    SIMPLE_TAG = 0x67C8
    TAG_NAME = 0x45A3
    TAG_STRING = 0x4487


def read_id(data: bytes, at: int) -> tuple[int, int]:
    """Read the id at `at`, marker included, and the offset after it; or TRUNCATED or INVALID in its place."""
    if at >= len(data):
        return TRUNCATED, at
    first = data[at]
    if first >= 0x80:
        return first, at + 1
    if first < 0x10:
        return INVALID, at
    after = at + 9 - first.bit_length()
    if after > len(data):
        return TRUNCATED, at
    return int.from_bytes(data[at:after], "big"), after


def read_size(data: bytes, at: int) -> tuple[int, int]:
    """Read the size at `at` and the offset after it; or UNKNOWN, or TRUNCATED or INVALID in its place.

    This is any variable-size integer (RFC 8794, section 4), so a block's track number too.
    """
    if at >= len(data):
        return TRUNCATED, at
    first = data[at]
    if first > 0x80 and first != 0xFF:
        return first & 0x7F, at + 1
    if not first:
        return INVALID, at
    width = 9 - first.bit_length()
    after = at + width
    if after > len(data):
        return TRUNCATED, at
    mask = (1 << 7 * width) - 1
    value = int.from_bytes(data[at:after], "big") & mask
    return (UNKNOWN if value == mask else value), after


def read_header(data: bytes, at: int) -> tuple[int, int, int]:
    """Read an element's id, its size and where its payload begins.

    The id is TRUNCATED where the header is not whole yet, and INVALID where there is no element.
    """
    ident, after = read_id(data, at)
    if ident < 0:
        return ident, 0, at
    size, body = read_size(data, after)
    if size < UNKNOWN:
        return size, 0, at
    return ident, size, body


def children(payload: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Return the elements of a whole payload, each as id, start, start of its own payload, end.

    Stops where there is no element, or one that does not fit.
    """
    at = 0
    while at < len(payload):
        ident, size, body = read_header(payload, at)
        if ident < 0 or size < 0 or body + size > len(payload):
            return
        yield ident, at, body, body + size
        at = body + size


def read_uint(payload: bytes) -> int:
    """Read an unsigned integer (RFC 8794, section 7.2)."""
    return int.from_bytes(payload, "big")


def read_float(payload: bytes) -> float:
    """Read a float of 0, 4 or 8 bytes (RFC 8794, section 7.3); anything else is read as 0."""
    if len(payload) == 8:
        return float(struct.unpack(">d", payload)[0])
    if len(payload) == 4:
        return float(struct.unpack(">f", payload)[0])
    return 0.0


def read_string(payload: bytes) -> str:
    """Read a string, without the zeros it may be padded with (RFC 8794, sections 7.4 and 7.5)."""
    return payload.split(b"\0", 1)[0].decode("utf-8", "replace")


def write_id(ident: int) -> bytes:
    """Write an id's bytes: the length marker is part of the value."""
    return ident.to_bytes((ident.bit_length() + 7) // 8, "big")


def write_size(size: int, width: int = 0) -> bytes:
    """Write a size in `width` bytes, or in as few as will hold it; UNKNOWN is all ones.

    Raises OverflowError where it does not fit.
    """
    if size == UNKNOWN:
        return ((1 << 7 * (width or 1) + 1) - 1).to_bytes(width or 1, "big")
    if not width:
        width = 1
        while not fits(size, width) and width < 8:
            width += 1
    if not fits(size, width):
        raise OverflowError(f"The size {size} does not fit into {width} bytes.")
    return (size | 1 << 7 * width).to_bytes(width, "big")


def fits(size: int, width: int) -> bool:
    """Return True if `size` fits an EBML variable-size integer of so many bytes (RFC 8794, section 6)."""
    return 0 <= size < (1 << 7 * width) - 1


def element(ident: int, payload: bytes) -> bytes:
    """Write a whole element."""
    return write_id(ident) + write_size(len(payload)) + payload


def uint_payload(value: int) -> bytes:
    """Write an unsigned integer in as few bytes as will hold it, at least one."""
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


def float_payload(value: float) -> bytes:
    """Write a float in 8 bytes."""
    return struct.pack(">d", value)


def string_payload(text: str) -> bytes:
    """Write a string in UTF-8."""
    return text.encode()


def void_header(total: int) -> bytes:
    """Write the first bytes of a Void that takes `total` bytes in all (RFC 8794, section 11.3.2), 2 or more."""
    if total < 2:
        raise ValueError(f"A Void takes at least 2 bytes, not {total}.")
    width = 1 if fits(total - 2, 1) else 8
    return write_id(Id.VOID) + write_size(total - 1 - width, width)


def void(total: int) -> bytes:
    """Write a Void that takes `total` bytes in all."""
    return void_header(total).ljust(total, b"\0")
