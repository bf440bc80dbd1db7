"""A timeline of the tracks for editors, as OpenTimelineIO: each in its place, with markers where sound is missing."""

from __future__ import annotations

from collections.abc import Sequence

from rolltape.core import otio
from rolltape.tracks.plan import RATE
from rolltape.tracks.project import Made, Marker

__all__ = ["timeline"]


def timeline(name: str, made: Sequence[Made], rate: int) -> str:
    """The timeline, in frames of this rate: pictures above, sounds below, all from beginning to end."""
    rows = [_row(one, "Video", one.picture, rate) for one in made if one.picture is not None]
    rows += [_row(one, "Audio", one.sound, rate) for one in made]
    return otio.timeline(name, rows, rate)


def _row(made: Made, kind: str, file: str, rate: int) -> otio.Schema:
    length = _range(0, made.track.length, rate)
    markers = [_marker(one, rate) for one in made.markers] if kind == "Audio" else []
    return otio.track(made.track.name, kind, [otio.clip(made.track.name, file, length, length, markers)])


def _marker(marker: Marker, rate: int) -> otio.Schema:
    color = "RED" if marker.length else "BLUE"
    return otio.marker(marker.name, color, _range(marker.at, marker.length, rate))


def _range(at: int, length: int, rate: int) -> otio.Schema:
    """So many samples, in frames."""
    begin, end = (round(samples * rate / RATE) for samples in (at, at + length))
    return otio.time_range(begin, end - begin, rate)
