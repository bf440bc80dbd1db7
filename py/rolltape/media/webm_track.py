"""What a recording says of its tracks, and what its blocks tell of them as they go by."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from rolltape.media import ebml
from rolltape.media.ebml import Id
from rolltape.media.webm_events import Block

WINDOW_MS: Final = 5_000
"""The length of a frame that does not tell it is the mean over about so long a time before it."""
MAX_MARKS: Final = 64
"""So many points in time are kept for that."""

MAX_RATE: Final = float(1 << 32)
"""No sampling rate is higher."""
OPUS_RATE: Final = 48_000
_OPUS_FRAMES: Final = (480, 960, 1920, 2880) * 3 + (480, 960) * 2 + (120, 240, 480, 960) * 4
"""Samples at 48 kHz in a frame, by the packet's configuration number (RFC 6716, section 3.1, table 2)."""


class Kind(Enum):
    """TrackType: what a track carries (RFC 9559, section 5.1.4.1.3)."""

    VIDEO = 1
    AUDIO = 2
    OTHER = 0


@dataclass(frozen=True, slots=True)
class Track:
    """A track as its TrackEntry describes it; 0 is what is not said, or does not apply."""

    number: int
    kind: Kind
    codec: str
    codec_private: bytes
    width: int
    height: int
    sampling_rate: float
    channels: int
    bit_depth: int
    default_duration_ns: int
    codec_delay_ns: int
    encoded: bool
    """Its blocks are compressed or encrypted once more (ContentEncodings): they say nothing by themselves."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a track without a frame."""

    track: int
    from_ms: float
    to_ms: float


@dataclass(frozen=True, slots=True)
class TrackProgress:
    """A track's counts, times, gaps and drift so far; times are in milliseconds, None before its first block."""

    blocks: int
    bytes: int
    first_ms: float | None
    last_ms: float | None
    """When its latest frame begins."""
    end_ms: float | None
    """When its latest frame ends."""
    gaps: int
    """Count of all its gaps, also of those that were not kept."""
    drift_ms: float | None
    """By how much its samples last longer than its timestamps say; None where they cannot be counted."""


def read_tracks(payload: bytes) -> tuple[Track, ...]:
    """Read the tracks in a whole Tracks payload that have a number (RFC 9559, section 5.1.4)."""
    entries = (
        _read_track(payload[body:end])
        for ident, _, body, end in ebml.children(payload)
        if ident == Id.TRACK_ENTRY
    )
    return tuple(track for track in entries if track.number)


def _read_track(payload: bytes) -> Track:
    entry = _fields(payload)
    video = _fields(entry.get(Id.VIDEO, b""))
    audio = _fields(entry.get(Id.AUDIO, b""))
    kind = ebml.read_uint(entry.get(Id.TRACK_TYPE, b""))
    return Track(
        number=ebml.read_uint(entry.get(Id.TRACK_NUMBER, b"")),
        kind=Kind(kind) if kind in (1, 2) else Kind.OTHER,
        codec=ebml.read_string(entry.get(Id.CODEC_ID, b"")),
        codec_private=entry.get(Id.CODEC_PRIVATE, b""),
        width=ebml.read_uint(video.get(Id.PIXEL_WIDTH, b"")),
        height=ebml.read_uint(video.get(Id.PIXEL_HEIGHT, b"")),
        sampling_rate=_rate(ebml.read_float(audio.get(Id.SAMPLING_FREQUENCY, b""))),
        channels=ebml.read_uint(audio.get(Id.CHANNELS, b"\1" if audio else b"")),
        bit_depth=ebml.read_uint(audio.get(Id.BIT_DEPTH, b"")),
        default_duration_ns=ebml.read_uint(entry.get(Id.DEFAULT_DURATION, b"")),
        codec_delay_ns=ebml.read_uint(entry.get(Id.CODEC_DELAY, b"")),
        encoded=Id.CONTENT_ENCODINGS in entry,
    )


def _rate(written: float) -> float:
    """A sampling rate, 0 where what is written cannot be one."""
    return written if 0 < written < MAX_RATE else 0.0


def _fields(payload: bytes) -> dict[int, bytes]:
    """An element's children, by id; of those that repeat, the last one."""
    return {ident: payload[body:end] for ident, _, body, end in ebml.children(payload)}


