"""What a take's page wrote down of clocks: the room's, the microphone's, and what shifts a file by a constant.

It lies in `clock.jsonl` beside `take.jsonl`, a line a fact, as it came; a torn line loses itself alone. Times are
milliseconds of the page's own clock (High Resolution Time, section 4.4) unless they say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from rolltape.core.clock import Reading
from rolltape.core.json_fields import Fields, json_line

__all__ = ["CLOCK", "ClockLog", "Mark", "SoundPath", "TrackFacts", "browser_of"]

CLOCK = "clock.jsonl"
"""The file's name in the folder of a take."""
MAX_ROWS = 100_000
"""Of each kind: a reading each 2.5 s for three days."""
TOLD_ROWS = 60
"""Marks, readings and tracks of a take that others are told, of each kind: one each two minutes of two hours."""
MAX_TEXT = 300
ROWS_OF_A_FILE = 600
"""Of each kind at most: some 60 kB."""
_T = TypeVar("_T")
_DIGITS = 3


@dataclass(frozen=True)
class Mark:
    """The clocks that there are, read at one moment."""

    part: int
    page_ms: float
    frames: int | None = None
    """Samples of one channel that the microphone's track has given in all, by its own statistics, without those that
    were lost on their way to it.
    """
    graph_ms: float | None = None
    """Time of an audio graph, its `currentTime` (Web Audio API), in steps of a buffer of the sound device."""
    graph_page_ms: float | None = None
    """The page's time of that very moment."""


@dataclass(frozen=True)
class SoundPath:
    """Where the sound comes from, as the browser tells; None: it does not."""

    path: str = ""
    """`track`: the microphone's own; `graph`: through an audio graph; `silence`: an audio graph's, in its place."""
    latency_ms: float | None = None
    """Length of the microphone's buffer."""
    sample_rate_hz: int | None = None


@dataclass(frozen=True)
class TrackFacts:
    """What fixes a part's constant shift."""

    part: int
    began_ms: float
    """When the time of its file began."""
    encoder: str = ""
    """The MIME type that the recorder says it writes."""
    sound: SoundPath = SoundPath()
    first_frame: int | None = None
    """Count of samples that the microphone had given before the file's first, as in `Mark.frames`; None: unknown."""


