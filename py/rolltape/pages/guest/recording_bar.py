"""The recording on a guest's page: the red button, pause, the keys that press them, the tally, time and bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rolltape.pages import words
from rolltape.pages.document import Document
from rolltape.pages.interfaces import Browser
from rolltape.recording.deck import Deck
from rolltape.recording.take import TakeState
from rolltape.settings.codec import describe

RECORD_KEY, PAUSE_KEY = "r", "p"
KEYS_MEMORY = "keys"
BUTTON_WORDS = {
    TakeState.IDLE: "Record",
    TakeState.STARTING: "Starting …",
    TakeState.RECORDING: "Stop",
    TakeState.PAUSED: "Stop",
    TakeState.STOPPING: "Finishing …",
}
SAID = {
    TakeState.RECORDING: "Recording.",
    TakeState.PAUSED: "Paused.",
    TakeState.STOPPING: "Finishing the recording.",
}
"""What a screen reader says at each change; times and bytes are not said."""


class RecordingBar:
    """Draws what the deck does, and does what its buttons and keys ask for; what they begin is the page's matter."""

    def __init__(
        self,
        document: Document,
        browser: Browser,
        deck: Deck,
        begin: Callable[[], Awaitable[None]],
        can_begin: Callable[[], bool],
        has_button: bool,
    ) -> None:
        """`begin` begins what the button records; `can_begin` says whether the button can be pressed while idle.

        `has_button`: whether there is one while nothing is recorded; a recording can always be stopped.
        """
        self._document = document
        self._browser = browser
        self._deck = deck
        self._begin = begin
        self._can_begin = can_begin
        self._has_button = has_button
        self._drawn: TakeState | None = None

    def open(self) -> None:
        """Wire the buttons and the keys, and show the button if there is one."""
        document = self._document
        document.on("record", "click", self._on_record)
        document.on("pause", "click", self._on_pause)
        document.on_key(RECORD_KEY, self._on_record_key)
        document.on_key(PAUSE_KEY, self._on_pause_key)
        document.on("keys", "change", self._on_keys)
        document.tick("keys", self._has_keys)
        document.show("record", self._has_button)

    def draw(self) -> None:
        """Draw the recording's state: always what is true. The page calls it several times a second."""
        status = self._deck.status
        state = status.state if status and status.state in BUTTON_WORDS else TakeState.IDLE
        if state is not self._drawn:
            self._drawn = state
            self._draw_state(state)
        document = self._document
        if status is not None:
            document.text("elapsed", words.clock(status.elapsed_ms))
            document.attribute("elapsed", "datetime", words.duration(status.elapsed_ms))
            document.text("bytes", words.size(status.bytes))
            document.attribute("bytes", "value", str(status.bytes))
            picture = "" if status.fps is None else f"{status.fps:.0f} fps · "
            document.text("rate", f"{picture}{words.rate(status.kbps)}" if status.kbps else "–")

    def draw_codec(self, mime_type: str, reason: str) -> None:
        """Say what it is, or would be, recorded as, and why."""
        self._document.text("codec", f"{reason} ({mime_type})")

    def _draw_state(self, state: TakeState) -> None:
        document = self._document
        running = state in (TakeState.RECORDING, TakeState.PAUSED, TakeState.STOPPING)
        document.attribute("record", "data-state", state)
        document.text("record-text", BUTTON_WORDS[state])
        document.show("record", self._has_button or running)
        document.show("pause", state in (TakeState.RECORDING, TakeState.PAUSED))
        document.text("pause", "Go on" if state is TakeState.PAUSED else "Pause")
        document.show("tally", running)
        document.show("readiness", state is TakeState.IDLE)
        document.show("numbers", running)
        document.title(f"{'● Recording' if running else 'Your recording'} – Rolltape")
        if state in SAID:
            document.say(SAID[state])
        take = self._deck.take
        if take is not None:
            who = "you started it" if take.started_by == "you" else f"{take.started_by} started it"
            what = "Paused, nothing is recorded" if state is TakeState.PAUSED else "Recording"
            document.text("tally-text", f"{what}: {who}")
            if take.mime_type:
                self.draw_codec(take.mime_type, describe(take.mime_type))

    async def _on_record(self) -> None:
        if self._deck.is_free:
            await self._begin()
        elif self._deck.state in (TakeState.RECORDING, TakeState.PAUSED):
            await self._deck.stop()

    async def _on_pause(self) -> None:
        if self._deck.state is TakeState.PAUSED:
            await self._deck.resume()
        else:
            await self._deck.pause()

    @property
    def _has_keys(self) -> bool:
        return self._browser.kept(KEYS_MEMORY) != "off"

    def _on_keys(self) -> None:
        """Single keys can be switched off: a voice that types would press them (WCAG 2.1.4)."""
        self._browser.keep(KEYS_MEMORY, "on" if self._document.ticked("keys") else "off")

    async def _on_record_key(self) -> None:
        """The key does what the button does, where there is one that can be pressed."""
        if self._has_keys and (not self._deck.is_free or self._can_begin()):
            await self._on_record()

    async def _on_pause_key(self) -> None:
        if self._has_keys:
            await self._on_pause()
