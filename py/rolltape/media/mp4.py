"""Writes the boxes of an MP4 file (ISO/IEC 14496-12) around its samples, in order: nothing is ever patched.

write(file_type(kinds))                              # of its sample entries
write(data_head(size) + data)                        # samples, in as many such boxes as it takes
track = Mp4Track(entry, timescale, start, samples)   # `samples` was told of each sample as it was stored
write(movie([track, ...]))                           # where all of them are
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final

LARGE: Final = 1 << 32
"""What does not fit into 32 bits: such sizes and offsets take 64."""
DATA_HEAD: Final = 8
"""Bytes of `data_head`."""
REORDERED: Final = 16
"""No encoder shows a picture more than so many pictures later than it is stored (H.264, A.3.1 g)."""

_IDENTITY: Final = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_UNDETERMINED: Final = 0x55C4  # the language "und", in three times five bits (8.4.2.3)
_ENABLED_IN_MOVIE, _IN_MOVIE = 3, 2
_SELF_CONTAINED: Final = 1


def box(kind: bytes, *parts: bytes) -> bytes:
    """Write a box (4.2)."""
    payload = b"".join(parts)
    return struct.pack(">I4s", len(payload) + 8, kind) + payload


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """Write a box with a version and flags (4.2)."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


class Runs:
    """A table of (how many, value), as MP4 has them for times (8.6.1)."""

    def __init__(self) -> None:
        self._pairs = array("q")

    def __len__(self) -> int:
        return len(self._pairs) // 2

    def add(self, value: int, count: int = 1) -> None:
        """Append this value, once or `count` times."""
        pairs = self._pairs
        if pairs and pairs[-1] == value:
            pairs[-2] += count
        else:
            pairs.append(count)
            pairs.append(value)

    def raise_last(self, by: int) -> int:
        """Make the latest value higher by so much, or lower, as far as 32 bits go; by how much it is now."""
        count, value = self._pairs[-2:]
        del self._pairs[-2:]
        if count > 1:
            self.add(value, count - 1)
        raised = min(max(0, value + by), LARGE - 1)
        self.add(raised)
        return raised - value

    def stored(self, raised: int = 0) -> bytes:
        """Return the table's entries, each value so much higher."""
        pairs = self._pairs
        if raised:
            pairs = array("q", pairs)
            for at in range(1, len(pairs), 2):
                pairs[at] += raised
        return struct.pack(">I", len(self)) + _big_endian("I", pairs)


