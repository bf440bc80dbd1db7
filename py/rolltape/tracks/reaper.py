"""A project of Reaper (.rpp) with all tracks: text that nests by `<NAME` and `>`, times in seconds.

The format has no specification; what is written here is what Reaper writes itself, and the `rpp` library reads.
Files are named relative to the project.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from rolltape.tracks.plan import RATE
from rolltape.tracks.project import Made, Marker

__all__ = ["reaper_project"]

SOURCES = {".wav": "WAVE", ".flac": "FLAC", ".mp4": "VIDEO"}


def reaper_project(made: Sequence[Made]) -> str:
    """The project: each sound on a track of its own, pictures on muted ones below, all from the beginning."""
    lines = ['<REAPER_PROJECT 0.1 "6.0" 0', f"  SAMPLERATE {RATE} 0 0"]
    number = 0
    for one in made:
        for marker in one.markers:
            number += 1
            lines += _marker(number, marker, one.track.name)
    for one in made:
        lines += _track(one.track.name, one.sound, one.track.length, muted=False)
    for one in made:
        if one.picture is not None:
            lines += _track(one.track.name, one.picture, one.track.length, muted=True)
    return "\n".join([*lines, ">", ""])


def _marker(number: int, marker: Marker, name: str) -> Iterator[str]:
    """A marker; with a length it is a region, which has two lines of one number."""
    said = _quoted(f"{marker.name}: {name}")
    if not marker.length:
        yield f"  MARKER {number} {_seconds(marker.at)} {said} 0"
        return
    yield f"  MARKER {number} {_seconds(marker.at)} {said} 1"
    yield f'  MARKER {number} {_seconds(marker.at + marker.length)} "" 1'


def _track(name: str, file: str, length: int, *, muted: bool) -> Iterator[str]:
    yield from ("  <TRACK", f"    NAME {_quoted(name)}", f"    MUTESOLO {int(muted)} 0 0")
    yield from (
        "    <ITEM",
        "      POSITION 0",
        f"      LENGTH {_seconds(length)}",
        f"      NAME {_quoted(file)}",
    )
    yield from (f"      <SOURCE {SOURCES[PurePath(file).suffix]}", f"        FILE {_quoted(file)}", "      >")
    yield from ("    >", "  >")


def _quoted(text: str) -> str:
    """The text between the first of three quotation marks that it does not hold itself."""
    line = " ".join(text.split())
    mark = next((one for one in "\"'`" if one not in line), "`")
    return f"{mark}{line.replace(mark, chr(39))}{mark}"


def _seconds(samples: int) -> str:
    return f"{samples / RATE:.9f}".rstrip("0").rstrip(".")
