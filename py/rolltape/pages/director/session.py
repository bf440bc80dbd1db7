"""The takes that guests have reported, kept on this machine for a day, and the session files made of them.

The session is the director's: reports come from guests, so each guest has place for so many and cannot push out
another's, and each take can be left out.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from rolltape.pages import words
from rolltape.pages.director.arrivals import ArrivalsView
from rolltape.pages.director.tracks import Known
from rolltape.pages.document import Document, View
from rolltape.pages.interfaces import Browser
from rolltape.room.messages import Role, Sender, TakeReport, room_key
from rolltape.room.report_pieces import reports_of
from rolltape.room.session_file import Report, session_json, session_otio
from rolltape.room.wire import BadMessage, decode, encode, sender_of

MAX_REPORTS = 200
MAX_OF_ONE = 50
KEPT_MS = 24 * 3600 * 1000
AHEAD_MS = 3600 * 1000
"""By how much a guest's clock may be ahead of this machine's; what is said to begin later is nothing real."""

_Name = tuple[str, str]
"""Who reported a take, and its id: two guests may choose one id."""


@dataclass(frozen=True)
class _Kept:
    report: Report
    used: bool


class SessionView:
    """The session of a room as this page knows it, after a reload too."""

    def __init__(self, document: Document, browser: Browser, room: str) -> None:
        self.arrivals = ArrivalsView(document, browser, self._draw)
        """What of the session lies at the host."""
        self.arrivals.tracks.known = lambda: {
            name: Known(one.used, one.report.clock) for name, one in self._kept.items()
        }
        self._document = document
        self._browser = browser
        self._room = room
        self._sure = False
        self._wired: set[str] = set()
        self._memory = f"takes-{room_key(room)}"
        self._kept: dict[_Name, _Kept] = dict(self._read())
        document.on("session-json", "click", lambda: self._save(session_json, ".json"))
        document.on("session-otio", "click", lambda: self._save(session_otio, ".otio"))
        document.on("session-forget", "click", self._forget)
        document.on("session-forget", "blur", self._not_sure)
        self._draw()

    def add(self, uid: str, report: TakeReport, used: bool = True) -> bool:
        """A guest has finished a take; told again it counts once, told in pieces it counts once it is whole.

        `used` False: it is left out until it is ticked. Whether it is whole from now on, and was not before.

        """
        name, before = (uid, report.take.id), self._kept.get((uid, report.take.id))
        told = Report(uid, report.take, report.all_parts, report.all_pauses, report.clock)
        now = told.before(before.report if before else None)
        if not _is_recent(now) or (before is not None and before.report == now):
            return False
        self._kept[name] = _Kept(now, used if before is None else before.used)
        self._browser.keep(self._place(name), _lines(now))
        counts = Counter(whose for whose, _ in self._kept)
        if counts[uid] > MAX_OF_ONE or len(self._kept) > MAX_REPORTS:
            whose = uid if counts[uid] > MAX_OF_ONE else counts.most_common(1)[0][0]
            self._drop(next(one for one in self._kept if one[0] == whose))
        self._keep_list()
        self._draw()
        return now.is_whole and (before is None or not before.report.is_whole)

    def _drop(self, name: _Name) -> None:
        del self._kept[name]
        self._browser.keep(self._place(name), "")

    def _place(self, name: _Name) -> str:
        return f"{self._memory}/{name[0]}/{name[1]}"

    def _keep_list(self) -> None:
        """What there is, beside the takes themselves: one more does not write all of them anew."""
        lines = (f"{uid} {id} {'yes' if one.used else 'no'}" for (uid, id), one in self._kept.items())
        self._browser.keep(self._memory, "\n".join(lines))

    def _read(self) -> Iterable[tuple[_Name, _Kept]]:
        """What was kept; what is not right or too old is left out."""
        for line in self._browser.kept(self._memory).splitlines():
            uid, _, rest = line.partition(" ")
            id, _, used = rest.partition(" ")
            report = _report(self._browser.kept(self._place((uid, id))))
            if report is not None and _is_recent(report):
                yield (uid, id), _Kept(report, used == "yes")

    def _forget(self) -> None:
        """Begin a new session: what was reported so far is not in it, so it is asked twice."""
        if not self._sure:
            self._sure = True
            self._document.text("session-forget", "Really forget these?")
            return
        self._not_sure()
        for name in list(self._kept):
            self._drop(name)
        self._keep_list()
        self._draw()

    def _not_sure(self) -> None:
        self._sure = False
        self._document.text("session-forget", "Begin a new session")

    @property
    def _used(self) -> list[Report]:
        return [one.report for one in self._kept.values() if one.used and one.report.is_whole]

    def _on_tick(self, row: View, name: _Name) -> None:
        self._kept[name] = replace(self._kept[name], used=row.ticked("session-use"))
        self._keep_list()
        self._draw()

    def _draw(self) -> None:
        count, document = len(self._used), self._document
        takes = "recording lines" if count == 1 else "recordings line"
        document.text(
            "session-count",
            f"{count} finished {takes} up in it."
            if count
            else "No recording of this session is finished yet.",
        )
        for name in ("session-json", "session-otio"):
            document.enable(name, bool(count))
        document.enable("session-forget", bool(self._kept))
        held = [name for name in self.arrivals.takes if name not in self._kept]
        document.show("session-list", bool(self._kept or held))
        names = {f"{uid} {id}": (uid, id) for uid, id in [*reversed(self._kept), *held]}
        rows = document.rows("session-takes", "session-template", list(names))
        for id, row in rows.items():
            self._draw_one(row, names[id])
            if id not in self._wired:
                row.on("session-use", "change", partial(self._on_tick, row, names[id]))
                self.arrivals.wire(row, names[id])
        self._wired = set(names)

    def _draw_one(self, row: View, name: _Name) -> None:
        self.arrivals.fill(row, name)
        one = self._kept.get(name)
        row.show("session-use", one is not None)
        if one is None:
            row.attribute("", "data-take", name[1])
            row.text("session-what", self.arrivals.label(name))
            return
        take = one.report.take
        row.attribute("", "data-take", take.id)
        row.attribute("session-use", "aria-label", f"{take.name} is part of the session")
        row.tick("session-use", one.used)
        row.text("session-what", f"{take.label or 'Guest'} · {words.clock(take.duration_ms)} · {take.name}")

    def _save(self, write: Callable[[str, Iterable[Report]], str], ending: str) -> None:
        name = f"{_safe(self._room)}_session{ending}"
        self._browser.save_text(name, write(self._room, self._used), "application/json")
        self._document.text(
            "session-saved", f"{name} is going to your Downloads folder: put it beside the guests' files."
        )


def _is_recent(report: Report) -> bool:
    """True if it is of this day: whoever says otherwise would move the whole session by years."""
    take, now_ms = report.take, time.time() * 1000
    starts = (take.started_at_ms, take.room_started_at_ms)
    return all(one is None or now_ms - KEPT_MS <= one <= now_ms + AHEAD_MS for one in starts)


def _safe(room: str) -> str:
    return "".join(one if one.isalnum() or one in "-_" else "_" for one in room) or "room"


def _lines(report: Report) -> str:
    """A report as its messages, one a line."""
    sender = Sender(report.uid, Role.GUEST, "")
    pieces = reports_of(report.take, report.clock)
    if len(pieces) > 1 or not report.is_whole:
        parts, pauses = (
            max(len(report.take.parts), report.all_parts),
            max(len(report.take.pauses), report.all_pauses),
        )
        pieces = [replace(piece, all_parts=parts, all_pauses=pauses) for piece in pieces]
    return "\n".join(encode(piece, sender) for piece in pieces)


def _report(lines: str) -> Report | None:
    """What `_lines` wrote; None if something in it is not right."""
    found: Report | None = None
    for line in lines.split("\n"):
        try:
            message, sender = decode("take", line), sender_of(line)
        except BadMessage:
            return None
        if isinstance(message, TakeReport):
            told = Report(sender.uid, message.take, message.all_parts, message.all_pauses, message.clock)
            found = told.before(found)
    return found