class Samples:
    """The samples of a track in the order they are stored: sizes, chunks, and how long they last."""

    def __init__(self) -> None:
        self.count = 0
        self.end = 0
        """When the latest one ends, in the track's timescale; the first one begins at 0."""
        self.sizes = array("I")
        self.same_size = 0
        """Bytes of each sample where all have the same: then `sizes` stays empty."""
        self.durations = Runs()
        self._offsets = array("Q")
        self._chunks = array("I")
        self._chunked = 0
        self._per_chunk = 0

    def add(self, size: int, duration: int) -> None:
        """Add a sample of `size` bytes that lasts `duration` ticks."""
        self.count += 1
        self.end += duration
        self.sizes.append(size)
        self.durations.add(duration)

    def stretch(self, ticks: int) -> None:
        """Have the latest sample last `ticks` longer, or shorter, but never less than nothing."""
        if self.count:
            self.end += self.durations.raise_last(ticks)

    def add_frames(self, frames: int) -> None:
        """Add samples of the one size, `same_size`, each of which lasts one tick."""
        self.count += frames
        self.end += frames
        self.durations.add(1, frames)

    def end_chunk(self, offset: int) -> None:
        """Note that the samples since the last call stand together, from byte `offset` of the file on."""
        length, self._chunked = self.count - self._chunked, self.count
        if not length:
            return
        self._offsets.append(offset)
        if length != self._per_chunk:
            self._per_chunk = length
            self._chunks.extend((len(self._offsets), length, 1))

    def finish(self) -> None:
        """Note that there are no more samples; called once, before `boxes`."""

    def boxes(self) -> Iterator[bytes]:
        """Write the tables that follow the sample description (8.6, 8.7)."""
        yield full_box(b"stts", 0, 0, self.durations.stored())
        yield full_box(
            b"stsc", 0, 0, struct.pack(">I", len(self._chunks) // 3), _big_endian("I", self._chunks)
        )
        sizes = _big_endian("I", self.sizes)
        yield full_box(b"stsz", 0, 0, struct.pack(">II", self.same_size, self.count), sizes)
        wide = bool(self._offsets) and self._offsets[-1] >= LARGE
        offsets = _big_endian("Q" if wide else "I", self._offsets)
        yield full_box(b"co64" if wide else b"stco", 0, 0, struct.pack(">I", len(self._offsets)), offsets)

    @property
    def delay(self) -> int:
        """Smallest composition offset, in ticks of the track; the edit list takes it out again."""
        return 0


class ShownSamples(Samples):
    """Samples with the time at which each is shown, which need not be the order in which they are stored.

    They are decoded at the same times in ascending order (8.6.1.3), so what reorders shows in `ctts` alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys = array("I")
        self._pending: list[int] = []
        """Times at which something is decoded, whose order is not certain yet."""
        self._shown: list[int] = []
        """Times at which those are shown that have no time of decoding yet."""
        self._decoded: int | None = None
        self._origin = 0
        self._latest = 0
        self._late = Runs()
        self._delay = 0
        self._length = 0

    def add_picture(self, size: int, shown: int, key: bool, duration: int = 0) -> None:
        """Add a picture of `size` bytes, shown at tick `shown`; its `duration` in ticks counts if it is the last."""
        self.count += 1
        self.sizes.append(size)
        if key:
            self._keys.append(self.count)
        if self.count == 1:
            self._origin = shown
        self._latest, self._length = max(self._latest, shown), duration
        self._shown.append(shown)
        heappush(self._pending, shown)
        if len(self._pending) > REORDERED:
            self._settle()

    def finish(self) -> None:
        """Give the last samples their times of decoding; called once, after the last one and before `boxes`."""
        while self._pending:
            self._settle()
        pairs = len(self.durations)
        length = self._length or (self.end // max(1, self.count - 1) if pairs else 0) or 1
        self.durations.add(length)
        self.end += length

    def _settle(self) -> None:
        """The earliest of the pending times is when the next sample is decoded."""
        decoded, shown = heappop(self._pending), self._shown.pop(0)
        if self._decoded is not None:
            step = max(0, decoded - self._decoded)
            self.durations.add(step)
            self.end += step
            decoded = self._decoded + step
        else:
            self._origin = decoded
        self._decoded = decoded
        self._late.add(shown - decoded)
        self._delay = max(self._delay, decoded - shown)

    @property
    def origin(self) -> int:
        """Presentation time of the first picture, in ticks of the clock that the caller counts by."""
        return self._origin

    @property
    def delay(self) -> int:
        """By how many ticks what reorders makes pictures later than their times say."""
        return self._delay

    def boxes(self) -> Iterator[bytes]:
        """Write the same, with the reordering and the key frames, where not every sample is one (8.6.1.3, 8.6.2)."""
        yield from super().boxes()
        if self._delay or len(self._late) > 1:
            yield full_box(b"ctts", 0, 0, self._late.stored(self._delay))
        if len(self._keys) < self.count:
            yield full_box(b"stss", 0, 0, struct.pack(">I", len(self._keys)), _big_endian("I", self._keys))


@dataclass
class Mp4Track:
    """A track, once all its samples are known."""

    entry: bytes
    """The sample entry, which says what decodes it (8.5.2)."""
    samples: Samples
    timescale: int
    """Ticks per second of its own clock."""
    start_ns: int
    """When it begins to be seen or heard, after the movie's beginning."""
    size: tuple[int, int] | None = None
    """Width and height of a picture; None for sound."""
    skip: int = 0
    """Ticks at its beginning that are decoded but not heard."""
    discard: int = 0
    """The same at its end."""
    entry_version: int = 0
    """Of the sample description: 1 where a sound's entry is of version 1 (12.2.3)."""
    extra: tuple[bytes, ...] = field(default=())
    """More boxes for its sample table."""
    timecode: int = 0
    """Number of the track that has its timecode, from 1 on; 0: none."""
    is_timecode: bool = False
    """True for such a track, which is neither seen nor heard."""

    @property
    def length(self) -> int:
        """Ticks that are seen or heard."""
        return max(1, self.samples.end - self.skip - self.discard)


def file_type(kinds: Iterable[bytes]) -> bytes:
    """Write the file type box (4.3), with a brand for the kinds of sample entries that have one."""
    held = set(kinds)
    named = b"".join(brand for brand in (b"avc1", b"av01") if brand in held)
    return box(b"ftyp", b"isom", struct.pack(">I", 0x200), b"isomiso2", named, b"mp41")


def data_head(size: int) -> bytes:
    """Return the header of an `mdat` box of `size` bytes of samples, fewer than 4 GiB (ISO/IEC 14496-12, 8.1.1)."""
    return struct.pack(">I4s", size + DATA_HEAD, b"mdat")


def movie(tracks: Sequence[Mp4Track]) -> bytes:
    """Write the movie box (8.2); its clock is the first sound's, in whose samples its edit list counts."""
    scale = next((track.timescale for track in tracks if track.size is None), 1000)
    seen: set[bool] = set()
    boxes, longest = [], 0
    for number, track in enumerate(tracks, 1):
        first = (track.size is None) not in seen
        seen.add(track.size is None)
        edits = _Edits(track, scale)
        longest = max(longest, edits.end)
        boxes.append(_track(track, number, _ENABLED_IN_MOVIE if first else _IN_MOVIE, edits))
    version, times = _times(longest)
    header = full_box(
        *(b"mvhd", version, 0, struct.pack(times, 0, 0, scale, longest)),
        *(
            struct.pack(">IHHQ", 0x10000, 0x100, 0, 0),
            _IDENTITY,
            bytes(24),
            struct.pack(">I", len(tracks) + 1),
        ),
    )
    return box(b"moov", header, *boxes)


class _Edits:
    """When a track begins, and what of it is left out, on the movie's clock (8.6.5, 8.6.6)."""

    def __init__(self, track: Mp4Track, scale: int) -> None:
        self.empty = track.start_ns * scale // 1_000_000_000
        self.length = -(-track.length * scale // track.timescale)
        self.end = self.empty + self.length
        self._media = track.skip + track.samples.delay
        self._needed = bool(self.empty or self._media or track.discard)

    def boxes(self) -> list[bytes]:
        """Write the edit box, where there is anything to say."""
        if not self._needed:
            return []
        wide = self.end >= LARGE or self._media >= LARGE >> 1
        entry = ">QqI" if wide else ">IiI"
        entries = [struct.pack(entry, self.empty, -1, 0x10000)] if self.empty else []
        entries.append(struct.pack(entry, self.length, self._media, 0x10000))
        return [box(b"edts", full_box(b"elst", int(wide), 0, struct.pack(">I", len(entries)), *entries))]


def _track(track: Mp4Track, number: int, flags: int, edits: _Edits) -> bytes:
    """The track box (8.3)."""
    version = int(edits.end >= LARGE)
    width, height = track.size or (0, 0)
    header = full_box(
        *(
            b"tkhd",
            version,
            flags,
            struct.pack(">QQIIQ" if version else ">IIIII", 0, 0, number, 0, edits.end),
        ),
        struct.pack(">QhhHH", 0, 0, *_group_and_volume(track), 0),
        *(_IDENTITY, struct.pack(">II", width << 16, height << 16)),
    )
    version, times = _times(track.samples.end)
    media = full_box(
        *(b"mdhd", version, 0, struct.pack(times, 0, 0, track.timescale, track.samples.end)),
        struct.pack(">HH", _UNDETERMINED, 0),
    )
    if track.is_timecode:
        kind, name, about = b"tmcd", b"Timecode\0", full_box(b"nmhd", 0, 0)
    elif track.size:
        kind, name, about = b"vide", b"Picture\0", full_box(b"vmhd", 0, 1, bytes(8))
    else:
        kind, name, about = b"soun", b"Sound\0", full_box(b"smhd", 0, 0, bytes(4))
    handler = full_box(b"hdlr", 0, 0, bytes(4), kind, bytes(12), name)
    here = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, _SELF_CONTAINED)))
    description = full_box(b"stsd", track.entry_version, 0, struct.pack(">I", 1), track.entry)
    table = box(b"stbl", description, *track.samples.boxes(), *track.extra)
    information = box(b"minf", about, here, table)
    refers = [box(b"tref", box(b"tmcd", struct.pack(">I", track.timecode)))] if track.timecode else []
    return box(b"trak", header, *edits.boxes(), *refers, box(b"mdia", media, handler, information))


def _group_and_volume(track: Mp4Track) -> tuple[int, int]:
    """Of those of one group one alone is seen or heard."""
    if track.is_timecode:
        return 0, 0
    return (1, 0) if track.size else (2, 0x100)


def _times(length: int) -> tuple[int, str]:
    """Version and form of times that hold this length."""
    return (1, ">QQIQ") if length >= LARGE else (0, ">IIII")


def _big_endian(kind: str, values: array[int]) -> bytes:
    """The numbers in 4 ("I") or 8 ("Q") bytes each."""
    stored = values if values.typecode == kind else array(kind, values)
    if sys.byteorder == "little":
        stored = array(kind, stored)
        stored.byteswap()
    return stored.tobytes()
