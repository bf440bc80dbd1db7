"""All that a page asks of the browser, in one object (`pages.view.Browser`)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing

from js import Date, performance

from rolltape.browser import encoders, files, locks, mp4
from rolltape.browser.capture import Capture, devices, on_devices_changed
from rolltape.browser.download import Downloads
from rolltape.browser.files import StoredFile
from rolltape.browser.interop import Listeners
from rolltape.browser.journal import Journal
from rolltape.browser.page import Handler, Page
from rolltape.browser.recorder import can_record, is_supported
from rolltape.codec import VideoCodec
from rolltape.constraints import Constraints, Device
from rolltape.sinks import StoredBytes


class ThisBrowser:
    """The browser this page runs in."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._listeners = Listeners()
        self._journal: Journal | None = None

    def now_ms(self) -> float:
        """A clock that only goes forward, in milliseconds."""
        return performance.now()

    def utc_offset_minutes(self) -> int:
        """Local time minus UTC."""
        return -Date.new().getTimezoneOffset()

    def can_record(self, mime_type: str) -> bool:
        """Whether a recorder for this type exists."""
        return can_record(mime_type)

    def has_recorder(self) -> bool:
        """Whether this browser can record at all."""
        return is_supported()

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

    async def hold(self, take_id: str) -> Callable[[], None]:
        """Mark a take as being recorded by this tab; call the result to let go."""
        return await locks.hold(take_id)

    async def running(self) -> Collection[str]:
        """The takes that this or another tab is recording."""
        return await locks.running()

    async def mp4(self, file: StoredBytes, path: str) -> AsyncGenerator[float, None]:
        """Write a recording as MP4 into the journal. Raises ConvertError, SinkError."""
        assert isinstance(file, StoredFile)
        async with aclosing(mp4.write(file, await self.store(), path)) as steps:
            async for share in steps:
                yield share

    def forget(self, address: str) -> None:
        """Free an address that a stored file gave for playing."""
        files.forget(address)
