"""The session file: where each guest's takes lie on the room's common clock, for people and for editors.

The JSON is described in `docs/session-file.md`. The other form is OpenTimelineIO (`core/otio.py`), which editors
import with every file in its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from rolltape.core import otio
from rolltape.recording.clock_log import ClockLog
from rolltape.recording.take import SPLIT, Part, Pause, Take
from rolltape.room.session_clock import clock_as_plain, runs_as_plain
from rolltape.settings.codec import contents

__all__ = ["RATE", "Clip", "Placed", "Report", "Stretch", "clips", "placed", "session_json", "session_otio"]

RATE = 60
"""Frames a second of the timeline: a rate that editors know, fine enough for 17 ms."""


@dataclass(frozen=True)
class Report:
    """A take as the director's page keeps it, with who made it: two guests may go by one name."""

    uid: str
    take: Take
    all_parts: int = 0
    """How many parts the take has, where not all may have been reported yet (`messages.TakeReport`)."""
    all_pauses: int = 0
    """The same of its pauses."""
    clock: ClockLog | None = None
    """What its page noted of clocks; None: nothing, or not reported yet."""

    @property
    def is_whole(self) -> bool:
        """True if all parts and pauses of the take have been reported; without counts it is."""
        return len(self.take.parts) >= self.all_parts and len(self.take.pauses) >= self.all_pauses

    def before(self, earlier: Report | None) -> Report:
        """Return this report with what an earlier one of the same take says and this one does not.

        Only a report in pieces takes parts and pauses of the earlier one; a whole one replaces them.
        """
        if earlier is None:
            return self
        report = self if self.clock is not None else replace(self, clock=earlier.clock)
        if not (self.all_parts or self.all_pauses):
            return report
        parts = {part.number: part for part in (*earlier.take.parts, *self.take.parts)}
        pauses = {pause.from_ms: pause for pause in (*earlier.take.pauses, *self.take.pauses)}
        together = replace(
            self.take,
            parts=tuple(parts[number] for number in sorted(parts)),
            pauses=tuple(pauses[from_ms] for from_ms in sorted(pauses)),
        )
        return replace(report, take=together)


@dataclass(frozen=True)
class Stretch:
    """A stretch of a file, recorded without a pause."""

    at_ms: int
    """When it was recorded: milliseconds since 1970 on the room's clock."""
    in_file_ms: int
    """Where it begins in the file."""
    length_ms: int


@dataclass(frozen=True)
class Placed:
    """One file of a take on the room's clock."""

    file: str
    """Its name as it lies in the guest's Downloads."""
    saved_as: str
    """The name that a seekable copy gets."""
    part: Part
    start_ms: int
    """When its first sample was captured: milliseconds since 1970 on the room's clock."""
    stretches: tuple[Stretch, ...]
    has_video: bool
    has_audio: bool


@dataclass(frozen=True)
class Clip:
    """A piece of a file on a track; all in frames (RATE)."""

    placed: Placed
    at: int
    """From the session's first sample."""
    source: int
    """From the file's beginning."""
    length: int


def placed(take: Take) -> list[Placed]:
    """Return the files of a take in order, on the room's clock; none where nothing was written.

    Without a room's clock the guest's own is taken, whose error nobody knows.
    """
    start_ms = take.started_at_ms if take.room_started_at_ms is None else take.room_started_at_ms
    kept = take.kept_parts
    is_split = any(part.reason == SPLIT for part in take.parts)
    found = []
    for part in kept:
        held = contents(take.type_of(part))
        tail = f"_part{part.number}"
        stretches = tuple(
            Stretch(start_ms + at_ms, in_file_ms, length_ms)
            for at_ms, in_file_ms, length_ms in _stretches(part, take.pauses)
        )
        found.append(
            Placed(
                take.name + (tail if part.number > 1 or is_split else "") + held.ending,
                take.name + (tail if len(kept) > 1 else "") + held.ending,
                part,
                start_ms + part.started_ms,
                stretches,
                held.mime_type.startswith("video") or held.video is not None,
                held.audio is not None or held.video is None,
            )
        )
    return found


def _stretches(part: Part, pauses: Iterable[Pause]) -> Iterable[tuple[int, int, int]]:
    """When, where in the file and for how long: pauses close up in a file, but not on the clock."""
    at_ms, in_file_ms = part.started_ms, 0
    for pause in sorted(pauses, key=lambda one: one.from_ms):
        length_ms = min(pause.from_ms - at_ms, part.duration_ms - in_file_ms)
        if length_ms > 0:
            yield at_ms, in_file_ms, length_ms
            in_file_ms += length_ms
        if pause.to_ms is None:
            return
        at_ms = max(at_ms, pause.to_ms)
    if part.duration_ms > in_file_ms:
        yield at_ms, in_file_ms, part.duration_ms - in_file_ms


def session_json(room: str, reports: Iterable[Report]) -> str:
    """Write the session as JSON (`docs/session-file.md`): every take, earliest first, with where its files begin."""
    lined_up = [(report, placed(report.take)) for report in reports]
    ordered = sorted(
        (one for one in lined_up if one[1]), key=lambda one: (one[1][0].start_ms, one[0].take.id)
    )
    first_ms = _first_ms(chain.from_iterable(files for _, files in ordered))
    plain = {
        "format": "rolltape-session",
        "version": 2,
        "room": room,
        "first_sample_at_ms": first_ms,
        "takes": [_as_plain(report, files, first_ms) for report, files in ordered],
    }
    return json.dumps(plain, ensure_ascii=False, indent=2) + "\n"


