"""The question for the bitrate: filled in, checked, remembered for the session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rolltape.core.notice import Notice
from rolltape.pages.document import Document
from rolltape.pages.interfaces import Memory
from rolltape.settings.bitrate import DEFAULT_VIDEO_KBPS, RecordWish, parse_bitrate, record_value

MEMORY = "bitrate"


class BitratePrompt:
    """Asks in a dialog; Enter and the button answer, Escape and cancel leave everything as it was."""

    def __init__(
        self, document: Document, browser: Memory, answered: Callable[[RecordWish], Awaitable[None]]
    ) -> None:
        self._document = document
        self._browser = browser
        self._answered = answered
        document.on("bitrate-ok", "click", self._on_answer)
        document.on("bitrate", "enter", self._on_answer)
        document.on("bitrate-cancel", "click", lambda: document.dialog("bitrate-dialog", False))

    def ask(self) -> None:
        """Open the dialog with the last answer of this session filled in."""
        self._document.fill("bitrate", self._browser.remembered(MEMORY) or str(DEFAULT_VIDEO_KBPS))
        self._document.text("bitrate-error", "")
        self._document.dialog("bitrate-dialog", True)

    async def _on_answer(self) -> None:
        wish = parse_bitrate(self._document.value("bitrate"))
        if isinstance(wish, Notice):
            self._document.text("bitrate-error", wish.text)
            return
        self._browser.remember(MEMORY, record_value(wish) or "")
        self._document.dialog("bitrate-dialog", False)
        await self._answered(wish)
