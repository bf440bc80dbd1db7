"""Where one part's bytes go: the journal, and a folder or the downloads.

No sink waits for another: each is written beside the others, and made whole and closed beside them, whatever becomes
of the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from rolltape.core.errors import NotTaken, RolltapeError
from rolltape.core.notice import Level
from rolltape.media.ending import Ending, Patch
from rolltape.recording.recovery import mend
from rolltape.recording.sinks import Downloads, DownloadSink, FolderChoice, PatchableSink, Sink, Store
from rolltape.recording.take import Delivery
from rolltape.recording.take_notices import PartNotices
from rolltape.settings.codec import Container, contents

SAVE = " Save the recording from the list below when it is finished."
OPEN_TIMEOUT_S = 10.0
"""Of a folder, which may lie on a network, and of a download. The journal's worker has a bound of its own."""
END_TIMEOUT_S = 90.0
"""No sink takes longer to be made whole, nor to close; a folder's has 60 s of its own."""

_Sink = TypeVar("_Sink", bound=Sink)


@dataclass(frozen=True)
class _PlaceWords:
    """The sentences about one place, by what became of it."""

    lost: str
    late: str
    not_opened: str
    goes_on: str
    """Said behind another one's."""


_WORDS = {
    "journal": _PlaceWords(
        lost="The crash-proof copy is not written any more.",
        late="The disk has not confirmed the crash-proof copy for five seconds.",
        not_opened="No crash-proof copy is written; the recording goes on without.",
        goes_on=" The crash-proof copy goes on.",
    ),
    "download": _PlaceWords(
        lost="The file in your Downloads folder is not complete.",
        late="The browser has not taken the download for five seconds. If it asks whether this page may "
        "download files, allow it.",
        not_opened="No file grows in your Downloads folder.",
        goes_on=" The download goes on.",
    ),
    "folder": _PlaceWords(
        lost="The file in the folder you chose is not complete.",
        late="The folder you chose has taken nothing for five seconds.",
        not_opened="Nothing of this goes to the folder you chose.",
        goes_on=" The file in the folder you chose goes on.",
    ),
}
"""By the name of the place's sink."""


@dataclass(frozen=True)
class Places:
    """The places that recordings go to; None for what this browser has not got."""

    store: Store | None
    downloads: Downloads | None
    folder: FolderChoice | None = None
    """Where one is chosen, it is written instead of the downloads."""


@dataclass(frozen=True)
class PartName:
    """Names of one part, in the journal and outside."""

    number: int
    take_id: str
    stem: str
    """The download's file name without its ending."""
    folder: str
    """The take's folder in the journal."""

    @property
    def file(self) -> str:
        """Its name in the take's folder of the journal."""
        return f"part{self.number}"

    @property
    def path(self) -> str:
        """Path in the journal."""
        return f"{self.folder}/{self.file}"

    @property
    def download_id(self) -> str:
        """Id of the download in the service worker."""
        return f"{self.take_id}-{self.number}"


@dataclass(frozen=True)
class Growing:
    """A part's file in the journal while it is written, for whoever reads it meanwhile."""

    number: int
    path: str
    mime_type: str
    head: int
    """As `ContainerStream.head`."""
    stable: int
    """As `ContainerStream.stable`."""


@dataclass(frozen=True)
class PartEnd:
    """Outcome of a part's sinks: size in the journal, place of delivery, whether the journal's copy ends early."""

    size: int
    """Bytes in the journal."""
    delivery: Delivery | None
    """The place outside this browser's storage that holds the whole of it."""
    holds_something: bool
    """Whether any place has taken a byte."""
    ends_early: bool = False
    """Whether the journal's copy lacks the end."""
    duration_ms: int | None = None
    """How long the journal's copy is, where that was cut."""


