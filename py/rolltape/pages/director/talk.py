"""The director's own voice and picture: sent to the guests only once the director has asked for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from rolltape.core.errors import RolltapeError
from rolltape.core.notice import Level, Notice
from rolltape.pages.document import Document
from rolltape.pages.interfaces import Browser, Capture
from rolltape.room.peers import Outgoing
from rolltape.settings.capture_constraints import Constraints, constraints
from rolltape.settings.link import Settings

BUTTONS = {"audio": "talk-audio", "video": "talk-video"}
WORDS = {"audio": ("Talk", "Stop talking"), "video": ("Show me", "Stop showing me")}


class Talk:
    """Two switches; the devices are asked for at the first press."""

    def __init__(
        self,
        document: Document,
        browser: Browser,
        settings: Settings,
        outgoing: Outgoing,
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        """`refresh` has everybody sent what there is now."""
        self._document = document
        self._browser = browser
        self._settings = replace(
            settings, stereo=False, echo_cancellation=True, noise_suppression=True, auto_gain=True
        )
        self._outgoing = outgoing
        self._refresh = refresh
        self._capture: Capture | None = None
        self._on: set[str] = set()
        self._busy = False
        document.on("talk-audio", "click", lambda: self._toggle("audio"))
        document.on("talk-video", "click", lambda: self._toggle("video"))

    async def _toggle(self, kind: str) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            await self._use(self._on ^ {kind})
        except RolltapeError as error:
            self._document.notify(Notice(Level.WARNING, f"Your guests do not get it. {error.sentence}"))
        finally:
            self._busy = False
            self._draw()

    async def _use(self, wanted: set[str]) -> None:
        """Capture these kinds and no others: a light that is on at the camera means that it is sent."""
        before, self._capture = self._capture, None
        self._on = set()
        if before is not None:
            self._outgoing.close()
            await before.close()
        try:
            if wanted:
                asked = constraints(self._settings)
                self._capture = await self._browser.capture(
                    Constraints(
                        asked.video if "video" in wanted else None, asked.audio if "audio" in wanted else None
                    ),
                    self._on_ended,
                )
                self._capture.send_through(self._outgoing)
                self._on = wanted
        finally:
            await self._refresh()

    def _on_ended(self, kind: str) -> None:
        self._document.notify(
            Notice(Level.WARNING, f"Your {'camera' if kind == 'video' else 'microphone'} is gone.")
        )
        self._on.discard(kind)
        self._draw()

    def _draw(self) -> None:
        for kind, button in BUTTONS.items():
            self._document.text(button, WORDS[kind][kind in self._on])
            self._document.attribute(button, "aria-pressed", str(kind in self._on).lower())
