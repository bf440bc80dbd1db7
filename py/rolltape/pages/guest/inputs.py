"""Watches what comes in while it is recorded: a microphone that gives digital silence, a picture that stands."""

from __future__ import annotations

from rolltape.core.notice import Level, Notice

PATIENCE_MS = 5000.0
SILENT = Notice(
    Level.WARNING,
    "No sound at all comes from the microphone: see whether it is switched off or muted. The recording goes on.",
)
FROZEN = Notice(
    Level.WARNING,
    "The camera gives no new pictures: see whether it is covered or held up. The recording goes on.",
)


class InputWatch:
    """Says once a recording what has been missing for five seconds; a real microphone always gives some noise."""

    def __init__(self) -> None:
        self._since: dict[Notice, float] = {}
        self._said: set[Notice] = set()

    def rest(self) -> None:
        """Nothing is being recorded: begin anew."""
        self._since.clear()
        self._said.clear()

    def look(self, now_ms: float, peak: float | None, fps: float | None) -> list[Notice]:
        """What to tell now; `peak` is the loudest sample and `fps` the real frame rate, None without a device."""
        missing = {SILENT: peak == 0, FROZEN: fps == 0}
        notices = []
        for notice, is_missing in missing.items():
            if not is_missing:
                self._since.pop(notice, None)
            elif now_ms - self._since.setdefault(notice, now_ms) > PATIENCE_MS and notice not in self._said:
                self._said.add(notice)
                notices.append(notice)
        return notices