class PartSinks:
    """The sinks of one part; what goes wrong with any of them is told to `notices`."""

    def __init__(self, name: PartName, notices: PartNotices, now_ms: Callable[[], float]) -> None:
        self._name = name
        self._notices = notices
        self._lost: set[str] = set()
        """The places whose loss was told."""
        self._now_ms = now_ms
        self._store: Store | None = None
        self._journal: PatchableSink | None = None
        self._folder: PatchableSink | None = None
        self._download: DownloadSink | None = None
        self._ends_early = False

    async def open_journal(self, store: Store | None) -> None:
        """Open the journal's file, where there is a journal; what does not open is told."""
        self._store = store
        if store is not None:
            self._journal = await self._opened("journal", store.create(self._name.path))

    async def open_outside(self, places: Places, mime_type: str) -> None:
        """Begin the file in the folder or the download, named after what is written; what does not open is told."""
        kind = contents(mime_type)
        name = self._name.stem + kind.ending
        if places.folder is not None and places.folder.folder is not None:
            self._folder = await self._opened("folder", _soon(places.folder.folder.create(name)))
        if places.downloads is not None and self._folder is None:
            creating = places.downloads.create(self._name.download_id, name, kind.content_type)
            self._download = await self._opened("download", _soon(creating))

    async def _opened(self, name: str, opening: Awaitable[_Sink]) -> _Sink | None:
        try:
            return await opening
        except Exception as error:  # one place less is no reason not to record
            self._lost.add(name)
            # Where the folder does not open, the download is begun.
            instead = self._to_save() if name == "download" else ""
            self._notices.tell(Level.WARNING, f"{_WORDS[name].not_opened}{instead} {sentence_of(error)}")
            return None

    def _to_save(self) -> str:
        """What to do where the file outside is not whole: there is one to be saved while the journal is written."""
        return SAVE if self.has_journal else ""

    def _goes_on(self, name: str) -> str:
        """Say what is written all the same, and in time, where this place is not."""
        now_ms = self._now_ms()
        others = [one for one in self.live() if one.name != name and not one.ledger.is_late(now_ms)]
        return "".join(_WORDS[one.name].goes_on for one in others)

    def _tell_lost(self, name: str, error: Exception) -> None:
        """Tell it once a part; the next part has another file there."""
        if name in self._lost:
            return
        self._lost.add(name)
        lost = ""
        if not isinstance(error, NotTaken):  # what was not taken is no file that could be incomplete
            instead = self._goes_on(name) if name == "journal" else self._to_save()
            lost = f"{_WORDS[name].lost}{instead} "
        self._notices.tell(Level.WARNING, f"{lost}{sentence_of(error)}")

    @property
    def safe_bytes(self) -> int:
        """Bytes acknowledged by the journal, or by the download where there is no journal."""
        if self._journal is not None and self._journal.error is None:
            return self._journal.ledger.acknowledged
        outside = self._folder or self._download
        return outside.ledger.acknowledged if outside is not None else 0

    @property
    def has_journal(self) -> bool:
        """True while all that is handed over goes into the journal."""
        return self._journal is not None and self._journal.error is None

    def _all(self) -> list[Sink]:
        return [sink for sink in (self._journal, self._folder, self._download) if sink is not None]

    def live(self) -> list[Sink]:
        """Return the sinks that still take bytes."""
        return [sink for sink in self._all() if sink.error is None]

    def broken(self) -> list[str]:
        """Return the sentences about why sinks broke, each once."""
        return list(dict.fromkeys(sink.error.sentence for sink in self._all() if sink.error is not None))

    def check(self) -> None:
        """Tell of sinks that broke, and of those that owe an acknowledgement for as long as they do."""
        for sink in self._all():
            if sink.error is not None:
                self._tell_lost(sink.name, sink.error)
            if sink.error is None and sink.ledger.is_late(self._now_ms()):
                late = _WORDS[sink.name].late + self._goes_on(sink.name)
                self._notices.hold(f"{sink.name}-late", Level.WARNING, late)
            else:
                self._notices.over(f"{sink.name}-late")

    def write(self, data: bytes, patches: Sequence[Patch]) -> None:
        """Hand bytes to each place, and what is to be put right in what it holds; nothing here waits."""
        for sink in self.live():
            sink.write(data)
        for file in (self._journal, self._folder):
            if file is not None:
                file.patch(patches)

    async def finish(self, ending: Ending, container: Container, is_empty: bool, clock: str = "") -> PartEnd:
        """Make every place whole and close it; `is_empty` where nothing that could be played was written.

        What goes wrong is told. A journal's copy that lacks the end is cut at its last whole block, and has `clock`,
        what is known of its clocks.
        """
        size, delivery = await asyncio.gather(
            self._close_journal(ending), self._close_outside(ending, is_empty)
        )
        taken = any(one.ledger.acknowledged for one in self._all())
        end = PartEnd(size, delivery, bool(size or delivery or taken), self._ends_early)
        return await self._mended(end, container, clock) if self._ends_early and not is_empty else end

    async def _close_journal(self, ending: Ending) -> int:
        """Make the file seekable and close it; its size in bytes."""
        if self._journal is None:
            return 0
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                await _complete(self._journal, ending)
        except Exception as error:
            self._tell_lost("journal", error)
            self._ends_early = True
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                return await self._journal.close()
        except Exception as error:
            sentence = f"The browser does not let go of the crash-proof copy. {sentence_of(error)}"
            self._notices.tell(Level.WARNING, sentence)
            return self._journal.ledger.acknowledged

    async def _close_outside(self, ending: Ending, is_empty: bool) -> Delivery | None:
        """Close what lies outside this browser's storage; the place that holds the whole of it now."""
        if self._folder is not None:
            return await self._close_folder(self._folder, ending, is_empty)
        if self._download is not None:
            return await self._close_download(self._download, is_empty)
        return None

    async def _close_folder(self, folder: PatchableSink, ending: Ending, is_empty: bool) -> Delivery | None:
        """The file is not there before it is closed; one that broke takes itself away then."""
        whole = await self._ended("folder", _complete(folder, ending))
        closed = await self._ended("folder", folder.close())
        return Delivery.FOLDER if whole and closed and not is_empty else None

    async def _close_download(self, download: DownloadSink, is_empty: bool) -> Delivery | None:
        """A download that holds nothing is broken off: an empty file would look like a recording."""
        if is_empty:
            await self._ended("download", download.abandon())
            return None
        whole = await self._ended("download", download.settle())
        closed = await self._ended("download", download.close())
        return Delivery.DOWNLOADS if whole and closed and download.ledger.acknowledged else None

    async def _ended(self, name: str, ending: Awaitable[object]) -> bool:
        """True if a step of a sink's end came about; if not, that is told."""
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                await ending
        except Exception as error:
            self._tell_lost(name, error)
            return False
        return True

    async def close_unused(self) -> None:
        """Close what was opened for a part that does not come about."""
        for sink in (self._journal, self._folder):
            if sink is not None:
                await self._ended(sink.name, sink.close())
        if self._download is not None:
            await self._ended("download", self._download.abandon())

    async def _mended(self, torn: PartEnd, container: Container, clock: str) -> PartEnd:
        """The journal took no more at some place: what it has is cut at its last whole block and finished."""
        assert self._store is not None
        try:
            mended = await mend(self._store, self._name.path, container, clock)
        except Exception as error:  # it is kept as it is, and finished at the next visit
            sentence = f"The crash-proof copy is not seekable yet. {sentence_of(error)}"
            self._notices.tell(Level.WARNING, sentence)
            return torn
        if mended is None:
            return replace(torn, size=0)
        return replace(torn, size=mended.size, duration_ms=mended.duration_ms)


async def _soon(opening: Awaitable[_Sink]) -> _Sink:
    """What opens, if it does in time: nothing is recorded meanwhile. Raises TimeoutError."""
    async with asyncio.timeout(OPEN_TIMEOUT_S):
        return await opening


async def _complete(file: PatchableSink, ending: Ending) -> None:
    """Write what makes a file whole and seekable. Raises SinkError."""
    await file.settle()
    if ending.truncate_to is not None:
        await file.truncate(ending.truncate_to)
    file.write(ending.append)
    file.patch(ending.patches)
    await file.settle()


def sentence_of(error: Exception) -> str:
    """Return a sentence for people about an exception: its own, or else what the browser said."""
    if isinstance(error, RolltapeError):
        return error.sentence
    if isinstance(error, TimeoutError):
        return "The browser did not answer in time."
    return f"({type(error).__name__}: {error})"
