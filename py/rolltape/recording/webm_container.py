"""WebM and Matroska as a stream: MediaRecorder's file with our header, made seekable at its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from rolltape import __version__
from rolltape.media.ending import NOTHING, Ending, Patch
from rolltape.media.webm import Index, WebmError, WebmStream, finish
from rolltape.media.webm_tags import CLOCK_TAG, tags
from rolltape.media.webm_track import Kind, TrackProgress
from rolltape.recording.timeline import Silence

__all__ = ["TornWebm", "Webm"]


class TornWebm:
    """A WebM file with our header, its end perhaps torn."""

    def __init__(self) -> None:
        self.index = Index()

    def feed(self, chunk: bytes) -> bytes:
        """Index the bytes and return them; after an error they are no more indexed (`ContainerStream`)."""
        if self.index.error is None:
            with suppress(WebmError):  # `problem` tells; what was indexed before stays valid
                self.index.feed(chunk)
        return chunk

    def patches(self) -> Sequence[Patch]:
        """Return the sizes of the clusters that are over since the last call (`ContainerStream`)."""
        return self.index.drain()

    def finish(self, clock: str = "") -> Ending:
        """Return the same end as a recording's that was stopped."""
        return finish(self.index, _tags(clock))

    @property
    def head(self) -> int:
        """All before the first Cluster."""
        return self.index.layout.clusters

    @property
    def stable(self) -> int:
        """The start of the last Cluster that has a block: its size is still to come, and a torn end lies in it."""
        offsets = self.index.cluster_offsets
        return offsets[-1] if offsets else 0

    @property
    def problem(self) -> str:
        """Why it could not be read to the end."""
        return str(self.index.error or "")

    @property
    def has_media(self) -> bool:
        """True if every track has a block."""
        index = self.index
        return bool(index.blocks) and all(index.progress(track.number).blocks for track in index.tracks)

    @property
    def is_empty(self) -> bool:
        """True if no block of any track was found, and nothing that is not understood."""
        return not self.index.blocks and not self.problem

    @property
    def first_picture_ms(self) -> float | None:
        """When the first video track begins."""
        index = self.index
        videos = [track.number for track in index.tracks if track.kind is Kind.VIDEO] if index.blocks else []
        return index.progress(videos[0]).first_ms if videos else None

    @property
    def duration_ms(self) -> float | None:
        """When the last frame of any track ends."""
        return self.index.duration_ms

    @property
    def whole_until_ms(self) -> float | None:
        """When the track that ends first ends."""
        index = self.index
        if not index.blocks:
            return 0.0
        return min(index.progress(track.number).end_ms or 0.0 for track in index.tracks)

    @property
    def whole_from_ms(self) -> float | None:
        """When the track that begins last begins."""
        return max(self._of_each(lambda one: one.first_ms), default=None)

    @property
    def latest_ms(self) -> float | None:
        """When the latest block begins of the track that is furthest behind."""
        return min(self._of_each(lambda one: one.last_ms), default=None)

    def _of_each(self, moment: Callable[[TrackProgress], float | None]) -> list[float]:
        """A moment of each track; none while one of them has no block."""
        if not self.has_media:
            return []
        found = (moment(self.index.progress(track.number)) for track in self.index.tracks)
        return [one for one in found if one is not None]

    @property
    def silences(self) -> Sequence[Silence]:
        """The gaps between its times."""
        kinds = {track.number: track.kind for track in self.index.tracks}
        return [Silence(kinds[gap.track] is Kind.VIDEO, gap.from_ms, gap.to_ms) for gap in self.index.gaps]

    @property
    def has_both(self) -> bool:
        """True if there is a track of each kind."""
        return {Kind.VIDEO, Kind.AUDIO} <= {track.kind for track in self.index.tracks}

    @property
    def passed_over(self) -> int:
        """Bytes of all damaged stretches."""
        return self.index.passed_over

    @property
    def pictures(self) -> int | None:
        """The frames of the first video track."""
        index = self.index
        videos = [track.number for track in index.tracks if track.kind is Kind.VIDEO] if index.blocks else []
        return index.progress(videos[0]).blocks if videos else None


class Webm(TornWebm):
    """A WebM or Matroska file from MediaRecorder: the header is ours, the rest as it came."""

    def __init__(self) -> None:
        self._stream = WebmStream(f"Rolltape {__version__}")
        self.index = self._stream.index
        self._problem = ""

    def feed(self, chunk: bytes) -> bytes:
        """Our header first; the chunks themselves afterwards, and from the start if it is no WebM."""
        if self._problem:
            return chunk
        try:
            return self._stream.feed(chunk)
        except WebmError as error:
            self._problem = str(error)
            return self._stream.held

    def finish(self, clock: str = "") -> Ending:
        """Return Cues, Duration, SeekHead and sizes, and `clock` as a tag where it is given (`ContainerStream`)."""
        return NOTHING if self._problem else self._stream.finish(_tags(clock))

    @property
    def problem(self) -> str:
        """Why this is no WebM, or why the index stopped in the midst of it."""
        return self._problem or str(self._stream.problem or "")

    @property
    def duration_ms(self) -> float | None:
        """When the last frame of any track ends."""
        return None if self._problem else self.index.duration_ms


def _tags(clock: str) -> bytes:
    return tags(CLOCK_TAG, clock) if clock else b""
