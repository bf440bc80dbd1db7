"""A session file, read for what tracks are made of: whose takes there are, their parts, what is known of clocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rolltape.core.clock import Reading
from rolltape.core.json_fields import Fields
from rolltape.tracks.file_clock import clock_in_files, found_files
from rolltape.tracks.room_line import ClockLine, room_line
from rolltape.tracks.runs import Point, Run, point_of_mark, runs_of

__all__ = ["PartFacts", "Session", "Stretch", "TakeFacts", "read_session"]

MAX_ROWS = 100_000
LONGEST_MS = 3 * 86_400_000.0
"""Nobody's recording is longer; marks that say so are of no use."""
OPUS_BLOCK_MS = 60.0
OPUS_LOOKAHEAD_MS = 6.5
GRAPH_BUFFER_MS = 10.0
"""Length of the buffers that come out of an audio graph in Chromium."""


@dataclass(frozen=True)
class Stretch:
    """Some of a file that was recorded without a pause; milliseconds."""

    at_ms: float
    """When it was captured, since the file began, with the pauses before it."""
    in_file_ms: float
    length_ms: float


@dataclass(frozen=True)
class PartFacts:
    """One file of a take, as the session file tells of it."""

    file: str
    saved_as: str
    offset_ms: float
    """When its file began, since the session's first sample, by one reading of the clock."""
    began_ms: float | None
    """The same by the page's own clock; None: not noted."""
    stretches: tuple[Stretch, ...]
    """At least one, earliest first."""
    runs: tuple[Run, ...]
    """Its sound between losses by the page's marks, since the file began, pauses and all; none without marks."""
    late_ms: float = 0.0
    """By how much its browser stamps sound later than it was captured."""
    pictures_by_sound: bool = False
    """Whether its browser dates pictures by how much sound has come (`firefox_pictures`)."""
    counted: tuple[Point, ...] = ()
    """By when, since the file began, its microphone had given so much of it, before the first pause; none where it is
    not known which sample of the microphone's is the file's first.
    """

    def found_in(self, folder: Path) -> Path | None:
        """The file in a folder, under either of its names; None where it is not. No name leads out of the folder."""
        paths = (folder / Path(name).name for name in (self.file, self.saved_as))
        return next((path for path in paths if path.is_file()), None)


@dataclass(frozen=True)
class TakeFacts:
    """A take, as the session file tells of it."""

    guest: str
    guest_id: str
    name: str
    line: ClockLine | None
    """From its page's clock to the room's; None: its page had no room's clock, or did not note it."""
    on_room_clock: bool
    parts: tuple[PartFacts, ...]

    def room_clock(self, part: PartFacts, first_ms: float) -> Callable[[float], float]:
        """From milliseconds since the part's file began to the room's clock.

        Without a line by what the session file says of its beginning alone, as if both clocks ran alike.
        """
        line, began_ms = self.line, part.began_ms
        if line is None or began_ms is None:
            return lambda elapsed_ms: first_ms + part.offset_ms + elapsed_ms
        return lambda elapsed_ms: line.room_ms(began_ms + elapsed_ms)


@dataclass(frozen=True)
class Session:
    """What was recorded in a room."""

    room: str
    first_ms: float
    """Its first sample on the room's clock, in milliseconds since 1970, by one reading of each take."""
    began: datetime | None
    """The same with the time zone of the earliest take's guest; None where no take says."""
    takes: tuple[TakeFacts, ...]


def read_session(folder: Path, file: Path | None = None) -> Session:
    """Read the session file in a folder, or the `file` that is one; raises OSError, ValueError.

    Where it tells nothing of a take's clocks, the take's own files beside it do.
    """
    for path in sorted(folder.glob("*.json")) if file is None else [file]:
        said = Fields.from_json(path.read_text(encoding="utf-8"))
        if said.text("format", "") == "rolltape-session":
            rows = said.rows("takes", MAX_ROWS)
            first_ms = said.number("first_sample_at_ms", 0)
            takes = tuple(_take(row, path.parent) for row in rows)
            return Session(said.text("room", ""), first_ms, _began(rows, first_ms), takes)
    raise ValueError(f"there is no session file in {folder}")


def _began(takes: list[Fields], first_ms: float) -> datetime | None:
    for take in takes:
        try:
            zone = datetime.fromisoformat(take.text("started_at")).tzinfo
            return datetime.fromtimestamp(first_ms / 1000, zone) if zone is not None else None
        except (ValueError, OverflowError, OSError):
            continue
    return None


def _take(said: Fields, folder: Path) -> TakeFacts:
    clock = said.inner_or_none("clock")
    if clock is None:  # version 1 has none; what a file says besides makes no session unreadable
        with suppress(ValueError):
            return _take_by(said, clock_in_files(found_files(said, folder)))
    return _take_by(said, clock)


def _take_by(said: Fields, clock: Fields | None) -> TakeFacts:
    facts = clock.rows("tracks", MAX_ROWS) if clock is not None else []
    by_part = {one.whole("part"): one for one in facts}
    name = said.text("name")
    browser = clock.text("browser", "") if clock is not None else ""
    return TakeFacts(
        said.text("guest", ""),
        said.text("guest_id", ""),
        name,
        room_line(_readings(clock)) if clock is not None else None,
        said.flag("on_room_clock", True),
        tuple(
            _part(one, browser, by_part.get(_number(one, name)), clock)
            for one in said.rows("parts", MAX_ROWS)
        ),
    )


