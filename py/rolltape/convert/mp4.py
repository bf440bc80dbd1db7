"""Puts the packets of a recording into an MP4 file: nothing is encoded anew, what MP4 cannot hold is refused before.

One pass over the recording writes the samples, in boxes of some MB; the movie box, which says where they are, comes
last. So the recording is read once, and the result can be streamed into a download, of which nothing can be patched.
What is kept of each sample is its size and, where it differs from the one before, its length: 2 to 4 MB an hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rolltape.convert.mp4_lane import Lane, LaneTimes
from rolltape.convert.mp4_pictures import picture_lane
from rolltape.convert.mp4_sounds import sound_lane
from rolltape.convert.plan import InputPart, track_numbers
from rolltape.convert.remux import MAX_CLUSTER
from rolltape.media.mp4 import DATA_HEAD, data_head, file_type, movie
from rolltape.media.webm_events import Block
from rolltape.media.webm_packets import PacketReader
from rolltape.media.webm_track import Kind

DATA: Final = 4 << 20
"""Samples are written in boxes of at least so many bytes, but for the last."""
_BRANDS: Final = {"V_MPEG4/ISO/AVC": b"avc1", "V_AV1": b"av01"}


class Mp4Taker:
    """Blocks in, the bytes of an MP4 file out."""

    def __init__(self, part: InputPart) -> None:
        self.packets = 0
        """Packets taken."""
        self.broken = 0
        """Packets left out since no decoder would take them."""
        tracks = [track for track in part.tracks if track.kind is not Kind.OTHER]
        self._lanes: dict[int, Lane] = {
            track.number: picture_lane(track, part.scale_ns)
            if track.kind is Kind.VIDEO
            else sound_lane(track)
            for track in tracks
        }
        self._first = part
        self._start = file_type(_BRANDS.get(track.codec, b"") for track in tracks)
        self._at = len(self._start) + DATA_HEAD
        """Where the next chunk will stand in the file."""
        self._data: list[bytes] = []
        """The chunks of the box that is gathered."""
        self._data_size = 0
        self._cluster: object = None
        self._size = 0
        """Bytes of the chunks that are gathered, one a track."""
        self._shift_ns = 0
        self._latest_ns = 0
        self.begin(part)

    def begin(self, part: InputPart) -> None:
        """From now on blocks are those of this part; its times come after those of the one before."""
        numbers = track_numbers(self._first, part) or {}
        self._by_number = {old: self._lanes[new] for old, new in numbers.items() if new in self._lanes}
        self._scale_ns = part.scale_ns
        if self.packets:
            self._shift_ns = max(self._latest_ns, *(one.end_ns for one in self._lanes.values()))

    def end(self, reader: PacketReader) -> None:
        """Another part begins when the last frame of this one, of any track, has begun."""
        self._latest_ns = self._shift_ns + reader.ticks * self._scale_ns

    def take(self, reader: PacketReader, block: Block) -> Iterable[bytes]:
        """Take a block; returns the bytes that it adds: now and then a box of samples."""
        one = self._by_number.get(block.track)
        if one is None:
            return ()
        out: Iterable[bytes] = ()
        if block.cluster is not self._cluster or self._size > MAX_CLUSTER:
            out = self._chunked()
            self._begin_cluster(block)
        at_ns = one.clock.read(block.ticks * self._scale_ns + self._shift_ns)
        if reader.plain(block):
            payload = reader.payload(block)
            if not one.missing(at_ns, payload):
                self._put(one, at_ns, payload, block.key)
                return out
        return self._unpacked(reader, block, one, at_ns, out)

    def _begin_cluster(self, block: Block) -> None:
        """Chunks hold what a Cluster of the recording holds, or less."""
        if self._cluster is None:
            for each in self._lanes.values():
                each.clock = LaneTimes(block.ticks * self._scale_ns + self._shift_ns)
        self._cluster = block.cluster

    def _unpacked(
        self, reader: PacketReader, block: Block, one: Lane, at_ns: int, out: Iterable[bytes]
    ) -> Iterator[bytes]:
        """The same for a block that is not plain, or comes after a gap."""
        yield from out
        for packet in reader.unpack(block):
            payload = packet.payload
            if packet.laced and one.told:
                at_ns = one.end_ns
            elif missing := one.missing(at_ns, payload):
                yield from self._silence(one, missing)
            duration_ns = packet.duration * self._scale_ns
            self._put(one, at_ns, payload, packet.key, duration_ns, packet.discard_ns)

    def _put(
        self, one: Lane, at_ns: int, payload: bytes, key: bool, duration_ns: int = 0, discard_ns: int = 0
    ) -> None:
        """Tell a packet, and hold it."""
        one.told = True
        if stored := one.tell(at_ns, payload, key, duration_ns, discard_ns):
            one.held.append(stored)
            self._size += len(stored)
            self.packets += 1
        else:
            self.broken += 1

    def _silence(self, one: Lane, count: int) -> Iterator[bytes]:
        for piece, samples in one.silence(count):
            one.tell_silence(len(piece), samples)
            one.held.append(piece)
            self._size += len(piece)
            if self._size > MAX_CLUSTER:
                yield from self._chunked()

    def _chunked(self) -> tuple[bytes, ...]:
        """A chunk of each track ends here; the box of those gathered, once it is long enough."""
        self._end_chunks()
        return (self._boxed(),) if self._data_size >= DATA else ()

    def _end_chunks(self) -> None:
        for one in self._lanes.values():
            if one.held:
                one.samples.end_chunk(self._at + self._data_size)
                self._data_size += sum(map(len, one.held))
                self._data += one.held
                one.held.clear()
        self._size = 0

    def _boxed(self) -> bytes:
        """The box that was gathered; the file's beginning before the first one."""
        head = self._start + data_head(self._data_size)
        out = b"".join((head, *self._data))
        self._start = b""
        self._data.clear()
        self._at += self._data_size + DATA_HEAD
        self._data_size = 0
        return out

    def finish(self) -> bytes:
        """Return the last samples, and what says where all are. Raises ConvertError."""
        self._end_chunks()
        if not self.packets:
            return b""
        tracks = [one.finished() for one in self._lanes.values() if one.samples.count]
        begin_ns = min(track.start_ns for track in tracks)
        for track in tracks:
            track.start_ns -= begin_ns
        return self._boxed() + movie(tracks)
