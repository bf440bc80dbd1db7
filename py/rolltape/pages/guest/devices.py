"""Camera and microphone on the guest's page: asked for, named by the link, switched, lost and back again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rolltape.core.errors import DeviceError, DeviceNotFound, PermissionDenied, RolltapeError, Unsupported
from rolltape.core.notice import Level, Notice
from rolltape.pages.interfaces import Browser, Capture, Document
from rolltape.settings.capture_constraints import (
    Constraints,
    Kind,
    constraints,
    describe_granted,
    shortfalls,
    wanted,
)
from rolltape.settings.link import Settings
from rolltape.settings.query import NO_DEVICE, DeviceWish

WORDS: dict[Kind, str] = {"video": "camera", "audio": "microphone"}
KINDS: tuple[Kind, ...] = ("video", "audio")
GONE: dict[Kind, str] = {
    "video": "The camera is gone: unplugged, switched off, or no longer allowed.",
    "audio": "The microphone is gone: unplugged, switched off, or no longer allowed. There is silence until "
    "one is back.",
}
REMEDIES: dict[type[DeviceError], str] = {
    PermissionDenied: "Allow them by the sign at the beginning of the browser's address bar",
    DeviceNotFound: "Plug one in",
    DeviceError: "Close other programs that use them",
}

Changed = Callable[[Kind, str], Awaitable[None]]
"""Told, with the reason, that other tracks are captured than before: a recording of them needs a new part."""


class Devices:
    """The guest's capture, and the selects and words on the page that belong to it."""

    def __init__(
        self,
        settings: Settings,
        document: Document,
        browser: Browser,
        changed: Changed,
        captured: Callable[[], None],
    ) -> None:
        """`changed` is told of what a recording needs a new part for, `captured` of every other track."""
        self.capture: Capture | None = None
        self._settings = settings
        self._document = document
        self._browser = browser
        self._changed = changed
        self._captured = captured
        self._lost: dict[Kind, str] = {}
        """The names of the devices that are to be used again when they are back."""
        document.on("video-device", "change", lambda: self._on_select("video"))
        document.on("audio-device", "change", lambda: self._on_select("audio"))
        browser.on_devices_changed(self._on_plugged)

    async def open(self) -> None:
        """Ask for the devices; what went wrong, or is not as asked, becomes a notice."""
        settings = self._settings
        if settings.video_device == NO_DEVICE and settings.audio_device == NO_DEVICE:
            self._document.show("no-picture", True)
            self._document.text("no-picture", "This link asks for no camera and no microphone.")
            return
        try:
            self.capture = await self._browser.capture(constraints(settings), self._on_ended)
            await self._choose_named()
        except DeviceError as error:
            self._document.show("no-picture", True)
            self._document.text("no-picture", "No camera, no microphone.")
            what_to_do = next(words for kind, words in REMEDIES.items() if isinstance(error, kind))
            self._tell(
                Level.ERROR,
                f"Camera and microphone cannot be used. {error.sentence} {what_to_do}, then press “Try again”.",
            )
            self._document.show("again", True)
            return
        except Unsupported as error:
            self._tell(Level.ERROR, error.sentence)
            return
        for notice in shortfalls(settings, self.capture.granted_video(), self.capture.granted_audio()):
            self._document.notify(notice)
        await self.draw()

    async def close(self) -> None:
        """Release camera and microphone."""
        capture, self.capture = self.capture, None
        self._lost.clear()
        if capture is not None:
            await capture.close()
        self._document.picture("preview", None)
        self._document.show("no-picture", True)
        await self._draw_selects()

    async def draw(self) -> None:
        """Show the picture, what was granted, and the devices there are."""
        if self.capture is None:
            return
        picture = self.capture.preview()
        self._document.picture("preview", picture)
        self._document.show("no-picture", picture is None)
        self._document.text("no-picture", "No camera: only sound is recorded.")
        granted = describe_granted(self.capture.granted_video(), self.capture.granted_audio())
        self._document.text("granted", granted)
        self._captured()
        await self._draw_selects()

    async def _draw_selects(self) -> None:
        devices = await self._browser.devices()
        for kind in KINDS:
            granted = self._granted_id(kind)
            listed = [(one.id, one.label or WORDS[kind].capitalize()) for one in devices if one.kind == kind]
            self._document.options(f"{kind}-device", listed, granted or "")
            self._document.enable(f"{kind}-device", self.capture is not None and bool(listed))

    def _granted_id(self, kind: Kind) -> str | None:
        if self.capture is None:
            return None
        granted = self.capture.granted_video() if kind == "video" else self.capture.granted_audio()
        return granted.device_id if granted else None

    def _wish(self, kind: Kind) -> DeviceWish | None:
        return self._settings.video_device if kind == "video" else self._settings.audio_device

    async def _choose_named(self) -> None:
        """Devices have names only once permission is there: then take the ones the link names."""
        devices = await self._browser.devices()
        for kind in KINDS:
            wish = self._wish(kind)
            if wish is None or wish == NO_DEVICE:
                continue
            found = wanted(kind, wish, devices)
            if found is None:
                self._warn(f"There is no {WORDS[kind]} named {wish.name}; another one is used.")
            elif found.id != self._granted_id(kind):
                await self._use(kind, {"deviceId": {"exact": found.id}}, "")

    async def _use(self, kind: Kind, which: dict[str, object], reason: str) -> None:
        """Capture from another device in the place of the one before. Raises RolltapeError."""
        assert self.capture is not None
        wish = constraints(self._settings)
        if kind == "video":
            one = Constraints((wish.video or {}) | which, None)
        else:
            one = Constraints(None, (wish.audio or {}) | which)
        if await self.capture.use(one):
            await self._changed(kind, reason)
        self._lost.pop(kind, None)

    async def _on_select(self, kind: Kind) -> None:
        if self.capture is None:
            return
        try:
            chosen = self._document.value(f"{kind}-device")
            await self._use(kind, {"deviceId": {"exact": chosen}}, f"The {WORDS[kind]} was switched.")
        except RolltapeError as error:
            self._warn(f"The other {WORDS[kind]} cannot be used. {error.sentence}")
        await self.draw()

    def _on_ended(self, kind: str) -> None:
        self._document.spawn(self._lose("video" if kind == "video" else "audio"))

    async def _lose(self, kind: Kind) -> None:
        """Go on without the device, or with another of its kind if there is one."""
        if self.capture is None or kind in self._lost:
            return
        self._lost[kind] = self.capture.lose(kind)
        goes_on = " Sound goes on." if kind == "video" and self.capture.granted_audio() is not None else ""
        self._warn(GONE[kind] + goes_on)
        if not await self._take_back(kind) and kind == "video":
            await self._changed(kind, "The camera was gone.")
        await self.draw()

    async def _on_plugged(self) -> None:
        """A device came or went: take back what was lost."""
        for kind in list(self._lost):
            await self._take_back(kind)
        await self.draw()

    async def _take_back(self, kind: Kind) -> bool:
        """Use the lost device again, or another of its kind; whether there is one."""
        devices = [one for one in await self._browser.devices() if one.kind == kind]
        label = self._lost.get(kind)
        if not devices or label is None or self.capture is None:
            return False
        found = next((one for one in devices if one.label == label), devices[0])
        try:
            await self._use(kind, {"deviceId": {"ideal": found.id}}, f"The {WORDS[kind]} was gone.")
        except RolltapeError:
            return False  # what is said already stays true: it is gone
        self._tell(Level.INFO, f"The {WORDS[kind]} is back: {found.label or WORDS[kind]}.")
        return True

    def _warn(self, sentence: str) -> None:
        self._tell(Level.WARNING, sentence)

    def _tell(self, level: Level, sentence: str) -> None:
        self._document.notify(Notice(level, sentence))
