"""From a file's samples to its page's clock: runs between losses, each along a line that bends as crystals do.

A point says when a sample was stamped. Stamps come late by chance, never early, and settle in the first seconds. Lost
sound is a step up within a moment; a bend is the crystal's own, by its warmth.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rolltape.tracks.excursions import steadiness

__all__ = ["Point", "Run", "point_of_mark", "runs_of"]

BIN_MS = 6000.0
QUANTILE = 0.03
"""Of the points in a bin, from below: what came with next to no delay."""
STEP_MS = 8.0
"""Less is no lost buffer."""
WITHIN_MS = 1000.0
"""A loss is over by then; what takes longer is settling."""
CLOSE_MS = 300.0
"""On either side of a loss this much tells of it already."""
STEEPER = 2.5
"""So much higher than what rises before and after it is a step."""
SETTLING_MS = 20_000.0
SETTLING_WEIGHT = 0.02
KNOTS_MS = 300_000.0
STIFFNESS = 40.0
"""How much a bend costs, against a residual of 1 ms."""
FLATNESS = 1e-6
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Point:
    """A sample's time by counting, and by the page's clock; both in milliseconds."""

    sample_ms: float
    page_ms: float


def point_of_mark(
    page_ms: float,
    frames: float | None,
    graph_ms: float | None,
    graph_page_ms: float | None,
    rate_hz: float | None,
) -> Point | None:
    """A page's mark as a point; None where it tells nothing of the sound.

    By the microphone's own counter, else by an audio graph's clock, which is the file's then.
    """
    if frames is not None and rate_hz:
        return Point(frames * 1000 / rate_hz, page_ms)
    if graph_ms is not None and graph_page_ms is not None:
        return Point(graph_ms, graph_page_ms)
    return None


@dataclass(frozen=True)
class Run:
    """Sound without a loss: where it lies on the page's clock."""

    from_ms: float
    """Its first sample's time by counting."""
    to_ms: float
    """Its last one's."""
    knots: tuple[Point, ...]
    """Where it lies: straight lines between these, and on beyond the outer two."""
    residual_ms: float
    """Root of the mean square of what the points of its bins are off."""
    lost_before_ms: float = 0.0
    """How much sound was lost between the run before and this one."""

    @staticmethod
    def straight(
        at_ms: float, length_ms: float, fast: float, residual_ms: float, lost_before_ms: float
    ) -> Run:
        """Make a run from a moment of the page's clock on, whose samples come `fast` times as fast as counted."""
        end = Point(at_ms + length_ms * fast, at_ms + length_ms)
        knots = (Point(at_ms, at_ms), end)
        return Run(at_ms, end.sample_ms, knots, residual_ms, lost_before_ms)

    @property
    def ppm(self) -> float:
        """How much faster than the page's clock its samples came, in millionths, from end to end."""
        first, last = self.knots[0], self.knots[-1]
        length = last.page_ms - first.page_ms
        return ((last.sample_ms - first.sample_ms) / length - 1) * 1e6 if length else 0.0

    def page_ms(self, sample_ms: float) -> float:
        """Return when a sample was captured, by the page's clock; it is known by its time by counting."""
        places = [knot.sample_ms for knot in self.knots]
        if len(places) == 1:
            return self.knots[0].page_ms + sample_ms - places[0]
        at = min(max(bisect_right(places, sample_ms), 1), len(places) - 1)
        before, after = self.knots[at - 1], self.knots[at]
        slope = (after.page_ms - before.page_ms) / (after.sample_ms - before.sample_ms)
        return before.page_ms + slope * (sample_ms - before.sample_ms)


def runs_of(points: Sequence[Point], settles: bool = True) -> list[Run]:
    """Return the runs of one file's points, which are in order; empty without points.

    With `settles` the first 20 s count little: a sound server's stamps settle by then. What is less than STEP_MS is
    not seen as a loss, and is in the residual instead.
    """
    if not points:
        return []
    found: list[Run] = []
    for group in _between_steps(points):
        run = _fitted(group, settles and not found)
        if found:
            began_ms = group[0].sample_ms
            run = replace(run, lost_before_ms=run.page_ms(began_ms) - found[-1].page_ms(began_ms))
        found.append(run)
    return found


def _between_steps(points: Sequence[Point]) -> list[Sequence[Point]]:
    """Those points that can be believed, in groups, cut where sound was lost."""
    found = steadiness(
        [point.sample_ms for point in points], [point.page_ms - point.sample_ms for point in points]
    )
    points = [point for point, is_steady in zip(points, found.steady, strict=True) if is_steady]
    late = [point.page_ms - point.sample_ms * (1 + found.rate) for point in points]
    spacing_ms = (points[-1].sample_ms - points[0].sample_ms) / max(1, len(points) - 1)
    around, close = (max(1, round(within_ms / max(spacing_ms, 1.0))) for within_ms in (WITHIN_MS, CLOSE_MS))
    lowest = _lowest_before(late, around)
    cuts = [0]
    for at in range(1, len(points) - close + 1):  # of what comes later nobody knows whether it is late alone
        if late[at] - lowest[at] >= STEP_MS and at - cuts[-1] >= around and _is_step(late, at, around, close):
            cuts.append(at)
    return [points[start:end] for start, end in zip(cuts, [*cuts[1:], len(points)], strict=True)]


