"""Reads a WebM or Matroska file as it comes: bytes in, in pieces of any size, events out.

Payloads are skipped, not looked at, but for the header's and the first bytes of each block. The reader
works on what a MediaRecorder writes, on a finished file, and on the torn or damaged rest of either: a
stretch that makes no sense is passed over up to the next Cluster that does.

It is a small state machine: `_level` says which element encloses the next one, `_STEPS` has the method
that reads an element there. A step answers where the next element begins, even beyond the bytes
there are, or None to be called again when there are more.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from rolltape.media import ebml
from rolltape.media.ebml import TRUNCATED, UNKNOWN, Id
from rolltape.media.webm_blocks import SIMPLE_BLOCK, read_run
from rolltape.media.webm_events import (
    Block,
    Cluster,
    ClusterEnd,
    Element,
    Event,
    Resync,
    SegmentStart,
    SizeField,
)
from rolltape.media.webm_header import MAX_HEADER, WebmError, check_doc_type, check_head
from rolltape.media.webm_track import Track, read_tracks

MAX_BLOCK: Final = 32 << 20
"""No frame is larger: a block that claims to be is damaged."""
BLOCK_HEAD: Final = 16
"""So many bytes of a block are enough: track, time, flags (RFC 9559, section 10.1) and two of its frame."""

_IN_SEGMENT: Final = frozenset(
    {Id.SEEK_HEAD, Id.INFO, Id.TRACKS, Id.CUES, Id.TAGS, Id.CHAPTERS, Id.ATTACHMENTS, Id.VOID, Id.CRC_32}
)
_IN_CLUSTER: Final = frozenset(
    {Id.TIMESTAMP, Id.SILENT_TRACKS, Id.POSITION, Id.PREV_SIZE, Id.ENCRYPTED_BLOCK, Id.VOID, Id.CRC_32}
)
_IN_GROUP: Final = frozenset(
    {Id.BLOCK_ADDITIONS, Id.BLOCK_DURATION, Id.REFERENCE_PRIORITY, Id.REFERENCE_BLOCK, Id.CODEC_STATE}
    | {Id.DISCARD_PADDING, Id.VOID, Id.CRC_32}
)
_ENDS_CLUSTER: Final = (_IN_SEGMENT | {Id.CLUSTER, Id.EBML, Id.SEGMENT}) - _IN_CLUSTER
_BEFORE_BLOCKS: Final = frozenset({Id.TIMESTAMP, Id.POSITION, Id.PREV_SIZE, Id.VOID, Id.CRC_32})
_CLUSTER_ID: Final = ebml.write_id(Id.CLUSTER)
_KEY: Final = 0x80
_LACED: Final = 0x06


class _Level(Enum):
    """What encloses the next element."""

    FILE = auto()
    SEGMENT = auto()
    CLUSTER = auto()
    GROUP = auto()
    LOST = auto()
    """Nothing does: a Cluster is looked for."""


class Reader:
    """Reads one file from its first byte on."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes fed so far."""
        self.tracks: tuple[Track, ...] = ()
        self.error: WebmError | None = None
        """Why it could not go on; nothing is read any more."""
        self._level = _Level.FILE
        self._base = 0
        self._tail = b""
        self._skip = 0
        self._doc_type = ""
        self._numbers: frozenset[int] = frozenset()
        self._cluster: Cluster
        self._due: Block | None = None
        self._events: list[Event] = []

    @property
    def between(self) -> bool:
        """All that was fed is understood, and ends where an element ends."""
        return not (self._tail or self._skip or self._due or self.error) and self._level is not _Level.LOST

    def feed(self, data: bytes) -> list[Event]:
        """Take the file's next bytes and tell what they said, in order; up to `error`, if one was met.

        Events other than Element are of whole things: a block is told when its last byte has come.
        """
        self.size += len(data)
        if self._skip > len(data):
            self._skip -= len(data)
        elif not self.error:
            try:
                self._read(data)
            except WebmError as error:
                self.error = error
        events, self._events = self._events, []
        return events

    def _read(self, data: bytes) -> None:
        at, self._skip = self._skip, 0
        if self._tail:
            data = self._tail + data
        self._base = self.size - len(data)
        while True:
            if self._due and at <= len(data) and self._base + at >= self._due.end:
                self._tell_due()
            after = _STEPS[self._level](self, data, at) if at < len(data) else None
            if after is None:
                break
            at = after
        self._skip = max(0, at - len(data))
        self._tail = data[at:]

    # One step a level.

    def _in_file(self, data: bytes, at: int) -> int | None:
        """The EBML head, then the Segment."""
        if not self._doc_type:
            check_head(data[at : at + 8])
        ident, size, body = ebml.read_header(data, at)
        if ident == TRUNCATED:
            return None
        if ident == Id.SEGMENT and self._doc_type:
            self._level = _Level.SEGMENT
            self._events.append(SegmentStart(self._field(data, at, size, body), self._doc_type))
            return body
        if ident not in (Id.EBML, Id.VOID) or not 0 <= size <= MAX_HEADER:
            raise WebmError(f"The recording's header cannot be read at byte {self._base + at}.")
        if body + size > len(data):
            return None
        if ident == Id.EBML:
            self._doc_type = check_doc_type(data[body : body + size])
        return body + size

    def _in_segment(self, data: bytes, at: int) -> int | None:
        ident, size, body = ebml.read_header(data, at)
        if ident == TRUNCATED:
            return None
        if ident == Id.CLUSTER:
            return self._begin_cluster(data, at, size, body)
        if ident in (Id.EBML, Id.SEGMENT):
            raise WebmError(f"A second recording begins within this one, at byte {self._base + at}.")
        if ident not in _IN_SEGMENT or size == UNKNOWN:
            return self._lose(at)
        after = body + size
        payload = b""
        if ident in (Id.INFO, Id.TRACKS) and size <= MAX_HEADER:
            if after > len(data):
                return None
            payload = data[body:after]
        if ident == Id.TRACKS and not self.tracks:
            self.tracks = read_tracks(payload)
            self._numbers = frozenset(track.number for track in self.tracks)
        self._events.append(Element(ident, self._base + at, self._base + body, self._base + after, payload))
        return after

    def _begin_cluster(self, data: bytes, at: int, size: int, body: int) -> int:
        if not self.tracks:
            raise WebmError("The recording's header lists no tracks.")
        end = None if size == UNKNOWN else self._base + body + size
        self._cluster = Cluster(self._base + at, self._field(data, at, size, body), end)
        self._events.append(self._cluster)
        self._level = _Level.CLUSTER
        return body

    def _in_cluster(self, data: bytes, at: int) -> int | None:
        cluster = self._cluster
        if cluster.end is not None and self._base + at >= cluster.end:
            self._level = _Level.SEGMENT
            return at
        if (after := read_run(data, at, self._base, cluster, self._numbers, self._events)) > at:
            return after
        ident, size, body = ebml.read_header(data, at)
        if ident == TRUNCATED:
            return None
        if cluster.end is None:
            if ident in _ENDS_CLUSTER:
                self._events.append(ClusterEnd(cluster, self._base + at))
                self._level = _Level.SEGMENT
                return at
        elif self._base + body + size > cluster.end:
            return self._lose(at)
        if ident == SIMPLE_BLOCK:
            return self._read_block(data, at, body, size)
        if ident == Id.BLOCK_GROUP and 0 <= size <= MAX_BLOCK:
            position = self._base + at - cluster.field.body
            self._due = Block(cluster, position, end=self._base + body + size, group=True)
            self._level = _Level.GROUP
            return body
        if ident not in _IN_CLUSTER or size == UNKNOWN:
            return self._lose(at)
        if ident == Id.TIMESTAMP:
            if body + min(size, 8) > len(data):
                return None
            cluster.ticks = ebml.read_uint(data[body : body + min(size, 8)])
            if size > 8 or cluster.ticks >> 62:
                return self._lose(at)
        return body + size

    def _in_group(self, data: bytes, at: int) -> int | None:
        """A BlockGroup's Block, its duration, and whether it refers to others."""
        group = self._due
        assert group is not None
        ident, size, body = ebml.read_header(data, at)
        if ident == TRUNCATED:
            return None
        if size == UNKNOWN or self._base + body + size > group.end:
            return self._lose(at)
        if ident == Id.BLOCK:
            return self._read_block(data, at, body, size)
        if ident not in _IN_GROUP:
            return self._lose(at)
        if ident == Id.REFERENCE_BLOCK:
            group.key = False
        if ident == Id.BLOCK_DURATION and size <= 8:
            if body + size > len(data):
                return None
            group.duration = ebml.read_uint(data[body : body + size])
        return body + size

    def _when_lost(self, data: bytes, at: int) -> int | None:
        """Look for a Cluster that is followed by what may begin one."""
        found = data.find(_CLUSTER_ID, at)
        if found < 0:
            kept = len(data) - len(_CLUSTER_ID) + 1
            return kept if kept > at else None
        ident, _, body = ebml.read_header(data, found)
        child = ebml.read_header(data, body)[0] if ident == Id.CLUSTER else ident
        if child == TRUNCATED:
            return found if found > at else None
        if child not in _BEFORE_BLOCKS:
            return found + 1
        self._events.append(Resync(self._base + found))
        self._level = _Level.SEGMENT
        return found

    def _lose(self, at: int) -> int:
        """What stands here makes no sense: look further on."""
        self._level = _Level.LOST
        self._due = None
        return at

    # Blocks.

    def _read_block(self, data: bytes, at: int, body: int, size: int) -> int | None:
        """A SimpleBlock, or the Block of the group that is due (RFC 9559, section 10)."""
        after = body + size
        if not 4 <= size <= MAX_BLOCK:
            return self._lose(at)
        if len(data) < after and len(data) < body + BLOCK_HEAD:
            return None
        number, head = ebml.read_size(data, body)
        start = head + 3
        ticks = self._cluster.ticks
        if number not in self._numbers or start > after or ticks is None:
            return self._lose(at)
        ticks += (data[head] ^ 0x80) * 256 + data[head + 1] - 0x8000
        flags = data[head + 2]
        block = self._due
        if block is None:
            position = self._base + at - self._cluster.field.body
            block = Block(self._cluster, position, self._base + after, key=flags >= _KEY)
        block.track = number
        block.ticks = ticks
        block.size = after - start
        block.peek = b"" if flags & _LACED else data[start : min(start + 2, after)]
        if self._level is _Level.GROUP or after > len(data):
            self._due = block
        else:
            self._events.append(block)
        return after

    def _tell_due(self) -> None:
        """The block, or group, whose end was waited for is whole."""
        block, self._due = self._due, None
        if block and block.track:
            self._events.append(block)
        if self._level is _Level.GROUP:
            self._level = _Level.CLUSTER

    def _field(self, data: bytes, at: int, size: int, body: int) -> SizeField:
        start = ebml.read_id(data, at)[1]
        return SizeField(self._base + start, body - start, size)


_STEPS: Final[dict[_Level, Callable[[Reader, bytes, int], int | None]]] = {
    _Level.FILE: Reader._in_file,
    _Level.SEGMENT: Reader._in_segment,
    _Level.CLUSTER: Reader._in_cluster,
    _Level.GROUP: Reader._in_group,
    _Level.LOST: Reader._when_lost,
}
