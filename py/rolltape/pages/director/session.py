"""The takes that guests have reported, kept on this machine for a day, and the session files made of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from rolltape.pages.interfaces import Browser, Document
from rolltape.room.messages import Role, Sender, TakeReport, room_key
from rolltape.room.session_file import Report, session_json, session_otio
from rolltape.room.wire import BadMessage, decode, encode, sender_of

MAX_REPORTS = 200
KEPT_MS = 24 * 3600 * 1000


class SessionView:
    """The session of a room as this page knows it, after a reload too."""

    def __init__(self, document: Document, browser: Browser, room: str) -> None:
        self._document = document
        self._browser = browser
        self._room = room
        self._sure = False
        self._memory = f"takes-{room_key(room)}"
        self._reports = _read(browser.kept(self._memory), time.time() * 1000 - KEPT_MS)
        document.on("session-json", "click", lambda: self._save(session_json, ".json"))
        document.on("session-otio", "click", lambda: self._save(session_otio, ".otio"))
        document.on("session-forget", "click", self._forget)
        document.on("session-forget", "blur", self._not_sure)
        self._draw()

    def add(self, uid: str, report: TakeReport) -> None:
        """A guest has finished a take; told again it counts once."""
        self._reports[report.take.id] = Report(uid, report.take)
        while len(self._reports) > MAX_REPORTS:
            del self._reports[next(iter(self._reports))]
        self._browser.keep(self._memory, "\n".join(map(_line, self._reports.values())))
        self._draw()

    def _forget(self) -> None:
        """Begin a new session: what was reported so far is not in it, so it is asked twice."""
        if not self._sure:
            self._sure = True
            self._document.text("session-forget", "Really forget these?")
            return
        self._not_sure()
        self._reports.clear()
        self._browser.keep(self._memory, "")
        self._draw()

    def _not_sure(self) -> None:
        self._sure = False
        self._document.text("session-forget", "Begin a new session")

    def _draw(self) -> None:
        count = len(self._reports)
        takes = "recording lines" if count == 1 else "recordings line"
        self._document.text(
            "session-count",
            f"{count} finished {takes} up in it."
            if count
            else "No recording of this session is finished yet.",
        )
        for name in ("session-json", "session-otio", "session-forget"):
            self._document.enable(name, bool(count))

    def _save(self, write: Callable[[str, Iterable[Report]], str], ending: str) -> None:
        name = f"{_safe(self._room)}_session{ending}"
        self._browser.save_text(name, write(self._room, self._reports.values()), "application/json")
        self._document.text(
            "session-saved", f"{name} is in your Downloads folder: put it beside the guests' files."
        )


def _safe(room: str) -> str:
    return "".join(one if one.isalnum() or one in "-_" else "_" for one in room) or "room"


def _line(report: Report) -> str:
    return encode(TakeReport(report.take), Sender(report.uid, Role.GUEST, ""))


def _read(kept: str, since_ms: float) -> dict[str, Report]:
    """What was kept; lines that are not right or too old are left out."""
    found = {}
    for line in kept.splitlines():
        try:
            message, sender = decode("take", line), sender_of(line)
        except BadMessage:
            continue
        if isinstance(message, TakeReport) and message.take.started_at_ms >= since_ms:
            found[message.take.id] = Report(sender.uid, message.take)
    return found
