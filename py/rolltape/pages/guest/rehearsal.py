"""A test recording of five seconds: through the real recorder, played back at once, never among the takes.

It is written into the journal's storage, aside from the takes, and not into Downloads. It is deleted when it is
closed, when another is made, when a recording begins, and at the next visit if nobody came to do it.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

from rolltape.core.errors import RolltapeError
from rolltape.core.notice import Level, Notice
from rolltape.pages import words
from rolltape.pages.document import Document
from rolltape.pages.interfaces import Browser
from rolltape.recording.deck import Deck
from rolltape.recording.deck_interfaces import Source, Title
from rolltape.recording.format_keeper import SUBJECT as KEEP_UP
from rolltape.recording.keep_up import KnownSlow
from rolltape.recording.part_recorder import Places
from rolltape.recording.preflight import HEARD_FROM
from rolltape.recording.shelf import Shelf
from rolltape.recording.sinks import PatchableSink, Store, StoredBytes
from rolltape.recording.take import Take, TakeState
from rolltape.settings.codec import VideoCodec, contents, describe
from rolltape.settings.order import Order

FOLDER = "rehearsals"
LENGTH_MS = 5000
IDLE_WORDS = "Test recording (5 s)"


class AsideStore:
    """A store inside another one: the same files under a folder of their own."""

    def __init__(self, store: Store, folder: str) -> None:
        self._store = store
        self._folder = folder

    async def create(self, path: str) -> PatchableSink:
        """Open a file for writing. Raises SinkError."""
        return await self._store.create(f"{self._folder}/{path}")

    async def append_text(self, path: str, text: str) -> None:
        """Add text at the end. Raises SinkError."""
        await self._store.append_text(f"{self._folder}/{path}", text)

    async def names(self, path: str) -> list[str]:
        """List what is in a folder (`Store`)."""
        return await self._store.names(f"{self._folder}/{path}")

    async def file(self, path: str) -> StoredBytes | None:
        """Return the file as it is on the disk; None if there is none."""
        return await self._store.file(f"{self._folder}/{path}")

    async def text(self, path: str) -> str:
        """Return a whole file as text; empty if there is none."""
        return await self._store.text(f"{self._folder}/{path}")

    async def remove(self, path: str) -> None:
        """Delete a folder and all that is in it (`Store`)."""
        await self._store.remove(f"{self._folder}/{path}")


class _Quiet:
    """The browser for a rehearsal: the screen stays as it is, since a real recording may want it on."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def now_ms(self) -> float:
        return self._browser.now_ms()

    def agent(self) -> str:
        return self._browser.agent()

    def utc_offset_minutes(self) -> int:
        return self._browser.utc_offset_minutes()

    def can_record(self, mime_type: str) -> bool:
        return self._browser.can_record(mime_type)

    async def efficient(self, width: int, height: int, fps: float, kbps: int) -> frozenset[VideoCodec]:
        return await self._browser.efficient(width, height, fps, kbps)

    async def hold(self, take_id: str) -> Callable[[], None]:
        return await self._browser.hold(take_id)

    async def running(self) -> Collection[str]:
        return await self._browser.running()

    async def keep_awake(self, holder: object, on: bool) -> None:
        return


