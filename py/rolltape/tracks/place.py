"""Where a file's samples lie on the room's clock: segments, straight between their ends, none where sound was lost.

Two kinds of files are told apart (`stamps.tell_nothing`). Where a browser stamped its blocks by the clock, the stamps
tell how fast the sound came and where some is missing; pauses are closed up in them. Where it only counted samples,
the page's marks tell, on the page's clock, pauses and all; without marks the sound is taken to come as it is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from rolltape.tracks.runs import Point, Run, runs_of
from rolltape.tracks.session import PartFacts, Stretch
from rolltape.tracks.stamps import tell_nothing

__all__ = ["Heard", "Segment", "by_stamps", "placed", "runs_heard"]

MAX_PPM = 5000.0
"""No crystal is that far off: a run of so few points that it says so runs as it is counted."""
RAN_AWAY_MS = 60.0
"""A microphone's longest buffer is 46 ms: most readings of its counter are no later than that."""
FIRST_READINGS = 3
"""One of them may be late, as a page's is that is held up while a recording begins."""
EVER_MS = 1e15
OUTSIDE_MS = 3_600_000.0


@dataclass(frozen=True)
class Heard:
    """The sound of a file, before it is decoded."""

    rate: int
    """Samples a second."""
    channels: int
    samples: int
    """Of one channel, by the headers of its packets."""
    points: tuple[Point, ...]
    """When its packets were stamped, in the file's own time."""

    @property
    def length_ms(self) -> float:
        """How long it is by counting."""
        return self.samples * 1000 / self.rate


@dataclass(frozen=True)
class Segment:
    """Samples in a row, and when they were captured; milliseconds."""

    from_ms: float
    """By counting samples."""
    to_ms: float
    at_ms: float
    """On the room's clock."""
    until_ms: float


def by_stamps(part: PartFacts, heard: Heard) -> bool:
    """Whether the file's own stamps tell how fast its sound came."""
    return not tell_nothing(_believed(part, heard))


def runs_heard(part: PartFacts, heard: Heard) -> tuple[Run, ...]:
    """The sound between losses: by the file's own stamps where they tell, else by its page's marks."""
    points = _believed(part, heard)
    return part.runs if tell_nothing(points) else tuple(runs_of(points))


def placed(part: PartFacts, heard: Heard, room_ms: Callable[[float], float]) -> list[Segment]:
    """A file's sound in order. `room_ms` has the room's time so many milliseconds after the file began."""
    points = _believed(part, heard)
    if tell_nothing(points):
        pieces, late_ms = _by_marks(part, heard, points), part.late_ms
    else:
        runs = runs_of(points)
        pieces, late_ms = _by_stamps(part, heard, runs), part.late_ms - _counted_later_ms(part, runs[0])
    return [
        Segment(from_ms, to_ms, room_ms(at_ms - late_ms), room_ms(until_ms - late_ms))
        for from_ms, to_ms, at_ms, until_ms in pieces
        if to_ms > from_ms and until_ms > at_ms
    ]


def _believed(part: PartFacts, heard: Heard) -> list[Point]:
    """The stamps without those of a damaged file that lie an hour outside of what its page says it holds."""
    held_ms = max((one.in_file_ms + one.length_ms for one in part.stretches), default=0.0)
    latest_ms = max(held_ms, heard.length_ms) + OUTSIDE_MS
    return [one for one in heard.points if -OUTSIDE_MS <= one.page_ms <= latest_ms]


_Piece = tuple[float, float, float, float]
"""From and to, by counting samples; at and until, since the file began."""


def _counted_later_ms(part: PartFacts, first: Run) -> float:
    """By how much later than its stamps say the file's sound was captured, by its microphone's counter; 0 if unknown.

    All stamps are counted from the first one, which comes late by chance like any other, by up to 40 ms. When the
    counter came to a sample nobody reads too early: the earliest reading of all is the best. Where it ran away from
    the file, which then lacks what it counted, it tells no more.
    """
    later = [
        one.page_ms - first.page_ms(one.sample_ms) for one in part.counted if one.sample_ms <= first.to_ms
    ]
    if not later:
        return 0.0
    usual_ms = median(later[:FIRST_READINGS])
    return min(one for one in later if one > usual_ms - RAN_AWAY_MS)


