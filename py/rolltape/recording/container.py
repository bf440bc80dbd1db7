"""Containers as streams: an engine's bytes on their way to the sinks, and what makes the file whole.

WebM and WAV are finished in place; MP4 (written as fragments) and Ogg go through untouched, but for a torn end
of MP4.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from rolltape import __version__
from rolltape.media.mp4_fragments import FragmentReader, FragmentTrack
from rolltape.media.wav_recording import WavStream
from rolltape.media.webm import Ending, Index, Patch, WebmError, WebmStream, finish
from rolltape.media.webm_tags import CLOCK_TAG, tags
from rolltape.media.webm_track import Kind
from rolltape.recording.timeline import Silence
from rolltape.settings.codec import Container

NOTHING = Ending(None, b"", ())


class ContainerStream(Protocol):
    """One file of a recording: fed with what the engine delivers, it gives what is to be written."""

    def feed(self, chunk: bytes) -> bytes:
        """Take a chunk; returns the bytes to write for it. Never raises, whatever the bytes are."""

    def patches(self) -> Sequence[Patch]:
        """Return the patches due since the last call, each once: overwrites in place of bytes that were given out."""

    def finish(self, clock: str = "") -> Ending:
        """Return the writes that make the file whole and seekable; called once, after the last `feed`.

        `clock`, what is known of its clocks, is kept in it where the container has a place for that.
        """

    @property
    def head(self) -> int:
        """Bytes at the beginning that the end may still change, the header; 0 where none are, or not yet."""

    @property
    def stable(self) -> int:
        """Up to here no byte behind `head` changes any more once the `patches` are written; it never shrinks."""

    @property
    def problem(self) -> str:
        """A sentence about why the bytes are kept as they come; empty while they are understood."""

    @property
    def has_media(self) -> bool:
        """True if something of every track is in it."""

    @property
    def is_empty(self) -> bool:
        """True if nothing that could be played is in it; bytes that are not understood may be."""

    @property
    def first_picture_ms(self) -> float | None:
        """Time in the file of its first picture, in ms; None without one, or where the container does not tell."""

    @property
    def duration_ms(self) -> float | None:
        """Duration of the file in ms; None where the container does not tell."""

    @property
    def whole_until_ms(self) -> float | None:
        """Until when the file has something of every track; None where the container does not tell."""

    @property
    def silences(self) -> Sequence[Silence]:
        """Stretches in which a track has nothing, as far as the container tells."""

    @property
    def has_both(self) -> bool:
        """True if there are pictures and sound in it."""

    @property
    def passed_over(self) -> int:
        """Bytes that made no sense and were passed over."""

    @property
    def pictures(self) -> int | None:
        """Count of pictures so far; None without a picture track, or where the container does not tell."""


def stream_for(container: Container) -> ContainerStream:
    """Make a stream for a new file of this type."""
    if container in (Container.WEBM, Container.MATROSKA):
        return Webm()
    if container is Container.MP4:
        return Mp4()
    return Wav() if container is Container.WAV else Untouched()


def reader_for(container: Container) -> ContainerStream:
    """Make a stream that is fed with a file as it lies on the disk, to finish what was not finished."""
    return TornWebm() if container in (Container.WEBM, Container.MATROSKA) else stream_for(container)


def _tags(clock: str) -> bytes:
    return tags(CLOCK_TAG, clock) if clock else b""


class TornWebm:
    """A WebM file with our header, its end perhaps torn."""

    def __init__(self) -> None:
        self.index = Index()

    def feed(self, chunk: bytes) -> bytes:
        """Index the bytes; after an error no more."""
        if self.index.error is None:
            with suppress(WebmError):  # `problem` tells; what was indexed before stays valid
                self.index.feed(chunk)
        return chunk

    def patches(self) -> Sequence[Patch]:
        """Sizes of the clusters that are over."""
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
        """Cues, Duration, SeekHead and sizes."""
        return NOTHING if self._problem else self._stream.finish(_tags(clock))

    @property
    def problem(self) -> str:
        """Why this is no WebM, or why the index stopped in the midst of it."""
        return self._problem or str(self._stream.problem or "")

    @property
    def duration_ms(self) -> float | None:
        """When the last frame of any track ends."""
        return None if self._problem else self.index.duration_ms


class Wav(WavStream):
    """A WAV file from our own recorder; its problem is that it is none."""

    first_picture_ms: float | None = None
    pictures: int | None = None
    silences: Sequence[Silence] = ()
    has_both = False
    passed_over = 0

    def finish(self, clock: str = "") -> Ending:
        """Sizes; there is no place for clocks."""
        return super().finish()

    @property
    def is_empty(self) -> bool:
        """True if no sample has come, and nothing that is not understood."""
        return not self.duration_ms and not self.problem

    @property
    def whole_until_ms(self) -> float | None:
        """All channels end together."""
        return self.duration_ms


class Mp4:
    """An MP4 file in fragments: it goes through as it comes, and only a torn moof at its end is cut off."""

    passed_over = 0

    head = 0

    def __init__(self) -> None:
        self._reader = FragmentReader()
        self.stable = 0

    def feed(self, chunk: bytes) -> bytes:
        """Return the chunk itself."""
        self._reader.feed(chunk)
        self.stable = max(self.stable, self._reader.readable_end)
        return chunk

    def patches(self) -> Sequence[Patch]:
        """None."""
        return ()

    def finish(self, clock: str = "") -> Ending:
        """Cut off what no player can use."""
        end = self._reader.readable_end
        return Ending(end, b"", ()) if end < self._reader.size else NOTHING

    @property
    def problem(self) -> str:
        """Why it could not be read to the end."""
        return self._reader.problem

    @property
    def has_media(self) -> bool:
        """True if every track has a sample; anything at all, where that cannot be told."""
        return self._is_blind or (bool(self._tracks) and all(track.samples for track in self._tracks))

    @property
    def is_empty(self) -> bool:
        """True if no sample has come, and nothing that is not understood."""
        return not self._reader.has_payload and not self._is_blind

    @property
    def first_picture_ms(self) -> float | None:
        """When the first video track begins."""
        firsts = [track.ms(track.first) for track in self._pictures if track.first is not None]
        return firsts[0] if firsts else None

    @property
    def duration_ms(self) -> float | None:
        """When the last sample of any track ends."""
        return None if self._is_blind else max((track.ms(track.end) for track in self._tracks), default=0.0)

    @property
    def whole_until_ms(self) -> float | None:
        """When the track that ends first ends."""
        return None if self._is_blind else min((track.ms(track.end) for track in self._tracks), default=0.0)

    @property
    def silences(self) -> Sequence[Silence]:
        """The gaps between its times."""
        return [Silence(track.is_picture, *gap) for track in self._tracks for gap in track.gaps]

    @property
    def has_both(self) -> bool:
        """True if there is a track of each kind."""
        return {track.is_picture for track in self._tracks} == {True, False}

    @property
    def pictures(self) -> int | None:
        """The samples of the first video track."""
        return self._pictures[0].samples if self._pictures else None

    @property
    def _tracks(self) -> list[FragmentTrack]:
        return list(self._reader.tracks.values())

    @property
    def _pictures(self) -> list[FragmentTrack]:
        return [track for track in self._tracks if track.is_picture]

    @property
    def _is_blind(self) -> bool:
        """What is in it cannot be told: it is damaged, or no fragment that is whole has a sample of a known track."""
        unseen = self._reader.has_payload and not any(track.samples for track in self._tracks)
        return bool(self._reader.problem) or unseen


class Untouched:
    """Any other file: what the recorder gives is the file."""

    problem = ""
    first_picture_ms: float | None = None
    duration_ms: float | None = None
    whole_until_ms: float | None = None
    pictures: int | None = None
    silences: Sequence[Silence] = ()
    has_both = False
    passed_over = 0
    head = 0

    def __init__(self) -> None:
        self.stable = 0

    @property
    def has_media(self) -> bool:
        """True if a byte has come."""
        return self.stable > 0

    @property
    def is_empty(self) -> bool:
        """True if no byte has come."""
        return not self.has_media

    def feed(self, chunk: bytes) -> bytes:
        """Return the chunk itself."""
        self.stable += len(chunk)
        return chunk

    def patches(self) -> Sequence[Patch]:
        """None."""
        return ()

    def finish(self, clock: str = "") -> Ending:
        """Nothing: it is not finished in place."""
        return NOTHING
