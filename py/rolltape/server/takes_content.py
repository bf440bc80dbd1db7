"""What a ticket opens: one file, or a session's files as one zip, and which stretches of which files that is."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TypeAlias

from rolltape.arrivals.tracks import TrackFile
from rolltape.server.takes_record import Owner, PartRecord, TakeRecord
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_room import TRACKS, beside
from rolltape.server.tokens import DownloadClaims
from rolltape.server.zip_layout import Entry, ZipLayout

__all__ = [
    "Content",
    "ContentFile",
    "KeptFile",
    "MadeFile",
    "as_long_as_summed",
    "kept_file",
    "made_file",
    "zipped",
]

TRACK_TYPES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp4": "video/mp4",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
}


@dataclass(frozen=True)
class KeptFile:
    """A recording's file at the host."""

    record: TakeRecord
    part: PartRecord

    @property
    def bytes(self) -> int:
        """Bytes of the file."""
        return self.part.bytes


@dataclass(frozen=True)
class MadeFile:
    """A file that was made of a session at the host."""

    owner: Owner
    session: str
    file: TrackFile

    @property
    def bytes(self) -> int:
        """Bytes of the file."""
        return self.file.bytes


ContentFile: TypeAlias = KeptFile | MadeFile


@dataclass(frozen=True)
class Content:
    """What a ticket opens."""

    name: str
    """Name of the file that the browser saves."""
    size: int
    """Bytes."""
    mark: str
    """Another one for other content (a strong entity tag)."""
    media_type: str
    files: tuple[ContentFile, ...]
    """What it is made of."""
    of: frozenset[tuple[Owner, str]]
    """Owners and ids of the takes that it has something of."""
    stretch: Callable[[int, int], Iterable[tuple[bytes | ContentFile, int, int]]]
    """What makes up its bytes from here to there: bytes or a file, and from where to where of each."""
    sha256: str = ""
    """In hexadecimal digits; empty where it is not known."""


def as_long_as_summed(record: TakeRecord) -> TakeRecord:
    """Return the record with sums that are as long as the right ones where a file is not summed up yet.

    What is made of it has the right size, and nothing else.
    """
    parts = (replace(one, sha256="0" * 64) if one.is_to_sum_up else one for one in record.parts)
    return replace(record, parts=tuple(parts))


def kept_file(kept: KeptFile) -> Content:
    """Return what a ticket for one recording's file opens."""
    part = kept.part
    return Content(
        part.name,
        part.bytes,
        part.sha256,
        part.content_type,
        (kept,),
        _takes([kept.record]),
        lambda start, end: [(kept, start, end)],
        part.sha256,
    )


def made_file(track: MadeFile, of: Sequence[TakeRecord]) -> Content:
    """Return what a ticket for a file that was made of a session opens; `of` are the takes it was made of."""
    file = track.file
    media_type = TRACK_TYPES.get(PurePosixPath(file.name).suffix, "application/octet-stream")
    return Content(
        file.name,
        file.bytes,
        file.sha256,
        media_type,
        (track,),
        _takes(of),
        lambda start, end: [(track, start, end)],
        file.sha256,
    )


def _takes(records: Iterable[TakeRecord]) -> frozenset[tuple[Owner, str]]:
    return frozenset((one.owner, one.id) for one in records)


def zipped(
    download: DownloadClaims, folder: str, records: Sequence[TakeRecord], tracks: Sequence[MadeFile]
) -> Content:
    """Return the files of these takes that had arrived when the ticket was made, as a zip of one `folder`.

    What lies beside them is in it too, and what had been made of them by then, in a folder of its own. Raises Refused
    if nothing had arrived.
    """
    chosen = [
        replace(one, parts=tuple(part for part in one.kept if part.done_ms <= download.made_ms))
        for one in records
    ]
    chosen = [one for one in chosen if one.parts]
    if not chosen:
        raise Refused.unknown()
    kept = sorted(
        (KeptFile(one, part) for one in chosen for part in one.parts), key=lambda one: one.part.name
    )
    made_by_then = [one for one in tracks if one.file.made_ms <= download.made_ms]
    entries: list[Entry[bytes | ContentFile]] = [
        Entry(f"{folder}/{one.part.name}", one.part.bytes, one.part.crc32, one.record.take.started_at, one)
        for one in kept
    ]
    entries += [
        Entry(
            f"{folder}/{TRACKS}/{one.file.name}",
            one.file.bytes,
            one.file.crc32,
            datetime.fromtimestamp(one.file.made_ms / 1000, UTC),
            one,
        )
        for one in made_by_then
    ]
    made = datetime.fromtimestamp(download.made_ms / 1000, UTC)
    entries += [
        Entry(f"{folder}/{name}", len(content), zlib.crc32(content), made, content)
        for name, content in beside(download.room, chosen).items()
    ]
    layout = ZipLayout(entries)

    def stretch(start: int, end: int) -> Iterable[tuple[bytes | ContentFile, int, int]]:
        for piece, low, high in layout.stretch(start, end):
            yield (piece.content if isinstance(piece, Entry) else piece), low, high

    files: tuple[ContentFile, ...] = (*kept, *made_by_then)
    return Content(
        f"{folder}.zip", layout.size, layout.mark, "application/zip", files, _takes(chosen), stretch
    )
