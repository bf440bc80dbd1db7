"""Writes a recording once more, seekable: our header, its blocks as they are, sizes known, Cues at the end.

Each Cluster is gathered, given its size, and handed to the same `WebmStream` that finishes recordings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from rolltape.convert.plan import InputPart, doc_type, track_numbers
from rolltape.media import ebml
from rolltape.media.ebml import UNKNOWN, Id
from rolltape.media.ending import Ending, Patch
from rolltape.media.webm import WebmStream
from rolltape.media.webm_events import Block, Cluster
from rolltape.media.webm_packets import PacketReader, frames_of

MAX_CLUSTER: Final = 8 << 20
"""A Cluster with more bytes of blocks than this is written as several."""

# The EBML head (RFC 8794, section 11.2; RFC 9559, section 7): ids and values, DocType apart.
_EBML_HEAD: Final = ((0x4286, 1), (0x42F7, 1), (0x42F2, 4), (0x42F3, 8))
_DOC_TYPE_VERSION, _DOC_TYPE_READ_VERSION = (0x4287, 4), (0x4285, 2)


class Remuxer:
    """Blocks in, the bytes of an unfinished WebM file out; `ending` makes it seekable."""

    def __init__(self, part: InputPart, app: str, earlier: Remuxer | None = None) -> None:
        """`earlier` has been over the same parts: what it found out is not found out again."""
        self.packets = 0
        """Blocks written."""
        self.broken = 0
        self.ending = Ending(None, b"", ())
        """Once finished: what has to be appended and patched."""
        self._stream = WebmStream(app)
        self._earlier = earlier
        self._header = b""
        self._shifts: list[int] = []
        """Ticks by which each part after the first is later."""
        self._start = earlier._header if earlier else _header(part)
        self._cluster: Cluster | None = None
        self._blocks: list[bytes] = []
        self._size = 0
        self._shift = 0
        self._held = b""
        self._first = part
        self._numbers: dict[int, int] = {}

    def begin(self, part: InputPart) -> None:
        """From now on blocks are those of this part, which follows the one before."""
        if part is self._first:
            return
        self._held = self._flush()
        self._cluster = None
        if self._earlier:
            self._shift = self._earlier._shifts[len(self._shifts)]
        else:
            self._shift = math.ceil(self._stream.index.duration_ticks)
        self._shifts.append(self._shift)
        numbers = track_numbers(self._first, part) or {}
        self._numbers = {old: new for old, new in numbers.items() if old != new}

    def take(self, reader: PacketReader, block: Block) -> Iterable[bytes]:
        """Take a block; returns the bytes that it adds: now and then a whole Cluster."""
        element = reader.element(block)
        out: tuple[bytes, ...] = ()
        if block.cluster is not self._cluster or self._size > MAX_CLUSTER:
            out = (self._flush(),)
            self._cluster = block.cluster
        if self._numbers:
            element = _renumbered(element, block.size, self._numbers)
        self._blocks.append(element)
        self._size += len(element)
        self.packets += 1
        return out

    def end(self, reader: PacketReader) -> None:
        """Do nothing: the end of a part needs no word here, as it does in the other takers."""

    def finish(self) -> bytes:
        """Return the last Cluster; then `ending` is known."""
        last = self._flush()
        self.ending = self._earlier.ending if self._earlier else self._stream.finish()
        return last

    def _flush(self) -> bytes:
        """The Cluster that was gathered."""
        held, self._held = self._held, b""
        if self._cluster is None or not self._blocks:
            return held
        ticks = ebml.element(Id.TIMESTAMP, ebml.uint_payload((self._cluster.ticks or 0) + self._shift))
        head = ebml.write_id(Id.CLUSTER) + ebml.write_size(len(ticks) + self._size, 8)
        start, self._start = self._start, b""
        data = b"".join((start, head, ticks, *self._blocks))
        self._blocks.clear()
        self._size = 0
        out = data if self._earlier else self._indexed(data, len(start))
        return held + out if held else out

    def _indexed(self, data: bytes, header: int) -> bytes:
        """The Cluster, told to the index; the first one with the header made ours."""
        out = self._stream.feed(data)
        if header:
            self._header = out[: len(out) - len(data) + header]
        return out


def _header(part: InputPart) -> bytes:
    """A header with the recording's Info and Tracks, before `WebmStream` makes it ours."""
    fields = b"".join(_uint(*field) for field in _EBML_HEAD)
    fields += ebml.element(Id.DOC_TYPE, doc_type(part).encode())
    fields += _uint(*_DOC_TYPE_VERSION) + _uint(*_DOC_TYPE_READ_VERSION)
    return b"".join(
        (
            ebml.element(Id.EBML, fields),
            ebml.write_id(Id.SEGMENT) + ebml.write_size(UNKNOWN, 8),
            ebml.element(Id.INFO, part.info),
            ebml.element(Id.TRACKS, part.track_entries),
        )
    )


def _uint(ident: int, value: int) -> bytes:
    return ebml.element(ident, ebml.uint_payload(value))


def _renumbered(element: bytes, size: int, numbers: dict[int, int]) -> bytes:
    """The block with its track's other number; numbers take one byte, as browsers' do (RFC 9559, 10.1)."""
    at = frames_of(element, size)[0] - 4
    number = numbers.get(element[at] & 0x7F, 0)
    return element[:at] + bytes([0x80 | number]) + element[at + 1 :] if 0 < number < 127 else element


def patched(data: bytes, offset: int, patches: tuple[Patch, ...]) -> bytes:
    """Return the bytes that stand at `offset`, as they are after the patches."""
    end = offset + len(data)
    hit = [patch for patch in patches if patch.offset < end and patch.offset + len(patch.data) > offset]
    if not hit:
        return data
    changed = bytearray(data)
    for patch in hit:
        start = patch.offset - offset
        piece = patch.data[max(0, -start) : len(patch.data) - max(0, start + len(patch.data) - len(data))]
        changed[max(0, start) : max(0, start) + len(piece)] = piece
    return bytes(changed)
