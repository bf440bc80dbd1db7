"""One track of a recording on its way into an MP4 file: what is kept of each packet, and how it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rolltape.media.mp4 import Mp4Track, Samples
from rolltape.media.webm_track import Track

BACK_NS: Final = 5_000_000_000
"""No frame is meant for so long before one that is stored earlier: a time that says so is damaged."""
AHEAD_NS: Final = 3_600_000_000_000
"""So is one that says that there was none for an hour."""


class LaneTimes:
    """Reads the times of a track one by one, in nanoseconds; for one that cannot be, the latest stands."""

    def __init__(self, latest_ns: int) -> None:
        self._latest = latest_ns
        self._shift = 0

    def read(self, at_ns: int) -> int:
        """Return the time, or the latest one where this one is damaged; later ones are counted on from there."""
        at_ns += self._shift
        jump = at_ns - self._latest
        if not -BACK_NS <= jump <= AHEAD_NS:
            self._shift -= jump
            return self._latest
        if jump > 0:
            self._latest = at_ns
        return at_ns


class Lane:
    """One track on its way into an MP4 file: takes its packets one by one and says how each is stored."""

    samples: Samples

    def __init__(self, track: Track) -> None:
        self.track = track
        self.start_ns: int | None = None
        """When it begins to be seen or heard."""
        self.end_ns = 0
        """When its latest sample ends, or begins."""
        self.clock: LaneTimes
        self.told = False
        """There was a packet, good or not."""
        self.held: list[bytes] = []
        """What is to be stored together."""

    def missing(self, at_ns: int, payload: bytes) -> int:
        """Samples of silence that are to be put in before what begins at `at_ns`."""
        return 0

    def silence(self, count: int) -> Iterator[tuple[bytes, int]]:
        """So many samples of silence: pieces, and the samples in each."""
        return iter(())

    def tell_silence(self, size: int, count: int) -> None:
        """Count a piece of silence that is put in."""

    def tell(self, at_ns: int, payload: bytes, key: bool, duration_ns: int, discard_ns: int) -> bytes:
        """Tell of a packet; returns how it is stored, nothing where no decoder would take it."""
        raise NotImplementedError

    def finished(self) -> Mp4Track:
        """Return the track as MP4 describes it, once all its packets were given. Raises ConvertError."""
        raise NotImplementedError
