"""All that a page asks of the browser, in one object (`pages.view.Browser`)."""

from __future__ import annotations

from collections.abc import Callable, Collection

from js import Date, console, performance, sessionStorage

from rolltape.browser import encoders, files, locks, pcm, recorder
from rolltape.browser.awake import Awake
from rolltape.browser.capture import Capture, devices, on_devices_changed
from rolltape.browser.download import Downloads
from rolltape.browser.interop import Listeners, maybe
from rolltape.browser.journal import Journal
from rolltape.browser.page import Handler, Page
from rolltape.codec import VideoCodec
from rolltape.constraints import Constraints, Device


class ThisBrowser:
    """The browser this page runs in."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._listeners = Listeners()
        self._journal: Journal | None = None
        self._awake = Awake()

    def now_ms(self) -> float:
        """A clock that only goes forward, in milliseconds."""
        return performance.now()

    def utc_offset_minutes(self) -> int:
        """Local time minus UTC."""
        return -Date.new().getTimezoneOffset()

    def can_record(self, mime_type: str) -> bool:
        """Whether a recorder for this type exists: the browser's, or ours for lossless sound."""
        return recorder.can_record(mime_type) or pcm.can_record(mime_type)

    def has_recorder(self) -> bool:
        """Whether this browser can record at all."""
        return recorder.is_supported()

    async def efficient(self, width: int, height: int, fps: float, kbps: int) -> frozenset[VideoCodec]:
        """The codecs encoded smoothly and with little power at this size and rate."""
        return await encoders.efficient(width, height, fps, kbps)

    async def capture(self, wish: Constraints, on_ended: Callable[[str], None]) -> Capture:
        """Ask for camera and microphone. Raises DeviceError, Unsupported."""
        granted = Capture(on_ended)
        await granted.use(wish)
        return granted

    async def devices(self) -> list[Device]:
        """The cameras and microphones there are."""
        return await devices()

    def on_devices_changed(self, handler: Handler) -> None:
        """Call the handler when one is plugged in or out."""
        on_devices_changed(self._listeners, lambda: self._page.handle(handler))

    async def store(self) -> Journal:
        """The journal. Raises Unsupported."""
        if self._journal is None:
            self._journal = await Journal.open()
        return self._journal

    async def downloads(self) -> Downloads:
        """The downloads. Raises Unsupported."""
        return await Downloads.open()

    async def space(self) -> tuple[int, int]:
        """Bytes used by this page and bytes left."""
        return await self._journal.space() if self._journal else (0, 0)

    async def persist(self) -> bool:
        """Ask the browser to keep what is stored even when the disk runs full; whether it will."""
        return await self._journal.persist() if self._journal else False

    def log(self, sentence: str) -> None:
        """Write to the browser's log."""
        console.info(sentence)

    async def hold(self, take_id: str) -> Callable[[], None]:
        """Mark a take as being recorded by this tab; call the result to let go."""
        return await locks.hold(take_id)

    async def running(self) -> Collection[str]:
        """The takes that this or another tab is recording."""
        return await locks.running()

    async def keep_awake(self, on: bool) -> None:
        """Keep the screen on, where the browser lets it; not any more with False."""
        await self._awake.want(on)

    def remember(self, name: str, value: str) -> None:
        """Keep a text until the tab is closed."""
        sessionStorage.setItem(f"rolltape-{name}", value)

    def remembered(self, name: str) -> str:
        """A text that was kept; empty if none was."""
        return maybe(sessionStorage.getItem(f"rolltape-{name}")) or ""

    def forget(self, address: str) -> None:
        """Free an address that a stored file gave for playing."""
        files.forget(address)
