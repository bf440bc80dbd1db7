"""Points out of a recording itself: when each block of its sound was stamped, and how many samples came before it."""

from __future__ import annotations

from collections.abc import Iterable

from rolltape.media.webm_packets import BlockReader
from rolltape.media.webm_track import OPUS_RATE, Kind, Track, opus_samples
from rolltape.tracks.runs import Point

__all__ = ["stamps", "tell_nothing"]

EXACT_MS = 1.5
"""Stamps that follow from the count of samples differ from it by rounding alone."""
STANDS = 0.9
"""No microphone gives its samples within less than this of the time that they last."""


def stamps(pieces: Iterable[bytes]) -> list[Point]:
    """Return a point for each block of a WebM or Matroska file's first sound track; `pieces` are its bytes, in order.

    Empty for other files, and for sound whose samples cannot be counted. `page_ms` counts from the beginning of the
    file's time, which is the page's clock only where the recorder stamps by it (`tell_nothing`).
    """
    reader = BlockReader()
    found: list[Point] = []
    track: Track | None = None
    samples = 0
    for piece in pieces:
        for block in reader.feed(piece):
            track = track or next((one for one in reader.tracks if one.kind is Kind.AUDIO), None)
            if track is None or block.track != track.number:
                continue
            rate, count = _counted(track, block.peek, block.size)
            if not rate or not count:
                return []
            found.append(Point(samples * 1000 / rate, block.ticks * reader.scale_ns / 1e6))
            samples += count
    return found


def _counted(track: Track, peek: bytes, size: int) -> tuple[float, int]:
    """Samples a second, and in a block that begins so; 0 where they cannot be counted."""
    frame = track.channels * track.bit_depth // 8
    if track.codec == "A_OPUS":
        return float(OPUS_RATE), opus_samples(peek, size)
    if track.codec.startswith("A_PCM/") and frame:
        return track.sampling_rate, size // frame
    return 0.0, 0


def tell_nothing(points: list[Point]) -> bool:
    """True if the stamps say nothing of how fast samples came: they are their count (Firefox), or stand still.

    In Chromium they stand for as long as a sound server says that it is later and later.
    """
    if not points:
        return True
    first = points[0].page_ms - points[0].sample_ms
    sample_ms, page_ms = points[-1].sample_ms - points[0].sample_ms, points[-1].page_ms - points[0].page_ms
    if page_ms < STANDS * sample_ms:
        return True
    return all(abs(point.page_ms - point.sample_ms - first) <= EXACT_MS for point in points)
