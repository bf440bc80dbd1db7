"""Reads an MP4 file in fragments as it comes: tracks, times and gaps, and where a torn one may be cut.

This is what browsers record (ISO/IEC 14496-12, section 8.8): a moov without samples, then pairs of moof and mdat.
Payloads are passed over. A fragment counts once its mdat is whole.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MAX_BOX: Final = 16 << 20
"""No moov or moof is longer."""
GAP_MS: Final = 500.0
"""A track without a sample for longer than this has a gap."""
MAX_GAPS: Final = 256
"""So many gaps of a file are kept."""

_DURATION_GIVEN, _SIZE_GIVEN, _FLAGS_GIVEN, _OFFSET_GIVEN = 0x100, 0x200, 0x400, 0x800


@dataclass(slots=True)
class FragmentTrack:
    """A track and how far it has come; times in ticks of its own timescale."""

    is_picture: bool
    timescale: int
    default_duration: int = 0
    samples: int = 0
    first: int | None = None
    end: int = 0
    gaps: list[tuple[float, float]] = field(default_factory=list)
    """In milliseconds."""

    def ms(self, ticks: int) -> float:
        """Return a time of the track in milliseconds."""
        return ticks * 1000 / self.timescale

    @property
    def mean_ms(self) -> float:
        """The length of a sample on the average; 0 before the first."""
        return self.ms(self.end - (self.first or 0)) / max(1, self.samples)

    def add(self, begin: int, samples: int, length: int) -> None:
        """Count a run of `samples` that begins at `begin` and lasts `length`, both in ticks; note a gap before it."""
        if self.first is None:
            self.first = begin
        elif self.ms(begin - self.end) > GAP_MS and len(self.gaps) < MAX_GAPS:
            self.gaps.append((self.ms(self.end), self.ms(begin)))
        self.samples += samples
        self.end = max(self.end, begin + length)


class FragmentReader:
    """Reads one file from its first byte on. All that is public is to be read only."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes fed so far."""
        self.problem = ""
        """Why it could not go on; nothing is read any more."""
        self.has_payload = False
        """Whether an mdat has begun, whatever is in it."""
        self.tracks: dict[int, FragmentTrack] = {}
        """By track_ID."""
        self._tail = b""
        self._skip = 0
        self._in_samples = False
        """What is skipped is an mdat."""
        self._runs: list[tuple[FragmentTrack, int, int, int]] = []
        """The runs of samples whose mdat is awaited."""

    @property
    def readable_end(self) -> int:
        """The end of what a player can use: a torn mdat's whole samples are, a torn moof is not."""
        if self.problem or not self.tracks:
            return self.size
        torn = len(self._tail) if not self._skip else 0
        return self.size - torn

    def feed(self, data: bytes) -> None:
        """Take the file's next bytes; never raises."""
        self.size += len(data)
        if self.problem:
            return
        if self._skip > len(data):
            self._skip -= len(data)
            return
        data = data[self._skip :] if self._skip else self._tail + data
        if self._skip:
            self._tail, self._skip = b"", 0
            self._end_box()
        self._read(data)

    def _read(self, data: bytes) -> None:
        at = 0
        while (head := _head(data, at)) is not None:
            kind, body, end = head
            if not _is_kind(kind) or end < body:
                self.problem = f"The recording is damaged at byte {self.size - len(data) + at}."
                return
            self._in_samples = kind == b"mdat"
            self.has_payload = self.has_payload or self._in_samples
            if kind in (b"moov", b"moof") and end - body <= MAX_BOX:
                if end > len(data):
                    break
                self._learn(kind, data[body:end])
            elif end > len(data):
                if kind == b"mdat":
                    self._skip, self._tail = end - len(data), b""
                    return
                break
            at = end
            self._end_box()
        self._tail = data[at:]

    def _end_box(self) -> None:
        """A box is whole: an mdat makes the runs before it count."""
        if self._in_samples:
            for track, begin, samples, length in self._runs:
                track.add(begin, samples, length)
            self._runs.clear()
        self._in_samples = False

    def _learn(self, kind: bytes, payload: bytes) -> None:
        try:
            if kind == b"moov":
                self._read_movie(payload)
            else:
                self._runs = [
                    run for inner, traf in _boxes(payload) if inner == b"traf" for run in self._run(traf)
                ]
        except (struct.error, KeyError, IndexError):
            self.problem = "The recording's description of itself is damaged."

    def _read_movie(self, payload: bytes) -> None:
        for kind, inner in _boxes(payload):
            if kind == b"trak":
                found = dict(_boxes(inner))
                media = dict(_boxes(found.get(b"mdia", b"")))
                header, described = found[b"tkhd"], media[b"mdhd"]
                ident = struct.unpack_from(">I", header, 20 if header[0] else 12)[0]
                timescale = struct.unpack_from(">I", described, 20 if described[0] else 12)[0]
                is_picture = media.get(b"hdlr", b"")[8:12] == b"vide"
                self.tracks[ident] = FragmentTrack(is_picture, timescale or 1000)
        for kind, inner in _boxes(dict(_boxes(payload)).get(b"mvex", b"")):
            if kind == b"trex":
                ident, _, duration = struct.unpack_from(">III", inner, 4)
                if ident in self.tracks:
                    self.tracks[ident].default_duration = duration

    def _run(self, traf: bytes) -> Iterator[tuple[FragmentTrack, int, int, int]]:
        """A track's samples in a fragment: when they begin, how many, how long in all."""
        found = dict(_boxes(traf))
        header = found[b"tfhd"]
        flags, ident = struct.unpack_from(">II", header)
        track = self.tracks.get(ident)
        if track is None:
            return
        default = track.default_duration
        at = 8 + 8 * bool(flags & 1) + 4 * bool(flags & 2)
        if flags & 8:
            default = struct.unpack_from(">I", header, at)[0]
        when = found.get(b"tfdt", b"")
        begin = struct.unpack_from(">Q" if when[0] else ">I", when, 4)[0] if when else track.end
        for kind, run in _boxes(traf):
            if kind == b"trun":
                count, length = _measured(run, default)
                yield track, begin, count, length
                begin += length


def _measured(run: bytes, default: int) -> tuple[int, int]:
    """How many samples a trun has, and how long they last."""
    flags, count = struct.unpack_from(">II", run)
    if not flags & _DURATION_GIVEN:
        return count, count * default
    step = 4 * sum(
        bool(flags & given) for given in (_DURATION_GIVEN, _SIZE_GIVEN, _FLAGS_GIVEN, _OFFSET_GIVEN)
    )
    at = 8 + 4 * bool(flags & 1) + 4 * bool(flags & 4)
    count = min(count, (len(run) - at) // step)
    return count, sum(struct.unpack_from(">I", run, at + number * step)[0] for number in range(count))


def _head(data: bytes, at: int) -> tuple[bytes, int, int] | None:
    """A box's type, where its payload begins, where it ends; None while that is not all there."""
    if at + 8 > len(data):
        return None
    size, kind = struct.unpack_from(">I4s", data, at)
    if size == 1:
        if at + 16 > len(data):
            return None
        return kind, at + 16, at + struct.unpack_from(">Q", data, at + 8)[0]
    return kind, at + 8, at + size


def _boxes(payload: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes of a whole payload, up to one that does not fit."""
    at = 0
    while (head := _head(payload, at)) is not None:
        kind, body, end = head
        if not body <= end <= len(payload):
            return
        yield kind, payload[body:end]
        at = end


def _is_kind(kind: bytes) -> bool:
    return all(0x20 <= letter < 0x7F or letter == 0xA9 for letter in kind)
