"""Watches the sound while it is recorded: a microphone that gives digital silence."""

from __future__ import annotations

from rolltape.core.notice import Level, Notice

PATIENCE_MS = 5000.0
SILENT = Notice(
    Level.WARNING,
    "No sound at all comes from the microphone: see whether it is switched off or muted. The recording goes on.",
    "no-sound",
)


class InputWatch:
    """Says what has been missing for five seconds, when it is there again, and anew the next time.

    A real microphone always gives some noise. What nobody can measure is not missed.
    """

    def __init__(self) -> None:
        self._since_ms: float | None = None
        self._said = False

    def rest(self) -> list[str]:
        """Begin anew, since nothing is being recorded; return the subjects of what was told, to be lifted."""
        was_said, self._said = self._said, False
        self._since_ms = None
        return [SILENT.subject] if was_said else []

    def look(self, now_ms: float, peak: float | None) -> tuple[list[Notice], list[str]]:
        """What to tell now, and the subjects of what is over.

        `peak` is the loudest sample of the last moment; None: it is not recorded, or nobody can tell.
        """
        if peak != 0:
            return [], self.rest()
        if self._since_ms is None:
            self._since_ms = now_ms
        if self._said or now_ms - self._since_ms <= PATIENCE_MS:
            return [], []
        self._said = True
        return [SILENT], []
