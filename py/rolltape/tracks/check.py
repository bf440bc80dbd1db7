"""`rolltape tracks --check FOLDER`: how far the clocks of a session's takes ran apart, and how well that is known."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rolltape.core.clock import Reading
from rolltape.core.json_fields import Fields
from rolltape.tracks.room_line import RoomLine, room_line
from rolltape.tracks.runs import Run, runs_of
from rolltape.tracks.stamps import are_counted, stamps

__all__ = ["CheckedPart", "CheckedTake", "add_arguments", "check", "checked", "told"]

CHUNK = 4 << 20
MAX_ROWS = 100_000


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
    line: RoomLine | None
    """None: its page had no room's clock, or did not note it."""
    parts: tuple[CheckedPart, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="the session file (JSON) and the guests' files"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        required=True,
        help="print drift, losses, residual and bound of each take",
    )


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
    for path in sorted(folder.glob("*.json")):
        session = Fields.from_json(path.read_text(encoding="utf-8"))
        if session.text("format", "") == "rolltape-session":
            return [_take(folder, one) for one in session.rows("takes")]
    raise ValueError(f"there is no session file in {folder}")


def _take(folder: Path, take: Fields) -> CheckedTake:
    clock = take.inner_or_none("clock")  # version 1 has none
    readings = _readings(clock) if clock is not None else []
    parts = tuple(_part(folder, one) for one in take.rows("parts"))
    return CheckedTake(take.text("guest", ""), take.text("name"), room_line(readings), parts)


def _readings(clock: Fields) -> list[Reading]:
    rows = clock.plain().get("readings", [])
    if not isinstance(rows, list) or len(rows) > MAX_ROWS:
        raise ValueError("readings is not a list")
    found = []
    for row in rows:
        if not isinstance(row, list) or len(row) != 3 or not all(isinstance(one, int | float) for one in row):
            raise ValueError("a reading is not of three moments")
        found.append(Reading(*map(float, row)))
    return found


def _part(folder: Path, part: Fields) -> CheckedPart:
    names = [part.text("file"), part.text("saved_as")]
    found = next((folder / Path(name).name for name in names if (folder / Path(name).name).is_file()), None)
    points = stamps(_pieces(found)) if found is not None else []
    if points and not are_counted(points):
        return CheckedPart(names[0], tuple(runs_of(points)), "file")
    runs = tuple(_run(one) for one in part.rows("runs"))
    return CheckedPart(names[0], runs, "marks" if runs else "")


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def _run(run: Fields) -> Run:
    """A run as the session file tells it, by its page's marks."""
    at_ms, length_ms = run.number("at_ms", low=-1e12), run.number("length_ms")
    fast = 1 + run.number("ppm", low=-1e6, high=1e6) * 1e-6
    return Run.straight(
        at_ms, length_ms, fast, run.number("residual_ms"), run.number("lost_before_ms", low=-1e9)
    )


def told(takes: Sequence[CheckedTake]) -> list[str]:
    """What to print, a line a fact."""
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
