"""Whether a recorder keeps up with its camera: pictures in the file against pictures given, and which codec did not.

Encoders that are too slow leave pictures out, and no browser says so. What a camera gives is counted at the camera,
for what it was asked for is not what comes in the dark.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from rolltape.settings.codec import SPEED, VideoCodec

__all__ = ["KeepUp", "KnownSlow", "Shortfall", "smaller"]

SHARE = 0.8
"""Less than this of what the camera gives is too little."""
ENOUGH = 0.9
"""With this of it the camera is kept up with, and what was told of that is over."""
SIZES = (1080, 720, 540)
"""Of the short side of a picture that is made smaller."""
SPARE = 1.25
"""So much more than is needed is to be expected of a codec before a picture is made only so much smaller."""
WINDOW_MS = 3000.0
CLEAR_SHARE = 0.5
CLEAR_MS = 2000.0
"""So little over so long needs no third second: what a starved encoder gives comes late as it is."""
BLOCKED_AFTER_MS = 1500.0
"""Where looks are further apart than this, the page itself was held up, and the counts are of different moments."""
REMEMBERED_MS = 7 * 24 * 3_600_000.0
"""A machine that was busy once is not slow for ever."""


@dataclass(frozen=True)
class Shortfall:
    """Pictures a second over the last seconds."""

    given_fps: float
    held_fps: float

    @property
    def sentence(self) -> str:
        """It in words, with both numbers."""
        return (
            f"Of {self.given_fps:.0f} pictures a second that the camera gives only {self.held_fps:.0f} are recorded: "
            "this machine does not keep up."
        )


class _Note(NamedTuple):
    at_ms: float
    given: int
    held: int


class KeepUp:
    """Watches one part; `restart` for the next, after a pause, and while two parts are written."""

    def __init__(self) -> None:
        self._notes: deque[_Note] = deque()
        self._looked_ms = 0.0
        self._seen = 0
        """Pictures in the file when it was last looked at."""
        self._is_late = False
        """Whether what came last was less than half of what was given meanwhile."""
        self.keeps_up = False
        """Whether the last three seconds were seen to be recorded as they came."""

    def restart(self) -> None:
        """Forget what was counted: what comes now is another picture or another format."""
        self._notes.clear()
        self._is_late = False
        self._seen = 0
        self.keeps_up = False

    def look(self, now_ms: float, given: int | None, held: int | None) -> Shortfall | None:
        """Take both totals in, several times a second; what is missing, once three seconds tell (two, if it is half).

        `given` is of the camera, `held` of the file; None where nobody can tell. They are compared between moments at
        which something came: a recorder gives out a half second or two at once, always as late.
        """
        held_up = now_ms - self._looked_ms > BLOCKED_AFTER_MS
        self._looked_ms = now_ms
        notes = self._notes
        if given is None or held is None or held_up or held < self._seen:
            self.restart()
            return None
        if not held or held == self._seen:
            return None
        self._seen = held
        was_late, self._is_late = self._is_late, self._lags(given, held)
        if self._is_late and not was_late:
            return None  # what is missing may come with the next: MP4's fragments end early and late by turns
        notes.append(_Note(now_ms, given, held))
        while len(notes) > 1 and notes[1].at_ms <= now_ms - WINDOW_MS:
            notes.popleft()
        first = notes[0]
        span_ms = now_ms - first.at_ms
        came, kept = given - first.given, held - first.held
        self.keeps_up = span_ms >= WINDOW_MS and kept >= ENOUGH * came
        too_little = kept < SHARE * came if span_ms >= WINDOW_MS else kept < CLEAR_SHARE * came
        if span_ms < CLEAR_MS or not too_little:
            return None
        return Shortfall(came * 1000 / span_ms, kept * 1000 / span_ms)

    def _lags(self, given: int, held: int) -> bool:
        """Whether less than half of what was given since the last note has come."""
        last = self._notes[-1] if self._notes else None
        return last is not None and held - last.held < CLEAR_SHARE * (given - last.given)


def smaller(width: int, height: int) -> tuple[int, int] | None:
    """The next smaller picture of the same shape: 1080, 720 or 540 on its short side; None: it is small enough.

    >>> smaller(1920, 1080), smaller(720, 1280), smaller(960, 540)
    ((1280, 720), (540, 960), None)
    """
    short = min(width, height)
    size = next((one for one in SIZES if one < short), None)
    if size is None:
        return None
    return _even(width * size / short), _even(height * size / short)


def _even(length: float) -> int:
    return 2 * round(length / 2)


class KnownSlow:
    """The codecs that did not keep up on this machine lately, each with the pixels a second that it managed."""

    def __init__(
        self,
        kept: Callable[[], str],
        keep: Callable[[str], None],
        wall_ms: Callable[[], float] = lambda: time.time() * 1000,
    ) -> None:
        self._kept = kept
        self._keep = keep
        self._wall_ms = wall_ms

    @classmethod
    def of_this_page(cls) -> KnownSlow:
        """Return one that forgets with the page."""
        said = [""]
        return cls(lambda: said[0], lambda text: said.__setitem__(0, text))

    def at(self, width: int, height: int, fps: float) -> frozenset[VideoCodec]:
        """Return the codecs that are known to be too slow for this picture."""
        pixels = width * height * fps
        return frozenset(codec for codec, (managed, _) in self._read().items() if pixels >= managed)

    def expected(self, width: int, height: int, fps: float) -> frozenset[VideoCodec]:
        """Return the codecs of which nothing is known, but which are as slow by what others managed, in software."""
        known, enough = self._read(), SHARE * width * height * fps
        return frozenset(
            codec for codec in VideoCodec if codec not in known and self._manages(codec) < enough
        )

    def smaller(self, codec: VideoCodec, width: int, height: int, fps: float) -> tuple[int, int] | None:
        """Return the next smaller picture with which this codec is expected to keep up; None: it is small enough.

        A second time it would be made smaller only seconds later, so what is expected has some to spare. Where none
        is as small, it is the smallest there is.
        """
        size = following = smaller(width, height)
        while following is not None:
            size = following
            if self._manages(codec) >= SPARE * size[0] * size[1] * fps:
                break
            following = smaller(*size)
        return size

    def _manages(self, codec: VideoCodec) -> float:
        """How many pixels a second it is expected to encode in software, by what others managed."""
        known = self._read().items()
        return max((managed / SPEED[one] for one, (managed, _) in known), default=math.inf) * SPEED[codec]

    def add(self, codec: VideoCodec, width: int, height: int, held_fps: float) -> None:
        """This one did not keep up, and managed so many pictures a second of this size."""
        known = self._read()
        managed = round(width * height * held_fps)
        known[codec] = (min(managed, known.get(codec, (managed, 0))[0]), round(self._wall_ms()))
        self._keep("\n".join(f"{codec} {managed} {at_ms}" for codec, (managed, at_ms) in known.items()))

    def _read(self) -> dict[VideoCodec, tuple[int, int]]:
        """What is kept; what makes no sense or is too old is left out."""
        found: dict[VideoCodec, tuple[int, int]] = {}
        names = {codec.value: codec for codec in VideoCodec}
        for line in self._kept().splitlines():
            name, _, rest = line.partition(" ")
            managed, _, at_ms = rest.partition(" ")
            if name in names and managed.isdecimal() and at_ms.isdecimal():
                found[names[name]] = (int(managed), int(at_ms))
        oldest_ms = self._wall_ms() - REMEMBERED_MS
        return {codec: one for codec, one in found.items() if one[1] >= oldest_ms}