def session_otio(room: str, reports: Iterable[Report]) -> str:
    """Write the session as an OpenTimelineIO timeline: a picture and a sound track a guest, at RATE frames a second.

    Files are named as they lie in Downloads, beside this file; what they hold is not looked at.
    """
    by_guest: dict[str, list[Report]] = {}
    for report in sorted(reports, key=lambda one: one.take.started_at_ms):
        by_guest.setdefault(report.uid, []).append(report)
    files = {uid: [one for report in own for one in placed(report.take)] for uid, own in by_guest.items()}
    first_ms = _first_ms(chain.from_iterable(files.values()))
    names = _names(by_guest)
    tracks = []
    for kind in ("Video", "Audio"):
        for uid, own in files.items():
            having = [one for one in own if (one.has_video if kind == "Video" else one.has_audio)]
            if having:
                tracks.append(_track(names[uid], kind, clips(having, first_ms)))
    return otio.timeline(room, tracks, RATE)


def clips(files: Iterable[Placed], first_ms: int) -> list[Clip]:
    """Return the pieces of a track in order: nothing twice, and no hole but where nothing was recorded.

    What two files share is played from the first.
    """
    stretches = sorted(
        ((one, stretch) for one in files for stretch in one.stretches),
        key=lambda pair: (pair[1].at_ms, pair[0].part.number),
    )
    found: list[Clip] = []
    until = 0
    for one, stretch in stretches:
        at = max(until, _frames(stretch.at_ms - first_ms))
        held = _frames(one.part.duration_ms)
        length = min(_frames(stretch.at_ms + stretch.length_ms - first_ms) - at, held)
        skipped_ms = at * 1000 / RATE - (stretch.at_ms - first_ms)
        source = max(0, min(_frames(stretch.in_file_ms + skipped_ms), held - length))
        if length > 0:
            found.append(Clip(one, at, source, length))
            until = at + length
    return found


def _first_ms(files: Iterable[Placed]) -> int:
    """When the session's first sample was captured."""
    return min((stretch.at_ms for one in files for stretch in one.stretches), default=0)


def _names(by_guest: dict[str, list[Report]]) -> dict[str, str]:
    """A name for each guest's tracks, as they were last called; two of one name get the beginning of their ids."""
    last = {uid: own[-1].take.label or "Guest" for uid, own in by_guest.items()}
    called = list(last.values())
    return {uid: name if called.count(name) == 1 else f"{name} ({uid[:4]})" for uid, name in last.items()}


def _as_plain(report: Report, files: Sequence[Placed], first_ms: int) -> dict[str, Any]:
    take = report.take
    return {
        "guest": take.label or "",
        "guest_id": report.uid,
        "name": take.name,
        "state": take.state,
        "started_by": take.started_by,
        "started_at": take.started_at.isoformat(timespec="milliseconds"),
        "on_room_clock": take.room_started_at_ms is not None,
        "error_ms": take.room_error_ms,
        "duration_ms": take.duration_ms,
        "pauses": [{"from_ms": pause.from_ms, "to_ms": pause.to_ms} for pause in take.pauses],
        "clock": clock_as_plain(report.clock),
        "parts": [
            _part_as_plain(one, first_ms) | {"runs": runs_as_plain(report.clock, one.part.number)}
            for one in files
        ],
    }


def _part_as_plain(one: Placed, first_ms: int) -> dict[str, Any]:
    return {
        "file": one.file,
        "saved_as": one.saved_as,
        "bytes": one.part.bytes,
        "start_ms": one.start_ms,
        "offset_ms": one.start_ms - first_ms,
        "duration_ms": one.part.duration_ms,
        "overlap_before_ms": one.part.overlap_before_ms,
        "gap_before_ms": one.part.gap_before_ms,
        "holes": [{"from_ms": hole.from_ms, "to_ms": hole.to_ms, "of": hole.of} for hole in one.part.holes],
        "behind_ms": one.part.behind_ms,
        "damaged_bytes": one.part.passed_over,
        "stretches": [
            {
                "offset_ms": stretch.at_ms - first_ms,
                "in_file_ms": stretch.in_file_ms,
                "length_ms": stretch.length_ms,
            }
            for stretch in one.stretches
        ],
    }


def _track(name: str, kind: str, played: Sequence[Clip]) -> otio.Schema:
    children: list[otio.Schema] = []
    until = 0
    for clip in played:
        if clip.at > until:
            children.append(otio.gap(_range(0, clip.at - until)))
        available = _range(0, _frames(clip.placed.part.duration_ms))
        file = clip.placed.file
        children.append(otio.clip(file, file, available, _range(clip.source, clip.length)))
        until = clip.at + clip.length
    return otio.track(name, kind, children)


def _frames(ms: float) -> int:
    return round(ms * RATE / 1000)


def _range(start: int, length: int) -> otio.Schema:
    return otio.time_range(start, length, RATE)
