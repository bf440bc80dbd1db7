"""Camera and microphone on the guest's page: asked for, named by the link, switched, lost and back again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from rolltape.core.errors import DeviceError, DeviceNotFound, PermissionDenied, RolltapeError, Unsupported
from rolltape.core.notice import Level, Notice
from rolltape.pages.document import Document
from rolltape.pages.guest.muted import SUBJECTS, MutedTracks, StandingCamera, notice_of
from rolltape.pages.interfaces import Browser, Capture
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
MUTED, UNMUTED = "The camera gave no pictures.", "The camera gives pictures again."
HEARD = "The microphone is not muted any more."
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
        self._changing: dict[Kind, asyncio.Lock] = {kind: asyncio.Lock() for kind in KINDS}
        """One change after the other of each kind."""
        self._muted = MutedTracks()
        self._standing = StandingCamera()
        self._size: tuple[int, int] | None = None
        """Of the picture, as it was last seen: a phone is turned, or a codec could not keep up."""
        self._form: tuple[str, int, int] | None = None
        """The microphone, its rate and channels, as they were last seen."""
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
        for kind in list(self._lost):
            self._found(kind)
        self._muted = MutedTracks()
        self._draw_muted()
        if capture is not None:
            await capture.close()
        self._document.picture("preview", None)
        self._document.show("no-picture", True)
        await self._draw_selects()

    async def draw(self) -> None:
        """Show the picture, what was granted, and the devices there are; nothing without a capture."""
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
        await self.capture.use(one)
        self._form = None
        await self._changed(kind, reason)

    async def _on_select(self, kind: Kind) -> None:
        """Another device was chosen, which stands: one that was lost is not gone back to."""
        if self.capture is None:
            return
        chosen = self._document.value(f"{kind}-device")
        async with self._changing[kind]:
            try:
                await self._use(kind, {"deviceId": {"exact": chosen}}, f"The {WORDS[kind]} was switched.")
                self._found(kind)
            except RolltapeError as error:
                self._warn(f"The other {WORDS[kind]} cannot be used. {error.sentence}")
        await self.draw()

    def _on_ended(self, kind: str) -> None:
        self._document.spawn(self._lose("video" if kind == "video" else "audio"))

    async def _lose(self, kind: Kind) -> None:
        """Go on without the device, or with another of its kind if there is one."""
        async with self._changing[kind]:
            if self.capture is None:
                return
            name = self.capture.lose(kind)
            self._lost.setdefault(kind, name)
            goes_on = (
                " Sound goes on." if kind == "video" and self.capture.granted_audio() is not None else ""
            )
            self._tell(Level.WARNING, GONE[kind] + goes_on, _gone(kind))
            if not await self._take_back(kind):
                await self._changed(kind, f"The {WORDS[kind]} was gone.")
        await self.draw()

    async def _on_plugged(self) -> None:
        """A device came or went: take back what was lost."""
        for kind in list(self._lost):
            async with self._changing[kind]:
                await self._take_back(kind)
        await self.draw()

    async def _take_back(self, kind: Kind) -> bool:
        """Use the lost device again; while it is away another of its kind, if there is one. Whether there is one."""
        lost = self._lost.get(kind)
        devices = [one for one in await self._browser.devices() if one.kind == kind]
        if lost is None or not devices or self.capture is None:
            return False
        same = next((one for one in devices if is_same(one.label, lost)), None)
        if same is None and self._granted_label(kind) is not None:
            return True  # another one is used already
        try:
            found = same or devices[0]
            # Only wished for, Chromium gives the default one instead; in the place of what is lost any will do
            how = "exact" if same is not None else "ideal"
            await self._use(kind, {"deviceId": {how: found.id}}, f"The {WORDS[kind]} was gone.")
        except RolltapeError:
            return False  # what is said already stays true: it is gone
        self._tell_used(kind, lost, self._granted_label(kind) or found.label)
        return True

    def _tell_used(self, kind: Kind, lost: str, used: str) -> None:
        word = WORDS[kind]
        if is_same(used, lost):
            self._found(kind)
            self._tell(Level.INFO, f"The {word} was gone and is back: {used or word}.")
        else:
            sentence = f"Another {word} is used: {used}. It goes back to {lost} when that is there again."
            self._tell(Level.WARNING, sentence, _gone(kind))

    def _found(self, kind: Kind) -> None:
        """Nothing of this kind is missed any more."""
        self._lost.pop(kind, None)
        self._document.lift(_gone(kind))

    def _granted_label(self, kind: Kind) -> str | None:
        if self.capture is None:
            return None
        granted = self.capture.granted_video() if kind == "video" else self.capture.granted_audio()
        return granted.label if granted else None

    @property
    def muted(self) -> frozenset[Kind]:
        """What the browser mutes now."""
        return self._muted.kinds

    def look(self) -> None:
        """Tell what the browser mutes, or mutes no more; the page calls it several times a second."""
        capture = self.capture
        if capture is None:
            return
        now_ms = self._browser.now_ms()
        muted = frozenset(kind for kind in KINDS if capture.is_muted(kind))
        stands = self._standing.look(now_ms, capture.pictures(), capture.counts_all_pictures)
        changed = self._muted.look(now_ms, muted, frozenset(("video",)) if stands else frozenset())
        if changed:
            capture.set_aside("video" in self._muted.kinds)
            self._draw_muted()
            self._document.spawn(self._on_muted(changed))
        self._look_at_form(capture)
        video = capture.granted_video()
        if video is not None:
            before, self._size = self._size, (video.width, video.height)
            if before not in (None, self._size):
                self._document.spawn(self.draw())

    def _look_at_form(self, capture: Capture) -> None:
        """A device whose rate or channels change under its track: a file has one form, so that is a new part."""
        granted = capture.granted_audio()
        if granted is None:
            self._form = None
            return
        before, now = self._form, (granted.device_id, granted.sample_rate_hz, granted.channels)
        self._form = now
        if before is not None and before != now and before[0] == now[0]:
            self._document.spawn(
                self._changed("audio", "The microphone has another sample rate or channels.")
            )

    async def _on_muted(self, changed: frozenset[Kind]) -> None:
        """A muted camera is lost until it is back: a recorder would wait for its pictures and hold back the sound.

        A microphone that is muted gives silence; what began while it was records another track in its place.
        """
        if "video" in changed:
            muted = "video" in self._muted.kinds
            if not muted and self._granted_label("video") is None:
                return  # it ended while it was muted, which is told and seen to by itself
            async with self._changing["video"]:
                await self._changed("video", MUTED if muted else UNMUTED)
        if "audio" in changed - self._muted.kinds and self.capture and self.capture.records_silence:
            async with self._changing["audio"]:
                await self._changed("audio", HEARD)
        await self.draw()

    def _draw_muted(self) -> None:
        notice = notice_of(self._muted.kinds)
        for subject in SUBJECTS:
            if notice is None or subject != notice.subject:
                self._document.lift(subject)
        if notice is not None:
            self._document.notify(notice)

    def _warn(self, sentence: str) -> None:
        self._tell(Level.WARNING, sentence)

    def _tell(self, level: Level, sentence: str, subject: str = "") -> None:
        self._document.notify(Notice(level, sentence, subject))


def is_same(label: str, other: str) -> bool:
    """Return True if two names are one device's: Chromium names the default one a second time, “Default - Name”."""
    return not other or label == other or label.endswith(f" - {other}") or other.endswith(f" - {label}")


def _gone(kind: Kind) -> str:
    """The subject of a device that is missed."""
    return f"{WORDS[kind]}-gone"
