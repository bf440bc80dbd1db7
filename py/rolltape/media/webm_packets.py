"""The packets in a WebM or Matroska file, in order: what `webm_reader` finds, with the bytes and unlaced.

    packets = PacketReader()
    for piece in pieces:                      # the file's bytes, from the first on
        for packet in packets.feed(piece):
            ...

Memory is bounded by the largest block there may be, whatever the file's size.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from rolltape.media import ebml
from rolltape.media.ebml import Id
from rolltape.media.webm_events import Block, Element, Event, Passed, Resync, SegmentStart
from rolltape.media.webm_frames import LACED, PLAIN, Encoding, read_encodings, unlace
from rolltape.media.webm_header import WebmError
from rolltape.media.webm_reader import MAX_BLOCK, Reader
from rolltape.media.webm_track import Track

MAX_DAMAGES: Final = 256
"""So many damaged stretches of a file are kept."""

_SIMPLE_BLOCK: Final = int(Id.SIMPLE_BLOCK)


class Packet(NamedTuple):
    """One frame of a track, as its encoder made it."""

    track: int
    ticks: int
    """When it begins, on the file's clock (TimestampScale)."""
    key: bool
    payload: bytes
    duration: int
    """In ticks, where it is said; else 0. For a laced block it is the whole block's, on its first frame."""
    discard_ns: int
    """How much of its end is not to be played (DiscardPadding)."""
    laced: int
    """Its number within its block: only the first one has a time of its own."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch that made no sense, before more that did."""

    start: int
    end: int
    ticks: int
    """The time of the last block before it."""


class BlockReader:
    """Every block of a file, or every one of track `only`, and what else it says.

    A block's bytes are there until the next piece is fed.
    """

    def __init__(self, only: int = 0) -> None:
        self._only = only
        self.doc_type = ""
        self.info = b""
        """The payload of Info."""
        self.track_entries = b""
        """The payload of Tracks."""
        self.scale_ns = 1_000_000
        """Nanoseconds in a tick."""
        self.encodings: dict[int, Encoding] = {}
        """By track, for those that are not plain."""
        self.damages: list[Damage] = []
        """The first MAX_DAMAGES of them."""
        self.lost = 0
        """Bytes in all damaged stretches."""
        self.end = 0
        """The offset after the last thing that was understood."""
        self.ticks = 0
        """The time of the latest block."""
        self.blocks = 0
        self._latest: Block | None = None
        self._reader = Reader()
        self._first, self._data = 0, b""
        """The latest piece, and where it begins."""
        self._pieces: deque[tuple[int, bytes]] = deque()

    @property
    def size(self) -> int:
        """Bytes fed so far."""
        return self._reader.size

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The tracks, as soon as they are known."""
        return self._reader.tracks

    @property
    def error(self) -> WebmError | None:
        """Why it could not go on."""
        return self._reader.error

    @property
    def whole(self) -> bool:
        """All that was fed is understood, and ends where an element ends."""
        return self._reader.between

    def feed(self, data: bytes) -> Iterator[Block]:
        """Take the file's next bytes; the blocks that are whole now, to be read to their end."""
        self._first, self._data = self.size, data
        self._pieces.append((self._first, data))
        return self._blocks(self._reader.feed(data))

    def rest(self) -> Iterator[Block]:
        """Return the blocks that were held until it was seen what follows them; no more bytes may be fed."""
        self._first, self._data = self.size, b""
        return self._blocks(self._reader.end())

    def _blocks(self, events: Iterable[Event]) -> Iterator[Block]:
        only = self._only
        latest = self._latest
        for event in events:
            if type(event) is Block:
                self.end = event.end
                latest = event
                self.ticks = event.ticks
                self.blocks += 1
                if not only or event.track == only:
                    yield event
            else:
                self._other(event)
        self._latest = latest
        self._forget()

    def element(self, block: Block) -> bytes:
        """Write the block's element, head and all."""
        start = block.cluster.field.body + block.position
        if start >= self._first:  # nearly always
            return self._data[start - self._first : block.end - self._first]
        return self._held(start, block.end)

    def plain(self, block: Block) -> bool:
        """Return True if the block is one frame and says nothing else, as nearly all do."""
        return bool(block.peek) and not block.group and block.track not in self.encodings

    def payload(self, block: Block) -> bytes:
        """Return the frame of a plain block."""
        start = block.end - block.size
        if start >= self._first:
            return self._data[start - self._first : block.end - self._first]
        return self._held(start, block.end)

    def _other(self, event: Event) -> None:
        match event:
            case Resync():
                if event.offset > event.start:
                    self.lost += event.offset - event.start
                    if len(self.damages) < MAX_DAMAGES:
                        self.damages.append(Damage(event.start, event.offset, self.ticks))
                self.end = event.offset
            case Passed():
                self.end = event.end
            case SegmentStart():
                self.doc_type = event.doc_type
            case Element():
                self._element(event)
                self.end = max(self.end, event.end)
            case _:
                pass

    def _element(self, element: Element) -> None:
        """Keep what the first Tracks and the first Info say."""
        if element.ident == Id.TRACKS and not self.track_entries:
            self.track_entries = element.payload
            self.encodings = read_encodings(element.payload)
        elif element.ident == Id.INFO and not self.info:
            self.info = element.payload
            self.scale_ns = (
                ebml.read_uint(_fields(element.payload).get(Id.TIMESTAMP_SCALE, b"")) or self.scale_ns
            )

    def _held(self, start: int, end: int) -> bytes:
        """Bytes of the file of which the first are in an earlier piece."""
        parts = [
            data[max(0, start - at) : end - at]
            for at, data in self._pieces
            if at + len(data) > start and at < end
        ]
        return b"".join(parts)

    def _forget(self) -> None:
        """Let go of what no block can need any more."""
        keep = self.end
        if latest := self._latest:  # it may yet turn out to be something else
            keep = min(keep, latest.cluster.field.body + latest.position)
        keep = max(keep, self.size - 2 * MAX_BLOCK)
        pieces = self._pieces
        while pieces and pieces[0][0] + len(pieces[0][1]) <= keep:
            pieces.popleft()


