"""The button that has recordings written into a folder of the person's own instead of Downloads."""

from __future__ import annotations

from collections.abc import Callable

from rolltape.core.notice import Level, Notice
from rolltape.pages.document import Document
from rolltape.pages.interfaces import Folders
from rolltape.recording.sinks import Folder, FolderChoice

CHOOSE = "Choose a folder instead"
LEAVE = "Use Downloads instead"
REFUSED = Notice(
    Level.WARNING,
    "The browser does not let this page write that folder: recordings go where they went before.",
)


class FolderView:
    """Offers a folder where the browser can; one that was chosen at an earlier visit may have to be allowed anew."""

    def __init__(self, document: Document, browser: Folders, changed: Callable[[], None]) -> None:
        self.choice = FolderChoice()
        self._document = document
        self._browser = browser
        self._changed = changed
        self._known: Folder | None = None

    async def open(self) -> None:
        """Take up what was chosen at an earlier visit, and show the button."""
        if self._browser.can_choose_folder():
            self._known = await self._browser.remembered_folder()
            if self._known is not None and await self._known.is_allowed():
                self.choice.folder = self._known
            self._document.on("folder", "click", self._on_click)
            self._document.show("folder", True)
        self._draw()

    async def _on_click(self) -> None:
        if self.choice.folder is not None:
            self.choice.folder = self._known = None
            await self._browser.forget_folder()
        elif self._known is not None:
            await self._use(self._known)
        else:
            chosen = await self._browser.choose_folder()
            if chosen is not None:
                await self._use(chosen)
        self._draw()

    async def _use(self, folder: Folder) -> None:
        allowed = await folder.ask()
        self.choice.folder = self._known = folder if allowed else None
        if not allowed:
            self._document.notify(REFUSED)

    def _draw(self) -> None:
        again = f"Use the folder “{self._known.name}” again" if self._known else CHOOSE
        self._document.text("folder", LEAVE if self.choice.folder is not None else again)
        self._changed()
