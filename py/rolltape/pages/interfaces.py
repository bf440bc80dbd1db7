"""What a page needs of the browser beside its document: `browser/` implements it, tests fake it.

One Protocol for each use; a page names the ones that it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Protocol

from rolltape.pages.document import Handler
from rolltape.recording.clock_log import Mark, SoundPath
from rolltape.recording.deck_interfaces import DeckBrowser, Source
from rolltape.recording.engine import Engine
from rolltape.recording.save_permission import SavePermission
from rolltape.recording.sinks import Downloads, Folder, Store
from rolltape.settings.bitrate import Rates
from rolltape.settings.capture_constraints import Constraints, Device, GrantedAudio, GrantedVideo

if TYPE_CHECKING:  # a guest without a room does not wait for these
    from rolltape.arrivals.interfaces import Host, Piece
    from rolltape.room.client import RoomLine
    from rolltape.room.peers import Outgoing, PeerMaker


class ReadableStore(Store, Protocol):
    """The journal, read also while it is written."""

    async def read(self, path: str, at: int, length: int) -> Piece:
        """Read `length` bytes from offset `at`, fewer where the file ends before. Raises SinkError."""


class Capture(Protocol):
    """Camera and microphone, once they were granted; the browser's is `browser/capture.py`.

    A page opens one and gives it to its deck. Devices end or are muted at any time: what is answered holds for now.
    """

    def preview(self) -> object | None:
        """Return the stream that a video element shows of it."""

    def granted_video(self) -> GrantedVideo | None:
        """Settings of the camera's track; None without one, once it has ended, and while it is muted."""

    def granted_audio(self) -> GrantedAudio | None:
        """Settings of the microphone's track, muted or not; None without one, and once it has ended."""

    def is_muted(self, kind: str) -> bool:
        """Return True if the browser mutes the camera (`video`) or microphone (`audio`)."""

    def peak(self) -> float | None:
        """The loudest sample of the last moment, 0 to 1; None without a microphone, and where nobody can tell."""

    def pictures(self) -> int | None:
        """Count of the camera's pictures so far; None without a camera, or if the browser cannot tell."""

    @property
    def counts_all_pictures(self) -> bool:
        """Whether `pictures` counts what the camera gave, and not only what was shown of it."""

    def set_aside(self, aside: bool) -> None:
        """Give recordings no pictures from the next part on, since the camera gives none; or give them again."""

    async def use(self, wish: Constraints) -> None:
        """Ask for devices and use them in the place of those before. Raises DeviceError, Unsupported.

        A recording needs a new part for them. What was there before is released when nothing records it.
        """

    def lose(self, kind: str) -> str:
        """Go on without the camera (`video`) or microphone (`audio`), which has ended; what that was called."""

    def engine(self, mime_type: str, rates: Rates) -> Engine:
        """Make a recorder of what is captured; without a video rate, of the sound alone. Raises EngineError."""

    @property
    def has_silence(self) -> bool:
        """Whether there is silence to record in the place of a microphone that is gone."""

    @property
    def records_silence(self) -> bool:
        """Whether the newest engine records silence in the place of a microphone that was muted, or gone."""

    async def shrink(self, width: int, height: int) -> bool:
        """Have the camera give a picture of this size from now on; whether it is smaller then. Raises nothing."""

    async def buffer_given(self) -> None:
        """Wait until the microphone has just given a buffer, or else the audio graph, 0.2 s at most."""

    def mark(self) -> Mark:
        """The clocks of the sound that there are, read now; of part 0."""

    def sound_path(self) -> SoundPath:
        """Where the sound that is recorded comes from."""

    async def prepare(self) -> None:
        """Let sound flow, before a recording."""

    def send_through(self, outgoing: Outgoing) -> None:
        """Have what is captured now sent to others, apart from what is recorded."""

    async def close(self) -> None:
        """Release camera and microphone."""


class Clocks(Protocol):
    """The page's clocks, and where unexpected things are noted."""

    def now_ms(self) -> float:
        """Read a clock that only goes forward, in milliseconds."""

    def utc_offset_minutes(self) -> int:
        """Return local time minus UTC, in minutes."""

    def log(self, sentence: str) -> None:
        """Write to the browser's log, for those who look for a cause."""


class CaptureDevices(Protocol):
    """Cameras and microphones, and the recorders for them."""

    def now_ms(self) -> float:
        """Read a clock that only goes forward, in milliseconds."""

    def has_recorder(self) -> bool:
        """Return True if this browser can record at all."""

    def can_record(self, mime_type: str) -> bool:
        """Return True if a recorder for this type exists; its start may fail all the same."""

    async def capture(self, wish: Constraints, on_ended: Callable[[str], None]) -> Capture:
        """Ask for camera and microphone. Raises DeviceError, Unsupported."""

    async def devices(self) -> list[Device]:
        """List the cameras and microphones there are; without names before permission was given."""

    def on_devices_changed(self, handler: Handler) -> None:
        """Call the handler when one is plugged in or out."""