def _by_stamps(part: PartFacts, heard: Heard, runs: Sequence[Run]) -> Iterator[_Piece]:
    ends = [*(one.from_ms for one in runs[1:]), heard.length_ms]
    begins = [0.0, *ends[:-1]]  # the first point may be of a block that is not the first
    for run, begin_ms, end_ms in zip(runs, begins, ends, strict=True):
        bends = [one.sample_ms for one in run.knots[1:-1] if begin_ms < one.sample_ms < end_ms]
        for from_ms, to_ms in pairwise([begin_ms, *bends, end_ms]):
            stamped = _stamped(run, from_ms), _stamped(run, to_ms)
            yield from _without_pauses((from_ms, to_ms, *stamped), part.stretches)


def _stamped(run: Run, sample_ms: float) -> float:
    if abs(run.ppm) > MAX_PPM:
        return run.page_ms(run.from_ms) + sample_ms - run.from_ms
    return run.page_ms(sample_ms)


def _without_pauses(piece: _Piece, stretches: Sequence[Stretch]) -> Iterator[_Piece]:
    """The piece cut at pauses, each bit of it moved to when it was captured."""
    from_ms, to_ms, at_ms, until_ms = piece
    if until_ms <= at_ms:
        return
    slope = (to_ms - from_ms) / (until_ms - at_ms)
    ends = [*(one.in_file_ms for one in stretches[1:]), EVER_MS]
    begins = [-EVER_MS, *ends[:-1]]
    for stretch, begin, end in zip(stretches, begins, ends, strict=True):
        first, last = max(at_ms, begin), min(until_ms, end)
        if last > first:
            moved = stretch.at_ms - stretch.in_file_ms
            yield (
                from_ms + slope * (first - at_ms),
                from_ms + slope * (last - at_ms),
                first + moved,
                last + moved,
            )


def _by_marks(part: PartFacts, heard: Heard, points: Sequence[Point]) -> Iterator[_Piece]:
    """Samples are laid out one after another wherever neither a pause is nor a loss, as fast as they came there."""
    began_ms = points[0].page_ms - points[0].sample_ms if points else 0.0
    laid_ms = 0.0
    for first, last, fast in _heard_while(part, began_ms):
        held_ms = min((last - first) * fast, heard.length_ms - laid_ms)
        if held_ms > 0:
            yield laid_ms, laid_ms + held_ms, first, first + held_ms / fast
            laid_ms += held_ms


def _heard_while(part: PartFacts, began_ms: float) -> Iterator[tuple[float, float, float]]:
    """From and until when sound came, and how fast; since the file began."""
    recorded = _recorded(part.stretches, began_ms)
    lines = _lines(part.runs)
    for from_ms, to_ms in recorded:
        for begin, end, fast in lines:
            first, last = max(from_ms, begin), min(to_ms, end)
            if last > first:
                yield first, last, fast


def _recorded(stretches: Sequence[Stretch], began_ms: float) -> list[tuple[float, float]]:
    ends = [*(one.at_ms + one.length_ms for one in stretches[:-1]), EVER_MS]
    begins = [began_ms, *(one.at_ms for one in stretches[1:])]
    return list(zip(begins, ends, strict=True))


def _lines(runs: Sequence[Run]) -> list[tuple[float, float, float]]:
    """Each run from its beginning to where the next one's loss begins; the first and the last go on."""
    if not runs:
        return [(-EVER_MS, EVER_MS, 1.0)]
    begins = [-EVER_MS, *(one.from_ms for one in runs[1:])]
    ends = [*(one.from_ms - max(0.0, one.lost_before_ms) for one in runs[1:]), EVER_MS]
    fast = [1.0 if abs(one.ppm) > MAX_PPM else 1 + one.ppm * 1e-6 for one in runs]
    return list(zip(begins, ends, fast, strict=True))
