"""What each track of a session is made of: whole samples of files, one piece after another, silence in between.

Everything is counted in samples: of a piece those in its file, at the file's own rate, and those on the track, at
48 kHz. Where that is the same number at the same rate a piece is copied; else it is resampled by just that ratio. A
sample of a track is of one file at most: what two files have both, the first one gives, and the second goes on from
there. All tracks begin with the session's first sample and have one length, whole seconds, so that every frame rate
that divides 48 000 has whole frames too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rolltape.tracks.place import Segment

__all__ = ["RATE", "GuestTrack", "Piece", "PlacedFile", "first_ms", "pieces", "tracks"]

RATE = 48_000
"""Samples a second of every track."""
SECOND_MS = 1000.0
NOISE = 0.1
"""Of a sample: what is less is of the numbers themselves (milliseconds since 1970), and no drift."""


@dataclass(frozen=True)
class PlacedFile:
    """A file whose samples are dated by the room's clock."""

    file: int
    """Which one, as the caller counts them."""
    rate: int
    """Its samples a second."""
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Piece:
    """Samples of a file in a row, and where they go."""

    file: int
    source: int
    """The first one in the file."""
    source_length: int
    at: int
    """Where on the track."""
    length: int
    """How many they become."""

    @property
    def until(self) -> int:
        """Where on the track the next piece may begin."""
        return self.at + self.length


@dataclass(frozen=True)
class GuestTrack:
    """The track of one guest; `length` is in samples at RATE, the same for all guests of a session."""

    name: str
    pieces: tuple[Piece, ...]
    """In order; what lies between them is silent."""
    length: int


def first_ms(files: Iterable[PlacedFile]) -> float | None:
    """The room's time of the first sample of all; None where there is none."""
    return min((segment.at_ms for one in files for segment in one.segments), default=None)


def tracks(by_name: dict[str, Sequence[PlacedFile]], began_ms: float) -> list[GuestTrack]:
    """Lay each name's files on a track that begins at `began_ms`, by the room's clock; none of them begins before.

    All are equally long, in whole seconds. Of a name without a file the track is silent.
    """
    laid = {name: pieces(files, began_ms) for name, files in by_name.items()}
    last = max((row[-1].until for row in laid.values() if row), default=0)
    length = math.ceil(last / RATE) * RATE
    return [GuestTrack(name, tuple(row), length) for name, row in laid.items()]


def pieces(files: Sequence[PlacedFile], began_ms: float) -> list[Piece]:
    """The files' segments one after another, without doubles, in whole samples."""
    found: list[Piece] = []
    for piece in sorted((piece for one in files for piece in _whole(one, began_ms)), key=lambda one: one.at):
        kept = _after(piece, found[-1].until if found else 0)
        if kept is None:
            continue
        joined = _joined(found[-1], kept) if found else None
        if joined is not None:
            found[-1] = joined
        else:
            found.append(kept)
    return found


def _whole(one: PlacedFile, began_ms: float) -> Iterator[Piece]:
    """A file's segments in whole samples; those that follow on one another do so to the sample."""
    before: Piece | None = None
    for segment in one.segments:
        source, ends = (round(ms * one.rate / SECOND_MS) for ms in (segment.from_ms, segment.to_ms))
        at = round((segment.at_ms - began_ms) * RATE / SECOND_MS)
        if (
            before is not None
            and before.source + before.source_length == source
            and abs(before.until - at) <= 1
        ):
            at = before.until
        length = round((segment.until_ms - began_ms) * RATE / SECOND_MS) - at
        as_counted = (ends - source) * RATE / one.rate
        if abs((segment.until_ms - segment.at_ms) * RATE / SECOND_MS - as_counted) < NOISE:
            length = round(as_counted)
        before = Piece(one.file, source, ends - source, at, length)
        yield before


def _after(piece: Piece, until: int) -> Piece | None:
    """What of a piece lies behind a place; None where nothing does."""
    skipped = max(0, until - piece.at)
    if skipped >= piece.length:
        return None
    used = min(round(skipped * piece.source_length / piece.length), piece.source_length)
    if used >= piece.source_length:
        return None
    left = piece.source_length - used
    return replace(
        piece,
        source=piece.source + used,
        source_length=left,
        at=piece.at + skipped,
        length=piece.length - skipped,
    )


def _joined(before: Piece, after: Piece) -> Piece | None:
    """Both as one, where the second goes on in file and track and at the same rate."""
    goes_on = before.file == after.file and before.source + before.source_length == after.source
    if not goes_on or before.until != after.at:
        return None
    if before.source_length * after.length != after.source_length * before.length:
        return None
    return replace(
        before, source_length=before.source_length + after.source_length, length=before.length + after.length
    )
