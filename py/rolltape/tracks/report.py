"""What tracks were made of, as JSON (`report.json` beside them): drift, losses, bounds, joints and silences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rolltape.tracks.place import Heard, by_stamps, runs_heard
from rolltape.tracks.plan import RATE, GuestTrack, Piece
from rolltape.tracks.runs import Run
from rolltape.tracks.session import PartFacts, TakeFacts

__all__ = ["Used", "report_json", "report_plain", "silences"]


@dataclass(frozen=True)
class Used:
    """A file of the session, and what was found in it."""

    take: TakeFacts
    part: PartFacts
    rate: int
    """Samples a second."""
    channels: int
    runs: tuple[Run, ...]
    """Its sound between losses."""
    by: str | None
    """What told of them: `stamps` of the file, `marks` of its page, or nothing."""
    broken: int = 0
    """Samples that could not be decoded, and are silence."""

    @classmethod
    def of(cls, take: TakeFacts, part: PartFacts, heard: Heard) -> Used:
        """What a report tells of what was heard; its points, some megabytes an hour, are not kept."""
        by = "stamps" if by_stamps(part, heard) else "marks" if part.runs else None
        return cls(take, part, heard.rate, heard.channels, runs_heard(part, heard), by)


def report_plain(
    tracks: Sequence[GuestTrack], used: Sequence[Used], missing: Sequence[str], began: datetime | None
) -> dict[str, Any]:
    """The report as JSON's own types: `used` are the files by the numbers that the tracks' pieces have.

    `missing` are those not heard. Times are seconds since the tracks begin; a run's `at_s` counts from where its
    file begins.
    """
    return {
        "format": "rolltape-tracks",
        "version": 1,
        "began": began.isoformat(timespec="milliseconds") if began is not None else None,
        "samples": max((one.length for one in tracks), default=0),
        "rate_hz": RATE,
        "missing": list(missing),
        "tracks": [_track(one, used) for one in tracks],
    }


def report_json(report: dict[str, Any]) -> str:
    """Return the content of a report's file, JSON with a line feed at its end."""
    return json.dumps(report, ensure_ascii=False, indent=2) + "\n"


def _track(track: GuestTrack, used: Sequence[Used]) -> dict[str, Any]:
    files = list(dict.fromkeys(piece.file for piece in track.pieces))
    return {
        "name": track.name,
        "files": [_file(used[file]) for file in files],
        "pieces": [_piece(piece, used[piece.file]) for piece in track.pieces],
        "silences": [{"at_s": _seconds(at), "length_s": _seconds(length)} for at, length in silences(track)],
    }


def _file(one: Used) -> dict[str, Any]:
    line = one.take.line
    return {
        "file": one.part.file,
        "take": one.take.name,
        "to_room": None
        if line is None or one.part.began_ms is None
        else {"ppm": round(line.ppm, 3), "bound_ms": round(line.bound_ms, 3), "readings": line.readings},
        "by": one.by,
        "late_ms": one.part.late_ms,
        "undecodable_s": round(one.broken / one.rate, 6),
        "runs": [
            {
                "at_s": round(run.from_ms / 1000, 6),
                "ppm": round(run.ppm, 2),
                "residual_ms": round(run.residual_ms, 3),
                "lost_before_ms": round(run.lost_before_ms, 3),
            }
            for run in one.runs
        ],
    }


def _piece(piece: Piece, one: Used) -> dict[str, Any]:
    as_counted = piece.source_length / one.rate
    return {
        "file": one.part.file,
        "at_s": _seconds(piece.at),
        "length_s": _seconds(piece.length),
        "in_file_s": round(piece.source / one.rate, 6),
        "resampled_ppm": round((as_counted * RATE / piece.length - 1) * 1e6, 3),
    }


def silences(track: GuestTrack) -> Iterator[tuple[int, int]]:
    """Where no file has anything: from which sample on, and how many."""
    until = 0
    for piece in track.pieces:
        if piece.at > until:
            yield until, piece.at - until
        until = piece.until
    if track.length > until:
        yield until, track.length - until


def _seconds(samples: int) -> float:
    return round(samples / RATE, 6)