class PacketReader(BlockReader):
    """The same as packets: out of their lacing, and as their encoder made them."""

    def packets(self, data: bytes) -> Iterator[Packet]:
        """Take the file's next bytes; the packets that are whole now.

        A frame that cannot be restored is left out.
        """
        for block in self.feed(data):
            yield from self.unpack(block)

    def unpack(self, block: Block) -> Iterator[Packet]:
        """Return the frames of a block."""
        element = self.element(block)
        at, end, discard = frames_of(element, block.size)
        encoding = self.encodings.get(block.track, PLAIN)
        if not element[at - 1] & LACED and encoding is PLAIN:
            yield Packet(block.track, block.ticks, block.key, element[at:end], block.duration, discard, 0)
            return
        try:
            frames = [encoding.restore(frame) for frame in unlace(element[at:end], element[at - 1])]
        except WebmError:
            return
        for number, frame in enumerate(frames):
            trimmed = discard if number == len(frames) - 1 else 0
            duration = 0 if number else block.duration
            yield Packet(block.track, block.ticks, block.key, frame, duration, trimmed, number)


def frames_of(element: bytes, size: int) -> tuple[int, int, int]:
    """Tell where in a block's element its `size` bytes of frames begin and end, and its DiscardPadding."""
    if element[0] == _SIMPLE_BLOCK:
        return len(element) - size, len(element), 0
    _, _, body = ebml.read_header(element, 0)
    at = end = discard = 0
    for ident, start, stop in _children(element[body:]):
        if ident == Id.BLOCK:
            at, end = body + stop - size, body + stop
        elif ident == Id.DISCARD_PADDING:
            discard = int.from_bytes(element[body + start : body + stop], "big", signed=True)
    return at, end, discard


def _children(payload: bytes) -> Iterator[tuple[int, int, int]]:
    return ((ident, body, end) for ident, _, body, end in ebml.children(payload))


def _fields(payload: bytes) -> dict[int, bytes]:
    return {ident: payload[body:end] for ident, body, end in _children(payload)}