@dataclass(frozen=True)
class ClockLog:
    """All that is known of a take's clocks, in the order of time."""

    browser: str = ""
    tracks: tuple[TrackFacts, ...] = ()
    """A part each; where it was told twice, as it was told last."""
    readings: tuple[Reading, ...] = ()
    """Of the room's clock; none without a room."""
    marks: tuple[Mark, ...] = ()

    def lines(self) -> str:
        """All of it as lines of its file."""
        said: list[dict[str, Any]] = [{"browser": self.browser}] if self.browser else []
        said += [{"track": _plain_track(one)} for one in self.tracks]
        said += [{"reading": _plain_reading(one)} for one in self.readings]
        said += [{"mark": _plain_mark(one)} for one in self.marks]
        return "".join(json_line(one) for one in said)

    @staticmethod
    def from_lines(text: str) -> ClockLog:
        """Read a file; what is torn or no fact is passed over."""
        browser, tracks, readings, marks = "", {}, [], []
        for line in text.split("\n"):
            try:
                said = Fields.from_own_json(line)
                browser = said.text("browser", browser, MAX_TEXT)
                if (track := said.inner_or_none("track")) is not None:
                    found = _track(track)
                    tracks[found.part] = found
                plain = said.plain()
                readings += [_reading(plain["reading"])] if "reading" in plain else []
                marks += [_mark(plain["mark"])] if "mark" in plain else []
            except ValueError:
                continue
        return ClockLog(
            browser, tuple(tracks[part] for part in sorted(tracks)), tuple(readings), tuple(marks)
        )

    def to_plain(self) -> dict[str, Any]:
        """All of it as JSON's own types, for a message, a session file or a tag."""
        return {
            "browser": self.browser,
            "tracks": [_plain_track(one) for one in self.tracks],
            "readings": [_plain_reading(one) for one in self.readings],
            "marks": [_plain_mark(one) for one in self.marks],
        }

    @staticmethod
    def from_fields(said: Fields, limit: int = MAX_ROWS) -> ClockLog:
        """Read what `to_plain` wrote, at most `limit` rows of each kind. Raises ValueError."""
        return ClockLog(
            said.text("browser", "", MAX_TEXT),
            tuple(_track(one) for one in said.rows("tracks", limit)),
            tuple(_reading(one) for one in _lists(said, "readings", limit)),
            tuple(_mark(one) for one in _lists(said, "marks", limit)),
        )

    def told(self) -> ClockLog:
        """What others are told of it: a director, and the host."""
        return replace(self.thinned(TOLD_ROWS), tracks=self.tracks[:TOLD_ROWS])

    def told_by(self, part: int) -> str:
        """What a part's own file tells of its clocks, as JSON; empty where nothing is known of them."""
        tracks = tuple(one for one in self.tracks if one.part == part)
        marks = tuple(one for one in self.marks if one.part == part)
        if not tracks:
            return ""
        return json_line(replace(self, tracks=tracks, marks=marks).thinned(ROWS_OF_A_FILE).to_plain()).strip()

    def thinned(self, rows: int) -> ClockLog:
        """At most about so many readings and marks, spread over its time; of readings those that tell most.

        The first and the last mark of each part stay, unless there are more parts than that.
        """
        readings = [
            min(group, key=lambda one: one.answered_ms - one.asked_ms)
            for group in _groups(self.readings, lambda one: one.asked_ms, rows)
        ]
        marks: list[Mark] = []
        for part in sorted({mark.part for mark in self.marks}):
            own = [mark for mark in self.marks if mark.part == part]
            share = max(1, rows * len(own) // len(self.marks))
            marks += [group[0] for group in _groups(own, lambda one: one.page_ms, share)]
            marks += own[-1:] if marks[-1] != own[-1] else []
        if len(marks) > 2 * rows:  # more parts than rows
            marks = marks[:: len(marks) // rows]
        return replace(self, readings=tuple(readings), marks=tuple(marks))


def browser_of(agent: str) -> str:
    """Name and main version of a browser out of its `User-Agent` (RFC 9110, section 10.1.5); nothing else of it."""
    for name, pattern in _BROWSERS:
        found = re.search(pattern, agent)
        if found is not None:
            return f"{name} {found[1]}"
    return ""


_BROWSERS = (
    ("Firefox", r"Firefox/(\d+)"),
    ("Chromium", r"Chrom(?:e|ium)/(\d+)"),
    ("Safari", r"Version/(\d+).*Safari/"),
)


def _groups(items: Sequence[_T], at_ms: Callable[[_T], float], count: int) -> Iterator[list[_T]]:
    """The items in at most `count` stretches of time of one length; none is empty."""
    if not items:
        return
    first_ms, last_ms = at_ms(items[0]), at_ms(items[-1])
    length_ms = max(1.0, (last_ms - first_ms) / count)
    groups: dict[int, list[_T]] = {}
    for item in items:
        groups.setdefault(min(count - 1, int((at_ms(item) - first_ms) / length_ms)), []).append(item)
    yield from (groups[place] for place in sorted(groups))


def _plain_track(one: TrackFacts) -> dict[str, Any]:
    sound = {name: value for name, value in vars(one.sound).items() if value not in (None, "")}
    counted = {} if one.first_frame is None else {"first_frame": one.first_frame}
    began_ms = round(one.began_ms, _DIGITS)
    return {"part": one.part, "began_ms": began_ms, "encoder": one.encoder, **sound, **counted}


def _track(said: Fields) -> TrackFacts:
    return TrackFacts(
        said.whole("part"),
        said.number("began_ms", low=-1e12),
        said.text("encoder", "", MAX_TEXT),
        SoundPath(
            said.text("path", "", MAX_TEXT),
            said.number_or_none("latency_ms"),
            said.whole_or_none("sample_rate_hz"),
        ),
        said.whole_or_none("first_frame"),
    )


def _plain_reading(one: Reading) -> list[float]:
    return [round(value, _DIGITS) for value in (one.asked_ms, one.answered_ms, one.server_ms)]


def _reading(said: object) -> Reading:
    asked_ms, answered_ms, server_ms = _numbers(said, 3)
    if asked_ms is None or answered_ms is None or server_ms is None or answered_ms < asked_ms:
        raise ValueError("a reading is not of three moments")
    return Reading(asked_ms, answered_ms, server_ms)


def _plain_mark(one: Mark) -> list[float | None]:
    ended = (one.graph_ms, one.graph_page_ms)
    return [
        one.part,
        round(one.page_ms, _DIGITS),
        one.frames,
        *(None if value is None else round(value, _DIGITS) for value in ended),
    ]


def _mark(said: object) -> Mark:
    part, page_ms, frames, graph_ms, graph_page_ms = _numbers(said, 5)
    if part is None or page_ms is None:
        raise ValueError("a mark is of no moment")
    return Mark(int(part), page_ms, None if frames is None else int(frames), graph_ms, graph_page_ms)


def _lists(said: Fields, name: str, limit: int) -> Iterable[object]:
    found = said.plain().get(name, [])
    if not isinstance(found, list) or len(found) > limit:
        raise ValueError(f"{name} is not a list of at most {limit}")
    return found


def _numbers(said: object, count: int) -> list[float | None]:
    """So many finite numbers, or None in the place of one. Raises ValueError."""
    if not isinstance(said, list) or len(said) != count:
        raise ValueError(f"not {count} numbers")
    for value in said:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ValueError("not a number")
        if value is not None and not abs(value) < 1e15:
            raise ValueError("a number that is no time")
    return [None if value is None else float(value) for value in said]
