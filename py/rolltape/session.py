"""The session file: where each guest's takes lie on the room's common clock, for people and for editors.

The JSON is described in `docs/session-file.md`; the other form is OpenTimelineIO (its JSON schemas Timeline.1,
Stack.1, Track.1, Clip.2, Gap.1, ExternalReference.1), which editors import with every file in its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rolltape.codec import contents
from rolltape.take import Take

__all__ = ["Placed", "placed", "session_json", "session_otio"]

RATE = 1000
"""OpenTimelineIO counts in units of a rate: milliseconds."""


@dataclass(frozen=True)
class Placed:
    """One file of a take on the room's clock."""

    file: str
    """Its name as it lies in the guest's Downloads."""
    start_ms: int
    """When its first sample was captured: milliseconds since 1970 on the room's clock."""
    duration_ms: int
    skip_ms: int = 0
    """How much of its beginning the part before holds as well."""


def placed(take: Take) -> list[Placed]:
    """The files of a take in order; none where nothing was written.

    Without a room's clock the guest's own is taken, whose error nobody knows. Pauses close up in a file, so what
    comes after one lies later on the clock than in the file.
    """
    start_ms = take.started_at_ms if take.room_started_at_ms is None else take.room_started_at_ms
    kept = [part for part in take.parts if part.bytes]
    found = []
    for part in kept:
        tail = f"_part{part.number}" if len(kept) > 1 else ""
        found.append(
            Placed(
                take.name + tail + contents(take.type_of(part)).ending,
                start_ms + part.started_ms,
                part.duration_ms,
                min(part.overlap_before_ms, part.duration_ms),
            )
        )
    return found


def session_json(room: str, takes: Iterable[Take]) -> str:
    """The session as JSON: every take, earliest first, with where its files begin."""
    ordered = sorted((take for take in takes if placed(take)), key=lambda take: placed(take)[0].start_ms)
    first_ms = placed(ordered[0])[0].start_ms if ordered else 0
    return json.dumps(
        {
            "format": "rolltape-session",
            "version": 1,
            "room": room,
            "first_sample_at_ms": first_ms,
            "takes": [_as_plain(take, first_ms) for take in ordered],
        },
        ensure_ascii=False,
        indent=2,
    )


def _as_plain(take: Take, first_ms: int) -> dict[str, Any]:
    return {
        "guest": take.label or "",
        "name": take.name,
        "state": take.state,
        "on_room_clock": take.room_started_at_ms is not None,
        "error_ms": take.room_error_ms,
        "pauses": [{"from_ms": pause.from_ms, "to_ms": pause.to_ms} for pause in take.pauses],
        "parts": [
            {
                "file": one.file,
                "start_ms": one.start_ms,
                "offset_ms": one.start_ms - first_ms,
                "duration_ms": one.duration_ms,
                "overlap_before_ms": one.skip_ms,
            }
            for one in placed(take)
        ],
    }


def session_otio(room: str, takes: Sequence[Take]) -> str:
    """The session as an OpenTimelineIO timeline: a track a guest, each file where it was recorded."""
    files = {take.id: placed(take) for take in takes}
    starts = [one.start_ms for found in files.values() for one in found]
    guests = sorted({take.label or "" for take in takes if files[take.id]})
    tracks = []
    for guest in guests:
        own = [one for take in takes if (take.label or "") == guest for one in files[take.id]]
        tracks.append(_track(guest or "Guest", sorted(own, key=lambda one: one.start_ms), min(starts)))
    return json.dumps(
        {
            "OTIO_SCHEMA": "Timeline.1",
            "name": room,
            "metadata": {},
            "global_start_time": None,
            "tracks": {
                "OTIO_SCHEMA": "Stack.1",
                "name": "tracks",
                "metadata": {},
                "source_range": None,
                "effects": [],
                "markers": [],
                "enabled": True,
                "children": tracks,
            },
        },
        ensure_ascii=False,
        indent=2,
    )


def _track(name: str, files: Sequence[Placed], first_ms: int) -> dict[str, Any]:
    """A track without holes: what is missing is a gap, what two files share is taken from the first."""
    children: list[dict[str, Any]] = []
    until_ms = first_ms
    for one in files:
        skip_ms = max(0, until_ms - one.start_ms)
        length_ms = one.duration_ms - skip_ms
        if length_ms <= 0:
            continue
        if one.start_ms > until_ms:
            children.append(_item("Gap.1", "", 0, one.start_ms - until_ms))
        children.append(
            _item("Clip.2", one.file, skip_ms, length_ms)
            | {
                "media_references": {
                    "DEFAULT_MEDIA": {
                        "OTIO_SCHEMA": "ExternalReference.1",
                        "name": one.file,
                        "metadata": {},
                        "available_range": _range(0, one.duration_ms),
                        "available_image_bounds": None,
                        "target_url": one.file,
                    }
                },
                "active_media_reference_key": "DEFAULT_MEDIA",
            }
        )
        until_ms = one.start_ms + one.duration_ms
    return _item("Track.1", name, 0, 0) | {"source_range": None, "kind": "Video", "children": children}


def _item(schema: str, name: str, start_ms: int, length_ms: int) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": schema,
        "name": name,
        "metadata": {},
        "source_range": _range(start_ms, length_ms),
        "effects": [],
        "markers": [],
        "enabled": True,
    }


def _range(start_ms: int, length_ms: int) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": RATE, "value": start_ms},
        "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": RATE, "value": length_ms},
    }