class Counter:
    """A track's blocks, counted. Times are in ticks of the file's TimestampScale."""

    __slots__ = (
        "_samples_in",
        "blocks",
        "bytes",
        "first",
        "gaps",
        "last",
        "last_duration",
        "last_samples",
        "longest",
        "marks",
        "rate",
        "samples",
        "tick_ms",
        "track",
    )

    def __init__(self, track: Track, tick_ms: float, gap_ms: float) -> None:
        self.track = track
        self.tick_ms = tick_ms
        self.longest = gap_ms / tick_ms
        self.rate, self._samples_in = _sample_counter(track)
        self.blocks = self.bytes = self.samples = 0
        self.first = self.last = 0
        self.last_duration = self.last_samples = 0
        self.gaps = 0
        self.marks: deque[tuple[int, int]] = deque(maxlen=MAX_MARKS)

    def add(self, block: Block) -> Gap | None:
        """Count a block; the gap before it, if there is one."""
        gap = None
        ticks = block.ticks
        if not self.blocks:
            self.first = self.last = ticks
            self.marks.append((ticks, 1))
        elif ticks > self.last:
            if ticks - self.last > self.longest:
                gap = self._gap(ticks)
            self.last = ticks
        self.blocks += 1
        self.bytes += block.size
        self.last_duration = block.duration
        self.last_samples = samples = self._samples_in(block.peek, block.size)
        self.samples += samples
        return gap

    def mark(self) -> None:
        """Remember this point for the length of frames; called once a cluster."""
        if not self.blocks:
            return
        marks = self.marks
        marks.append((self.last, self.blocks))
        oldest = self.last - WINDOW_MS / self.tick_ms
        while len(marks) > 1 and marks[1][0] <= oldest:
            marks.popleft()

    def end(self) -> float:
        """End of the latest frame, in ticks."""
        return self.last + self._frame()

    def progress(self) -> TrackProgress:
        """Return what was counted so far; times in milliseconds."""
        tick = self.tick_ms
        seen = self.blocks > 0
        return TrackProgress(
            blocks=self.blocks,
            bytes=self.bytes,
            first_ms=self.first * tick if seen else None,
            last_ms=self.last * tick if seen else None,
            end_ms=self.end() * tick if seen else None,
            gaps=self.gaps,
            drift_ms=self.drift_ms(),
        )

    def _gap(self, ticks: int) -> Gap | None:
        self.gaps += 1
        return Gap(self.track.number, self.last * self.tick_ms, ticks * self.tick_ms)

    def _frame(self) -> float:
        """Ticks that the latest frame lasts: as written, as counted, as promised, or as those before it."""
        if self.last_duration:
            return self.last_duration
        if self.last_samples:
            return self.last_samples * 1000 / self.rate / self.tick_ms
        if self.track.default_duration_ns:
            return self.track.default_duration_ns / 1e6 / self.tick_ms
        return self._span() / self._since() if self._since() else 0.0

    def _since(self) -> int:
        return self.blocks - self.marks[0][1] if self.marks else 0

    def _span(self) -> int:
        return self.last - self.marks[0][0] if self.marks else 0

    def drift_ms(self) -> float | None:
        """By how much the samples before the latest block last longer than its time says."""
        if not self.samples:
            return None
        counted_ms = (self.samples - self.last_samples) * 1000 / self.rate
        return counted_ms - (self.last - self.first) * self.tick_ms


def _sample_counter(track: Track) -> tuple[float, Callable[[bytes, int], int]]:
    """The rate at which a track's samples can be counted, 0 where they cannot, and how they are."""
    frame = track.channels * track.bit_depth // 8
    if track.codec == "A_OPUS" and not track.encoded:
        return OPUS_RATE, opus_samples
    if track.codec.startswith("A_PCM/") and frame and track.sampling_rate and not track.encoded:
        return track.sampling_rate, lambda peek, size: size // frame if peek else 0
    return 0.0, lambda _peek, _size: 0


def opus_samples(peek: bytes, size: int = 2) -> int:
    """Samples at 48 kHz in an Opus packet that begins so, 0 if that is not known (RFC 6716, section 3)."""
    if not peek or size < 1:
        return 0
    code = peek[0] & 3
    frames = 2 if code else 1
    if code == 3:
        frames = peek[1] & 0x3F if len(peek) > 1 else 0
    return _OPUS_FRAMES[peek[0] >> 3] * frames
