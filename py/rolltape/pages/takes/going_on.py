"""Sends what earlier visits left, on pages that record nothing and show no shelf: home, converter, director's."""

from __future__ import annotations

from rolltape.arrivals.upload import Upload
from rolltape.arrivals.upload_notes import NOTES, read_notes
from rolltape.arrivals.upload_state import UploadState
from rolltape.core.errors import SinkError
from rolltape.core.notice import Level, Notice
from rolltape.pages.document import Document
from rolltape.pages.interfaces import Browser, ReadableStore
from rolltape.pages.takes.left_behind import left_behind
from rolltape.pages.takes.uploads import Uploads
from rolltape.recording.shelf import FOLDER, Shelf

__all__ = ["GoingOn"]

SUBJECT = "earlier-uploads"
ON_ITS_WAY = (
    "What an earlier visit recorded is on its way to {}. It goes on here by itself; you need not wait for it."
)
ARRIVED = "Everything has arrived at {} that earlier visits recorded."


class GoingOn:
    """Finishes the takes that were left behind (where `recovers`), and sends what is missing of them at the host."""

    def __init__(self, document: Document, browser: Browser, store: ReadableStore, *, recovers: bool) -> None:
        self._document = document
        self._browser = browser
        self._store = store
        self._recovers = recovers
        self._shelf = Shelf(store, browser.running)
        self._uploads = Uploads(
            document, browser, self._shelf, store, lambda: (None, []), lambda upload: self._changed(upload)
        )

    async def open(self) -> None:
        """Look for what was left; what takes its time goes on beside the page."""
        ids = [id for id in await left_behind(self._store) if await self._is_unfinished(id)]
        if ids and self._recovers:
            await self._browser.put_back()
        for id in ids:
            self._document.spawn(self._go_on(id))

    async def _is_unfinished(self, id: str) -> bool:
        notes = read_notes(await self._store.text(f"{FOLDER}/{id}/{NOTES}"))
        return notes is not None and not notes.is_over

    async def _go_on(self, id: str) -> None:
        """Wait until no tab records this take; finish it if nobody did, then send what is missing."""
        let_go = await self._browser.hold(id)
        try:
            take = await self._shelf.take(id)
            if take is not None and not take.is_over and self._recovers:
                async for _ in self._shelf.recover(take):
                    pass
        except SinkError as error:  # the guest's page tells more of it
            self._browser.log(f"A recording was left behind that cannot be finished here. {error.sentence}")
        finally:
            let_go()
        await self._uploads.resume(id)

    def _changed(self, upload: Upload) -> None:
        to = upload.notes.to or "the host"
        if any(one.is_under_way for one in self._uploads.all):
            self._document.notify(Notice(Level.INFO, ON_ITS_WAY.format(to), SUBJECT))
        elif upload.state is UploadState.ARRIVED:
            self._document.notify(Notice(Level.INFO, ARRIVED.format(to), SUBJECT))
        else:
            self._document.lift(SUBJECT)
