"""Reads a WebM or Matroska file as it comes: bytes in, in pieces of any size, events out.

Payloads are skipped, not looked at, but for the header's and the first bytes of each block. The reader
works on what a MediaRecorder writes, on a finished file, and on the torn or damaged rest of either. What it does
not know is skipped by the size that it says, if something known follows; a stretch that makes no sense is
passed over up to the next block of the same Cluster, or the next Cluster (`webm_resync`). A second recording
of the same tracks behind the first is read on, its times behind those of the first.

It is a small state machine: `_level` says which element encloses the next one, `_STEPS` has the method
that reads an element there. A step answers where the next element begins, or None to be called again when
there are more bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
    Passed,
    Resync,
    SecondStart,
    SegmentStart,
    SizeField,
)
from rolltape.media.webm_header import (
    MAX_HEADER,
    NO_TRACKS,
    WebmError,
    check_doc_type,
    check_head,
    is_doc_type,
    read_scale,
    unreadable,
)
from rolltape.media.webm_resync import BLOCKS, ENDS_CLUSTER, IN_SEGMENT, SHORT, Search
from rolltape.media.webm_track import Track, read_tracks

MAX_BLOCK: Final = 32 << 20
"""No frame is larger: a block that claims to be is damaged."""
LEAD: Final = 1 << 16
"""So many bytes are joined to those held before them; more only where what began there is longer."""
_SHORT_IN_CLUSTER: Final = frozenset({Id.POSITION, Id.PREV_SIZE, Id.CRC_32})
_SLACK_MS: Final = 250
"""Blocks of different tracks may be so much out of order."""
_LONGEST_NS: Final = 60 * 10**9
"""A frame that says that it lasts longer is not believed."""
_NEVER_NS: Final = 1000 * 366 * 86_400 * 10**9
"""No time is later: a thousand years."""
_BLOCK_STARTS: Final = tuple(ebml.write_id(ident) for ident in BLOCKS)
_KEY: Final = 0x80
_LACED: Final = 0x06


class _Level(Enum):
    """What encloses the next element."""

    FILE = auto()
    SEGMENT = auto()
    CLUSTER = auto()
    LOST = auto()
    """It is not known: a place is looked for where reading can go on."""


@dataclass(slots=True)
class _Lost:
    """What could not be understood, and what becomes of it."""

    level: _Level
    """Where it stood."""
    start: int
    """Its offset."""
    ident: int
    claim: int | None
    """The offset at which it says that it ends; None: it says nothing that could be true."""
    blocks: bool
    """Whether a block may be gone on with, or only a Cluster."""
    whole: Block | None
    """A block that counts if that is true."""
    suspect: int | None = None
    """Where the block before it begins, of which the size may be wrong."""

    def damage(self, found: int) -> int:
        """Return where that begins what made no sense before `found`."""
        return self.start if self.suspect is None or found >= self.start else self.suspect


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
        """The offset of the bytes at hand."""
        self._tail = b""
        """What is held of the bytes before."""
        self._at = 0
        """The offset up to which all is read; some bytes before it are held, since they may have been misread."""
        self._suspect: int | None = None
        """Where the block begins behind which we are: if nothing that is known follows, its size may be wrong."""
        self._ended = False
        self._doc_type = ""
        self._numbers: frozenset[int] = frozenset()
        self._search = Search(())
        self._lost: _Lost
        self._scale_ns = 1_000_000
        self._shift = 0
        """Ticks by which the times of a second recording are later."""
        self._first_cluster = 0
        self._earliest: int | None = None
        self._latest = 0
        self._cluster: Cluster
        self._events: list[Event] = []

    @property
    def between(self) -> bool:
        """All that was fed is understood, and ends where an element ends."""
        if self._level is _Level.LOST:
            return self._lost.claim == self.size and not self.error
        return self._at == self.size and not self.error

    def feed(self, data: bytes) -> list[Event]:
        """Take the file's next bytes and tell what they said, in order; up to `error`, if one was met.

        Events other than Element are of whole things: a block is told when its last byte has come.
        """
        self.size += len(data)
        if not self.error:
            try:
                self._read(data)
            except WebmError as error:
                self.error = error
        events, self._events = self._events, []
        return events

    def end(self) -> list[Event]:
        """No more bytes will come: what was held until more of them were there is read as far as it can be."""
        self._ended = True
        return self.feed(b"")

    def _read(self, data: bytes) -> None:
        """Read on. Many bytes are not copied only because of a few held before them: those few end first."""
        start = self.size - len(data)
        if self._tail and len(data) > LEAD:
            self._step_on(self._tail + data[:LEAD], start - len(self._tail))
            self._tail = self._tail[: max(0, start - self._base)]
        if self._tail:
            data = self._tail + data
        self._step_on(data, self.size - len(data))

    @property
    def _needed(self) -> int:
        """The offset from which on bytes have to be held."""
        return self._at if self._suspect is None else min(self._at, self._suspect)

    def _step_on(self, data: bytes, base: int) -> None:
        """Read what can be read of `data`, which stands at `base`, and hold the rest."""
        self._base = base
        at = self._at - base
        while at < len(data):
            after = _STEPS[self._level](self, data, at)
            if after is None and self._ended and self._level in (_Level.SEGMENT, _Level.CLUSTER):
                after = self._lose(data, at)  # torn: but its size may be wrong
            if after is None:
                break
            at = after
        self._at = base + at
        self._base = max(base, self._needed)
        self._tail = data[self._base - base :]

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
            raise unreadable(self._base + at)
        if body + size > len(data):
            return None
        if ident == Id.EBML:
            following = ebml.read_id(data, body + size)[0]
            if following == TRUNCATED:
                return None
            # Nothing else has a Segment: a name that is damaged says as much as none.
            damaged = following == Id.SEGMENT and not is_doc_type(data[body : body + size])
            self._doc_type = "matroska" if damaged else check_doc_type(data[body : body + size])
        return body + size

    def _in_segment(self, data: bytes, at: int) -> int | None:
        ident, size, body = ebml.read_header(data, at)
        if ident == TRUNCATED:
            return None
        if ident in IN_SEGMENT or ident in ENDS_CLUSTER:
            self._suspect = None
        if ident == Id.CLUSTER:
            return self._begin_cluster(data, at, size, body)
        if ident in (Id.EBML, Id.SEGMENT):
            return self._begin_again(data, at, ident, size, body)
        if (
            ident < 0 or size == UNKNOWN or ident in BLOCKS
        ):  # a block here: its Cluster is larger than it says
            return self._lose(data, at)
        after = body + size
        payload = b""
        if ident in (Id.INFO, Id.TRACKS) and size <= MAX_HEADER:
            if after > len(data):
                return None
            payload = data[body:after]
            self._learn(ident, payload, at)
        if ident in IN_SEGMENT:
            self._events.append(
                Element(ident, self._base + at, self._base + body, self._base + after, payload)
            )
        return after if payload else self._lose(data, at, after, blocks=False)

    def _learn(self, ident: int, payload: bytes, at: int) -> None:
        """Tracks, and the length of a tick; a second recording must have the same tracks."""
        if ident == Id.INFO:
            self._scale_ns = read_scale(payload)
        elif not self.tracks:
            self.tracks = read_tracks(payload)
            self._numbers = frozenset(track.number for track in self.tracks)
            self._search = Search(self._numbers)
        elif read_tracks(payload) != self.tracks:
            raise WebmError(f"A recording of another kind begins within this one, at byte {self._base + at}.")

    def _begin_again(self, data: bytes, at: int, ident: int, size: int, body: int) -> int | None:
        """A second EBML head, or a Segment without one: its times begin where those before it end."""
        if ident == Id.EBML and size > MAX_HEADER:
            return self._lose(data, at)
        after = body if ident == Id.SEGMENT else body + size
        if after > len(data):
            return None
        begins = max(0, self._latest + 1)
        if self._shift != begins:
            self._shift = begins
            self._events.append(SecondStart(self._base + at))
        return after

    def _begin_cluster(self, data: bytes, at: int, size: int, body: int) -> int:
        if not self.tracks:
            raise WebmError(NO_TRACKS)
        end = None if size == UNKNOWN else self._base + body + size
        self._cluster = Cluster(self._base + at, self._field(data, at, size, body), end)
        self._first_cluster = self._first_cluster or self._base + at
        self._events.append(self._cluster)
        self._level = _Level.CLUSTER
        return body

    def _in_cluster(self, data: bytes, at: int) -> int | None:
        cluster = self._cluster
        if cluster.end is not None and self._base + at >= cluster.end:
            self._level = _Level.SEGMENT
            return at
        if (after := read_run(data, at, self._base, cluster, self._numbers, self._events)) > at:
            last = self._events[-1]
            assert type(last) is Block
            self._note_time(last)
            self._suspect = cluster.field.body + last.position
            return after
        ident, size, body = ebml.read_header(data, at)
        if ident == TRUNCATED:
            return None
        after = body + size
        if ident in ENDS_CLUSTER:
            self._events.append(ClusterEnd(cluster, self._base + at))
            self._level = _Level.SEGMENT
            return at
        if cluster.end is not None and self._base + after > cluster.end:
            return self._lose(data, at)
        if ident == SIMPLE_BLOCK:
            return self._read_block(data, at, body, size)
        if ident == Id.BLOCK_GROUP and 0 <= size <= MAX_BLOCK:
            return self._read_group(data, at, body, after)
        if ident in _SHORT_IN_CLUSTER and 0 <= size <= 8:
            return after if after <= len(data) else None
        if ident == Id.TIMESTAMP and cluster.ticks is None and 0 <= size <= 8:
            if after > len(data):
                return None
            ticks = ebml.read_uint(data[body:after])
            if ticks * self._scale_ns < _NEVER_NS:
                cluster.ticks = ticks + self._shift
                self._suspect = None
                return after
        return self._lose(data, at, after if size >= 0 else None, blocks=ident != Id.VOID)

    # Where something was not understood.

    def _lose(
        self, data: bytes, at: int, after: int | None = None, blocks: bool = True, whole: Block | None = None
    ) -> int:
        """What stands here is not understood; `after` is where it says that it ends.

        `whole` is a block that counts if that is true.
        """
        claim = None if after is None else self._base + after
        ident = ebml.read_id(data, at)[0]
        blocks = blocks and (self._level is _Level.CLUSTER or self._suspect is not None)
        self._lost = _Lost(self._level, self._base + at, ident, claim, blocks, whole)
        self._level = _Level.LOST
        return self._doubt(at) if claim is None else at

    def _doubt(self, at: int) -> int:
        """Where to begin to look: within the block before, whose size may be wrong."""
        suspect, self._suspect = self._suspect, None
        if suspect is None:
            return at
        self._lost.suspect = suspect
        return suspect + 1 - self._base

    def _when_lost(self, data: bytes, at: int) -> int | None:
        """Look for where reading can go on."""
        lost = self._lost
        claim = None if lost.claim is None else lost.claim - self._base
        if claim is not None and lost.claim is not None and lost.claim - lost.start <= SHORT:
            verdict = self._search.follows(data, claim, self._ended)
            if verdict and lost.level is _Level.SEGMENT and data[claim : claim + 1] in _BLOCK_STARTS:
                verdict = False
            return None if verdict is None else self._at_claim(claim if verdict else self._doubt(at), verdict)
        found = self._search.find(data, at, lost.blocks, claim, self._ended)
        if found.certain is None:
            return found.at if found.at > at else None
        if found.claimed:
            return self._at_claim(found.at, bool(found.certain))
        if found.block:
            return self._at_block(data, found.at)
        self._level = _Level.SEGMENT
        place, start = self._base + found.at, lost.damage(self._base + found.at)
        cluster = self._cluster if lost.level is _Level.CLUSTER or start < lost.start else None
        self._events.append(Resync(place, start, cluster, within=False))
        return found.at

    def _at_claim(self, at: int, confirmed: bool) -> int:
        """Where the element said that it ends: as something follows, it did."""
        lost = self._lost
        lost.claim = None
        if not confirmed:
            return at
        self._suspect = None
        self._level = lost.level
        if lost.whole:
            self._events.append(lost.whole)
        elif lost.ident not in IN_SEGMENT or lost.level is _Level.CLUSTER:
            self._events.append(Passed(lost.start, self._base + at, lost.level is _Level.SEGMENT))
        return at

    def _at_block(self, data: bytes, at: int) -> int:
        """A block that belongs to the same Cluster, or to one whose head is damaged: its time tells."""
        lost, cluster, place = self._lost, self._cluster, self._base + at
        self._date(cluster)
        if self._is_of_another(data, at):
            lost.blocks = False
            return at + 1
        _, size, body = ebml.read_header(data, at)
        if cluster.end is not None and self._base + body + size > cluster.end:
            cluster.end = None
        self._level = _Level.CLUSTER
        self._events.append(Resync(place, lost.damage(place), cluster, within=True))
        return at

    # Blocks.

    def _read_block(self, data: bytes, at: int, body: int, size: int) -> int | None:
        """A SimpleBlock (RFC 9559, section 10.2)."""
        after = body + size
        if not 4 <= size <= MAX_BLOCK:
            return self._lose(data, at, after if 0 <= size <= MAX_BLOCK else None)
        if after > len(data):
            return None
        position = self._base + at - self._cluster.field.body
        block = Block(self._cluster, position, self._base + after)
        if not self._fill(block, data, body, after):
            return self._lose(data, at, after)
        self._events.append(block)
        self._suspect = self._base + at
        return after

    def _read_group(self, data: bytes, at: int, body: int, after: int) -> int | None:
        """A BlockGroup: its Block, its duration, and whether it refers to others; the rest is skipped."""
        if after > len(data):
            return None
        position = self._base + at - self._cluster.field.body
        group = Block(self._cluster, position, self._base + after, group=True)
        while body < after:
            ident, size, start = ebml.read_header(data, body)
            if ident < 0 or size < 0 or start + size > after:
                return self._lose(data, at, after, whole=group if group.track else None)
            body = start + size
            if ident == Id.BLOCK and not self._fill(group, data, start, body):
                return self._lose(data, at, after)
            if ident == Id.REFERENCE_BLOCK:
                group.key = False
            if ident == Id.BLOCK_DURATION and size <= 8:
                duration = ebml.read_uint(data[start:body])
                group.duration = duration if duration * self._scale_ns <= _LONGEST_NS else 0
        if not group.track:
            return self._lose(data, at, after)
        self._events.append(group)
        self._suspect = self._base + at
        return after

    def _fill(self, block: Block, data: bytes, body: int, after: int) -> bool:
        """Read what a block says of itself (RFC 9559, section 10.1); False if it cannot be one of these tracks."""
        number, head = ebml.read_size(data, body)
        start = head + 3
        if number not in self._numbers or start > after:
            return False
        flags = data[head + 2]
        block.track = number
        block.ticks = self._date(self._cluster) + (data[head] ^ 0x80) * 256 + data[head + 1] - 0x8000
        block.size = after - start
        block.peek = b"" if flags & _LACED else data[start : min(start + 2, after)]
        if not block.group:
            block.key = flags >= _KEY
        self._note_time(block)
        return True

    def _date(self, cluster: Cluster) -> int:
        """The Cluster's time; where it says none, that of the last block before it."""
        if cluster.ticks is None:
            cluster.ticks = max(0, self._latest)  # a block may lie before the beginning, no Timestamp may
            cluster.guessed = True
        return cluster.ticks

    def _note_time(self, block: Block) -> None:
        if self._earliest is None:
            self._earliest = block.ticks
        self._latest = block.ticks

    def _is_of_another(self, data: bytes, at: int) -> bool:
        """True if the block found here is of a Cluster whose head is among what made no sense.

        Its time would then be too early for so many bytes, at the rate of the file so far.
        """
        ident, _, body = ebml.read_header(data, at)
        if ident == Id.BLOCK_GROUP:
            body = ebml.read_header(data, body)[2]
        head = ebml.read_size(data, body)[1]
        ticks = (self._cluster.ticks or 0) + int.from_bytes(data[head : head + 2], "big", signed=True)
        went = self._latest - (self._latest if self._earliest is None else self._earliest)
        ahead = ticks - self._latest
        slack = _SLACK_MS * 1_000_000 / self._scale_ns
        stretch = self._base + at - self._lost.start
        expected = stretch * went / max(1, self._lost.start - self._first_cluster)
        return ahead < expected / 3 - slack

    def _field(self, data: bytes, at: int, size: int, body: int) -> SizeField:
        start = ebml.read_id(data, at)[1]
        return SizeField(self._base + start, body - start, size)


_STEPS: Final[dict[_Level, Callable[[Reader, bytes, int], int | None]]] = {
    _Level.FILE: Reader._in_file,
    _Level.SEGMENT: Reader._in_segment,
    _Level.CLUSTER: Reader._in_cluster,
    _Level.LOST: Reader._when_lost,
}
