"""Which picture a track shows at which of its frames: the one that was captured nearest, black where there is none.

Cameras give pictures when they come; an editor wants one each so many milliseconds. A picture stays until the middle
between it and the next one. Where none came for a second (a pause, a gap, a machine that slept) the track is black.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, pairwise

from rolltape.tracks.session import PartFacts

__all__ = ["MOST_KINDS", "RATES", "Pictures", "Seen", "Shown", "captured", "frame_rate", "shown", "timecode"]

RATES = (24, 25, 30, 50, 60)
"""Frames a second that editors know; each divides 48 000 samples."""
HOLE_MS = 1000.0
BLACK = -1
MOST_KINDS = 4


@dataclass(frozen=True)
class Seen:
    """The pictures of a file, before they are decoded."""

    width: int
    height: int
    stamps_ms: array[float]
    """When each was captured, in the file's own time; in order."""
    codec: str = ""
    """FFmpeg's name of it."""
    is_in_order: bool = True
    """Whether they are stored in that order too."""
    described: tuple[bytes, ...] = ()
    """Of H.264 the different configurations (ISO/IEC 14496-15) that its key frames have, the first MOST_KINDS."""
    begins_whole: bool = True
    """Whether the first one is a key frame, which needs none before it."""


@dataclass(frozen=True)
class Pictures:
    """A file's pictures on the track."""

    file: int
    """Which one, as the caller counts them."""
    at_ms: array[float]
    """When each was captured, since the session's first sample; in order."""


@dataclass(frozen=True)
class Shown:
    """A picture, and for how many of the track's frames."""

    file: int
    """`BLACK` for none."""
    picture: int
    frames: int


def captured(part: PartFacts, seen: Seen, room_ms: Callable[[float], float], began_ms: float) -> array[float]:
    """When a file's pictures were captured, since `began_ms` on the room's clock."""
    begins = [one.in_file_ms for one in part.stretches]
    found = array("d")
    for stamp_ms in seen.stamps_ms:
        stretch = part.stretches[max(0, bisect_right(begins, stamp_ms) - 1)]
        found.append(room_ms(stamp_ms - stretch.in_file_ms + stretch.at_ms) - began_ms)
    return found


def timecode(began: datetime | None, rate: int) -> str:
    """Return the timecode (SMPTE ST 12-1, `HH:MM:SS:FF`) of the frame that is nearest to a time of day; None: none.

    >>> timecode(datetime(2026, 3, 1, 9, 5, 7, 490_000), 25), timecode(datetime(2026, 3, 1, 23, 59, 59, 999_000), 25)
    ('09:05:07:12', '00:00:00:00')
    """
    if began is None:
        return ""
    seconds = (began.hour * 60 + began.minute) * 60 + began.second
    frames = (seconds * rate + round(began.microsecond * rate / 1e6)) % (24 * 3600 * rate)
    seconds, frame = divmod(frames, rate)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}"


def frame_rate(files: Iterable[Seen]) -> int:
    """The rate that comes nearest to most pictures; 30 where there are too few to tell."""
    steps = Counter(
        round(after - before, 1)
        for one in files
        for before, after in pairwise(one.stamps_ms)
        if after > before
    )
    if not steps:
        return 30
    # Sorted one by one, hours of them would take tens of megabytes.
    values = sorted(steps)
    up_to = list(accumulate(steps[value] for value in values))
    usual_ms = values[bisect_right(up_to, up_to[-1] // 2)]
    return min(RATES, key=lambda rate: abs(math.log(1000 / rate / usual_ms)))


def shown(files: Sequence[Pictures], rate: int, frames: int) -> Iterator[Shown]:
    """What a track shows, `frames` in all. What two files have both, the first one gives."""
    done = 0
    before: tuple[float, int, int] | None = None
    for picture in _in_order(files):
        if before is not None:
            is_hole = picture[0] - before[0] >= HOLE_MS
            until = _alone(before, rate) if is_hole else math.ceil((before[0] + picture[0]) / 2 * rate / 1000)
            if (count := min(until, frames) - done) > 0:
                yield Shown(before[1], before[2], count)
                done += count
        if before is None or is_hole:
            count = min(_alone(picture, rate) - 1, frames) - done
            if count > 0:
                yield Shown(BLACK, 0, count)
                done += count
        before = picture
    if before is not None and (count := min(_alone(before, rate), frames) - done) > 0:
        yield Shown(before[1], before[2], count)
        done += count
    if frames > done:
        yield Shown(BLACK, 0, frames - done)


def _alone(picture: tuple[float, int, int], rate: int) -> int:
    """The frame after the one that is nearest to a picture."""
    return math.floor(picture[0] * rate / 1000 + 0.5) + 1


def _in_order(files: Sequence[Pictures]) -> Iterator[tuple[float, int, int]]:
    """When, which file's, which of it."""
    latest_ms = -math.inf
    for one in sorted((one for one in files if one.at_ms), key=lambda one: one.at_ms[0]):
        for index, at_ms in enumerate(one.at_ms):
            if at_ms > latest_ms:
                latest_ms = at_ms
                yield at_ms, one.file, index
