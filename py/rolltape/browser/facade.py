"""All that a page asks of the browser, in one object (`pages.view.Browser`).

What only a room or the converter needs is imported when it is asked for: guests are waiting for the page.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, cast

from js import (
    URL,
    Blob,
    Date,
    MediaStream,
    console,
    document,
    fetch,
    history,
    location,
    navigator,
    performance,
    window,
)
from pyodide.ffi import JsException, jsnull, to_js

from rolltape.browser import encoders, files, folder, locks, pcm, recorder, stdlib
from rolltape.browser.awake import Awake
from rolltape.browser.capture import Capture, devices, on_devices_changed
from rolltape.browser.download import Downloads, save_permission
from rolltape.browser.files import StoredFile
from rolltape.browser.folder import Folder
from rolltape.browser.interop import Listeners, maybe, member, translated
from rolltape.browser.journal import Journal
from rolltape.browser.page import Handler, Page
from rolltape.core.errors import Unsupported
from rolltape.core.notice import Level, Notice
from rolltape.recording.save_permission import SavePermission
from rolltape.settings.capture_constraints import Constraints, Device
from rolltape.settings.codec import VideoCodec

if TYPE_CHECKING:
    from rolltape.browser.download_at_end import DownloadsAtEnd
    from rolltape.browser.inbound import Inbound
    from rolltape.browser.peer import Outgoing
    from rolltape.browser.socket import SocketLine
    from rolltape.browser.upload_host import UploadHost
    from rolltape.room import peers


TAKEN_LATE = Notice(
    Level.INFO, "A recording that the browser had not saved yet is going to your Downloads folder now."
)


class ThisBrowser:
    """The browser this page runs in."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._listeners = Listeners()
        self._journal: Journal | None = None
        self._awake = Awake()
        self._texts: dict[str, str] = {}

    def now_ms(self) -> float:
        """Read a clock that only goes forward, in milliseconds since the page began (`performance.now`)."""
        return performance.now()

    def agent(self) -> str:
        """What the browser calls itself, with its versions."""
        return str(navigator.userAgent)

    def utc_offset_minutes(self) -> int:
        """Return local time minus UTC, in minutes."""
        return -Date.new().getTimezoneOffset()

    def can_record(self, mime_type: str) -> bool:
        """Return True if a recorder for this type exists: the browser's, or ours for lossless sound."""
        return recorder.can_record(mime_type) or pcm.can_record(mime_type)

    def has_recorder(self) -> bool:
        """Return True if this browser has a MediaRecorder."""
        return recorder.is_supported()

    async def efficient(self, width: int, height: int, fps: float, kbps: int) -> frozenset[VideoCodec]:
        """Return the codecs encoded smoothly and with little power at this size and rate; none if it cannot tell."""
        return await encoders.efficient(width, height, fps, kbps)

    async def capture(self, wish: Constraints, on_ended: Callable[[str], None]) -> Capture:
        """Ask for camera and microphone. Raises DeviceError, Unsupported."""
        granted = Capture(on_ended)
        await granted.use(wish)
        return granted

    async def devices(self) -> list[Device]:
        """List the cameras and microphones there are; without names before permission was given."""
        return await devices()

    def on_devices_changed(self, handler: Handler) -> None:
        """Call the handler when one is plugged in or out."""
        on_devices_changed(self._listeners, lambda: self._page.handle(handler))

    def on_leaving(self, handler: Callable[[], None]) -> None:
        """Call the handler when the page is closed, reloaded or left (HTML, `pagehide`)."""
        self._listeners.add(window, "pagehide", lambda event: handler())

    async def store(self) -> Journal:
        """Open the journal, the private file system of this address. Raises Unsupported and PermissionDenied."""
        if self._journal is None:
            self._journal = await Journal.open()
        return self._journal

    async def put_back(self) -> bool:
        """Write anew what a power cut took from the journal; whether it took any. Once, before recovery."""
        return self._journal is not None and await self._journal.put_back(self.running)

    async def downloads(self) -> Downloads:
        """Open the way into the browser's downloads. Raises Unsupported."""
        downloads = await Downloads.open()
        downloads.taken_late = lambda id: self._page.notify(TAKEN_LATE)
        return downloads

    async def save_permission(self) -> SavePermission:
        """Return whether the browser saves one more file of this page without asking its person. Never raises."""
        return await save_permission()

    def downloads_at_end(self) -> DownloadsAtEnd:
        """Make downloads that are held in memory until a recording is over."""
        from rolltape.browser.download_at_end import DownloadsAtEnd

        return DownloadsAtEnd()

    def can_choose_folder(self) -> bool:
        """Return True if the person can choose a folder that the page may write."""
        return folder.can_be_chosen()

    async def choose_folder(self) -> Folder | None:
        """Have the person choose one, and remember it; None if they did not."""
        return await folder.choose()

    async def remembered_folder(self) -> Folder | None:
        """Return the folder they chose last, allowed or not; None if there is none."""
        return await folder.remembered()

    async def forget_folder(self) -> None:
        """Remember no folder any more (`Folders`)."""
        await folder.forget()

    async def space(self) -> tuple[int, int]:
        """Return the bytes that this address uses and those left, by the browser's own estimate."""
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
        """Return the ids of the takes that this or another tab is recording now."""
        return await locks.running()

    async def keep_awake(self, holder: object, on: bool) -> None:
        """Keep the screen on, where the browser lets it; not any more with False."""
        await self._awake.want(holder, on)

    def room_line(self) -> SocketLine:
        """Make a connection to the room's server; the caller opens and closes it."""
        from rolltape.browser.socket import SocketLine

        return SocketLine()

    def outgoing(self) -> Outgoing:
        """Make what is sent to others: the caller puts tracks into it, none are in it at first."""
        from rolltape.browser.peer import Outgoing

        return Outgoing()

    def peer_maker(self, outgoing: peers.Outgoing) -> peers.PeerMaker | None:
        """Makes connections that send this; None where the browser makes no calls."""
        from rolltape.browser.peer import Outgoing, Peer, RTCPeerConnection

        if RTCPeerConnection is None:
            return None
        assert isinstance(outgoing, Outgoing)
        return partial(Peer, outgoing)

    def inbound(self, stream: object, name: str) -> Inbound:
        """Make a source of what arrives from a member of this name, to be recorded; the caller closes it."""
        from rolltape.browser.inbound import Inbound

        return Inbound(cast("MediaStream", stream), name)

    def is_reload(self) -> bool:
        """Whether this page was loaded again or gone back to (Navigation Timing 2, section 4.2)."""
        entries = performance.getEntriesByType("navigation")
        return bool(len(entries)) and entries[0].type in ("reload", "back_forward")

    def is_hidden(self) -> bool:
        """Return True if the page is not to be seen: another tab is in front, or the window is minimised."""
        return bool(document.hidden)

    async def battery(self) -> tuple[int, bool] | None:
        """Per cent, and whether it is being charged (W3C Battery Status); None where nobody tells."""
        if member(navigator, "getBattery") is None:
            return None
        found = await navigator.getBattery()
        return round(100 * found.level), bool(found.charging)

    def remember(self, name: str, value: str) -> None:
        """Keep a text until the tab is closed; where the browser does not let it, until the page is."""
        self._texts[name] = value
        with suppress(JsException):
            window.sessionStorage.setItem(f"rolltape-{name}", value)

    def remembered(self, name: str) -> str:
        """Return a text that `remember` kept; empty if none was."""
        try:
            return maybe(window.sessionStorage.getItem(f"rolltape-{name}")) or ""
        except JsException:
            return self._texts.get(name, "")

    def keep(self, name: str, value: str) -> None:
        """Keep a text on this machine, where the browser lets it; an empty one is kept no more."""
        with suppress(JsException):
            if value:
                window.localStorage.setItem(f"rolltape-{name}", value)
            else:
                window.localStorage.removeItem(f"rolltape-{name}")

    def kept(self, name: str) -> str:
        """Return a text that `keep` kept on this machine; empty if none was, and where the browser does not tell."""
        try:
            return maybe(window.localStorage.getItem(f"rolltape-{name}")) or ""
        except JsException:
            return ""

    def go(self, address: str) -> None:
        """Leave for another address of this page's."""
        location.href = self.page_address() + address

    def reload(self) -> None:
        """Open the page anew."""
        location.reload()

    async def has_rooms(self) -> bool:
        """Ask whether our server served this page: any other host knows nothing of `healthz`. Never raises."""
        try:
            answer = await fetch(URL.new("healthz", self.page_address()).href)
            return bool(answer.ok) and str(await answer.text()).strip() == "ok"
        except JsException:
            return False

    def page_address(self) -> str:
        """Return the page's own address, without query and fragment."""
        return location.origin + location.pathname

    def set_fragment(self, fragment: str) -> None:
        """Put this behind the address, without a step in its history."""
        history.replaceState(jsnull, "", location.pathname + location.search + fragment)

    async def copy(self, text: str) -> None:
        """Put a text on the clipboard."""
        with translated():
            await navigator.clipboard.writeText(text)

    async def load_library(self, name: str) -> None:
        """Have a Python library that lies beside the page's runtime. Raises Unsupported."""
        import micropip

        try:
            await stdlib.complete()
            await micropip.install(name)
        except Exception as error:  # of whatever kind: the file does not load, or is not what it should be
            raise Unsupported("A part of this page did not load.", str(error)) from None

    def save_text(self, name: str, text: str, content_type: str) -> None:
        """Have a text saved into the person's downloads."""
        StoredFile(Blob.new(to_js([text]))).save(name, content_type)

    def beep(self, hertz: float) -> None:
        """Play a short tone, where the browser lets the page be heard."""
        from rolltape.browser import sound

        sound.beep(hertz)

    def upload_host(self) -> UploadHost:
        """Requests to the host that keeps takes."""
        from rolltape.browser.upload_host import UploadHost

        return UploadHost()

    def on_online(self, handler: Callable[[], None]) -> None:
        """Call the handler when the machine has a network again (HTML, `online`)."""
        self._listeners.add(window, "online", lambda event: handler())

    def hand_over(self, message: str) -> None:
        """Give the service worker something to do, where there is one."""
        workers = member(navigator, "serviceWorker")
        controller = member(workers, "controller") if workers is not None else None
        if controller is not None:
            controller.postMessage(message)

    def forget(self, address: str) -> None:
        """Free an address that a stored file gave for playing."""
        files.forget(address)
