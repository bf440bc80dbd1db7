"""What this tab has recorded, over reloads: its takes are told to the directors again."""

from __future__ import annotations

from rolltape.pages.interfaces import Browser
from rolltape.recording.shelf import Shelf
from rolltape.recording.take import Take

MEMORY = "own-takes"
MAX_TAKES = 50


class OwnTakes:
    """Remembers the ids of a tab's takes until the tab is closed; of very many the last `MAX_TAKES`."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def add(self, id: str) -> None:
        """Remember a take; one that is known already stays where it is."""
        if id not in self._ids:
            self._browser.remember(MEMORY, " ".join([*self._ids, id][-MAX_TAKES:]))

    async def over(self, shelf: Shelf | None) -> list[Take]:
        """Return those of them that are over and still on the shelf, oldest first. Raises SinkError."""
        takes = [await shelf.take(id) for id in self._ids] if shelf is not None else []
        return [take for take in takes if take is not None and take.is_over]

    @property
    def _ids(self) -> list[str]:
        return self._browser.remembered(MEMORY).split()
