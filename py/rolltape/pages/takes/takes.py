"""The takes of this machine on a page: where they go, the shelf that lists them, recovery, room left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rolltape.core.errors import PermissionDenied, RolltapeError, SinkError
from rolltape.core.notice import Level, Notice
from rolltape.pages.document import Document, View
from rolltape.pages.interfaces import Browser, ReadableStore
from rolltape.pages.takes.folder import FolderView
from rolltape.pages.takes.shelf import ShelfView
from rolltape.pages.takes.storage_room import SpaceView
from rolltape.recording.part_recorder import Places
from rolltape.recording.shelf import Shelf
from rolltape.recording.sinks import Folder
from rolltape.recording.take import Take, TakeState

SPACE_EVERY_S = 10.0
DESTINATIONS = {
    (True, True): "your Downloads folder while you record, and a crash-proof copy in this browser",
    (True, False): "your Downloads folder while you record; this browser keeps no crash-proof copy",
    (False, True): "a crash-proof copy in this browser; save it from the list below when it is finished",
    (False, False): "nowhere: this browser gives no place to write it to",
}

PRIVATE = (
    "This is a private window, or the browser is set to keep nothing of this page: there is no crash-proof copy. "
    "An ordinary window keeps one."
)

AT_END = (
    "memory while you record, and your Downloads folder when you stop; this browser keeps no crash-proof copy"
)

IN_FOLDER = {
    True: "the folder “{}”, where the file is whole when you stop, and a crash-proof copy in this browser",
    False: "the folder “{}”, where the file is whole when you stop; this browser keeps no crash-proof copy",
}


UNSEEN = Notice(
    Level.WARNING,
    "How much room is left in this browser's storage cannot be seen right now; recordings go on, and it is looked at "
    "again every ten seconds.",
    "room-unseen",
)

KEPT_HERE = "A recording is kept in this browser; save it from the list when it is finished."

IN_MEMORY = (
    "The browser lets this page keep nothing. A recording is held in memory, lost if this page is closed or crashes, "
    "and goes into your Downloads folder when you stop. Allow site data (cookies) for this address, then reload."
)

_Place = TypeVar("_Place")


async def _opened(opening: Awaitable[_Place]) -> tuple[_Place | None, RolltapeError | None]:
    """A place to write to, or None and why there is none."""
    try:
        return await opening, None
    except RolltapeError as error:
        return None, error


class Takes:
    """Opens journal and downloads, draws the shelf, recovers what was cut off, watches the room that is left."""

    def __init__(
        self,
        document: Document,
        browser: Browser,
        live: Callable[[], Take | None],
        kbps: Callable[[], float],
        recovered: Callable[[Take], None] = lambda take: None,
    ) -> None:
        """`live` gives the take being made here, `kbps` the rate that it was or would be ordered at.

        `recovered` is told of each take that this page has finished for one that is gone.
        """
        self.places = Places(None, None)
        self.shelf: Shelf | None = None
        self.draw_upload: Callable[[View, Take], None] = lambda row, take: None
        """Draws in a take's row how far it is on its way to a host."""
        self.at_host: Callable[[Take], Awaitable[str]] = _at_no_host
        """The name of a host that holds the whole of a take right now; empty: none does."""
        self._journal: ReadableStore | None = None
        self._document = document
        self._browser = browser
        self._live = live
        self._kbps = kbps
        self._recovered = recovered
        self._shelf_view: ShelfView | None = None
        self._space_view: SpaceView | None = None
        self._failed_looks = 0
        self._at_end = False
        """Whether a recording is in memory until it is over."""
        self._refused = False
        """Whether the browser saves no file of this page by itself: its person said no."""
        self._folder_view = FolderView(document, browser, self._draw_destination)

    async def open(self) -> None:
        """Open what this browser has; what it has not becomes a notice."""
        store, no_store = await _opened(self._browser.store())
        downloads, no_downloads = await _opened(self._browser.downloads())
        if store is None and downloads is None:
            self._warn(IN_MEMORY)
            downloads, self._at_end = self._browser.downloads_at_end(), True
        elif no_store is not None:
            sentence = PRIVATE if isinstance(no_store, PermissionDenied) else no_store.sentence
            self._warn(f"{sentence} If this page crashes while recording, the recording may be lost.")
        elif no_downloads is not None:
            self._warn(f"{no_downloads.sentence} {KEPT_HERE}")
        choice = self._folder_view.choice if self._browser.can_choose_folder() else None
        self.places = Places(store, downloads, choice)
        self._journal = store
        if store is not None:
            self.shelf = Shelf(store, self._browser.running)
            self._shelf_view = ShelfView(self._document, self._browser, self.shelf)
            self._shelf_view.draw_upload = lambda row, take: self.draw_upload(row, take)
            self._space_view = SpaceView(self._document, self._browser, self.shelf, self._folder)
            self._space_view.at_host = lambda take: self.at_host(take)
            await self._shelf_view.draw()
            self._document.spawn(self._watch_space(self._space_view))
            self._document.spawn(self._recover(self.shelf, self._shelf_view))
        await self._folder_view.open()

    @property
    def journal(self) -> ReadableStore:
        """The journal, where there is one; it may be read while it is written."""
        assert self._journal is not None
        return self._journal

    def draw_upload_of(self, id: str) -> None:
        """Draw anew how far a take is on its way."""
        if self._shelf_view is not None:
            self._shelf_view.draw_upload_of(id)

    def _folder(self) -> Folder | None:
        return self.places.folder.folder if self.places.folder else None

    def downloads_refused(self, refused: bool) -> None:
        """The browser saves no files of this page by itself, or does again: say where a recording goes then."""
        if refused is not self._refused:
            self._refused = refused
            if self.places != Places(None, None):
                self._draw_destination()

    def _draw_destination(self) -> None:
        """Say where a recording goes."""
        places = self.places
        words = DESTINATIONS[places.downloads is not None and not self._refused, places.store is not None]
        if self._at_end:
            words = AT_END
        folder = self._folder()
        if folder is not None:
            words = IN_FOLDER[places.store is not None].format(folder.name)
        self._document.text("destination", words)

    @property
    def minutes_left(self) -> float | None:
        """For how long there is room at the present rate; None: not known."""
        return None if self._space_view is None else self._space_view.minutes_left

    async def make_room(self, kbps: float) -> None:
        """Before a recording at this rate; where that fails it is told, and the recording begins all the same."""
        if self._space_view is not None:
            await self._guarded(self._space_view.prepare(kbps))

    def show(self, take: Take) -> None:
        """Show a take that is being made here as it is now."""
        if self._shelf_view is not None:
            self._shelf_view.show(take)

    async def draw(self) -> None:
        """Read the shelf anew; whatever cannot be drawn, recordings go on."""
        try:
            if self._shelf_view is not None:
                await self._shelf_view.draw(self._live())
        except Exception as error:
            self._document.report(error)

    async def _watch_space(self, view: SpaceView) -> None:
        """Look at the room that is left every ten seconds."""
        while True:
            await self._guarded(view.look(self._kbps(), recording=self._live() is not None))
            await asyncio.sleep(SPACE_EVERY_S)

    async def _recover(self, shelf: Shelf, view: ShelfView) -> None:
        """Put back what a power cut took, then recover every take that was left behind; nobody waits for it."""
        try:
            if await self._browser.put_back():
                await self.draw()
        except Exception as error:  # whatever it is, what is there is recovered
            self._document.report(error)
        for id in view.unfinished:
            self._document.spawn(self._recover_take(shelf, id))

    async def _guarded(self, look: Awaitable[None]) -> None:
        """Look at the room; that it fails is told for as long as it does, and counted in the log."""
        try:
            await look
        except Exception as error:
            self._failed_looks += 1
            self._browser.log(
                f"The room that is left was not seen, {self._failed_looks} times by now: {error!r}"
            )
            self._document.notify(UNSEEN)
        else:
            self._document.lift(UNSEEN.subject)

    async def _recover_take(self, shelf: Shelf, id: str) -> None:
        """Wait until no tab holds this take; recover it if it is not finished by then, and show what became of it."""
        let_go = await self._browser.hold(id)
        try:
            take = await shelf.take(id)
            if take is not None and not take.is_over:
                await self._finish(shelf, take)
        finally:
            let_go()
        if self._shelf_view is not None:
            await self._shelf_view.draw_one(id, self._live())
        after = await shelf.take(id)
        if take is not None and not take.is_over and after is not None and after.is_over:
            self._tell_recovered(after)
            self._recovered(after)

    async def _finish(self, shelf: Shelf, take: Take) -> None:
        try:
            async for share in shelf.recover(take):
                self._document.text("recovering", f"Recovering a recording: {share:.0%}")
        except SinkError as error:
            self._warn(
                f"{take.name} was not finished, and cannot be now. {error.sentence} It is kept: close the browser, "
                "then open this page again."
            )
            return
        finally:
            self._document.text("recovering", "")

    def _tell_recovered(self, take: Take) -> None:
        when = "when its page was closed, loaded anew or broke down."
        sentence = (
            f"A recording that was not finished is back in the list below: {take.name}. It ended {when}"
        )
        if take.state is TakeState.FAILED:
            sentence = f"Of {take.name} nothing had been written {when}"
        self._document.notify(Notice(Level.INFO, sentence))

    def _warn(self, sentence: str) -> None:
        self._document.notify(Notice(Level.WARNING, sentence))


async def _at_no_host(take: Take) -> str:
    return ""