class Rehearsal:
    """The button, the five seconds, and the player that shows what came out."""

    def __init__(
        self,
        document: Document,
        browser: Browser,
        source: Callable[[], Source | None],
        order: Callable[[], Order],
        known_slow: KnownSlow,
        on_over: Callable[[], Awaitable[None]],
    ) -> None:
        """`on_over` is called after a test: it may have found that another format is to be recorded."""
        self._document = document
        self._browser = browser
        self._order = order
        self._deck = Deck(
            source, _Quiet(browser), self, lambda: Title("Test", None), known_slow=known_slow, switches=False
        )
        self._on_over = on_over
        self._shelf: Shelf | None = None
        self._shown: Take | None = None
        self._address = ""
        self._loudest: float | None = None
        """The loudest sample of the test; None: nothing could be measured."""
        self._fps = 0.0
        document.on("test", "click", self._on_click)
        document.on("test-close", "click", self._on_close)

    @property
    def is_running(self) -> bool:
        """True if a test is being recorded."""
        return not self._deck.is_free

    async def open(self, places: Places) -> None:
        """Delete what an earlier visit left, and be ready; without a journal there are no tests."""
        if places.store is None:
            return
        store = AsideStore(places.store, FOLDER)
        self._shelf = Shelf(store, self._browser.running)
        self._deck.places, self._deck.shelf = Places(store, None), self._shelf
        running = await self._browser.running()
        for take in await self._shelf.takes():
            if take.id not in running:
                await self._delete(take)

    def offer(self, offered: bool) -> None:
        """Show the button that begins the test, or hide it; the page says so several times a second."""
        self._document.show("test", (offered and self._shelf is not None) or self.is_running)

    async def clear(self) -> None:
        """Stop the test and take the player away: a real recording begins."""
        await self._deck.finish()
        await self._close()

    def look(self, peak: float | None) -> None:
        """See to the test; called several times a second."""
        self._deck.check()
        status = self._deck.status
        if status is None or status.state is not TakeState.RECORDING:
            return
        if peak is not None:
            self._loudest = max(self._loudest or 0.0, peak)
        self._fps = status.fps or self._fps
        left = max(0, math.ceil((LENGTH_MS - status.elapsed_ms) / 1000))
        self._document.text("test-text", f"Testing: {left} s left")
        if status.elapsed_ms >= LENGTH_MS:
            self._document.spawn(self._deck.stop())

    async def _on_click(self) -> None:
        if self.is_running:
            await self._deck.stop()
            return
        await self._close()
        self._loudest, self._fps = None, 0.0
        await self._deck.start(self._order())

    async def _on_close(self) -> None:
        await self._close()
        self._document.focus("test")

    # What the deck tells (deck.DeckView): none of it may raise.

    def notify(self, notice: Notice) -> None:
        """Show a notice (`DeckView`)."""
        self._document.notify(notice)

    def lift(self, subject: str) -> None:
        """Take away what was told of a subject (`DeckView`)."""
        self._document.lift(subject)

    async def make_room(self, kbps: float) -> None:
        """Make none: five seconds need none (`DeckView`)."""

    def show_take(self, take: Take) -> None:
        """Show that the test has another state (`DeckView`)."""
        state = take.state if not take.is_over else TakeState.IDLE
        self._document.attribute("test", "data-state", state)
        if take.state is TakeState.STARTING:
            self._document.text("test-text", "Testing …")
        elif take.state is TakeState.RECORDING:
            self._document.say("The test recording has begun: five seconds.")

    async def take_over(self, take: Take) -> None:
        """Play the test that is over (`DeckView`)."""
        self._document.text("test-text", IDLE_WORDS)
        await self._on_over()
        try:
            await self._play(take)
        except RolltapeError as error:
            self._document.notify(Notice(Level.WARNING, f"The test cannot be played. {error.sentence}"))

    async def _play(self, take: Take) -> None:
        if self._shelf is None or not take.bytes:
            return
        file = await self._shelf.file(take)
        self._shown = take
        self._address = file.address(contents(take.mime_type).content_type)
        self._document.attribute("test-player", "src", self._address)
        self._document.text("test-facts", self._facts(take))
        self._document.show("test-result", True)
        self._document.say("The test recording is finished and is played now.")

    def _facts(self, take: Take) -> str:
        rate = words.rate(take.bytes * 8 / max(take.duration_ms, 1))
        known = [words.clock(take.duration_ms), words.size(take.bytes), rate]
        if self._fps:
            known.insert(1, f"{self._fps:.0f} fps")
        is_quiet = self._loudest is not None and self._loudest < HEARD_FROM
        heard = " Nothing was heard in it: see to your microphone." if is_quiet else ""
        return f"{describe(take.mime_type)}. {' · '.join(known)}.{heard}"

    async def _close(self) -> None:
        """Take the player away, delete the test, and with it goes what it found out."""
        self._document.lift(KEEP_UP)
        take, self._shown = self._shown, None
        if take is None:
            return
        self._document.show("test-result", False)
        self._document.attribute("test-player", "src", "")
        self._browser.forget(self._address)
        await self._delete(take)

    async def _delete(self, take: Take) -> None:
        if self._shelf is not None:
            with suppress(RolltapeError):
                await self._shelf.delete(take)
