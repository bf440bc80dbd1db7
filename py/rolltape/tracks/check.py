"""`rolltape tracks --check FOLDER`: how far the clocks of a session's takes ran apart, and how well that is known."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rolltape.tracks.room_line import ClockLine
from rolltape.tracks.runs import Run, runs_of
from rolltape.tracks.session import PartFacts, read_session
from rolltape.tracks.stamps import stamps, tell_nothing

__all__ = ["CheckedPart", "CheckedTake", "check", "checked", "told"]

CHUNK = 4 << 20


@dataclass(frozen=True)
class CheckedPart:
    """One file of a take."""

    file: str
    runs: tuple[Run, ...]
    """None where the file is not there and its page told no marks."""
    by: str
    """What told: `file`, its time stamps; `marks`, its page's; else empty."""


@dataclass(frozen=True)
class CheckedTake:
    """A take of a session."""

    guest: str
    name: str
    line: ClockLine | None
    """None: its page had no room's clock, or did not note it."""
    parts: tuple[CheckedPart, ...]


def check(arguments: argparse.Namespace) -> int:
    """Run the command; the exit status: 1 where there is no session, or one of its files cannot be read."""
    try:
        takes = checked(arguments.folder)
    except (OSError, ValueError) as error:
        print(f"This session cannot be read: {error}", file=sys.stderr)
        return 1
    print("\n".join(told(takes)))
    return 0


def checked(folder: Path) -> list[CheckedTake]:
    """The takes of the session in a folder. Raises OSError, ValueError."""
    return [
        CheckedTake(take.guest, take.name, take.line, tuple(_part(folder, one) for one in take.parts))
        for take in read_session(folder).takes
    ]


def _part(folder: Path, part: PartFacts) -> CheckedPart:
    found = part.found_in(folder)
    points = stamps(_pieces(found)) if found is not None else []
    if points and not tell_nothing(points):
        return CheckedPart(part.file, tuple(runs_of(points)), "file")
    return CheckedPart(part.file, part.runs, "marks" if part.runs else "")


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def told(takes: Sequence[CheckedTake]) -> list[str]:
    """Return the lines that `rolltape tracks --check` prints, a fact each; there is always one."""
    lines = []
    for take in takes:
        if take.line is None:
            lines.append(f"{take.guest or 'Guest'}, {take.name}: no room's clock was noted.")
        else:
            lines.append(
                f"{take.guest or 'Guest'}, {take.name}: the page's clock runs {-take.line.ppm:+.1f} ppm against the "
                f"room's, to within {take.line.bound_ms:.1f} ms ({take.line.readings} readings)."
            )
        lines += [line for part in take.parts for line in _of_part(part)]
    return lines or ["No take is in this session."]


def _of_part(part: CheckedPart) -> list[str]:
    if not part.runs:
        return [f"  {part.file}: neither the file nor its page tells of the sound's clock."]
    by = "its time stamps" if part.by == "file" else "its page's marks"
    longest = max(part.runs, key=lambda run: run.to_ms - run.from_ms)
    lines = [
        f"  {part.file}: the sound runs {longest.ppm:+.1f} ppm against the page's clock, "
        f"residual {longest.residual_ms:.2f} ms, by {by}."
    ]
    lost = [run for run in part.runs if run.lost_before_ms > 0]
    lines += [f"    {run.lost_before_ms:.0f} ms are lost at {run.from_ms / 1000:.1f} s." for run in lost]
    return lines
