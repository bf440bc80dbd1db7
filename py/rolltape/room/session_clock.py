"""The clocks of a take in the session file: what its page noted, and what follows from that."""

from __future__ import annotations

from typing import Any

from rolltape.recording.clock_log import ClockLog
from rolltape.tracks.room_line import ClockLine, room_line
from rolltape.tracks.runs import Run, point_of_mark, runs_of

__all__ = ["clock_as_plain", "line_of", "runs_as_plain"]


def line_of(clock: ClockLog | None) -> ClockLine | None:
    """Return the line from the page's clock to the room's; None where there was no room, or nothing was noted."""
    return None if clock is None else room_line(clock.readings)


def clock_as_plain(clock: ClockLog | None) -> dict[str, Any] | None:
    """Return what was noted and the line that follows from it, as JSON's own types (`docs/session-file.md`).

    None where nothing was noted.
    """
    if clock is None:
        return None
    line = line_of(clock)
    told = None
    if line is not None:
        told = {
            "page_ms": round(line.at_ms, 3),
            "room_ms": round(line.room_ms(line.at_ms), 3),
            "ppm": round(line.ppm, 3),
            "bound_ms": round(line.bound_ms, 3),
        }
    return {"to_room": told, **clock.to_plain()}


def runs_as_plain(clock: ClockLog | None, part: int) -> list[dict[str, Any]]:
    """Return the runs of a part's sound between losses, by its marks; empty where they do not tell.

    `part` is its number; as JSON's own types, times in ms (`docs/session-file.md`).
    """
    track = next((one for one in clock.tracks if one.part == part), None) if clock is not None else None
    if clock is None or track is None:
        return []
    rate_hz = track.sound.sample_rate_hz
    told = (
        point_of_mark(mark.page_ms, mark.frames, mark.graph_ms, mark.graph_page_ms, rate_hz)
        for mark in clock.marks
        if mark.part == part
    )
    points = [point for point in told if point is not None]
    if len(points) < 2:
        return []
    line = line_of(clock)
    return [_run_as_plain(run, track.began_ms, line) for run in runs_of(points, settles=False)]


def _run_as_plain(run: Run, began_ms: float, line: ClockLine | None) -> dict[str, Any]:
    from_ms = run.page_ms(run.from_ms)
    return {
        "at_ms": round(from_ms - began_ms, 3),
        "room_ms": None if line is None else round(line.room_ms(from_ms), 3),
        "length_ms": round(run.page_ms(run.to_ms) - from_ms, 3),
        "ppm": round(run.ppm, 2),
        "residual_ms": round(run.residual_ms, 3),
        "lost_before_ms": round(run.lost_before_ms, 3),
    }
