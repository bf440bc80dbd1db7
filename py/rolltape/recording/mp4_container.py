"""MP4 as a stream, in fragments, as MediaRecorder writes it."""

from __future__ import annotations

from collections.abc import Sequence

from rolltape.media.ending import NOTHING, Ending, Patch
from rolltape.media.mp4_fragments import FragmentReader, FragmentTrack
from rolltape.recording.timeline import Silence

__all__ = ["Mp4"]


class Mp4:
    """An MP4 file in fragments: it goes through as it comes, and only a torn moof at its end is cut off."""

    passed_over = 0

    head = 0

    def __init__(self) -> None:
        self._reader = FragmentReader()
        self.stable = 0

    def feed(self, chunk: bytes) -> bytes:
        """Return the chunk itself (`ContainerStream`)."""
        self._reader.feed(chunk)
        self.stable = max(self.stable, self._reader.readable_end)
        return chunk

    def patches(self) -> Sequence[Patch]:
        """Return none: nothing is put right in place (`ContainerStream`)."""
        return ()

    def finish(self, clock: str = "") -> Ending:
        """Return where to cut the file, so that no player stumbles over what is torn (`ContainerStream`)."""
        end = self._reader.readable_end
        return Ending(end, b"", ()) if end < self._reader.size else NOTHING

    @property
    def problem(self) -> str:
        """A sentence why it could not be read to the end; empty if it could."""
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
        """When the first video track begins; None before its first sample, and without one."""
        firsts = [track.ms(track.first) for track in self._pictures if track.first is not None]
        return firsts[0] if firsts else None

    @property
    def duration_ms(self) -> float | None:
        """When the last sample of any track ends; 0 before the first, None where that cannot be told."""
        return None if self._is_blind else max((track.ms(track.end) for track in self._tracks), default=0.0)

    @property
    def whole_until_ms(self) -> float | None:
        """When the track that ends first ends; 0 before its first sample, None where that cannot be told."""
        return None if self._is_blind else min((track.ms(track.end) for track in self._tracks), default=0.0)

    @property
    def whole_from_ms(self) -> float | None:
        """When the track that begins last begins."""
        return max((track.ms(track.first or 0) for track in self._heard_of), default=None)

    @property
    def latest_ms(self) -> float | None:
        """When the latest sample begins of the track that is furthest behind, if it is as long as the average."""
        return min((track.ms(track.end) - track.mean_ms for track in self._heard_of), default=None)

    @property
    def _heard_of(self) -> list[FragmentTrack]:
        """The tracks; none while one of them has no sample, and where that cannot be told."""
        return self._tracks if self.has_media and not self._is_blind else []

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
        """Count of the samples of the first video track; None without one."""
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
