"""The room that is left, on the guest's page: shown, warned of, and made where it may be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from rolltape.core.errors import SinkError
from rolltape.core.notice import Level, Notice
from rolltape.pages import words
from rolltape.pages.document import Document
from rolltape.pages.interfaces import Browser
from rolltape.recording.shelf import Shelf
from rolltape.recording.sinks import Folder
from rolltape.recording.storage_room import (
    RELEASE_BELOW_MINUTES,
    WARN_BELOW_MINUTES,
    Space,
    announcement,
    file_names,
    release,
    to_release,
    warning,
)
from rolltape.recording.take import Delivery, Take

SUBJECT = "room-left"
RELEASE_SUBJECT = "room-release"


class SpaceView:
    """Shows how much room is left, warns when it runs short, and removes takes that lie elsewhere to make some.

    `Takes` makes one; it looks only when told to. What is left is the browser's own estimate.
    """

    def __init__(
        self,
        document: Document,
        browser: Browser,
        shelf: Shelf,
        folder: Callable[[], Folder | None] = lambda: None,
    ) -> None:
        """`folder` gives the one that the person chose, where files can be seen to lie."""
        self._document = document
        self._browser = browser
        self._shelf = shelf
        self._folder = folder
        self.at_host: Callable[[Take], Awaitable[str]] = _at_no_host
        """The name of a host that holds the whole of a take right now; empty: none does."""
        self._told: frozenset[int] = frozenset()
        self._to_go: Mapping[str, float] = {}
        """When it was told that a take is going to be removed, by id."""
        self._places: dict[str, str] = {}
        """Where else the takes lie that may be removed, by id."""
        self.minutes_left: float | None = None
        """For how long there is room at the ordered rate; None: not looked yet."""

    async def prepare(self, kbps: float) -> None:
        """Before a recording at `kbps`: ask the browser to keep what is stored, and look how much room there is.

        The browser's answer is not waited for. Raises RolltapeError as `look` does.
        """
        self._told = frozenset()
        self._document.spawn(self._persist())  # Firefox asks the person, who must not hold up the recording
        await self.look(kbps, recording=True)

    async def _persist(self) -> None:
        if not await self._browser.persist():
            # Not worth a notice: browsers that say no still keep it unless the disk runs full.
            self._browser.log("The browser did not promise to keep the journal when the disk runs full.")

    async def look(self, kbps: float, *, recording: bool) -> None:
        """Show what is left at `kbps`; while recording, warn ahead and release what lies elsewhere.

        Raises RolltapeError where the browser does not tell; then `minutes_left` is None.
        """
        self.minutes_left = None  # until it is known
        space = Space(*await self._browser.space())
        if await self._release(space, kbps, recording=recording):
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

    async def _release(self, space: Space, kbps: float, *, recording: bool) -> bool:
        """Tell of takes that have to go, and a minute later let them go, if they still have to; whether any went."""
        chosen: Sequence[Take] = ()
        if recording and space.minutes(kbps) < RELEASE_BELOW_MINUTES:
            takes = await self._shelf.takes()
            places = {take.id: await self._place_of(take) for take in takes if take.is_over}
            self._places = {id: place for id, place in places.items() if place}
            running = frozenset(await self._browser.running())
            chosen = to_release(takes, self._places, space, kbps, running)
        what = release(chosen, self._to_go, self._browser.now_ms())
        self._to_go = what.told
        if what.tell:
            where = " and ".join(dict.fromkeys(self._places[take.id] for take in what.tell))
            self._document.notify(replace(announcement(what.tell, where), subject=RELEASE_SUBJECT))
        for take in what.remove:
            try:
                await self._shelf.delete(take)
            except SinkError as error:  # another tab plays it, for example: the others make room all the same
                self._browser.log(f"{take.name} was not removed to make room. {error.sentence}")
                continue
            place = self._places[take.id]
            sentence = f"{take.name} was removed from this browser to make room; its file lies {place}."
            self._document.notify(Notice(Level.INFO, sentence))
        if not self._to_go:
            self._document.lift(RELEASE_SUBJECT)
        return bool(what.remove)

    async def _place_of(self, take: Take) -> str:
        """Where else all of a take lies for sure: seen there now, not remembered; empty: nowhere."""
        folder = self._folder()
        if folder is not None and await _lies_in(folder, take):
            return f"in the folder “{folder.name}”"
        host = await self.at_host(take)
        return f"at {host}" if host else ""


async def _at_no_host(take: Take) -> str:
    return ""


async def _lies_in(folder: Folder, take: Take) -> bool:
    """True if every file of a take lies in the folder, whole: seen there now, not remembered."""
    if Delivery.FOLDER not in take.delivered:
        return False
    for part in take.parts:
        sizes = [await folder.size(name) for name in file_names(take, part)]
        if part.bytes and part.bytes not in sizes:
            return False
    return True
