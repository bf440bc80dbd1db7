"""A take's lines in its log, `take.jsonl` in the journal, and the same as an object in a message.

A line holds the whole take, or what changed since the line before. Lines are only ever appended, so a log that was
cut at any byte still says what was true at some moment before the cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, asdict, fields, replace
from typing import Any

from rolltape.core.json_fields import Fields, json_line
from rolltape.recording.take import Delivery, Part, Pause, ShelfState, Take, TakeState
from rolltape.recording.timeline import Hole, Missing
from rolltape.settings.bitrate import Rates

__all__ = ["log_line", "plain_part", "plain_take", "read_log", "read_take"]

_VERSION = 1
_MAX_TIME_MS = 253_370_764_800_000
"""The year 9999: dates end there."""
_MAX_OFFSET_MINUTES = 24 * 60 - 1

_ORDINARY: Mapping[str, object] = {
    field.name: field.default for field in fields(Part) if field.default is not MISSING
}
_KNOWN_DELIVERIES = {delivery.value: delivery for delivery in Delivery}


def log_line(take: Take, before: Take | None = None) -> str:
    """Write a line of a take's log: ASCII, with a line feed before and after.

    Where `before` is what
    the log is known to say already, only what is new is written; else, and where a part is gone, the whole take.
    Nothing a take can hold makes it raise.
    """
    if before is not None and before.id == take.id and _numbers(before) <= _numbers(take):
        plain = {"v": _VERSION, "id": take.id, "changes": _new_since(before, take)}
    else:
        plain = plain_take(take)
    return json_line(plain)


def plain_take(take: Take) -> dict[str, Any]:
    """Return the whole take as JSON's own types; of its parts, what is not as by default. `read_take` reads it."""
    lists = {
        "parts": [plain_part(part) for part in take.parts],
        "pauses": [vars(pause) for pause in take.pauses],
        "delivered": list(take.delivered),
    }
    return {"v": _VERSION, **vars(take), **lists, "rates": asdict(take.rates)}


def plain_part(part: Part) -> dict[str, Any]:
    """Return a part as JSON's own types, without what is as it is by default."""
    plain = vars(part) | {"holes": [vars(hole) for hole in part.holes]}
    return {name: plain[name] for name, value in vars(part).items() if value != _ORDINARY.get(name)}


def read_log(log: str | bytes) -> Take | None:
    """Read a log: its last whole take, and what changed after that; None if there is none.

    Torn lines, garbage, and lines that do not make a take are passed over; fields that are not known
    are left aside; fields with a default may be missing. Nothing in a log makes it raise.
    """
    lines: Sequence[str | bytes] = log.split(b"\n") if isinstance(log, bytes) else log.split("\n")
    changes: list[Fields] = []
    for each in reversed(lines):
        found = _read_line(each)
        if isinstance(found, Take):
            return _changed(found, reversed(changes))
        if found is not None:
            changes.append(found)
    return None


def read_take(fields: Fields) -> Take:
    """Read what `plain_take` wrote. Raises ValueError."""
    return Take(
        id=fields.text("id"),
        number=fields.whole("number"),
        name=fields.text("name"),
        started_at_ms=fields.whole("started_at_ms", high=_MAX_TIME_MS),
        utc_offset_minutes=fields.whole("utc_offset_minutes", 0, -_MAX_OFFSET_MINUTES, _MAX_OFFSET_MINUTES),
        label=fields.text_or_none("label"),
        room=fields.text_or_none("room"),
        started_by=fields.text("started_by", "you"),
        mime_type=fields.text("mime_type", ""),
        rates=_rates(fields.inner("rates")),
        parts=tuple(map(_part, fields.rows("parts"))),
        pauses=tuple(map(_pause, fields.rows("pauses"))),
        state=fields.member("state", TakeState),
        error=fields.text_or_none("error"),
        delivered=fields.known_members("delivered", Delivery),
        room_started_at_ms=fields.whole_or_none("room_started_at_ms", high=_MAX_TIME_MS),
        room_error_ms=fields.whole_or_none("room_error_ms"),
    )


def _numbers(take: Take) -> frozenset[int]:
    return frozenset(part.number for part in take.parts)


def _new_since(before: Take, now: Take) -> dict[str, Any]:
    """What is new, by field; of the parts, those that are."""
    known = frozenset(before.parts)
    changed = replace(now, parts=tuple(part for part in now.parts if part not in known))
    new = {name for name, value in vars(now).items() if value != getattr(before, name)}
    return {name: value for name, value in plain_take(changed).items() if name in new}


def _read_line(each: str | bytes) -> Take | Fields | None:
    """A line of a log: the whole take, or the object that says what changed; None: neither."""
    try:
        fields = Fields.from_own_json(each.decode() if isinstance(each, bytes) else each)
        return read_take(fields) if fields.inner_or_none("changes") is None else fields
    except ValueError:
        return None


def _changed(take: Take, lines: Iterable[Fields]) -> Take:
    """The take after these lines of its log; one that does not fit is passed over."""
    for each in lines:
        try:
            if each.text("id") == take.id:
                take = _with_changes(take, each.inner("changes"))
        except ValueError:
            continue
    return take


def _with_changes(take: Take, changes: Fields) -> Take:
    plain = plain_take(take)
    parts = {part["number"]: part for part in plain["parts"]}
    parts |= {part.whole("number"): part.plain() for part in changes.rows("parts")}
    return read_take(
        Fields({**plain, **changes.plain(), "parts": [parts[number] for number in sorted(parts)]})
    )


def _rates(fields: Fields) -> Rates:
    return Rates(fields.whole_or_none("video_kbps"), fields.whole_or_none("audio_kbps"))


def _part(fields: Fields) -> Part:
    return Part(
        number=fields.whole("number"),
        file=fields.text("file"),
        bytes=fields.whole("bytes", 0),
        duration_ms=fields.whole("duration_ms", 0),
        gap_before_ms=fields.whole("gap_before_ms", 0),
        overlap_before_ms=fields.whole("overlap_before_ms", 0),
        started_ms=fields.whole("started_ms", 0),
        mime_type=fields.text("mime_type", ""),
        reason=fields.text("reason", ""),
        state=fields.member("state", ShelfState, ShelfState.RECORDING),
        delivered=_KNOWN_DELIVERIES.get(fields.text_or_none("delivered") or ""),
        holes=tuple(map(_hole, fields.rows("holes"))),
        behind_ms=fields.whole("behind_ms", 0),
        passed_over=fields.whole("passed_over", 0),
        cut=fields.whole("cut", 0),
    )


def _hole(fields: Fields) -> Hole:
    return Hole(
        fields.whole("from_ms"), fields.whole("to_ms"), fields.member("of", Missing, Missing.EVERYTHING)
    )


def _pause(fields: Fields) -> Pause:
    return Pause(fields.whole("from_ms"), fields.whole_or_none("to_ms"))