def _number(part: Fields, take: str) -> int:
    """A part's number, as its file's name has it: one without is the first."""
    digits = Path(part.text("file")).stem.removeprefix(f"{take}_part")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else 1


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


def _part(said: Fields, browser: str, facts: Fields | None, clock: Fields | None) -> PartFacts:
    offset_ms = said.number("offset_ms", 0, low=-1e12)
    stretches = tuple(
        Stretch(
            one.number("offset_ms", low=-1e12) - offset_ms, one.number("in_file_ms"), one.number("length_ms")
        )
        for one in said.rows("stretches", MAX_ROWS)
    )
    return PartFacts(
        said.text("file"),
        said.text("saved_as"),
        offset_ms,
        facts.number("began_ms", low=-1e12) if facts is not None else None,
        stretches or (Stretch(0.0, 0.0, said.number("duration_ms", 0)),),
        tuple(_run(one) for one in said.rows("runs", MAX_ROWS)) or _runs_of_marks(clock, facts),
        _late_ms(browser, facts) if facts is not None else 0.0,
        browser.startswith("Firefox")
        and facts is not None
        and facts.text("encoder", "").startswith("video/"),
        tuple(_counted(clock, facts, stretches)),
    )


def _counted(clock: Fields | None, facts: Fields | None, stretches: Sequence[Stretch]) -> Iterator[Point]:
    """When its microphone had given so much, as `PartFacts` says."""
    first_frame = None if facts is None else facts.number_or_none("first_frame")
    rate_hz = None if facts is None else facts.number_or_none("sample_rate_hz")
    if facts is None or first_frame is None or not rate_hz:
        return
    began_ms = facts.number("began_ms", low=-1e12)
    until_ms = stretches[0].at_ms + stretches[0].length_ms if len(stretches) > 1 else math.inf
    for page_ms, frames, _, _ in _marks(clock, facts.whole("part")):
        if frames is not None and frames >= first_frame and page_ms - began_ms < until_ms:
            yield Point((frames - first_frame) * 1000 / rate_hz, page_ms - began_ms)


_Marked = tuple[float, float | None, float | None, float | None]


def _marks(clock: Fields | None, part: int) -> Iterator[_Marked]:
    """The page's marks of a part, as `point_of_mark` takes them; what is none is passed over."""
    rows = clock.plain().get("marks", []) if clock is not None else []
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, list) and len(row) == 5 and row[0] == part:
            page_ms, frames, graph_ms, graph_page_ms = map(_number_or_none, row[1:])
            if page_ms is not None:
                yield page_ms, frames, graph_ms, graph_page_ms


def _runs_of_marks(clock: Fields | None, facts: Fields | None) -> tuple[Run, ...]:
    """A part's runs by its page's marks, where the session file has none."""
    if facts is None:
        return ()
    began_ms, rate_hz = facts.number("began_ms", low=-1e12), facts.whole_or_none("sample_rate_hz")
    known: list[Point] = []
    for one in _marks(clock, facts.whole("part")):
        point = point_of_mark(*one, rate_hz)
        if point is not None and _follows(point, known):
            known.append(point)
    found = []
    for run in runs_of(known, settles=False) if len(known) > 1 else []:
        from_ms = run.page_ms(run.from_ms)
        length_ms = run.page_ms(run.to_ms) - from_ms
        fast = 1 + run.ppm * 1e-6
        found.append(Run.straight(from_ms - began_ms, length_ms, fast, run.residual_ms, run.lost_before_ms))
    return tuple(found)


def _follows(point: Point, known: Sequence[Point]) -> bool:
    """Whether a point comes after those before it, in samples and by the clock, within the same days."""
    if not known:
        return True
    first, last = known[0], known[-1]
    is_after = point.sample_ms > last.sample_ms and point.page_ms > last.page_ms
    return is_after and max(point.sample_ms - first.sample_ms, point.page_ms - first.page_ms) < LONGEST_MS


def _number_or_none(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _late_ms(browser: str, facts: Fields) -> float:
    """What shifts a file's sound by a constant: Chromium stamps Opus late, and PCM early; Firefox counts samples.

    Chromium takes off one buffer of the microphone from the time of the last buffer in a block, and leaves the
    encoder's lookahead in. Measured with Chromium 156: 57.1 ms between the two with buffers of 10 ms. A file without
    pictures is dated by its first sample, not by a stamp: only the lookahead is left of it, as in Firefox.
    """
    encoder = facts.text("encoder", "")
    lookahead_ms = OPUS_LOOKAHEAD_MS if "opus" in encoder and "mp4" not in encoder else 0.0
    if browser.startswith("Firefox"):
        return lookahead_ms
    if not browser.startswith("Chromium"):
        return 0.0
    if encoder.startswith("audio/"):
        return lookahead_ms
    path, latency_ms = facts.text("path", ""), facts.number_or_none("latency_ms")
    buffer_ms = latency_ms if path == "track" and latency_ms else GRAPH_BUFFER_MS
    if "opus" in encoder and "mp4" not in encoder:
        return OPUS_BLOCK_MS - 2 * min(buffer_ms, OPUS_BLOCK_MS) + OPUS_LOOKAHEAD_MS
    return -buffer_ms if "pcm" in encoder else 0.0


def _run(said: Fields) -> Run:
    """A run as the session file tells it, by its page's marks."""
    at_ms, length_ms = said.number("at_ms", low=-1e12), said.number("length_ms")
    fast = 1 + said.number("ppm", low=-1e5, high=1e5) * 1e-6
    return Run.straight(
        at_ms, length_ms, fast, said.number("residual_ms"), said.number("lost_before_ms", low=-1e9)
    )
