"""Watches what comes in while it is recorded: a microphone that gives digital silence, a picture that stands."""

from __future__ import annotations

from rolltape.core.notice import Level, Notice

PATIENCE_MS = 5000.0
SILENT = Notice(
    Level.WARNING,
    "No sound at all comes from the microphone: see whether it is switched off or muted. The recording goes on.",
    "no-sound",
)
FROZEN = Notice(
    Level.WARNING,
    "The camera gives no new pictures: see whether it is covered or held up. Sound may be written late meanwhile.",
    "no-pictures",
)


class InputWatch:
    """Says what has been missing for five seconds, when it is there again, and anew the next time.

    A real microphone always gives some noise. What nobody can measure is not missed.
    """

    def __init__(self) -> None:
        self._since: dict[Notice, float] = {}
        self._said: set[Notice] = set()
        self._pictures: int | None = None

    def rest(self) -> list[str]:
        """Nothing is being recorded: begin anew. The subjects of what was told."""
        lifted = [notice.subject for notice in self._said]
        self._since.clear()
        self._said.clear()
        self._pictures = None
        return lifted

    def look(self, now_ms: float, peak: float | None, pictures: int | None) -> tuple[list[Notice], list[str]]:
        """What to tell now, and the subjects of what is over.

        `peak` is the loudest sample of the last moment, `pictures` how many the camera has given in all; None: it is
        not recorded, or nobody can tell.
        """
        stands = pictures is not None and pictures == self._pictures
        self._pictures = pictures
        missing = {SILENT: peak == 0, FROZEN: stands}
        notices, lifted = [], []
        for notice, is_missing in missing.items():
            if not is_missing:
                self._since.pop(notice, None)
                if notice in self._said:
                    self._said.remove(notice)
                    lifted.append(notice.subject)
            elif now_ms - self._since.setdefault(notice, now_ms) > PATIENCE_MS and notice not in self._said:
                self._said.add(notice)
                notices.append(notice)
        return notices, lifted
