"""What the director is told: a list of sentences, newest first, and a tone for those who look elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from rolltape.core.notice import Level, Notice
from rolltape.pages.document import Document
from rolltape.pages.interfaces import Browser
from rolltape.room.guest_news import News, Told

KEPT = 60
TONES_HERTZ = {Level.INFO: 440.0, Level.WARNING: 660.0, Level.ERROR: 880.0}
BETWEEN_TONES_MS = 400.0
"""Of twenty guests that start at once one tone is heard."""
ALARM_EVERY_MS = 5000.0
"""Of one guest; who fails again and again is heard, but does not drown out the others."""
MAX_STANDING = 5
"""Guests of whom a failure stands on top of the page; of all others one sentence does."""
SILENT = frozenset({News.CAME, News.BACK})
MEMORY = "alarm-sound"


class NewsView:
    """Draws the list of what happened, KEPT of it at most, and sounds a tone for alarms unless it is switched off.

    The director's page makes one. Whether a tone is heard depends on the browser: not before the first gesture.
    """

    def __init__(self, document: Document, browser: Browser) -> None:
        self._document = document
        self._browser = browser
        self._told: deque[tuple[str, Level, str]] = deque(maxlen=KEPT)
        self._count = 0
        self._tone_ms = 0.0
        self._standing: dict[str, float] = {}
        """When a guest's last alarm sounded, by uid."""
        document.fill("alarm-sound", browser.kept(MEMORY) or "on")
        document.on("alarm-sound", "change", self._on_switch)

    def tell(self, told: Sequence[Told]) -> None:
        """Show what has happened; what is serious stands on top of the page until it is dismissed."""
        for one in told:
            self._count += 1
            text = f"{self._time_of_day()} {one.text}"
            if one.level is Level.ERROR:
                self._stand(one, text)
            else:
                self._told.appendleft((str(self._count), one.level, text))
        if told:
            self._draw()
            self._sound([one for one in told if self._is_heard(one)])

    def _stand(self, told: Told, text: str) -> None:
        """One notice a guest, so that none of them can fill the page."""
        if told.uid in self._standing or len(self._standing) < MAX_STANDING:
            self._standing.setdefault(told.uid, float("-inf"))
            self._document.notify(Notice(told.level, text, f"failed-{told.uid}"))
        else:
            text = f"{text} This is the last of several."
            self._document.notify(Notice(told.level, text, "failed-others"))

    def _is_heard(self, told: Told) -> bool:
        if told.level is not Level.ERROR:
            return told.kind not in SILENT
        now_ms = self._browser.now_ms()
        name = told.uid if told.uid in self._standing else ""
        is_due = now_ms - self._standing.get(name, float("-inf")) >= ALARM_EVERY_MS
        if is_due:
            self._standing[name] = now_ms
        return is_due

    def _draw(self) -> None:
        rows = self._document.rows("news", "news-template", [id for id, _, _ in self._told])
        for id, level, text in self._told:
            rows[id].text("", text)
            rows[id].attribute("", "data-level", level)
        self._document.show("no-news", not self._told)

    def _sound(self, told: Sequence[Told]) -> None:
        if not told or self._document.value("alarm-sound") != "on":
            return
        now_ms = self._browser.now_ms()
        worst = max((one.level for one in told), key=list(TONES_HERTZ).index)
        if worst is Level.ERROR or now_ms - self._tone_ms >= BETWEEN_TONES_MS:
            self._tone_ms = now_ms
            self._browser.beep(TONES_HERTZ[worst])

    def _on_switch(self) -> None:
        chosen = self._document.value("alarm-sound")
        self._browser.keep(MEMORY, chosen)
        if chosen == "on":
            self._browser.beep(TONES_HERTZ[Level.INFO])

    def _time_of_day(self) -> str:
        place = timezone(timedelta(minutes=self._browser.utc_offset_minutes()))
        return f"{datetime.fromtimestamp(time.time(), place):%H:%M:%S}"
