"""OpenTimelineIO's JSON, as editors read it: timelines of tracks of clips, each a range of a file beside them.

Schemas: Timeline.1, Stack.1, Track.1, Clip.2, Gap.1, ExternalReference.1, Marker.2, TimeRange.1,
RationalTime.1. All lengths are whole frames at one rate; whoever writes a timeline says it with each.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias
from urllib.parse import quote

__all__ = ["Schema", "clip", "gap", "marker", "time_range", "timeline", "track"]

Schema: TypeAlias = dict[str, Any]
"""An object of OpenTimelineIO's, as plain JSON."""


def timeline(name: str, tracks: Sequence[Schema], rate: int) -> str:
    """Return the JSON text of a timeline that begins at frame 0; `rate` is in frames a second.

    The tracks must have been made at the same rate; that is not checked.
    """
    whole = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": name,
        "metadata": {},
        "global_start_time": _time(0, rate),
        "tracks": _item("Stack.1", "tracks", None) | {"children": list(tracks)},
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def track(name: str, kind: str, children: Sequence[Schema]) -> Schema:
    """Make a track of clips and gaps that follow one another; `kind` is "Video" or "Audio", which is not checked."""
    return _item("Track.1", name, None) | {"kind": kind, "children": list(children)}


def gap(length: Schema) -> Schema:
    """Make a hole in a track; `length` is a `time_range` that begins at 0."""
    return _item("Gap.1", "", length)


def clip(name: str, file: str, available: Schema, played: Schema, markers: Sequence[Schema] = ()) -> Schema:
    """Make a clip of a file that lies beside the timeline; `file` is its name, of any characters.

    `available` and `played` are ranges (`time_range`): what the file holds, and what of it is played. That one lies
    within the other is not checked.
    """
    reference = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "name": file,
        "metadata": {},
        "available_range": available,
        "available_image_bounds": None,
        "target_url": f"./{quote(file)}",
    }
    return _item("Clip.2", name, played) | {
        "media_references": {"DEFAULT_MEDIA": reference},
        "active_media_reference_key": "DEFAULT_MEDIA",
        "markers": list(markers),
    }


def marker(name: str, color: str, marked: Schema) -> Schema:
    """Make a marker of a clip; `marked` is a range in the file's own frames.

    `color` is one of OpenTimelineIO's ("RED", "BLUE"), which is not checked.
    """
    return {
        "OTIO_SCHEMA": "Marker.2",
        "name": name,
        "metadata": {},
        "comment": "",
        "color": color,
        "marked_range": marked,
    }


def time_range(begin: int, length: int, rate: int) -> Schema:
    """Make a range of `length` frames that begins at frame `begin`, at `rate` frames a second."""
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(begin, rate), "duration": _time(length, rate)}


def _item(schema: str, name: str, source_range: Schema | None) -> Schema:
    return {
        "OTIO_SCHEMA": schema,
        "name": name,
        "metadata": {},
        "source_range": source_range,
        "effects": [],
        "markers": [],
        "enabled": True,
    }


def _time(frames: int, rate: int) -> Schema:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(frames)}
