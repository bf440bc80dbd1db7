"""A WAV file while it is recorded: 32-bit float samples, sizes written at the end, RF64 beyond 4 GiB.

    file = header(48_000, 2) + samples          # what the recorder delivers
    stream = WavStream()
    for chunk in chunks:
        write(stream.feed(chunk))               # the chunk itself
    for patch in stream.finish().patches:       # RIFF's sizes, or RF64's
        write_at(patch.offset, patch.data)

Until it is finished all sizes say "to the end of the file" (0xFFFFFFFF), as streamed WAV does. The JUNK chunk
at the front is what RF64 turns into its ds64 chunk (EBU Tech 3306 version 1.1, section 3.5), so that no
sample is moved.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from rolltape.media.ending import Ending, Patch

IEEE_FLOAT = 3
BYTES_A_SAMPLE = 4
UNKNOWN = 0xFFFFFFFF
MAX_CHANNELS = 1024
MAX_RATE_HZ = 1 << 20
"""No recorder of ours makes more: a header that says so is damaged."""
DS64_SIZE = 28

# RIFF head; JUNK in the place of ds64; fmt with an empty extension and fact, as formats other than integer
# PCM must have them (Microsoft, "Multiple Channel Audio Data and WAVE Files"); then the data.
_HEADER = struct.Struct("<4sI4s 4sI28x 4sIHHIIHHH 4sII 4sI")
_DS64 = struct.Struct("<4sIQQQI")
_RIFF_SIZE_AT = 4
_JUNK_AT = 12
_FACT_AT = _HEADER.size - 20
_DATA_SIZE_AT = _HEADER.size - 4
HEADER_SIZE = _HEADER.size


def header(sample_rate_hz: int, channels: int) -> bytes:
    """Return the beginning of a file whose length is not known yet."""
    frame = channels * BYTES_A_SAMPLE
    return _HEADER.pack(
        *(b"RIFF", UNKNOWN, b"WAVE"),
        *(b"JUNK", DS64_SIZE),
        *(b"fmt ", 18, IEEE_FLOAT, channels, sample_rate_hz, sample_rate_hz * frame, frame, 32, 0),
        *(b"fact", 4, UNKNOWN),
        *(b"data", UNKNOWN),
    )


@dataclass(frozen=True)
class _Format:
    channels: int
    sample_rate_hz: int

    @property
    def frame(self) -> int:
        return self.channels * BYTES_A_SAMPLE


class WavStream:
    """Counts the samples of a file that begins with `header`, and knows the sizes to write at its end."""

    def __init__(self) -> None:
        self.problem = ""
        """Why this is none of our WAV files; empty while it is."""
        self._head = b""
        self._format: _Format | None = None
        self._size = 0

    def feed(self, chunk: bytes) -> bytes:
        """Return the chunk itself; never raises."""
        if len(self._head) < HEADER_SIZE:
            self._head += chunk[: HEADER_SIZE - len(self._head)]
            if len(self._head) == HEADER_SIZE:
                self._read_header()
        self._size += len(chunk)
        return chunk

    def patches(self) -> Sequence[Patch]:
        """None: all sizes are written at the end."""
        return ()

    def finish(self) -> Ending:
        """Return the sizes in RIFF's own fields, or beyond 4 GiB in RF64's; half a frame at the end is cut off."""
        if self._format is None or self.problem:
            return Ending(None, b"", ())
        frames, torn = divmod(self._size - HEADER_SIZE, self._format.frame)
        size = self._size - torn
        fits = size - 8 < UNKNOWN
        patches = _riff_sizes(size, frames) if fits else _rf64_sizes(size, frames)
        return Ending(size if torn else None, b"", patches)

    @property
    def head(self) -> int:
        """The header, which has the sizes; 0 while it is not known to be ours."""
        return HEADER_SIZE if self._format is not None else 0

    @property
    def stable(self) -> int:
        """All whole frames; all there is of a file that is not ours."""
        if self._format is None:
            return self._size if self.problem else 0
        return self._size - (self._size - HEADER_SIZE) % self._format.frame

    @property
    def has_media(self) -> bool:
        """True once the file holds a sample."""
        return self._size > HEADER_SIZE

    @property
    def duration_ms(self) -> float | None:
        """Duration of the samples in milliseconds; None if this is not a WAV file of ours."""
        if self._format is None:
            return None
        return (self._size - HEADER_SIZE) // self._format.frame * 1000 / self._format.sample_rate_hz

    def _read_header(self) -> None:
        channels, sample_rate_hz = struct.unpack_from("<HI", self._head, _JUNK_AT + 8 + DS64_SIZE + 10)
        is_possible = 0 < channels <= MAX_CHANNELS and 0 < sample_rate_hz <= MAX_RATE_HZ
        if not is_possible or not _is_ours(self._head, channels, sample_rate_hz):
            self.problem = "This is no WAV file of this recorder."
            return
        self._format = _Format(channels, sample_rate_hz)


def _is_ours(head: bytes, channels: int, sample_rate_hz: int) -> bool:
    """True if the header is ours, its sizes and the place for ds64 aside."""
    expected = header(sample_rate_hz, channels)
    start, end = _JUNK_AT + 8 + DS64_SIZE, _FACT_AT + 8
    same_head = head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE"
    return same_head and head[start:end] == expected[start:end] and head[-8:-4] == b"data"


def _riff_sizes(size: int, frames: int) -> tuple[Patch, ...]:
    return (
        Patch(_FACT_AT + 8, struct.pack("<I", frames)),
        Patch(_DATA_SIZE_AT, struct.pack("<I", size - HEADER_SIZE)),
        Patch(_RIFF_SIZE_AT, struct.pack("<I", size - 8)),
    )


def _rf64_sizes(size: int, frames: int) -> tuple[Patch, ...]:
    """The 32-bit sizes stay at 0xFFFFFFFF: they send the reader to ds64."""
    ds64 = _DS64.pack(b"ds64", DS64_SIZE, size - 8, size - HEADER_SIZE, frames, 0)
    return (Patch(_JUNK_AT, ds64), Patch(0, b"RF64"))
