"""Puts the packets of a recording into an MP4 file: nothing is encoded anew, what MP4 cannot hold is refused before.

A first pass over the recording finds out what the movie box says (`Mp4Tables`), a second one writes the samples
behind it (`Mp4Data`): so the result can be streamed into a download, and a player can begin before it has the whole.
What is kept of each sample is its size and, where it differs from the one before, its length: 2 to 4 MB an hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rolltape.convert.mp4_lane import Clock, Lane
from rolltape.convert.mp4_pictures import picture_lane
from rolltape.convert.mp4_sounds import sound_lane
from rolltape.convert.plan import Part, track_numbers
from rolltape.convert.remux import MAX_CLUSTER
from rolltape.media.mp4 import mp4_head
from rolltape.media.webm_events import Block
from rolltape.media.webm_packets import PacketReader
from rolltape.media.webm_track import Kind


class _Pass:
    """What both passes have in common: which track a block belongs to, and where a chunk of each ends."""

    def __init__(self, part: Part, lanes: dict[int, Lane]) -> None:
        self.packets = 0
        """Packets taken."""
        self.broken = 0
        """Packets left out since no decoder would take them."""
        self.lanes = lanes
        self._first = part
        self._numbers: dict[int, int] = {}
        self._cluster: object = None
        self._size = 0
        self.begin(part)

    def begin(self, part: Part) -> None:
        """From now on blocks are those of this part, which follows the one before."""
        self._numbers = track_numbers(self._first, part) or {}

    def end(self, reader: PacketReader) -> None:
        """The part is read to its end."""

    def _turns(self, block: Block) -> bool:
        """Chunks end here: they hold what a Cluster of the recording holds, or less."""
        if block.cluster is self._cluster and self._size <= MAX_CLUSTER:
            return False
        self._cluster = block.cluster
        return True

    def _lane(self, block: Block) -> Lane | None:
        return self.lanes.get(self._numbers.get(block.track, 0))


class Mp4Tables(_Pass):
    """The first pass: nothing comes out, but `head` knows then what comes before the samples."""

    def __init__(self, part: Part) -> None:
        self._shift_ns = 0
        self._latest_ns = 0
        self._offset = 0
        self._chunks: dict[Lane, int] = {}
        """Bytes of the chunk that each track is at."""
        lanes = {
            track.number: picture_lane(track, part.scale_ns)
            if track.kind is Kind.VIDEO
            else sound_lane(track)
            for track in part.tracks
            if track.kind is not Kind.OTHER
        }
        super().__init__(part, lanes)

    def begin(self, part: Part) -> None:
        """From now on blocks are those of this part; its times come after those of the one before."""
        super().begin(part)
        self._scale_ns = part.scale_ns
        if self.packets:
            self._shift_ns = max(self._latest_ns, *(one.end_ns for one in self.lanes.values()))

    def end(self, reader: PacketReader) -> None:
        """Another part begins when the last frame of this one, of any track, has begun."""
        self._latest_ns = self._shift_ns + reader.ticks * self._scale_ns

    def take(self, reader: PacketReader, block: Block) -> Iterable[bytes]:
        """Learn from a block."""
        one = self._lane(block)
        if one is None:
            return ()
        if self._turns(block):
            self.finish()
        at_ns = block.ticks * self._scale_ns + self._shift_ns
        if not self._chunks:
            for each in self.lanes.values():
                each.clock, self._chunks[each] = Clock(at_ns), 0
        at_ns = one.clock.read(at_ns)
        if reader.plain(block):
            peek = reader.payload(block) if one.whole else block.peek
            if not one.missing(at_ns, peek, block.size):
                self._tell(one, at_ns, peek, block.size, block.key)
                return ()
        for packet in reader.unpack(block):
            payload = packet.payload
            if packet.laced and one.told:
                at_ns = one.end_ns
            elif missing := one.missing(at_ns, payload, len(payload)):
                self._fill(one, missing)
            duration_ns = packet.duration * self._scale_ns
            self._tell(one, at_ns, payload, len(payload), packet.key, duration_ns, packet.discard_ns)
        return ()

    def _tell(
        self,
        one: Lane,
        at_ns: int,
        peek: bytes,
        size: int,
        key: bool,
        duration_ns: int = 0,
        discard_ns: int = 0,
    ) -> None:
        if size := one.tell(at_ns, peek, size, key, duration_ns, discard_ns):
            self._size += size
            self._chunks[one] += size
            self.packets += 1
        else:
            one.broken.add(one.told)
            self.broken += 1
        one.told += 1

    def _fill(self, one: Lane, count: int) -> None:
        one.fills[one.told] = count
        for piece, samples in one.silence(count):
            one.tell_silence(len(piece), samples)
            self._size += len(piece)
            self._chunks[one] += len(piece)
            if self._size > MAX_CLUSTER:
                self.finish()

    def finish(self) -> bytes:
        """The chunks end here."""
        for one, size in self._chunks.items():
            if size:
                one.samples.end_chunk(self._offset)
                self._offset += size
                self._chunks[one] = 0
        self._size = 0
        return b""

    @property
    def data_bytes(self) -> int:
        """Bytes of all samples."""
        return self._offset

    def head(self) -> bytes:
        """What comes before all samples. Raises ConvertError."""
        tracks = [one.finished() for one in self.lanes.values() if one.samples.count]
        begin_ns = min(track.start_ns for track in tracks)
        for track in tracks:
            track.start_ns -= begin_ns
        return mp4_head(tracks, self._offset)


class Mp4Data(_Pass):
    """The second pass: the samples come out, chunk after chunk, as the first one said."""

    def __init__(self, part: Part, tables: Mp4Tables) -> None:
        super().__init__(part, tables.lanes)
        self._held: dict[Lane, list[bytes]] = {one: [] for one in tables.lanes.values()}
        for one in self._held:
            one.told = 0

    def take(self, reader: PacketReader, block: Block) -> Iterable[bytes]:
        """The bytes that a block adds: now and then the chunks of all tracks."""
        one = self._lane(block)
        if one is None:
            return ()
        out = self._flushed() if self._turns(block) else ()
        number = one.told
        if reader.plain(block) and number not in one.fills and number not in one.broken:
            self._copy(one, reader.payload(block))
            return out
        return self._unpacked(reader, block, one, out)

    def _unpacked(
        self, reader: PacketReader, block: Block, one: Lane, out: Iterable[bytes]
    ) -> Iterator[bytes]:
        """The same for a block that is not plain, comes after a gap, or is left out."""
        yield from out
        for packet in reader.unpack(block):
            for piece, _ in one.silence(one.fills.get(one.told, 0)):
                self._hold(one, piece)
                if self._size > MAX_CLUSTER:
                    yield from self._flushed()
            if one.told in one.broken:
                self.broken += 1
                one.told += 1
            else:
                self._copy(one, packet.payload)

    def _copy(self, one: Lane, payload: bytes) -> None:
        self._hold(one, one.stored(payload))
        self.packets += 1
        one.told += 1

    def _hold(self, one: Lane, data: bytes) -> None:
        self._held[one].append(data)
        self._size += len(data)

    def _flushed(self) -> tuple[bytes, ...]:
        """A chunk of each track that has something."""
        chunks = tuple(b"".join(held) for held in self._held.values() if held)
        for held in self._held.values():
            held.clear()
        self._size = 0
        return chunks

    def finish(self) -> bytes:
        """The last chunks."""
        return b"".join(self._flushed())