def _lowest_before(late: Sequence[float], around: int) -> list[float]:
    """Of each place the least of so many before it; of the first, its own."""
    kept: deque[int] = deque()
    found = [late[0]]
    for at in range(1, len(late)):
        while kept and late[kept[-1]] >= late[at - 1]:
            kept.pop()
        kept.append(at - 1)
        if kept[0] < at - around:
            kept.popleft()
        found.append(late[kept[0]])
    return found


def _is_step(late: Sequence[float], at: int, around: int, close: int) -> bool:
    """Whether from here on everything comes later than before, and not more and more so, as while it settles."""
    before, after = min(late[max(0, at - around) : at]), min(late[at : at + around])
    step = min(after - before, min(late[at : at + close]) - min(late[max(0, at - close) : at]))
    earlier, later = late[max(0, at - 2 * around) : at - around], late[at + around : at + 2 * around]
    rises = [before - min(earlier)] if earlier else []
    rises += [min(later) - after] if later else []
    return step >= STEP_MS and step >= STEEPER * min(rises, default=0.0)


def _fitted(points: Sequence[Point], settles: bool) -> Run:
    first_ms, last_ms = points[0].sample_ms, points[-1].sample_ms
    bins = _bins(points)
    base = bins[-1][0].page_ms - bins[-1][0].sample_ms
    span = max(last_ms - first_ms, 1.0)
    count = max(2, math.ceil(span / KNOTS_MS) + 1)
    step = span / (count - 1)
    places = [first_ms + index * step for index in range(count)]
    weights = [
        (
            SETTLING_WEIGHT
            if settles and one.sample_ms - first_ms < SETTLING_MS and span > 2 * SETTLING_MS
            else 1.0
        )
        * size
        for one, size in bins
    ]
    offsets = [one.page_ms - one.sample_ms - base for one, _ in bins]
    at = [(one.sample_ms - first_ms) / step for one, _ in bins]
    heights, robust = [0.0] * count, [1.0] * len(bins)
    for _ in range(ROUNDS):
        heights = _spline(at, offsets, [w * r for w, r in zip(weights, robust, strict=True)], count)
        misses = [offset - _height(heights, x) for offset, x in zip(offsets, at, strict=True)]
        scale = max(0.05, 1.5 * sorted(map(abs, misses))[len(misses) // 2])
        robust = [min(1.0, 2 * scale / max(abs(miss), 1e-9)) for miss in misses]
    settled = [miss for miss, weight, (_, size) in zip(misses, weights, bins, strict=True) if weight >= size]
    residual = math.sqrt(sum(miss * miss for miss in settled) / len(settled)) if settled else 0.0
    knots = tuple(Point(x, x + base + height) for x, height in zip(places, heights, strict=True))
    return Run(first_ms, last_ms, knots, residual)


def _bins(points: Sequence[Point]) -> list[tuple[Point, float]]:
    """One point for each six seconds, with its share of a whole bin as its weight."""
    groups: dict[int, list[Point]] = {}
    for point in points:
        groups.setdefault(int((point.sample_ms - points[0].sample_ms) // BIN_MS), []).append(point)
    most = max(map(len, groups.values()))
    found = []
    for group in groups.values():
        early = sorted(group, key=lambda one: one.page_ms - one.sample_ms)
        found.append((early[int(QUANTILE * len(early))], len(group) / most))
    return sorted(found, key=lambda one: one[0].sample_ms)


def _spline(
    at: Sequence[float], offsets: Sequence[float], weights: Sequence[float], count: int
) -> list[float]:
    """Heights of a line of straight pieces at its knots: least squares, second differences damped."""
    matrix = [[0.0] * count for _ in range(count)]
    right = [0.0] * count
    for x, offset, weight in zip(at, offsets, weights, strict=True):
        left = min(int(x), count - 2)
        share = x - left
        for i, a in ((left, 1 - share), (left + 1, share)):
            right[i] += weight * a * offset
            for j, b in ((left, 1 - share), (left + 1, share)):
                matrix[i][j] += weight * a * b
    for middle in range(1, count - 1):
        for i, a in ((middle - 1, 1.0), (middle, -2.0), (middle + 1, 1.0)):
            for j, b in ((middle - 1, 1.0), (middle, -2.0), (middle + 1, 1.0)):
                matrix[i][j] += STIFFNESS * a * b
    for i in range(count - 1):
        # A file shorter than two bins tells no slope: then its samples came as fast as the page's clock.
        for row, column, damping in ((i, i, 1), (i, i + 1, -1), (i + 1, i, -1), (i + 1, i + 1, 1)):
            matrix[row][column] += FLATNESS * damping
    return _solved(matrix, right)


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """The solution of a system that is symmetric, positive definite and of five diagonals (Gauss, without pivots)."""
    count = len(right)
    for pivot in range(count):
        for row in range(pivot + 1, min(pivot + 3, count)):
            factor = matrix[row][pivot] / matrix[pivot][pivot]
            for column in range(pivot, min(pivot + 3, count)):
                matrix[row][column] -= factor * matrix[pivot][column]
            right[row] -= factor * right[pivot]
    for row in reversed(range(count)):
        known = sum(matrix[row][column] * right[column] for column in range(row + 1, min(row + 3, count)))
        right[row] = (right[row] - known) / matrix[row][row]
    return right


def _height(heights: Sequence[float], x: float) -> float:
    left = min(int(x), len(heights) - 2)
    return heights[left] + (x - left) * (heights[left + 1] - heights[left])
