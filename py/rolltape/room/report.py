"""A take as a guest reports it: a stranger's word, so it is bounded, and its names are such as a file may have."""

from __future__ import annotations

import re
from dataclasses import replace

from rolltape.core.json_fields import Fields
from rolltape.core.naming import safe_name
from rolltape.core.notice import one_line, plain_text
from rolltape.recording.clock_log import ClockLog, TrackFacts
from rolltape.recording.take import Part, Take
from rolltape.recording.take_log import read_take

__all__ = ["MAX_PARTS", "read_clock", "read_report"]

MAX_PARTS = 500
"""Of one take, and as many pauses: a part each minute for eight hours."""
MAX_CLOCK_ROWS = 500
MAX_LINE = 80
MAX_SENTENCE = 500
MAX_TYPE = 120
_ID = re.compile(r"[\w-]{1,80}")


def read_report(said: Fields) -> Take:
    """Read a take that somebody else has made, of a message `take`. Raises ValueError.

    What is returned can be put into a file for an editor as it is: no name leads out of a folder, no text is longer
    than people read or has what cannot be seen.
    """
    for name in ("parts", "pauses"):
        said.rows(name, MAX_PARTS)
    take = read_take(said)
    if not _ID.fullmatch(take.id):
        raise ValueError("id is not an id")
    return replace(
        take,
        name=safe_name(take.name),
        label=None if take.label is None else one_line(take.label, MAX_LINE),
        room=None if take.room is None else one_line(take.room, MAX_LINE),
        started_by=one_line(take.started_by, MAX_LINE),
        mime_type=_type(take.mime_type),
        error=None if take.error is None else one_line(take.error, MAX_SENTENCE),
        parts=tuple(map(_part, take.parts)),
    )


def read_clock(said: Fields | None) -> ClockLog | None:
    """Read what a take's page noted of clocks, at most MAX_CLOCK_ROWS of a kind; None for None. Raises ValueError."""
    if said is None:
        return None
    clock = ClockLog.from_fields(said, MAX_CLOCK_ROWS)
    return replace(clock, browser=one_line(clock.browser, MAX_LINE), tracks=tuple(map(_track, clock.tracks)))


def _track(facts: TrackFacts) -> TrackFacts:
    sound = replace(facts.sound, path=one_line(facts.sound.path, MAX_LINE))
    return replace(facts, encoder=_type(facts.encoder), sound=sound)


def _part(part: Part) -> Part:
    return replace(
        part,
        file=safe_name(part.file),
        mime_type=_type(part.mime_type),
        reason=one_line(part.reason, MAX_SENTENCE),
    )


def _type(text: str) -> str:
    if len(text) > MAX_TYPE:
        raise ValueError(f"mime_type is longer than {MAX_TYPE} characters")
    return plain_text(text)
