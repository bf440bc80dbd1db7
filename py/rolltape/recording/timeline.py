"""What is missing within one file of a recording: holes between its time stamps, and time that never came.

A machine that sleeps leaves a hole: the times in the file jump. A machine that is too busy may leave less time in
the file than went by, with no jump anywhere; that shows only against the clock. Both are facts of the part, and are
told. All times are in milliseconds; those of a file count from its first sample, pauses closed up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum

HOLE_MS = 1000
"""A track without a frame for longer than this has a hole."""
BEHIND_MS = 1000
"""A file that holds so much less than went by lacks something."""
WINDOW_MS = 4000
"""What an encoder holds back comes within this; the least lag over so long a time is no mere delay."""
GROWS_BY_MS = 500
"""A lag that is longer by less is the same."""
STEADY_MS = 10_000.0
"""A machine that has lost nothing for so long keeps up again."""
MAX_HOLES = 50
"""So many holes of a part are kept with their times; the last one takes the length of all further ones."""


class Missing(StrEnum):
    """Kinds of holes: which tracks have nothing there."""

    EVERYTHING = "everything"
    PICTURE = "picture"
    SOUND = "sound"


@dataclass(frozen=True)
class Hole:
    """A stretch of a file in which something is missing."""

    from_ms: int
    to_ms: int
    of: Missing = Missing.EVERYTHING

    @property
    def length_ms(self) -> int:
        """Length in ms."""
        return self.to_ms - self.from_ms


@dataclass(frozen=True)
class Silence:
    """A stretch of one track without a frame, as the container finds it."""

    picture: bool
    """Of a picture track, not of sound."""
    from_ms: float
    to_ms: float


@dataclass(frozen=True)
class ClosedPause:
    """A pause of the person's, where it closes up in the file."""

    at_ms: float
    length_ms: float


def holes(
    silences: Iterable[Silence], has_both: bool, pauses: Sequence[ClosedPause] = ()
) -> tuple[Hole, ...]:
    """Return the holes of a file in order: what its tracks lack together first, then what one of them lacks alone.

    `has_both`: it has pictures and sound. A pause that a browser did not close up is no hole.
    """
    listed = [one for one in silences if not _is_pause(one, pauses)]
    pictures = [(one.from_ms, one.to_ms) for one in listed if one.picture]
    sounds = [(one.from_ms, one.to_ms) for one in listed if not one.picture]
    if not has_both:
        found = [(start, end, Missing.EVERYTHING) for start, end in (*pictures, *sounds)]
    else:
        both = _shared(pictures, sounds)
        found = [(start, end, Missing.EVERYTHING) for start, end in both]
        found += [(start, end, Missing.PICTURE) for start, end in _without(pictures, both)]
        found += [(start, end, Missing.SOUND) for start, end in _without(sounds, both)]
    kept = sorted((one for one in found if one[1] - one[0] > HOLE_MS), key=lambda one: one[:2])
    return tuple(Hole(round(start), round(end), of) for start, end, of in kept[:MAX_HOLES])


class FileTimeline:
    """Compares what a file holds with the time that went by, as its bytes come."""

    def __init__(self) -> None:
        self._lags: deque[tuple[float, float]] = deque()

    def note(self, elapsed_ms: float, media_ms: float) -> None:
        """Bytes have come: so long it has been recording, and until there the file goes."""
        self._lags.append((elapsed_ms, elapsed_ms - media_ms))
        while self._lags[0][0] < elapsed_ms - WINDOW_MS:
            self._lags.popleft()

    @property
    def behind_ms(self) -> int:
        """Milliseconds by which the file lags behind the clock; 0 up to BEHIND_MS, and in the first WINDOW_MS."""
        if not self._lags or self._lags[-1][0] < WINDOW_MS:
            return 0
        return _told(min(lag for _, lag in self._lags))

    @property
    def behind_at_end_ms(self) -> int:
        """The same once all bytes have come: nothing is held back any more, so the last lag counts."""
        return _told(self._lags[-1][1]) if self._lags and self._lags[-1][0] >= WINDOW_MS else 0


class LagNews(Enum):
    """What is new of how far a file lags behind the clock: it is there or has doubled, or it grows no more."""

    GROWS = "grows"
    OVER = "over"


class LagWatch:
    """Says when a lag is to be told: once it is there, when it has doubled, and when it grows no more.

    What is missing stays missing; that it gets more is what ends.
    """

    def __init__(self) -> None:
        self._told_ms = 0
        self._most_ms = 0
        self._grew_ms = 0.0
        self._grows = False

    def look(self, now_ms: float, behind_ms: int) -> LagNews | None:
        """Take in how far it is behind by now; None: nothing is new."""
        if behind_ms > self._most_ms + GROWS_BY_MS:
            self._most_ms, self._grew_ms = behind_ms, now_ms
        if self._grows and now_ms - self._grew_ms > STEADY_MS:
            self._grows, self._told_ms = False, max(self._told_ms, behind_ms)
            return LagNews.OVER
        news_ms = 2 * self._told_ms if self._grows else self._told_ms + BEHIND_MS
        if behind_ms < max(news_ms, 1):
            return None
        self._grows, self._told_ms, self._grew_ms = True, behind_ms, now_ms
        return LagNews.GROWS


def _told(lag_ms: float) -> int:
    return round(lag_ms) if lag_ms > BEHIND_MS else 0


def _is_pause(silence: Silence, pauses: Sequence[ClosedPause]) -> bool:
    """True if a pause accounts for it, but for what is no hole."""
    length_ms = silence.to_ms - silence.from_ms
    open_ms = 0.0
    for pause in pauses:
        near = min(abs(silence.from_ms - pause.at_ms), abs(silence.from_ms - pause.at_ms - open_ms))
        if near < 2 * HOLE_MS and length_ms - pause.length_ms < HOLE_MS:
            return True
        open_ms += pause.length_ms
    return False


_Spans = list[tuple[float, float]]


def _shared(some: _Spans, others: _Spans) -> _Spans:
    """Where both are, as far as that is a hole."""
    spans = [(max(a, c), min(b, d)) for a, b in some for c, d in others if max(a, c) < min(b, d)]
    return [(start, end) for start, end in spans if end - start > HOLE_MS]


def _without(spans: _Spans, taken: _Spans) -> _Spans:
    """What is left of the spans."""
    left = spans
    for start, end in taken:
        left = [
            piece for a, b in left for piece in ((a, min(b, start)), (max(a, end), b)) if piece[0] < piece[1]
        ]
    return left