class Storage(Protocol):
    """The places that recordings go to, and the room that is left there."""

    async def store(self) -> ReadableStore:
        """Open the journal. Raises Unsupported and PermissionDenied."""

    async def put_back(self) -> bool:
        """Write anew what a power cut took from the journal; whether it took any. Once, before recovery."""

    async def downloads(self) -> Downloads:
        """Open the way into the browser's downloads. Raises Unsupported and PermissionDenied."""

    def downloads_at_end(self) -> Downloads:
        """Make downloads that are held in memory until a recording is over."""

    async def save_permission(self) -> SavePermission:
        """Return whether the browser saves one more file of this page without asking its person."""

    async def space(self) -> tuple[int, int]:
        """Return the bytes used by this page and those left. Raises RolltapeError."""

    async def persist(self) -> bool:
        """Ask the browser to keep what is stored even when the disk runs full; whether it will."""

    def forget(self, address: str) -> None:
        """Free an address that a stored file gave for playing."""


class Folders(Protocol):
    """A folder of the person's own, where the browser can write one."""

    def can_choose_folder(self) -> bool:
        """Return True if the person can choose a folder that the page may write."""

    async def choose_folder(self) -> Folder | None:
        """Have the person, who has just pressed a button, choose one, and remember it; None if they did not."""

    async def remembered_folder(self) -> Folder | None:
        """Return the folder they chose last, allowed or not; None if there is none."""

    async def forget_folder(self) -> None:
        """Remember no folder any more."""


class TabLocks(Protocol):
    """Web Locks: they tell this browser's tabs of one another, and end with the tab that holds them."""

    def log(self, sentence: str) -> None:
        """Write to the browser's log, for those who look for a cause."""

    async def hold(self, take_id: str) -> Callable[[], None]:
        """Mark a take as being recorded by this tab; call the result to let go."""

    async def running(self) -> Collection[str]:
        """Return the ids of the takes that this or another tab is recording now."""


class Memory(Protocol):
    """Texts that are kept: for this tab, or on this machine. Where storage is blocked, nothing is kept."""

    def remember(self, name: str, value: str) -> None:
        """Keep a text until the tab is closed."""

    def remembered(self, name: str) -> str:
        """Return a text that was kept for this tab; empty if none was."""

    def keep(self, name: str, value: str) -> None:
        """Keep a text on this machine, for all tabs and later visits."""

    def kept(self, name: str) -> str:
        """Return a text that was kept on this machine; empty if none was."""


class Calls(Protocol):
    """The room's server, and calls to its members."""

    def room_line(self) -> RoomLine:
        """Make a connection to the room's server; the caller opens and closes it."""

    def outgoing(self) -> Outgoing:
        """Return what is sent to others; it sends nothing yet."""

    def peer_maker(self, outgoing: Outgoing) -> PeerMaker | None:
        """Makes connections that send this; None where the browser makes no calls."""

    def inbound(self, stream: object, name: str) -> Source:
        """Return what arrives from a member of this name as the source of a deck."""


class Surroundings(Protocol):
    """The page's surroundings: how it was opened, whether it is hidden, the battery, the person about to leave."""

    def is_reload(self) -> bool:
        """True if this page was there before: loaded again or gone back to, not opened by an address or a link."""

    def is_hidden(self) -> bool:
        """Return True if the page is not to be seen: another tab is in front, or the window is minimised."""

    async def battery(self) -> tuple[int, bool] | None:
        """Per cent, and whether it is being charged; None: no battery, or the browser does not tell."""

    def on_leaving(self, handler: Callable[[], None]) -> None:
        """Call the handler when the page is closed, reloaded or left; nothing that it waits for happens any more."""


class Navigation(Protocol):
    """The page's address and the way to others."""

    def go(self, address: str) -> None:
        """Leave for another address of this page's: its query and fragment."""

    def reload(self) -> None:
        """Open the page anew."""

    async def has_rooms(self) -> bool:
        """Ask whether this page was served by a server that has rooms. Never raises."""

    def page_address(self) -> str:
        """Return the page's own address, without query and fragment."""

    def set_fragment(self, fragment: str) -> None:
        """Put this behind the address, without a step in its history."""

    async def copy(self, text: str) -> None:
        """Put a text on the clipboard."""


class Extras(Protocol):
    """Capabilities that few pages need."""

    async def load_library(self, name: str) -> None:
        """Have a Python library of ours that is not loaded from the start. Raises Unsupported."""

    def save_text(self, name: str, text: str, content_type: str) -> None:
        """Have a text saved into the person's downloads."""

    def beep(self, hertz: float) -> None:
        """Play a short tone, where the browser lets the page be heard."""


class Uploading(Protocol):
    """The way to a host that keeps takes."""

    def upload_host(self) -> Host:
        """Requests to the host, made beside the page; nothing is loaded before the first."""

    def on_online(self, handler: Callable[[], None]) -> None:
        """Call the handler when the machine has a network again."""

    def hand_over(self, message: str) -> None:
        """Give the service worker, which outlives the page, something to do (a JSON text)."""


class Browser(
    DeckBrowser,
    Clocks,
    CaptureDevices,
    Storage,
    Folders,
    TabLocks,
    Memory,
    Calls,
    Surroundings,
    Navigation,
    Uploading,
    Extras,
    Protocol,
):
    """All that pages ask of the browser; a page that needs less takes one of the parts."""
