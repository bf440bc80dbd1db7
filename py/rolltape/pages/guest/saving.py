"""Has the browser ask, while the guest is there, whether this page may save more than one file.

Chromium asks before the second file of a page that nobody pressed anything for: when a director starts, or a part
begins. So the guest can have that question at once: two small text files are saved, and the second one raises it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rolltape.pages.document import Document
from rolltape.pages.interfaces import Browser
from rolltape.recording.save_permission import SavePermission, Saving, saving

MEMORY = "saving"
ALLOWED = "allowed"
LOOK_EVERY_S = 2.0
ANSWER_EVERY_S = 0.2
FREE_LOOKS = 20
"""So often is looked whether a small file has used up what is saved without a question: a busy browser is slow."""
NAME = "rolltape-check"
TEXT = "Your browser saved this file to find out whether recordings can be saved by themselves. You can delete it.\n"
WORDS = {
    Saving.ALLOWED: "by itself, as many as there are",
    Saving.UNKNOWN: "one by itself; before the next, the browser may ask you",
    Saving.ASKS: "the browser asks you before it saves the next one",
    Saving.ASKING: "answer “Allow” to “Download multiple files”, the browser's question at the top left",
    Saving.REFUSED: "none by itself: press “Save seekable copy” after each recording. To allow it, press the sign on "
    "the left of this page's address, allow automatic downloads, and open the page in a new tab",
}


class SavingCheck:
    """Shows the guest whether this page may save several files, and has the browser ask when they press the button.

    The guest's page makes one and runs `watch`. Whether the question is answered, and how, is up to the person:
    `now` is what was seen last, up to LOOK_EVERY_S old.
    """

    def __init__(self, document: Document, browser: Browser, refused: Callable[[bool], None]) -> None:
        """`refused` is told whether the browser saves none; it must not raise."""
        self._refused = refused
        self._document = document
        self._browser = browser
        self._asking = False
        self._drawn: Saving | None = None
        self.now = Saving.ALLOWED
        """What was seen last; ALLOWED in browsers without such a question."""
        document.on("saving-ask", "click", self._ask)

    async def watch(self) -> None:
        """Look each LOOK_EVERY_S, since a download or the person may have changed it, until the task is cancelled."""
        while True:
            await self._look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> SavePermission:
        permission = await self._browser.save_permission()
        if permission is SavePermission.REFUSED:
            self._browser.keep(MEMORY, "")
        before = self._browser.kept(MEMORY) == ALLOWED
        self.now = saving(permission, allowed_before=before, asking=self._asking)
        if self.now is not self._drawn:
            self._drawn = self.now
            self._document.text("saving", WORDS[self.now])
            self._refused(self.now is Saving.REFUSED)
            self._document.show("saving-ask", self.now in (Saving.UNKNOWN, Saving.ASKS))
        return permission

    async def _ask(self) -> None:
        """The person has just pressed the button: save a small file, then a second one, which raises the question.

        A browser that still calls the next file free after both has no question left.
        """
        self._asking = True
        try:
            for number in (1, 2):
                self._save(number)
                await self._left(SavePermission.FREE, FREE_LOOKS)
            await self._left(SavePermission.ASKS)
        finally:
            self._asking = False
        if await self._browser.save_permission() is SavePermission.FREE:
            self._browser.keep(MEMORY, ALLOWED)
        await self._look()

    def _save(self, number: int) -> None:
        self._browser.save_text(f"{NAME}-{number}.txt", TEXT, "text/plain")

    async def _left(self, state: SavePermission, looks: int | None = None) -> SavePermission:
        """Wait until it is another, at most so many looks; what it is then."""
        while (now := await self._look()) is state and looks != 0:
            looks = None if looks is None else looks - 1
            await asyncio.sleep(ANSWER_EVERY_S)
        return now
