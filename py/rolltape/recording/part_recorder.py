"""One part of a take while it is made: an engine's chunks, through the container, into both sinks.

No sink waits for another, and the engine waits for none: a chunk is handed to each and acknowledged later. However
the engine ends, the part ends; however a sink ends, the others are made whole and closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from rolltape.core.errors import EngineError, RolltapeError, SinkError
from rolltape.core.notice import Level
from rolltape.media.webm import Ending
from rolltape.recording.container import NOTHING, ContainerStream, stream_for
from rolltape.recording.engine import Engine, Plan, as_engine_error, start_engine
from rolltape.recording.pause_clock import PauseClock
from rolltape.recording.recovery import mend
from rolltape.recording.sinks import Downloads, DownloadSink, FolderChoice, PatchableSink, Sink, Store
from rolltape.recording.take import Delivery, Part, ShelfState
from rolltape.recording.throughput import Rate, Throughput
from rolltape.settings.codec import Container, contents

Report = Callable[[str, Level, str], None]
"""Tells a person of trouble: its subject (told once a recording and subject), how serious, a sentence."""

LOST = {
    "journal": "The crash-proof copy is not written any more; the download goes on.",
    "download": "The file in your Downloads folder is not complete; save the recording from the list below.",
    "folder": "The file in the folder you chose is not complete; save the recording from the list below.",
}
LATE = {
    "journal": "The disk has not confirmed the crash-proof copy for five seconds; the download goes on.",
    "download": "The browser has not taken the download for five seconds. If it asks whether this page may "
    "download files, allow it; the crash-proof copy goes on.",
    "folder": "The folder you chose has taken nothing for five seconds; the crash-proof copy goes on.",
}

QUIET_AFTER_MS = 2000.0
"""A recorder that delivers every half second and then nothing for this long withholds what it records (quirk 1)."""
QUIET_AFTER_MP4_MS = 8000.0
"""MP4 is delivered at key frames only, which are two seconds apart."""
EMPTY_AFTER_MS = 4000.0
"""The same for the first chunk of all: encoders begin slowly on a busy machine, and another format is a loss."""
EMPTY_AFTER_MP4_MS = 7000.0
"""Within ten seconds another format is recorded."""
NOTHING_AFTER_MS = 3000.0
"""A person is told of a part that has nothing after this time."""
BLOCKED_AFTER_MS = 1500.0
"""Where looks are further apart than this, the page itself was held up, and chunks may be waiting."""
STOP_PATIENCE_S = 30.0
"""A recorder that was asked to stop and has delivered nothing for this long will not end by itself."""
END_TIMEOUT_S = 90.0
"""No sink takes longer to be made whole, nor to close; a folder's has 60 s of its own."""

_Sink = TypeVar("_Sink", bound=Sink)


@dataclass(frozen=True)
class Places:
    """Where recordings go; None for what this browser has not got."""

    store: Store | None
    downloads: Downloads | None
    folder: FolderChoice | None = None
    """Where one is chosen, it is written instead of the downloads."""


@dataclass(frozen=True)
class PartName:
    """What one part is called, wherever it goes."""

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
        """Where it lies in the journal."""
        return f"{self.folder}/{self.file}"

    @property
    def download_id(self) -> str:
        """What the download is called on its way to the browser."""
        return f"{self.take_id}-{self.number}"


