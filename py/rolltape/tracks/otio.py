"""A timeline of the tracks for editors, as OpenTimelineIO: each in its place, with markers where sound is missing.

Schemas of OpenTimelineIO: Timeline.1, Stack.1, Track.1, Clip.2, ExternalReference.1, Marker.2.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from rolltape.tracks.plan import RATE
from rolltape.tracks.project import Made, Marker

__all__ = ["timeline"]


def timeline(name: str, made: Sequence[Made], rate: int) -> str:
    """The timeline, in frames of this rate: pictures above, sounds below, all from beginning to end."""
    rows = [_row(one, "Video", one.picture, rate) for one in made if one.picture is not None]
    rows += [_row(one, "Audio", one.sound, rate) for one in made]
    whole = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": name,
        "metadata": {},
        "global_start_time": _time(0, rate),
        "tracks": _item("Stack.1", "tracks") | {"children": rows},
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _row(made: Made, kind: str, file: str, rate: int) -> dict[str, Any]:
    length = _range(0, made.track.length, rate)
    reference = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "name": file,
        "metadata": {},
        "available_range": length,
        "available_image_bounds": None,
        "target_url": f"./{quote(file)}",
    }
    clip = _item("Clip.2", made.track.name, length) | {
        "media_references": {"DEFAULT_MEDIA": reference},
        "active_media_reference_key": "DEFAULT_MEDIA",
        "markers": [_marker(one, rate) for one in made.markers] if kind == "Audio" else [],
    }
    return _item("Track.1", made.track.name) | {"kind": kind, "children": [clip]}


def _marker(marker: Marker, rate: int) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Marker.2",
        "name": marker.name,
        "metadata": {},
        "comment": "",
        "color": "RED" if marker.length else "BLUE",
        "marked_range": _range(marker.at, marker.length, rate),
    }


def _item(schema: str, name: str, source_range: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": schema,
        "name": name,
        "metadata": {},
        "source_range": source_range,
        "effects": [],
        "markers": [],
        "enabled": True,
    }


def _range(at: int, length: int, rate: int) -> dict[str, Any]:
    """So many samples, in frames."""
    begin, end = (round(samples * rate / RATE) for samples in (at, at + length))
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": _time(begin, rate),
        "duration": _time(end - begin, rate),
    }


def _time(frames: int, rate: int) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(frames)}
