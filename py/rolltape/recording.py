"""A recording while it is made: chunks from an engine, through the container's index, into the sinks.

One task, `run`, goes from start to stop; everything else only asks (`stop`, `pause`) or looks (`status`).
No sink waits for another, and the engine waits for none: a chunk is handed to each and acknowledged later.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rolltape import __version__
from rolltape.bitrate import Rates, lossy
from rolltape.codec import AudioCodec, Candidate, Choice, Container, choose, contents, next_choice
from rolltape.errors import EngineError, RolltapeError, SinkError
from rolltape.media.webm import Index, WebmError, WebmStream
from rolltape.media.webm_track import Kind
from rolltape.notice import Level, Notice
from rolltape.shelf import path_of
from rolltape.sinks import Downloads, PatchableSink, Sink, Store
from rolltape.take import Delivery, Part, ShelfState, Take, TakeEvent, TakeState

PART_FILE = "part1"


class Engine(Protocol):
    """What records a stream: a MediaRecorder, or in tests something that hands out known chunks."""

    @property
    def mime_type(self) -> str:
        """What is really written, once started."""

    @property
    def error(self) -> EngineError | None:
        """Why it stopped by itself; None if it was asked to."""

    async def start(self) -> None:
        """Begin. Raises EngineError."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Every chunk in order, until it has stopped."""

    def stop(self) -> None:
        """Ask for the end; `chunks` ends after the last data."""

    def pause(self) -> None:
        """Take nothing in until `resume`."""

    def resume(self) -> None:
        """Go on."""

    def close(self) -> None:
        """Let go of the browser's recorder."""


@dataclass(frozen=True)
class Status:
    """What can be told of a recording right now."""

    state: TakeState
    elapsed_ms: int
    """Time recorded, pauses left out."""
    bytes: int
    """Bytes safely written: acknowledged by the journal, or by the download where there is no journal."""
    fps: float
    """Video frames a second over the last seconds, from the bytes themselves."""
    kbps: float
    """Bits a second over the last seconds, divided by 1000."""


@dataclass(frozen=True)
class Places:
    """Where recordings go; None for what this browser has not got."""

    store: Store | None
    downloads: Downloads | None


@dataclass(frozen=True)
class Plan:
    """How to record: the formats in order, and who makes an engine for one."""

    listed: tuple[Candidate, ...]
    choice: Choice
    rates: Rates
    make_engine: Callable[[str, Rates], Engine]
    is_supported: Callable[[str], bool]


Log = Callable[[Take], Awaitable[None]]
"""Puts a take's present state into the journal. Raises SinkError."""


def plan(
    listed: Sequence[Candidate],
    rates: Rates,
    make_engine: Callable[[str, Rates], Engine],
    is_supported: Callable[[str], bool],
) -> Plan | None:
    """How to record with the first format this browser supports; None if it supports none."""
    choice = choose(listed, is_supported)
    return Plan(tuple(listed), choice, rates, make_engine, is_supported) if choice else None


async def start_engine(wanted: Plan) -> tuple[Engine, Choice]:
    """Start an engine, stepping down the list where one fails although it was called supported.

    Raises EngineError when none starts.
    """
    choice = wanted.choice
    while True:
        rates = wanted.rates if choice.candidate.audio is AudioCodec.PCM else lossy(wanted.rates)
        try:
            engine = wanted.make_engine(choice.candidate.mime_type, rates)
            await engine.start()
            return engine, choice
        except EngineError as error:
            following = next_choice(
                wanted.listed, choice, wanted.is_supported, error.detail or error.sentence
            )
            if following is None:
                raise
            choice = following