class PartRecorder:
    """A part being made: `open`, then `run` beside everything else, then `finish`; after a failed `open`, nothing."""

    def __init__(
        self,
        name: PartName,
        reason: str,
        report: Report,
        now_ms: Callable[[], float],
        pauses: PauseClock,
        wanted: Plan,
    ) -> None:
        self.name = name
        self.reason = reason
        self.plan = wanted
        """How it is recorded; begins with the format that started."""
        self.mime_type = ""
        self.started_ms = 0.0
        """When its file's time began, by the clock `now_ms`; known best once it holds something of every track."""
        self.ended_ms: float | None = None
        self.error: EngineError | None = None
        """Why the engine stopped by itself; None if it was asked to, or if every track ended."""
        self.ends_early = False
        """Whether the journal's copy lacks the end."""
        self.flowing = asyncio.Event()
        """Set once the file holds something of every track, and when it is over."""
        self.over = asyncio.Event()
        """Set when no chunk comes any more."""
        self._report = report
        self._now_ms = now_ms
        self._pauses = pauses
        self._engine: Engine | None = None
        self._stream: ContainerStream = stream_for(contents("").container)
        self._store: Store | None = None
        self._journal: PatchableSink | None = None
        self._folder: PatchableSink | None = None
        self._download: DownloadSink | None = None
        self._patience: asyncio.Timeout | None = None
        """What the next chunk is waited for with."""
        self._heard_ms = 0.0
        self._looked_ms = 0.0
        self._throughput = Throughput()
        self._came = 0
        self.stop_asked = False

    async def open(self, places: Places, is_wanted: Callable[[], bool] = lambda: True) -> None:
        """Open the sinks and start the engine.

        Raises RolltapeError, whatever the browser raised; nothing is left open then, nor when this is cancelled.
        """
        try:
            await self._open_journal(places.store)
            self._engine, self.plan = await start_engine(self.plan, is_wanted)
            self._heard_ms = self._looked_ms = self._now_ms()
            self.started_ms = self._engine.began_ms(None) or self._now_ms()
            self.mime_type = self._engine.mime_type or self.plan.choice.candidate.mime_type
            self._stream = stream_for(contents(self.mime_type).container)
            await self._open_folder(places.folder)
            await self._open_download(places.downloads)
            if not self.live_sinks():
                raise SinkError("This browser gives no place to write it to.")
        except BaseException as error:
            self._over()
            await self._close_unused()
            if isinstance(error, Exception) and not isinstance(error, RolltapeError):
                raise as_engine_error(error) from error
            raise

    async def run(self) -> None:
        """Write every chunk until the engine has stopped, in whatever way: `error` tells; nothing is raised."""
        assert self._engine is not None
        try:
            chunks = aiter(self._engine.chunks())
            while (chunk := await self._next(chunks)) is not None:
                self._take_in(chunk)
            self.error = self._engine.error
        except Exception as error:
            self.error = as_engine_error(error)
        finally:
            self._over()

    async def _next(self, chunks: AsyncIterator[bytes]) -> bytes | None:
        """The next chunk; None after the last. Raises EngineError where the engine was asked to stop and does not."""
        try:
            async with asyncio.timeout(STOP_PATIENCE_S if self.stop_asked else None) as self._patience:
                return await anext(chunks)
        except StopAsyncIteration:
            return None
        except TimeoutError:
            if self._patience is not None and self._patience.expired():
                raise EngineError("The browser's recorder did not stop when it was asked to.") from None
            raise

    def _over(self) -> None:
        """The engine has ended, or is to end now."""
        if self.ended_ms is None:
            self.ended_ms = self._now_ms()
        self.flowing.set()
        self.over.set()
        if self._engine is not None:
            self._asked(self._engine.close)

    def _asked(self, what: Callable[[], None]) -> bool:
        """Ask something of the engine; whether it took it. What it raises is told, and does not end anything else."""
        try:
            what()
        except Exception as error:
            self._report("engine asked", Level.WARNING, f"The recorder does not obey. {_sentence(error)}")
            return False
        return True

    def stop(self) -> None:
        """Ask for the end; asking twice is fine."""
        if self.stop_asked or self._engine is None:
            return
        self.stop_asked = True
        patience_s = STOP_PATIENCE_S if self._asked(self._engine.stop) else 0.0
        if self._patience is not None and self.ended_ms is None:
            self._patience.reschedule(asyncio.get_running_loop().time() + patience_s)

    def pause(self) -> None:
        """Take nothing in until `resume`."""
        if self._engine is not None:
            self._asked(self._engine.pause)

    def resume(self) -> None:
        """Go on."""
        if self._engine is not None:
            self._asked(self._engine.resume)
            self._heard_ms = self._now_ms()
            self._throughput.restart()

    def quiet_ms(self) -> float:
        """For how long the engine has delivered nothing; look about once a second.

        0 while it need not: it is paused, stopped or over, or the page itself was held up and chunks may be waiting.
        """
        now_ms = self._now_ms()
        if now_ms - self._looked_ms > BLOCKED_AFTER_MS:
            self._heard_ms = now_ms
        self._looked_ms = now_ms
        if self.stop_asked or self._pauses.is_paused or self.ended_ms is not None:
            return 0.0
        return now_ms - self._heard_ms

    @property
    def patience_ms(self) -> float:
        """For how long the engine may deliver nothing, by its format and whether it ever has."""
        is_mp4 = contents(self.mime_type).container is Container.MP4
        if self._stream.is_empty:
            return EMPTY_AFTER_MP4_MS if is_mp4 else EMPTY_AFTER_MS
        return QUIET_AFTER_MP4_MS if is_mp4 else QUIET_AFTER_MS

    @property
    def stream(self) -> ContainerStream:
        """What is known of the bytes so far."""
        return self._stream

    @property
    def rate(self) -> Rate:
        """What came lately."""
        return self._throughput.rate(self._now_ms())

    @property
    def recorded_ms(self) -> float:
        """For how long it has been recording, pauses left out."""
        return self._pauses.recorded_ms(self.started_ms, self.ended_ms or self._now_ms())

    @property
    def media_end_ms(self) -> float:
        """When its last sample was taken, by the clock."""
        return self._by_the_clock(self._stream.duration_ms)

    @property
    def whole_until_ms(self) -> float:
        """Until when it has both picture and sound, by the clock."""
        return self._by_the_clock(self._stream.whole_until_ms)

    def _by_the_clock(self, in_file_ms: float | None) -> float:
        """A moment of the file by the clock; its end where the container does not tell."""
        if in_file_ms is None:
            return self.ended_ms or self._now_ms()
        return self._pauses.moment_ms(self.started_ms, in_file_ms)

    @property
    def safe_bytes(self) -> int:
        """Bytes acknowledged by the journal, or by the download where there is no journal."""
        if self._journal is not None and self._journal.error is None:
            return self._journal.ledger.acknowledged
        outside = self._folder or self._download
        return outside.ledger.acknowledged if outside is not None else 0

    def _sinks(self) -> list[Sink]:
        return [sink for sink in (self._journal, self._folder, self._download) if sink is not None]

    def live_sinks(self) -> list[Sink]:
        """The sinks that still take bytes."""
        return [sink for sink in self._sinks() if sink.error is None]

    def broken(self) -> list[str]:
        """Why the sinks that broke did, each sentence once."""
        return list(dict.fromkeys(sink.error.sentence for sink in self._sinks() if sink.error is not None))

    def check(self) -> None:
        """Tell of sinks that broke or owe an acknowledgement."""
        for sink in self._sinks():
            if sink.error is not None:
                self._report(f"{sink.name} broke", Level.WARNING, f"{LOST[sink.name]} {sink.error.sentence}")
            elif sink.ledger.is_late(self._now_ms()):
                self._report(f"{sink.name} late", Level.WARNING, LATE[sink.name])

    async def finish(self) -> Part | None:
        """Close every sink, files made seekable; what has become of the part, None if it holds nothing.

        No sink's end waits for another's, and none keeps another from its own: what goes wrong is told.
        """
        ending = self._ending()
        size, delivery = await asyncio.gather(self._close_journal(ending), self._close_outside(ending))
        if self._stream.is_empty or not (
            size or delivery or any(one.ledger.acknowledged for one in self._sinks())
        ):
            return None
        finished = replace(self.described(size, ShelfState.FINISHED), delivered=delivery)
        return await self._mended(finished) if self.ends_early else finished

    def described(self, size: int, state: ShelfState) -> Part:
        """What is known of it; times on the take's clock are the recording's to add."""
        duration = self._stream.duration_ms
        return Part(
            number=self.name.number,
            file=self.name.file,
            bytes=size,
            duration_ms=max(0, round(self.recorded_ms if duration is None else duration)),
            mime_type=self.mime_type,
            reason=self.reason,
            state=state,
        )

    async def _open_journal(self, store: Store | None) -> None:
        self._store = store
        if store is not None:
            self._journal = await self._opened("journal", store.create(self.name.path))

    async def _open_folder(self, choice: FolderChoice | None) -> None:
        if choice is not None and choice.folder is not None:
            name = self.name.stem + contents(self.mime_type).ending
            self._folder = await self._opened("folder", choice.folder.create(name))

    async def _open_download(self, downloads: Downloads | None) -> None:
        kind = contents(self.mime_type)
        if downloads is not None and self._folder is None:
            name = self.name.stem + kind.ending
            self._download = await self._opened(
                "download", downloads.create(self.name.download_id, name, kind.content_type)
            )

    async def _opened(self, name: str, opening: Awaitable[_Sink]) -> _Sink | None:
        try:
            return await opening
        except Exception as error:  # one place less is no reason not to record
            self._tell_lost(name, error)
            return None

    def _tell_lost(self, name: str, error: Exception) -> None:
        self._report(f"{name} broke", Level.WARNING, f"{LOST[name]} {_sentence(error)}")

    def _take_in(self, chunk: bytes) -> None:
        """Hand one chunk to both sinks; nothing here waits."""
        self._heard_ms = self._now_ms()
        data = self._stream.feed(chunk)
        self._came += len(chunk)
        self._throughput.note(self._heard_ms, self._stream.pictures, self._came)
        if self._stream.problem:
            sentence = f"The recording is kept as it comes: {self._stream.problem}"
            self._report("container", Level.WARNING, sentence)
        for sink in self.live_sinks():
            sink.write(data)
        patches = self._stream.patches()
        for file in (self._journal, self._folder):
            if file is not None:
                file.patch(patches)
        if self._stream.has_media and not self.flowing.is_set():
            self._date()
            self.flowing.set()

    def _date(self) -> None:
        """Say when the file's time began, as the engine knows it now."""
        assert self._engine is not None
        self.started_ms = self._engine.began_ms(self._stream.first_picture_ms) or self.started_ms

    def _ending(self) -> Ending:
        try:
            return self._stream.finish()
        except Exception as error:  # what was written stays; it is only not seekable
            self._report("container", Level.WARNING, f"The recording is kept as it came: {_sentence(error)}")
            return NOTHING

    async def _close_journal(self, ending: Ending) -> int:
        """Make the file seekable and close it; its size in bytes."""
        if self._journal is None:
            return 0
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                await _complete(self._journal, ending)
        except Exception as error:
            self._tell_lost("journal", error)
            self.ends_early = True
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                return await self._journal.close()
        except Exception as error:
            sentence = f"The browser does not let go of the crash-proof copy. {_sentence(error)}"
            self._report("journal open", Level.WARNING, sentence)
            return self._journal.ledger.acknowledged

    async def _close_outside(self, ending: Ending) -> Delivery | None:
        """Close what lies outside this browser's storage; the place that holds the whole of it now."""
        if self._folder is not None:
            return await self._close_folder(self._folder, ending)
        if self._download is not None:
            return await self._close_download(self._download)
        return None

    async def _close_folder(self, folder: PatchableSink, ending: Ending) -> Delivery | None:
        """The file is not there before it is closed; one that broke takes itself away then."""
        whole = await self._ended("folder", _complete(folder, ending))
        closed = await self._ended("folder", folder.close())
        return Delivery.FOLDER if whole and closed and not self._stream.is_empty else None

    async def _close_download(self, download: DownloadSink) -> Delivery | None:
        """A download that holds nothing is broken off: an empty file would look like a recording."""
        if self._stream.is_empty:
            await self._ended("download", download.abandon())
            return None
        whole = await self._ended("download", download.settle())
        closed = await self._ended("download", download.close())
        return Delivery.DOWNLOADS if whole and closed and download.ledger.acknowledged else None

    async def _ended(self, name: str, ending: Awaitable[object]) -> bool:
        """Whether a step of a sink's end came about; if not, that is told."""
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                await ending
        except Exception as error:
            self._tell_lost(name, error)
            return False
        return True

    async def _close_unused(self) -> None:
        """Close what was opened for a part that does not come about."""
        for sink in (self._journal, self._folder):
            if sink is not None:
                await self._ended(sink.name, sink.close())
        if self._download is not None:
            await self._ended("download", self._download.abandon())

    async def _mended(self, broken: Part) -> Part:
        """The journal took no more at some place: what it has is cut at its last whole block and finished."""
        assert self._store is not None
        try:
            mended = await mend(self._store, self.name.path, contents(self.mime_type).container)
        except Exception as error:  # it is kept as it is, and finished at the next visit
            self._report(
                "mending", Level.WARNING, f"The crash-proof copy is not seekable yet. {_sentence(error)}"
            )
            return broken
        if mended is None:
            return replace(broken, bytes=0)
        return replace(broken, bytes=mended.size, duration_ms=mended.duration_ms)


async def _complete(file: PatchableSink, ending: Ending) -> None:
    """Write what makes a file whole and seekable. Raises SinkError."""
    await file.settle()
    if ending.truncate_to is not None:
        await file.truncate(ending.truncate_to)
    file.write(ending.append)
    file.patch(ending.patches)
    await file.settle()


def _sentence(error: Exception) -> str:
    """What went wrong with a sink, for people: its own sentence, or what the browser said."""
    if isinstance(error, RolltapeError):
        return error.sentence
    if isinstance(error, TimeoutError):
        return "The browser did not answer in time."
    return f"({type(error).__name__}: {error})"
