"""A project of Final Cut Pro with all tracks: FCPXML 1.10, which DaVinci Resolve reads too.

Clips hang on one empty stretch as long as the session (Apple, FCPXML Reference: `gap`, `asset-clip`, `marker`):
pictures above it without their sound, sounds below. Files are named by `file:` addresses of where they are, as Final
Cut does itself; in another folder it asks where they went.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from rolltape.tracks.plan import RATE
from rolltape.tracks.project import Made, Marker

__all__ = ["final_cut_project"]

SIZE = {"width": "1280", "height": "720"}
"""Of the sequence; clips of another size are fitted into it."""


def final_cut_project(name: str, made: Sequence[Made], rate: int, folder: Path | None) -> str:
    """The project, in frames of this rate; the tracks lie in `folder`, or beside it (None). `made` is not empty."""
    whole = Element("fcpxml", version="1.10")
    resources = SubElement(whole, "resources")
    SubElement(resources, "format", {"id": "r1", "frameDuration": f"100/{rate * 100}s"} | SIZE)
    event = SubElement(SubElement(whole, "library"), "event", name=name)
    length = f"{max(one.track.length for one in made) // RATE}s"
    sequence = SubElement(
        SubElement(event, "project", name=name),
        "sequence",
        {"format": "r1", "duration": length, "tcStart": "0s", "tcFormat": "NDF", "audioRate": "48k"},
    )
    gap = SubElement(
        SubElement(sequence, "spine"), "gap", name="Session", offset="0s", start="0s", duration=length
    )
    for number, (one, file, lane) in enumerate(_clips(made), 2):
        kind = "video" if lane > 0 else "audio"
        asset = SubElement(
            resources,
            "asset",
            {"id": f"r{number}", "name": file, "start": "0s", "duration": length}
            | ({"hasVideo": "1", "format": "r1"} if kind == "video" else {})
            | {"hasAudio": "1", "audioSources": "1", "audioRate": str(RATE)},
        )
        SubElement(asset, "media-rep", kind="original-media", src=_address(folder, file))
        clip = SubElement(
            gap,
            "asset-clip",
            {"ref": f"r{number}", "lane": str(lane), "offset": "0s", "name": one.track.name, "start": "0s"}
            | {"duration": length, "srcEnable": kind, "audioRole": "dialogue"},
        )
        if kind == "audio":
            for marker in one.markers:
                SubElement(clip, "marker", _marker(marker, rate))
    indent(whole)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n'
    return f"{head}{tostring(whole, encoding='unicode')}\n"


def _clips(made: Sequence[Made]) -> Iterator[tuple[Made, str, int]]:
    """Each file and its lane: pictures above the gap, sounds below."""
    pictures = [(one, one.picture) for one in made if one.picture is not None]
    yield from ((one, file, lane) for lane, (one, file) in enumerate(pictures, 1))
    yield from ((one, one.sound, -lane) for lane, one in enumerate(made, 1))


def _marker(marker: Marker, rate: int) -> dict[str, str]:
    begin, end = (round(at * rate / RATE) for at in (marker.at, marker.at + marker.length))
    return {"start": _time(begin, rate), "duration": _time(max(1, end - begin), rate), "value": marker.name}


def _time(frames: int, rate: int) -> str:
    """So many frames as a fraction of a second, which is on a frame's boundary whatever the reader rounds to."""
    return f"{frames * 100}/{rate * 100}s"


def _address(folder: Path | None, file: str) -> str:
    return f"./{quote(file)}" if folder is None else (folder / file).absolute().as_uri()
