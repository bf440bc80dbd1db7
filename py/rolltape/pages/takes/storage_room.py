"""The room that is left, on the guest's page: shown, warned of, and made where it may be."""

from __future__ import annotations

from dataclasses import replace

from rolltape.core.notice import Level, Notice
from rolltape.pages import words
from rolltape.pages.interfaces import Browser, Document
from rolltape.recording.shelf import Shelf
from rolltape.recording.storage_room import WARN_BELOW_MINUTES, Space, to_release, warning

SUBJECT = "room-left"


class SpaceView:
    """Looks at the browser's storage when told to."""

    def __init__(self, document: Document, browser: Browser, shelf: Shelf) -> None:
        self._document = document
        self._browser = browser
        self._shelf = shelf
        self._told: frozenset[int] = frozenset()
        self.minutes_left: float | None = None
        """For how long there is room at the present rate; None: not looked yet."""

    async def prepare(self, kbps: float) -> None:
        """Before a recording: ask the browser to keep what is stored, and make room."""
        self._told = frozenset()
        self._document.spawn(self._persist())  # Firefox asks the person, who must not hold up the recording
        await self.look(kbps, recording=True)

    async def _persist(self) -> None:
        if not await self._browser.persist():
            # Not worth a notice: browsers that say no still keep it unless the disk runs full.
            self._browser.log("The browser did not promise to keep the journal when the disk runs full.")

    async def look(self, kbps: float, *, recording: bool) -> None:
        """Show what is left; while recording, warn ahead of time and release what is safely elsewhere."""
        space = Space(*await self._browser.space())
        if recording and await self._release(space, kbps):
            space = Space(*await self._browser.space())
        self.minutes_left = space.minutes(kbps)
        left = f"{words.size(space.left)} left, {space.describe(kbps)}"
        self._document.text("space", f"{words.size(space.used)} used, {left}")
        if recording:
            notice, self._told = warning(space.minutes(kbps), self._told)
            if notice is not None:
                self._document.notify(replace(notice, subject=SUBJECT))
        if space.minutes(kbps) >= max(WARN_BELOW_MINUTES):
            self._told = frozenset()
            self._document.lift(SUBJECT)

    async def _release(self, space: Space, kbps: float) -> bool:
        running = frozenset(await self._browser.running())
        released = to_release(await self._shelf.takes(), space, kbps, running)
        for take in released:
            await self._shelf.delete(take)
            self._document.notify(
                Notice(
                    Level.INFO, f"{take.name} was removed from this browser to make room; its file is saved."
                )
            )
        return bool(released)