class Recording:
    """One take being made."""

    def __init__(
        self,
        take: Take,
        wanted: Plan,
        places: Places,
        log: Log,
        notify: Callable[[Notice], None],
        now_ms: Callable[[], float],
    ) -> None:
        self.take = take
        self._plan = wanted
        self._places = places
        self._log = log
        self._notify = notify
        self._now_ms = now_ms
        self._engine: Engine | None = None
        self._journal: PatchableSink | None = None
        self._download: Sink | None = None
        self._stream: WebmStream | None = None
        self._reported: set[str] = set()
        self._stop_asked = False
        self._began_ms = 0.0
        self._paused_ms = 0.0
        self._paused_at_ms: float | None = None
        self._ended_ms: float | None = None

    @property
    def status(self) -> Status:
        """What is true now."""
        fps, kbps = lately(self._stream.index) if self._stream else (0.0, 0.0)
        return Status(self.take.state, self._elapsed_ms(), self._safe_bytes(), fps, kbps)

    async def run(self) -> Take:
        """Record until stopped; the take as it ended. Errors end up in the take and in a notice."""
        await self._advance(TakeEvent.START_REQUESTED)
        try:
            await self._start()
        except RolltapeError as error:
            await self._fail(TakeEvent.START_FAILED, f"The recording could not start. {error.sentence}")
            return self.take
        assert self._engine is not None
        if self._stop_asked:
            self._engine.stop()
        try:
            async for chunk in self._engine.chunks():
                self._take_in(chunk)
        finally:
            self._ended_ms = self._now_ms()
            self._engine.close()
        await self._finish(self._engine.error)
        return self.take

    async def stop(self) -> None:
        """Ask for the end; asking twice, or before it has begun, is fine."""
        if self._stop_asked or self.take.is_over:
            return
        self._stop_asked = True
        if self._engine is not None and self.take.state is not TakeState.STARTING:
            self._engine.stop()
        await self._advance(TakeEvent.STOP_REQUESTED)

    async def pause(self) -> None:
        """Record nothing until `resume`; the pause is logged, since it closes up in the file."""
        if self.take.state is TakeState.RECORDING and self._engine is not None:
            self._engine.pause()
            self._paused_at_ms = self._now_ms()
            self.take = self.take.with_pause(round(self._paused_at_ms - self._began_ms))
            await self._advance(TakeEvent.PAUSED)

    async def resume(self) -> None:
        """Go on after a pause."""
        if self.take.state is TakeState.PAUSED and self._engine is not None:
            self._engine.resume()
            self._end_pause()
            await self._advance(TakeEvent.RESUMED)

    def check(self) -> None:
        """Tell of sinks that broke or owe an acknowledgement; call it about once a second."""
        for sink in (self._journal, self._download):
            if sink is None:
                continue
            if sink.error is not None:
                self._report(f"{sink.name} broke", Level.WARNING, f"{_LOST[sink.name]} {sink.error.sentence}")
            elif sink.ledger.is_late(self._now_ms()):
                self._report(f"{sink.name} late", Level.WARNING, _LATE[sink.name])
        if self._engine is not None and not self._live_sinks() and not self._stop_asked:
            self._report("no sink", Level.ERROR, "The recording stops: nothing can be written any more.")
            self._engine.stop()

    async def _start(self) -> None:
        await self._open_journal()
        engine, choice = await start_engine(self._plan)
        self._engine = engine
        self._began_ms = self._now_ms()
        for notice in choice.notices:
            if notice not in self._plan.choice.notices:
                self._notify(notice)
        self.take = self.take.with_mime_type(engine.mime_type or choice.candidate.mime_type)
        if contents(self.take.mime_type).container in (Container.WEBM, Container.MATROSKA):
            self._stream = WebmStream(f"Rolltape {__version__}")
        await self._open_download()
        if not self._live_sinks():
            engine.close()
            raise SinkError("This browser gives no place to write it to.")
        await self._advance(TakeEvent.STARTED)

    async def _open_journal(self) -> None:
        if self._places.store is None:
            return
        try:
            self._journal = await self._places.store.create(path_of(self.take, PART_FILE))
        except SinkError as error:
            self._report("journal broke", Level.WARNING, f"{_LOST['journal']} {error.sentence}")

    async def _open_download(self) -> None:
        if self._places.downloads is None:
            return
        kind = contents(self.take.mime_type)
        try:
            self._download = await self._places.downloads.create(
                self.take.id, self.take.name + kind.ending, kind.content_type
            )
        except SinkError as error:
            self._report("download broke", Level.WARNING, f"{_LOST['download']} {error.sentence}")

    def _live_sinks(self) -> list[Sink]:
        return [sink for sink in (self._journal, self._download) if sink is not None and sink.error is None]

    def _take_in(self, chunk: bytes) -> None:
        """Hand one chunk to both sinks; nothing here waits."""
        data = chunk
        if self._stream is not None:
            try:
                data = self._stream.feed(chunk)
            except WebmError as error:
                # What the recorder gives is kept as it is, even where we cannot read it.
                self._report("container", Level.WARNING, f"The recording is kept as it comes: {error}")
                data = self._stream.held
                self._stream = None
        for sink in self._live_sinks():
            sink.write(data)
        if self._stream is not None and self._journal is not None:
            self._journal.patch(self._stream.patches())

    async def _finish(self, error: EngineError | None) -> None:
        if self.take.state in (TakeState.RECORDING, TakeState.PAUSED):
            # It stopped by itself: an encoder's error, or every track ended.
            sentence = error.sentence if error else "Camera and microphone are gone."
            self._report(
                "engine", Level.ERROR, f"The recording has stopped. {sentence} What was recorded is kept."
            )
            self.take = self.take.with_error(sentence)
        if self._paused_at_ms is not None:
            self._end_pause()
        await self._close_download()
        await self._close_journal()
        if self._stream is not None and not self._stream.index.blocks and not self.take.error:
            self._report("empty", Level.WARNING, "Nothing was recorded: camera and microphone gave nothing.")
            self.take = self.take.with_error("Camera and microphone gave nothing.")
        await self._advance(TakeEvent.STOPPED if self.take.parts or self.take.delivered else TakeEvent.FAILED)

    async def _close_download(self) -> None:
        if self._download is None:
            return
        try:
            await self._download.settle()
            self.take = self.take.with_delivery(Delivery.DOWNLOADS)
        except SinkError as error:
            self._report("download broke", Level.WARNING, f"{_LOST['download']} {error.sentence}")
        await self._download.close()

    async def _close_journal(self) -> None:
        if self._journal is None:
            return
        duration_ms = self._elapsed_ms()
        try:
            if self._stream is not None:
                ending = self._stream.finish()
                duration_ms = round(self._stream.index.duration_ms)
                self._journal.write(ending.append)
                self._journal.patch(ending.patches)
            await self._journal.settle()
        except (SinkError, WebmError) as error:
            self._report("journal broke", Level.WARNING, f"{_LOST['journal']} {error}")
        size = await self._journal.close()
        part = Part(1, PART_FILE, size, duration_ms, 0, ShelfState.FINISHED)
        if size:
            self.take = self.take.with_part(part)

    async def _fail(self, event: TakeEvent, sentence: str) -> None:
        self._notify(Notice(Level.ERROR, sentence))
        if self._journal is not None:
            await self._journal.close()
        self.take = self.take.with_error(sentence)
        await self._advance(event)

    async def _advance(self, event: TakeEvent) -> None:
        """Move the take on, then log it: the page shows the new state before the disk has it."""
        self.take = self.take.after(event)
        try:
            await self._log(self.take)
        except SinkError as error:
            self._report(
                "log", Level.WARNING, f"The recording's notes could not be written. {error.sentence}"
            )

    def _report(self, subject: str, level: Level, sentence: str) -> None:
        """Tell once a recording and subject."""
        if subject not in self._reported:
            self._reported.add(subject)
            self._notify(Notice(level, sentence))

    def _end_pause(self) -> None:
        assert self._paused_at_ms is not None
        now_ms = self._ended_ms or self._now_ms()
        self._paused_ms += now_ms - self._paused_at_ms
        self._paused_at_ms = None
        self.take = self.take.with_pause_over(round(now_ms - self._began_ms))

    def _elapsed_ms(self) -> int:
        if not self._began_ms:
            return 0
        until = self._paused_at_ms or self._ended_ms or self._now_ms()
        return round(until - self._began_ms - self._paused_ms)

    def _safe_bytes(self) -> int:
        if self._journal is not None and self._journal.error is None:
            return self._journal.ledger.acknowledged
        return self._download.ledger.acknowledged if self._download is not None else 0


def lately(index: Index) -> tuple[float, float]:
    """Video frames a second, and kbps over all tracks, over the last seconds of a file."""
    tracks = [(track, index.progress(track.number)) for track in index.tracks] if index.blocks else []
    fps = next((progress.fps for track, progress in tracks if track.kind is Kind.VIDEO), 0.0)
    return fps, sum(progress.kbps for _, progress in tracks)


_LOST = {
    "journal": "The crash-proof copy is not written any more; the download goes on.",
    "download": "The file in your Downloads folder is not complete; save the recording from the list below.",
}
_LATE = {
    "journal": "The disk has not confirmed the crash-proof copy for five seconds; the download goes on.",
    "download": "The browser has not taken the download for five seconds. If it asks whether this page may "
    "download files, allow it; the crash-proof copy goes on.",
}
